"""Workloads: pods, and everything that stands for pods, with the proxy that serves them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.services import Host, HostPort
from meshlint.resources.base import Labels, Resource, selects
from meshlint.resources.record import Record
from meshlint.resources.service_entry import WorkloadEntrySpec
from meshlint.resources.workload import Container, ControllerSpec, CronJobSpec, PodSpec, PodTemplate


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
    Istio's default install and not from the input.
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

    @property
    def principal(self) -> str:
        """The identity without trust domain: `ns/NAMESPACE/sa/ACCOUNT` (S163)."""
        return f"ns/{self.namespace}/sa/{self.service_account}"


def workloads(
    resources: Iterable[Resource[Record]], namespaces: Mapping[str, Labels], *, is_assumed: bool = False
) -> Iterator[Workload]:
    """The workloads of *resources*; *namespaces* gives the labels of those the input shows."""
    for resource in resources:
        if isinstance(resource.spec, WorkloadEntrySpec):
            yield _entry(resource, resource.spec)
            continue
        template = _template(resource)
        if template is not None:
            yield _workload(resource, template, namespaces.get(resource.namespace), is_assumed=is_assumed)


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


def _workload(resource: Resource[Record], pods: _Pods, namespace: Labels | None, *, is_assumed: bool) -> Workload:
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
        proxy=_proxy(pods, namespace),
        is_assumed=is_assumed,
    )


def _entry(resource: Resource[Record], spec: WorkloadEntrySpec) -> Workload:
    account = spec.service_account or "default"
    ports = dict(spec.ports)
    proxy = Proxy.SIDECAR if spec.service_account else Proxy.UNKNOWN
    return Workload(resource, resource.namespace, resource.name, spec.labels, {}, account, ports, proxy)


def _proxy(pods: _Pods, namespace: Labels | None) -> Proxy:
    """Which proxy pods get (S151-S160). The revision that a label names is taken to be installed."""
    labels, annotations = pods.labels, pods.annotations
    if is_gateway(labels, annotations):
        return Proxy.GATEWAY
    if any(container.name == "istio-proxy" and container.image for container in pods.containers):
        return Proxy.SIDECAR
    if pods.spec is not None and pods.spec.host_network:
        return Proxy.NONE
    wanted = labels.get("sidecar.istio.io/inject", annotations.get("sidecar.istio.io/inject"))
    if wanted == "false":
        return _ambient_or_none(labels, namespace)
    if namespace is None:
        return Proxy.SIDECAR if labels.get("sidecar.istio.io/inject") == "true" else Proxy.UNKNOWN
    return Proxy.SIDECAR if _is_called(labels, namespace) else _ambient_or_none(labels, namespace)


def is_gateway(labels: Labels, annotations: Labels) -> bool:
    """Whether pods with these labels are a gateway proxy rather than an application (S160)."""
    return (
        annotations.get("inject.istio.io/templates") == "gateway"
        or "gateway.networking.k8s.io/gateway-name" in labels
        or labels.get("istio") in ("ingressgateway", "egressgateway")
    )


def _is_called(labels: Labels, namespace: Labels) -> bool:
    """Whether some injection webhook sees the pods (S151-S155)."""
    injection = namespace.get("istio-injection")
    if injection is not None:
        return injection == "enabled"
    if "istio.io/rev" in namespace or "istio.io/rev" in labels:
        return True
    return labels.get("sidecar.istio.io/inject") == "true"


def _ambient_or_none(labels: Labels, namespace: Labels | None) -> Proxy:
    """Whether pods without a sidecar are in ambient mode (S107)."""
    own = labels.get("istio.io/dataplane-mode")
    if own == "ambient":
        return Proxy.AMBIENT
    if namespace is None:
        return Proxy.NONE if own == "none" else Proxy.UNKNOWN
    return Proxy.AMBIENT if namespace.get("istio.io/dataplane-mode") == "ambient" and own != "none" else Proxy.NONE
