"""Sets of requests as plain data, and what it means for a request to be in one.

A predicate has two readings: `holds` here decides one request, `meshlint.space` decides all. They say the same.
"""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import assert_never

from meshlint.mesh import re2
from meshlint.request import LIST_MARK, Attribute, Request


@dataclass(frozen=True, slots=True)
class Exact:
    """The attribute is present and equals the text; ASCII case does not count where `ignore_case` is set."""

    attribute: Attribute
    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Prefix:
    """The attribute is present and begins with the text."""

    attribute: Attribute
    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Suffix:
    """The attribute is present and ends with the text."""

    attribute: Attribute
    text: str
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class Regex:
    """The attribute is present and the RE2 pattern matches the whole of it (R308)."""

    attribute: Attribute
    pattern: str


@dataclass(frozen=True, slots=True)
class Present:
    """The attribute is present, even if empty."""

    attribute: Attribute


@dataclass(frozen=True, slots=True)
class Member:
    """The attribute is present and one of the texts."""

    attribute: Attribute
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Within:
    """The attribute is an address of the network, an address or CIDR whose host bits do not count (S57)."""

    attribute: Attribute
    network: str


@dataclass(frozen=True, slots=True)
class Not:
    """Every request that is not in the predicate."""

    predicate: "Predicate"


@dataclass(frozen=True, slots=True)
class All:
    """Every request that is in all of the predicates; with none of them, every request."""

    predicates: "tuple[Predicate, ...]" = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Every request that is in one of the predicates; with none of them, no request."""

    predicates: "tuple[Predicate, ...]" = ()


@dataclass(frozen=True, slots=True)
class Unclear:
    """A condition from which nothing may be concluded about all requests: the space answers Unknown where it matters.

    For one request `known` decides, where there is one; `holds` says False without.
    """

    why: str
    known: "Predicate | None" = None


Test = Exact | Prefix | Suffix | Regex | Present | Member | Within
Predicate = Test | Not | All | AnyOf | Unclear

ALWAYS = All()
NEVER = AnyOf()


def holds(predicate: Predicate, request: Request) -> bool:
    """Whether *request* is in *predicate*. A test of an absent attribute fails. Raises `re2.BadPattern`."""
    match predicate:
        case Not(inner):
            return not holds(inner, request)
        case All(inner):
            return all(holds(one, request) for one in inner)
        case AnyOf(inner):
            return any(holds(one, request) for one in inner)
        case Unclear(_, known):
            return known is not None and holds(known, request)
        case _:
            value = request.get(predicate.attribute)
            if value is not None and LIST_MARK in value and predicate.attribute.startswith("claim:"):
                return any(accepts(predicate, one) for one in value.split(LIST_MARK))
            return value is not None and accepts(predicate, value)


def may_hold(predicate: Predicate, request: Request, unknown: AbstractSet[Attribute], *, wanted: bool = True) -> bool:
    """Whether some values of the *unknown* attributes can make the predicate hold, or fail where that is *wanted*.

    Each test is taken for itself: that all fit together is not asked. Raises `re2.BadPattern`.
    """
    match predicate:
        case Not(inner):
            return may_hold(inner, request, unknown, wanted=not wanted)
        case All(inner) | AnyOf(inner):
            each = (may_hold(one, request, unknown, wanted=wanted) for one in inner)
            return all(each) if isinstance(predicate, All) is wanted else any(each)
        case Unclear():
            return True
        case _:
            return predicate.attribute in unknown or holds(predicate, request) is wanted


def accepts(test: Test, value: str) -> bool:
    """Whether a present attribute with this *value* passes the *test*."""
    match test:
        case Exact(_, text, ignore_case):
            return _fold(value, ignore_case) == _fold(text, ignore_case)
        case Prefix(_, text, ignore_case):
            return _fold(value, ignore_case).startswith(_fold(text, ignore_case))
        case Suffix(_, text, ignore_case):
            return _fold(value, ignore_case).endswith(_fold(text, ignore_case))
        case Regex(_, pattern):
            return re2.matches(pattern, value)
        case Present():
            return True
        case Member(_, texts):
            return value in texts
        case Within(_, network):
            return _is_within(value, network)
        case _:
            assert_never(test)


def tests(predicate: Predicate) -> Iterator[Test]:
    """The tests a predicate is made of, from left to right, repeated ones included."""
    match predicate:
        case Not(inner):
            yield from tests(inner)
        case All(inner) | AnyOf(inner):
            for one in inner:
                yield from tests(one)
        case Unclear():
            return
        case _:
            yield predicate


def both(*predicates: Predicate) -> Predicate:
    """The conjunction, without needless nesting."""
    flat: list[Predicate] = []
    for predicate in predicates:
        flat.extend(predicate.predicates if isinstance(predicate, All) else (predicate,))
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def either(predicates: Iterable[Predicate]) -> Predicate:
    """The disjunction, without needless nesting."""
    flat: list[Predicate] = []
    for predicate in predicates:
        flat.extend(predicate.predicates if isinstance(predicate, AnyOf) else (predicate,))
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _fold(text: str, ignore_case: bool) -> str:
    """ASCII lower case, as Envoy folds: letters beyond ASCII keep their case."""
    if not ignore_case:
        return text
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def _is_within(value: str, network: str) -> bool:
    try:
        return ip_address(value) in ip_network(network, strict=False)
    except ValueError:
        return False
