"""Sets of characters as sorted ranges of code points, and the named sets that RE2 knows."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

Ranges = tuple[tuple[int, int], ...]
"""A set of code points: ranges with both ends in the set, sorted, disjoint and not adjacent."""

LAST = 0x10FFFF
ANY: Ranges = ((0, LAST),)
NEWLINE: Ranges = ((10, 10),)

_LOWER, _UPPER, _DIGIT = (97, 122), (65, 90), (48, 57)
_ALNUM = (_DIGIT, _UPPER, _LOWER)

POSIX: Mapping[str, Ranges] = {
    "alnum": _ALNUM,
    "alpha": (_UPPER, _LOWER),
    "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)),
    "digit": (_DIGIT,),
    "graph": ((33, 126),),
    "lower": (_LOWER,),
    "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)),
    "upper": (_UPPER,),
    "word": (_DIGIT, _UPPER, (95, 95), _LOWER),
    "xdigit": (_DIGIT, (65, 70), (97, 102)),
}
"""What the names in `[[:name:]]` stand for."""

PERL: Mapping[str, Ranges] = {"d": (_DIGIT,), "s": ((9, 10), (12, 13), (32, 32)), "w": POSIX["word"]}
"""What the letters in `\\d`, `\\s`, `\\w` stand for: ASCII only."""

WORD = POSIX["word"]

CATEGORIES = frozenset(
    group + detail
    for group, details in {
        "C": "cfos",
        "L": "lmotu",
        "M": "cen",
        "N": "dlo",
        "P": "cdefios",
        "S": "ckmo",
        "Z": "lps",
    }.items()
    for detail in ("", *details)
)
"""The general categories that `\\p` takes; unassigned code points are in none of them."""


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """The set that all of the ranges, in any order, make up together."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every other code point."""
    gaps: list[tuple[int, int]] = []
    begin = 0
    for low, high in ranges:
        if begin < low:
            gaps.append((begin, low - 1))
        begin = high + 1
    if begin <= LAST:
        gaps.append((begin, LAST))
    return tuple(gaps)


def contains(ranges: Ranges, code: int) -> bool:
    """Whether the code point is in the set."""
    return any(low <= code <= high for low, high in ranges)


def fold(ranges: Ranges) -> Ranges:
    """The set with every character that differs from one of its own by case only.

    Unicode's simple folding, as in RE2: `k` brings the Kelvin sign and `s` the long s.
    """
    if ranges == ANY:
        return ANY
    ascii_only = not ranges or ranges[-1][1] < 128
    variants = _ascii_variants() if ascii_only else _variants()
    more = [(other, other) for code, others in variants.items() if contains(ranges, code) for other in others]
    return union((*ranges, *more))


@lru_cache(maxsize=64)
def category(name: str) -> Ranges:
    """The code points of a general category (`Lu`), or of a whole group of them (`L`)."""
    return union((code, code) for code in _coded(name))


def _coded(name: str) -> Iterator[int]:
    for code in range(LAST + 1):
        found = unicodedata.category(chr(code))
        if found.startswith(name) and found != "Cn":
            yield code


@lru_cache(maxsize=1)
def _ascii_variants() -> Mapping[int, tuple[int, ...]]:
    variants: dict[int, tuple[int, ...]] = {}
    for lower in range(97, 123):
        beyond = {107: (0x212A,), 115: (0x17F,)}.get(lower, ())
        variants[lower] = (lower - 32, *beyond)
        variants[lower - 32] = (lower, *beyond)
    return variants


@lru_cache(maxsize=1)
def _variants() -> Mapping[int, tuple[int, ...]]:
    alike: dict[str, list[int]] = {}
    for code in range(0x1E944):
        alike.setdefault(_folded(chr(code)), []).append(code)
    groups = [group for group in alike.values() if len(group) > 1]
    return {code: tuple(other for other in group if other != code) for group in groups for code in group}


def _folded(character: str) -> str:
    for candidate in (character.casefold(), character.lower()):
        if len(candidate) == 1:
            return candidate
    return character
