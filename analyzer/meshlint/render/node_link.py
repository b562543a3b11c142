"""Drawings as JSON in networkx's node-link form, version 1: a contract."""

from json import dumps

from meshlint.mesh.drawing import Drawing, Line, Mark
from meshlint.mesh.edges import Vertex
from meshlint.render.json import VERSION, Json, finding_json, location_json


def node_link(drawing: Drawing) -> str:
    """The drawing for programs; `networkx.node_link_graph(document, edges="edges")` reads it back."""
    document: Json = {
        "version": VERSION,
        "directed": True,
        "multigraph": True,
        "graph": {
            "view": drawing.view.value,
            "findingsElsewhere": [finding_json(finding) for finding in drawing.elsewhere],
        },
        "nodes": [_node(mark) for mark in drawing.marks],
        "edges": [_edge(key, line) for key, line in enumerate(drawing.lines)],
    }
    return dumps(document, indent=2) + "\n"


def _node(mark: Mark) -> Json:
    return {
        "id": _name(mark.vertex),
        "kind": mark.vertex.kind,
        "name": mark.vertex.name,
        "location": location_json(mark.span) if mark.span is not None else None,
        "absent": mark.is_absent,
        "notes": list(mark.notes),
        "severity": mark.severity.value if mark.severity is not None else None,
        "findings": [finding_json(finding) for finding in mark.findings],
    }


def _edge(key: int, line: Line) -> Json:
    edge = line.edge
    return {
        "source": _name(edge.source),
        "target": _name(edge.target),
        "key": key,
        "kind": edge.kind.value,
        "subset": edge.subset or None,
        "share": edge.share,
        "condition": edge.condition or None,
        "location": location_json(line.span) if line.span is not None else None,
    }


def _name(vertex: Vertex) -> str:
    return f"{vertex.kind} {vertex.name}"
