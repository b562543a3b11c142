"""Graphs in the language of Graphviz."""

from collections.abc import Iterator, Mapping

from meshlint.finding import Severity
from meshlint.mesh.graph import Drawing, Line, Mark, Vertex
from meshlint.render.captions import caption, title, wording
from meshlint.render.terminal import visible

_COLORS = {Severity.ERROR: "#d1242f", Severity.WARNING: "#9a6700", Severity.INFO: "#0969da"}
_SHAPES = {
    "Host": "ellipse",
    "VirtualHost": "ellipse",
    "Principal": "diamond",
    "Gateway": "house",
    "K8sGateway": "house",
}


def dot(drawing: Drawing) -> str:
    """The drawing as a directed graph. Worst findings colour a vertex; what the input only names is dashed."""
    ids = {mark.vertex: f"n{at}" for at, mark in enumerate(drawing.marks)}
    body = [*_head(caption(drawing)), *(_vertex(ids, mark) for mark in drawing.marks), *_lines(ids, drawing.lines)]
    return "digraph mesh {\n" + "".join(f"  {row}\n" for row in body) + "}\n"


def quoted(text: str) -> str:
    """The text as a string of the language: nothing in it ends the string or is an escape, line breaks apart."""
    # Graphviz reads entities such as `&lt;` in every string.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return '"' + "\\n".join(visible(row) for row in escaped.split("\n")) + '"'


def _head(label: str) -> Iterator[str]:
    yield "rankdir=LR;"
    yield f"label={quoted(label)};"
    yield 'node [shape=box, fontname="sans-serif"];'
    yield 'edge [fontname="sans-serif", fontsize=10];'


def _vertex(ids: Mapping[Vertex, str], mark: Mark) -> str:
    traits = [f"label={quoted(title(mark))}"]
    shape = _SHAPES.get(mark.vertex.kind)
    traits += [f"shape={shape}"] if shape else []
    traits += ["style=dashed"] if mark.span is None and mark.vertex.kind not in ("VirtualHost", "Principal") else []
    traits += [f'color="{_COLORS[mark.severity]}", penwidth=2'] if mark.severity is not None else []
    return f"{ids[mark.vertex]} [{', '.join(traits)}];"


def _lines(ids: Mapping[Vertex, str], lines: tuple[Line, ...]) -> Iterator[str]:
    """One arrow for all references that say the same."""
    return iter(
        dict.fromkeys(
            f"{ids[line.source]} -> {ids[line.target]} [label={quoted(wording(line))}"
            f"{', style=dashed' if line.kind == 'mirrors' else ''}];"
            for line in lines
        )
    )
