"""The pipeline from texts to a report, with rules made for the occasion."""

from collections.abc import Iterator

import pytest

from meshlint import registry, session
from meshlint.config import Config, UsageError
from meshlint.finding import Outside, Problem, Report, Result, Rule, Severity, Skipped, Undecided
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import Settings
from meshlint.registry import Check
from meshlint.source.text import Source

SERVICE = """
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: %s}
spec:
  hosts: [%s]
"""


def named_wrong(mesh: Mesh) -> Iterator[Result]:
    for resource in mesh.resources:
        if "wrong" in resource.name:
            yield Problem(resource.name_node, f"{resource.name} is a wrong name")


def broken(mesh: Mesh) -> Iterator[Result]:
    for defect in mesh.defects:
        yield Problem(defect.node, defect.message)


def unsure(mesh: Mesh) -> Iterator[Result]:
    for resource in reversed(mesh.resources):
        yield Undecided(resource.name_node, "hard to say")
        yield Outside(resource.name_node, "elsewhere")


def faulty(mesh: Mesh) -> Iterator[Result]:
    yield Problem(mesh.documents[0], "before the fall")
    raise ZeroDivisionError(mesh.documents[0].pointer)


def rule(code: str, severity: Severity = Severity.ERROR) -> Rule:
    return Rule(code, f"rule-{code[3:]}", "what it finds", severity, "0.1.0")


SYNTAX = Check(rule("MSH001"), broken)
NAMES = Check(rule("MSH101", Severity.WARNING), named_wrong)
UNSURE = Check(rule("MSH102"), unsure)
FAULTY = Check(rule("MSH103"), faulty)
ABOUT_INPUT = Check(rule("MSH010"), named_wrong)


def lint(*sources: Source, checks: tuple[Check, ...] = (SYNTAX, NAMES), config: Config | None = None) -> Report:
    return session.lint(sources, config or Config(), checks=checks)


def service(name: str, host: str = "a.example.com", file: str = "a.yaml") -> Source:
    return Source(file, SERVICE % (name, host))


def test_nothing_is_wrong_with_nothing():
    report = lint()
    assert (report.findings, report.resources, report.sources) == ((), 0, ())
    assert report.is_complete


def test_a_problem_becomes_a_finding():
    (finding,) = lint(service("wrong")).findings
    assert finding.rule == NAMES.rule
    assert finding.severity is Severity.WARNING
    assert str(finding.resource) == "ServiceEntry default/wrong"
    assert finding.problem.span.first == (4, 18)


def test_only_selected_rules_run_and_the_report_names_them():
    report = lint(service("wrong"), config=Config(ignore=("MSH101",)))
    assert report.findings == ()
    assert report.rules == (SYNTAX.rule,)


def test_a_broken_document_costs_only_itself():
    report = lint(Source("a.yaml", "a: [\n---" + SERVICE % ("wrong", "x.example.com")))
    assert [finding.rule.code for finding in report.findings] == ["MSH001", "MSH101"]
    assert report.resources == 1


def test_the_settings_reach_the_mesh():
    (finding,) = lint(service("wrong"), config=Config(settings=Settings(namespace="prod"))).findings
    assert str(finding.resource) == "ServiceEntry prod/wrong"


def test_the_order_of_the_sources_does_not_show():
    sources = [service("wrong", file=f"{letter}.yaml") for letter in "cab"]
    reports = [lint(*order, checks=(NAMES, UNSURE)) for order in (sources, sources[::-1])]
    names = [[finding.problem.span.source.name for finding in report.findings] for report in reports]
    assert names == [["a.yaml", "b.yaml", "c.yaml"]] * 2
    assert [[one.node.span.source.name for one in report.outside] for report in reports] == names
    assert [[one.node.span.source.name for one in report.undecided] for report in reports] == names
    first, second = ([finding.fingerprint for finding in report.findings] for report in reports)
    assert first == second


def test_what_is_undecided_or_outside_is_counted_once():
    report = lint(service("right"), checks=(UNSURE, Check(rule("MSH104"), unsure)))
    assert [one.why for one in report.undecided] == ["hard to say"]
    assert [one.target for one in report.outside] == ["elsewhere"]
    assert report.findings == ()


def test_an_object_that_does_not_fit_its_schema_is_judged_on_its_form_alone():
    unsound = Source("a.yaml", (SERVICE % ("wrong", "x")).replace("hosts: [x]", "hosts: {x: 1}"))
    report = lint(unsound, checks=(ABOUT_INPUT, NAMES))
    assert [finding.rule.code for finding in report.findings] == ["MSH010"]
    assert [one.why for one in report.undecided] == ["the object does not fit its schema"]


def test_a_value_that_is_itself_in_error_is_one_mistake_and_not_two():
    invalid = Check(rule("MSH006"), named_wrong)
    report = lint(Source("x.yaml", SERVICE % ("wrong", "x.example")), checks=(NAMES, invalid))
    assert [finding.rule.code for finding in report.findings] == ["MSH006"]


def test_a_checker_that_raises_is_named_and_not_hushed_up():
    with pytest.raises(ZeroDivisionError) as error:
        lint(service("right"), checks=(FAULTY,))
    assert error.value.__notes__ == ["while checking MSH103 rule-103"]


def test_a_template_is_skipped_with_a_hint():
    report = lint(Source("t.yaml", "metadata:\n  name: {{ .Values.name }}\n"))
    (skipped,) = report.skipped
    assert skipped.name == "t.yaml"
    assert "render the chart" in skipped.why
    assert report.findings == ()


def test_documents_that_are_no_objects_are_counted():
    report = lint(Source("a.yaml", "a: 1\n---\nb: 1\n---" + SERVICE % ("right", "x.example.com")))
    assert [(one.name, one.why) for one in report.skipped] == [("a.yaml", "2 of 3 documents: no Kubernetes object")]
    assert report.resources == 1


def test_objects_of_unknown_kinds_are_resources_and_counted():
    report = lint(Source("a.yaml", "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\n"))
    assert [one.why for one in report.skipped] == ["1 of 1 documents: unknown kind Widget"]
    assert report.resources == 1


def test_an_empty_document_is_nothing():
    report = lint(Source("a.yaml", "---\n# only a comment\n---\n" + SERVICE % ("right", "x.example.com")))
    assert report.skipped == ()


def test_a_mesh_config_of_its_own_is_read():
    given = Source("mesh.yaml", "rootNamespace: roots\n")
    seen: list[str] = []

    def look(mesh: Mesh) -> Iterator[Result]:
        seen.append(mesh.config.root_namespace)
        return iter(())

    session.lint([service("right")], Config(), mesh_config=given, checks=(Check(rule("MSH105"), look),))
    assert seen == ["roots"]


def test_an_empty_mesh_config_is_refused():
    with pytest.raises(UsageError, match=r"^mesh.yaml: "):
        session.lint([], Config(), mesh_config=Source("mesh.yaml", "# nothing\n"), checks=())


def test_a_rule_has_one_checker():
    code = min(registry.checkers())
    with pytest.raises(ValueError, match=f"{code} is checked by .* and named_wrong"):
        registry.checks(code)(named_wrong)


def test_files_that_nobody_looked_into_are_told_once_a_folder_and_reason():
    chart = [Source(f"web/{name}.yaml", "a: {{ .Values.a }}\n") for name in ("a", "b")]
    large = Skipped("web/d.yaml", "too large")
    report = session.lint([*chart, Source("c.yaml", "a: {{ .Values.a }}\n")], Config(), skipped=[large])
    found = [(one.problem.span.source.name, one.problem.message, len(one.problem.notes)) for one in report.findings]
    assert [(name, notes) for name, _, notes in found] == [("c.yaml", 0), ("web/a.yaml", 1), ("web/d.yaml", 0)]
    assert found[1][1].startswith("not read, nor 1 more of the folder: has Helm templates")
    assert found[2][1] == "not read: too large"
