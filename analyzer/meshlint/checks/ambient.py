"""Ambient mode: what nobody enforces for want of a waypoint, and what waypoints do not look at."""

from collections.abc import Iterator, Mapping

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.authorization import Action, Policy, action, rules_of
from meshlint.mesh.beyond_ztunnel import (
    RequestPolicy,
    hosts_of_reference,
    is_ambient_host,
    is_ambient_namespace,
    is_past_waypoints,
    names_no_waypoint,
    request_policies,
    request_settings,
    subjects,
)
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.services import Host
from meshlint.mesh.targets import SIDECARS
from meshlint.mesh.waypoints import Assignment, Flaw, waypoint_of
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.resources.base import Resource
from meshlint.resources.gateway_api import GRPCRouteSpec, HTTPRouteSpec
from meshlint.resources.record import Record
from meshlint.resources.security import AuthorizationPolicySpec
from meshlint.source.node import Node

_SHOWN = 3
_NO_WAYPOINT = {
    "AuthorizationPolicy": ("KIA0109",),
    "RequestAuthentication": ("KIA1110",),
    "WasmPlugin": ("KIA1111",),
    "Telemetry": ("KIA1112",),
}
_NO_TARGETS = {
    "AuthorizationPolicy": ("KIA0110",),
    "RequestAuthentication": ("KIA1115",),
    "WasmPlugin": ("KIA1116",),
    "Telemetry": ("KIA1117",),
}
_UNAPPLIED: Mapping[str, Mapping[bool, str]] = {
    "VirtualService": {True: "KIA1113", False: "KIA1109"},
    "DestinationRule": {True: "KIA0211", False: "KIA0210"},
}
"""Kiali's codes for rules that no waypoint applies, by whether some Service in ambient mode has the host."""


@checks("MSH708")
def needs_waypoint(mesh: Mesh) -> Iterator[Result]:
    """What asks for requests to be read on the way to pods in ambient mode, where no waypoint reads them (S92-S94)."""
    reached: dict[Workload, list[RequestPolicy]] = {}
    for policy in request_policies(mesh):
        past = [one for one in subjects(mesh, policy) if is_past_waypoints(mesh, one)]
        if past or _is_for_nobody_yet(mesh, policy):
            yield _unenforced(mesh, policy, past)
        if policy.resource.ref.kind == "AuthorizationPolicy":
            for pods in dict.fromkeys(pods for one in past for pods in _pods(mesh, one)):
                reached.setdefault(pods, []).append(policy)
    for pods, policies in reached.items():
        yield _unguarded(pods, policies)
    for resource, name, node in (*_rules(mesh), *_routes_of_services(mesh)):
        yield from _unapplied(mesh, resource, name, node)


@checks("MSH709")
def waypoint_needs_target_refs(mesh: Mesh) -> Iterator[Result]:
    """Policies on requests that no waypoint looks at, for want of targets or in the wrong namespace (S30, R219, R510)."""
    for policy in request_policies(mesh):
        if not policy.refs and (subjects(mesh, policy) or _is_for_nobody_yet(mesh, policy)):
            kind = policy.resource.ref.kind
            yield Problem(
                policy.resource.node.at("spec", "selector")
                if policy.selector is not None
                else policy.resource.name_node,
                f"no waypoint looks at {kind} `{policy.resource.name}`: it has no `targetRefs`",
                label="not for waypoints",
                notes=(Note(policy.wants[0].span, "ztunnel does not do this"),),
                help="name the Service or the waypoint in `targetRefs`",
                aliases=_NO_TARGETS.get(kind, ()),
            )
    for resource, name, node in _rules(mesh):
        yield from _misplaced(mesh, resource, name, node)


@checks("MSH710")
def no_such_waypoint(mesh: Mesh) -> Iterator[Result]:
    """A label that names a waypoint which is not there, or which does not take the traffic (S104-S106)."""
    told: set[Node] = set()
    everything: tuple[Host | Workload, ...] = (*mesh.workloads, *mesh.hosts)
    for one in everything:
        found = waypoint_of(mesh, one)
        if found is None or found.node in told:
            continue
        if found.doubt:
            told.add(found.node)
            yield Outside(found.node, f"waypoint {found.name}")
        elif found.flaw is not None and (found.flaw is not Flaw.KIND or _is_own(one, found)):
            told.add(found.node)
            yield Problem(
                found.node,
                f"traffic goes past waypoint `{found.name}`: {found.flaw.value}",
                label=_FLAWS[found.flaw],
                help="nothing takes its place: neither the namespace's waypoint nor another one",
                aliases=("KIA1313",) if found.flaw is Flaw.MISSING else (),
            )


@checks("MSH714")
def waypoint_outside_ambient(mesh: Mesh) -> Iterator[Result]:
    """Pods that ask for a waypoint but are not in ambient mode, so that nobody sends them through it (S103, S107)."""
    is_ambient = any(one.proxy in (Proxy.AMBIENT, Proxy.UNKNOWN) for one in mesh.workloads if not one.is_assumed)
    told: set[Node] = set()
    for pods in mesh.workloads:
        found = waypoint_of(mesh, pods)
        if found is None or found.node in told or pods.proxy not in (Proxy.NONE, Proxy.SIDECAR):
            continue
        # The label of a namespace is for its Services, too, which clients in ambient mode may call.
        if _is_own(pods, found) or not (is_ambient or is_ambient_namespace(mesh, pods.namespace)):
            told.add(found.node)
            why = "have a sidecar" if pods.proxy is Proxy.SIDECAR else "are not in the mesh"
            yield Problem(
                found.node,
                f"the pods of `{pods.name}` are to use waypoint `{found.name}`, but they {why}",
                label="not in ambient mode",
                help="add the label istio.io/dataplane-mode: ambient, or take this one away",
            )


_FLAWS = {Flaw.MISSING: "no such waypoint", Flaw.KIND: "not for pods", Flaw.NAMESPACE: "not admitted"}


def _is_own(one: Host | Workload, found: Assignment) -> bool:
    return found.node.document is one.resource.node.document


def _is_for_nobody_yet(mesh: Mesh, policy: RequestPolicy) -> bool:
    """Whether the policy is for all pods of an ambient namespace of which the input holds none."""
    home = policy.resource.namespace
    labels = policy.selector.match_labels if policy.selector is not None else {}
    is_empty = is_ambient_namespace(mesh, home) and not mesh.workloads_in(home)
    return is_empty and not policy.refs and not labels and names_no_waypoint(mesh, home)


def _pods(mesh: Mesh, one: Host | Workload) -> tuple[Workload, ...]:
    found = mesh.workloads_of(one) if isinstance(one, Host) else (one,)
    return tuple(pods for pods in found if pods.proxy is Proxy.AMBIENT)


def _unenforced(mesh: Mesh, policy: RequestPolicy, past: list[Host | Workload]) -> Problem:
    resource = policy.resource
    names = [f"`{one.name}`" for one in past] or [f"the pods of namespace `{resource.namespace}`"]
    return Problem(
        policy.wants[0],
        f"no waypoint is in front of {_listed(names)}: {_effect(mesh, policy)}",
        label="needs a waypoint",
        notes=tuple(Note(node.span, "this as well") for node in policy.wants[1:_SHOWN]),
        help="ztunnel sees connections, not requests: deploy a waypoint and name it in the label istio.io/use-waypoint",
        aliases=_NO_WAYPOINT.get(resource.ref.kind, ()),
    )


def _effect(mesh: Mesh, policy: RequestPolicy) -> str:
    """What becomes of the policy at ztunnel (S91-S96)."""
    spec = policy.resource.spec
    if not isinstance(spec, AuthorizationPolicySpec):
        return f"nothing applies {policy.resource.ref.kind} `{policy.resource.name}`"
    named = mesh.derived(_policies, mesh)[policy.resource.node]
    kept = {rule.node for rule in rules_of(mesh, named, Chain.ZTUNNEL)}
    match action(named):
        case Action.ALLOW:
            return f"{_rules_in(len(spec.rules) - len(kept))} of policy `{named.name}` there allow nothing"
        case Action.DENY if len(kept) < len(spec.rules):
            return f"{_rules_in(len(spec.rules) - len(kept))} of policy `{named.name}` there deny nothing"
        case Action.DENY:
            return f"policy `{named.name}` there denies all requests of the connections that it names"
        case Action.CUSTOM | Action.AUDIT as one:
            return f"ztunnel leaves out policy `{named.name}` with its action {one.value}"


def _policies(mesh: Mesh) -> Mapping[Node, Policy]:
    return {one.node: one for one in mesh.authorization_policies}


def _rules_in(count: int) -> str:
    return "the rules on requests" if count > 1 else "the rule on requests"


def _unguarded(pods: Workload, policies: list[RequestPolicy]) -> Problem:
    names = _listed([f"`{one.resource.name}`" for one in policies])
    return Problem(
        pods.resource.name_node,
        f"no waypoint is in front of workload `{pods.name}`, so what {names} asks of requests is not enforced",
        label="no waypoint",
        notes=tuple(Note(one.wants[0].span, "asked here") for one in policies[:_SHOWN]),
        aliases=("KIA1317",),
    )


def _rules(mesh: Mesh) -> Iterator[tuple[Resource[Record], str, Node]]:
    """VirtualServices and DestinationRules on requests inside the mesh, by each of their hosts."""
    for vs in mesh.virtual_services:
        if (vs.spec.http or vs.spec.tls) and SIDECARS in bound_gateways(vs):
            hosts = vs.spec.node.at("hosts").elements
            yield from ((vs, node.value, node) for node in hosts if isinstance(node.value, str))
    for rule in mesh.destination_rules:
        if next(request_settings(rule), None) is not None:
            yield rule, rule.spec.host, rule.spec.node.at("host")


def _routes_of_services(mesh: Mesh) -> Iterator[tuple[Resource[Record], str, Node]]:
    """HTTPRoutes and GRPCRoutes for Services, by the name of each."""
    routes: tuple[Resource[HTTPRouteSpec] | Resource[GRPCRouteSpec], ...] = (*mesh.http_routes, *mesh.grpc_routes)
    for route in routes:
        for ref in route.spec.parent_refs:
            if (ref.group, ref.kind) == ("", "Service"):
                home = ref.namespace or route.namespace
                yield route, f"{ref.name}.{home}.svc.{mesh.settings.cluster_domain}", ref.node.at("name")


def _unapplied(mesh: Mesh, resource: Resource[Record], name: str, node: Node) -> Iterator[Problem]:
    full, hosts = hosts_of_reference(mesh, name, resource.namespace)
    is_at_home = is_ambient_namespace(mesh, resource.namespace)
    ambient = [host for host in hosts if is_ambient_host(mesh, host)]
    is_near = any(host.namespace == resource.namespace for host in ambient) or not mesh.derived(_has_sidecars, mesh)
    is_concerned = is_at_home or (bool(ambient) and is_near)
    if full.startswith("*") or not is_concerned:
        return
    if hosts and not all(is_past_waypoints(mesh, host) for host in ambient or hosts):
        return
    if not hosts and not names_no_waypoint(mesh, resource.namespace):
        return
    is_rule = resource.ref.kind == "DestinationRule"
    what = "what this rule asks of requests" if is_rule else "the routes here"
    codes = _UNAPPLIED.get(resource.ref.kind, {})
    yield Problem(
        node,
        f"no waypoint is in front of `{full}`, so clients in ambient mode do without {what}",
        label="needs a waypoint",
        help="ztunnel applies no routes and no rules: label the Service or its namespace with istio.io/use-waypoint",
        aliases=(codes[bool(ambient)],) if codes else (),
    )


def _has_sidecars(mesh: Mesh) -> bool:
    """Whether there may be clients that apply routes and rules themselves."""
    return any(one.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN) for one in mesh.workloads if not one.is_assumed)


def _misplaced(mesh: Mesh, resource: Resource[Record], name: str, node: Node) -> Iterator[Problem]:
    _, hosts = hosts_of_reference(mesh, name, resource.namespace)
    ambient = [host for host in hosts if is_ambient_host(mesh, host)]
    is_for_waypoints = is_ambient_namespace(mesh, resource.namespace) or not mesh.derived(_has_sidecars, mesh)
    if not ambient or not is_for_waypoints:
        return
    is_route = resource.ref.kind == "VirtualService"
    homes = {host.namespace for host in ambient}
    for found in (waypoint_of(mesh, host) for host in ambient):
        homes |= {found.name.partition("/")[0]} if found is not None else set()
    if not is_route:
        homes.add(mesh.config.root_namespace)
    if resource.namespace not in homes:
        yield Problem(
            node,
            f"no waypoint looks at {resource.ref.kind} `{resource.name}`: it is not in namespace"
            f" `{ambient[0].namespace}` of Service `{ambient[0].resource.name}`",
            label="in another namespace",
            help=f"waypoints read what is in the namespaces of their Services and in their own: move it to `{ambient[0].namespace}`",
            aliases=("KIA1114",) if is_route else ("KIA0212",),
        )


def _listed(names: list[str]) -> str:
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
