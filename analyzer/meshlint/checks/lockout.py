"""Workloads that AuthorizationPolicies shut off from everyone, by mistake as it seems."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Note, Problem, Result, Undecided
from meshlint.mesh.authorization import (
    Action,
    Policy,
    PolicyRule,
    action,
    attached,
    is_certain,
    rules,
    selector,
    target_refs,
    targets,
)
from meshlint.mesh.conditions import Chain, is_many_valued
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import is_captured
from meshlint.mesh.predicate import Exact, Predicate, both
from meshlint.mesh.served import is_gateway, served_ports
from meshlint.mesh.services import Protocol
from meshlint.mesh.settings import World
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.request import PORT
from meshlint.source.node import Node

_SHOWN = 3


@checks("MSH503")
def denies_everyone(mesh: Mesh) -> Iterator[Result]:
    """A workload with a Service that no ALLOW rule admits anything to, outside of what DENY takes (S2, S6, S66)."""
    shut: dict[Node, list[_Shut]] = {}
    for workload in mesh.workloads:
        found = _shut(mesh, workload)
        if isinstance(found, _Shut):
            shut.setdefault(found.node, []).append(found)
        elif found is not None:
            yield found
    for node, found_here in shut.items():
        first = found_here[0]
        names = [one.workload.name for one in found_here]
        yield Problem(
            node,
            f"no request reaches {_listed(names)}: {first.why}",
            label="admits nothing",
            notes=(
                *(Note(rule.node.span, "denied here") for rule in first.denied[:_SHOWN]),
                *(Note(one.workload.resource.name_node.span, "shut off") for one in found_here[:_SHOWN]),
            ),
        )


@dataclass(frozen=True, slots=True)
class _Shut:
    """A workload that nothing reaches, and the place to change."""

    workload: Workload
    node: Node
    why: str
    denied: tuple[PolicyRule, ...]


def _shut(mesh: Mesh, workload: Workload) -> _Shut | Undecided | None:
    policies = attached(mesh, workload)
    allowing = [policy for policy in policies if action(policy) is Action.ALLOW]
    if not allowing or not all(is_certain(mesh, policy) for policy in policies):
        return None
    if workload.is_assumed or is_gateway(mesh, workload) or not _has_sidecar(mesh, workload):
        return None
    asked = mesh.derived(_questions, mesh, workload)
    if not asked:
        return None
    blame = _blame(mesh, workload, allowing)
    if blame is None:
        return None
    denied: dict[PolicyRule, None] = {}
    for number, chain in asked:
        answer = mesh.derived(_admitted, mesh, policies, number, chain)
        if isinstance(answer, space.Unknown):
            return Undecided(blame.name_node, answer.why)
        if isinstance(answer, space.Some):
            return None
        denied |= dict.fromkeys(_denying(mesh, policies, number, chain))
    return _as_shut(workload, blame, tuple(denied))


def _has_sidecar(mesh: Mesh, workload: Workload) -> bool:
    """Whether the pods have a sidecar, or may well have: nothing near them is written for a waypoint (S27, S30)."""
    if workload.proxy is Proxy.UNKNOWN:
        return workload.namespace not in mesh.derived(_with_target_refs, mesh)
    return workload.proxy is Proxy.SIDECAR


def _with_target_refs(mesh: Mesh) -> frozenset[str]:
    return frozenset(policy.namespace for policy in mesh.authorization_policies if target_refs(policy))


def _as_shut(workload: Workload, blame: Policy, denied: tuple[PolicyRule, ...]) -> _Shut:
    if not blame.spec.rules:
        node = blame.node.at("spec", "rules") if blame.node.get("spec") is not None else blame.name_node
        return _Shut(workload, node, f"`{blame.name}` allows nothing and no other policy allows more", ())
    node = blame.spec.rules[0].node
    if denied:
        return _Shut(workload, node, "DENY rules take all that ALLOW rules admit", denied)
    return _Shut(workload, node, f"no ALLOW rule admits anything on the ports of {_services(workload)}", ())


def _services(workload: Workload) -> str:
    return f"`{workload.name}`'s Service"


def _questions(mesh: Mesh, workload: Workload) -> tuple[tuple[int, Chain], ...]:
    """Each port of the workload with each way of handling it; none where some port is unknown or by-passes the proxy.

    A port for bytes is asked about as HTTP too: what only that way is admitted is another rule's to report.
    """
    ports = [served for served in served_ports(mesh, workload) if served.port.protocol is not Protocol.UDP]
    questions: dict[tuple[int, Chain], None] = {}
    for served in ports:
        if served.number is None or not is_captured(workload, served.number):
            return ()
        questions[(served.number, Chain.HTTP)] = None
        if served.port.protocol.may_be_tcp:
            questions[(served.number, Chain.TCP)] = None
    return tuple(questions)


def _admitted(mesh: Mesh, policies: tuple[Policy, ...], number: int, chain: Chain) -> space.Answer:
    """A request to a port that some ALLOW rule admits and no DENY rule takes."""
    denying = [rule.predicate for rule in rules(mesh, policies, Action.DENY, chain)]
    unknown: space.Answer | None = None
    for rule in rules(mesh, policies, Action.ALLOW, chain):
        answer = _outside(both(rule.predicate, Exact(PORT, str(number))), denying)
        if isinstance(answer, space.Some):
            return answer
        if isinstance(answer, space.Unknown):
            unknown = answer
    return unknown or space.Empty()


def _denying(mesh: Mesh, policies: tuple[Policy, ...], number: int, chain: Chain) -> list[PolicyRule]:
    """The DENY rules that take what ALLOW rules admit on the port."""
    denying = rules(mesh, policies, Action.DENY, chain)
    found: dict[PolicyRule, None] = {}
    for rule in rules(mesh, policies, Action.ALLOW, chain):
        answer = _outside(both(rule.predicate, Exact(PORT, str(number))), [one.predicate for one in denying])
        if isinstance(answer, space.Empty):
            found |= dict.fromkeys(denying[index] for index in answer.by)
    return list(found)


def _blame(mesh: Mesh, workload: Workload, allowing: list[Policy]) -> Policy | None:
    """The policy to change; None where policies that the input does not hold may well admit what this one does not.

    A policy for all of a namespace is blamed only where the input shows that it has policies for single workloads.
    """
    chosen = min(allowing, key=lambda policy: (not selector(policy), not policy.spec.rules))
    if selector(chosen) or mesh.settings.world is World.COMPLETE:
        return chosen
    return chosen if workload.namespace in mesh.derived(_with_own_policies, mesh) else None


def _with_own_policies(mesh: Mesh) -> frozenset[str]:
    """The namespaces some workload of which the input allows something by name."""
    return frozenset(
        workload.namespace
        for policy in mesh.authorization_policies
        if action(policy) is Action.ALLOW and policy.spec.rules and selector(policy)
        for workload in targets(mesh, policy)
    )


def _outside(target: Predicate, others: list[Predicate]) -> space.Answer:
    if is_many_valued((target, *others)):
        return space.Unknown("a claim of a token can be a list")
    return space.outside(target, others)


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > _SHOWN:
        return f"{', '.join(quoted[:_SHOWN])} and {len(quoted) - _SHOWN} more"
    return " and ".join((", ".join(quoted[:-1]), quoted[-1])) if len(quoted) > 1 else quoted[0]
