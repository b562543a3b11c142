"""The `json` format, version 1: a contract. A name or meaning changes only with the version."""

from collections.abc import Mapping, Sequence
from json import dumps

from meshlint.finding import Finding, Fix, Note, Ref, Report, Severity, Suppression, Witness
from meshlint.render.witness import request_fields
from meshlint.source.text import Span

Json = str | int | float | bool | None | Sequence["Json"] | Mapping[str, "Json"]

VERSION = "1"


def json(report: Report) -> str:
    """All there is to know about the report; suppressed findings are among the findings and say so."""
    log: Json = {
        "version": VERSION,
        "complete": report.is_complete,
        "findings": [finding_json(finding) for finding in report.findings],
        "summary": _summary(report),
    }
    # Only ASCII: a lone surrogate has no UTF-8 form, and a terminal that shows the output obeys no control in it.
    return dumps(log, indent=2) + "\n"


def finding_json(finding: Finding) -> Json:
    """One finding, as every command's JSON has it."""
    problem = finding.problem
    return {
        "code": finding.rule.code,
        "rule": finding.rule.name,
        "severity": finding.severity.value,
        "message": problem.message,
        "aliases": list(finding.aliases),
        "resource": ref_json(finding.resource),
        "location": location_json(problem.span),
        "pointer": problem.node.pointer,
        "related": [_note(note) for note in problem.notes],
        "witness": _witness(problem.witness),
        "fix": _fix(problem.fix),
        "suppressed": _suppression(finding.suppressed),
    }


def ref_json(ref: Ref | None) -> Json:
    """Which object it is; null for what is in none."""
    if ref is None:
        return None
    return {"apiVersion": ref.api_version, "kind": ref.kind, "namespace": ref.namespace, "name": ref.name}


def location_json(span: Span) -> Json:
    """A place; lines and columns start at 1 and count code points, the end is the position after the last."""
    first, last = span.first, span.last
    return {
        "path": span.source.name,
        "line": first.line,
        "column": first.column,
        "endLine": last.line,
        "endColumn": last.column,
    }


def _note(note: Note) -> Json:
    return {"message": note.message, "location": location_json(note.span)}


def _witness(witness: Witness | None) -> Json:
    if witness is None:
        return None
    return {"request": request_fields(witness.request), "outcome": witness.outcome}


def _fix(fix: Fix | None) -> Json:
    if fix is None:
        return None
    edits: Json = [{"location": location_json(edit.span), "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "safe": fix.is_safe, "edits": edits}


def _suppression(suppression: Suppression | None) -> Json:
    if suppression is None:
        return None
    location = location_json(suppression.span) if suppression.span is not None else None
    return {"reason": suppression.reason, "location": location}


def _summary(report: Report) -> Json:
    return {
        "files": len(report.sources),
        "resources": report.resources,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "infos": report.count(Severity.INFO),
        "suppressed": sum(1 for finding in report.findings if finding.suppressed is not None),
        "undecided": len(report.undecided),
        "outside": len(report.outside),
        "skipped": [{"path": skipped.name, "why": skipped.why} for skipped in report.skipped],
    }
