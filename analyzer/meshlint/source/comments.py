"""`# meshlint: ignore[...]` comments: what they ask for, and the stretch of text they ask it for."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from meshlint.source.node import Node
from meshlint.source.parse import opaque
from meshlint.source.text import Source, Span

_COMMENT = re.compile(
    r"(?:^|(?<=[ \t\r\n]))#[ \t]*meshlint:[ \t]*(?P<word>[\w-]*)"
    r"(?P<list>[ \t]*\[(?P<rules>[^\]\r\n]*)(?P<close>\])?)?(?P<reason>[^\r\n]*)"
)
_RULE = re.compile(r"[\w-]+")
_MARKER = re.compile(r"(?:---|\.\.\.)(?=[ \t]|$)")
_DASH_BEFORE = re.compile(r"-(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n|$))*[ \t]*\Z")


class Scope(Enum):
    """What an ignore comment applies to."""

    LINE = "line"
    BELOW = "below"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Ignore:
    """A comment that asks for findings of *rules* to be kept out of the report, and why.

    `problem` says what is wrong with the comment itself; one with a problem asks for nothing.
    """

    span: Span
    rules: tuple[str, ...]
    reason: str
    scope: Scope
    problem: str | None = None


def ignores(source: Source) -> tuple[Ignore, ...]:
    """The ignore comments of *source*, in order; what looks like one within a string is none."""
    if "meshlint:" not in source.text:
        return ()
    return tuple(_ignore(found, span) for found, span in _comments(source))


def scope_of(ignore: Ignore, roots: Sequence[Node]) -> Span | None:
    """The stretch of text that *ignore* applies to; None where nothing is below it.

    Below a comment this is the largest node that begins on the next line with something on it: its key
    counts, and a list item begins at its dash. *roots* are the documents of the source.
    """
    source = ignore.span.source
    match ignore.scope:
        case Scope.FILE:
            return source.span(0, len(source.text))
        case Scope.LINE:
            return _line_span(source, ignore.span.first.line)
        case Scope.BELOW:
            line = _next_line(source, ignore.span.first.line)
            return None if line is None else _node_span(line, [root for root in roots if root.span.source is source])


def covers(scope: Span, node: Node) -> bool:
    """Whether a finding at *node* falls under *scope*: it or its key begins there."""
    return any(
        part is not None and part.source is scope.source and scope.start <= part.start < max(scope.end, scope.start + 1)
        for part in (node.span, node.key)
    )


def _comments(source: Source) -> Iterator[tuple[re.Match[str], Span]]:
    """The comments that begin with `meshlint:`."""
    scalars = tuple(opaque(source))
    starts = [scalar.start for scalar in scalars]
    for found in _COMMENT.finditer(source.text):
        before = bisect_right(starts, found.start())
        if before == 0 or scalars[before - 1].end <= found.start():
            yield found, source.span(found.start(), found.start() + len(found[0].rstrip()))


def _ignore(found: re.Match[str], span: Span) -> Ignore:
    is_file = found["word"] == "ignore-file"
    scope = Scope.FILE if is_file else Scope.BELOW if _stands_alone(span) else Scope.LINE
    rules = tuple(rule.strip() for rule in (found["rules"] or "").split(",") if rule.strip())
    reason = found["reason"].strip() if found["list"] else ""
    return Ignore(span, rules, reason, scope, _problem(found, rules, span))


def _problem(found: re.Match[str], rules: tuple[str, ...], span: Span) -> str | None:
    word = found["word"]
    if word not in ("ignore", "ignore-file"):
        return f"`{word}` is unknown here: write `ignore[RULE]` or `ignore-file[RULE]`"
    if found["list"] is None:
        return f"a bare `{word}` names no rule: write `{word}[RULE]`"
    if found["close"] is None:
        return f"the list of rules of `{word}` is not closed: `]` is missing"
    if not rules:
        return f"the list of rules of `{word}` is empty"
    for rule in rules:
        if not _RULE.fullmatch(rule):
            return f"`{rule}` is no rule: separate rules with commas"
    if word == "ignore-file" and not _in_first_block(span):
        return "`ignore-file` belongs in the first comment block of the file"
    return None


def _stands_alone(span: Span) -> bool:
    """Whether nothing but blanks or another comment's start stands before it on its line."""
    position = span.first
    before = span.source.line(position.line)[: position.column - 1].strip()
    return not before or before.startswith("#")


def _in_first_block(span: Span) -> bool:
    lines = (span.source.line(number).strip() for number in range(1, span.first.line + 1))
    return all(not line or line[0] in "#%" or _MARKER.match(line) for line in lines)


def _next_line(source: Source, line: int) -> int | None:
    """The first line below that has more on it than a comment or a document marker."""
    for number in range(line + 1, len(source.line_starts) + 1):
        written = source.line(number).strip()
        if written and written[0] != "#" and not (_MARKER.match(written) and len(written) == len("---")):
            return number
    return None


def _line_span(source: Source, line: int) -> Span:
    start = source.line_starts[line - 1]
    return source.span(start, start + len(source.line(line)))


def _node_span(line: int, roots: Sequence[Node]) -> Span | None:
    if not roots:
        return None
    source = roots[0].span.source
    start, end = source.line_starts[line - 1], _line_span(source, line).end
    pending = list(reversed(roots))
    while pending:
        node = pending.pop()
        if node.span.end < start:
            continue  # What an alias stands for is found where it is written.
        if node.span.start >= start and start <= (first := _first_offset(node)) <= end:
            return source.span(first, node.span.end)
        pending.extend(reversed(node.elements or tuple(node.mapping.values())))
    return None


def _first_offset(node: Node) -> int:
    """Where a node begins: at its key, or as an element of a list at its dash."""
    if node.key is not None:
        return node.key.start
    if node.path or node.document.item is not None:
        dash = _DASH_BEFORE.search(node.span.source.text, max(0, node.span.start - 400), node.span.start)
        if dash is not None:
            return dash.start()
    return node.span.start
