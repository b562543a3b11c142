"""What ztunnel makes of AuthorizationPolicies: which it enforces, and what is left of their rules (security S88-S100)."""

from collections.abc import Iterable, Iterator

from meshlint.mesh.conditions import (
    Read,
    Reading,
    account,
    alternatives,
    literal_principal,
    networks,
    port,
    ports_of,
    quote,
)
from meshlint.mesh.predicate import Predicate, Present, Regex, Within, both, either
from meshlint.request import DESTINATION_IP, PRINCIPAL, SOURCE_IP
from meshlint.resources.base import Labels, LabelSelector, selects
from meshlint.resources.security import AuthorizationRule, AuthorizationSource, Condition, Operation
from meshlint.source.node import Node

ACTIONS = ("ALLOW", "DENY", "")
"""The actions that ztunnel knows: policies with any other never get there (S91)."""


def reaches(selector: LabelSelector | None, labels: Labels) -> bool:
    """Whether a policy of the workload's or the root namespace is for these pods; an empty selector is for none (S88, S89)."""
    return selector is None or (bool(selector.match_labels) and selects(selector.match_labels, labels))


def connection_predicate(rule: AuthorizationRule, reading: Reading) -> Predicate | None:
    """The connections that a rule matches at ztunnel; None where Istio or ztunnel drops the whole rule.

    Of an ALLOW rule any condition on requests takes the rule away (S93). Of a DENY rule it takes away itself, and with
    the last condition of a clause the rule never matches (S94-S96).
    """
    if reading.strict and any(True for _ in request_conditions(rule)):
        return None
    clauses = [*_clause(rule.from_, (_source(one.source, reading) for one in rule.from_))]
    clauses += _clause(rule.to, (_operation(one.operation) for one in rule.to))
    clauses += [_condition(one) for one in rule.when]
    if any(clause is None for clause in clauses):
        return None
    return both(*(clause for clause in clauses if clause is not None))


def request_conditions(rule: AuthorizationRule) -> Iterator[Node]:
    """Where a rule asks of requests what ztunnel cannot see (S92)."""
    for origin in rule.from_:
        node = origin.source.node if origin.source is not None else None
        names = ("requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks")
        yield from _written(node, names)
    for target in rule.to:
        node = target.operation.node if target.operation is not None else None
        yield from _written(node, ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"))
    for condition in rule.when:
        if condition.key not in _KEYS:
            yield condition.node.at("key")


def _written(node: Node | None, names: Iterable[str]) -> Iterator[Node]:
    for name in names:
        found = node.get(name) if node is not None else None
        if found is not None and found.elements:
            yield found


def _clause(written: tuple[object, ...], items: Iterable[Predicate | None]) -> tuple[Predicate | None, ...]:
    """The clause, if the rule has it: some item of it. Items without a condition match nothing (S96)."""
    if not written:
        return ()
    left = [item for item in items if item is not None]
    return (either(left) if left else None,)


def _source(source: AuthorizationSource | None, reading: Reading) -> Predicate | None:
    """What a source asks of a connection. Trust domains are dropped and no alias stands for another (S98, S99)."""
    if source is None:
        return None
    return _all(
        [
            (source.principals, source.not_principals, literal_principal),
            (source.namespaces, source.not_namespaces, _namespace),
            (source.service_accounts, source.not_service_accounts, lambda v: account(v, reading.namespace)),
            (networks(source.ip_blocks), networks(source.not_ip_blocks), lambda v: Within(SOURCE_IP, v)),
        ]
    )


def _operation(operation: Operation | None) -> Predicate | None:
    if operation is None:
        return None
    return _all([(ports_of(operation.ports), ports_of(operation.not_ports), port)])


def _condition(condition: Condition) -> Predicate | None:
    if condition.key not in _KEYS:
        return None
    keep = networks if condition.key.endswith(".ip") else ports_of if condition.key.endswith(".port") else _as_it_is
    return _all([(keep(condition.values), keep(condition.not_values), _KEYS[condition.key])])


def _all(pairs: Iterable[tuple[tuple[str, ...], tuple[str, ...], Read]]) -> Predicate | None:
    found = tuple(alternatives(pairs))
    return both(*found) if found else None


def _as_it_is(values: tuple[str, ...]) -> tuple[str, ...]:
    return values


def _namespace(value: str) -> Predicate:
    """A namespace by its bare name, with a star at one end (S99)."""
    if value == "*":
        return Present(PRINCIPAL)
    if value.startswith("*"):
        text = f"[^/]*{quote(value[1:])}"
    else:
        text = f"{quote(value[:-1])}[^/]*" if value.endswith("*") else quote(value)
    return Regex(PRINCIPAL, f"spiffe://[^/]+/ns/{text}/sa/.*")


_KEYS: dict[str, Read] = {
    "source.ip": lambda v: Within(SOURCE_IP, v),
    "source.namespace": _namespace,
    "source.principal": literal_principal,
    "destination.ip": lambda v: Within(DESTINATION_IP, v),
    "destination.port": port,
}
"""The `when` keys that connections have (S92)."""
