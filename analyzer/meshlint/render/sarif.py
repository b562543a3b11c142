"""The `sarif` format: SARIF 2.1.0 as GitHub code scanning and Microsoft's multitool want it.

The objects are those of `sarif_om`; the serialiser is our own, since that package's leaves out `level: warning`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from json import dumps
from typing import Any
from urllib.parse import quote

# Heavy, and fit to stand here: this module is itself imported only where SARIF is asked for.
import attr
import sarif_om as om

from meshlint.finding import Edit, Finding, Fix, Problem, Report, Rule, Severity, Skipped, Suppression
from meshlint.render.summary import shown
from meshlint.render.terminal import visible
from meshlint.render.witness import witness_line
from meshlint.source.text import Source, Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
PROJECT = "https://github.com/meshlint/meshlint"
FINGERPRINT = "meshlint/v1"
ROOT = "SRCROOT"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEM_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}
_SECURITY_SEVERITIES = {Severity.ERROR: "8.0", Severity.WARNING: "5.5", Severity.INFO: "2.0"}
_SECURITY_CODES = ("MSH5", "MSH6")


def sarif(report: Report, *, version: str, show_suppressed: bool = False, automation_id: str = "meshlint/lint/") -> str:
    """The report as a log of one run; the same report gives the same bytes everywhere.

    Suppressed findings are left out, since GitHub opens an alert for them all the same.
    """
    findings = shown(report, show_suppressed=show_suppressed)
    rules = _rules(report, findings)
    indices = {rule.code: index for index, rule in enumerate(rules)}
    run = om.Run(
        tool=om.Tool(driver=_driver(rules, version)),
        automation_details=om.RunAutomationDetails(id=automation_id),
        column_kind="unicodeCodePoints",
        invocations=[_invocation(report)],
        original_uri_base_ids={ROOT: om.ArtifactLocation(description=_message("The root of the repository."))},
        results=[_result(finding, indices[finding.rule.code]) for finding in findings],
    )
    log = om.SarifLog(version="2.1.0", schema_uri=SCHEMA, runs=[run])
    return dumps(_plain(log), sort_keys=True, separators=(",", ":")) + "\n"


def _rules(report: Report, findings: Iterable[Finding]) -> tuple[Rule, ...]:
    """The rules that ran and those of the findings, by code."""
    by_code = {rule.code: rule for rule in (*(finding.rule for finding in findings), *report.rules)}
    return tuple(rule for _, rule in sorted(by_code.items()))


def _driver(rules: Sequence[Rule], version: str) -> om.ToolComponent:
    return om.ToolComponent(
        name="meshlint",
        full_name=f"meshlint {version}",
        version=version,
        semantic_version=version,
        information_uri=PROJECT,
        rules=[_descriptor(rule) for rule in rules],
    )


def _descriptor(rule: Rule) -> om.ReportingDescriptor:
    summary = _sentence(rule.summary)
    return om.ReportingDescriptor(
        id=rule.code,
        name="".join(word.capitalize() for word in rule.name.split("-")),
        short_description=om.MultiformatMessageString(text=summary),
        full_description=om.MultiformatMessageString(text=_first_paragraph(rule.page) or summary),
        help=om.MultiformatMessageString(
            text=f"{summary} Run `meshlint explain {rule.code}` for the whole page.",
            markdown=rule.page.strip() or summary,
        ),
        default_configuration=om.ReportingConfiguration(level=_LEVELS[rule.severity], enabled=rule.is_default),
        properties=_properties(rule),
    )


def _properties(rule: Rule) -> Mapping[str, object]:
    """GitHub's own; it ranks a rule as a security rule for its `security-severity`."""
    is_security = rule.code.startswith(_SECURITY_CODES)
    properties = {
        "tags": ["istio", "security" if is_security else "correctness", *rule.aliases],
        "precision": "very-high",
        "problem.severity": _PROBLEM_SEVERITIES[rule.severity],
    }
    return properties | ({"security-severity": _SECURITY_SEVERITIES[rule.severity]} if is_security else {})


def _result(finding: Finding, rule_index: int) -> om.Result:
    problem = finding.problem
    return om.Result(
        rule_id=finding.rule.code,
        rule_index=rule_index,
        level=_LEVELS[finding.severity],
        message=om.Message(text=_text(problem)),
        locations=[_primary(finding)],
        related_locations=[
            _location(note.span, note.message, number) for number, note in enumerate(problem.notes, start=1)
        ]
        or None,
        code_flows=_code_flows(problem),
        fixes=[_fix(problem.fix)] if problem.fix is not None else None,
        partial_fingerprints={FINGERPRINT: finding.fingerprint},
        suppressions=[_suppression(finding.suppressed)] if finding.suppressed is not None else None,
    )


def _text(problem: Problem) -> str:
    """The message, with a link to each note's place; its own text can make no link."""
    links = ", ".join(f"[{_link_text(note.message)}]({number})" for number, note in enumerate(problem.notes, start=1))
    sentences = [_sentence(problem.message), f"See {links}." if links else "", _sentence(problem.help)]
    return " ".join(sentence for sentence in sentences if sentence)


def _link_text(text: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", visible(text)) or "here"


def _primary(finding: Finding) -> om.Location:
    location = _location(finding.problem.span)
    if finding.resource is not None:
        name = visible(str(finding.resource))
        location.logical_locations = [om.LogicalLocation(fully_qualified_name=name, kind="resource")]
    return location


def _code_flows(problem: Problem) -> Sequence[om.CodeFlow] | None:
    """The way of the witness: from the place that decides, which is the first note's, to the finding's own."""
    if problem.witness is None:
        return None
    text = witness_line(problem.witness)
    deciding = [_location(note.span, note.message) for note in problem.notes[:1]]
    steps = [om.ThreadFlowLocation(location=step) for step in (*deciding, _location(problem.span, text))]
    return [om.CodeFlow(message=_message(text), thread_flows=[om.ThreadFlow(locations=steps)])]


def _fix(fix: Fix) -> om.Fix:
    by_source: dict[Source, list[Edit]] = {}
    for edit in fix.edits:
        by_source.setdefault(edit.span.source, []).append(edit)
    changes = [
        om.ArtifactChange(artifact_location=_artifact(source.name), replacements=[_replacement(edit) for edit in edits])
        for source, edits in by_source.items()
    ]
    return om.Fix(artifact_changes=changes, description=_message(fix.title), properties={"safe": fix.is_safe})


def _replacement(edit: Edit) -> om.Replacement:
    content = om.ArtifactContent(text=edit.text) if edit.text else None
    return om.Replacement(deleted_region=_region(edit.span), inserted_content=content)


def _suppression(suppression: Suppression) -> om.Suppression:
    is_written = suppression.span is not None
    return om.Suppression(
        kind="inSource" if is_written else "external",
        justification=visible(suppression.reason) or None,
        location=_location(suppression.span) if suppression.span is not None else None,
    )


def _invocation(report: Report) -> om.Invocation:
    failures = [om.Notification(message=_message(failure), level="error") for failure in report.failures]
    skipped = [_skipped(one) for one in report.skipped]
    return om.Invocation(
        execution_successful=report.is_complete, tool_execution_notifications=[*failures, *skipped] or None
    )


def _skipped(skipped: Skipped) -> om.Notification:
    place = om.Location(physical_location=om.PhysicalLocation(artifact_location=_artifact(skipped.name)))
    return om.Notification(message=_message(f"skipped: {skipped.why}"), level="warning", locations=[place])


def _location(span: Span, text: str = "", number: int = -1) -> om.Location:
    physical = om.PhysicalLocation(artifact_location=_artifact(span.source.name), region=_region(span))
    return om.Location(physical_location=physical, message=_message(text) if text else None, id=number)


def _region(span: Span) -> om.Region:
    first, last = span.first, span.last
    return om.Region(start_line=first.line, start_column=first.column, end_line=last.line, end_column=last.column)


def _artifact(name: str) -> om.ArtifactLocation:
    """Where a source is: relative to the repository's root, unless its name leads out of it."""
    encoded = quote(name.encode("utf-8", "backslashreplace"))
    if name.startswith("/"):
        return om.ArtifactLocation(uri=f"file://{encoded}")
    return om.ArtifactLocation(uri=encoded, uri_base_id=None if ".." in name.split("/") else ROOT)


def _message(text: str) -> om.Message:
    return om.Message(text=_sentence(text))


def _sentence(text: str) -> str:
    """The text with a full stop, as SARIF asks, and without the beginning of a link."""
    shown_text = visible(text.strip()).replace("](", "] (")
    return shown_text if not shown_text or shown_text.endswith((".", "!", "?", "…")) else f"{shown_text}."


def _first_paragraph(page: str) -> str:
    """The first paragraph of prose, in one line."""
    for paragraph in re.split(r"\n\s*\n", page.strip()):
        if not paragraph.startswith(("#", "```", "---")):
            return _sentence(" ".join(paragraph.split()))
    return ""


def _plain(value: Any) -> Any:
    """An object as JSON has it: without what only repeats a default, but always with its level."""
    if attr.has(type(value)):
        return {name: _plain(held) for name, held in _members(value)}
    if isinstance(value, Mapping):
        return {key: _plain(held) for key, held in value.items()}
    return [_plain(held) for held in value] if isinstance(value, list | tuple) else value


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    for field in attr.fields(type(value)):
        held = getattr(value, field.name)
        is_default = held is None or held == _default(field)
        if field.name == "level" or not is_default:
            yield field.metadata["schema_property_name"], held


def _default(field: Any) -> Any:
    make = getattr(field.default, "factory", None)
    return field.default if make is None else make()
