"""Questions about finite classes, for Z3: every attribute is a small number, every test a set of its values.

Each query asks whether a target has a request that is in none of the earlier predicates; assumptions keep what was
learned for the next query, and name the predicates that exclude a target.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from meshlint.mesh.predicate import All, AnyOf, Not, Predicate, Test, Unclear, holds, tests
from meshlint.request import METHOD, PATH, Attribute, Request
from meshlint.space.atoms import Atom, atoms
from meshlint.space.domains import domain


@dataclass(frozen=True, slots=True)
class Query:
    """Whether *target* has a request outside of the *others*, positions in the scope's list of predicates."""

    target: Predicate
    others: Sequence[int]


@dataclass(frozen=True, slots=True)
class Covered:
    """No request: these of the others have them all, and none of these is needless."""

    by: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The solver gave up at its limit of steps."""


Verdict = Request | Covered | Exhausted


@dataclass(frozen=True, slots=True)
class Scope:
    """The classes of every attribute that some predicates ask about, by attribute and sorted by value."""

    atoms: Mapping[Attribute, tuple[Atom, ...]]
    positions: Mapping[Test, int]


def scope(predicates: Sequence[Predicate]) -> Scope:
    """The scope of clear normal predicates. Raises `Unsupported`."""
    by_attribute: dict[Attribute, dict[Test, None]] = {}
    for predicate in predicates:
        for test in tests(predicate):
            by_attribute.setdefault(test.attribute, {})[test] = None
    split = {attribute: atoms(attribute, tuple(asked)) for attribute, asked in by_attribute.items()}
    positions = {test: at for asked in by_attribute.values() for at, test in enumerate(asked)}
    return Scope(split, positions)


def decide(known: Scope, predicates: Sequence[Predicate], queries: Sequence[Query]) -> list[Verdict]:
    """The verdict on each query, in order. One thread at a time: the solver's objects are freed by whichever runs."""
    with _TURN:
        solving = _Solving(known, predicates)
        return [_decide(solving, query) for query in queries]


_TURN = Lock()


STEPS = 4_000_000
"""How many steps (Z3's rlimit) one check may take: a count, so that each machine gives the same answer."""


@dataclass(slots=True)
class _Solving:
    known: Scope
    predicates: Sequence[Predicate]
    z3: Any = field(init=False)
    context: Any = field(init=False)
    solver: Any = field(init=False)
    numbers: dict[Attribute, Any] = field(default_factory=dict)
    rows: dict[Attribute, tuple[Atom, ...]] = field(default_factory=dict)
    terms: dict[Predicate, Any] = field(default_factory=dict)
    marks: dict[int, Any] = field(default_factory=dict)
    targets: dict[Predicate, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        import z3

        self.z3 = z3
        self.context = z3.Context()
        self.solver = z3.SolverFor("QF_FD", ctx=self.context)
        self.solver.set("rlimit", STEPS)
        for at, (attribute, classes) in enumerate(self.known.atoms.items()):
            # Sorted by value, the classes of a prefix stand together, and a test is a few intervals.
            row = tuple(sorted(classes, key=lambda atom: (atom.value is not None, atom.value or "")))
            number = z3.BitVec(f"a{at}", max(1, (len(row) - 1).bit_length()), self.context)
            self.numbers[attribute], self.rows[attribute] = number, row
            if not row:
                self.solver.add(z3.BoolVal(val=False, ctx=self.context))
            self.solver.add(z3.ULE(number, max(len(row) - 1, 0)))

    def mark(self, other: int) -> Any:
        """The assumption that the other predicate does not hold."""
        if other not in self.marks:
            mark = self.z3.Bool(f"n{other}", self.context)
            self.solver.add(self.z3.Implies(mark, self.z3.Not(self.term(self.predicates[other]))))
            self.marks[other] = mark
        return self.marks[other]

    def target(self, predicate: Predicate) -> Any:
        """The assumption that the target holds."""
        if predicate not in self.targets:
            mark = self.z3.Bool(f"t{len(self.targets)}", self.context)
            self.solver.add(self.z3.Implies(mark, self.term(predicate)))
            self.targets[predicate] = mark
        return self.targets[predicate]

    def term(self, predicate: Predicate) -> Any:
        """The predicate over the numbers of classes."""
        if predicate not in self.terms:
            self.terms[predicate] = self._term(predicate)
        return self.terms[predicate]

    def _term(self, predicate: Predicate) -> Any:
        z3 = self.z3
        match predicate:
            case Not(inner):
                return z3.Not(self.term(inner))
            case All(inner):
                return z3.And([*map(self.term, inner), z3.BoolVal(val=True, ctx=self.context)])
            case AnyOf(inner):
                return z3.Or([*map(self.term, inner), z3.BoolVal(val=False, ctx=self.context)])
            case Unclear(why):
                raise AssertionError(f"an unclear condition reached the solver: {why}")
            case test:
                return self._test(test)

    def _test(self, test: Test) -> Any:
        z3 = self.z3
        number = self.numbers[test.attribute]
        bit = 1 << self.known.positions[test]
        row = self.rows[test.attribute]
        members = [at for at, atom in enumerate(row) if atom.passed & bit]
        intervals = [
            number == low if low == high else z3.And(z3.ULE(low, number), z3.ULE(number, high))
            for low, high in _intervals(members)
        ]
        return z3.Or([*intervals, z3.BoolVal(val=False, ctx=self.context)])

    def check(self, target: Any, others: Sequence[int]) -> bool | None:
        """Whether a request is in the target and outside the others; None at the limit."""
        result = self.solver.check(target, *(self.mark(other) for other in others))
        if result == self.z3.unknown:
            return None
        return bool(result == self.z3.sat)

    def core(self, others: Sequence[int]) -> list[int]:
        """Which of the others the last check needed."""
        needed = {str(mark) for mark in self.solver.unsat_core()}
        return [other for other in others if f"n{other}" in needed]

    def request(self) -> Request:
        """The request of the last check."""
        model = self.solver.model()
        values: dict[Attribute, str] = {}
        for attribute, number in self.numbers.items():
            value = self.rows[attribute][model.eval(number, model_completion=True).as_long()].value
            if value is not None:
                values[attribute] = value
        for attribute in (METHOD, PATH):
            values.setdefault(attribute, domain(attribute).preferred[0])
        return Request.of(values)


def _intervals(members: Sequence[int]) -> Iterator[tuple[int, int]]:
    begin = 0
    for at, member in enumerate(members):
        if at + 1 == len(members) or members[at + 1] != member + 1:
            yield members[begin], member
            begin = at + 1


def _decide(solving: _Solving, query: Query) -> Verdict:
    target = solving.target(query.target)
    answer = solving.check(target, query.others)
    if answer is None:
        return Exhausted()
    if answer:
        return _natural(solving, solving.request(), query)
    return _covered(solving, query, target, solving.core(query.others))


def _natural(solving: _Solving, request: Request, query: Query) -> Request:
    """The request with each attribute brought to its most natural class that keeps it an answer."""
    others = [solving.predicates[other] for other in query.others]
    for attribute, classes in solving.known.atoms.items():
        for atom in classes[:_NATURAL]:
            if atom.value == request.get(attribute):
                break
            changed = request.but(attribute, atom.value)
            if holds(query.target, changed) and not any(holds(other, changed) for other in others):
                request = changed
                break
    return request


def _covered(solving: _Solving, query: Query, target: Any, core: list[int]) -> Verdict:
    if not core:
        return Covered(())
    inhabited = solving.check(target, ())
    if inhabited is None:
        return Exhausted()
    if not inhabited:
        return Covered(())
    single = _single(solving, query, target)
    return Covered((single,)) if single is not None else _least(solving, target, core)


def _single(solving: _Solving, query: Query, target: Any) -> int | None:
    """The first of the others that covers the target alone. Each one that does not gives a request against more."""
    against = [solving.request()]
    for other in query.others:
        if any(not holds(solving.predicates[other], request) for request in against):
            continue
        answer = solving.check(target, (other,))
        if answer is False:
            return other
        if answer:
            against.append(solving.request())
    return None


def _least(solving: _Solving, target: Any, core: list[int]) -> Verdict:
    """The core less what it does not need, the later ones dropped first."""
    for other in reversed(core):
        fewer = [kept for kept in core if kept != other]
        answer = solving.check(target, fewer)
        if answer is None:
            return Exhausted()
        if not answer:
            core = fewer
    return Covered(tuple(core))


_NATURAL = 3
