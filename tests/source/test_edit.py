"""Changes to a text."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlint.source.edit import apply, clashes, is_clash
from meshlint.source.text import Source, Span

SOURCE = Source("x", "0123456789")


@dataclass(frozen=True)
class Replacement:
    span: Span
    text: str


def change(start: int, end: int, text: str, source: Source = SOURCE) -> Replacement:
    return Replacement(source.span(start, end), text)


def test_changes_are_made_at_the_offsets_of_the_old_text():
    assert apply(SOURCE, [change(8, 10, "END"), change(0, 1, ""), change(5, 5, "-")]) == "1234-567END"


def test_nothing_changes_without_changes():
    assert apply(SOURCE, []) == SOURCE.text


def test_changes_of_another_source_are_left_out():
    assert apply(SOURCE, [change(0, 1, "x", Source("x", "0123456789"))]) == SOURCE.text


def test_insertions_at_one_place_come_in_the_order_given():
    assert apply(SOURCE, [change(1, 1, "b"), change(1, 1, "a"), change(1, 2, "X")]) == "0baX23456789"


def test_a_replacement_given_twice_is_made_once():
    assert apply(SOURCE, [change(1, 3, "x"), change(1, 3, "x")]) == "0x3456789"


def test_changes_that_clash_are_refused():
    with pytest.raises(ValueError, match="clash at offset 2"):
        apply(SOURCE, [change(1, 3, "x"), change(2, 4, "y")])


def test_changes_clash_where_they_touch_the_same_characters():
    first, second, third = change(1, 3, "x"), change(2, 4, "y"), change(4, 5, "z")
    assert clashes([first, second, third]) == ((first, second),)
    assert is_clash(change(1, 5, ""), change(3, 3, "x"))
    assert is_clash(change(1, 3, "x"), change(1, 3, "y"))


def test_changes_side_by_side_do_not_clash():
    assert not is_clash(change(1, 3, "x"), change(3, 5, "y"))
    assert not is_clash(change(1, 3, "x"), change(1, 1, "y"))
    assert not is_clash(change(1, 3, "x"), change(1, 3, "x"))
    assert not is_clash(change(2, 2, "x"), change(2, 2, "y"))
    assert not is_clash(change(1, 3, "x"), change(1, 3, "y", Source("y", SOURCE.text)))


CHANGES = st.builds(
    lambda start, length, text: change(start, min(start + length, 10), text),
    st.integers(0, 10),
    st.integers(0, 4),
    st.text("xy", max_size=3),
)


@given(st.lists(CHANGES, max_size=5))
def test_changes_that_do_not_clash_can_be_made(changes: list[Replacement]):
    if clashes(changes):
        return
    replaced = {(one.span, one.text) for one in changes if one.span.start < one.span.end}
    inserted = sum(len(one.text) for one in changes if one.span.start == one.span.end)
    growth = inserted + sum(len(text) - (span.end - span.start) for span, text in replaced)
    assert len(apply(SOURCE, changes)) == len(SOURCE.text) + growth


@given(st.lists(CHANGES, max_size=6))
def test_the_clashes_are_the_pairs_that_clash(changes: list[Replacement]):
    pairs = [
        (one, other) for index, one in enumerate(changes) for other in changes[index + 1 :] if is_clash(one, other)
    ]
    assert list(clashes(changes)) == pairs
