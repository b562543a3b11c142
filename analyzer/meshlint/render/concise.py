"""The `concise` format: one line a finding, as editors and grep read it."""

from collections.abc import Iterator

from meshlint.finding import Finding, Report
from meshlint.render.summary import place, shown, summary
from meshlint.render.terminal import Paint, paint, severity_style, visible


def concise(report: Report, *, color: bool = False, elapsed: float | None = None, show_suppressed: bool = False) -> str:
    """The report as `path:line:column: severity[CODE] message` lines and a summary."""
    painted = paint(color=color)
    findings = shown(report, show_suppressed=show_suppressed)
    rows: Iterator[str] = (_row(finding, painted) for finding in findings)
    return "".join(f"{row}\n" for row in (*rows, *summary(report, elapsed)))


def _row(finding: Finding, painted: Paint) -> str:
    name = painted(f"{finding.severity.value}[{finding.rule.code}]", severity_style(finding.severity))
    suppressed = " (suppressed)" if finding.suppressed is not None else ""
    return f"{place(finding.problem.span)}: {name} {visible(finding.problem.message)}{suppressed}"
