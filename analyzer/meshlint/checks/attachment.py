"""What policies and extensions are attached to: labels and references that choose nothing, or not for good."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Outside, Problem, Result
from meshlint.mesh.gateway_classes import GATEWAY_NAME, controllers
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.mesh.waypoints import waypoints
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.resources.base import Labels, Resource, TargetRef, selects
from meshlint.resources.envoy_filter import EnvoyFilterSpec
from meshlint.resources.extension import TelemetrySpec, TrafficExtensionSpec, WasmPluginSpec
from meshlint.resources.proxy_config import ProxyConfigSpec
from meshlint.resources.record import Record
from meshlint.resources.security import (
    AuthorizationPolicySpec,
    PeerAuthenticationSpec,
    RequestAuthenticationSpec,
)
from meshlint.resources.service_entry import WorkloadGroupSpec
from meshlint.source.node import Node


@checks("MSH513")
def selects_no_workload(mesh: Mesh) -> Iterator[Result]:
    """A policy or an extension that is for nothing at all (S22, S25, S26, S31)."""
    for resource in mesh.resources:
        choice = _choice(resource)
        if choice is None:
            continue
        for ref in choice.refs:
            yield from _target(mesh, resource, ref)
        if choice.labels and not choice.refs:
            yield from _unselected(mesh, choice)
        elif not choice.refs and isinstance(resource.spec, AuthorizationPolicySpec):
            yield from _without_pods(mesh, choice)


@checks("MSH518")
def ineffective_selector(mesh: Mesh) -> Iterator[Result]:
    """Labels that choose pods of a Gateway of the Gateway API, to which policies are attached by reference (S27-S30)."""
    if mesh.settings.istio_version < _TARGETS:
        return
    for resource in mesh.resources:
        choice = _choice(resource)
        if choice is None or not choice.labels or choice.refs or not isinstance(resource.spec, _ATTACHED):
            continue
        pods = [pod.labels for pod in mesh.workloads_in(resource.namespace)]
        pods += [labels for home, labels in mesh.derived(_expected, mesh) if home == resource.namespace]
        chosen = (labels[GATEWAY_NAME] for labels in pods if GATEWAY_NAME in labels and selects(choice.labels, labels))
        for name in dict.fromkeys(chosen):
            yield _by_labels(mesh, choice, name)


_TARGETS = (1, 22)
"""Since when policies are attached to Gateways by reference."""
_ATTACHED = (AuthorizationPolicySpec, RequestAuthenticationSpec, TelemetrySpec, WasmPluginSpec)


@dataclass(frozen=True, slots=True)
class _Choice:
    """What an object is for: the labels of pods, and where they are written, or objects."""

    resource: Resource[Record]
    labels: Labels
    node: Node
    refs: tuple[TargetRef, ...] = ()


def _choice(resource: Resource[Record]) -> _Choice | None:
    """What the object is for; None for kinds of which this is not asked."""
    refs: tuple[TargetRef, ...] = ()
    match resource.spec:
        case EnvoyFilterSpec() as spec:
            labels = spec.workload_selector.labels if spec.workload_selector is not None else {}
            return _Choice(resource, labels, resource.node.at("spec", "workloadSelector", "labels"))
        case PeerAuthenticationSpec() | ProxyConfigSpec() as spec:
            selector = spec.selector
        case TrafficExtensionSpec() as spec:
            selector, refs = spec.selector, spec.target_refs
        case AuthorizationPolicySpec() | RequestAuthenticationSpec() | TelemetrySpec() | WasmPluginSpec() as spec:
            selector = spec.selector
            refs = spec.target_refs or ((spec.target_ref,) if spec.target_ref is not None else ())
        case _:
            return None
    labels = selector.match_labels if selector is not None else {}
    return _Choice(resource, labels, resource.node.at("spec", "selector", "matchLabels"), refs)


def _unselected(mesh: Mesh, choice: _Choice) -> Iterator[Result]:
    found = [pod for pod in _pool(mesh, choice) if selects(choice.labels, pod.labels)]
    written = ", ".join(f"{key}={value}" for key, value in choice.labels.items())
    if any(pod.proxy is not Proxy.NONE for pod in found) or _is_expected(mesh, choice):
        return
    if found:
        if mesh.settings.world is World.COMPLETE:
            message = (
                f"none of the pods with labels {written} has a proxy, so this {choice.resource.ref.kind} does nothing"
            )
            yield Problem(choice.node, message, label="no proxy", aliases=_aliases(choice, "IST0127"))
        return
    if not _shows_pods(mesh, choice):
        yield Outside(choice.node, f"workloads with labels {written}")
        return
    where = "" if _is_for_all(mesh, choice) else f" of namespace `{choice.resource.namespace}`"
    yield Problem(
        choice.node,
        f"no workload{where} has labels {written}, so this {choice.resource.ref.kind} does nothing",
        label="selects nothing",
        help=_hint(mesh, choice),
        aliases=_aliases(choice, "IST0127", "KIA0004"),
    )


def _aliases(choice: _Choice, *wanted: str) -> tuple[str, ...]:
    """Those of the codes under which other tools report objects of this kind."""
    match choice.resource.spec:
        case AuthorizationPolicySpec():
            return wanted
        case PeerAuthenticationSpec() | RequestAuthenticationSpec():
            return tuple(code for code in wanted if code == "KIA0004")
        case TelemetrySpec():
            return ("IST0101",) if "IST0127" in wanted else ()
        case _:
            return ()


def _is_for_all(mesh: Mesh, choice: _Choice) -> bool:
    """Whether the labels are looked for in all namespaces; those of a PeerAuthentication never are (S25, S114)."""
    is_root = choice.resource.namespace == mesh.config.root_namespace
    return is_root and not isinstance(choice.resource.spec, PeerAuthenticationSpec)


def _pool(mesh: Mesh, choice: _Choice) -> tuple[Workload, ...]:
    return mesh.workloads if _is_for_all(mesh, choice) else mesh.workloads_in(choice.resource.namespace)


def _shows_pods(mesh: Mesh, choice: _Choice) -> bool:
    """Whether the input holds the pods among which the labels are looked for."""
    if _is_for_all(mesh, choice):
        return mesh.settings.world is World.COMPLETE
    return mesh.expects(Class.WORKLOADS, choice.resource.namespace)


def _is_expected(mesh: Mesh, choice: _Choice) -> bool:
    """Whether pods or machines that are not objects of the input will have the labels."""
    return any(
        selects(choice.labels, labels)
        for home, labels in mesh.derived(_expected, mesh)
        if _is_for_all(mesh, choice) or home == choice.resource.namespace
    )


def _expected(mesh: Mesh) -> tuple[tuple[str, Labels], ...]:
    """Namespace and labels of what Istio makes: pods of waypoints, and entries for the machines of WorkloadGroups."""
    found: list[tuple[str, Labels]] = []
    for one in waypoints(mesh):
        gateway = one.gateway
        found.append((gateway.namespace, {**gateway.metadata.labels, GATEWAY_NAME: gateway.name}))
    for resource in mesh.resources:
        if isinstance(resource.spec, WorkloadGroupSpec):
            written = resource.node.at("spec", "metadata", "labels").mapping
            own = {key: str(node.value) for key, node in written.items()}
            of_template = resource.spec.template.labels if resource.spec.template is not None else {}
            found.append((resource.namespace, {**own, **of_template}))
    return tuple(found)


def _hint(mesh: Mesh, choice: _Choice) -> str:
    """The nearest value that pods have for one of the labels."""
    for key, value in choice.labels.items():
        known = {pod.labels[key] for pod in _pool(mesh, choice) if key in pod.labels}
        near = nearest(value, known) if value not in known else ""
        if near:
            return did_you_mean(f"{key}: {near}")
    return ""


def _without_pods(mesh: Mesh, choice: _Choice) -> Iterator[Result]:
    """A policy for a whole namespace in which nothing has a proxy."""
    home = choice.resource.namespace
    if home == mesh.config.root_namespace or mesh.settings.world is not World.COMPLETE:
        return
    if all(pod.proxy is Proxy.NONE for pod in mesh.workloads_in(home)):
        yield Problem(
            choice.resource.name_node,
            f"namespace `{home}` has no workload with a proxy, so this AuthorizationPolicy does nothing",
            label="selects nothing",
            aliases=("IST0127",),
        )


def _target(mesh: Mesh, resource: Resource[Record], ref: TargetRef) -> Iterator[Result]:
    if ref.kind == "GatewayClass":
        yield from _of_class(mesh, resource, ref)
        return
    kinds = {"Gateway": Class.GATEWAYS, "Service": Class.HOSTS, "ServiceEntry": Class.HOSTS}
    if ref.kind not in kinds or not ref.name:
        return
    known = mesh.derived(_names, mesh, ref.kind, resource.namespace)
    if ref.name in known:
        return
    if not mesh.expects(kinds[ref.kind], resource.namespace):
        yield Outside(ref.node, f"{ref.kind} {resource.namespace}/{ref.name}")
        return
    yield Problem(
        ref.node.at("name"),
        f"namespace `{resource.namespace}` has no {ref.kind} `{ref.name}`, so this {resource.ref.kind} is not attached to it",
        label="does not exist",
        help=did_you_mean(nearest(ref.name, known)),
        aliases=(),
    )


def _names(mesh: Mesh, kind: str, namespace: str) -> frozenset[str]:
    """The names of the namespace's objects of a kind; Gateways are those of the Gateway API."""
    if kind == "Gateway":
        return frozenset(one.name for one in mesh.kubernetes_gateways if one.namespace == namespace)
    if kind == "Service":
        shown = (host.resource for host in mesh.hosts if not host.is_service_entry)
        return frozenset(one.name for one in shown if one.namespace == namespace)
    return frozenset(one.name for one in mesh.service_entries if one.namespace == namespace)


def _of_class(mesh: Mesh, resource: Resource[Record], ref: TargetRef) -> Iterator[Result]:
    """All Gateways of a class can be meant by the root namespace alone, and only those that are waypoints (S31)."""
    root = mesh.config.root_namespace
    if resource.namespace != root:
        why = f"a GatewayClass is a target only in namespace `{root}`"
    elif ref.name not in controllers(mesh.resources):
        if mesh.settings.world is not World.COMPLETE:
            yield Outside(ref.node, f"GatewayClass {ref.name}")
            return
        why = f"there is no GatewayClass `{ref.name}`"
    elif ref.name != "istio-waypoint":
        why = "the only GatewayClass that can be a target is `istio-waypoint`"
    else:
        return
    yield Problem(ref.node, f"{why}, so this {resource.ref.kind} is attached to nothing", label="no target", aliases=())


def _by_labels(mesh: Mesh, choice: _Choice, name: str) -> Problem:
    kind, home = choice.resource.ref.kind, choice.resource.namespace
    is_waypoint = any((one.gateway.namespace, one.gateway.name) == (home, name) for one in waypoints(mesh))
    effect = "takes no policy by labels" if is_waypoint else "is to get its policies by reference, not by labels"
    return Problem(
        choice.node,
        f"Gateway `{name}` of the Gateway API {effect}: this {kind} needs `targetRefs`",
        label="labels of a Gateway's pods",
        help=f"targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: {name}}}]",
    )
