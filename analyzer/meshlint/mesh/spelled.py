"""Nodes that nobody wrote: values that Istio derives from the input, each at the place that it is derived from."""

from collections.abc import Mapping, Sequence
from typing import Union

from meshlint.source.node import Node

Spelled = Union[Node, str, float, bool, None, "Mapping[str, Spelled]", "Sequence[Spelled]"]
"""A value to be spelled out; the nodes in it stay as they are."""


def spelled(value: Spelled, place: Node) -> Node:
    """The node for *value*, which lies where *place* does; entries without a value are left out."""
    if isinstance(value, Node):
        return value
    if isinstance(value, Mapping):
        return _at(place, {key: spelled(one, place) for key, one in value.items() if one is not None})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return _at(place, tuple(spelled(one, place) for one in value))
    return _at(place, value)


def _at(place: Node, value: str | float | bool | Mapping[str, Node] | tuple[Node, ...] | None) -> Node:
    return Node(value, place.span, place.key, place.path, place.document)
