"""The command `graph`: read the input, lint it, draw one view of the mesh."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from meshlint import session
from meshlint.cli import streams
from meshlint.cli.inputs import Given, configured, read, what_was_read, without_garbage
from meshlint.config import UsageError, suggestion
from meshlint.mesh import graph
from meshlint.mesh.graph import Drawing, View


class Form(Enum):
    """The forms of a graph."""

    DOT = "dot"
    MERMAID = "mermaid"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Order:
    """All that a command line can ask of `graph`. Without a `focus` the `depth` has no meaning."""

    given: Given
    view: View
    focus: str | None
    depth: int
    form: Form


def draw(order: Order) -> int:
    """Draw as ordered; the answer is the exit code."""
    config = configured(order.given)
    with without_garbage():
        given = read(order.given, config)
        report = session.judged(given, config)
        whole = graph.view(given.mesh, order.view)
    shown = whole
    if order.focus is not None:
        centres = graph.named(whole, order.focus, given.mesh.settings.cluster_domain)
        if not centres:
            near = suggestion(order.focus, tuple(sorted({one.name for one in whole.nodes})))
            raise UsageError(f"nothing in view is called {order.focus!r}{near}")
        shown = graph.around(whole, centres, order.depth)
    streams.emit(_FORMS[order.form](graph.drawing(given.mesh, shown, order.view, report.findings)))
    return what_was_read(given)


def _dot(drawing: Drawing) -> str:
    from meshlint.render.dot import dot

    return dot(drawing)


def _mermaid(drawing: Drawing) -> str:
    from meshlint.render.mermaid import mermaid

    return mermaid(drawing)


def _json(drawing: Drawing) -> str:
    from meshlint.render.node_link import node_link

    return node_link(drawing)


_FORMS: Mapping[Form, Callable[[Drawing], str]] = {Form.DOT: _dot, Form.MERMAID: _mermaid, Form.JSON: _json}
