"""Ways through nodes."""

from meshlint.source.node import Node
from meshlint.source.parse import parse
from meshlint.source.text import Source


def root() -> Node:
    return parse(Source("x", "a:\n  b: [1, {c/d~e: x}]\n")).documents[0]


def test_steps_lead_to_a_node_or_to_none():
    assert root().get("a", "b", 0).value == 1
    assert root().get("a", "b", 2) is None
    assert root().get("a", "b", -1) is None
    assert root().get("a", 0) is None
    assert root().get("a", "b", "c") is None


def test_at_stops_at_the_deepest_node_on_the_way():
    assert root().at("a", "x", "y").path == ("a",)
    assert root().at("a", "b", 0, "z").path == ("a", "b", 0)


def test_pointers_escape_slash_and_tilde():
    assert root().at("a", "b", 1, "c/d~e").pointer == "/a/b/1/c~1d~0e"
    assert root().pointer == ""


def test_walk_goes_in_document_order():
    assert [node.pointer for node in root().walk()] == ["", "/a", "/a/b", "/a/b/0", "/a/b/1", "/a/b/1/c~1d~0e"]


def test_plain_drops_the_places():
    assert root().plain == {"a": {"b": [1, {"c/d~e": "x"}]}}


def test_what_is_no_mapping_or_list_has_no_entries():
    leaf = root().at("a", "b", 0)
    assert not leaf.mapping
    assert leaf.elements == ()
