"""Text that is safe to print: what a terminal would obey is spelled out, what it shows is measured, colours are ours."""

import unicodedata
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from meshlint.finding import Severity

TAB_WIDTH = 4

_NAMED = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_OBEYED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Scripts such as Persian, and emoji, are misspelt without the joiners; they move nothing.
_JOINERS = frozenset("\u200c\u200d")


class Style(Enum):
    """What a stretch of text is for; the value is its ANSI attributes."""

    ERROR = "1;31"
    WARNING = "1;33"
    INFO = "1;36"
    FRAME = "1;34"
    STRONG = "1"


Paint = Callable[[str, Style], str]
"""Gives a text the looks of a style, or leaves it as it is."""


class Cell(NamedTuple):
    """What one code point of a source line looks like, and how many columns that takes."""

    text: str
    width: int


def paint(*, color: bool) -> Paint:
    """The way to paint: with ANSI colours, or not at all."""
    return _coloured if color else _plain


def severity_style(severity: Severity) -> Style:
    """The style of a severity's name and of the place it is about."""
    return Style[severity.name]


def visible(text: str) -> str:
    """The text in one line with nothing a terminal obeys: controls, bidirectional overrides, lone surrogates."""
    return text if text.isprintable() else "".join(_spelled(char) for char in text)


def cells(line: str) -> tuple[Cell, ...]:
    """The line code point by code point, with tabs as the spaces they stand for and controls spelled out."""
    shown: list[Cell] = []
    column = 0
    for char in line:
        cell = _tab(column) if char == "\t" else Cell(_spelled(char), _width(char))
        shown.append(cell)
        column += cell.width
    return tuple(shown)


def _tab(column: int) -> Cell:
    width = TAB_WIDTH - column % TAB_WIDTH
    return Cell(" " * width, width)


def _spelled(char: str) -> str:
    if not _is_obeyed(char):
        return char
    code = ord(char)
    return _NAMED.get(char) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def _is_obeyed(char: str) -> bool:
    return not char.isprintable() and char not in _JOINERS and unicodedata.category(char) in _OBEYED


def _width(char: str) -> int:
    if char.isascii() and char.isprintable():
        return 1
    if _is_obeyed(char):
        return len(_spelled(char))
    # Hangul medial vowels and final consonants are drawn within the syllable before them.
    if char in _JOINERS or unicodedata.category(char) in {"Mn", "Me"} or "\u1160" <= char <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(char) in {"W", "F"} else 1


def _coloured(text: str, style: Style) -> str:
    return f"\x1b[{style.value}m{text}\x1b[0m" if text else ""


def _plain(text: str, _: Style) -> str:
    return text
