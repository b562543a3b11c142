"""Drawings as Mermaid flowcharts, which Markdown viewers show."""

from collections.abc import Iterator, Mapping

from meshlint.finding import Severity
from meshlint.mesh.drawing import Drawing, Mark
from meshlint.mesh.edges import Vertex
from meshlint.render.captions import Arrow, arrows, caption, title
from meshlint.render.terminal import visible

_CLASSES = {
    Severity.ERROR: "stroke:#d1242f,stroke-width:3px",
    Severity.WARNING: "stroke:#9a6700,stroke-width:3px",
    Severity.INFO: "stroke:#0969da,stroke-width:3px",
}
_ROUND = frozenset({"Host", "VirtualHost", "Subset", "Principal", "Caller"})
_PLAIN = frozenset(" -_./:,=()%") | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def mermaid(drawing: Drawing) -> str:
    """The drawing as a flowchart from left to right. Worst findings colour a vertex; what is only named is dashed."""
    ids = {mark.vertex: f"n{at}" for at, mark in enumerate(drawing.marks)}
    rows = ["flowchart LR", f"  %% {caption(drawing)}"]
    rows += [f"  {_vertex(ids[mark.vertex], mark)}" for mark in drawing.marks]
    drawn = list(arrows(drawing.lines))
    rows += [f"  {_arrow(ids, one)}" for one in drawn]
    return "\n".join([*rows, *_styles(ids, drawing, drawn)]) + "\n"


def escaped(*lines: str) -> str:
    """The lines as a quoted label: whatever might be markup of Mermaid or HTML is given by its code point."""
    return '"' + "<br>".join("".join(map(_character, visible(line))) for line in lines) + '"'


def _character(char: str) -> str:
    return char if char in _PLAIN else f"#{ord(char)};"


def _vertex(name: str, mark: Mark) -> str:
    opening, closing = ("([", "])") if mark.vertex.kind in _ROUND else ("[", "]")
    return f"{name}{opening}{escaped(*title(mark))}{closing}"


def _arrow(ids: Mapping[Vertex, str], arrow: Arrow) -> str:
    shaft = "-.->" if arrow.is_dashed else "-->"
    return f"{ids[arrow.source]} {shaft}|{escaped(*arrow.words)}| {ids[arrow.target]}"


def _styles(ids: Mapping[Vertex, str], drawing: Drawing, drawn: list[Arrow]) -> Iterator[str]:
    for severity, style in _CLASSES.items():
        marked = [ids[mark.vertex] for mark in drawing.marks if mark.severity is severity]
        if marked:
            yield f"  classDef {severity.value} {style}"
            yield f"  class {','.join(marked)} {severity.value}"
    absent = [ids[mark.vertex] for mark in drawing.marks if mark.is_absent]
    if absent:
        yield "  classDef absent stroke-dasharray:4"
        yield f"  class {','.join(absent)} absent"
    refusals = [str(at) for at, arrow in enumerate(drawn) if arrow.is_refusal]
    if refusals:
        yield f"  linkStyle {','.join(refusals)} stroke:#d1242f"
