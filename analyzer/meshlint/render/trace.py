"""A trace as text for people: the steps with what decided each and where, then the outcome in one line."""

from collections.abc import Iterator

from meshlint.mesh.steps import Kind, Outcome, Step, Trace, Tried
from meshlint.render.layout import Look, Row, laid_out
from meshlint.render.terminal import Style

INDENT = " " * 11
_LONG_NAME = 40


def trace_text(trace: Trace, look: Look) -> str:
    """The trace as a stream with that look shows it."""
    return laid_out((*step_rows(trace), outcome_row(trace.outcome)), look)


def step_rows(trace: Trace) -> Iterator[Row]:
    """The rows of all steps, which are numbered."""
    for number, step in enumerate(trace.steps, start=1):
        yield from rows_of(number, step)


def rows_of(number: int, step: Step) -> Iterator[Row]:
    """The rows of one step: what was decided, what else is so, and the rules that were tried."""
    head = f"{number} {step.stage.value}"
    yield Row(f"{head:<{len(INDENT) - 1}} {step.text}", step.node, strong=len(head))
    for fact in step.facts:
        yield Row(INDENT + fact.text, fact.node)
    widest = max((len(one.name) for one in step.tried), default=0)
    for one in step.tried:
        yield Row(INDENT + _tried(one, min(widest, _LONG_NAME)), one.node)


def outcome_row(outcome: Outcome) -> Row:
    """The outcome in one line."""
    style = Style.STRONG if outcome.kind.is_delivered else Style.ERROR
    return Row(f"→ {outcome_words(outcome)}", style=style, hanging=2)


def outcome_words(outcome: Outcome) -> str:
    """How a request ends: the status, the kind unless it is simply delivered, to what, and why."""
    words = [str(outcome.status) if outcome.status is not None else ""]
    if outcome.kind is not Kind.CLUSTER:
        words.append(outcome.kind.value)
    elif outcome.status is None:
        words.append("connected")
    if outcome.weights:
        words.append(", ".join(f"{one.share * 100:.4g} % {cluster_words(one.cluster)}" for one in outcome.weights))
    else:
        words.append(cluster_words(outcome.cluster))
    if outcome.workloads:
        words.append(f"({', '.join(outcome.workloads)})")
    if outcome.why:
        words.append(f"— {outcome.why}")
    return " ".join(word for word in words if word)


def cluster_words(cluster: str) -> str:
    """A cluster as people name it, `reviews:v1`; names of Envoy's own stay as they are."""
    parts = cluster.split("|")
    if len(parts) != 4:
        return cluster
    _, _, subset, host = parts
    name, _, rest = host.partition(".")
    short = name if ".svc." in f".{rest}" and rest else host
    return f"{short}:{subset}" if subset else short


def _tried(one: Tried, width: int) -> str:
    mark, why = {True: ("✓", one.why), False: ("✗", one.why), None: ("·", "not tried (first match wins)")}[one.matched]
    return f"{mark} {one.name:<{width}}  {why}".rstrip()
