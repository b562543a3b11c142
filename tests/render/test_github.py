from dataclasses import replace

import pytest

from meshlint.render.github import github
from render.reports import NO_SUBSET, OPEN_POLICY, UNREACHABLE, finding, problem, report, reviews, shadowed
from render.snapshots import assert_matches


def test_each_finding_is_an_annotation_and_what_was_left_out_is_one_more():
    assert_matches("reviews.github.txt", github(reviews()))


@pytest.mark.parametrize(("rule", "command"), [(NO_SUBSET, "error"), (UNREACHABLE, "warning"), (OPEN_POLICY, "notice")])
def test_a_severity_has_its_command(rule, command):
    assert github(report(finding(problem("a: «b»"), rule=rule))).startswith(f"::{command} file=")


def test_the_end_is_the_last_character():
    assert ",line=1,endLine=1,col=4,endColumn=6," in github(report(finding(problem("a: «bcd»\n"))))


def test_an_empty_place_is_one_character_wide():
    assert ",line=1,endLine=1,col=4,endColumn=4," in github(report(finding(problem("a: «»b\n"))))


def test_a_place_of_several_lines_has_no_columns():
    text = github(report(finding(problem("«a: |\n  b\n»c: d\n"))))
    assert "file=a.yaml,line=1,endLine=2,title=" in text


def test_what_github_decodes_is_escaped():
    text = github(report(finding(problem("a: «b»", message="100%, a: b\r\n::error::x", name="50%,a:b\r\n.yaml"))))
    assert text == (
        "::warning file=50%25%2Ca%3Ab%0D%0A.yaml,line=1,endLine=1,col=4,endColumn=4,"
        "title=MSH101 unreachable-route::100%25, a: b\\r\\n::error::x\n"
    )


def test_a_clean_report_has_nothing_to_say():
    assert github(report()) == ""


def test_a_report_without_shortfall_has_only_annotations():
    assert github(report(shadowed())).count("\n") == 1


def test_an_incomplete_run_is_an_error():
    last = github(replace(reviews(), failures=("MSH101 failed",))).splitlines()[-1]
    assert last.startswith("::error title=meshlint::")
    assert last.endswith("%0Aincomplete: MSH101 failed")
