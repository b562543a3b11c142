"""Offsets, lines and columns."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from meshlint.source.text import Source

ENDINGS = st.text(st.sampled_from("ab\n\r\x0c\x85\u2028\0\U0001f600"), max_size=30)


def test_lines_end_with_line_feed_carriage_return_or_both():
    source = Source("x", "a\nb\r\nc\rd")
    assert [source.line(number) for number in range(1, 5)] == ["a", "b", "c", "d"]
    assert source.line_starts == (0, 2, 5, 7)


def test_a_form_feed_or_a_line_separator_ends_no_line():
    assert Source("x", "a\x0cb\u2028c\x85d\ne").line_starts == (0, 8)


def test_columns_count_code_points():
    source = Source("x", "k: \U0001f600 b\n")
    assert source.position(source.text.index("b")) == (1, 6)


def test_the_offset_after_the_last_line_break_is_on_a_line_of_its_own():
    assert Source("x", "a\n").position(2) == (2, 1)
    assert Source("x", "a").position(1) == (1, 2)
    assert Source("x", "").position(0) == (1, 1)


def test_a_line_that_is_not_there_is_empty():
    assert Source("x", "a\n").line(0) == ""
    assert Source("x", "a\n").line(9) == ""


@given(ENDINGS)
def test_a_position_leads_back_to_its_offset(text: str):
    source = Source("x", text)
    for offset in range(len(text) + 1):
        line, column = source.position(offset)
        assert source.line_starts[line - 1] + column - 1 == offset


@given(ENDINGS)
def test_lines_and_their_breaks_make_up_the_text(text: str):
    source = Source("x", text)
    bounds = (*source.line_starts, len(text))
    assert "".join(text[start:end] for start, end in pairwise(bounds)) == text
    assert all(source.line(number).strip("\r\n") == source.line(number) for number in range(1, len(bounds)))


def test_a_span_covers_what_lies_within_it_in_the_same_source_only():
    source = Source("x", "abcdef")
    assert source.span(1, 4).covers(source.span(1, 4))
    assert not source.span(1, 4).covers(source.span(3, 5))
    assert not source.span(1, 4).covers(Source("x", "abcdef").span(2, 3))
    assert source.span(1, 4).text == "bcd"
    assert source.span(1, 4).last == (1, 5)
