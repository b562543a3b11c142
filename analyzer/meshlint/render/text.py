"""The `full` format: each finding with its places in the source, for a person at a terminal."""

from collections.abc import Iterator

from meshlint.finding import Finding, Problem, Report, Suppression
from meshlint.render.frame import frames, gutter_of, marks_of
from meshlint.render.summary import counted, place, shown, summary
from meshlint.render.terminal import Paint, Style, paint, severity_style, visible
from meshlint.render.witness import witness_line

MOST_NOTES = 12
"""How many notes of a finding are shown; the other formats have them all."""


def full(report: Report, *, color: bool = False, elapsed: float | None = None, show_suppressed: bool = False) -> str:
    """The report as annotated excerpts and a summary; nothing from a manifest reaches the terminal as a command."""
    painted = paint(color=color)
    rows: list[str] = []
    for finding in shown(report, show_suppressed=show_suppressed):
        rows.extend(_finding(finding, painted))
        rows.append("")
    rows.extend(summary(report, elapsed))
    return "\n".join(rows) + "\n"


def _finding(finding: Finding, painted: Paint) -> Iterator[str]:
    problem, style = finding.problem, severity_style(finding.severity)
    marks = marks_of(problem, MOST_NOTES)
    name = painted(f"{finding.severity.value}[{finding.rule.code}]", style)
    yield f"{name}{painted(f': {visible(problem.message)}', Style.STRONG)}"
    yield from frames(marks, style, painted)
    margin = " " * (gutter_of(marks) + 1)
    for word, text in _remarks(finding):
        yield f"{margin}{painted('=', Style.FRAME)} {painted(f'{word}:', Style.STRONG)} {text}"


def _remarks(finding: Finding) -> Iterator[tuple[str, str]]:
    """What is said below the excerpts, each with its first word."""
    problem = finding.problem
    if len(problem.notes) > MOST_NOTES:
        yield "note", f"{counted(len(problem.notes) - MOST_NOTES, 'more place')} (--format json lists all)"
    if problem.witness is not None:
        yield "witness", witness_line(problem.witness)
    yield from _advice(problem)
    if finding.suppressed is not None:
        yield "suppressed", _suppression(finding.suppressed)
    yield "help", f"meshlint explain {visible(finding.rule.code)}"


def _advice(problem: Problem) -> Iterator[tuple[str, str]]:
    if problem.fix is not None:
        yield "fix" if problem.fix.is_safe else "unsafe fix", visible(problem.fix.title)
    if problem.help:
        yield "help", visible(problem.help)


def _suppression(suppression: Suppression) -> str:
    reason = visible(suppression.reason) or "no reason given"
    return f"{reason} ({place(suppression.span)})" if suppression.span is not None else reason
