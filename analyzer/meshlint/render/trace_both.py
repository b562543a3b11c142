"""Two traces of one request, in an old and a new input: what differs."""

from collections.abc import Iterator
from json import dumps

from meshlint.mesh.contrast import Contrast
from meshlint.mesh.steps import Step
from meshlint.render.json import VERSION
from meshlint.render.layout import Look, Row, laid_out
from meshlint.render.terminal import Style
from meshlint.render.trace import outcome_row, outcome_words, rows_of, step_rows
from meshlint.render.trace_json import trace_fields


def both_text(found: Contrast, names: tuple[str, str], look: Look) -> str:
    """The two traces and what differs; one trace where nothing does."""
    if found.is_same:
        rows = (*step_rows(found.new), outcome_row(found.new.outcome))
        return laid_out((*rows, Row("same: the request takes the same way in both", style=Style.STRONG)), look)
    blocks = [
        laid_out((Row(f"{word}  {name}", style=Style.FRAME), *step_rows(trace), outcome_row(trace.outcome)), look)
        for word, name, trace in (("old", names[0], found.old), ("new", names[1], found.new))
    ]
    return "\n".join((*blocks, laid_out(tuple(_difference(found)), look)))


def both_json(found: Contrast) -> str:
    """The two traces and where they part, in one line."""
    fields = {
        "version": VERSION,
        "same": found.is_same,
        "difference": {"outcome": not found.has_same_outcome, "step": found.parting},
        "old": trace_fields(found.old),
        "new": trace_fields(found.new),
    }
    return dumps(fields) + "\n"


def _difference(found: Contrast) -> Iterator[Row]:
    if found.parting is not None:
        yield Row(f"first difference: step {found.parting + 1}", style=Style.STRONG)
        yield from _side("-", found.old.steps, found)
        yield from _side("+", found.new.steps, found)
    if found.has_same_outcome:
        yield Row("same outcome, by another way", style=Style.STRONG)
        return
    yield Row("different outcome", style=Style.STRONG)
    for sign, trace in (("-", found.old), ("+", found.new)):
        yield Row(f"{sign} {outcome_words(trace.outcome)}")


def _side(sign: str, steps: tuple[Step, ...], found: Contrast) -> Iterator[Row]:
    """What one side says at the step where they part, without what the other says as well."""
    at = found.parting or 0
    other = found.new.steps if steps is found.old.steps else found.old.steps
    if at >= len(steps):
        yield Row(f"{sign} no such step")
        return
    known = {row.text for row in rows_of(at + 1, other[at])} if at < len(other) else set[str]()
    for row in rows_of(at + 1, steps[at]):
        if row.text not in known:
            yield Row(f"{sign} {row.text.strip()}", row.node)
