"""Excerpts of sources with the places of a problem underlined: carets for its own, dashes for its notes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from meshlint.finding import Problem
from meshlint.render.terminal import Cell, Paint, Style, cells, visible
from meshlint.source.text import Source, Span

MOST_COLUMNS = 160
"""How much of a source line is shown; a longer one is cut around the place it is shown for."""

_LEAD = 40


@dataclass(frozen=True, slots=True)
class Mark:
    """A span to underline and what to say beside it."""

    span: Span
    text: str
    is_primary: bool

    @property
    def line(self) -> int:
        """The line it is shown on: the first one of a span over several."""
        return self.span.first.line


@dataclass(frozen=True, slots=True)
class _View:
    """The part of a line that is shown, and which of its columns to underline."""

    text: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class _Looks:
    """How wide the line numbers are, and how to paint; the same for all frames of a problem."""

    gutter: int
    primary: Style
    paint: Paint

    def bar(self, number: int | None = None) -> str:
        """The left margin of a row: the line's number, or blank."""
        return self.paint(f"{number or '':>{self.gutter}} |", Style.FRAME)


def marks_of(problem: Problem, most_notes: int) -> tuple[Mark, ...]:
    """The problem's own place, then those of its first *most_notes* notes."""
    notes = (Mark(note.span, note.message, is_primary=False) for note in problem.notes[:most_notes])
    return (Mark(problem.span, problem.label, is_primary=True), *notes)


def gutter_of(marks: Sequence[Mark]) -> int:
    """How many columns the line numbers of these marks take."""
    return max(len(str(mark.line)) for mark in marks)


def frames(marks: Sequence[Mark], primary: Style, paint: Paint) -> Iterator[str]:
    """The rows that show the marks, one frame a source: that of the primary mark, which is the first, leads."""
    looks = _Looks(gutter_of(marks), primary, paint)
    by_source: dict[Source, list[Mark]] = {}
    for mark in marks:
        by_source.setdefault(mark.span.source, []).append(mark)
    for source, here in by_source.items():
        is_first = here[0].is_primary
        arrow = " " * (looks.gutter + 1) + "-->" if is_first else " " * looks.gutter + ":::"
        here_sorted = sorted(here, key=lambda mark: (mark.span.start, mark.is_primary, mark.span.end))
        line, column = (here[0] if is_first else here_sorted[0]).span.first
        yield f"{paint(arrow, Style.FRAME)} {visible(source.name)}:{line}:{column}"
        yield looks.bar()
        yield from _excerpt(source, here_sorted, looks)
        yield looks.bar()


def _excerpt(source: Source, marks: Sequence[Mark], looks: _Looks) -> Iterator[str]:
    previous = 0
    for number, here in groupby(marks, key=lambda mark: mark.line):
        if previous and number == previous + 2:
            yield _row(looks.bar(number - 1), _view(source.line(number - 1), 0, 0).text)
        elif previous and number > previous + 2:
            yield looks.paint("...", Style.FRAME)
        yield from _marked_line(source.line(number), number, tuple(here), looks)
        previous = number


def _marked_line(line: str, number: int, marks: Sequence[Mark], looks: _Looks) -> Iterator[str]:
    """The line and an underline for each mark; a long line is shown again for a mark outside the part shown."""
    text = None
    for mark in marks:
        view = _view(line, *_columns(mark.span, line))
        if view.text != text:
            text = view.text
            yield _row(looks.bar(number), text)
        underline = ("^" if mark.is_primary else "-") * view.length
        beside = f"{underline} {visible(mark.text)}".rstrip()
        style = looks.primary if mark.is_primary else Style.FRAME
        yield f"{looks.bar()} {' ' * view.offset}{looks.paint(beside, style)}"


def _row(bar: str, text: str) -> str:
    return f"{bar} {text.rstrip()}" if text.rstrip() else bar


def _columns(span: Span, line: str) -> tuple[int, int]:
    """Where the span begins and ends in its first line, counted from 0 in code points."""
    start, last = span.first.column - 1, span.last
    end = last.column - 1 if last.line == span.first.line else len(line.rstrip())
    return start, end


def _view(line: str, start: int, end: int) -> _View:
    """What to show of the line for a place in it."""
    # Measuring all of a minified file's only line, for each finding in it, would take minutes.
    skipped = max(0, start - MOST_COLUMNS)
    shown = cells(line[skipped : start + 2 * MOST_COLUMNS])
    begin, stop = start - skipped, end - skipped
    first, last = _window(shown, begin, stop)
    before, after = "…" * (skipped + first > 0), "…" * (skipped + last < len(line))
    text = "".join(cell.text for cell in shown[first:last])
    offset = len(before) + _width(shown[first:begin]) + max(0, begin - len(shown))
    return _View(before + text + after, offset, max(1, _width(shown[begin : min(stop, last)])))


def _window(shown: Sequence[Cell], start: int, end: int) -> tuple[int, int]:
    """Which cells to show: all if they fit, else some before *start* and as many as fit after."""
    if _width(shown) <= MOST_COLUMNS:
        return 0, len(shown)
    first = min(start, len(shown))
    # A place that fits is shown whole; what is left over goes to the text before it.
    lead = max(_LEAD, MOST_COLUMNS - _width(shown[first:])) if _width(shown[start:end]) <= MOST_COLUMNS - _LEAD else 0
    while first > 0 and lead >= shown[first - 1].width:
        first -= 1
        lead -= shown[first].width
    last, room = first, MOST_COLUMNS
    while last < len(shown) and room >= shown[last].width:
        room -= shown[last].width
        last += 1
    return first, last


def _width(shown: Sequence[Cell]) -> int:
    return sum(cell.width for cell in shown)
