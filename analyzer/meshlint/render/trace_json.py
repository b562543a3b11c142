"""A trace as JSON, version 1: a contract. A name or meaning changes only with the version."""

from collections.abc import Mapping
from json import dumps

from meshlint.mesh.steps import Fact, Outcome, Share, Step, Trace, Tried
from meshlint.render.json import VERSION, Json, location_json
from meshlint.render.witness import request_fields
from meshlint.request import header
from meshlint.source.node import Node


def trace_json(trace: Trace, more: Mapping[str, Json] | None = None) -> str:
    """All there is to know about the trace, in one line; *more* are fields about the question."""
    return dumps({**trace_fields(trace), **(more or {})}) + "\n"


def trace_fields(trace: Trace) -> Mapping[str, Json]:
    """The trace as the JSON of every command has it."""
    return {
        "version": VERSION,
        "request": request_fields(trace.request.but(header(":path"), None)),
        "outcome": outcome_fields(trace.outcome),
        "steps": [step_fields(step) for step in trace.steps],
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


def step_fields(step: Step) -> Json:
    """One step, as JSON."""
    return {
        "stage": step.stage.value,
        "text": step.text,
        "location": place_fields(step.node),
        "facts": [fact_fields(fact) for fact in step.facts],
        "tried": [_tried_fields(one) for one in step.tried],
    }


def fact_fields(fact: Fact) -> Json:
    """Something that is so at a step, as JSON."""
    return {"text": fact.text, "location": place_fields(fact.node)}


def place_fields(node: Node | None) -> Json:
    """Where a node was written; null for none."""
    return None if node is None else location_json(node.span)


def _share_fields(one: Share) -> Json:
    return {"cluster": one.cluster, "share": one.share, "workloads": list(one.workloads), "why": one.trouble or None}


def _tried_fields(one: Tried) -> Json:
    return {"name": one.name, "matched": one.matched, "why": one.why or None, "location": place_fields(one.node)}
