"""A text with a name, and spans in it: offsets are primary, lines and columns are derived."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple


class Position(NamedTuple):
    """A place in a text; both numbers start at 1 and count code points."""

    line: int
    column: int


@dataclass(frozen=True, eq=False)
class Source:
    """One input text, decoded and without a byte order mark, under the name a person knows it by.

    Two sources are the same only if they are the same object: one file read twice is two sources.
    """

    name: str
    text: str

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """The offset at which each line begins; lines end with LF, CR LF or CR, as in YAML and in editors."""
        return (0, *(found.end() for found in re.finditer(r"\r\n?|\n", self.text)))

    def position(self, offset: int) -> Position:
        """The line and column of *offset*, an index into the text or its length."""
        line = bisect_right(self.line_starts, offset)
        return Position(line, offset - self.line_starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """The text of line *number*, without its line break; empty past the end."""
        if not 1 <= number <= len(self.line_starts):
            return ""
        start = self.line_starts[number - 1]
        end = self.line_starts[number] if number < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r\n")

    def span(self, start: int, end: int) -> "Span":
        """The span from *start* up to, not including, *end*."""
        return Span(self, start, end)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source: `start` is its first offset, `end` the one after its last."""

    source: Source
    start: int
    end: int

    @property
    def first(self) -> Position:
        """Where the span begins."""
        return self.source.position(self.start)

    @property
    def last(self) -> Position:
        """Where the span ends: the position just after its last character."""
        return self.source.position(self.end)

    @property
    def text(self) -> str:
        """What is written there."""
        return self.source.text[self.start : self.end]

    def covers(self, other: "Span") -> bool:
        """Whether *other* lies wholly within this span."""
        return self.source is other.source and self.start <= other.start and other.end <= self.end
