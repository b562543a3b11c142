"""Changes to a text: several at once, and which ones cannot be made together."""

from collections.abc import Sequence
from itertools import islice
from typing import Protocol

from meshlint.source.text import Source, Span


class Change(Protocol):
    """Replace what *span* covers by *text*; an empty span inserts."""

    @property
    def span(self) -> Span:
        """What is replaced."""
        ...

    @property
    def text(self) -> str:
        """What stands there afterwards."""
        ...


def apply(source: Source, changes: Sequence[Change]) -> str:
    """The text of *source* after those of *changes* that are its own, none of which may clash.

    Insertions at one place come in the order given. A change given twice is made once.
    """
    pieces: list[str] = []
    kept = 0
    for change in _ordered(source, changes):
        if change.span.start < kept:
            raise ValueError(f"changes clash at offset {change.span.start} of {source.name}")
        pieces += (source.text[kept : change.span.start], change.text)
        kept = change.span.end
    pieces.append(source.text[kept:])
    return "".join(pieces)


def clashes(changes: Sequence[Change]) -> tuple[tuple[Change, Change], ...]:
    """The pairs of *changes* of which only one can be made, each pair in the order given."""
    ranked = sorted(enumerate(changes), key=lambda numbered: (id(numbered[1].span.source), numbered[1].span.start))
    found: list[tuple[int, int]] = []
    for rank, (number, change) in enumerate(ranked):
        for other_number, other in islice(ranked, rank + 1, None):
            if other.span.source is not change.span.source or other.span.start >= change.span.end:
                break
            if is_clash(change, other):
                found.append((min(number, other_number), max(number, other_number)))
    return tuple((changes[first], changes[second]) for first, second in sorted(found))


def is_clash(first: Change, second: Change) -> bool:
    """Whether two changes touch the same characters.

    Two insertions at one place do not, and neither do two changes that are the same; an insertion
    clashes with a replacement that begins before it and ends after it.
    """
    if first.span.source is not second.span.source or _is_same(first, second):
        return False
    return first.span.start < second.span.end and second.span.start < first.span.end


def _ordered(source: Source, changes: Sequence[Change]) -> list[Change]:
    own: list[Change] = []
    replacements: set[tuple[Span, str]] = set()
    for change in changes:
        if change.span.source is not source or (change.span, change.text) in replacements:
            continue
        if change.span.start < change.span.end:
            replacements.add((change.span, change.text))
        own.append(change)
    return sorted(own, key=lambda change: (change.span.start, change.span.end))


def _is_same(first: Change, second: Change) -> bool:
    return first.span == second.span and first.text == second.text
