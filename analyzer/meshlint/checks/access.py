"""Workloads and the AuthorizationPolicies on them: those nothing protects, and rules that the ports cannot carry."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Note, Problem, Result, Undecided, Witness
from meshlint.mesh.authorization import (
    Action,
    Policy,
    PolicyRule,
    action,
    attached,
    is_certain,
    rules,
    rules_of,
    selector,
    target_refs,
    targets,
)
from meshlint.mesh.conditions import Chain, Reading, http_conditions, rule_predicate
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import is_captured
from meshlint.mesh.predicate import NEVER, Exact, Predicate, both, either
from meshlint.mesh.served import is_gateway, served_ports
from meshlint.mesh.services import Protocol
from meshlint.mesh.settings import World
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.request import PORT
from meshlint.resources.base import selects
from meshlint.resources.gateway import Server
from meshlint.resources.security import AuthorizationRule
from meshlint.source.node import Node


@checks("MSH501")
def unprotected_workload(mesh: Mesh) -> Iterator[Result]:
    """A workload that anyone may call, beside others of its namespace that policies protect by name (S4)."""
    protecting = mesh.derived(_protecting, mesh)
    for workload in mesh.workloads:
        example = protecting.get(workload.namespace)
        if example is not None and _is_open(mesh, workload):
            yield Problem(
                workload.resource.name_node,
                f"no AuthorizationPolicy applies to workload `{workload.name}`, so any client may call it",
                label="open to all",
                notes=(Note(example.name_node.span, "the namespace restricts other workloads"),),
            )


@checks("MSH507")
def http_field_on_tcp(mesh: Mesh) -> Iterator[Result]:
    """HTTP conditions on connections that are no HTTP: DENY grows, ALLOW vanishes (S74, S75)."""
    for policy in mesh.authorization_policies:
        if not is_certain(mesh, policy):
            continue
        for rule in policy.spec.rules:
            fields = http_conditions(rule)
            if fields and action(policy) is Action.DENY:
                yield from _grown(mesh, policy, rule, fields[0])
            elif fields and action(policy) is Action.ALLOW:
                yield from _vanished(mesh, policy, rule, fields[0])


def _protecting(mesh: Mesh) -> Mapping[str, Policy]:
    """For each namespace a policy that protects a workload of it by labels."""
    found: dict[str, Policy] = {}
    for policy in mesh.authorization_policies:
        is_restriction = action(policy) in (Action.ALLOW, Action.CUSTOM) and is_certain(mesh, policy)
        if (
            is_restriction
            and selector(policy)
            and any(one.namespace == policy.namespace for one in targets(mesh, policy))
        ):
            found.setdefault(policy.namespace, policy)
    return found


def _is_open(mesh: Mesh, workload: Workload) -> bool:
    is_enforcing = workload.proxy in (Proxy.SIDECAR, Proxy.AMBIENT, Proxy.UNKNOWN)
    if workload.is_assumed or not is_enforcing or attached(mesh, workload) or is_gateway(mesh, workload):
        return False
    return bool(served_ports(mesh, workload)) and not mesh.derived(_is_doubtful, mesh, workload)


def _is_doubtful(mesh: Mesh, workload: Workload) -> bool:
    """Whether some policy may yet protect the workload: a waypoint's, one that is tried out, or one that is broken."""
    near = mesh.derived(_policies_of, mesh)
    policies = [*near.get(workload.namespace, ()), *near.get(mesh.config.root_namespace, ())]
    may_have_waypoint = workload.proxy is not Proxy.SIDECAR
    return any(
        not policy.is_sound
        or (may_have_waypoint if target_refs(policy) else selects(selector(policy), workload.labels))
        for policy in policies
    )


def _policies_of(mesh: Mesh) -> Mapping[str, list[Policy]]:
    found: dict[str, list[Policy]] = {}
    for policy in mesh.authorization_policies:
        found.setdefault(policy.namespace, []).append(policy)
    return found


@dataclass(frozen=True, slots=True)
class _Opening:
    """A port on which connections to a workload arrive, and where it is declared."""

    number: int
    node: Node
    protocol: Protocol


def _grown(mesh: Mesh, policy: Policy, rule: AuthorizationRule, field: Node) -> Iterator[Result]:
    """The DENY rule takes connections that have nothing to do with HTTP (S75)."""
    for workload in targets(mesh, policy):
        if workload.proxy not in (Proxy.SIDECAR, Proxy.UNKNOWN, Proxy.GATEWAY):
            continue
        for opening in _openings(mesh, workload) or ():
            if opening.protocol not in (Protocol.TCP, Protocol.TLS):
                continue
            answer = _newly_denied(mesh, policy, rule, attached(mesh, workload), opening.number)
            if isinstance(answer, space.Unknown):
                yield Undecided(field, answer.why)
                return
            if isinstance(answer, space.Some):
                yield _grown_problem(field, workload, opening, answer)
                return


def _newly_denied(
    mesh: Mesh, policy: Policy, rule: AuthorizationRule, policies: tuple[Policy, ...], number: int
) -> space.Answer:
    """A connection to the port that the rule refuses and that the other policies would let pass."""
    own = rule_predicate(rule, Reading(policy.namespace, mesh.config, Chain.TCP, strict=False))
    if own is None:
        return space.Empty()
    allowing = [one.predicate for one in rules(mesh, policies, Action.ALLOW, Chain.TCP)]
    has_allow = any(action(one) is Action.ALLOW for one in policies)
    admitted = both(own, Exact(PORT, str(number)), *([_either_of(allowing)] if has_allow else []))
    denying = rules(mesh, policies, Action.DENY, Chain.TCP)
    return space.outside(admitted, [one.predicate for one in denying if _is_meant_for_tcp(one)])


def _either_of(predicates: list[Predicate]) -> Predicate:
    return either(predicates) if predicates else NEVER


def _is_meant_for_tcp(rule: PolicyRule) -> bool:
    return not http_conditions(rule.written)


def _grown_problem(field: Node, workload: Workload, opening: _Opening, answer: space.Some) -> Problem:
    name = _name_of(field)
    return Problem(
        field,
        f"`{name}` means nothing on {opening.protocol.value} port {opening.number} of `{workload.name}`, "
        "where this rule denies connections whatever they carry",
        label="HTTP only",
        notes=(Note(opening.node.span, f"port {opening.number} carries no HTTP to the proxy"),),
        help=f'add `notPorts: ["{opening.number}"]`, or the `ports` that the rule is meant for',
        witness=Witness(answer.request, "connection closed"),
    )


def _vanished(mesh: Mesh, policy: Policy, rule: AuthorizationRule, field: Node) -> Iterator[Result]:
    """The ALLOW rule could only apply on ports where Istio leaves it out (S74)."""
    if not selector(policy) and mesh.settings.world is not World.COMPLETE:
        return
    shown: tuple[Workload, _Opening] | None = None
    reading = Reading(policy.namespace, mesh.config, Chain.HTTP, strict=True)
    meant = rule_predicate(rule, reading)
    for workload in targets(mesh, policy):
        openings = _openings(mesh, workload)
        if meant is None or not openings or workload.proxy not in (Proxy.SIDECAR, Proxy.UNKNOWN, Proxy.GATEWAY):
            return
        if all(opening.protocol.may_be_http for opening in openings):
            return  # Whether the rule matches there or not, no port for bytes is why.
        for opening in openings:
            answer = space.satisfiable(both(meant, Exact(PORT, str(opening.number))))
            if isinstance(answer, space.Empty):
                continue
            if isinstance(answer, space.Unknown) or opening.protocol.may_be_http:
                return
            shown = shown or (workload, opening)
    if shown is not None:
        yield _vanished_problem(mesh, policy, field, *shown)


def _vanished_problem(mesh: Mesh, policy: Policy, field: Node, workload: Workload, opening: _Opening) -> Problem:
    is_alone = not rules_of(mesh, policy, Chain.TCP)
    effect = ", and the policy admits nothing" if is_alone else ""
    return Problem(
        field,
        f"`{_name_of(field)}` means nothing on {opening.protocol.value} port {opening.number} of `{workload.name}`, "
        f"so this rule never matches{effect}",
        label="HTTP only",
        notes=(Note(opening.node.span, f"port {opening.number} carries no HTTP to the proxy"),),
        help="say who may connect by `from` and `ports` alone, in a rule without HTTP fields",
    )


def _name_of(field: Node) -> str:
    """The field's name, or the `when` key that it is."""
    return str(field.value) if isinstance(field.value, str) else str(field.path[-1])


def _openings(mesh: Mesh, workload: Workload) -> tuple[_Opening, ...]:
    """The ports on which connections reach the workload's proxy; empty where some are not known for certain."""
    return mesh.derived(_openings_of, mesh, workload)


def _openings_of(mesh: Mesh, workload: Workload) -> tuple[_Opening, ...]:
    if is_gateway(mesh, workload):
        return tuple(_servers(mesh, workload))
    found: dict[int, _Opening] = {}
    for served in served_ports(mesh, workload):
        if served.port.protocol is Protocol.UDP:
            continue
        if served.number is None:
            return ()
        if not is_captured(workload, served.number):
            continue
        rival = found.get(served.number)
        if rival is not None and rival.protocol is not served.port.protocol:
            return ()
        found[served.number] = _Opening(served.number, served.port.node, served.port.protocol)
    return tuple(found.values())


_BYTES = frozenset({"TCP", "TLS", "MONGO", "MYSQL", "REDIS"})


def _servers(mesh: Mesh, workload: Workload) -> Iterator[_Opening]:
    """The servers of Gateways that the workload's pods open (S83, S85); AUTO_PASSTHROUGH ones see no policy (S32)."""
    numbers = {served.port.number: served.number for served in served_ports(mesh, workload)}
    for gateway in mesh.gateways:
        if not gateway.spec.selector or not selects(gateway.spec.selector, workload.labels):
            continue
        for server in gateway.spec.servers:
            mode = server.tls.mode if server.tls is not None else ""
            number = server.port.number if server.port is not None else None
            if server.port is None or number is None or mode == "AUTO_PASSTHROUGH":
                continue
            seen = numbers.get(number, number)
            if seen is not None:
                yield _Opening(seen, server.port.node, _server_protocol(server, mode))


def _server_protocol(server: Server, mode: str) -> Protocol:
    name = server.port.protocol.upper() if server.port is not None else ""
    if name in _BYTES or (name == "HTTPS" and mode == "PASSTHROUGH"):
        return Protocol.TLS if name in ("TLS", "HTTPS") else Protocol.TCP
    return Protocol.HTTP
