"""The `github` format: workflow commands, which GitHub Actions turns into annotations of the changed files."""

from collections.abc import Iterator

from meshlint.finding import Finding, Note, Problem, Report, Severity
from meshlint.render.summary import place, shown, summary
from meshlint.render.terminal import visible
from meshlint.render.witness import witness_line
from meshlint.source.text import Span

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(report: Report) -> str:
    """One annotation a finding, and one that sums up what was not checked, if anything was not."""
    commands = (*(_annotation(finding) for finding in shown(report, show_suppressed=False)), *_shortfall(report))
    return "".join(f"{command}\n" for command in commands)


def _annotation(finding: Finding) -> str:
    title = f"title={_property(f'{finding.rule.code} {finding.rule.name}')}"
    properties = ",".join((*_place(finding.problem.span), title))
    lines = "%0A".join(_text(line) for line in _lines(finding.problem))
    return f"::{_COMMANDS[finding.severity]} {properties}::{lines}"


def _place(span: Span) -> Iterator[str]:
    """The end is the last character, not the position after it; columns are for one line only, else GitHub objects."""
    first = span.first
    last = span.source.position(max(span.start, span.end - 1))
    yield f"file={_property(span.source.name)}"
    yield f"line={first.line}"
    yield f"endLine={last.line}"
    if first.line == last.line:
        yield f"col={first.column}"
        yield f"endColumn={last.column}"


def _lines(problem: Problem) -> Iterator[str]:
    yield problem.message
    yield from (_note(note) for note in problem.notes)
    if problem.witness is not None:
        yield f"witness: {witness_line(problem.witness)}"
    if problem.fix is not None:
        yield f"fix: {problem.fix.title}"
    if problem.help:
        yield f"help: {problem.help}"


def _note(note: Note) -> str:
    return f"{place(note.span)}: {note.message}".removesuffix(": ")


def _shortfall(report: Report) -> Iterator[str]:
    if report.outside or report.undecided or report.skipped or report.failures:
        command = "notice" if report.is_complete else "error"
        yield f"::{command} title=meshlint::{'%0A'.join(_text(line) for line in summary(report))}"


def _text(text: str) -> str:
    """The text as a command's message: in one line, and without anything GitHub would decode."""
    return visible(text).replace("%", "%25")


def _property(text: str) -> str:
    """The text as a property's value, from which GitHub decodes exactly the text."""
    escaped = text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A").replace(":", "%3A").replace(",", "%2C")
    return visible(escaped)
