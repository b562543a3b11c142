"""The conditions of AuthorizationPolicies' rules in words, alternative by alternative."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from meshlint.mesh.authorization import Action, PolicyRule, action
from meshlint.mesh.conditions import Chain, Reading, rule_predicate
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Predicate, both
from meshlint.resources.security import AuthorizationRule, AuthorizationSource, Condition, From, Operation, To
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Wording:
    """One condition: what it says and which requests meet it."""

    words: str
    predicate: Predicate


@dataclass(frozen=True, slots=True, eq=False)
class Clause:
    """One alternative of a rule: a source with an operation, all of whose conditions are to be met."""

    rule: PolicyRule
    conditions: tuple[Wording, ...]

    @property
    def node(self) -> Node:
        """Where the rule is written."""
        return self.rule.node

    @property
    def predicate(self) -> Predicate:
        """The requests that meet all conditions."""
        return both(*(one.predicate for one in self.conditions))


def clauses(mesh: Mesh, rule: PolicyRule, chain: Chain) -> tuple[Clause, ...]:
    """The alternatives that make up a rule on one kind of chain."""
    return mesh.derived(_clauses, mesh, rule, chain)


def _clauses(mesh: Mesh, rule: PolicyRule, chain: Chain) -> tuple[Clause, ...]:
    is_strict = action(rule.policy) is Action.ALLOW
    reading = Reading(rule.policy.namespace, mesh.config, chain, strict=is_strict)
    return tuple(
        Clause(rule, tuple(_wordings((*origin, *target, *_conditions(rule.written)), reading)))
        for origin in _sources(rule.written)
        for target in _operations(rule.written)
    )


@dataclass(frozen=True, slots=True)
class _Part:
    """A rule with one condition only, and what that says."""

    words: str
    rule: AuthorizationRule


def _wordings(parts: tuple[_Part, ...], reading: Reading) -> Iterator[Wording]:
    for part in parts:
        predicate = rule_predicate(part.rule, reading)
        if predicate is not None:
            yield Wording(part.words, predicate)


def _sources(rule: AuthorizationRule) -> Iterator[tuple[_Part, ...]]:
    """The conditions of each source; a rule without any has one alternative, without conditions."""
    if not rule.from_:
        yield ()
    for origin in rule.from_:
        source = origin.source
        pieces = _source(source) if source is not None else ()
        yield tuple(_Part(words, AuthorizationRule(rule.node, from_=(_from(origin, one),))) for words, one in pieces)


def _from(origin: From, source: AuthorizationSource) -> From:
    return replace(origin, source=source)


def _operations(rule: AuthorizationRule) -> Iterator[tuple[_Part, ...]]:
    if not rule.to:
        yield ()
    for target in rule.to:
        operation = target.operation
        pieces = _operation(operation) if operation is not None else ()
        yield tuple(_Part(words, AuthorizationRule(rule.node, to=(_to(target, one),))) for words, one in pieces)


def _to(target: To, operation: Operation) -> To:
    return replace(target, operation=operation)


def _conditions(rule: AuthorizationRule) -> Iterator[_Part]:
    for one in rule.when:
        for words, piece in _condition(one):
            yield _Part(words, AuthorizationRule(rule.node, when=(piece,)))


def _source(given: AuthorizationSource) -> Iterator[tuple[str, AuthorizationSource]]:
    """The source field by field."""
    bare = AuthorizationSource(given.node)
    pieces = (
        ("principal", given.principals, replace(bare, principals=given.principals)),
        ("principal not", given.not_principals, replace(bare, not_principals=given.not_principals)),
        ("namespace", given.namespaces, replace(bare, namespaces=given.namespaces)),
        ("namespace not", given.not_namespaces, replace(bare, not_namespaces=given.not_namespaces)),
        ("service account", given.service_accounts, replace(bare, service_accounts=given.service_accounts)),
        (
            "service account not",
            given.not_service_accounts,
            replace(bare, not_service_accounts=given.not_service_accounts),
        ),
        ("trust domain", given.trust_domains, replace(bare, trust_domains=given.trust_domains)),
        ("trust domain not", given.not_trust_domains, replace(bare, not_trust_domains=given.not_trust_domains)),
        ("peer address", given.ip_blocks, replace(bare, ip_blocks=given.ip_blocks)),
        ("peer address not", given.not_ip_blocks, replace(bare, not_ip_blocks=given.not_ip_blocks)),
        ("client address", given.remote_ip_blocks, replace(bare, remote_ip_blocks=given.remote_ip_blocks)),
        (
            "client address not",
            given.not_remote_ip_blocks,
            replace(bare, not_remote_ip_blocks=given.not_remote_ip_blocks),
        ),
        ("token", given.request_principals, replace(bare, request_principals=given.request_principals)),
        ("token not", given.not_request_principals, replace(bare, not_request_principals=given.not_request_principals)),
    )
    yield from ((_words(name, values), piece) for name, values, piece in pieces if values)


def _operation(given: Operation) -> Iterator[tuple[str, Operation]]:
    """The operation field by field."""
    bare = Operation(given.node)
    pieces = (
        ("method", given.methods, replace(bare, methods=given.methods)),
        ("method not", given.not_methods, replace(bare, not_methods=given.not_methods)),
        ("host", given.hosts, replace(bare, hosts=given.hosts)),
        ("host not", given.not_hosts, replace(bare, not_hosts=given.not_hosts)),
        ("path", given.paths, replace(bare, paths=given.paths)),
        ("path not", given.not_paths, replace(bare, not_paths=given.not_paths)),
        ("port", given.ports, replace(bare, ports=given.ports)),
        ("port not", given.not_ports, replace(bare, not_ports=given.not_ports)),
    )
    yield from ((_words(name, values), piece) for name, values, piece in pieces if values)


def _condition(given: Condition) -> Iterator[tuple[str, Condition]]:
    if given.values:
        yield _words(given.key, given.values), replace(given, not_values=())
    if given.not_values:
        yield _words(f"{given.key} not", given.not_values), replace(given, values=())


def _words(name: str, values: tuple[str, ...]) -> str:
    """What a field asks, as `path is /a or /b`; the name of one that excludes ends in `not`."""
    subject = name.removesuffix(" not")
    return f"{subject} is {'' if subject == name else 'not '}{' or '.join(values)}"
