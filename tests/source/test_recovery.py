"""Reading on after a mistake in the layout: each mistake is told, and the rest is read as if it had not been made."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from meshlint.source.parse import Parsed, parse
from meshlint.source.recovery import MAX_LENGTH, MAX_MISTAKES
from meshlint.source.text import Source


def read(text: str) -> Parsed:
    return parse(Source("x", text))


def told(text: str) -> list[tuple[int, str]]:
    """The line and the words of each defect."""
    return [(defect.span.first.line, defect.message) for defect in read(text).defects]


def plain(text: str) -> object:
    (root,) = read(text).documents
    return root.plain


def test_a_key_beside_its_siblings_column_is_read_as_their_sibling():
    text = "spec:\n  - to: a\n   weight: 1\n"
    assert told(text) == [(3, "`weight` is indented 3; its sibling `to` is at 4")]
    assert plain(text) == {"spec": [{"to": "a", "weight": 1}]}


def test_what_stands_below_a_moved_key_goes_along_if_it_has_to():
    text = "spec:\n    one: 1\n   two:\n   - b: 2\n   - a\n    three: 3\n"
    assert told(text) == [(3, "`two` is indented 3; its sibling `one` is at 4")]
    assert plain(text) == {"spec": {"one": 1, "two": [{"b": 2}, "a"], "three": 3}}


def test_a_list_item_left_of_its_key_is_read_as_its_item():
    text = "rules:\n   - quotas:\n    - charge: 1\n      quota: requests\n"
    assert told(text) == [(3, "a list item of `quotas` is indented 4, less than its key at 5")]
    assert plain(text) == {"rules": [{"quotas": [{"charge": 1, "quota": "requests"}]}]}


def test_the_rest_of_a_moved_item_goes_to_its_first_keys_column():
    text = "subsets:\n- addresses:\n - ip: 192.0.2.1\n  nodeName: one\n ports:\n - name: http\n  port: 80\n"
    assert [line for line, _ in told(text)] == [3, 5]
    assert plain(text) == {
        "subsets": [{"addresses": [{"ip": "192.0.2.1", "nodeName": "one"}], "ports": [{"name": "http", "port": 80}]}]
    }


def test_a_lost_dash_is_put_back():
    text = "spec:\n  hosts:\n  example.org\n  tls: {}\n"
    assert told(text) == [(3, "`example.org` is neither a list item nor a key: lost dash?")]
    assert plain(text) == {"spec": {"hosts": ["example.org"], "tls": {}}}


def test_a_list_whose_key_is_out_of_line_does_not_put_its_siblings_in_the_wrong():
    text = "spec:\n hosts:\n  example.org\n  ports:\n  - 1\n  location: here\n"
    assert told(text) == [
        (2, "`hosts` is indented 1; its sibling `ports` is at 2"),
        (3, "`example.org` is neither a list item nor a key: lost dash?"),
    ]
    assert plain(text) == {"spec": {"hosts": ["example.org"], "ports": [1], "location": "here"}}


def test_a_prompt_above_a_document_is_no_part_of_it():
    text = "$ kubectl get service shop -o yaml\nkind: Service\n"
    assert told(text) == [(1, "a shell prompt or command, not YAML")]
    assert plain(text) == {"kind": "Service"}


def test_columns_are_told_as_written_however_often_the_text_was_mended():
    text = "rules:\n   - quotas:\n    - charge: 1\n        quota: requests\n"
    assert told(text)[1] == (4, "`quota` is indented 8; its sibling `charge` is at 6")


def test_a_key_left_of_the_siblings_it_follows_goes_back_to_them():
    text = "spec:\n  one: 1\n two: 2\n  three: 3\n"
    assert plain(text) == {"spec": {"one": 1, "two": 2, "three": 3}}
    text = "spec:\n  one: 1\ntwo: 2\n  three: 3\nfour: 4\n"
    assert told(text) == [(3, "`two` is indented 0; its sibling `three` is at 2")]
    assert plain(text) == {"spec": {"one": 1, "two": 2, "three": 3}, "four": 4}


def test_an_item_whose_first_key_has_lost_its_dash_is_an_item():
    text = "subsets:\n- name: v1\n  labels: {}\nname: v2\n  labels: {}\nhost: a\n"
    assert told(text) == [(4, "`name` is indented 0 like the list items before it, but has no dash")]
    assert plain(text) == {"subsets": [{"name": "v1", "labels": {}}, {"name": "v2", "labels": {}}], "host": "a"}


def test_a_line_that_could_belong_to_two_places_makes_the_document_guessed():
    (root,) = read("http:\n- route:\n  - to: a\n   timeout: 1s\n").documents
    assert root.document.is_guessed
    (root,) = read("spec:\n match: a\n  actions: b\n").documents
    assert not root.document.is_guessed


def test_a_key_that_may_have_been_meant_for_what_is_above_it_is_not_moved():
    text = "spec:\n  containers:\n  name: shop\n    image: shop\n    ports: []\n"
    assert told(text) == [(3, "`name` is indented 2; its sibling `image` is at 4")]
    assert read(text).documents == ()


def test_every_place_is_the_one_in_the_text_as_written():
    text = "first: 1\n---\n$ kubectl get x\nspec:\n hosts:\n  example.org\n  ports: [80, twice, twice]\n  ports: 'é'\n"
    root = read(text).documents[1]
    for node in root.walk():
        if not isinstance(node.value, dict | tuple):
            assert node.span.text.strip("'") == str(node.value)
        if node.key is not None:
            assert node.key.text == node.path[-1]
    duplicate = read(text).defects[-1]
    assert (duplicate.span.text, duplicate.span.first.line) == ("ports", 8)
    assert duplicate.notes[0].span.first.line == 7


@pytest.mark.parametrize("line_break", ["\r\n", "\r"])
def test_line_breaks_of_other_systems_change_nothing(line_break):
    text = "spec:\n hosts:\n  example.org\n  ports:\n  - 1\n  location: here\n"
    assert told(text.replace("\n", line_break)) == told(text)
    assert plain(text.replace("\n", line_break)) == plain(text)


def test_a_mended_document_says_so_and_others_do_not():
    documents = read("a: 1\n---\nspec:\n  - to: a\n   weight: 1\n").documents
    assert [root.document.is_mended for root in documents] == [False, True]


@pytest.mark.parametrize(
    "text",
    [
        "spec:\n  - to: a\n   weight: 1\n  end: [\n",
        "a: 1\nb\n",
        "- a: 1\n\tb: 2\n",
        "spec:\n  hosts:\n  one\n  two\n  tls: {}\n",
    ],
)
def test_a_document_that_stays_unreadable_has_one_mistake_and_says_nothing(text):
    parsed = read(text)
    assert len(parsed.defects) == 1
    assert parsed.documents == ()


def test_no_more_of_a_source_is_read_again_than_is_bounded():
    broken = "spec:\n  - to: a\n   weight: 1\n"
    filler = f"filler: '{'x' * MAX_LENGTH}'\n"
    assert read(filler + broken).documents == ()
    assert [len(root.mapping) for root in read(f"{broken}---\n{filler}---\n{broken}").documents] == [1, 1, 1]
    assert [len(root.mapping) for root in read(f"{broken}---\n{filler}{broken}---\n{broken}").documents] == [1]


def test_a_document_with_too_many_mistakes_tells_the_first():
    text = "list:\n" + "  - a: 1\n   b: 2\n" * (MAX_MISTAKES + 1)
    assert [line for line, _ in told(text)] == [3]
    assert len(told("list:\n" + "  - a: 1\n   b: 2\n" * MAX_MISTAKES)) == MAX_MISTAKES


def test_one_place_is_told_once():
    lines = [line for line, _ in told("b: 1\n - d\nb: 1\n a:\n a:\n a:\n")]
    assert len(lines) == len(set(lines))


@given(st.lists(st.sampled_from(["a:", "b: 1", "- c: 2", "- d", "word", "$ ls x", "e: [1", '"'])), st.data())
@example(["a:", "word", "- d"], None)
def test_whatever_is_mended_lies_within_the_text(lines, data):
    indents = [data.draw(st.integers(0, 5)) if data is not None else 1 for _ in lines]
    source = Source("x", "".join(f"{' ' * indent}{line}\n" for indent, line in zip(indents, lines, strict=True)))
    parsed = parse(source)
    for root in parsed.documents:
        for node in root.walk():
            assert 0 <= node.span.start <= node.span.end <= len(source.text)
    assert len({defect.span.start for defect in parsed.defects}) == len(parsed.defects) or parsed.documents
