"""Regular expressions as trees, and the automata that run them over a text one character at a time."""

from dataclasses import dataclass, field
from enum import Enum, IntEnum
from typing import NamedTuple, assert_never

from meshlint.mesh.characters import ANY, NEWLINE, WORD, Ranges, contains


class Look(Enum):
    """A condition on the place between two characters."""

    BEGIN_TEXT = "\\A"
    END_TEXT = "\\z"
    BEGIN_LINE = "(?m)^"
    END_LINE = "(?m)$"
    BOUNDARY = "\\b"
    NO_BOUNDARY = "\\B"


@dataclass(frozen=True, slots=True)
class Characters:
    """One character of the set; with an empty set nothing matches."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    """The parts one after the other; with no parts, the empty text."""

    parts: "tuple[Tree, ...]" = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of the parts."""

    parts: "tuple[Tree, ...]"


@dataclass(frozen=True, slots=True)
class Repeat:
    """The part, at least *low* and at most *high* times; None is without end."""

    part: "Tree"
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Assertion:
    """The empty text, where the condition holds."""

    look: Look


Tree = Characters | Sequence | Choice | Repeat | Assertion
"""A regular expression. Groups and greed are gone: they do not change which texts match."""


class _Side(IntEnum):
    """What an assertion can tell about the character on one side of a place."""

    EDGE = 0
    NEWLINE = 1
    WORD = 2
    OTHER = 3


class State(NamedTuple):
    """Where a run is: the places it may be at, and what the last character was, where that matters."""

    # A tuple because states are keys on the hottest path, and its hash is ten times faster than a dataclass's.

    places: frozenset[int]
    before: _Side


@dataclass(frozen=True, slots=True)
class Automaton:
    """A nondeterministic automaton that is made deterministic while it runs.

    `jumps` lead from place to place without a character, on a condition or on none; `reads` take one of a set.
    """

    jumps: tuple[tuple[tuple[Look | None, int], ...], ...]
    reads: tuple[tuple[Ranges, int] | None, ...]
    final: int
    looks: bool
    _steps: dict[tuple[State, int], State] = field(default_factory=dict, compare=False, repr=False)

    @property
    def start(self) -> State:
        """Before the first character."""
        return State(frozenset((0,)), _Side.EDGE)

    def step(self, state: State, code: int) -> State:
        """Where the run is after one more character."""
        found = self._steps.get((state, code))
        if found is None:
            if len(self._steps) > _REMEMBERED:
                self._steps.clear()
            found = self._steps[state, code] = self._step(state, code)
        return found

    def accepts(self, state: State) -> bool:
        """Whether the text may end here."""
        return self.final in self._reach(state, _Side.EDGE)

    def matches(self, text: str) -> bool:
        """Whether the whole text matches."""
        state = self.start
        for character in text:
            state = self.step(state, ord(character))
            if not state.places:
                return False
        return self.accepts(state)

    def cuts(self) -> frozenset[int]:
        """Every code point that may be told apart from the one before it."""
        sets = {read[0] for read in self.reads if read is not None}
        if self.looks:
            sets |= {WORD, NEWLINE}
        return frozenset(cut for ranges in sets for low, high in ranges for cut in (low, high + 1))

    def side(self, code: int) -> object:
        """What the assertions of the automaton can tell about a character; the same for all where it has none."""
        return _side(code) if self.looks else _Side.EDGE

    def _step(self, state: State, code: int) -> State:
        side = _side(code) if self.looks else _Side.EDGE
        reached = set()
        for place in self._reach(state, side):
            read = self.reads[place]
            if read is not None and contains(read[0], code):
                reached.add(read[1])
        return State(frozenset(reached), side)

    def _reach(self, state: State, after: _Side) -> set[int]:
        reached = set(state.places)
        pending = list(reached)
        while pending:
            for look, target in self.jumps[pending.pop()]:
                if target not in reached and (look is None or _is_met(look, state.before, after)):
                    reached.add(target)
                    pending.append(target)
        return reached


class TooLargeError(Exception):
    """A tree whose automaton passes the limit."""


def automaton(tree: Tree) -> Automaton:
    """The automaton that accepts exactly the texts of the tree. Raises `TooLargeError`."""
    building = _Building()
    start = building.place()
    final = building.place()
    building.join(tree, start, final)
    jumps = tuple(map(tuple, building.jumps))
    looks = any(look is not None for one in jumps for look, _ in one)
    return Automaton(jumps, tuple(building.reads), final, looks)


_REMEMBERED = 1 << 14
_MOST_PLACES = 100_000


@dataclass(slots=True)
class _Building:
    jumps: list[list[tuple[Look | None, int]]] = field(default_factory=list)
    reads: list[tuple[Ranges, int] | None] = field(default_factory=list)

    def place(self) -> int:
        if len(self.jumps) >= _MOST_PLACES:
            raise TooLargeError
        self.jumps.append([])
        self.reads.append(None)
        return len(self.jumps) - 1

    def join(self, tree: Tree, start: int, end: int) -> None:
        """Lay the tree between two places. Invariant: nothing leads into *start* from inside, nor out of *end*."""
        match tree:
            case Characters(ranges):
                here = self.place()
                self.jumps[start].append((None, here))
                self.reads[here] = (ranges, end)
            case Assertion(look):
                self.jumps[start].append((look, end))
            case Sequence(parts):
                for part in parts:
                    following = self.place()
                    self.join(part, start, following)
                    start = following
                self.jumps[start].append((None, end))
            case Choice(parts):
                for part in parts:
                    self.join(part, start, end)
            case Repeat(part, low, high):
                self._repeat(part, low, high, start, end)
            case _:
                assert_never(tree)

    def _repeat(self, part: Tree, low: int, high: int | None, start: int, end: int) -> None:
        for _ in range(low):
            start = self._after(part, start)
        if high is None:
            loop, back = self.place(), self.place()
            self.jumps[start].append((None, loop))
            self.join(part, loop, back)
            self.jumps[back].append((None, loop))
            start = loop
        for _ in range((high or 0) - low):
            self.jumps[start].append((None, end))
            start = self._after(part, start)
        self.jumps[start].append((None, end))

    def _after(self, part: Tree, start: int) -> int:
        end = self.place()
        self.join(part, start, end)
        return end


def _side(code: int) -> _Side:
    if code == NEWLINE[0][0]:
        return _Side.NEWLINE
    return _Side.WORD if contains(WORD, code) else _Side.OTHER


def _is_met(look: Look, before: _Side, after: _Side) -> bool:
    match look:
        case Look.BEGIN_TEXT:
            return before is _Side.EDGE
        case Look.END_TEXT:
            return after is _Side.EDGE
        case Look.BEGIN_LINE:
            return before in (_Side.EDGE, _Side.NEWLINE)
        case Look.END_LINE:
            return after in (_Side.EDGE, _Side.NEWLINE)
        case Look.BOUNDARY:
            return (before is _Side.WORD) != (after is _Side.WORD)
        case Look.NO_BOUNDARY:
            return (before is _Side.WORD) == (after is _Side.WORD)
        case _:
            assert_never(look)


ANYTHING: Tree = Repeat(Characters(ANY), 0, None)
"""Every text."""
