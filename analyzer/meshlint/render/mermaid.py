"""Graphs as Mermaid flowcharts, which Markdown viewers draw."""

from collections.abc import Iterator, Mapping

from meshlint.finding import Severity
from meshlint.mesh.graph import Drawing, Mark, Vertex
from meshlint.render.captions import caption, title, wording
from meshlint.render.terminal import visible

_CLASSES = {
    Severity.ERROR: "stroke:#d1242f,stroke-width:3px",
    Severity.WARNING: "stroke:#9a6700,stroke-width:3px",
    Severity.INFO: "stroke:#0969da,stroke-width:3px",
}
_ROUND = frozenset({"Host", "VirtualHost", "Principal"})
_PLAIN = frozenset(" -_./:,=()") | frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")


def mermaid(drawing: Drawing) -> str:
    """The drawing as a flowchart from left to right. Worst findings colour a vertex; what is only named is dashed."""
    ids = {mark.vertex: f"n{at}" for at, mark in enumerate(drawing.marks)}
    rows = [f"%% {visible(caption(drawing))}", "flowchart LR"]
    rows += [f"  {_vertex(ids, mark)}" for mark in drawing.marks]
    arrows = dict.fromkeys(
        f"  {ids[line.source]} {'-.->' if line.kind == 'mirrors' else '-->'}|{escaped(wording(line))}| {ids[line.target]}"
        for line in drawing.lines
    )
    return "\n".join([*rows, *arrows, *_styles(ids, drawing)]) + "\n"


def escaped(text: str) -> str:
    """The text as part of a quoted label: whatever might be markup of Mermaid or HTML is given by its code point."""
    return '"' + "".join(_character(char) for char in visible_rows(text)) + '"'


def visible_rows(text: str) -> str:
    """The text with its line breaks, and everything else that is not shown spelled out."""
    return "\n".join(visible(row) for row in text.split("\n"))


def _character(char: str) -> str:
    if char == "\n":
        return "<br>"
    return char if char in _PLAIN else f"#{ord(char)};"


def _vertex(ids: Mapping[Vertex, str], mark: Mark) -> str:
    opening, closing = ("([", "])") if mark.vertex.kind in _ROUND else ("[", "]")
    return f"{ids[mark.vertex]}{opening}{escaped(title(mark))}{closing}"


def _styles(ids: Mapping[Vertex, str], drawing: Drawing) -> Iterator[str]:
    for severity, style in _CLASSES.items():
        marked = [ids[mark.vertex] for mark in drawing.marks if mark.severity is severity]
        if marked:
            yield f"  classDef {severity.value} {style}"
            yield f"  class {','.join(marked)} {severity.value}"
    absent = [ids[mark.vertex] for mark in drawing.marks if mark.span is None and mark.vertex.kind not in _CALLED]
    if absent:
        yield "  classDef absent stroke-dasharray:4"
        yield f"  class {','.join(absent)} absent"


_CALLED = frozenset({"VirtualHost", "Principal"})
