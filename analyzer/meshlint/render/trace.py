"""A trace as text for people and as JSON for programs."""

from collections.abc import Iterator
from json import dumps

from meshlint.mesh.steps import Outcome, Share, Step, Trace, Tried
from meshlint.render.json import VERSION, Json, location_json
from meshlint.render.terminal import Style, paint, visible
from meshlint.render.witness import request_fields
from meshlint.request import header
from meshlint.source.node import Node

_WIDTH = 96
_INDENT = " " * 11


def trace_text(trace: Trace, *, color: bool) -> str:
    """The steps with what decided each and where, then the outcome in one line."""
    painted = paint(color=color)
    lines: list[str] = []
    for number, step in enumerate(trace.steps, start=1):
        lines += list(_step(number, step))
    kind = trace.outcome.kind
    style = Style.STRONG if kind.is_delivered else Style.ERROR
    return "\n".join((*lines, painted(f"→ {visible(_outcome(trace.outcome))}", style))) + "\n"


def trace_json(trace: Trace) -> str:
    """All there is to know about the trace, in one line."""
    return dumps(trace_fields(trace)) + "\n"


def trace_fields(trace: Trace) -> Json:
    """The trace as the JSON of every command has it."""
    return {
        "version": VERSION,
        "request": request_fields(trace.request.but(header(":path"), None)),
        "outcome": outcome_fields(trace.outcome),
        "steps": [_step_fields(step) for step in trace.steps],
    }


def outcome_fields(outcome: Outcome) -> Json:
    """How a request ends, as JSON."""
    return {
        "kind": outcome.kind.value,
        "status": outcome.status,
        "cluster": outcome.cluster or None,
        "weights": [_share_fields(one) for one in outcome.weights],
        "workloads": list(outcome.workloads),
        "why": outcome.why or None,
    }


def _share_fields(one: Share) -> Json:
    return {
        "cluster": one.cluster,
        "share": one.share,
        "workloads": list(one.workloads),
        "why": one.trouble or None,
    }


def _step_fields(step: Step) -> Json:
    return {
        "stage": step.stage.value,
        "text": step.text,
        "location": _location(step.node),
        "facts": [{"text": fact.text, "location": _location(fact.node)} for fact in step.facts],
        "tried": [
            {"name": one.name, "matched": one.matched, "why": one.why or None, "location": _location(one.node)}
            for one in step.tried
        ],
    }


def _location(node: Node | None) -> Json:
    return None if node is None else location_json(node.span)


def _step(number: int, step: Step) -> Iterator[str]:
    yield _line(f"{number} {step.stage.value:<8} {step.text}", step.node)
    for fact in step.facts:
        yield _line(_INDENT + fact.text, fact.node)
    for one in step.tried:
        yield _line(_INDENT + _tried(one), one.node)


def _tried(one: Tried) -> str:
    match one.matched:
        case True:
            return f"✓ {one.name}"
        case False:
            return f"✗ {one.name}" + (f"  {one.why}" if one.why else "")
        case None:
            return f"· {one.name}  not tried: the first match wins"


def _line(text: str, node: Node | None) -> str:
    shown = visible(text)
    if node is None:
        return shown
    return f"{shown:<{_WIDTH}}  {visible(node.span.source.name)}:{node.span.first.line}"


def _outcome(outcome: Outcome) -> str:
    words = [str(outcome.status) if outcome.status is not None else "", outcome.kind.value]
    if outcome.weights:
        words.append(", ".join(f"{one.share:.0%} {one.cluster}" for one in outcome.weights))
    else:
        words.append(outcome.cluster)
    if outcome.workloads:
        words.append(f"({', '.join(outcome.workloads)})")
    if outcome.why:
        words.append(f"— {outcome.why}")
    return " ".join(word for word in words if word)
