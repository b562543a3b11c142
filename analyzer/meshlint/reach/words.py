"""The conditions of AuthorizationPolicies' rules in words, alternative by alternative."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from meshlint.mesh.authorization import Action, PolicyRule, action
from meshlint.mesh.conditions import Chain, Reading, rule_predicate
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Predicate
from meshlint.resources.security import AuthorizationRule, AuthorizationSource, Operation
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Clause:
    """One alternative of a rule: a source with an operation. `words` are its conditions, all of them to be met."""

    rule: PolicyRule
    predicate: Predicate
    words: tuple[str, ...]

    @property
    def node(self) -> Node:
        """Where the rule is written."""
        return self.rule.node


def clauses(mesh: Mesh, rule: PolicyRule, chain: Chain, *, names_callers: bool) -> Iterator[Clause]:
    """The alternatives that a rule is made of.

    Ports are left out of the words, and so is who calls unless *names_callers*: both are known where words are read.
    """
    reading = Reading(rule.policy.namespace, mesh.config, chain, strict=action(rule.policy) is Action.ALLOW)
    for part in _parts(rule.written):
        predicate = rule_predicate(part, reading)
        if predicate is not None:
            yield Clause(rule, predicate, tuple(_words(part, chain, names_callers=names_callers)))


def joined(words: tuple[str, ...]) -> str:
    """Conditions that have to be met together, as one phrase."""
    return " and ".join(words)


def _parts(rule: AuthorizationRule) -> Iterator[AuthorizationRule]:
    for origin in rule.from_ or (None,):
        for target in rule.to or (None,):
            yield replace(rule, from_=(origin,) if origin else (), to=(target,) if target else ())


def _words(rule: AuthorizationRule, chain: Chain, *, names_callers: bool) -> Iterator[str]:
    for origin in rule.from_:
        if origin.source is not None:
            yield from _source(origin.source, chain, names_callers=names_callers)
    for target in rule.to:
        if target.operation is not None and chain is Chain.HTTP:
            yield from _operation(target.operation)
    for condition in rule.when:
        is_known = condition.key == "destination.port" or (condition.key in _CALLER_KEYS and not names_callers)
        is_erased = chain is Chain.TCP and condition.key.startswith(("request.headers", "request.auth."))
        if not (is_known or is_erased):
            yield from _tested(condition.key, condition.values, condition.not_values)


_CALLER_KEYS = frozenset({"source.principal", "source.namespace", "source.serviceAccount", "source.trustDomain"})


def _source(source: AuthorizationSource, chain: Chain, *, names_callers: bool) -> Iterator[str]:
    if names_callers:
        yield from _tested("principal", source.principals, source.not_principals)
        yield from _tested("namespace", source.namespaces, source.not_namespaces)
        yield from _tested("service account", source.service_accounts, source.not_service_accounts)
        yield from _tested("trust domain", source.trust_domains, source.not_trust_domains)
    yield from _tested("source address", source.ip_blocks, source.not_ip_blocks)
    yield from _tested("client address", source.remote_ip_blocks, source.not_remote_ip_blocks)
    if chain is Chain.HTTP:
        yield from _tested("token", source.request_principals, source.not_request_principals)


def _operation(operation: Operation) -> Iterator[str]:
    yield from _tested("method", operation.methods, operation.not_methods)
    yield from _tested("host", operation.hosts, operation.not_hosts)
    yield from _tested("path", operation.paths, operation.not_paths)


def _tested(name: str, values: tuple[str, ...], negated: tuple[str, ...]) -> Iterator[str]:
    if values:
        yield f"{name} is {' or '.join(values)}"
    if negated:
        yield f"{name} is not {' or '.join(negated)}"
