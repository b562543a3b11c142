"""Two traces of one request side by side: whether they come to the same, and where they part."""

from dataclasses import dataclass
from itertools import zip_longest

from meshlint.mesh.steps import Kind, Step, Trace


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """Two traces. `parting` is the index of the first step that differs, None where all steps say the same."""

    old: Trace
    new: Trace
    parting: int | None

    @property
    def has_same_outcome(self) -> bool:
        """Whether the request ends alike."""
        return self.old.outcome == self.new.outcome

    @property
    def is_same(self) -> bool:
        """Whether the request takes the same way to the same end."""
        return self.parting is None and self.has_same_outcome

    @property
    def is_decided(self) -> bool:
        """Whether it is known on both sides what becomes of the request."""
        return Kind.UNKNOWN not in (self.old.outcome.kind, self.new.outcome.kind)


def contrast(old: Trace, new: Trace) -> Contrast:
    """The contrast of two traces; that a rule stands in another place of a file is no difference."""
    pairs = enumerate(zip_longest(old.steps, new.steps))
    return Contrast(old, new, next((index for index, (one, other) in pairs if not _agree(one, other)), None))


def _agree(one: Step | None, other: Step | None) -> bool:
    return one is not None and other is not None and _said(one) == _said(other)


def _said(step: Step) -> tuple[object, ...]:
    """All that a step says, without the places."""
    facts = tuple(fact.text for fact in step.facts)
    tried = tuple((one.name, one.matched, one.why) for one in step.tried)
    return (step.stage, step.text, facts, tried)
