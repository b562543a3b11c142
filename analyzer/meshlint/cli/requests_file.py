"""A file of requests: one JSON object a line, or a list in YAML or JSON. Each is asked as on the command line."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint import files
from meshlint.cli.expectations import Expectation, expectations
from meshlint.cli.questions import Prepared, Question, prepared
from meshlint.config import UsageError, suggestion
from meshlint.finding import Skipped
from meshlint.source.node import Node
from meshlint.source.parse import parse
from meshlint.source.text import Source, Span

_KEYS = ("id", "method", "url", "headers", "from", "sni", "address", "source-ip", "principal", "jwt", "expect")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What is to be a request, and how many lines of the file come before its source."""

    node: Node
    before: int


def requests_of(file: str) -> tuple[Prepared, ...]:
    """The requests of a file, `-` for standard input; raises UsageError with the position of what is wrong."""
    match files.read(file):
        case Skipped(name, why):
            raise UsageError(f"{name}: {why}")
        case source:
            found = tuple(prepared(_question(entry)) for entry in _entries(source))
    if not found:
        raise UsageError(f"{file}: not one request in it")
    return found


def _entries(source: Source) -> Iterator[_Entry]:
    """One for each line where the text begins with `{`, else one for each element of its lists."""
    if source.text.lstrip()[:1] != "{":
        yield from _parsed(source, 0)
        return
    for number in range(1, len(source.line_starts) + 1):
        line = Source(source.name, source.line(number))
        if line.text.strip():
            yield from _parsed(line, number - 1)


def _parsed(source: Source, before: int) -> Iterator[_Entry]:
    found = parse(source)
    for defect in found.defects:
        raise UsageError(f"{_place(defect.span, before)}: {defect.message}")
    if found.templated:
        raise UsageError(f"{source.name}: a template is no list of requests")
    for document in found.documents:
        elements = document.elements if isinstance(document.value, tuple) else (document,)
        yield from (_Entry(node, before) for node in elements)


def _question(entry: _Entry) -> Question:
    """The question that an entry spells out; raises UsageError."""
    node, before = entry.node, entry.before
    place = _place(node.span, before)
    if not node.mapping:
        raise UsageError(f"{place}: no request: it is a mapping with at least `url`")
    for key, value in node.mapping.items():
        if key not in _KEYS:
            hint = suggestion(key, _KEYS) or f": there are {', '.join(_KEYS)}"
            raise UsageError(f"{_place(value.key or value.span, before)}: no request has {key!r}{hint}")
    url = _text(entry, "url")
    if url is None:
        raise UsageError(f"{place}: a request needs a `url`")
    return Question(
        url=url,
        method=_text(entry, "method"),
        headers=_pairs(entry, "headers", ": "),
        origin=_text(entry, "from"),
        sni=_text(entry, "sni"),
        address=_text(entry, "address"),
        source_ip=_text(entry, "source-ip"),
        principal=_text(entry, "principal"),
        claims=_pairs(entry, "jwt", "="),
        expectations=_expected(entry),
        name=_text(entry, "id"),
        line=node.span.first.line + before,
        place=place,
    )


def _expected(entry: _Entry) -> tuple[Expectation, ...]:
    text = _text(entry, "expect")
    if text is None:
        return ()
    try:
        return expectations(text)
    except UsageError as error:
        raise UsageError(f"{_place(entry.node.at('expect').span, entry.before)}: {error}") from error


def _text(entry: _Entry, key: str) -> str | None:
    node = entry.node.get(key)
    return None if node is None else _scalar(node, key, entry.before)


def _pairs(entry: _Entry, key: str, between: str) -> tuple[str, ...]:
    """The entries of a mapping, or of a list of texts, as the command line has them."""
    node = entry.node.get(key)
    if node is None:
        return ()
    if isinstance(node.value, tuple):
        return tuple(_scalar(one, key, entry.before) for one in node.elements)
    if not node.mapping and node.value != {}:
        raise UsageError(f"{_place(node.span, entry.before)}: `{key}` is a mapping of names to values")
    return tuple(f"{name}{between}{_scalar(one, key, entry.before)}" for name, one in node.mapping.items())


def _scalar(node: Node, key: str, before: int) -> str:
    match node.value:
        case bool():
            return "true" if node.value else "false"
        case str() | int() | float():
            return str(node.value)
        case _:
            raise UsageError(f"{_place(node.span, before)}: `{key}` takes a text")


def _place(span: Span, before: int) -> str:
    line, column = span.first
    return f"{span.source.name}:{line + before}:{column}"
