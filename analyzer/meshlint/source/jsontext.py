"""JSON read as such. Most JSON is YAML too, but surrogate pairs, tabs and long keys are not."""

import json
import re
from collections.abc import Callable

from meshlint.source.compose import Composition

_TOKEN = re.compile(
    r"[ \t\r\n]*(?:(?P<mark>[{}\[\],:])"
    r'|"(?P<text>(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*)"'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)(?![0-9a-zA-Z_.])"
    r"|(?P<word>true|false|null)(?![0-9a-zA-Z_]))"
)
_SPACE = re.compile(r"[ \t\r\n]*\Z")
_WORDS = {"true": True, "false": False, "null": None}


def is_json(text: str) -> bool:
    """Whether *text* looks like JSON: an object or a list to begin with."""
    return text.lstrip(" \t\r\n")[:1] in ("{", "[")


def compositions(text: str, begin: Callable[[int], Composition]) -> list[Composition] | None:
    """The documents of a text of one or more JSON values; None if it is no JSON.

    *begin* starts the document of that index.
    """
    found: list[Composition] = []
    offset = 0
    while not _SPACE.match(text, offset):
        composition = begin(len(found))
        end = _value(text, offset, composition)
        if end is None:
            return None
        found.append(composition)
        offset = end
    return found


def _value(text: str, offset: int, composition: Composition) -> int | None:
    """Where the value that begins at *offset* ends, having told the composition of it."""
    closing: list[str] = []
    expected: str | None = "value"
    while expected is not None:
        token = _TOKEN.match(text, offset)
        if token is None:
            return None
        offset = token.end()
        expected = _after(token, expected, closing, composition)
        if expected is not None and not closing:
            return offset
    return None


def _after(token: re.Match[str], expected: str, closing: list[str], composition: Composition) -> str | None:
    """What is expected after *token*; None where it is not what was *expected*."""
    mark = token["mark"]
    if mark is None:
        if not expected.startswith("value" if token["text"] is None else ("key", "value")):
            return None
        _scalar(token, composition)
        return ":" if expected.startswith("key") else ","
    if mark in "{[":
        return _opened(mark, token.start("mark"), closing, composition) if expected.startswith("value") else None
    if mark in "}]":
        return _closed(token, expected, closing, composition)
    if mark != expected:
        return None
    return "value" if mark == ":" or closing[-1] == "]" else "key"


def _closed(token: re.Match[str], expected: str, closing: list[str], composition: Composition) -> str | None:
    if not expected.endswith((",", "end")) or closing.pop() != token["mark"]:
        return None
    composition.close(token.end())
    return ","


def _opened(mark: str, start: int, closing: list[str], composition: Composition) -> str:
    if mark == "{":
        composition.mapping(start)
        closing.append("}")
        return "key or end"
    composition.sequence(start)
    closing.append("]")
    return "value or end"


def _scalar(token: re.Match[str], composition: Composition) -> None:
    kind = token.lastgroup or "text"
    start, end = token.span(kind)
    match kind:
        case "text":
            written = token["text"]
            value = _unescaped(written) if "\\" in written else written
            composition.known(value, start - 1, end + 1)
        case "number":
            digits = token["number"]
            is_integer = digits.lstrip("-").isdigit() and len(digits) <= 20
            composition.known(int(digits) if is_integer else float(digits), start, end)
        case _:
            composition.known(_WORDS[token["word"]], start, end)


def _unescaped(written: str) -> str:
    # Half of a surrogate pair is no character; Go reads it as U+FFFD.
    text: str = json.loads(f'"{written}"')
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
