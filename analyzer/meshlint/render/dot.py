"""Drawings in the language of Graphviz."""

from collections.abc import Iterable, Iterator, Mapping

from meshlint.finding import Severity
from meshlint.mesh.drawing import Drawing, Mark
from meshlint.mesh.edges import Vertex
from meshlint.render.captions import Arrow, arrows, caption, title
from meshlint.render.terminal import visible

_COLORS = {Severity.ERROR: "#d1242f", Severity.WARNING: "#9a6700", Severity.INFO: "#0969da"}
_REFUSED = _COLORS[Severity.ERROR]
_SHAPES = {
    "Host": "ellipse",
    "VirtualHost": "ellipse",
    "Subset": "ellipse",
    "Principal": "diamond",
    "Caller": "diamond",
    "Gateway": "house",
    "K8sGateway": "house",
}


def dot(drawing: Drawing) -> str:
    """The drawing as a directed graph. Worst findings colour a vertex; what the input only names is dashed."""
    ids = {mark.vertex: f"n{at}" for at, mark in enumerate(drawing.marks)}
    vertices = (_vertex(ids[mark.vertex], mark) for mark in drawing.marks)
    rows = [*_head(caption(drawing)), *vertices, *(_arrow(ids, one) for one in arrows(drawing.lines))]
    return "digraph mesh {\n" + "".join(f"  {row}\n" for row in rows) + "}\n"


def quoted(*lines: str) -> str:
    """The lines as one string of the language: nothing in them ends it or is an escape of it."""
    return '"' + "\\n".join(_escaped(line) for line in lines) + '"'


def _escaped(line: str) -> str:
    # Graphviz reads entities such as `&lt;` in every string.
    return visible(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")


def _head(label: str) -> Iterator[str]:
    yield "rankdir=LR;"
    yield f"label={quoted(label)};"
    yield 'node [shape=box, fontname="sans-serif"];'
    yield 'edge [fontname="sans-serif", fontsize=10];'


def _vertex(name: str, mark: Mark) -> str:
    traits = [f"label={quoted(*title(mark))}"]
    shape = _SHAPES.get(mark.vertex.kind)
    traits += [f"shape={shape}"] if shape else []
    traits += ["style=dashed"] if mark.is_absent else []
    traits += [f'color="{_COLORS[mark.severity]}", penwidth=2'] if mark.severity is not None else []
    return f"{name} [{_listed(traits)}];"


def _arrow(ids: Mapping[Vertex, str], arrow: Arrow) -> str:
    traits = [f"label={quoted(*arrow.words)}"]
    traits += ["style=dashed"] if arrow.is_dashed else []
    traits += [f'color="{_REFUSED}"'] if arrow.is_refusal else []
    return f"{ids[arrow.source]} -> {ids[arrow.target]} [{_listed(traits)}];"


def _listed(traits: Iterable[str]) -> str:
    return ", ".join(traits)
