"""What is said about a text that does not parse, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlint.source.defect import Defect, DefectKind
from meshlint.source.mistakes import Failure, explained
from meshlint.source.node import Document
from meshlint.source.parse import parse
from meshlint.source.text import Source


def defect(text: str) -> Defect:
    (found,) = parse(Source("x", text)).defects
    assert found.kind is DefectKind.SYNTAX
    return found


CASES = {
    "a key between two columns is at fault, not its sibling": (
        "spec:\n  http:\n  - route:\n    - destination:\n        host: a\n     weight: 1\n    timeout: 1s\n",
        "weight: 1",
        "`weight` is indented 5; its sibling `destination` is at 6",
    ),
    "a key at a column of its own is at fault, even if it comes first": (
        "metadata:\n  name: a\nspec:\n match: b\n  actions: []\n",
        "match: b",
        "`match` is indented 1; its sibling `actions` is at 2",
    ),
    "a key deeper than a sibling with a value": (
        "a:\n  b: 1\n    c: 2\n",
        "c: 2",
        "`c` is indented 4; its sibling `b` is at 2",
    ),
    "a key left of all others": ("  a: 1\nb: 2\n", "b: 2", "`b` is indented 0; its sibling `a` is at 2"),
    "a list item left of its key": (
        "a:\n   quotas:\n  - charge: 1\n",
        "- charge: 1",
        "a list item of `quotas` is indented 2, less than its key at 3",
    ),
    "a list item left of the items before it": (
        "a:\n    - b\n  - c\n",
        "- c",
        "a list item is indented 2; the items before it are at 4",
    ),
    "a key among list items": (
        "a:\n  - b\n  c: 1\n",
        "c: 1",
        "`c` is indented 2 like the list items before it, but has no dash",
    ),
    "a list item among keys": ("a: 1\n- b\n", "- b", "a list item is indented 0, where a key beside `a` is wanted"),
    "a word by itself below a key": (
        "spec:\n  hosts:\n  example.org\n  tls: {}\n",
        "example.org",
        "`example.org` is neither a list item nor a key: lost dash?",
    ),
    "a word by itself that swallows the next key": (
        "spec:\n hosts:\n  example.org\n  ports:\n  - 1\n",
        "example.org",
        "`example.org` is neither a list item nor a key: lost dash?",
    ),
    "a word by itself at the end": ("a: 1\nb # c\n", "b", "`b` is neither a list item nor a key: lost dash?"),
    "a shell prompt": ("$ istioctl get all\na: 1\n", "$ istioctl get all", "a shell prompt or command, not YAML"),
    "a prompt with a user": (
        "me@box:~$ kubectl get vs\na: 1\n",
        "me@box:~$ kubectl get vs",
        "a shell prompt or command, not YAML",
    ),
    "a command": ("a: 1\nkubectl apply -f -\n", "kubectl apply -f -", "a shell prompt or command, not YAML"),
    "a tab": ("a:\n\tb: 1\n", "\tb: 1", "indented with a tab: YAML indents with spaces only"),
    "a tab after spaces": ("a:\n  b: 1\n  \tc: 2\n", "  \tc: 2", "indented with a tab: YAML indents with spaces only"),
    "an open quote": ("a: 'b\nc: 1\n", "'b", "the quote `'` is never closed"),
    "a quote that another one closes": ('a: "b\nc: "80"\n', '"b', 'the quote `"` is not closed on its line'),
    "text after a quote": ("a: 'it's'\n", "s'", "text follows the closing quote"),
    "an escape that is none": (
        'a: "\\d+"\n',
        "\\d",
        "`\\d` is no escape within double quotes: write `\\\\d` or use single quotes",
    ),
    "an open bracket": ("a: {b: 1\nc: 2\n", "{b: 1", "the bracket `{` is never closed"),
    "an open list": ("a: [1, 2\nb: 3\n", "[1, 2", "the bracket `[` is never closed"),
    "a lost comma": ('a: ["x" "y"]\n', '"y"]', "`,` or `]` is missing before this"),
    "a wildcard without quotes": (
        "hosts:\n- *.example.org\n",
        "*.example.org",
        "`*.example.org` begins with `*`, which has a meaning of its own in YAML: put it in quotes",
    ),
    "an at sign": ("a: @b c\n", "@b", "`@b` begins with `@`, which has a meaning of its own in YAML: put it in quotes"),
    "a tag that is none": (
        "a: !x!y z\n",
        "!x!y",
        "`!x!y` begins with `!`, which has a meaning of its own in YAML: put it in quotes",
    ),
    "two colons on a line": ("a: b: c\n", "b: c", "`: ` stands within an unquoted value: put the value in quotes"),
    "a colon in running text": (
        "about: this is\n  some text with: colon\n",
        "some text with: colon",
        "`: ` stands within an unquoted text: put the text in quotes",
    ),
    "a list item on the line of its key": ("a: - b\n", "- b", "a list item cannot stand on the line of its key `a`"),
    "text after the mark of a block": ("a: | b\n  c\n", "b", "a block text begins on the line below its `|` or `>`"),
    "a line left of the block it belongs to": (
        "a: |\n    b\n  - c\nd: 1\n",
        "- c",
        "indented less than the first line of the block of text above it",
    ),
    "text after the end of a document": ("{a: 1}\nb: 2\n", "b: 2", "the document has ended before this"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_named_where_it_was_made(case: str):
    text, place, message = CASES[case]
    found = defect(text)
    assert (found.span.text, found.message) == (place, message)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_change_no_message(case: str, ending: str):
    text, _, message = CASES[case]
    found = defect(text.replace("\n", ending))
    assert (found.message, found.span.first) == (message, defect(text).span.first)


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_in_a_later_document_is_named_at_its_place(case: str):
    text, place, message = CASES[case]
    found = defect(f"first: document\n---\n{text}---\nlast: one\n")
    assert (found.span.text, found.message) == (place, message)


def test_the_sibling_is_a_second_place():
    found = defect("a:\n  b: 1\n c: 2\n")
    assert [note.span.text for note in found.notes] == ["b: 1"]


def test_what_stands_in_a_block_of_text_is_no_line_of_the_document():
    found = defect("a: |\n      deep: text\n       - odd\nb:\n  c: 1\n d: 2\n")
    assert found.message == "`d` is indented 1; its sibling `c` is at 2"


@given(
    st.text(st.sampled_from("ab:- \t\n\r'\"{[|#*"), max_size=30),
    st.sampled_from(
        ["mapping values are not allowed", "did not find expected key", "cannot start any token", "escape", "x"]
    ),
    st.sampled_from(
        [
            "",
            "while scanning a simple key",
            "while scanning a quoted scalar",
            "while parsing a flow mapping",
            "an alias",
        ]
    ),
    st.integers(0, 30),
    st.none() | st.integers(0, 30),
)
def test_every_failure_can_be_explained(text: str, problem: str, context: str, at: int, since: int | None):
    at = min(at, len(text))
    since = None if since is None or since >= at else since
    source = Source("x", "#\n" + text)
    found = explained(Document(source, 0), text, lambda offset: offset + 2, Failure(problem, at, context, since)).defect
    assert found.message
    assert 0 <= found.span.start <= found.span.end
