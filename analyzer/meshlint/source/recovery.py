"""Reading on after a mistake in a document's layout: mend it in mind, and see what the document says then.

What is mended is only what shows from the lines themselves: a prompt above the document, a lost dash, a key or a list item
beside its siblings' column. Where a line could belong to two places, the document says that it is guessed. If that makes the whole document readable, it is read, with every place as it is in the text
as written; if not, only the first mistake is told, for what seems to follow may be its consequence.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from meshlint.source.compose import Composition
from meshlint.source.defect import Defect, Place
from meshlint.source.mending import Change
from meshlint.source.mistakes import Mistake, Origin, span_between
from meshlint.source.node import Document, Node
from meshlint.source.text import Span

MAX_MISTAKES = 16
"""A document with more mistakes than this is not worth reading on."""
MAX_LENGTH = 50_000
"""How much of a source is read again: its first broken documents, as far as they are no longer than this together."""

Attempt = Callable[[str, Document, Origin], Composition | Mistake]
"""Reads a text of a document: what it holds, with places in that text, or the first mistake, at its place in the source."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a mended document holds, and the mistakes that were mended, all at their places in the text as written."""

    root: Node | None
    defects: tuple[Defect, ...]


def recovered(first: Mistake, text: str, base: int, document: Document, attempt: Attempt) -> Recovered | None:
    """The document in *text*, at *base* of its source, with its *first* mistake and all later ones mended.

    None where it stays unreadable.
    """
    mistakes = [first]
    origin = offset_by(base)
    while len(mistakes) <= MAX_MISTAKES and mistakes[-1].changes:
        changes = mistakes[-1].changes
        text, origin = _changed(text, changes), _traced(changes, origin)
        found = attempt(text, document, origin)
        if isinstance(found, Composition):
            return _placed(found, mistakes, document, origin)
        mistakes.append(found)
    return None


def offset_by(base: int) -> Origin:
    """Offsets of a text that stands at *base* of its source."""
    return lambda offset: base + offset


def _changed(text: str, changes: Sequence[Change]) -> str:
    parts, end = [], 0
    for change in changes:
        parts += [text[end : change.at], change.written]
        end = change.at + change.removed
    return "".join([*parts, text[end:]])


def _traced(changes: Sequence[Change], before: Origin) -> Origin:
    """Where an offset of the changed text comes from; what was put in comes from where it was put."""
    starts, shifts, shift = [0], [0], 0
    for change in changes:
        shift += change.removed - len(change.written)
        starts.append(change.at + change.removed - shift)
        shifts.append(shift)
    befores = [0, *(change.at for change in changes)]

    def origin(offset: int) -> int:
        index = bisect_right(starts, offset) - 1
        place = offset + shifts[index]
        if index + 1 < len(starts):
            place = min(place, changes[index].at)
        return before(max(place, befores[index]))

    return origin


def _placed(found: Composition, mistakes: Sequence[Mistake], document: Document, origin: Origin) -> Recovered:
    def span(moved: Span) -> Span:
        return span_between(document.source, origin, moved.start, moved.end)

    is_guessed = any(mistake.is_guess for mistake in mistakes)
    mended = replace(document, is_mended=True, is_guessed=is_guessed)

    def node(moved: Node) -> Node:
        return _relocated(moved, mended, span)

    defects = [mistake.defect for mistake in mistakes] + [
        Defect(
            defect.kind,
            node(defect.node),
            defect.message,
            tuple(Place(span(place.span), place.message) for place in defect.notes),
            defect.on_key,
        )
        for defect in (() if is_guessed else found.defects)
    ]
    return Recovered(None if found.root is None else node(found.root), tuple(defects))


def _relocated(node: Node, document: Document, place: Callable[[Span], Span]) -> Node:
    value = node.value
    if isinstance(value, dict):
        value = {name: _relocated(below, document, place) for name, below in value.items()}
    elif isinstance(value, tuple):
        value = tuple([_relocated(below, document, place) for below in value])
    return Node(value, place(node.span), node.key and place(node.key), node.path, document)
