"""Cheap proofs: what the shape of predicates alone says about covering and excluding one another."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from meshlint.mesh import re2
from meshlint.mesh.automaton import Assertion, Characters
from meshlint.mesh.automaton import Sequence as Chain
from meshlint.mesh.predicate import (
    ALWAYS,
    NEVER,
    All,
    AnyOf,
    Exact,
    Member,
    Not,
    Predicate,
    Prefix,
    Present,
    Regex,
    Suffix,
    Test,
    Unclear,
    Within,
    accepts,
    tests,
)
from meshlint.request import PATH, Attribute
from meshlint.space.addresses import is_subnet, network
from meshlint.space.domains import domain

Literal = Test | Not
"""A test, or the negation of one."""

Box = tuple[Literal, ...]
"""The requests in all of the literals."""

MOST_BOXES = 64


@lru_cache(maxsize=16384)
def normal(predicate: Predicate) -> Predicate:
    """The same set with `Not` only around tests, no needless nesting, and unreadable patterns made `Unclear`."""
    return _normal(predicate, is_negated=False)


@lru_cache(maxsize=16384)
def is_clear(predicate: Predicate) -> bool:
    """Whether a normal predicate has no condition that cannot be read."""
    return reason(predicate) is None


def reason(predicate: Predicate) -> str | None:
    """Why the first unclear condition of a normal predicate is unclear, None where there is none."""
    match predicate:
        case Unclear(why):
            return why
        case Not(inner):
            return reason(inner)
        case All(inner) | AnyOf(inner):
            return next(filter(None, map(reason, inner)), None)
        case _:
            return None


def assuming(predicate: Predicate, is_met: bool) -> Predicate:
    """A normal predicate with each unclear condition taken as always or never met: the largest or the least set."""
    match predicate:
        case Unclear() | Not(Unclear()):
            return ALWAYS if is_met else NEVER
        case All(inner):
            return conjunction(assuming(one, is_met) for one in inner)
        case AnyOf(inner):
            return disjunction(assuming(one, is_met) for one in inner)
        case _:
            return predicate


def doubting(predicate: Predicate, doubtful: frozenset[Test], why: str) -> Predicate:
    """A normal predicate with each of the doubtful tests made unclear."""
    match predicate:
        case All(inner):
            return conjunction(doubting(one, doubtful, why) for one in inner)
        case AnyOf(inner):
            return disjunction(doubting(one, doubtful, why) for one in inner)
        case Unclear():
            return predicate
        case _:
            return Unclear(why) if any(test in doubtful for test in tests(predicate)) else predicate


def conjunction(predicates: Iterable[Predicate]) -> Predicate:
    """The normal predicate of what is in all of the normal predicates."""
    flat: dict[Predicate, None] = {}
    for one in predicates:
        if one == NEVER:
            return NEVER
        flat.update(dict.fromkeys(one.predicates if isinstance(one, All) else (one,)))
    return next(iter(flat)) if len(flat) == 1 else All(tuple(flat))


def disjunction(predicates: Iterable[Predicate]) -> Predicate:
    """The normal predicate of what is in one of the normal predicates."""
    flat: dict[Predicate, None] = {}
    for one in predicates:
        if one == ALWAYS:
            return ALWAYS
        flat.update(dict.fromkeys(one.predicates if isinstance(one, AnyOf) else (one,)))
    return next(iter(flat)) if len(flat) == 1 else AnyOf(tuple(flat))


@lru_cache(maxsize=4096)
def boxes(predicate: Predicate) -> tuple[Box, ...] | None:
    """The boxes that a clear normal predicate is the union of, less the evidently empty; None where they are many."""
    found = _boxes(predicate)
    if found is None:
        return None
    return tuple(box for box in found if not is_contradictory(box))


def is_contradictory(box: Box) -> bool:
    """Whether two literals of the box exclude each other."""
    return any(is_disjoint(a, b) for at, a in enumerate(box) for b in box[at + 1 :])


def covers(predicate: Predicate, box: Box) -> bool:
    """Whether the shape of a normal predicate shows that it has every request of the box."""
    match predicate:
        case All(inner):
            return all(covers(one, box) for one in inner)
        case AnyOf(inner):
            return any(covers(one, box) for one in inner)
        case Unclear():
            return False
        case literal:
            return any(is_subset(one, literal) for one in box)


def excludes(predicate: Predicate, box: Box) -> bool:
    """Whether the shape of a normal predicate shows that it has no request of the box."""
    match predicate:
        case All(inner):
            return any(excludes(one, box) for one in inner)
        case AnyOf(inner):
            return all(excludes(one, box) for one in inner)
        case Unclear():
            return False
        case literal:
            return any(is_disjoint(one, literal) for one in box)


def is_subset(a: Literal, b: Literal) -> bool:
    """Whether each request in *a* is evidently in *b*."""
    if isinstance(b, Not):
        return is_disjoint(_test(b), a) if not isinstance(a, Not) else is_subset(_test(b), _test(a))
    if isinstance(a, Not) or a.attribute != b.attribute:
        return False
    return a == b or isinstance(b, Present) or _is_subset(a, b)


def is_disjoint(a: Literal, b: Literal) -> bool:
    """Whether evidently no request is in both."""
    if isinstance(a, Not) and isinstance(b, Not):
        return False
    if isinstance(b, Not):
        return is_subset(a, _test(b))
    if isinstance(a, Not):
        return is_subset(b, _test(a))
    return a.attribute == b.attribute and _is_disjoint(a, b)


def _test(negation: Not) -> Test:
    inner = negation.predicate
    assert not isinstance(inner, Not | All | AnyOf | Unclear)  # noqa: S101 - what `normal` guarantees
    return inner


def _normal(predicate: Predicate, *, is_negated: bool) -> Predicate:
    match predicate:
        case Not(inner):
            return _normal(inner, is_negated=not is_negated)
        case All(inner) | AnyOf(inner):
            join = conjunction if isinstance(predicate, All) != is_negated else disjunction
            return join(_normal(one, is_negated=is_negated) for one in inner)
        case Unclear():
            return predicate
        case test:
            found = _simplified(test)
            if isinstance(found, All | AnyOf):
                return found if not is_negated else (NEVER if found == ALWAYS else ALWAYS)
            return Not(found) if is_negated and not isinstance(found, Unclear) else found


def _simplified(test: Test) -> Predicate:
    is_always_there = not domain(test.attribute).is_optional
    match test:
        case Regex(_, pattern):
            try:
                re2.compiled(pattern)
            except re2.BadPattern as bad:
                return Unclear(f"the regular expression {pattern!r} cannot be read: {bad.message}")
            if pattern not in _EVERYTHING and not (test.attribute == PATH and pattern in _EVERY_PATH):
                return test
        case Prefix(attribute, "/") if attribute == PATH:
            return ALWAYS
        case Prefix(_, "") | Suffix(_, "") | Present():
            pass
        case Member(attribute, texts):
            if len(texts) == 1:
                return Exact(attribute, next(iter(texts)))
            return test if texts else NEVER
        case _:
            return test
    return ALWAYS if is_always_there else Present(test.attribute)


# No domain has a line break, so that a dot stands for every character.
_EVERYTHING = frozenset({".*", "^.*$", "^.*", ".*$"})
_EVERY_PATH = frozenset({".+", "/.*", "^/.*$", "^/.*", "/.*$", "^.+$"})


def _boxes(predicate: Predicate) -> tuple[Box, ...] | None:
    match predicate:
        case AnyOf(inner):
            found: list[Box] = []
            for one in inner:
                more = _boxes(one)
                if more is None or len(found) + len(more) > MOST_BOXES:
                    return None
                found.extend(more)
            return tuple(found)
        case All(inner):
            product: tuple[Box, ...] = ((),)
            for one in inner:
                more = _boxes(one)
                if more is None or len(product) * len(more) > MOST_BOXES:
                    return None
                product = tuple((*left, *right) for left in product for right in more)
            return product
        case Unclear():
            return None
        case literal:
            return ((literal,),)


def _fold(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)


def _texts(test: Test) -> Sequence[str] | None:
    """All values that pass the test, where it lists them."""
    match test:
        case Exact(_, text, False):
            return (text,)
        case Member(_, texts):
            return sorted(texts)
        case _:
            return None


def _is_subset(a: Test, b: Test) -> bool:
    listed = _texts(a)
    if listed is not None:
        return all(accepts(b, text) for text in listed)
    match a, b:
        case (Exact(_, text, _), Exact(_, other, True)):
            return _fold(text) == _fold(other)
        case (Exact(_, text, _) | Prefix(_, text, _), Prefix(_, other, True)):
            return _fold(text).startswith(_fold(other))
        case (Exact(_, text, _) | Suffix(_, text, _), Suffix(_, other, True)):
            return _fold(text).endswith(_fold(other))
        case (Prefix(_, text, False), Prefix(_, other, False)):
            return text.startswith(other)
        case (Suffix(_, text, False), Suffix(_, other, False)):
            return text.endswith(other)
        case (Within(_, inner), Within(_, outer)):
            narrow, wide = network(inner), network(outer)
            return narrow is None or (wide is not None and is_subnet(narrow, wide))
        case _:
            return False


def _is_disjoint(a: Test, b: Test) -> bool:
    if isinstance(a, Within) and isinstance(b, Within):
        one, other = network(a.network), network(b.network)
        return one is None or other is None or not (is_subnet(one, other) or is_subnet(other, one))
    ignore_case = _ignores_case(a) or _ignores_case(b)
    if not _nest(_head(a), _head(b), ignore_case=ignore_case):
        return True
    # Ends are compared as beginnings of the reversed texts.
    if not _nest(_tail(a)[::-1], _tail(b)[::-1], ignore_case=ignore_case):
        return True
    for test, other_test in ((a, b), (b, a)):
        listed = _texts(test)
        if listed is not None:
            return not any(accepts(other_test, text) for text in listed)
    return _is_shorter(a, b) or _is_shorter(b, a)


def _ignores_case(test: Test) -> bool:
    return isinstance(test, Exact | Prefix | Suffix) and test.ignore_case


def _head(test: Test) -> str:
    """What each value that passes the test begins with."""
    match test:
        case Exact(_, text) | Prefix(_, text):
            return text
        case Regex(_, pattern):
            return _regex_head(pattern)
        case _:
            return ""


def _tail(test: Test) -> str:
    """What each value that passes the test ends with."""
    return test.text if isinstance(test, Exact | Suffix) else ""


@lru_cache(maxsize=4096)
def _regex_head(pattern: str) -> str:
    tree = re2.parse(pattern)
    head = ""
    for part in tree.parts if isinstance(tree, Chain) else (tree,):
        match part:
            case Characters(((low, high),)) if low == high:
                head += chr(low)
            case Assertion():
                continue
            case _:
                break
    return head


def _nest(a: str, b: str, *, ignore_case: bool) -> bool:
    """Whether one of the texts begins with the other."""
    if ignore_case:
        a, b = _fold(a), _fold(b)
    return a.startswith(b) or b.startswith(a)


def _is_shorter(a: Test, b: Test) -> bool:
    """Whether *a* is one whole text, shorter than any text with the beginning or end that *b* asks for."""
    return (
        isinstance(a, Exact)
        and isinstance(b, Exact | Prefix | Suffix)
        and (len(a.text) < len(b.text) or (isinstance(b, Exact) and len(a.text) != len(b.text)))
    )


def attributes(predicates: Iterable[Predicate]) -> Iterator[Attribute]:
    """The attributes the predicates ask about, each once, in the order of their first test."""
    yield from dict.fromkeys(test.attribute for predicate in predicates for test in tests(predicate))
