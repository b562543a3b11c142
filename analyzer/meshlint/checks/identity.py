"""Conditions on a caller's identity where no caller has any: mutual TLS is off at the server or with all clients."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Note, Problem, Result
from meshlint.mesh.authorization import Policy, is_certain, selector, target_refs, targets
from meshlint.mesh.conditions import Chain, Reading, rule_predicate
from meshlint.mesh.destinations import effective_for, rules_for
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Demand, Mode, demand, is_automatic, is_captured, namespace_demand
from meshlint.mesh.policy_values import Entry, entries_of
from meshlint.mesh.predicate import Exact, both
from meshlint.mesh.served import is_gateway, served_ports
from meshlint.mesh.settings import World
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.request import PORT
from meshlint.resources.base import selects
from meshlint.resources.destination_rule import ClientTLS
from meshlint.resources.security import AuthorizationRule
from meshlint.source.node import Node

_FIELDS = ("principals", "namespaces", "serviceAccounts", "trustDomains")
_KEYS = ("source.principal", "source.namespace", "source.serviceAccount", "source.trustDomain", "connection.sni")


@checks("MSH508")
def needs_mtls(mesh: Mesh) -> Iterator[Result]:
    """A condition on who calls, where all callers come without an identity (S77, S121, S129)."""
    for policy in mesh.authorization_policies:
        if not is_certain(mesh, policy) or target_refs(policy):
            continue
        for rule in policy.spec.rules:
            entry = next(entries_of(rule, *_FIELDS, *_KEYS), None)
            cause = _cause(mesh, policy, rule) if entry is not None else None
            if entry is not None and cause is not None:
                yield _problem(entry, cause)
                break


@dataclass(frozen=True, slots=True)
class _Cause:
    """Why nobody has an identity, in words, and where it is written."""

    words: str
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class _Way:
    """A host and port by which clients reach a workload; the host may stand for all hosts of the namespace."""

    host: str
    namespace: str
    port: int


def _problem(entry: Entry, cause: _Cause) -> Problem:
    notes = (Note(cause.node.span, "mutual TLS is off here"),) if cause.node is not None else ()
    return Problem(
        entry.node,
        f"`{entry.name}` compares the caller's identity, and no caller has one: {cause.words}",
        label="needs mutual TLS",
        notes=notes,
        aliases=("KIA0105",),
    )


def _cause(mesh: Mesh, policy: Policy, rule: AuthorizationRule) -> _Cause | None:
    """Why the rule meets no identity: at one of the workloads that it is for by labels, else at all of them."""
    if not targets(mesh, policy):
        return _of_namespace(mesh, policy)
    found = [
        _at_workload(mesh, policy, rule, workload)
        for workload in targets(mesh, policy)
        if workload.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN) and not is_gateway(mesh, workload)
    ]
    if not selector(policy) and len(found) < len(targets(mesh, policy)):
        return None
    causes = [cause for cause in found if cause is not None]
    return causes[0] if causes and (selector(policy) or len(causes) == len(found)) else None


def _at_workload(mesh: Mesh, policy: Policy, rule: AuthorizationRule, workload: Workload) -> _Cause | None:
    """Why nobody has an identity on all of the workload's ports that the rule is about."""
    return mesh.derived(_off, mesh, workload, _ports(mesh, policy, rule, workload))


def _off(mesh: Mesh, workload: Workload, ports: tuple[int, ...]) -> _Cause | None:
    found: list[_Cause] = []
    for number in ports:
        ways = tuple(
            _Way(one.host.name, one.host.namespace, one.port.number)
            for one in served_ports(mesh, workload)
            if one.number == number
        )
        asked = demand(mesh, workload, number)
        if asked is not None and asked.mode is Mode.STRICT:
            return None  # Clients without a certificate do not get as far as the policy (S118).
        cause = _without_identity(mesh, asked, ways, f"of `{workload.name}`")
        if cause is None:
            return None
        found.append(cause)
    return found[0] if found else None


def _ports(mesh: Mesh, policy: Policy, rule: AuthorizationRule, workload: Workload) -> tuple[int, ...]:
    numbers = {served.number for served in served_ports(mesh, workload)}
    known = [number for number in numbers if number is not None and is_captured(workload, number)]
    if not known or None in numbers:
        return ()
    meant = rule_predicate(rule, Reading(policy.namespace, mesh.config, Chain.HTTP, strict=False))
    if meant is None or len(known) == 1:
        return tuple(known)
    return tuple(
        number
        for number in sorted(known)
        if not isinstance(space.satisfiable(both(meant, Exact(PORT, str(number)))), space.Empty)
    )


def _of_namespace(mesh: Mesh, policy: Policy) -> _Cause | None:
    """Why nobody has an identity in the policy's namespace, of which the input shows no pods that the policy selects."""
    home = policy.namespace
    if mesh.settings.world is not World.COMPLETE or home == mesh.config.root_namespace or _is_excepted(mesh, policy):
        return None
    way = _Way(f"*.{home}.svc.{mesh.settings.cluster_domain}", home, 0)
    return _without_identity(mesh, namespace_demand(mesh, home), (way,), f"of namespace `{home}`")


def _is_excepted(mesh: Mesh, policy: Policy) -> bool:
    """Whether a PeerAuthentication is for some of the pods that the policy is for."""
    for peer in mesh.peer_authentications:
        labels = peer.spec.selector.match_labels if peer.spec.selector is not None else {}
        if peer.namespace == policy.namespace and labels and selects(labels, selector(policy)):
            return True
    return False


def _without_identity(mesh: Mesh, asked: Demand | None, ways: tuple[_Way, ...], whose: str) -> _Cause | None:
    if asked is None:
        return None
    if asked.mode is Mode.DISABLE:
        return _Cause(f"the mode {whose} is DISABLE", asked.node)
    settings = [setting for way in ways for setting in _sent(mesh, way)]
    if not settings or any(not one.is_certain for one in settings):
        return None
    return _unsent(mesh, asked, [one.tls for one in settings], whose)


def _unsent(mesh: Mesh, asked: Demand, settings: list[ClientTLS | None], whose: str) -> _Cause | None:
    """Why clients with these settings all send plaintext."""
    if all(one is not None and one.mode == "DISABLE" for one in settings):
        node = next((one.node.at("mode") for one in settings if one is not None), None)
        return _Cause(f"DestinationRules make all clients {whose} send plaintext", node)
    if not is_automatic(mesh) and asked.mode is Mode.PERMISSIVE and not any(map(_is_secure, settings)):
        return _Cause(f"mutual TLS is not automatic, and no DestinationRule makes clients {whose} use it", asked.node)
    return None


def _is_secure(tls: ClientTLS | None) -> bool:
    return tls is not None and tls.mode in ("MUTUAL", "ISTIO_MUTUAL")


@dataclass(frozen=True, slots=True)
class _Setting:
    """What DestinationRules say to one kind of client; not certain where that depends on the client's own pods."""

    tls: ClientTLS | None
    is_certain: bool


def _sent(mesh: Mesh, way: _Way) -> Iterator[_Setting]:
    """What each kind of client is told: those of namespaces with rules of their own for the host, and all others."""
    others = {rule.namespace for rule in rules_for(mesh, way.host)}
    for client in sorted({way.namespace, mesh.config.root_namespace, "", *others}):
        found = effective_for(mesh, client, way.host, way.namespace)
        has_variants = any(subset.traffic_policy is not None for rule in found.rules for subset in rule.spec.subsets)
        yield _Setting(found.tls(way.port), found.is_certain and found.is_settled and not has_variants)
