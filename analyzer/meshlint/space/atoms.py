"""The classes into which a scope's tests split the values of one attribute, each with a witness.

All tests of the attribute run side by side as one product automaton; each set of tests that some value of the domain
passes is a class, and the first text that breadth-first search meets in it, a shortest one, is its witness.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from meshlint.mesh.predicate import (
    Exact,
    Member,
    Prefix,
    Present,
    Regex,
    Suffix,
    Test,
    Within,
    accepts,
)
from meshlint.request import Attribute
from meshlint.space.addresses import network, representatives
from meshlint.space.answers import Unsupported
from meshlint.space.domains import ADDRESSES, Domain, domain
from meshlint.space.languages import (
    Alphabet,
    Language,
    Table,
    alphabet,
    language,
    prefix_track,
    regex_track,
    suffix_track,
)


@dataclass(frozen=True, slots=True)
class Atom:
    """All values that pass exactly the same tests: which (bits, by position), and one of the values."""

    passed: int
    value: str | None


@lru_cache(maxsize=256)
def atoms(attribute: Attribute, tests: tuple[Test, ...]) -> tuple[Atom, ...]:
    """The classes of the attribute's domain, those of natural values first. Raises `Unsupported`."""
    place = domain(attribute)
    candidates = _addresses(tests) if attribute in ADDRESSES else place.preferred
    found: dict[int, str | None] = {0: None} if place.is_optional else {}
    for value in candidates:
        found.setdefault(_passed(tests, value), value)
    if attribute not in ADDRESSES:
        for passed, text in _explore(place, tests):
            found.setdefault(passed, text)
    if len(found) > MOST_ATOMS:
        raise Unsupported(f"the tests of {attribute} split it into more than {MOST_ATOMS} classes", _hard(tests))
    return tuple(Atom(passed, value) for passed, value in found.items())


MOST_ATOMS = 4096
MOST_STATES = 20_000


def _passed(tests: Sequence[Test], value: str) -> int:
    return sum(1 << at for at, test in enumerate(tests) if accepts(test, value))


def _hard(tests: Sequence[Test]) -> Sequence[Test]:
    """The tests to give up when there are too many classes: regular expressions, or all where there are none."""
    return [test for test in tests if isinstance(test, Regex)] or tests


def _addresses(tests: Sequence[Test]) -> Iterator[str]:
    odd = [test for test in tests if not isinstance(test, Within | Present)]
    if odd:
        raise Unsupported("addresses can only be tested for being in a network", odd)
    networks = [network(test.network) for test in tests if isinstance(test, Within)]
    return representatives(one for one in networks if one is not None)


@dataclass(slots=True)
class _Found:
    """A state of the product: the tests already decided for good, the tracks that still run, and the way here."""

    decided: int
    running: tuple[tuple[int, int], ...]
    before: "_Found | None"
    letter: str

    def text(self) -> str:
        letters = []
        at: _Found | None = self
        while at is not None:
            letters.append(at.letter)
            at = at.before
        return "".join(reversed(letters))


def _explore(place: Domain, tests: tuple[Test, ...]) -> Iterator[tuple[int, str]]:
    """Each class that occurs, with the first text found in it; bit numbers are positions of tests."""
    letters = _alphabet(place, tests)
    tracks, always = _tracks(place, tests, letters)
    in_domain = 1 << len(tests)
    dead = frozenset(state for state in tracks[0].settled if not tracks[0].passed(state))
    level = [_Found(always, tuple((at, 0) for at in range(len(tracks))), None, "")]
    seen = {(always, level[0].running)}
    while level:
        following: list[_Found] = []
        for found in level:
            passed = found.decided
            for track, state in found.running:
                passed |= tracks[track].passed(state)
            if passed & in_domain:
                yield passed & ~in_domain, found.text()
            for symbols, decided, running in _moves(tracks, found, letters):
                key = (decided, running)
                if key not in seen and running[0][1] not in dead:
                    seen.add(key)
                    letter = letters.letters[(symbols & -symbols).bit_length() - 1]
                    following.append(_Found(decided, running, found, letter))
        if len(seen) > MOST_STATES:
            raise Unsupported(f"the tests of one attribute need more than {MOST_STATES} states", _hard(tests))
        level = following


def _moves(
    tracks: Sequence[Table], found: _Found, letters: Alphabet
) -> Iterator[tuple[int, int, tuple[tuple[int, int], ...]]]:
    groups: list[tuple[int, int, tuple[tuple[int, int], ...]]] = [(letters.everything, found.decided, ())]
    for track, state in found.running:
        table = tracks[track]
        refined = []
        for symbols, target in table.moves(state):
            settled = track and table.is_settled(target)
            for group, decided, running in groups:
                both = symbols & group
                if both and settled:
                    refined.append((both, decided | table.passed(target), running))
                elif both:
                    refined.append((both, decided, (*running, (track, target))))
        groups = refined
    # The most readable symbol comes first, so that the witness of a class is the most readable of the shortest.
    return iter(sorted(groups, key=lambda one: one[0] & -one[0]))


def _alphabet(place: Domain, tests: Sequence[Test]) -> Alphabet:
    languages = [language(place.pattern)]
    literals: set[str] = set()
    for test in tests:
        match test:
            case Regex(_, pattern):
                languages.append(_language(test, pattern))
            case Exact(_, text, ignore_case) | Prefix(_, text, ignore_case) | Suffix(_, text, ignore_case):
                literals |= {text, text.lower(), text.upper()} if ignore_case else {text}
            case Member(_, texts):
                literals |= texts
            case Within():
                raise Unsupported(f"{test.attribute} is no address", [test])
            case Present():
                pass
    return alphabet(languages, literals, is_ascii=place.is_ascii)


def _language(test: Test, pattern: str) -> Language:
    try:
        return language(pattern)
    except Unsupported as unsupported:
        raise Unsupported(unsupported.why, [test]) from unsupported


def _tracks(place: Domain, tests: Sequence[Test], letters: Alphabet) -> tuple[list[Table], int]:
    """The tracks, the domain's own first, and the tests that every value passes."""
    bits = {test: 1 << at for at, test in enumerate(tests)}
    tracks = [regex_track(language(place.pattern), letters, 1 << len(tests))]
    for test, bit in bits.items():
        if isinstance(test, Regex):
            tracks.append(regex_track(language(test.pattern), letters, bit))
    for ignore_case, fold in ((False, str), (True, _fold)):
        exact = _literals(bits, Exact, ignore_case=ignore_case)
        prefixes = _literals(bits, Prefix, ignore_case=ignore_case)
        suffixes = _literals(bits, Suffix, ignore_case=ignore_case)
        if exact or prefixes:
            tracks.append(prefix_track(exact, prefixes, letters, fold))
        if suffixes:
            tracks.append(suffix_track(suffixes, letters, fold))
    always = sum(bit for test, bit in bits.items() if isinstance(test, Present))
    return tracks, always


def _literals(bits: Mapping[Test, int], kind: type, *, ignore_case: bool) -> Mapping[str, int]:
    """The texts of the tests of that kind, each with the bits of its tests."""
    found: dict[str, int] = {}
    for test, bit in bits.items():
        texts: Iterable[str] = ()
        if isinstance(test, Member) and kind is Exact and not ignore_case:
            texts = test.texts
        elif isinstance(test, Exact | Prefix | Suffix) and type(test) is kind and test.ignore_case is ignore_case:
            texts = (_fold(test.text) if ignore_case else test.text,)
        for text in texts:
            found[text] = found.get(text, 0) | bit
    return found


def _fold(text: str) -> str:
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in text)
