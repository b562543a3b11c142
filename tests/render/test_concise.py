from dataclasses import replace

from meshlint.render.concise import concise
from render.reports import finding, problem, report, reviews
from render.snapshots import assert_matches


def test_a_finding_takes_one_line():
    assert_matches("reviews.concise.txt", concise(reviews()))


def test_suppressed_findings_are_marked():
    assert "info[MSH502] everyone may call `open` (suppressed)\n" in concise(reviews(), show_suppressed=True)


def test_only_the_severity_is_coloured():
    text = concise(report(finding(problem("a: «b»"))), color=True)
    assert text.startswith("a.yaml:1:4: \x1b[1;33mwarning[MSH101]\x1b[0m something is wrong\n")


def test_a_name_with_a_line_break_stays_in_its_line():
    text = concise(report(finding(problem("a: «b»", name="a\nb.yaml"))))
    assert text.splitlines()[0].startswith("a\\nb.yaml:1:4: ")


def test_an_incomplete_run_says_so_last():
    assert concise(replace(reviews(), failures=("MSH101 failed",))).endswith("\nincomplete: MSH101 failed\n")
