"""Where the documents of a text begin and end, before anything is parsed, so that a broken one costs no other."""

import re
from collections.abc import Iterator

_MARKER = re.compile(r"(?:\A|(?<=[\r\n]))(?:---|\.\.\.)(?=[ \t\r\n]|\Z)")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each stretch of *text* that holds one document or none.

    `---` at the start of a line always separates: within a block scalar it would be indented, and
    within quotes it is not allowed. Directives belong to the document below them.
    """
    start = 0
    for marker in _MARKER.finditer(text):
        if marker[0] == "...":
            end = _line_end(text, marker.end())
            yield start, end
            start = end
        elif not _has_directive(text, start, marker.start()) or _has_content(text, start, marker.start()):
            if marker.start() > start:
                yield start, marker.start()
            start = marker.start()
    if start < len(text):
        yield start, len(text)


def _line_end(text: str, offset: int) -> int:
    found = _LINE_BREAK.search(text, offset)
    return found.end() if found else len(text)


def _has_content(text: str, start: int, end: int) -> bool:
    return any(line.strip() and line.lstrip()[0] not in "#%" for line in _lines(text, start, end))


def _has_directive(text: str, start: int, end: int) -> bool:
    return "%" in text[start:end] and any(line.startswith("%") for line in _lines(text, start, end))


def _lines(text: str, start: int, end: int) -> list[str]:
    return _LINE_BREAK.split(text[start:end])
