"""From texts to nodes: documents, places, aliases, duplicate keys, JSON, templates."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.source.compose import MAX_COPIES, MAX_DEPTH
from meshlint.source.node import Node
from meshlint.source.parse import DefectKind, Parsed, parse
from meshlint.source.text import Source

YAMLISH = st.text(st.sampled_from(list("ab:-?&*!|>'\"%@`{}[],# \n\t\r0.~<\0\ud800\x85é\U0001f600")), max_size=60)
LINES = st.lists(
    st.sampled_from(
        [
            "a: 1",
            "b:",
            "- c",
            "  d: x",
            "  - e: y",
            " f: 2",
            "---",
            "...",
            "|",
            "k: |",
            "  text",
            "\tt: 1",
            "a: &a",
            "b: *a",
            "<<: *a",
            "'q",
            '"r": "s"',
            "{{ x }}",
            "# c",
            "",
            "[1,",
            "]",
            "{a: b}",
            "kind: List",
            "items:",
            "%YAML 1.1",
        ]
    ),
    max_size=14,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=6), inner, max_size=4)
    ),
    max_leaves=20,
)


def read(text: str) -> Parsed:
    return parse(Source("x", text))


def root(text: str) -> Node:
    parsed = read(text)
    assert parsed.defects == ()
    (document,) = parsed.documents
    return document


def plains(text: str) -> list[object]:
    return [document.plain for document in read(text).documents]


def kinds(text: str) -> list[DefectKind]:
    return [defect.kind for defect in read(text).defects]


def test_each_document_is_a_root_of_its_own():
    assert plains("a: 1\n---\nb: 2\n--- # third\nc: 3\n") == [{"a": 1}, {"b": 2}, {"c": 3}]
    assert plains("a: 1\n...\nb: 2\n") == [{"a": 1}, {"b": 2}]
    assert plains("--- {a: 1}\n---\tx\n") == [{"a": 1}, "x"]


def test_directives_belong_to_the_document_below_them():
    assert plains("%YAML 1.2\n---\na: 1\n...\n# c\n%TAG ! !x\n---\nb: 2\n") == [{"a": 1}, {"b": 2}]


def test_empty_and_null_documents_are_nothing():
    assert plains("---\n---\nnull\n---\n~\n---\n# only a comment\n") == []
    assert plains("") == []


def test_a_document_that_is_no_mapping_is_returned_as_it_is():
    assert plains("only words\n---\n- a\n") == ["only words", ["a"]]


def test_a_separator_within_a_block_scalar_is_text():
    assert plains("a: |\n  ---\n  b\n") == [{"a": "---\nb\n"}]


def test_documents_are_counted_broken_ones_too():
    parsed = read("---\n# nothing\n---\na: 1\n---\na: [\n---\nb: 2\n")
    assert [document.document.index for document in parsed.documents] == [0, 2]
    assert [defect.node.document.index for defect in parsed.defects] == [1]


def test_a_list_stands_for_its_elements_however_deep():
    parsed = read("kind: List\nitems:\n- a: 1\n- kind: VirtualServiceList\n  items: [{b: {c: 2}}, null]\n- {d: 3}\n")
    assert [document.plain for document in parsed.documents] == [{"a": 1}, {"b": {"c": 2}}, {"d": 3}]
    assert [document.document.item for document in parsed.documents] == [0, 1, 2]
    inner = parsed.documents[1].at("b", "c")
    assert inner.path == ("b", "c")
    assert inner.document is parsed.documents[1].document
    assert inner.key.text == "c"


def test_an_empty_list_holds_nothing_and_a_kind_that_only_sounds_like_one_is_no_list():
    assert plains("kind: List\nitems: []\n") == []
    assert plains("kind: AllowList\nspec: {}\n") == [{"kind": "AllowList", "spec": {}}]
    assert plains("kind: AllowList\nitems: x\n") == [{"kind": "AllowList", "items": "x"}]


def test_a_broken_document_costs_no_other_and_offsets_stay_right():
    text = "a: 1\n---\nb: [1\nc: 2\n---\nd: 3\n"
    parsed = read(text)
    assert [document.plain for document in parsed.documents] == [{"a": 1}, {"d": 3}]
    assert parsed.documents[1].at("d").span.start == text.index("3")
    assert [(defect.kind, defect.span.first.line) for defect in parsed.defects] == [(DefectKind.SYNTAX, 3)]


@pytest.mark.parametrize("char", ["\0", "\x07", "\x7f", "\ud800", "\ufffe"])
def test_a_character_that_yaml_forbids_is_a_defect_at_its_place(char: str):
    parsed = read(f"a: 1\n---\nb: x{char}y\n---\nc: 2\n")
    assert [document.plain for document in parsed.documents] == [{"a": 1}, {"c": 2}]
    assert [defect.span.text for defect in parsed.defects] == [char]


def test_a_block_ends_at_its_last_scalar():
    node = root("spec:\n  a:\n  - b: 1\n\n# about the next\n\nother: x\n")
    assert node.at("spec").span.text == "a:\n  - b: 1"
    assert node.at("spec", "a").span.text == "- b: 1"
    assert node.span.text.endswith("other: x")


def test_a_flow_collection_ends_with_its_bracket():
    node = root("a: {b: [1, 2 ] } # c\nd: {}\n")
    assert node.at("a").span.text == "{b: [1, 2 ] }"
    assert node.at("a", "b").span.text == "[1, 2 ]"
    assert node.at("d").span.text == "{}"


def test_a_block_scalar_ends_at_its_last_line_and_keeps_the_comment_of_its_header():
    node = root("a: | # why\n  x\n  y\n\n# c\nb: 1\n")
    assert node.at("a").value == "x\ny\n"
    assert node.at("a").span.text == "| # why\n  x\n  y"


def test_a_value_that_is_not_written_stands_after_its_colon_or_dash():
    node = root("a:\nb: # c\n\nc:\n-\n\n- 1\n")
    assert (node.at("a").span.start, node.at("a").span.end) == (2, 2)
    assert node.at("b").span.first == (2, 3)
    assert node.at("c", 0).span.first == (5, 2)
    assert root("? a\n\n# c\n\n? b\n").at("a").span.first.line == 1


def test_keys_have_places():
    node = root("a:\n  'b c': 1\n")
    assert node.at("a").key.text == "a"
    assert node.at("a", "b c").key.text == "'b c'"
    assert node.key is None


def test_an_alias_has_its_own_place_and_path_and_what_is_below_keeps_the_anchors():
    text = "a: &x\n  b: [1]\nc: *x\nd: [*x]\n"
    node = root(text)
    assert node.plain == {"a": {"b": [1]}, "c": {"b": [1]}, "d": [{"b": [1]}]}
    assert node.at("c").span.text == "*x"
    assert node.at("c").key.text == "c"
    below = node.at("d", 0, "b", 0)
    assert below.path == ("d", 0, "b", 0)
    assert below.span.start == text.index("1")


def test_scalars_and_keys_can_be_anchored():
    assert root("&k a: &v 1\nb: *v\n*k : 2\n".replace("*k : 2\n", "c: *k\n")).plain == {"a": 1, "b": 1, "c": "a"}
    assert root("a: &v x\n*v : 2\n").plain == {"a": "x", "x": 2}


def test_an_anchor_can_be_given_anew():
    assert root("a: &x 1\nb: *x\nc: &x 2\nd: *x\n").plain == {"a": 1, "b": 1, "c": 2, "d": 2}


def test_an_alias_without_an_anchor_is_a_syntax_defect():
    (defect,) = read("a: *x\n---\nb: 1\n").defects
    assert defect.kind is DefectKind.SYNTAX
    assert defect.span.text == "*x"


def test_anchors_hold_for_one_document():
    assert kinds("a: &x 1\n---\nb: *x\n") == [DefectKind.SYNTAX]


def test_an_anchor_that_contains_itself_is_recursive():
    (defect,) = read("a: &x\n  b: [*x]\n").defects
    assert defect.kind is DefectKind.RECURSIVE
    assert defect.span.text == "*x"


def test_an_alias_bomb_is_too_large():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    parsed = read("\n".join(levels) + "\n---\nb: 1\n")
    assert [defect.kind for defect in parsed.defects] == [DefectKind.TOO_LARGE]
    assert [document.plain for document in parsed.documents] == [{"b": 1}]


def test_aliases_below_the_bound_are_no_defect():
    count = MAX_COPIES // 11
    text = f"a: &a {json.dumps(list(range(9)))}\nb: [{', '.join(['*a'] * count)}]\n"
    assert len(root(text).at("b").elements) == count


def test_a_bomb_of_merge_keys_is_too_large():
    levels = ["a0: &a0 {" + ", ".join(f"k{n}: {{x: 1}}" for n in range(100)) + "}"]
    levels += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 30)}]}}" for n in range(1, 60)]
    assert kinds("\n".join(levels)) == [DefectKind.TOO_LARGE]


def test_nesting_that_would_exhaust_the_stack_is_too_large():
    assert kinds("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)) == [DefectKind.TOO_LARGE]
    assert kinds('{"a":' * 5000) == [DefectKind.TOO_LARGE]
    assert kinds("- " * 5000 + "x\n") == [DefectKind.TOO_LARGE]
    assert kinds("".join(f"a{n}: &a{n} [*a{n - 1}]\n" if n else "a0: &a0 [x]\n" for n in range(300))) == [
        DefectKind.TOO_LARGE
    ]


def test_what_is_as_deep_as_allowed_can_be_walked():
    deep = root("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert sum(1 for _ in deep.walk()) == MAX_DEPTH
    assert json.dumps(deep.plain) == "[" * MAX_DEPTH + "]" * MAX_DEPTH


def test_merge_keys_are_expanded_and_explicit_keys_win():
    node = root("x: &x {a: 1, b: {c: 2}}\ny: &y {a: 5, d: 6}\nz:\n  <<: [*x, *y]\n  a: 9\n")
    assert node.at("z").plain == {"a": 9, "b": {"c": 2}, "d": 6}
    assert node.at("z", "b", "c").path == ("z", "b", "c")
    assert node.at("z", "b").key.first.line == 1


def test_a_merge_key_in_quotes_is_a_key_like_any_other():
    assert root("'<<': 5\n").plain == {"<<": 5}


@pytest.mark.parametrize("value", ["5", "[1]", "[{a: 1}, x]"])
def test_what_is_no_mapping_cannot_be_merged(value: str):
    assert kinds(f"a:\n  <<: {value}\n") == [DefectKind.SYNTAX]


def test_a_key_given_twice_is_a_defect_on_the_second_and_the_last_value_counts():
    parsed = read("a: 1\nb: 2\na: 3\na: 4\n")
    assert [document.plain for document in parsed.documents] == [{"b": 2, "a": 4}]
    assert [(defect.kind, defect.on_key, defect.span.first.line) for defect in parsed.defects] == [
        (DefectKind.DUPLICATE_KEY, True, 3),
        (DefectKind.DUPLICATE_KEY, True, 4),
    ]
    assert [defect.notes[0].span.first.line for defect in parsed.defects] == [1, 3]


def test_keys_that_become_the_same_string_are_duplicates():
    assert kinds("1: a\n'1': b\n") == [DefectKind.DUPLICATE_KEY]


def test_a_mapping_as_a_key_is_a_syntax_defect():
    assert kinds("? [a]\n: b\n") == [DefectKind.SYNTAX]
    assert kinds("a: &x [1]\n*x : b\n") == [DefectKind.SYNTAX]


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ .Values.x }}\n",
        "{{- if .Values.on }}\na: 1\n{{- end }}\n",
        "a: 1\n---\nb: {{ x }}\n",
        "metadata:\n  name: app-{{ .Release.Name }}\n",
        'labels:\n  {{- include "app.labels" . | nindent 4 }}\n',
    ],
)
def test_a_template_is_recognised_as_a_whole(text: str):
    assert read(text) == Parsed((), (), templated=True)


@pytest.mark.parametrize(
    "text",
    [
        'a: "{{ .Values.x }}"\n',
        "a: |\n  {{ .Values.x }}\n",
        "a: 1 # {{ .Values.x }}\n",
        "a: pods {{ $labels.pod }}\n",
        'a: "{{ .Values.x }}"\nb: [\n',
        "a: |\n  {{ .Values.x }}\nb: [\n",
        "a: [ # {{ x }}\n",
    ],
)
def test_braces_in_quotes_blocks_and_comments_make_no_template(text: str):
    assert not read(text).templated


def test_json_is_read_as_json():
    text = '\t{"a": "\\ud83d\\ude00 \\/", "b":[1, -2.5e3,true,null,{}, []],\n\t"c\\u0041": {"yes": "no"}}'
    node = root(text)
    assert node.plain == {"a": "\U0001f600 /", "b": [1, -2500.0, True, None, {}, []], "cA": {"yes": "no"}}
    assert node.at("b", 1).span.text == "-2.5e3"
    assert node.at("cA", "yes").key.text == '"yes"'
    assert node.at("b").span.text == "[1, -2.5e3,true,null,{}, []]"


def test_a_stream_of_json_is_a_document_each():
    assert plains('{"a": 1}\n{"b": 2}') == [{"a": 1}, {"b": 2}]


def test_half_a_surrogate_pair_is_the_replacement_character():
    assert root('{"a": "\\ud83d"}').plain == {"a": "\ufffd"}


def test_json_has_duplicate_keys_lists_and_depth_like_yaml():
    assert kinds('{"a": 1, "a": 2}') == [DefectKind.DUPLICATE_KEY]
    assert plains('{"kind": "List", "items": [{"a": 1}]}') == [{"a": 1}]
    assert plains('{"<<": {"a": 1}}') == [{"<<": {"a": 1}}]


@pytest.mark.parametrize("text", ['{"a": 1,}', "{a: 1}", '{"a": 01}', "[1 , yes]", '{"a": 1} # c', "{'a': 1}"])
def test_what_only_looks_like_json_is_read_as_yaml(text: str):
    assert read(text).defects == ()
    assert len(read(text).documents) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: [1, 'c']}\n---\nd: *y\n---\ne: |-\n  f\n\ng: [h, *x]\n",
        "a:\n- b:\n\n# c\n- &x\n  d: e\n- *x\n",
        "k: v\n---\na: 1\n b: 2\n---\nc: 'd\n---\n- e\n  f: 1\n---\ng: @h\n---\ni: *.j\n",
        "a: {{ b }}\n",
    ],
)
def test_it_makes_no_difference_whether_libyaml_is_there(text: str, monkeypatch: pytest.MonkeyPatch):
    fast = read(text)
    monkeypatch.setattr("meshlint.source.parse._LOADER", yaml.BaseLoader)
    slow = read(text)
    assert slow.templated == fast.templated
    assert [(n.plain, n.span.start, n.span.end) for n in every_node(slow)] == [
        (n.plain, n.span.start, n.span.end) for n in every_node(fast)
    ]
    assert [(d.kind, d.span.start, d.span.end, d.message) for d in slow.defects] == [
        (d.kind, d.span.start, d.span.end, d.message) for d in fast.defects
    ]


@given(VALUES)
def test_json_values_are_read_as_the_json_module_reads_them(value: object):
    text = json.dumps({"v": value}, indent=1)
    assert root(text).plain == json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


@given(VALUES, st.booleans())
def test_dumped_values_come_back(value: object, flow: bool):
    text = yaml.safe_dump({"v": value}, default_flow_style=flow, default_style='"', allow_unicode=True)
    assert root(text).plain == {"v": value}


def every_node(parsed: Parsed):
    return (node for document in parsed.documents for node in document.walk())


@settings(max_examples=300, deadline=None)
@given(YAMLISH | LINES.map("\n".join))
def test_no_text_makes_parsing_fail(text: str):
    parsed = read(text)
    for span in [node.span for node in every_node(parsed)] + [defect.span for defect in parsed.defects]:
        assert 0 <= span.start <= span.end <= len(text)
    for node in every_node(parsed):
        assert node.document.source.text is text
        assert node.key is None or 0 <= node.key.start <= node.key.end <= len(text)


@settings(max_examples=200, deadline=None)
@given(LINES.map("\n".join))
def test_the_text_of_a_scalar_reads_as_its_value(text: str):
    for node in every_node(read(text)):
        written = node.span.text
        is_scalar = not isinstance(node.value, dict | tuple)
        if is_scalar and written[:1] not in ("|", ">", "&", "*") and "\n" not in written and node.value is not None:
            assert root(written).value == node.value


@settings(max_examples=200, deadline=None)
@given(LINES.map("\n".join))
def test_a_node_without_aliases_lies_within_the_one_above(text: str):
    if "*" in text:
        return
    for node in every_node(read(text)):
        for below in node.elements or tuple(node.mapping.values()):
            assert node.span.covers(below.span)


@settings(max_examples=100, deadline=None)
@given(LINES, st.sampled_from(["\r\n", "\r"]))
def test_line_endings_change_no_value_and_no_position(lines: list[str], ending: str):
    one, other = read("\n".join(lines)), read(ending.join(lines))
    assert [node.plain for node in one.documents] == [node.plain for node in other.documents]
    assert [(n.span.first, n.span.last) for n in every_node(one)] == [
        (n.span.first, n.span.last) for n in every_node(other)
    ]
    assert [d.kind for d in one.defects] == [d.kind for d in other.defects]
    assert [d.span.first for d in one.defects] == [d.span.first for d in other.defects]


@settings(max_examples=100, deadline=None)
@given(LINES, LINES)
def test_documents_of_two_texts_are_those_of_each(first: list[str], second: list[str]):
    texts = ["\n".join(["x: 0", *(line for line in lines if line != "%YAML 1.1")]) + "\n" for lines in (first, second)]
    parts = [read(text) for text in texts]
    whole = read("---\n".join(texts))
    if not whole.templated and not any(part.templated for part in parts):
        assert [n.plain for n in whole.documents] == [n.plain for part in parts for n in part.documents]
        assert [d.message for d in whole.defects] == [d.message for part in parts for d in part.defects]
