"""What the space answers, and the errors it keeps to itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from meshlint.mesh.predicate import Test
from meshlint.request import Request


@dataclass(frozen=True, slots=True)
class Some:
    """There is such a request: this one."""

    request: Request


@dataclass(frozen=True, slots=True)
class Empty:
    """There is no such request. `by` are positions of predicates that exclude it together, none of them needless."""

    by: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Unknown:
    """Whether there is such a request cannot be decided, for this reason."""

    why: str


Answer = Some | Empty | Unknown
"""The answer to a question about all requests."""


class DisagreementError(Exception):
    """The two readings of a predicate differ: the space found a request that `holds` refuses. Always a bug."""


class Unsupported(Exception):  # noqa: N818 - one of the three named exceptions of the design
    """Tests that no finite automaton of acceptable size decides; the space treats them as unclear."""

    def __init__(self, why: str, tests: Iterable[Test] = ()) -> None:
        super().__init__(why)
        self.why = why
        self.tests = frozenset(tests)
