"""Nodes to frozen records, led by the records' annotations.

Decoding is lenient, since `resources.schema` has already said what is wrong: what cannot be read as
its annotation asks is left at the field's default and counted as a flaw of the resource.
"""

import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from meshlint.source.node import Node

R = TypeVar("R", bound="Record")
Decoder = Callable[[Node, list[Node]], Any]
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Record:
    """A part of a resource: typed fields, and the node they were read from."""

    node: Node = field(compare=False, repr=False)


def decode(cls: type[R], node: Node, flaws: list[Node]) -> R:
    """The record *cls* that *node* spells out; nodes that do not fit are added to *flaws*.

    A field is called in YAML as in Python but in camel case, or as its metadata's `json` says.
    """
    values: dict[str, Any] = {}
    entries = node.mapping
    for name, spellings, decoder, default in _plan(cast("Hashable", cls)):
        below = next((entries[spelling] for spelling in spellings if spelling in entries), None)
        value = _NOTHING if below is None else decoder(below, flaws)
        values[name] = default() if value is _NOTHING else value
    return cls(node=node, **values)


@cache
def _plan(cls: Any) -> tuple[tuple[str, tuple[str, ...], Decoder, Callable[[], Any]], ...]:
    hints = get_type_hints(cls)
    return tuple(
        (one.name, one.metadata.get("json", (_camel(one.name),)), _decoder(hints[one.name]), _default(one))
        for one in fields(cls)
        if one.name != "node"
    )


def _default(one: "Field[Any]") -> Callable[[], Any]:
    if one.default_factory is not MISSING:
        return one.default_factory
    if one.default is MISSING:
        raise TypeError(f"field {one.name} of a record needs a default")
    return lambda: one.default


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _decoder(hint: Any) -> Decoder:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        kinds = tuple(one for one in arguments if one is not types.NoneType)
        return _decoder(kinds[0]) if len(kinds) == 1 else _int_or_string
    if origin is tuple:
        return _sequence(_decoder(arguments[0]))
    if origin is not None and issubclass(origin, Mapping):
        return _mapping(_decoder(arguments[1]))
    if hint is not Node and is_dataclass(hint):
        return _record(cast("type[Record]", hint))
    return {str: _string, int: _integer, float: _number, bool: _boolean, Node: _node}[hint]


def _record(cls: type[Record]) -> Decoder:
    def read(node: Node, flaws: list[Node]) -> Any:
        if node.value is None or isinstance(node.value, Mapping):
            return decode(cls, node, flaws)
        flaws.append(node)
        return _NOTHING

    return read


def _sequence(element: Decoder) -> Decoder:
    def read(node: Node, flaws: list[Node]) -> Any:
        if node.value is None:
            return _NOTHING
        # A value in place of a list of one is a lost dash: what was meant is plain.
        nodes = node.value if isinstance(node.value, tuple) else (node,)
        values = (element(one, flaws) for one in nodes)
        return tuple(value for value in values if value is not _NOTHING)

    return read


def _mapping(element: Decoder) -> Decoder:
    def read(node: Node, flaws: list[Node]) -> Any:
        if node.value is None:
            return _NOTHING
        if not isinstance(node.value, Mapping):
            flaws.append(node)
            return _NOTHING
        values = {key: element(one, flaws) for key, one in node.value.items()}
        return {key: value for key, value in values.items() if value is not _NOTHING}

    return read


def _string(node: Node, flaws: list[Node]) -> Any:
    value = node.value
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return node.span.text
    if value is not None:
        flaws.append(node)
    return _NOTHING


def _integer(node: Node, flaws: list[Node]) -> Any:
    value = node.value
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is not None:
        flaws.append(node)
    return _NOTHING


def _number(node: Node, flaws: list[Node]) -> Any:
    value = node.value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) < 1e300 else _NOTHING
    if value is not None:
        flaws.append(node)
    return _NOTHING


def _boolean(node: Node, flaws: list[Node]) -> Any:
    if isinstance(node.value, bool):
        return node.value
    if node.value is not None:
        flaws.append(node)
    return _NOTHING


def _int_or_string(node: Node, flaws: list[Node]) -> Any:
    value = node.value
    if isinstance(value, int | str) and not isinstance(value, bool):
        return value
    if value is not None:
        flaws.append(node)
    return _NOTHING


def _node(node: Node, _flaws: list[Node]) -> Any:
    return node
