"""The literate runner itself: a page that lies must fail."""

from collections.abc import Iterator

import pytest

from literate import cases_of, difference, fixed, linted, marks
from meshlint.catalogue import Mark
from meshlint.finding import Edit, Fix, Problem, Result, Rule, Severity
from meshlint.mesh.model import Mesh
from meshlint.registry import Check

RULE = Rule("MSH101", "bad-name", "a bad name", Severity.ERROR, "0.1.0")
OTHER = Rule("MSH102", "bad-kind", "a bad kind", Severity.ERROR, "0.1.0")
OFF = Rule("MSH103", "no-name", "no name", Severity.ERROR, "0.1.0", is_default=False)


def bad_name(mesh: Mesh) -> Iterator[Result]:
    for resource in mesh.resources:
        if resource.name == "bad":
            fix = Fix("call it good", (Edit(resource.name_node.span, "good"),), is_safe=True)
            yield Problem(resource.name_node, "a bad name", fix=fix)


def bad_kind(mesh: Mesh) -> Iterator[Result]:
    for resource in mesh.resources:
        if resource.ref.kind == "Bad":
            yield Problem(resource.node.at("kind"), "a bad kind")


CHECKS = (Check(RULE, bad_name), Check(OTHER, bad_kind), Check(OFF, bad_kind))
OBJECT = "apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n"


def page(kind: str, text: str) -> str:
    return f"# A heading\n```yaml {kind}\n{text}```\n"


def only(text: str, rule: Rule = RULE):
    (case,) = cases_of("page", rule, text)
    return case


def judged(text: str, rule: Rule = RULE) -> str:
    case = only(text, rule)
    return difference(case.example.marks, linted(case, case.example.files, CHECKS))


def test_a_page_that_tells_the_truth_passes():
    assert judged(page("bad", OBJECT.format(kind="Good", name="bad  # error"))) == ""
    assert judged(page("good", OBJECT.format(kind="Good", name="good"))) == ""


def test_a_finding_without_a_mark_fails():
    text = page("good", OBJECT.format(kind="Good", name="bad"))
    assert judged(text) == "example.yaml:4: MSH101 is not marked: a bad name"


def test_a_mark_without_a_finding_fails():
    text = page("bad", OBJECT.format(kind="Good", name="good  # error"))
    assert judged(text) == "example.yaml:4: MSH101 is marked and not found"


def test_a_mark_on_the_wrong_line_fails_twice():
    text = page("bad", OBJECT.format(kind="Good  # error", name="bad"))
    assert judged(text).splitlines() == [
        "example.yaml:2: MSH101 is marked and not found",
        "example.yaml:4: MSH101 is not marked: a bad name",
    ]


def test_other_rules_have_to_be_marked_by_their_code():
    marked = page("bad", OBJECT.format(kind="Bad # error MSH102", name="bad # error"))
    unmarked = page("bad", OBJECT.format(kind="Bad", name="bad # error"))
    assert judged(marked) == ""
    assert judged(unmarked) == "example.yaml:2: MSH102 is not marked: a bad kind"


def test_two_findings_on_a_line_need_two_marks():
    text = page("bad", OBJECT.format(kind="Bad # error MSH102 MSH102", name="good"))
    assert judged(text) == "example.yaml:2: MSH102 is marked and not found"


def test_a_rule_that_is_off_by_default_is_on_for_its_own_page_only():
    assert judged(page("bad", OBJECT.format(kind="Bad # error MSH102 MSH103", name="good")), OFF) == ""
    assert judged(page("bad", OBJECT.format(kind="Bad # error MSH102", name="good"))) == ""


def test_a_silenced_finding_is_none():
    assert judged(page("good", OBJECT.format(kind="Good", name="bad  # meshlint: ignore[MSH101] on purpose"))) == ""


def test_a_case_is_called_by_its_page_and_heading():
    assert str(only(page("good", OBJECT.format(kind="Good", name="good")))) == "page-1-a-heading"


def test_the_findings_of_a_report_read_as_marks():
    case = only(page("bad", OBJECT.format(kind="Good", name="bad # error")))
    assert marks(linted(case, case.example.files, CHECKS)) == [Mark("example.yaml", 4, "MSH101")]


@pytest.mark.parametrize("promised", ["good", "better"])
def test_the_fixes_of_the_rule_are_made(promised: str):
    bad = page("bad", OBJECT.format(kind="Good", name="bad # error"))
    case = only(bad + page("fixed", OBJECT.format(kind="Good", name=promised)).removeprefix("# A heading\n"))
    (mended,) = fixed(case, linted(case, case.example.files, CHECKS))
    assert (mended.text == case.example.fixed[0].text) is (promised == "good")
