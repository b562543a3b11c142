"""Whether a node fits a schema, decided on the nodes themselves: the fast path that nearly every document takes.

`meshlint.resources.schema` reads the same schemas with jsonschema, to say what is wrong; a property test keeps the two
readings equal. A keyword that is not read here is an error at once, lest a schema say more than is checked.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from meshlint.source.node import Node

Schema = Mapping[str, Any]
Fits = Callable[[Node], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
_SILENT = frozenset({"$schema", "$defs", "x-versions", "type", "x-minDuration"})
_UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+)", re.ASCII)
_DURATION_PART = re.compile(r"([0-9.]+)(ns|us|µs|μs|ms|s|m|h)")
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[-+]\d\d:\d\d)", re.ASCII)
_BOUNDS = {"int32": 1 << 31, "int64": 1 << 63}


def compiled(schema: Schema) -> Fits:
    """The test that says whether a node fits the whole *schema*. Raises ValueError for a keyword it cannot read."""
    return _Compilation(schema.get("$defs", {})).test(schema)


def is_set(fields: Mapping[str, Any], name: str) -> bool:
    """Whether a field is there, with a value: null counts as absent."""
    below = fields.get(name)
    return (below.value if isinstance(below, Node) else below) is not None


def is_filled(fields: Mapping[str, Any], name: str) -> bool:
    """Whether a field is there, with at least one element or character."""
    below = fields.get(name)
    value = below.value if isinstance(below, Node) else below
    return value is not None and value not in ("", (), [])


def admits_null(schema: Schema) -> bool:
    """Whether null is a value of its own here, so that it does not count as absent."""
    return "null" in types_of(schema)


def types_of(schema: Schema) -> Sequence[str]:
    """The names of the types that fit; none means that all do."""
    names = schema.get("type", ())
    return (names,) if isinstance(names, str) else cast("Sequence[str]", names)


def is_duration(text: str, shortest: float = float("-inf")) -> bool:
    """Whether *text* is a duration in Go's notation, such as `1.5s` or `2h30m`, of at least *shortest* milliseconds."""
    length = milliseconds(text)
    return length is not None and length >= shortest


@lru_cache(maxsize=4096)
def milliseconds(text: str) -> float | None:
    """The length of a duration in Go's notation; None where the text is none."""
    if not _DURATION.fullmatch(text):
        return None
    length = sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))
    return -length if text.startswith("-") else length


def is_formatted(format_name: str, value: object) -> bool:
    """Whether a value has the format; one of a type that the format does not speak about has it."""
    if format_name in _BOUNDS:
        bound = _BOUNDS[format_name]
        return not isinstance(value, int | float) or isinstance(value, bool) or -bound <= value < bound
    if not isinstance(value, str):
        return True
    if format_name == "duration":
        return is_duration(value)
    return (_BASE64 if format_name == "byte" else _DATE_TIME).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def is_match(pattern: str, text: str) -> bool:
    """Whether *pattern*, in Go's notation, matches somewhere in *text*."""
    # Python's `$` also matches before a final line break, Go's does not.
    return re.search(re.sub(r"\\.|\[\^?\]?[^]]*\]|\$", _end_of_text, pattern), text, re.ASCII) is not None


def _end_of_text(token: "re.Match[str]") -> str:
    return r"\Z" if token[0] == "$" else token[0]


def repeated(elements: Sequence[object], keys: Sequence[str]) -> Iterator[int]:
    """The indices of plain elements that *keys* do not tell from an earlier one; without keys, equal elements.

    An element without any of the keys repeats none: what it lacks is another mistake.
    """
    seen = set()
    for index, element in enumerate(elements):
        named = isinstance(element, Mapping) and [element.get(key) for key in keys]
        if keys and not (named and any(value is not None for value in named)):
            continue
        identity = repr(named if keys else element)
        if identity in seen:
            yield index
        seen.add(identity)


class _Compilation:
    """The tests of one schema's definitions, each made once."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._made: dict[str, Fits] = {}

    def test(self, schema: Schema) -> Fits:
        reference = schema.get("$ref")
        if reference is not None:
            name = reference.removeprefix("#/$defs/")
            if name not in self._made:
                self._made[name] = self.test(self._definitions[name])
            return self._made[name]
        unread = schema.keys() - _SILENT - _OBJECT.keys() - _LIST.keys() - _SCALAR.keys() - {*_FIELDS, "items"}
        if unread:
            raise ValueError(f"no reading of {sorted(unread)} in a schema")
        types = types_of(schema)
        if "object" in types:
            return self._object(schema, is_nullable="null" in types)
        if "array" in types:
            return self._list(schema, is_nullable="null" in types)
        return _scalar(schema)

    def _object(self, schema: Schema, *, is_nullable: bool) -> Fits:
        # A field that is null counts as absent, so its test never sees null.
        tests = {name: self.test(below) for name, below in schema.get("properties", {}).items()}
        values = schema.get("additionalProperties", True)
        is_open = values is not False
        other = self.test(values) if isinstance(values, Mapping) else None
        whole = [make(schema[key], schema) for key, make in _OBJECT.items() if key in schema]
        find = tests.get

        def fits(node: Node) -> bool:
            fields = node.value
            if not isinstance(fields, Mapping):
                return is_nullable and fields is None
            for name, below in fields.items():
                test = find(name)
                if test is None:
                    if not is_open:
                        return False
                    test = other
                if test is not None and below.value is not None and not test(below):
                    return False
            return all(check(fields) for check in whole) if whole else True

        return fits

    def _list(self, schema: Schema, *, is_nullable: bool) -> Fits:
        test = self.test(schema["items"]) if "items" in schema else None
        whole = [make(schema[key]) for key, make in _LIST.items() if key in schema]

        def fits(node: Node) -> bool:
            elements = node.value
            if not isinstance(elements, tuple):
                return is_nullable and elements is None
            if test is not None:
                for element in elements:
                    if not test(element):
                        return False
            return all(check(elements) for check in whole) if whole else True

        return fits


def _scalar(schema: Schema) -> Fits:
    names = types_of(schema)
    types = frozenset(kind for name in names for kind in _TYPES[name])
    checks = [make(schema[key], schema) for key, make in _SCALAR.items() if key in schema]
    takes_whole_floats = "integer" in names and "number" not in names

    def has_type(node: Node) -> bool:
        value = node.value
        return type(value) in types or (takes_whole_floats and isinstance(value, float) and value.is_integer())

    def fits(node: Node) -> bool:
        return has_type(node) and all(check(node.value) for check in checks)

    if not types:
        return lambda node: all(check(node.value) for check in checks)
    return fits if checks else has_type


def _number(check: Callable[[float], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, int | float) or isinstance(value, bool) or check(value)


def _text(check: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def _format(name: str, schema: Schema) -> Callable[[object], bool]:
    if "x-minDuration" in schema:
        return _text(lambda text: is_duration(text, schema["x-minDuration"]))
    return lambda value: is_formatted(name, value)


def _names_required(names: Sequence[str], schema: Schema) -> Callable[[Mapping[str, Node]], bool]:
    properties = schema.get("properties", {})
    nullable = frozenset(name for name in names if admits_null(properties.get(name, {})))
    return lambda fields: all(is_set(fields, name) or (name in nullable and name in fields) for name in names)


_FIELDS = ("properties", "additionalProperties")

_OBJECT: Mapping[str, Callable[[Any, Schema], Callable[[Mapping[str, Node]], bool]]] = {
    "required": _names_required,
    "x-oneOf": lambda groups, _: lambda fields: all(sum(is_set(fields, n) for n in group) <= 1 for group in groups),
    "x-anyOf": lambda groups, _: lambda fields: all(any(is_set(fields, n) for n in group) for group in groups),
    "x-filled": lambda names, _: lambda fields: all(is_filled(fields, name) for name in names),
    "minProperties": lambda least, _: lambda fields: len(fields) >= least,
    "maxProperties": lambda most, _: lambda fields: len(fields) <= most,
}

_LIST: Mapping[str, Callable[[Any], Callable[[tuple[Node, ...]], bool]]] = {
    "minItems": lambda least: lambda elements: len(elements) >= least,
    "maxItems": lambda most: lambda elements: len(elements) <= most,
    "x-unique": lambda keys: (
        lambda elements: not any(True for _ in repeated([element.plain for element in elements], keys))
    ),
}

_SCALAR: Mapping[str, Callable[[Any, Schema], Callable[[object], bool]]] = {
    "enum": lambda values, _: lambda value: value is None or value in values,
    "x-names": lambda names, _: _text(lambda text: text in names),
    "minimum": lambda least, _: _number(lambda value: value >= least),
    "maximum": lambda most, _: _number(lambda value: value <= most),
    "minLength": lambda least, _: _text(lambda text: len(text) >= least),
    "maxLength": lambda most, _: _text(lambda text: len(text) <= most),
    "pattern": lambda pattern, _: _text(lambda text: is_match(pattern, text)),
    "format": _format,
}
