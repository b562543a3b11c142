"""Lines put where they seem to belong, with what belongs to them: the changes that mend a document's layout."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from meshlint.source.layout import Line


@dataclass(frozen=True, slots=True)
class Change:
    """Something to write at an offset of a text, in place of so many characters."""

    at: int
    removed: int
    written: str


def shifted(lines: Sequence[Line], line: Line, column: int) -> tuple[Change, ...]:
    """The changes that put a line at another column; what belongs to it goes along only where it has to."""
    by = column - line.indent
    below = lines[lines.index(line) + 1 :] if line.dashes or not line.has_value else ()
    owned = list(takewhile(lambda one: _belongs_to(one, line), below))
    if owned and line.dashes and line.dashes[-1] < owned[0].indent < line.column and not owned[0].dashes:
        # The rest of the item stands left of its first key, to which it belongs.
        along = tuple(_block(owned, by + line.column - owned[0].indent))
    elif not owned or _is_below(owned[0], line, by):
        along = ()
    else:
        along = tuple(_block(owned, by, column))
    return (_moved(line, by), *along)


def _belongs_to(line: Line, above: Line) -> bool:
    return line.indent > above.indent or (line.indent == above.indent and bool(line.dashes) and not above.dashes)


def _is_below(line: Line, above: Line, by: int) -> bool:
    """Whether a line still belongs to the one above it once that is moved."""
    column = above.column + by
    return line.indent >= column if line.dashes or above.dashes else line.indent > column


def _block(lines: Sequence[Line], by: int, siblings: int = -1) -> Iterator[Change]:
    """Lines moved together, up to one that stands at the column of *siblings* already.

    What follows a list item left of its first key goes to that key's column.
    """
    extra, dash = 0, -1
    for index, line in enumerate(lines):
        if line.indent <= dash:
            extra, dash = 0, -1
        if index and not extra and line.indent == siblings and not line.dashes:
            return
        yield _moved(line, by + extra)
        after = lines[index + 1] if index + 1 < len(lines) else None
        if after is not None and line.key and line.dashes and line.dashes[-1] < after.indent < line.column:
            extra, dash = extra + line.column - after.indent, line.indent


def _moved(line: Line, by: int) -> Change:
    return Change(line.first, 0, " " * by) if by >= 0 else Change(line.first + by, -by, "")
