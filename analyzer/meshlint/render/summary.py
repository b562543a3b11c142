"""The closing lines of a report for people: what was found in how much, and what was not looked at."""

from collections.abc import Iterator, Sequence

from meshlint.finding import Finding, Report, Severity
from meshlint.render.terminal import visible
from meshlint.source.text import Span

_MOST_NAMED = 5


def summary(report: Report, elapsed: float | None = None) -> Iterator[str]:
    """What was found, then what was left out or undecided, one subject a line; `incomplete` comes last."""
    yield tally(report, elapsed)
    if outside := len(report.outside):
        lead, them = ("references lead", "them") if outside > 1 else ("reference leads", "it")
        were = "were" if outside > 1 else "was"
        yield f"{outside} {lead} outside the input and {were} not checked (--world complete checks {them})"
    if report.undecided:
        yield f"{counted(len(report.undecided), 'question')} could not be decided"
        yield from _named([f"{place(one.node.span)}: {one.why}" for one in report.undecided])
    if report.skipped:
        yield f"{counted(len(report.skipped), 'input')} {'were' if len(report.skipped) > 1 else 'was'} skipped"
        yield from _named([f"{one.name}: {one.why}" for one in report.skipped])
    if not report.is_complete:
        yield f"incomplete: {visible('; '.join(report.failures))}"


def tally(report: Report, elapsed: float | None = None) -> str:
    """How many findings of which severity, in how many resources and files."""
    kinds = [counted(report.count(severity), severity.value) for severity in Severity if report.count(severity)]
    suppressed = sum(1 for finding in report.findings if finding.suppressed is not None)
    found = (", ".join(kinds) or "no findings") + (f" ({suppressed} suppressed)" if suppressed else "")
    hit = _resources_hit(shown(report, show_suppressed=False))
    where = f"{hit} of {counted(report.resources, 'resource')}" if hit else counted(report.resources, "resource")
    took = f", {elapsed:.2f} s" if elapsed is not None else ""
    return f"{found} in {where}, {counted(len(report.sources), 'file')}{took}"


def shown(report: Report, *, show_suppressed: bool) -> tuple[Finding, ...]:
    """The findings a person is shown: those that nothing suppresses, or all."""
    return tuple(finding for finding in report.findings if show_suppressed or finding.suppressed is None)


def counted(number: int, noun: str) -> str:
    """The number with its noun: `1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def place(span: Span) -> str:
    """Where a span begins, as editors read it: `path:line:column`."""
    line, column = span.first
    return f"{visible(span.source.name)}:{line}:{column}"


def _resources_hit(findings: Sequence[Finding]) -> int:
    # Documents, not references: alternatives of one resource in several files are several objects.
    return len({finding.problem.node.document for finding in findings if finding.resource is not None})


def _named(texts: Sequence[str]) -> Iterator[str]:
    for text in texts[:_MOST_NAMED]:
        yield f"  {visible(text)}"
    if len(texts) > _MOST_NAMED:
        yield f"  and {len(texts) - _MOST_NAMED} more"
