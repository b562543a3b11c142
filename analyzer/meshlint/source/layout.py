"""The lines of a document as indentation shows them: what is left to say about a text that does not parse."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_KEY = re.compile(
    r"""(?P<key>"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s#'"{}\[\],&*!|>%@`-][^\r\n]*?|-[^\s][^\r\n]*?)[ \t]*:(?=[ \t]|$)[ \t]*"""
)
_PREFIX = re.compile(r"(?:---[ \t]+)?(?P<dashes>(?:-[ \t]+)*(?:-$)?)")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]{0,2}[ \t]*(?:#.*)?$")
_COMMENT = re.compile(r"(?:^|[ \t])#.*")


@dataclass(frozen=True, slots=True)
class Line:
    """A line with something on it. Offsets count from the start of the document's text.

    `dashes` are the columns of the list dashes that lead it, `column` is where what follows them begins. `key` is empty
    where no key does.
    """

    start: int
    end: int
    content: str
    dashes: tuple[int, ...]
    column: int
    key: str
    has_value: bool

    @property
    def indent(self) -> int:
        """The column of the first character."""
        return self.dashes[0] if self.dashes else self.column

    @property
    def first(self) -> int:
        """The offset of the first character that is no space."""
        return self.start + self.indent

    @property
    def is_bare(self) -> bool:
        """Whether it is a word by itself: no key, no list item, no bracket."""
        return not self.key and not self.dashes and self.content[:1] not in "{}[],\"'|>"

    @property
    def name(self) -> str:
        """The key, or what else tells the line from others."""
        return self.key or self.content


@dataclass(frozen=True, slots=True)
class Level:
    """A column at which lines before this one hold keys or list dashes; `line` is the last of them."""

    column: int
    is_list: bool
    line: Line


def lines_of(text: str) -> tuple[Line, ...]:
    """The lines of *text* that are neither blank nor comments nor within a block scalar."""
    return tuple(_lines(text))


def levels_before(lines: Sequence[Line], line: Line) -> tuple[Level, ...]:
    """The columns still open where *line* comes, shallowest first, as if it had none of its own."""
    levels: list[Level] = []
    for earlier in lines:
        if earlier.start >= line.start:
            break
        if earlier.is_bare and levels:
            continue
        while levels and levels[-1].column > earlier.indent:
            levels.pop()
        for column in earlier.dashes:
            _put(levels, Level(column, is_list=True, line=earlier))
        if earlier.key:
            _put(levels, Level(earlier.column, is_list=False, line=earlier))
    return tuple(levels)


def columns(lines: Sequence[Line]) -> Counter[int]:
    """How many lines begin at each column, list dashes left aside."""
    return Counter(line.column for line in lines)


def _put(levels: list[Level], level: Level) -> None:
    if levels and (levels[-1].column, levels[-1].is_list) == (level.column, level.is_list):
        levels.pop()
    elif levels and levels[-1].column == level.column and levels[-1].is_list:
        # A key where the list's dashes were: the list is over.
        levels.pop()
        _put(levels, level)
        return
    levels.append(level)


def _lines(text: str) -> Iterator[Line]:
    block: int | None = None
    for found in _LINE.finditer(text):
        written = found[0].rstrip()
        indent = len(written) - len(written.lstrip(" \t"))
        if not written or written.startswith("%") or written in ("---", "..."):
            continue
        if block is not None and indent > block:
            continue
        block = None
        if written[indent] == "#":
            continue
        line = _line(found.start(), written, indent)
        yield line
        if _BLOCK_SCALAR.search(written):
            block = line.column if line.key else line.indent


def _line(start: int, written: str, indent: int) -> Line:
    prefix = _PREFIX.match(written, indent)
    after = prefix.end() if prefix else indent
    dashes = tuple(
        indent + at
        for at, char in enumerate(written[indent:after])
        if char == "-" and prefix and indent + at >= prefix.start("dashes")
    )
    key = _KEY.match(written, after)
    rest = written[key.end() :] if key else written[after:]
    content = (
        _COMMENT.sub("", written[after:]).rstrip() if '"' not in written and "'" not in written else written[after:]
    )
    return Line(
        start=start,
        end=start + after + len(content),
        content=content,
        dashes=dashes,
        column=after,
        key=key["key"] if key else "",
        has_value=bool(_COMMENT.sub("", rest).strip()),
    )
