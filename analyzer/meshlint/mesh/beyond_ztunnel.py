"""What only a waypoint can do: policies and rules on requests in ambient mode, and whether a waypoint is there (S90-S104)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meshlint.mesh.authorization import Action, action, is_enforced
from meshlint.mesh.hosts import qualify
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host
from meshlint.mesh.waypoints import USE, Assignment, Flaw, is_shown, waypoint_of
from meshlint.mesh.workloads import MODE, Proxy, Workload
from meshlint.mesh.ztunnel import request_conditions
from meshlint.resources.base import LabelSelector, Resource, TargetRef, selects
from meshlint.resources.destination_rule import DestinationRuleSpec, PortTrafficPolicy, TrafficPolicy
from meshlint.resources.extension import TelemetrySpec, TrafficExtensionSpec, WasmPluginSpec
from meshlint.resources.record import Record
from meshlint.resources.security import AuthorizationPolicy, RequestAuthenticationSpec
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True, eq=False)
class RequestPolicy:
    """An object that asks for what ztunnel does not do: `wants` are the places where it does, never none."""

    resource: Resource[Record]
    selector: LabelSelector | None
    refs: tuple[TargetRef, ...]
    wants: tuple[Node, ...]


def request_policies(mesh: Mesh) -> tuple[RequestPolicy, ...]:
    """All objects with a scope or targets that need a proxy that reads requests (S91, S92, S148)."""
    return mesh.derived(_request_policies, mesh)


def subjects(mesh: Mesh, policy: RequestPolicy) -> tuple[Host | Workload, ...]:
    """What the policy is meant for in ambient mode: the targets that it names, else the workloads of its scope."""
    home = policy.resource.namespace
    if policy.refs:
        named = mesh.derived(_hosts_by_object, mesh)
        hosts = [host for ref in policy.refs for host in named.get((ref.kind, home, ref.name), ())]
        return tuple(host for host in hosts if is_ambient_host(mesh, host) or host.is_external)
    labels = policy.selector.match_labels if policy.selector is not None else {}
    pool = mesh.workloads if home == mesh.config.root_namespace else mesh.workloads_in(home)
    return tuple(one for one in pool if one.proxy is Proxy.AMBIENT and selects(labels, one.labels))


def is_ambient_namespace(mesh: Mesh, namespace: str) -> bool:
    """Whether the namespace's label puts its pods in ambient mode (S107)."""
    return mesh.namespaces.get(namespace, {}).get(MODE) == "ambient" and namespace != "kube-system"


def is_ambient_host(mesh: Mesh, host: Host) -> bool:
    """Whether pods behind the host are in ambient mode; without any pod the namespace says so."""
    if host.is_external or host.is_external_name:
        return False
    behind = mesh.workloads_of(host)
    return any(one.proxy is Proxy.AMBIENT for one in behind) if behind else is_ambient_namespace(mesh, host.namespace)


def is_past_waypoints(mesh: Mesh, one: Host | Workload) -> bool:
    """Whether requests to it certainly meet no waypoint; what is addressed by a host counts with the pods' own address.

    A label that names a waypoint which is not there is a mistake of its own, so that nothing is said here.
    """
    ways: tuple[Host | Workload, ...] = (one,) if isinstance(one, Host) else (one, *mesh.hosts_of(one))
    found = [waypoint_of(mesh, way) for way in ways]
    return all(_is_past(mesh, way, assigned) for way, assigned in zip(ways, found, strict=True))


def names_no_waypoint(mesh: Mesh, namespace: str) -> bool:
    """Whether the namespace's labels are shown and send nothing through a waypoint."""
    return namespace in mesh.namespaces and mesh.namespaces[namespace].get(USE, "none") in ("none", "")


def request_settings(rule: Resource[DestinationRuleSpec]) -> Iterator[Node]:
    """Where a DestinationRule asks for what only a proxy that reads requests does."""
    spec = rule.spec
    for policy in (spec.traffic_policy, *(one.traffic_policy for one in spec.subsets)):
        if policy is not None:
            yield from _settings(policy)
            for ported in policy.port_level_settings:
                yield from _settings(ported)


def hosts_of_reference(mesh: Mesh, name: str, namespace: str) -> tuple[str, tuple[Host, ...]]:
    """The full name that a host in an object of *namespace* stands for, and the registry's hosts of just that name."""
    full = qualify(name, namespace, mesh.settings.cluster_domain).lower()
    return full, tuple(host for host in mesh.hosts_named(full) if host.name == full)


def _hosts_by_object(mesh: Mesh) -> Mapping[tuple[str, str, str], list[Host]]:
    found: dict[tuple[str, str, str], list[Host]] = {}
    for host in mesh.hosts:
        found.setdefault((host.resource.ref.kind, host.namespace, host.resource.name), []).append(host)
    return found


def _request_policies(mesh: Mesh) -> tuple[RequestPolicy, ...]:
    found: list[RequestPolicy] = []
    for one in mesh.resources:
        match one.spec:
            case RequestAuthenticationSpec(selector=selector, target_refs=refs, target_ref=ref) as spec if (
                spec.jwt_rules
            ):
                wants: tuple[Node, ...] = (spec.node.at("jwtRules"),)
            case WasmPluginSpec(selector=selector, target_refs=refs, target_ref=ref):
                wants = (one.name_node,)
            case TrafficExtensionSpec(selector=selector, target_refs=refs):
                ref, wants = None, (one.name_node,)
            case TelemetrySpec(selector=selector, target_refs=refs, target_ref=ref) as spec:
                # What the whole mesh shares reaches its waypoints, too.
                wants = () if one.namespace == mesh.config.root_namespace else tuple(_telemetry(spec))
            case _:
                continue
        if wants:
            found.append(RequestPolicy(one, selector, refs or ((ref,) if ref is not None else ()), wants))
    return (*(one for policy in mesh.authorization_policies for one in _authorization(policy)), *found)


def _authorization(policy: AuthorizationPolicy) -> Iterator[RequestPolicy]:
    spec = policy.spec
    if not is_enforced(policy):
        return
    wants = tuple(node for rule in spec.rules for node in request_conditions(rule))
    if action(policy) in (Action.CUSTOM, Action.AUDIT):
        wants = (spec.node.at("action"),)
    if wants:
        refs = spec.target_refs or ((spec.target_ref,) if spec.target_ref is not None else ())
        yield RequestPolicy(policy, spec.selector, refs, wants)


def _telemetry(spec: TelemetrySpec) -> Iterator[Node]:
    for name in ("tracing", "accessLogging"):
        found = spec.node.get(name)
        if found is not None and found.elements:
            yield found
    for metric in spec.node.at("metrics").elements:
        overrides = metric.get("overrides")
        if overrides is not None and overrides.elements:
            yield overrides


def _is_past(mesh: Mesh, one: Host | Workload, assigned: Assignment | None) -> bool:
    if assigned is None:
        return is_shown(mesh, one)
    return assigned.flaw in (Flaw.KIND, Flaw.NAMESPACE)


def _settings(policy: TrafficPolicy | PortTrafficPolicy) -> Iterator[Node]:
    for node, path in (
        (policy.load_balancer, ("consistentHash", "httpHeaderName")),
        (policy.load_balancer, ("consistentHash", "httpCookie")),
        (policy.connection_pool, ("http",)),
        (policy.outlier_detection, ()),
    ):
        found = node.get(*path) if node is not None else None
        if found is not None and found.value is not None:
            yield found
