"""The single values that rules of AuthorizationPolicies ask for, each where it is written."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.resources.security import AuthorizationPolicy, AuthorizationRule
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a rule, and the field of `source` or `operation`, or the key of `when`, that it is a value of.

    `is_negated` is set for values of `not` fields, whose `name` is that of the field that they negate.
    """

    name: str
    value: str
    node: Node
    is_negated: bool


def entries(policy: AuthorizationPolicy, *names: str) -> Iterator[Entry]:
    """The values in the policy's rules of the fields and keys called *names*."""
    for rule in policy.spec.rules:
        yield from entries_of(rule, *names)


def entries_of(rule: AuthorizationRule, *names: str) -> Iterator[Entry]:
    """The values in one rule of the fields and keys called *names*."""
    for origin in rule.from_:
        if origin.source is not None:
            yield from _of_fields(origin.source.node, names)
    for target in rule.to:
        if target.operation is not None:
            yield from _of_fields(target.operation.node, names)
    for condition in rule.when:
        if condition.key in names:
            yield from _of_list(condition.key, condition.node.get("values"), is_negated=False)
            yield from _of_list(condition.key, condition.node.get("notValues"), is_negated=True)


def _of_fields(node: Node, names: tuple[str, ...]) -> Iterator[Entry]:
    for name in names:
        yield from _of_list(name, node.get(name), is_negated=False)
        yield from _of_list(name, node.get("not" + name[:1].upper() + name[1:]), is_negated=True)


def _of_list(name: str, values: Node | None, *, is_negated: bool) -> Iterator[Entry]:
    for node in values.elements if values is not None else ():
        if isinstance(node.value, str) and node.value:
            yield Entry(name, node.value, node, is_negated)
