import re
from dataclasses import replace

import pytest

from meshlint.finding import Fix, Note, Problem, Skipped, Suppression, Undecided
from meshlint.render.text import MOST_NOTES, full
from meshlint.source.text import Source
from render.reports import (
    REVIEWS,
    ROUTES,
    allowed,
    finding,
    node,
    problem,
    report,
    reviews,
    shadowed,
    span,
    undefined,
)
from render.snapshots import assert_matches


def rows(text: str, **more) -> list[str]:
    """The rows of the frame for the place marked in *text*."""
    return full(report(finding(problem(text, **more)))).splitlines()[3:-4]


def test_a_report_reads_as_the_manual_shows_it():
    assert_matches("reviews.txt", full(reviews(), elapsed=0.2134))


def test_colours_frame_the_same_text():
    coloured = full(reviews(), color=True, show_suppressed=True)
    assert_matches("reviews-color.txt", coloured)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == full(reviews(), show_suppressed=True)


def test_suppressed_findings_are_shown_on_request_with_their_reason():
    assert "MSH502" not in full(reviews())
    assert "  = suppressed: public by design (mesh/authz.yaml:5:3)\n" in full(reviews(), show_suppressed=True)


def test_a_suppression_without_reason_or_place_says_so():
    baselined = finding(problem("a: «b»"), suppressed=Suppression(None, ""))
    assert "= suppressed: no reason given\n" in full(report(baselined), show_suppressed=True)


def test_the_frame_shows_the_line_and_underlines_the_place():
    assert rows("a: «bc» d\n", label="here") == ["1 | a: bc d", "  |    ^^ here"]


def test_a_place_without_a_label_is_underlined_all_the_same():
    assert rows("a: «bc»\n") == ["1 | a: bc", "  |    ^^"]


def test_of_several_lines_the_first_is_underlined_to_its_end():
    assert rows("a:\n  «b: 1  \n  c: 2»\n", label="this") == ["2 |   b: 1", "  |   ^^^^ this"]


def test_an_empty_place_past_the_last_line_has_one_caret():
    assert rows("a: 1\n«»", label="missing") == ["2 |", "  | ^ missing"]


def test_a_tab_is_as_wide_as_it_looks():
    assert rows("\ta:\t«b»\n") == ["1 |     a:  b", "  |         ^"]


def test_wide_characters_take_two_columns():
    assert rows("a: 漢字 «漢字» é\n") == ["1 | a: 漢字 漢字 é", "  |         ^^^^"]


def test_combining_marks_take_no_column():
    assert rows("a: e\u0301e\u0301 «e\u0301e\u0301»\n")[1] == "  |       ^^"


def test_joined_emoji_and_hangul_pieces_take_the_columns_of_what_is_drawn():
    assert rows("a: \u1112\u1161\u11ab «b»\n")[1] == "  |       ^"


def test_an_escape_sequence_is_spelled_out_and_measured():
    assert rows("a: \x1b[31m «b»\n") == ["1 | a: \\x1b[31m b", "  |             ^"]


def test_a_long_line_is_cut_around_the_place():
    line, underline = rows("x" * 300 + "«bad»" + "y" * 300 + "\n", label="here")
    assert line == "1 | …" + "x" * 40 + "bad" + "y" * 117 + "…"
    assert underline == "  |  " + " " * 40 + "^^^ here"


def test_the_end_of_a_long_line_is_shown_with_as_much_before_it_as_fits():
    line, underline = rows("x" * 300 + "«bad»\n")
    assert line == "1 | …" + "x" * 157 + "bad"
    assert underline == "  |  " + " " * 157 + "^^^"


def test_a_place_too_long_to_show_is_underlined_as_far_as_it_is_shown():
    line, underline = rows("a: «" + "x" * 500 + "»\n")
    assert line == "1 | …" + "x" * 160 + "…"
    assert underline == "  |  " + "^" * 160


def test_a_long_line_is_shown_again_for_a_note_far_away_in_it():
    source = Source("a.yaml", "near" + " " * 300 + "far\n")
    found = Problem(node(span(source, "far")), "wrong", notes=(Note(span(source, "near"), "because"),))
    frame = full(report(finding(found))).splitlines()[3:7]
    assert [row.split("|")[1].strip(" …") for row in frame] == ["near", "---- because", "far", "^^^"]


def test_marks_on_one_line_have_an_underline_each():
    source = Source("a.yaml", "a: {b: 1, b: 2}\n")
    found = Problem(
        node(span(source, "b: 2")), "twice", label="again", notes=(Note(span(source, "b: 1"), "first here"),)
    )
    assert full(report(finding(found))).splitlines()[3:6] == [
        "1 | a: {b: 1, b: 2}",
        "  |     ---- first here",
        "  |           ^^^^ again",
    ]


def test_one_line_between_two_places_is_shown_and_more_are_left_out():
    source = Source("a.yaml", "".join(f"k{n}: v{n}\n" for n in range(1, 9)))
    notes = (Note(span(source, "k1"), "one"), Note(span(source, "k3"), "three"))
    found = Problem(node(span(source, "k6")), "wrong", notes=notes)
    assert full(report(finding(found))).splitlines()[3:10] == [
        "1 | k1: v1",
        "  | -- one",
        "2 | k2: v2",
        "3 | k3: v3",
        "  | -- three",
        "...",
        "6 | k6: v6",
    ]


def test_line_numbers_are_as_wide_as_the_widest_of_all_frames():
    far = Source("far.yaml", "\n" * 99 + "here\n")
    text = full(report(finding(problem("a: «b»", notes=(Note(span(far, "here"), "see"),)))))
    assert text.splitlines()[1:9] == [
        "    --> a.yaml:1:4",
        "    |",
        "  1 | a: b",
        "    |    ^",
        "    |",
        "   ::: far.yaml:100:1",
        "    |",
        "100 | here",
    ]


def test_of_very_many_notes_the_first_are_shown_and_the_rest_counted():
    notes = tuple(Note(span(ROUTES, "hosts"), f"note {n}") for n in range(MOST_NOTES + 3))
    text = full(report(finding(problem("a: «b»", notes=notes))))
    assert f"note {MOST_NOTES - 1}\n" in text
    assert f"note {MOST_NOTES}\n" not in text
    assert "= note: 3 more places (--format json lists all)\n" in text


@pytest.mark.parametrize(("is_safe", "word"), [(True, "fix"), (False, "unsafe fix")])
def test_a_fix_says_whether_it_is_safe(is_safe, word):
    text = full(report(finding(problem("a: «b»", fix=Fix("remove `b`", (), is_safe)))))
    assert f"  = {word}: remove `b`\n" in text


def test_a_message_of_several_lines_stays_in_one():
    text = full(report(finding(problem("a: «b»", message="x\nerror[MSH999]: forged"))))
    assert text.startswith("warning[MSH101]: x\\nerror[MSH999]: forged\n")


def test_a_clean_report_says_how_much_was_read():
    clean = report(resources=3, sources=(ROUTES,))
    assert full(clean) == "no findings in 3 resources, 1 file\n"
    assert full(clean, elapsed=1.005) == "no findings in 3 resources, 1 file, 1.00 s\n"


def test_only_suppressed_findings_are_no_findings():
    assert full(report(allowed())) == "no findings (1 suppressed) in 1 resource, 1 file\n"


def test_resources_with_findings_are_counted_by_object_not_by_finding():
    assert "in 1 of 9 resources" in full(report(shadowed(), undefined(), resources=9))
    other = finding(problem("a: «b»"), resource=REVIEWS)
    assert "in 2 of 9 resources" in full(report(shadowed(), undefined(), other, resources=9))


def test_a_finding_outside_any_resource_counts_for_none():
    text = full(report(finding(problem("a: «b»"), resource=None), resources=9))
    assert text.splitlines()[-1] == "1 warning in 9 resources, 1 file"


def test_what_was_skipped_is_counted_and_the_first_are_named():
    text = full(report(skipped=tuple(Skipped(f"{n}.yaml", "is empty\x07") for n in range(7))))
    assert text.splitlines()[1:] == [
        "7 inputs were skipped",
        *(f"  {n}.yaml: is empty\\x07" for n in range(5)),
        "  and 2 more",
    ]


def test_one_of_each_is_in_the_singular():
    host = node(span(ROUTES, "hosts"))
    one = replace(reviews(), findings=(), outside=reviews().outside[:1], undecided=(Undecided(host, "why"),))
    assert full(one).splitlines()[1:5:2] == [
        "1 reference leads outside the input and was not checked (--world complete checks it)",
        "  mesh/reviews-vs.yaml:7:3: why",
    ]


def test_an_incomplete_run_says_so_last():
    text = full(replace(reviews(), failures=("MSH101: no such key", "MSH202: too deep")))
    assert text.splitlines()[-1] == "incomplete: MSH101: no such key; MSH202: too deep"
