"""How a question about all requests is decided: by shape, by a guess, by the solver; and what stays unclear."""

from collections.abc import Sequence
from dataclasses import dataclass

from meshlint.mesh.predicate import Predicate, holds
from meshlint.request import METHOD, PATH, Attribute, Request
from meshlint.space import _z3
from meshlint.space.answers import Answer, DisagreementError, Empty, Some, Unknown, Unsupported
from meshlint.space.domains import domain
from meshlint.space.guesses import guess
from meshlint.space.shapes import (
    Box,
    assuming,
    attributes,
    boxes,
    covers,
    doubting,
    excludes,
    is_clear,
    normal,
    reason,
)
from meshlint.space.starts import meet, path_start, start_of


def answers(predicates: Sequence[Predicate], wanted: Sequence[int]) -> tuple[Answer, ...]:
    """For each wanted position, whether that predicate has a request outside of all predicates before it."""
    known = [normal(predicate) for predicate in predicates]
    readings = [_reading(predicate, plain) for predicate, plain in zip(predicates, known, strict=True)]
    found = _decided(known, wanted)
    return tuple(_presentable(answer, readings[: at + 1]) for answer, at in zip(found, wanted, strict=True))


@dataclass(frozen=True, slots=True)
class _Reading:
    """A predicate for `holds`: what it asks about, the least and the largest set that it may be, and how its paths begin."""

    asked: frozenset[Attribute]
    least: Predicate
    largest: Predicate
    start: str


def _reading(predicate: Predicate, known: Predicate) -> _Reading:
    asked = frozenset(attributes([predicate]))
    if is_clear(known):
        return _Reading(asked, predicate, predicate, path_start(known))
    largest = assuming(known, is_met=True)
    return _Reading(asked, assuming(known, is_met=False), largest, path_start(largest))


@dataclass(frozen=True, slots=True)
class _Question:
    """Whether the clear normal *target* has a request outside of the clear normal *others*."""

    target: Predicate
    others: Sequence[Predicate]
    starts: Sequence[str]

    def near(self, box: Box) -> list[int]:
        """The positions of the others that may have requests of the box."""
        start = start_of(box)
        near = [at for at, other in enumerate(self.starts) if meet(start, other)]
        return [at for at in near if not excludes(self.others[at], box)]


def _decided(known: Sequence[Predicate], wanted: Sequence[int]) -> list[Answer]:
    """The answers where some conditions may be unclear.

    Invariant: what is unclear may hold or not. Empty is said where it is so for the largest target and the least
    others, a request is shown where it is one for the least target and the largest others.
    """
    large = [assuming(predicate, is_met=True) for predicate in known]
    small = [assuming(predicate, is_met=False) for predicate in known]
    found = _solved(large, small, wanted)
    unclear_from = next((at for at, one in enumerate(known) if not is_clear(one)), len(known))
    doubtful = [
        place
        for place, (at, answer) in enumerate(zip(wanted, found, strict=True))
        if isinstance(answer, Some) and at >= unclear_from
    ]
    certain = _solved(small, large, [wanted[place] for place in doubtful])
    for place, answer in zip(doubtful, certain, strict=True):
        why = next(why for one in (known[wanted[place]], *known[: wanted[place]]) if (why := reason(one)) is not None)
        found[place] = answer if isinstance(answer, Some) else Unknown(why)
    return found


def _solved(targets: Sequence[Predicate], others: Sequence[Predicate], wanted: Sequence[int]) -> list[Answer]:
    """The answers for targets, each outside of the others at smaller positions."""
    found: dict[int, Answer] = {}
    hard: dict[int, _z3.Query] = {}
    starts = [path_start(other) for other in others]
    for at in wanted:
        question = _Question(targets[at], others[:at], starts[:at])
        answer = _evident(question)
        if answer is not None:
            found[at] = answer
        else:
            hard[at] = _z3.Query(targets[at], _relevant(question))
    found.update(zip(hard, _searched(others, list(hard.values())), strict=True))
    return [found[at] for at in wanted]


def _evident(question: _Question) -> Answer | None:
    """The answer where shape and guesses give it."""
    parts = boxes(question.target)
    if parts is None:
        return None
    covering = []
    for box in parts:
        near = question.near(box)
        by = [at for at in near if covers(question.others[at], box)]
        covering.append(by)
        if not by:
            request = guess(box, [question.others[at] for at in near])
            if request is not None:
                return Some(request)
    if not all(covering):
        return None
    return _evidently_empty(question, parts, covering)


def _evidently_empty(question: _Question, parts: Sequence[Box], covering: Sequence[Sequence[int]]) -> Answer | None:
    """Empty by the least set of the covering ones, None where it is not evident that each of these is needed."""
    if not parts:
        return Empty()
    common = set(covering[0]).intersection(*covering[1:])
    by = [min(common)] if common else sorted({one[0] for one in covering})
    preferable = question.others[: by[0]] if common else question.others
    if not all(_evidently_leaves(other, parts) for other in preferable):
        return None
    for needed in by:
        rest = [question.others[at] for at in by if at != needed]
        if all(guess(box, rest) is None for box in parts):
            return None
    return Empty(tuple(by))


def _evidently_leaves(other: Predicate, parts: Sequence[Box]) -> bool:
    """Whether a guess shows that the other predicate does not cover the boxes alone."""
    return any(guess(box, [other]) is not None for box in parts)


def _relevant(question: _Question) -> Sequence[int]:
    parts = boxes(question.target)
    if parts is None:
        return range(len(question.others))
    return sorted({at for box in parts for at in question.near(box)})


def _searched(others: Sequence[Predicate], queries: Sequence[_z3.Query]) -> list[Answer]:
    """The solver's answers, in one scope where that is small enough, else each in its own."""
    if not queries:
        return []
    try:
        return [_answer(verdict) for verdict in _in_one_scope(others, queries)]
    except Unsupported as unsupported:
        if len(queries) > 1:
            return [answer for query in queries for answer in _searched(others, [query])]
        return [_without(others, queries[0], unsupported)]


def _in_one_scope(others: Sequence[Predicate], queries: Sequence[_z3.Query]) -> list[_z3.Verdict]:
    asked = dict.fromkeys(at for query in queries for at in query.others)
    known = _z3.scope([*(query.target for query in queries), *(others[at] for at in asked)])
    return _z3.decide(known, others, queries)


def _answer(verdict: _z3.Verdict) -> Answer:
    match verdict:
        case Request():
            return Some(verdict)
        case _z3.Covered(by):
            return Empty(by)
        case _z3.Exhausted():
            return Unknown("the question is too hard for the solver's limit")


def _without(others: Sequence[Predicate], query: _z3.Query, unsupported: Unsupported) -> Answer:
    """The answer where tests that no small automaton decides are left unclear."""
    if not unsupported.tests:
        return Unknown(unsupported.why)
    asked = [*(others[at] for at in query.others), query.target]
    doubted = [doubting(one, unsupported.tests, unsupported.why) for one in asked]
    answer = _decided(doubted, [len(query.others)])[0]
    return Empty(tuple(query.others[at] for at in answer.by)) if isinstance(answer, Empty) else answer


def _presentable(answer: Answer, readings: Sequence[_Reading]) -> Answer:
    """The answer for the last reading, its request reduced to what was asked about and confirmed by `holds`."""
    if not isinstance(answer, Some):
        return answer
    asked = frozenset({METHOD, PATH}).union(*(reading.asked for reading in readings))
    values = {attribute: value for attribute, value in answer.request.values if attribute in asked}
    for attribute in asked:
        if not domain(attribute).is_optional:
            values.setdefault(attribute, domain(attribute).preferred[0])
    request = Request.of(values)
    *others, target = readings
    path = request.get(PATH) or ""
    near = (other for other in others if path.startswith(other.start))
    if not holds(target.least, request) or any(holds(other.largest, request) for other in near):
        raise DisagreementError(f"{request} does not answer the question about {target.least}")
    return Some(request)
