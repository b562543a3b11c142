"""Workloads: pods, and everything that stands for pods, with the proxy that serves them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.injection import ENABLED, REVISION, is_by_default
from meshlint.mesh.services import Host, HostPort
from meshlint.resources.base import Labels, Resource, selects
from meshlint.resources.record import Record
from meshlint.resources.service_entry import WorkloadEntrySpec
from meshlint.resources.workload import Container, ContainerPort, ControllerSpec, CronJobSpec, PodSpec, PodTemplate


class Proxy(Enum):
    """Which proxy handles a workload's traffic."""

    SIDECAR = "sidecar"
    GATEWAY = "gateway"
    AMBIENT = "ambient"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, eq=False)
class Workload:
    """Pods that are alike. `container_ports` are the declared ones by name, unnamed under their number.

    `proxy` is UNKNOWN where the input does not show the namespace's labels. `is_assumed` marks what comes with
    Istio's default install and not from the input. `udp_ports` are those declared ports that are UDP only.
    """

    resource: Resource[Record]
    namespace: str
    name: str
    labels: Labels
    annotations: Labels
    service_account: str
    container_ports: Mapping[str, int]
    proxy: Proxy
    is_assumed: bool = False
    udp_ports: frozenset[int] = frozenset()
    pod_spec: PodSpec | None = None

    @property
    def containers(self) -> tuple[Container, ...]:
        """The pods' containers as written, those first that run before the others."""
        spec = self.pod_spec
        return (*spec.init_containers, *spec.containers) if spec is not None else ()

    @property
    def principal(self) -> str:
        """The identity without trust domain: `ns/NAMESPACE/sa/ACCOUNT` (S163)."""
        return f"ns/{self.namespace}/sa/{self.service_account}"


def workloads(
    resources: Iterable[Resource[Record]], namespaces: Mapping[str, Labels], *, is_assumed: bool = False
) -> Iterator[Workload]:
    """The workloads of *resources*; *namespaces* gives the labels of those the input shows."""
    given = tuple(resources)
    revisions, by_default = installed(given), is_by_default(given)
    for resource in given:
        if isinstance(resource.spec, WorkloadEntrySpec):
            yield _entry(resource, resource.spec)
            continue
        template = _template(resource)
        if template is not None:
            proxy = _proxy(template, resource.namespace, namespaces.get(resource.namespace), revisions)
            if proxy is Proxy.NONE and by_default and _is_left_to_default(template, resource.namespace, namespaces):
                proxy = Proxy.SIDECAR
            yield _workload(resource, template, proxy, is_assumed=is_assumed)


def target_port(port: HostPort, workload: Workload) -> int | None:
    """The port of the workload's pods that a host's port leads to; None for a name that no container declares."""
    if port.target is None:
        return port.number
    if isinstance(port.target, int):
        return port.target or port.number
    if port.target.isdigit():
        return int(port.target)
    return workload.container_ports.get(port.target)


def serves(host: Host, workload: Workload) -> bool:
    """Whether the workload's pods are endpoints of the host."""
    if host.selector is None or workload.namespace != host.namespace:
        return False
    return selects(host.selector, workload.labels)


def unlike(workloads: Iterable[Workload]) -> tuple[Workload, ...]:
    """One workload of each kind, where those with the same place, labels and identity are alike to their clients."""
    found: dict[tuple[str, tuple[tuple[str, str], ...], str], Workload] = {}
    for one in workloads:
        found.setdefault((one.namespace, tuple(sorted(one.labels.items())), one.service_account), one)
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Pods:
    """What pods are made of, whichever kind makes them."""

    labels: Labels
    annotations: Labels
    spec: PodSpec | None

    @property
    def containers(self) -> tuple[Container, ...]:
        return (*self.spec.containers, *self.spec.init_containers) if self.spec is not None else ()


def _template(resource: Resource[Record]) -> _Pods | None:
    spec = resource.spec
    if isinstance(spec, PodSpec):
        return _Pods(resource.metadata.labels, resource.metadata.annotations, spec)
    if isinstance(spec, CronJobSpec):
        job = spec.job_template.spec if spec.job_template is not None else None
        return _of_template(job.template if job is not None else None)
    if isinstance(spec, ControllerSpec):
        return _of_template(spec.template)
    return None


def _of_template(template: PodTemplate | None) -> _Pods | None:
    if template is None:
        return None
    meta = template.metadata
    return _Pods(meta.labels if meta else {}, meta.annotations if meta else {}, template.spec)


def _workload(resource: Resource[Record], pods: _Pods, proxy: Proxy, *, is_assumed: bool) -> Workload:
    declared = [port for container in pods.containers for port in container.ports]
    return Workload(
        resource=resource,
        namespace=resource.namespace,
        name=resource.name,
        labels=pods.labels,
        annotations=pods.annotations,
        service_account=(pods.spec.service_account_name if pods.spec is not None else "") or "default",
        container_ports={
            port.name or str(port.container_port): port.container_port
            for port in declared
            if port.container_port is not None
        },
        proxy=proxy,
        is_assumed=is_assumed,
        udp_ports=_numbers(declared, is_udp=True) - _numbers(declared, is_udp=False),
        pod_spec=pods.spec,
    )


def _numbers(ports: Iterable[ContainerPort], *, is_udp: bool) -> frozenset[int]:
    alike = (port for port in ports if (port.protocol.upper() == "UDP") is is_udp)
    return frozenset(port.container_port for port in alike if port.container_port is not None)


def _entry(resource: Resource[Record], spec: WorkloadEntrySpec) -> Workload:
    account = spec.service_account or "default"
    ports = dict(spec.ports)
    proxy = Proxy.SIDECAR if spec.service_account else Proxy.UNKNOWN
    return Workload(resource, resource.namespace, resource.name, spec.labels, {}, account, ports, proxy)


def _proxy(pods: _Pods, home: str, namespace: Labels | None, revisions: frozenset[str] | None) -> Proxy:
    """Which proxy pods in namespace *home* get (S107, S151-S160)."""
    labels, annotations = pods.labels, pods.annotations
    if is_gateway(labels, annotations):
        return Proxy.GATEWAY
    is_there = any(container.name == "istio-proxy" and container.image for container in pods.containers)
    if is_there or "sidecar.istio.io/status" in annotations:
        return Proxy.SIDECAR
    if annotations.get(_REDIRECTION) == "enabled":
        return Proxy.AMBIENT  # The node's agent says so of a pod that runs.
    if (pods.spec is not None and pods.spec.host_network) or home == "kube-system":
        return Proxy.NONE
    if home in NEVER_INJECTED or labels.get(_INJECT, annotations.get(_INJECT)) == "false":
        return _ambient_or_none(labels, home, namespace)
    if namespace is None:
        shown = Proxy.AMBIENT if is_ambient(labels, home, None) else Proxy.UNKNOWN
        return Proxy.SIDECAR if labels.get(_INJECT) == "true" else shown
    is_injected = injector(labels, namespace, revisions) is not None
    return Proxy.SIDECAR if is_injected else _ambient_or_none(labels, home, namespace)


def _is_left_to_default(pods: _Pods, home: str, namespaces: Mapping[str, Labels]) -> bool:
    """Whether nothing about the pods or their namespace says whether they are injected (S151)."""
    space = namespaces.get(home)
    is_open = space is not None and not any(key in space for key in (ENABLED, REVISION))
    is_host = pods.spec is not None and pods.spec.host_network
    choice = pods.labels.get(_INJECT, pods.annotations.get(_INJECT))
    return is_open and not is_host and home not in NEVER_INJECTED and choice != "false"


def is_gateway(labels: Labels, annotations: Labels) -> bool:
    """Whether pods with these labels are a gateway proxy rather than an application (S160)."""
    return (
        annotations.get("inject.istio.io/templates") == "gateway"
        or "gateway.networking.k8s.io/gateway-name" in labels
        or labels.get("istio") in ("ingressgateway", "egressgateway")
    )


def injector(labels: Labels, namespace: Labels, revisions: frozenset[str] | None) -> str | None:
    """The revision or tag whose webhook sees pods with these labels; None where none does (S151-S155).

    *revisions* are those that are installed, None where the input does not show them: then all that labels name are.
    """
    own = labels.get("istio.io/rev")
    if labels.get(_INJECT) == "false":
        return None
    if "istio-injection" in namespace:
        found = "default" if namespace["istio-injection"] == "enabled" else None
    elif "istio.io/rev" in namespace:
        found = namespace["istio.io/rev"]
    elif own is None:
        found = "default" if labels.get(_INJECT) == "true" else None
    else:
        found = own
    return found if revisions is None or found in revisions else None


def installed(resources: Iterable[Resource[Record]]) -> frozenset[str] | None:
    """The revisions and tags whose injection webhooks the input shows; None where it shows none at all."""
    hooks = [one.metadata.labels for one in resources if one.ref.kind == "MutatingWebhookConfiguration"]
    names = {labels[key] for labels in hooks for key in ("istio.io/rev", "istio.io/tag") if key in labels}
    return frozenset(names) or None


def is_ambient(labels: Labels, home: str, namespace: Labels | None) -> bool:
    """Whether labels put pods of namespace *home* in ambient mode, if they have no proxy of their own (S107)."""
    own = labels.get(MODE)
    of_space = namespace.get(MODE) if namespace is not None else None
    return home != "kube-system" and (own == "ambient" or (of_space == "ambient" and own != "none"))


def _ambient_or_none(labels: Labels, home: str, namespace: Labels | None) -> Proxy:
    if is_ambient(labels, home, namespace):
        return Proxy.AMBIENT
    return Proxy.UNKNOWN if namespace is None and labels.get(MODE) != "none" else Proxy.NONE


_REDIRECTION = "ambient.istio.io/redirection"
MODE = "istio.io/dataplane-mode"
"""The label that puts pods, or those of a namespace, in ambient mode (S107)."""
_INJECT = "sidecar.istio.io/inject"
NEVER_INJECTED = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
"""The namespaces in which istiod injects nothing (S156)."""
