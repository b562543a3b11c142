"""What is written beside the vertices and arrows of a drawing, whatever draws it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from meshlint.mesh.drawing import Drawing, Line, Mark
from meshlint.mesh.edges import Edge, Kind, Vertex
from meshlint.render.summary import counted

_MOST_WORDS = 4
_LONGEST = 60
_KINDS = {"VirtualHost": "requested host", "K8sGateway": "Gateway (Gateway API)"}
_DASHED = frozenset({Kind.MIRRORS, Kind.AUDITED})


@dataclass(frozen=True, slots=True)
class Arrow:
    """All edges between two vertices that are drawn alike, with what they say line by line."""

    source: Vertex
    target: Vertex
    words: tuple[str, ...]
    is_dashed: bool
    is_refusal: bool


def caption(drawing: Drawing) -> str:
    """What the drawing shows, and how many findings it has no place for."""
    away = len(drawing.elsewhere)
    rest = f"; {counted(away, 'finding')} on objects that are not in view" if away else ""
    return f"{drawing.view.value}{rest}"


def title(mark: Mark) -> tuple[str, ...]:
    """A vertex's kind and name, what is known of it, and its findings by code, line by line."""
    codes = Counter(f"{one.severity.value} {one.rule.code}" for one in mark.findings)
    found = [f"{text} x{number}" if number > 1 else text for text, number in sorted(codes.items())]
    return (_KINDS.get(mark.vertex.kind, mark.vertex.kind), mark.vertex.name, *mark.notes, *found)


def arrows(lines: Iterable[Line]) -> Iterator[Arrow]:
    """The edges to draw; those between the same two vertices are one arrow, mirrors and refusals apart."""
    groups: dict[tuple[Vertex, Vertex, bool, bool], dict[str, None]] = {}
    for edge in (line.edge for line in lines):
        key = (edge.source, edge.target, edge.kind in _DASHED, edge.kind is Kind.DENIED)
        groups.setdefault(key, {}).setdefault(_wording(edge))
    for (source, target, is_dashed, is_refusal), words in groups.items():
        yield Arrow(source, target, _few(words), is_dashed, is_refusal)


def _wording(edge: Edge) -> str:
    """What an edge says: its kind, the subset and share it is about, and the requests."""
    subset = f" {edge.subset}" if edge.subset and edge.target.kind != "Subset" else ""
    share = f" {edge.share:g} %" if edge.share is not None else ""
    condition = f": {_short(edge.condition)}" if edge.condition else ""
    return f"{edge.kind.value}{subset}{share}{condition}"


def _few(words: Mapping[str, None]) -> tuple[str, ...]:
    shown = tuple(words)[:_MOST_WORDS]
    return (*shown, f"and {len(words) - _MOST_WORDS} more") if len(words) > _MOST_WORDS else shown


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
