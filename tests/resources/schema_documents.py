"""A document of each kind that fits its schema and uses much of it, and what the schema tests need to read them."""

import json
from pathlib import Path
from typing import Any

from meshlint import data
from meshlint.resources import schema
from meshlint.source.node import Document, Node
from meshlint.source.parse import parse
from meshlint.source.text import Source

VALID = {
    path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "valid").glob("*.yaml"))
}


def read(text: str) -> Node:
    """The one document of a text."""
    parsed = parse(Source("test.yaml", text))
    assert parsed.defects == ()
    (root,) = parsed.documents
    return root


def node_of(plain: Any) -> Node:
    """A node with that value and no place worth speaking of."""
    source = Source("test.yaml", "")
    document, nowhere = Document(source, 0), source.span(0, 0)

    def node(value: Any, path: tuple[str | int, ...]) -> Node:
        key = nowhere if path and isinstance(path[-1], str) else None
        if isinstance(value, dict):
            return Node(
                {name: node(below, (*path, name)) for name, below in value.items()}, nowhere, key, path, document
            )
        if isinstance(value, list):
            elements = tuple(node(below, (*path, index)) for index, below in enumerate(value))
            return Node(elements, nowhere, key, path, document)
        return Node(value, nowhere, key, path, document)

    return node(plain, ())


def type_of(root: Node, kind: str = "") -> tuple[str, str]:
    """The apiVersion and kind of a document; the mesh configuration's files name none."""
    if kind.startswith("Mesh"):
        return "meshlint/v1", kind
    return str(root.at("apiVersion").value), str(root.at("kind").value)


def violations(text: str, kind: str = "") -> tuple[schema.Violation, ...]:
    """What a document violates."""
    root = read(text)
    return schema.violations(root, *type_of(root, kind))


def found(text: str, kind: str = "") -> list[tuple[str, str, bool]]:
    """What a document violates, in short: the kind, the pointer, and whether the key is meant."""
    return [(violation.kind, violation.node.pointer, violation.on_key) for violation in violations(text, kind)]


def mended(text: str) -> str:
    """The text with the fix of its only violation applied."""
    (violation,) = violations(text)
    assert violation.fix is not None
    (edit,) = violation.fix.edits
    return text[: edit.span.start] + edit.text + text[edit.span.end :]


def index(name: str = "index.json") -> dict[str, dict[str, dict[str, str]]]:
    """An index of `schemas/`."""
    return json.loads(data.text("schemas", name))
