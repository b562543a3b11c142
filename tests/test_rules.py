"""The catalogue keeps its word: each page's examples give what the page says, and pages and checkers go together."""

import re
from collections import Counter

import pytest

from literate import Case, cases, difference, fixed, linted
from meshlint import catalogue, registry
from meshlint.finding import Rule

CASES = tuple(cases())
RULES = catalogue.rules()


@pytest.mark.parametrize("case", [case for case in CASES if case.example.marks], ids=str)
def test_a_bad_example_gives_exactly_its_marks(case: Case):
    assert difference(case.example.marks, linted(case, case.example.files)) == ""


@pytest.mark.parametrize("case", [case for case in CASES if not case.example.marks], ids=str)
def test_a_good_example_gives_nothing_from_any_rule(case: Case):
    assert difference((), linted(case, case.example.files)) == ""


@pytest.mark.parametrize("case", [case for case in CASES if case.example.fixed], ids=str)
def test_the_fixes_turn_a_bad_example_into_its_fixed_one(case: Case):
    mended = fixed(case, linted(case, case.example.files))
    assert {one.name: one.text for one in mended} == {one.name: one.text for one in case.example.fixed}


@pytest.mark.parametrize("case", [case for case in CASES if case.example.fixed], ids=str)
def test_a_fixed_example_has_no_finding_of_its_rule(case: Case):
    report = linted(case, case.example.fixed)
    assert [finding for finding in report.findings if finding.rule == case.rule] == []


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_finding_has_no_alias_that_its_page_does_not_name(case: Case):
    for finding in linted(case, case.example.files).findings:
        assert set(finding.aliases) <= set(finding.rule.aliases)


def test_no_two_pages_share_a_code_or_a_name():
    for word, count in (Counter(rule.code for rule in RULES) + Counter(rule.name for rule in RULES)).items():
        assert count == 1, word


def test_every_page_has_a_checker_and_every_checker_a_page():
    assert {rule.code for rule in RULES} == registry.checkers().keys()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_page_shows_a_bad_and_a_good_example(rule: Rule):
    shown = catalogue.examples(rule)
    assert any(example.marks for example in shown)
    assert any(not example.marks for example in shown)
    assert any(mark.code == rule.code for example in shown for mark in example.marks)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_a_page_has_references_and_a_release_it_came_with(rule: Rule):
    assert rule.references
    assert re.fullmatch(r"\d+\.\d+\.\d+", rule.since)
