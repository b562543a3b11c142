"""What a rule says, and what the user's policy makes of it: the one type every command and format shares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from meshlint.request import Request
from meshlint.source.node import Node
from meshlint.source.text import Source, Span


class Severity(Enum):
    """How bad a finding is; the order of definition is from worst to mildest."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 for an error, greater for milder severities."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Ref:
    """Which object a resource is. The namespace of a cluster-scoped one is empty."""

    api_version: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """Kind and name as people write them: `VirtualService prod/reviews`."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What a page of `rules/` says about a rule: its identity, default severity and documentation."""

    code: str
    name: str
    summary: str
    severity: Severity
    since: str
    aliases: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    is_default: bool = True
    page: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Note:
    """A second place that belongs to a problem, and what it has to do with it."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace what a span covers by *text*; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A way to mend a problem. A safe one keeps the meaning that the author certainly had."""

    title: str
    edits: tuple[Edit, ...]
    is_safe: bool


@dataclass(frozen=True, slots=True)
class Witness:
    """A request that proves a claim, and in words what happens to it."""

    request: Request
    outcome: str


@dataclass(frozen=True, slots=True)
class Problem:
    """What a checker has found, at the smallest node the user must change.

    `label` is a word or two for the place itself (`unreachable`), `help` a hint that is no edit.
    `on_key` points at the node's key in place of its value. `aliases` are those of the rule's aliases that this very
    problem has in other tools; None stands for all of them.
    """

    node: Node
    message: str
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    fix: Fix | None = None
    witness: Witness | None = None
    on_key: bool = False
    aliases: tuple[str, ...] | None = None

    @property
    def span(self) -> Span:
        """The place to show."""
        return self.node.key if self.on_key and self.node.key is not None else self.node.span


@dataclass(frozen=True, slots=True)
class Undecided:
    """A question a checker asked at *node* and could not answer; counted, never reported as a finding."""

    node: Node
    why: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A reference at *node* that leads outside the input and so was not checked; counted."""

    node: Node
    target: str


Result = Problem | Undecided | Outside
"""What a checker yields."""


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why a finding is kept out of the report: the comment or annotation that asks for it."""

    span: Span | None
    reason: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem under the user's policy."""

    rule: Rule
    severity: Severity
    problem: Problem
    resource: Ref | None
    fingerprint: str
    suppressed: Suppression | None = None

    @property
    def aliases(self) -> tuple[str, ...]:
        """The codes under which other tools report it."""
        return self.rule.aliases if self.problem.aliases is None else self.problem.aliases


@dataclass(frozen=True, slots=True)
class Skipped:
    """An input, or a part of one, that was not read, and why."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything a run of `lint` has to say, sorted by place."""

    findings: tuple[Finding, ...]
    sources: tuple[Source, ...]
    resources: int
    undecided: tuple[Undecided, ...] = ()
    outside: tuple[Outside, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    rules: tuple[Rule, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether all rules ran to the end on all that was read."""
        return not self.failures

    def count(self, severity: Severity) -> int:
        """How many findings of that severity are not suppressed."""
        return sum(1 for f in self.findings if f.severity is severity and f.suppressed is None)

    @property
    def counts(self) -> Mapping[Severity, int]:
        """How many findings of each severity are not suppressed."""
        return {severity: self.count(severity) for severity in Severity}
