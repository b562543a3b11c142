"""Lines with places at their right: how they line up, are broken on a narrow terminal, and look without Unicode."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meshlint.render.terminal import Style, cells, paint, visible
from meshlint.source.node import Node

_WIDEST, _NARROWEST = 96, 40
_GAP = "  "
_ASCII = str.maketrans({"→": "->", "✓": "+", "✗": "x", "·": "-", "—": "--", "…": "..."})


@dataclass(frozen=True, slots=True)
class Look:
    """What the stream can show: colours, how many columns (None for any number), and characters beyond ASCII."""

    color: bool = False
    columns: int | None = None
    is_ascii: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line: its text, the node to name at its right, how much of its beginning is strong, and its style as a whole."""

    text: str
    node: Node | None = None
    strong: int = 0
    style: Style | None = None
    hanging: int = 13


def laid_out(rows: Sequence[Row], look: Look) -> str:
    """The rows as text; a place in the file of the row before it is short, since the file is known."""
    places = tuple(_places(rows))
    shown = [visible(row.text) for row in rows]
    if look.is_ascii:
        shown = [text.translate(_ASCII) for text in shown]
    longest = max(map(len, places), default=0)
    room = _WIDEST if look.columns is None else max(look.columns - longest - len(_GAP), _NARROWEST)
    widest = max((_width(text) for text, place in zip(shown, places, strict=True) if place), default=0)
    lines = (
        line
        for row, text, place in zip(rows, shown, places, strict=True)
        for line in _lines(row, text, place, min(widest, room), look)
    )
    return "".join(f"{line}\n" for line in lines)


def _lines(row: Row, text: str, place: str, column: int, look: Look) -> Iterator[str]:
    painted = paint(color=look.color)
    first, *rest = _broken(row, text, column if place else look.columns or 0) if look.columns else [text]
    looks = painted(first, row.style) if row.style else painted(first[: row.strong], Style.STRONG) + first[row.strong :]
    yield f"{looks}{' ' * (column - _width(first))}{_GAP}{place}" if place else looks
    yield from (painted(one, row.style) if row.style else one for one in rest)


def _broken(row: Row, text: str, columns: int) -> list[str]:
    """The text in lines that fit; a word that does not fit stays whole, so that it can be copied."""
    if _width(text) <= columns:
        return [text]
    hanging = " " * min(row.hanging, columns // 3)
    return textwrap.wrap(
        text,
        columns,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
        replace_whitespace=False,
    ) or [text]


def _places(rows: Sequence[Row]) -> Iterator[str]:
    known = ""
    for row in rows:
        if row.strong:
            known = ""
        if row.node is None:
            yield ""
            continue
        name = visible(row.node.span.source.name)
        yield f"{name if name != known else ''}:{row.node.span.first.line}"
        known = name


def _width(text: str) -> int:
    return len(text) if text.isascii() else sum(cell.width for cell in cells(text))
