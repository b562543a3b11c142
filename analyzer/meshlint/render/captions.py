"""What is written beside the vertices and edges of a graph, whatever draws it."""

from collections import Counter

from meshlint.mesh.graph import Drawing, Line, Mark
from meshlint.render.summary import counted


def caption(drawing: Drawing) -> str:
    """What the graph shows, and how many findings it has no place for."""
    away = len(drawing.elsewhere)
    rest = f"; {counted(away, 'finding')} on objects that are not in view" if away else ""
    return f"{drawing.view.value}{rest}"


def title(mark: Mark) -> str:
    """A vertex's kind and name, one below the other, and then its findings by code."""
    codes = Counter(f"{one.severity.value} {one.rule.code}" for one in mark.findings)
    found = [f"{text} x{number}" if number > 1 else text for text, number in sorted(codes.items())]
    return "\n".join((mark.vertex.kind, _one_line(mark.vertex.name), *found))


def wording(line: Line) -> str:
    """What an edge says, with the subset it is about."""
    return f"{line.kind} {_one_line(line.detail)}" if line.detail else line.kind


def _one_line(text: str) -> str:
    return text.replace("\n", "\\n")
