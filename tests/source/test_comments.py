"""Ignore comments: where they are, what they say, how far they reach."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlint.source.comments import Ignore, Scope, covers, ignores, scope_of
from meshlint.source.node import Node
from meshlint.source.parse import parse
from meshlint.source.text import Source


def read(text: str) -> tuple[Source, tuple[Ignore, ...], tuple[Node, ...]]:
    source = Source("x", text)
    return source, ignores(source), parse(source).documents


def only(text: str) -> Ignore:
    (ignore,) = ignores(Source("x", text))
    return ignore


def reach(text: str) -> str | None:
    _, (ignore, *_), documents = read(text)
    scope = scope_of(ignore, documents)
    return None if scope is None else scope.text


def test_a_comment_names_rules_and_a_reason():
    ignore = only("a: 1  # meshlint: ignore[MSH101, unreachable-route] kept for rollback \n")
    assert ignore.rules == ("MSH101", "unreachable-route")
    assert ignore.reason == "kept for rollback"
    assert ignore.scope is Scope.LINE
    assert ignore.problem is None
    assert ignore.span.text == "# meshlint: ignore[MSH101, unreachable-route] kept for rollback"


def test_a_comment_on_a_line_of_its_own_is_about_what_is_below():
    assert only("  #meshlint:ignore[MSH1]\na: 1\n").scope is Scope.BELOW


def test_a_comment_can_follow_another_on_its_line():
    assert only("a: 1 # see below # meshlint: ignore[MSH1] why\n").scope is Scope.LINE
    assert only("# see below # meshlint: ignore[MSH1] why\na: 1\n").scope is Scope.BELOW


@pytest.mark.parametrize(
    "text",
    [
        'a: "x # meshlint: ignore[MSH1]"\n',
        "a: 'x\n  # meshlint: ignore[MSH1]'\n",
        "a: |\n  # meshlint: ignore[MSH1]\n",
        "a: >-\n  x\n\n  # meshlint: ignore[MSH1]\n",
        "a: x# meshlint: ignore[MSH1]\n",
        "a: 1 # say meshlint: ignore[MSH1]\n",
        "a: 1\n---\nb: '# meshlint: ignore[MSH1]'\n",
    ],
)
def test_what_only_looks_like_an_ignore_comment_is_none(text: str):
    assert ignores(Source("x", text)) == ()


@pytest.mark.parametrize(
    "text",
    [
        "a: | # meshlint: ignore[MSH1]\n  text\n",
        "a: |\n  text\n# meshlint: ignore[MSH1]\nb: 1\n",
        "a: 'it''s' # meshlint: ignore[MSH1]\n",
        "a: [1, # meshlint: ignore[MSH1]\n 2]\n",
        "a: 1\n---\nb: x # meshlint: ignore[MSH1]\n",
        "a: [\n# meshlint: ignore[MSH1]\n",
        "a: 1\r# meshlint: ignore[MSH1]\rb: 2\r",
        "a: 1\t# meshlint: ignore[MSH1]\n",
    ],
)
def test_a_comment_is_found_wherever_yaml_allows_one(text: str):
    assert only(text).rules == ("MSH1",)


@pytest.mark.parametrize(
    ("comment", "problem"),
    [
        ("ignore", "names no rule"),
        ("ignore because", "names no rule"),
        ("ignore-file", "names no rule"),
        ("ignore[]", "is empty"),
        ("ignore[ , ] x", "is empty"),
        ("ignore[MSH1", "not closed"),
        ("ignore[MSH1 MSH2]", "`MSH1 MSH2` is no rule"),
        ("disable[MSH1]", "`disable` is unknown"),
        ("", "`` is unknown"),
    ],
)
def test_a_comment_that_cannot_be_followed_says_why(comment: str, problem: str):
    assert problem in (only(f"a: 1 # meshlint: {comment}\n").problem or "")


def test_a_file_is_ignored_from_its_first_comment_block():
    assert only("# licence\n\n---\n# meshlint: ignore-file[MSH8] generated\na: 1\n").problem is None
    assert reach("# meshlint: ignore-file[MSH8] generated\na: 1\n---\nb: 2\n") == (
        "# meshlint: ignore-file[MSH8] generated\na: 1\n---\nb: 2\n"
    )
    assert "first comment block" in (only("a: 1\n# meshlint: ignore-file[MSH8]\nb: 1\n").problem or "")
    assert "first comment block" in (only("a: 1 # meshlint: ignore-file[MSH8]\n").problem or "")


def test_a_trailing_comment_reaches_as_far_as_its_line():
    assert reach("a: 1\nb: 2 # meshlint: ignore[X]\nc: 3\n") == "b: 2 # meshlint: ignore[X]"


def test_a_comment_above_a_key_reaches_over_its_whole_value():
    assert reach("a: 1\n# meshlint: ignore[X]\n# and more\n\nb:\n  c: 2\n  d: [3]\ne: 4\n") == "b:\n  c: 2\n  d: [3]"


def test_a_comment_above_a_list_item_reaches_over_the_item_from_its_dash():
    assert reach("a:\n# meshlint: ignore[X]\n- b: 1\n  c: 2\n- d: 3\n") == "- b: 1\n  c: 2"
    assert reach("a:\n- b: 1\n# meshlint: ignore[X]\n-\n  c: 2\n- d: 3\n") == "-\n  c: 2"
    assert reach("a:\n- b: 1\n# meshlint: ignore[X]\n- # odd\n  c: 2\n- d: 3\n") == "- # odd\n  c: 2"


def test_a_comment_above_a_document_reaches_over_all_of_it():
    assert reach("# meshlint: ignore[X]\n---\na: 1\nb: 2\n---\nc: 3\n") == "a: 1\nb: 2"
    assert reach("a: 1\n---\n# meshlint: ignore[X]\n\nb: 2\nc: 3\n") is not None


def test_a_comment_above_the_element_of_a_list_object_reaches_over_it():
    assert reach("kind: List\nitems:\n# meshlint: ignore[X]\n- a: 1\n  b: 2\n- c: 3\n") == "- a: 1\n  b: 2"


def test_a_comment_with_nothing_below_it_reaches_nothing():
    assert reach("a: 1\n# meshlint: ignore[X]\n") is None


def test_a_comment_above_an_aliased_value_reaches_its_line():
    assert reach("a: &x {b: 1}\n# meshlint: ignore[X]\nc: *x\nd: 2\n") == "c: *x"


def test_a_finding_is_covered_where_it_or_its_key_begins():
    _, (ignore,), (root,) = read("a:  # meshlint: ignore[X]\n  b: 1\nc: 2\n")
    scope = scope_of(ignore, (root,))
    assert scope is not None
    assert covers(scope, root.at("a"))
    assert not covers(scope, root.at("a", "b"))
    assert not covers(scope, root.at("c"))


def test_another_source_is_not_covered():
    _, (ignore,), documents = read("a: 1 # meshlint: ignore[X]\n")
    scope = scope_of(ignore, documents)
    assert scope is not None
    assert not covers(scope, read("a: 1\n")[2][0].at("a"))


@given(
    st.lists(
        st.sampled_from(["# meshlint: ignore[X]", "a:", "- b", "'", '"', "|", "\n", "\r", " ", "---"]), max_size=20
    )
)
def test_no_text_makes_the_search_fail(parts: list[str]):
    _, found, documents = read("".join(parts))
    for ignore in found:
        assert ignore.span.text.startswith("#")
        scope_of(ignore, documents)
