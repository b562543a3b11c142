"""A YAML value together with where it was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from meshlint.source.text import Source, Span

Step = str | int
Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, eq=False)
class Document:
    """One object of a source: a YAML document or an element of a `List` object.

    Every node knows its document, so a finding on a node is a finding on that document's resource. One that
    `is_mended` did not parse as written: it shows nothing of the input as a whole. Where it `is_guessed`, a part of it may
    belong elsewhere in it.
    """

    source: Source
    index: int
    item: int | None = None
    is_mended: bool = False
    is_guessed: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Node:
    """A value and its place. Nodes are compared by identity: equal text in two places is two nodes.

    `value` is a scalar as Kubernetes reads it, a mapping of keys to nodes, or a tuple of nodes.
    `span` covers the value as written, without trailing comments and blank lines. `key` covers the
    key before it, if it has one. `path` leads to it from its document's root.
    """

    value: "str | int | float | bool | Mapping[str, Node] | tuple[Node, ...] | None"
    span: Span
    key: Span | None
    path: tuple[Step, ...]
    document: Document = field(repr=False)

    def get(self, *steps: Step) -> "Node | None":
        """The node *steps* lead to, or None where a step is not there."""
        node = self
        for step in steps:
            below = node._below(step)
            if below is None:
                return None
            node = below
        return node

    def at(self, *steps: Step) -> "Node":
        """The node *steps* lead to, or the deepest one on the way: never fails."""
        node = self
        for step in steps:
            below = node._below(step)
            if below is None:
                return node
            node = below
        return node

    @property
    def mapping(self) -> "Mapping[str, Node]":
        """The mapping's entries; empty for anything else."""
        return self.value if isinstance(self.value, Mapping) else {}

    @property
    def elements(self) -> "tuple[Node, ...]":
        """The sequence's elements; empty for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer (RFC 6901)."""
        return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in self.path)

    @property
    def plain(self) -> Plain:
        """The value without places: dicts, lists and scalars."""
        if isinstance(self.value, Mapping):
            return {key: node.plain for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain for node in self.value]
        return self.value

    def walk(self) -> "Iterator[Node]":
        """This node and all below it, in document order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.elements or tuple(node.mapping.values())))

    def _below(self, step: Step) -> "Node | None":
        value = self.value
        if isinstance(step, str):
            return value.get(step) if isinstance(value, Mapping) else None
        return value[step] if isinstance(value, tuple) and 0 <= step < len(value) else None
