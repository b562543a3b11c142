"""Why a route does not take a request, as text and as JSON."""

from collections.abc import Iterator

from meshlint.mesh.why_not import Condition, Entry, Verdict, WhyNot
from meshlint.render.json import Json
from meshlint.render.layout import Look, Row, laid_out
from meshlint.render.trace_json import fact_fields, place_fields

_INDENT = "  "


def why_not_text(answers: tuple[WhyNot, ...], look: Look) -> str:
    """The answers one after the other, each condition with its mark and its place."""
    return laid_out(tuple(row for one in answers for row in _rows(one)), look)


def why_not_fields(answer: WhyNot) -> Json:
    """The answer as JSON."""
    return {
        "route": answer.route,
        "verdict": answer.verdict.value,
        "text": answer.text,
        "location": place_fields(answer.node),
        "entries": [_entry_fields(one) for one in answer.entries],
        "reasons": [fact_fields(one) for one in answer.reasons],
    }


def _rows(answer: WhyNot) -> Iterator[Row]:
    question = "why" if answer.verdict is Verdict.TAKEN else "why not"
    head = f"{question} {answer.route}:"
    yield Row(f"{head} {answer.text}", answer.node, strong=len(head), hanging=2)
    for number, entry in enumerate(answer.entries):
        if len(answer.entries) > 1:
            yield Row(f"{_INDENT}match {number}", entry.node)
        for one in entry.conditions:
            yield Row(f"{_INDENT}{_condition(one)}", one.node, hanging=4)
    for reason in answer.reasons:
        yield Row(f"{_INDENT}✗ {reason.text}", reason.node, hanging=4)


def _condition(one: Condition) -> str:
    return f"✗ {one.text}: {one.why}" if one.why else f"✓ {one.text}"


def _entry_fields(entry: Entry) -> Json:
    conditions: Json = [
        {"text": one.text, "holds": not one.why, "why": one.why or None, "location": place_fields(one.node)}
        for one in entry.conditions
    ]
    return {"location": place_fields(entry.node), "conditions": conditions}
