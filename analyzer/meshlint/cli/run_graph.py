"""The command `graph`: read the input, lint it, draw one view of the mesh."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from meshlint import session
from meshlint.cli import streams
from meshlint.cli.inputs import Given, configured, read, what_was_read, without_garbage
from meshlint.config import UsageError, none_called, suggestion
from meshlint.mesh import graph
from meshlint.mesh.drawing import Drawing, drawing
from meshlint.mesh.graph import View

E = TypeVar("E", bound=Enum)
_MOST_DRAWN = {"dot": 2_000, "mermaid": 500}
"""What is too much: Graphviz takes minutes for it, and Mermaid refuses more than 500 arrows unless told otherwise."""


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


def view(word: str) -> View:
    """The view of that name."""
    return _called(View, word, "view")


def form(word: str) -> Form:
    """The form of that name."""
    return _called(Form, word, "format")


def draw(order: Order) -> int:
    """Draw as ordered; the answer is the exit code."""
    config = configured(order.given)
    with without_garbage():
        given = read(order.given, config)
        if not given.mesh.resources:
            return what_was_read(given)
        report = session.judged(given, config)
        whole = graph.view(given.mesh, order.view)
    shown = whole
    if order.focus is not None:
        centres = graph.named(whole, order.focus, given.mesh.settings.cluster_domain)
        if not centres:
            near = suggestion(order.focus, tuple(sorted({one.name for one in whole.nodes})))
            raise UsageError(f"nothing in view is called {order.focus!r}{near}")
        shown = graph.around(whole, centres, order.depth)
    drawn = drawing(given.mesh, shown, order.view, report.findings)
    streams.emit(_FORMS[order.form](drawn))
    _remark_on_size(order, drawn)
    return what_was_read(given)


def _called(choices: type[E], word: str, what: str) -> E:
    known = tuple(str(one.value) for one in choices)
    if word in known:
        return choices(word)
    raise none_called(what, word, known)


def _remark_on_size(order: Order, drawn: Drawing) -> None:
    size = max(len(drawn.marks), len(drawn.lines))
    if size > _MOST_DRAWN.get(order.form.value, size):
        streams.remark(
            f"a drawing of {len(drawn.marks)} vertices and {len(drawn.lines)} edges is more than tools show well: "
            "--focus NS/NAME and --depth N draw a part of it, --format json is for programs"
        )


def _dot(drawn: Drawing) -> str:
    from meshlint.render.dot import dot

    return dot(drawn)


def _mermaid(drawn: Drawing) -> str:
    from meshlint.render.mermaid import mermaid

    return mermaid(drawn)


def _json(drawn: Drawing) -> str:
    from meshlint.render.node_link import node_link

    return node_link(drawn)


_FORMS: Mapping[Form, Callable[[Drawing], str]] = {Form.DOT: _dot, Form.MERMAID: _mermaid, Form.JSON: _json}
