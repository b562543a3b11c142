"""Markdown pages as tests: each example of a page becomes a case, with a readable name and a way to judge it."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from meshlint import catalogue, session
from meshlint.catalogue import Example, Mark
from meshlint.config import Config
from meshlint.finding import Finding, Report, Rule
from meshlint.registry import Check
from meshlint.source.edit import apply
from meshlint.source.text import Source

FIXTURES = Path(__file__).resolve().parent / "fixtures" / "rules"


@dataclass(frozen=True, slots=True)
class Case:
    """One example and the rule of the page that it is on."""

    page: str
    rule: Rule
    example: Example
    number: int

    def __str__(self) -> str:
        """The test's id: page, heading and which of the page's examples it is."""
        slug = "-".join(self.example.heading.lower().split())
        return f"{self.page}-{self.number}{'-' + slug if slug else ''}"


def cases() -> Iterator[Case]:
    """The cases of all pages of the catalogue and of the fixtures for maintainers."""
    for rule in catalogue.rules():
        yield from cases_of(rule.code, rule, rule.page)
    by_code = {rule.code: rule for rule in catalogue.rules()}
    for page in sorted(FIXTURES.glob("*.md")):
        yield from cases_of(f"fixture-{page.stem}", by_code[page.stem[: len("MSH000")]], page.read_text("utf-8"))


def cases_of(page: str, rule: Rule, text: str) -> Iterator[Case]:
    """The cases of one page."""
    for number, example in enumerate(catalogue.read_examples(page, text, rule.code), start=1):
        yield Case(page, rule, example, number)


def linted(case: Case, files: tuple[Source, ...], checks: tuple[Check, ...] | None = None) -> Report:
    """What meshlint says of the files under the case's settings: the default rules and the page's."""
    return session.lint(
        files,
        Config(extend_select=(case.rule.code,), settings=case.example.settings),
        mesh_config=case.example.mesh_config,
        mesh_networks=case.example.mesh_networks,
        checks=checks,
    )


def marks(report: Report) -> list[Mark]:
    """Where the report's findings are, as a page would mark them."""
    return sorted(Mark(name(f), f.problem.span.first.line, f.rule.code) for f in open_findings(report))


def open_findings(report: Report) -> list[Finding]:
    """The findings that nothing in the example silences."""
    return [finding for finding in report.findings if finding.suppressed is None]


def difference(expected: tuple[Mark, ...], report: Report) -> str:
    """How the findings differ from the marks, one line each; empty where they do not."""
    found = Counter(marks(report))
    said = {mark: finding.problem.message for mark, finding in zip(marks(report), ordered(report), strict=True)}
    missing = [f"{m.file}:{m.line}: {m.code} is marked and not found" for m in (Counter(expected) - found).elements()]
    extra = [f"{m.file}:{m.line}: {m.code} is not marked: {said[m]}" for m in (found - Counter(expected)).elements()]
    return "\n".join((*missing, *extra))


def ordered(report: Report) -> list[Finding]:
    """The open findings in the order of their marks."""
    return sorted(open_findings(report), key=lambda f: (name(f), f.problem.span.first.line, f.rule.code))


def name(finding: Finding) -> str:
    """The file that the finding is in."""
    return finding.problem.span.source.name


def fixed(case: Case, report: Report) -> tuple[Source, ...]:
    """The bad files after all fixes of the page's rule."""
    own = [f.problem.fix for f in report.findings if f.rule == case.rule and f.problem.fix is not None]
    edits = [edit for fix in own for edit in fix.edits]
    return tuple(
        Source(file.name, apply(file, tuple(edit for edit in edits if edit.span.source is file)))
        for file in case.example.files
    )
