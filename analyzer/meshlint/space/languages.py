"""Tests on a text as deterministic automata: regular expressions by themselves, literal texts many at a time.

An automaton here is a `Track`: states are numbers, 0 is the first, and each state lists its moves as sets of symbols
(bit sets over an `Alphabet`). `atoms` runs several tracks side by side.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Protocol

from meshlint.mesh import re2
from meshlint.mesh.automaton import Automaton, State
from meshlint.space.answers import Unsupported

Moves = tuple[tuple[int, int], ...]
"""Where each set of symbols leads: disjoint bit sets that hold every symbol, each with its target."""


@dataclass(frozen=True, slots=True)
class Language:
    """The least complete automaton of a pattern. Characters of one kind are those it does not tell apart."""

    cuts: tuple[int, ...]
    kinds: tuple[int, ...]
    moves: tuple[tuple[int, ...], ...]
    accepting: frozenset[int]
    dead: int | None
    full: int | None

    def kind(self, code: int) -> int:
        """The kind of a character."""
        low, high = 0, len(self.cuts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.cuts[middle] <= code else (low, middle)
        return self.kinds[low]


@lru_cache(maxsize=2048)
def language(pattern: str) -> Language:
    """The language of a pattern that RE2 takes. Raises `Unsupported` where it needs too many states."""
    machine = re2.compiled(pattern)
    cuts = tuple(sorted({0} | {cut for cut in machine.cuts() if cut <= 0x10FFFF}))
    kinds, samples = _kinds(machine, cuts)
    moves, accepting = _determinise(machine, samples, pattern)
    return _least(cuts, kinds, moves, accepting)


@dataclass(frozen=True, slots=True)
class Alphabet:
    """The characters of a domain, sorted into symbols that no test of the scope tells apart.

    `letters` has the most readable character of each symbol, the most readable first.
    """

    letters: tuple[str, ...]
    symbols: Mapping[str, int]

    @property
    def everything(self) -> int:
        """The set of all symbols."""
        return (1 << len(self.letters)) - 1


def alphabet(languages: Iterable[Language], literals: Iterable[str], *, is_ascii: bool) -> Alphabet:
    """The alphabet for tests by these languages and by these literal texts."""
    machines = tuple(dict.fromkeys(languages))
    special = frozenset(c for text in literals for c in text)
    letters: list[str] = []
    symbols: dict[str, int] = {}
    known: dict[tuple[object, ...], int] = {}
    samples = _READABLE if is_ascii else _READABLE + _beyond_ascii(machines, special)
    for character in samples:
        kinds = tuple(machine.kind(ord(character)) for machine in machines)
        key = (*kinds, character if character in special else None)
        if key not in known:
            known[key] = len(letters)
            letters.append(character)
        symbols[character] = known[key]
    return Alphabet(tuple(letters), symbols)


class Track(Protocol):
    """An automaton that `atoms` can run beside others; tests are bits of a number."""

    def moves(self, state: int) -> Moves:
        """Where the symbols lead from a state."""
        ...

    def passed(self, state: int) -> int:
        """The tests that a text passes when it ends in this state."""
        ...

    def is_settled(self, state: int) -> bool:
        """Whether every longer text passes the same tests, so that the track need not run on."""
        ...


@dataclass(frozen=True, slots=True)
class Table:
    """A track whose states are written down in full."""

    all_moves: tuple[Moves, ...]
    all_passed: tuple[int, ...]
    settled: frozenset[int]

    def moves(self, state: int) -> Moves:
        """Where the symbols lead from a state."""
        return self.all_moves[state]

    def passed(self, state: int) -> int:
        """The tests that a text passes when it ends in this state."""
        return self.all_passed[state]

    def is_settled(self, state: int) -> bool:
        """Whether every longer text passes the same tests."""
        return state in self.settled


def regex_track(known: Language, symbols: Alphabet, test: int) -> Table:
    """The track of one regular expression."""
    kinds = [known.kind(ord(letter)) for letter in symbols.letters]
    moves = []
    for row in known.moves:
        targets: dict[int, int] = {}
        for symbol, kind in enumerate(kinds):
            targets[row[kind]] = targets.get(row[kind], 0) | 1 << symbol
        moves.append(tuple((group, target) for target, group in targets.items()))
    passed = tuple(test if state in known.accepting else 0 for state in range(len(moves)))
    settled = frozenset(state for state in (known.dead, known.full) if state is not None)
    return Table(tuple(moves), passed, settled)


def prefix_track(
    exact: Mapping[str, int], prefixes: Mapping[str, int], symbols: Alphabet, fold: Callable[[str], str]
) -> Table:
    """The track of many whole texts and beginnings of texts, each given with its tests."""
    nodes = _tree((*exact, *prefixes))
    met = [0] * len(nodes)
    whole = [0] * len(nodes)
    for text, tests in prefixes.items():
        met[_find(nodes, text)] |= tests
    for text, tests in exact.items():
        whole[_find(nodes, text)] |= tests
    groups = _groups(symbols, fold)
    moves: list[Moves] = []
    offs: dict[int, int] = {}
    for at, children in enumerate(nodes):
        for child in children.values():
            met[child] |= met[at]
        off = offs.setdefault(met[at], len(nodes) + len(offs))
        inner = [(groups.get(character, 0), child) for character, child in children.items()]
        moves.append(_with_rest(inner, off, symbols))
    moves.extend(((symbols.everything, off),) for off in offs.values())
    passed = [met[at] | whole[at] for at in range(len(nodes))]
    return Table(tuple(moves), (*passed, *offs), frozenset(offs.values()))


def suffix_track(suffixes: Mapping[str, int], symbols: Alphabet, fold: Callable[[str], str]) -> Table:
    """The track of many ends of texts: each state is the longest end of the text that begins one of them."""
    nodes = _tree(suffixes)
    passed = [0] * len(nodes)
    for text, tests in suffixes.items():
        passed[_find(nodes, text)] |= tests
    groups = _groups(symbols, fold)
    fallback = [0] * len(nodes)
    targets: list[dict[str, int]] = [{} for _ in nodes]
    pending = deque([0])
    while pending:
        at = pending.popleft()
        passed[at] |= passed[fallback[at]]
        targets[at] = (targets[fallback[at]] if at else {}) | nodes[at]
        for character, child in nodes[at].items():
            fallback[child] = targets[fallback[at]].get(character, 0) if at else 0
            pending.append(child)
    moves = []
    for row in targets:
        merged: dict[int, int] = {}
        for character, target in row.items():
            merged[target] = merged.get(target, 0) | groups.get(character, 0)
        moves.append(_with_rest([(group, target) for target, group in merged.items()], 0, symbols))
    return Table(tuple(moves), tuple(passed), frozenset())


_MOST_STATES = 4000
_MOST_STEPS = 40_000

# Ordered by how natural a character looks in a witness.
_READABLE = "xabcdefghijklmnopqrstuvwyz0123456789-_./XABCDEFGHIJKLMNOPQRSTUVWYZ:@,;=+~!$&'()*%#?\"<>[]\\^`{|} "


def _kinds(machine: Automaton, cuts: Sequence[int]) -> tuple[tuple[int, ...], list[int]]:
    """The kind of the block that begins at each cut, and a character of each kind."""
    reads = sorted({read[0] for read in machine.reads if read is not None})
    known: dict[tuple[object, ...], int] = {}
    samples: list[int] = []
    kinds = []
    members = [frozenset(_inside(ranges, cuts)) for ranges in reads]
    for cut in cuts:
        side = machine.side(cut)
        key = (side, *(cut in member for member in members))
        if key not in known:
            known[key] = len(samples)
            samples.append(cut)
        kinds.append(known[key])
    return tuple(kinds), samples


def _inside(ranges: Sequence[tuple[int, int]], cuts: Sequence[int]) -> Iterable[int]:
    at = 0
    for cut in cuts:
        while at < len(ranges) and ranges[at][1] < cut:
            at += 1
        if at < len(ranges) and ranges[at][0] <= cut:
            yield cut


def _determinise(
    machine: Automaton, samples: Sequence[int], pattern: str
) -> tuple[list[tuple[int, ...]], frozenset[int]]:
    numbers: dict[State, int] = {machine.start: 0}
    pending = deque([machine.start])
    moves: list[tuple[int, ...]] = []
    accepting = set()
    work = 0
    while pending:
        state = pending.popleft()
        if machine.accepts(state):
            accepting.add(len(moves))
        row = []
        for code in samples:
            target = machine.step(state, code)
            work += 1 + len(target.places) // 8
            if target not in numbers:
                numbers[target] = len(numbers)
                pending.append(target)
            row.append(numbers[target])
        moves.append(tuple(row))
        if len(numbers) > _MOST_STATES or work > _MOST_STEPS:
            raise Unsupported(f"the regular expression {pattern!r} needs too many states")
    return moves, frozenset(accepting)


def _least(
    cuts: tuple[int, ...], kinds: tuple[int, ...], moves: Sequence[tuple[int, ...]], accepting: frozenset[int]
) -> Language:
    """Merge the states that no text tells apart (Moore)."""
    block = [int(state in accepting) for state in range(len(moves))]
    count = len(set(block))
    while True:
        known: dict[tuple[int, ...], int] = {}
        block = [
            known.setdefault((block[state], *(block[target] for target in row)), len(known))
            for state, row in enumerate(moves)
        ]
        if len(known) == count:
            break
        count = len(known)
    merged: list[tuple[int, ...]] = [()] * count
    for state, row in enumerate(moves):
        merged[block[state]] = tuple(block[target] for target in row)
    final = frozenset(block[state] for state in accepting)
    stuck = [state for state, row in enumerate(merged) if all(target == state for target in row)]
    dead = next((state for state in stuck if state not in final), None)
    full = next((state for state in stuck if state in final), None)
    return Language(cuts, kinds, tuple(merged), final, dead, full)


def _beyond_ascii(machines: Iterable[Language], special: Iterable[str]) -> str:
    cuts = sorted({0xE9} | {cut for machine in machines for cut in machine.cuts if cut > 0x7E})
    found = dict.fromkeys(c for c in special if not c.isascii())
    for cut in cuts:
        nearby = (chr(code) for code in range(max(cut, 0x80), min(cut + 200, 0x110000)))
        found.update(dict.fromkeys(islice((c for c in nearby if c.isprintable()), 1)))
    return "".join(found)


def _tree(texts: Iterable[str]) -> list[dict[str, int]]:
    nodes: list[dict[str, int]] = [{}]
    for text in texts:
        at = 0
        for character in text:
            if character not in nodes[at]:
                nodes[at][character] = len(nodes)
                nodes.append({})
            at = nodes[at][character]
    return nodes


def _find(nodes: Sequence[Mapping[str, int]], text: str) -> int:
    at = 0
    for character in text:
        at = nodes[at][character]
    return at


def _groups(symbols: Alphabet, fold: Callable[[str], str]) -> Mapping[str, int]:
    """The symbols that each character, folded, stands for."""
    groups: dict[str, int] = {}
    for symbol, letter in enumerate(symbols.letters):
        folded = fold(letter)
        groups[folded] = groups.get(folded, 0) | 1 << symbol
    return groups


def _with_rest(moves: Sequence[tuple[int, int]], target: int, symbols: Alphabet) -> Moves:
    taken = 0
    for group, _ in moves:
        taken |= group
    rest = symbols.everything & ~taken
    return (*(move for move in moves if move[0]), *(((rest, target),) if rest else ()))
