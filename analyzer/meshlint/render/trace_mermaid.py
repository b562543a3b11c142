"""A trace as a Mermaid sequence diagram: proxies and servers are participants, decisions are notes at them."""

from collections.abc import Iterator

from meshlint.mesh.steps import Stage, Step, Trace
from meshlint.render.trace import outcome_words

_PLAIN = frozenset(" ./-_|=()")
_LONGEST = 160


def trace_mermaid(trace: Trace) -> str:
    """The diagram. Names of manifests are written so that nothing in them is read as Mermaid or as HTML."""
    places = list(dict.fromkeys(_place(step) for step in trace.steps if _is_place(step)))
    lines = ["sequenceDiagram", "  participant caller"]
    lines += [f"  participant p{number} as {escaped(name)}" for number, name in enumerate(places)]
    here = proxy = "caller"
    for step in trace.steps:
        if _is_place(step):
            here = f"p{places.index(_place(step))}"
            if here != proxy:
                lines.append(f"  {proxy}->>{here}: {escaped(step.text)}")
            proxy = here if step.stage is Stage.CLIENT else proxy
        lines += _notes(step, here if step.stage is Stage.SERVER else proxy)
    sign = "-->>" if trace.outcome.kind.is_delivered else "--x"
    lines.append(f"  {here}{sign}caller: {escaped(outcome_words(trace.outcome))}")
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """The text with all but letters, digits and a few signs as Mermaid's entity codes; long texts are cut."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(one if _is_plain(one) else f"#{ord(one)};" for one in shown) or "-"


def _is_plain(char: str) -> bool:
    return char in _PLAIN or (char.isascii() and char.isalnum())


def _is_place(step: Step) -> bool:
    return step.stage in (Stage.CLIENT, Stage.SERVER)


def _place(step: Step) -> str:
    """Whose step it is: the name that its text begins with."""
    return step.text.partition("  ")[0].partition(": ")[0].partition(", ")[0].removeprefix("gateway ")


def _notes(step: Step, at: str) -> Iterator[str]:
    if step.stage in (Stage.ROUTE, Stage.CLUSTER):
        yield f"  Note over {at}: {escaped(step.text)}"
    for fact in step.facts:
        yield f"  Note over {at}: {escaped(fact.text)}"
