"""Whether a document fits the schema of its kind, and if not, what is wrong and where.

Documents that fit, nearly all of them, are decided by `fit` alone; only for the others is jsonschema imported.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, cast

from meshlint import data
from meshlint.resources.fit import (
    Fits,
    Schema,
    admits_null,
    compiled,
    is_duration,
    is_formatted,
    is_match,
    repeated,
)
from meshlint.resources.mistake import Flaw, Mistake, Violation, violations_of
from meshlint.source.node import Node, Plain

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["Flaw", "Violation", "fits", "is_known", "violations"]


def is_known(api_version: str, kind: str) -> bool:
    """Whether there is a schema for *kind* in *api_version*."""
    return _file(api_version, kind) is not None


def fits(root: Node, api_version: str, kind: str) -> bool:
    """Whether a document fits the schema of its kind; one of an unknown kind fits."""
    file = _file(api_version, kind)
    return file is None or _fits(file)(root)


def violations(root: Node, api_version: str, kind: str) -> tuple[Violation, ...]:
    """Everything about a document that does not fit the schema of its kind, in the document's order.

    The mesh configuration has the apiVersion `meshlint/v1` and the kinds MeshConfig, MeshNetworks and ProxyConfig.
    """
    file = _file(api_version, kind)
    if file is None or _fits(file)(root):
        return ()
    return violations_of(mistakes(root.plain, schema_in(file)), root, schema_in(file))


def mistakes(plain: Plain, schema: Schema) -> Iterator[Mistake]:
    """Every keyword of *schema* that a value without places fails, as jsonschema finds them."""
    validator = _reading()(schema)
    for error in validator.iter_errors(plain):
        names = tuple(error.message.split()) if error.validator in _ABOUT_FIELDS else ()
        yield Mistake(str(error.validator), tuple(error.absolute_path), cast("Schema", error.schema), names)


@cache
def schema_in(file: str) -> Schema:
    """The schema that a file of `schemas/` holds."""
    return cast("Schema", json.loads(data.text("schemas", file)))


@cache
def files() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The file that holds each schema, by group, kind and apiVersion."""
    return cast("Mapping[str, Mapping[str, Mapping[str, str]]]", json.loads(data.text("schemas", "index.json")))


def _file(api_version: str, kind: str) -> str | None:
    group = api_version.rpartition("/")[0] or "core"
    return files().get(group, {}).get(kind, {}).get(api_version)


@cache
def _fits(file: str) -> Fits:
    return compiled(schema_in(file))


_ABOUT_FIELDS = frozenset({"required", "x-oneOf", "x-anyOf"})


@lru_cache(maxsize=1)
def _reading() -> "type[Validator]":
    """jsonschema, taught our keywords and that a field which is null is absent."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError
    from jsonschema.validators import extend

    def keyword(find: Any) -> Any:
        def check(_: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            for path, names in find(value, instance, schema):
                yield ValidationError(" ".join(names), path=path)

        return check

    def below(find: Any) -> Any:
        def check(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            for name, inner in find(value, instance, schema):
                if inner is False:
                    yield ValidationError("", path=[name])
                elif instance[name] is not None:
                    yield from validator.descend(instance[name], inner, path=name, schema_path=name)

        return check

    ours = {name: keyword(find) for name, find in _KEYWORDS.items()} | {
        "properties": below(_named),
        "additionalProperties": below(_other),
    }
    return cast("type[Validator]", extend(Draft202012Validator, ours))  # type: ignore[no-untyped-call]


Found = Iterator[tuple[Sequence[str | int], Sequence[str]]]
"""Paths, from the value that a keyword is about, to what fails it, and the fields concerned."""


def _named(properties: Mapping[str, Schema], instance: Any, _: Schema) -> Iterator[tuple[str, Schema]]:
    if isinstance(instance, dict):
        yield from ((name, schema) for name, schema in properties.items() if name in instance)


def _other(values: Schema | bool, instance: Any, schema: Schema) -> Iterator[tuple[str, Schema | bool]]:
    if isinstance(instance, dict) and values is not True:
        yield from ((name, values) for name in instance if name not in schema.get("properties", {}))


def _required(names: list[str], instance: Any, schema: Schema) -> Found:
    properties = schema.get("properties", {})
    for name in names if isinstance(instance, dict) else ():
        is_given = name in instance and admits_null(properties.get(name, {}))
        if instance.get(name) is None and not is_given:
            yield [], [name]


def _one_of(groups: list[list[str]], instance: Any, _: Schema) -> Found:
    for group in groups if isinstance(instance, dict) else ():
        written = [name for name in group if instance.get(name) is not None]
        if len(written) > 1:
            yield [], written


def _any_of(groups: list[list[str]], instance: Any, _: Schema) -> Found:
    for group in groups if isinstance(instance, dict) else ():
        if all(instance.get(name) is None for name in group):
            yield [], group


def _unique(keys: list[str], instance: Any, _: Schema) -> Found:
    if isinstance(instance, list):
        yield from (([index], []) for index in repeated(instance, keys))


def _enum(values: list[Plain], instance: Any, _: Schema) -> Found:
    if instance is not None and instance not in values:
        yield [], []


def _names(names: list[str], instance: Any, _: Schema) -> Found:
    if isinstance(instance, str) and instance not in names:
        yield [], []


def _pattern(pattern: str, instance: Any, _: Schema) -> Found:
    if isinstance(instance, str) and not is_match(pattern, instance):
        yield [], []


def _format(name: str, instance: Any, schema: Schema) -> Found:
    is_short = isinstance(instance, str) and not is_duration(instance, schema.get("x-minDuration", float("-inf")))
    if not is_formatted(name, instance) or (name == "duration" and is_short):
        yield [], []


_KEYWORDS = {
    "required": _required,
    "x-oneOf": _one_of,
    "x-anyOf": _any_of,
    "x-unique": _unique,
    "x-names": _names,
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
}
