"""Policies that requests get round: other spellings of a host or a path, and addresses that proxies hide."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network

from meshlint import space
from meshlint.finding import Note, Problem, Result, Undecided, Witness
from meshlint.mesh.authorization import Action, Policy, action, attached, gates, is_certain, targets
from meshlint.mesh.conditions import Chain, Reading, is_many_valued, networks, rule_predicate
from meshlint.mesh.kubernetes_gateways import all_gateways
from meshlint.mesh.model import Mesh
from meshlint.mesh.policy_values import Entry, entries, entries_of
from meshlint.mesh.predicate import ALWAYS, Exact, Predicate, Suffix, both
from meshlint.mesh.served import is_gateway, served_ports
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.request import AUTHORITY, PATH
from meshlint.resources.base import Resource, selects
from meshlint.resources.record import Record
from meshlint.resources.security import AuthorizationRule, Operation
from meshlint.resources.workload import ServiceSpec

Service = Resource[Record]


@checks("MSH515")
def host_port_mismatch(mesh: Mesh) -> Iterator[Result]:
    """A host without the form that has a port, which clients may send as well (S59)."""
    for policy in mesh.authorization_policies:
        if is_certain(mesh, policy) and action(policy) in (Action.ALLOW, Action.DENY):
            for rule in policy.spec.rules:
                yield from _hosts(mesh, policy, rule)


@checks("MSH516")
def path_normalization_bypass(mesh: Mesh) -> Iterator[Result]:
    """A path that is kept out in one spelling only (S61, S65)."""
    for policy in mesh.authorization_policies:
        if is_certain(mesh, policy) and action(policy) in (Action.ALLOW, Action.DENY):
            for rule in policy.spec.rules:
                yield from _paths(mesh, policy, rule)


@checks("MSH517")
def source_ip_behind_proxy(mesh: Mesh) -> Iterator[Result]:
    """Addresses of clients, where the gateway sees those of what is before it (S57, S58)."""
    for policy in mesh.authorization_policies:
        public = [
            entry
            for entry in entries(policy, "ipBlocks", "source.ip")
            if networks((entry.value,)) and not _is_private(entry.value)
        ]
        service = _hiding(mesh, policy) if public and is_certain(mesh, policy) else None
        if service is not None:
            field = "remote.ip" if public[0].name == "source.ip" else "remoteIpBlocks"
            yield Problem(
                public[0].node,
                f"`{public[0].name}` is compared with the address of the load balancer or node before the gateway, "
                "not with the client's",
                label="another address",
                notes=(Note(service.node.at("spec", "type").span, "the Service does not keep the client's address"),),
                help=f"use `{field}` and set `numTrustedProxies`, or set `externalTrafficPolicy: Local` in the Service",
            )


def _changed(rule: AuthorizationRule, change: Callable[[Operation], Operation]) -> AuthorizationRule:
    """The rule with each of its operations changed."""
    changed = (replace(one, operation=change(one.operation)) if one.operation is not None else one for one in rule.to)
    return replace(rule, to=tuple(changed))


def _for_any_host(operation: Operation) -> Operation:
    return replace(operation, hosts=())


def _for_any_path(operation: Operation) -> Operation:
    return replace(operation, paths=())


def _predicate(mesh: Mesh, policy: Policy, rule: AuthorizationRule) -> Predicate | None:
    strict = action(policy) is Action.ALLOW
    return rule_predicate(rule, Reading(policy.namespace, mesh.config, Chain.HTTP, strict=strict))


def _hosts(mesh: Mesh, policy: Policy, rule: AuthorizationRule) -> Iterator[Result]:
    is_allow = action(policy) is Action.ALLOW
    for entry in entries_of(rule, "hosts"):
        if not _is_name(entry.value) or (entry.is_negated and not is_allow):
            continue
        base = _predicate(mesh, policy, rule if entry.is_negated else _changed(rule, _for_any_host))
        for number, pods in _dialed(mesh, policy).items() if base is not None else ():
            wanted = both(base or ALWAYS, _with_port(entry.value, number))
            is_let_in = entry.is_negated or not is_allow
            answer = _passing(mesh, wanted, pods) if is_let_in else _refused(mesh, wanted, pods)
            if isinstance(answer, space.Unknown):
                yield Undecided(entry.node, answer.why)
            elif isinstance(answer, space.Some):
                yield _slipping_host(entry, number, answer, is_let_in=is_let_in)
                return


def _is_name(value: str) -> bool:
    """Whether the value is a host, or a star and what hosts end with, and has no port."""
    return not value.endswith("*") and ":" not in value


def _with_port(value: str, number: int) -> Predicate:
    text = f"{value.removeprefix('*')}:{number}"
    return (
        Suffix(AUTHORITY, text, ignore_case=True) if value.startswith("*") else Exact(AUTHORITY, text, ignore_case=True)
    )


def _dialed(mesh: Mesh, policy: Policy) -> dict[int, tuple[Workload, ...]]:
    """The ports that clients of the policy's workloads name, and one of the workloads for each set of policies."""
    return mesh.derived(_dialed_ports, mesh, policy)


def _dialed_ports(mesh: Mesh, policy: Policy) -> dict[int, tuple[Workload, ...]]:
    found: dict[int, dict[tuple[Policy, ...], Workload]] = {}
    for workload in targets(mesh, policy):
        if workload.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN, Proxy.GATEWAY):
            for number in _ports(mesh, workload):
                found.setdefault(number, {}).setdefault(attached(mesh, workload), workload)
    return {number: tuple(pods.values()) for number, pods in sorted(found.items())}


def _ports(mesh: Mesh, workload: Workload) -> frozenset[int]:
    """The ports by which clients ask the workload for hosts."""
    if not is_gateway(mesh, workload):
        return frozenset(one.port.number for one in served_ports(mesh, workload) if one.port.protocol.may_be_http)
    servers = (
        server
        for gateway in all_gateways(mesh)
        if gateway.spec.selector and selects(gateway.spec.selector, workload.labels)
        for server in gateway.spec.servers
    )
    return frozenset(
        server.port.number
        for server in servers
        if server.port is not None and server.port.number and server.port.protocol.upper() in _ASKED
    )


_ASKED = frozenset({"HTTP", "HTTP2", "GRPC", "GRPC-WEB", "HTTPS"})


def _slipping_host(entry: Entry, number: int, answer: space.Some, *, is_let_in: bool) -> Problem:
    form = f"{entry.value}:{number}"
    effect = "gets round this rule" if is_let_in else "is refused"
    return Problem(
        entry.node,
        f"hosts are compared with their ports: a request for `{form}` {effect}",
        label="without a port",
        help=f"add `{form}`" if entry.value.startswith("*") else f"add `{entry.value}:*`",
        witness=Witness(answer.request, "passes" if is_let_in else "refused"),
    )


def _passing(mesh: Mesh, wanted: Predicate, pods: tuple[Workload, ...]) -> space.Answer:
    """A wanted request that passes all policies of one of the workloads."""
    unknown: space.Answer = space.Empty()
    for pod in pods:
        found = gates(mesh, attached(mesh, pod), Chain.HTTP)
        refusing = [rule.predicate for rule in found.refusing]
        allowing: list[Predicate] = [ALWAYS] if found.allowing is None else [rule.predicate for rule in found.allowing]
        for one in allowing:
            answer = _outside(both(wanted, one), refusing)
            if isinstance(answer, space.Some):
                return answer
            unknown = answer if isinstance(answer, space.Unknown) else unknown
    return unknown


def _refused(mesh: Mesh, wanted: Predicate, pods: tuple[Workload, ...]) -> space.Answer:
    """A wanted request that no rule of one of the workloads allows, and that is none of those that rules deny."""
    unknown: space.Answer = space.Empty()
    for pod in pods:
        found = gates(mesh, attached(mesh, pod), Chain.HTTP)
        answer = _outside(wanted, [rule.predicate for rule in (*(found.allowing or ()), *found.refusing)])
        if isinstance(answer, space.Some):
            return answer
        unknown = answer if isinstance(answer, space.Unknown) else unknown
    return unknown


def _outside(target: Predicate, others: list[Predicate]) -> space.Answer:
    if is_many_valued((target, *others)):
        return space.Unknown("a claim of a token can be a list")
    return space.outside(target, others)


def _paths(mesh: Mesh, policy: Policy, rule: AuthorizationRule) -> Iterator[Result]:
    """Exact paths that DENY keeps out, or that ALLOW leaves out, and that get in with a slash more or less."""
    is_allow = action(policy) is Action.ALLOW
    pods = mesh.derived(_one_of_each, mesh, policy)
    for entry in entries_of(rule, "paths"):
        if entry.is_negated is not is_allow or not _is_plain(entry.value):
            continue
        base = _predicate(mesh, policy, rule if entry.is_negated else _changed(rule, _for_any_path))
        other = entry.value.rstrip("/") if entry.value.endswith("/") else f"{entry.value}/"
        if base is None:
            continue
        answer = _passing(mesh, both(base, Exact(PATH, other)), pods)
        if isinstance(answer, space.Unknown):
            yield Undecided(entry.node, answer.why)
        elif isinstance(answer, space.Some):
            yield _slipping_path(mesh, entry, other, answer)


def _is_plain(value: str) -> bool:
    """Whether the value is one path that applications take for the same with another slash: no file, no gRPC method."""
    return value.startswith("/") and value != "/" and not any(sign in value for sign in "*.{")


def _one_of_each(mesh: Mesh, policy: Policy) -> tuple[Workload, ...]:
    """A workload with HTTP ports for each set of policies that this one is in."""
    found: dict[tuple[Policy, ...], Workload] = {}
    for workload in targets(mesh, policy):
        if workload.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN, Proxy.GATEWAY) and _ports(mesh, workload):
            found.setdefault(attached(mesh, workload), workload)
    return tuple(found.values())


def _slipping_path(mesh: Mesh, entry: Entry, other: str, answer: space.Some) -> Problem:
    forms = [other, *_more(mesh, entry.value)]
    return Problem(
        entry.node,
        f"only this spelling is kept out: {', '.join(f'`{form}`' for form in forms)} get{'s' * (len(forms) == 1)} in, "
        "which many applications take for the same path",
        label="one spelling",
        help="allow what is to be open in place of denying what is not, or deny "
        f"`{entry.value.rstrip('/')}` and `{entry.value.rstrip('/')}/*`",
        witness=Witness(answer.request, "passes"),
    )


def _more(mesh: Mesh, value: str) -> Iterator[str]:
    """Spellings of the path that stay what they are under the mesh's normalisation (S65)."""
    mode = mesh.config.normalization
    if mode in ("NONE", "BASE", "DEFAULT"):
        yield f"/{value}"
    if mode != "DECODE_AND_MERGE_SLASHES":
        yield f"{value.rstrip('/')}%2F"


_PRIVATE: tuple[IPv4Network | IPv6Network, ...] = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"))
)


def _is_private(value: str) -> bool:
    """Whether the addresses are such as nodes, pods and load balancers have."""
    found = ip_network(value, strict=False)
    if isinstance(found, IPv6Network):
        return found.is_private or found.is_link_local or found.prefixlen == 0
    return found.prefixlen == 0 or any(isinstance(one, IPv4Network) and found.subnet_of(one) for one in _PRIVATE)


def _hiding(mesh: Mesh, policy: Policy) -> Service | None:
    """The Service before the policy's ingress gateways that hides clients' addresses; None where one may not."""
    pods = targets(mesh, policy)
    if not pods or not all(is_gateway(mesh, pod) and "egress" not in pod.name for pod in pods):
        return None
    found = [host.resource for pod in pods for host in mesh.hosts_of(pod)]
    outer = [
        one for one in found if isinstance(one.spec, ServiceSpec) and one.spec.type in ("LoadBalancer", "NodePort")
    ]
    return outer[0] if outer and all(_hides(one) for one in outer) else None


def _hides(service: Service) -> bool:
    """Whether the Service's nodes put their own address in place of the client's, as they do unless told otherwise."""
    policy = service.node.get("spec", "externalTrafficPolicy")
    is_kept = policy is not None and policy.value == "Local"
    return not is_kept and not any("load-balancer" in key for key in service.metadata.annotations)
