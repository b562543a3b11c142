"""Whether a document fits the schema of its kind, and if not, what is wrong and where.

Documents that fit, nearly all of them, are decided by `fit` alone; only for the others is jsonschema imported.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from meshlint import data
from meshlint.resources.crd import Definition, opened, without
from meshlint.resources.fit import (
    Fits,
    Schema,
    admits_null,
    compiled,
    is_duration,
    is_filled,
    is_formatted,
    is_match,
    repeated,
)
from meshlint.resources.mistake import Flaw, Mistake, Violation, violations_of
from meshlint.source.node import Node, Plain

if TYPE_CHECKING:
    from jsonschema.protocols import Validator

__all__ = ["Flaw", "Own", "Reading", "Violation", "fits", "is_known", "own", "violations"]


Release = tuple[int, int]
"""A release of Istio, as major and minor number."""
NEWEST: Release = (1, 30)
"""The release whose kinds the schemas describe, beside those of 1.0."""
_FIRST_WITHOUT_OLD_FIELDS: Release = (1, 6)
_FIRST_WITHOUT_OLD_KINDS: Release = (1, 8)


@dataclass(frozen=True, eq=False)
class Reading:
    """A schema, and the test whether a node fits it, made when it is first asked for."""

    schema: Schema

    @cached_property
    def fits(self) -> Fits:
        """Whether a node fits the schema."""
        return compiled(self.schema)


Own = Mapping[tuple[str, str], Reading]
"""The schemas of the user's own kinds, by apiVersion and kind. They take precedence over those that meshlint has."""
_NONE: Own = MappingProxyType({})


def own(definitions: Iterable[Definition]) -> Own:
    """The schemas of the kinds that a user's CustomResourceDefinitions define."""
    return {
        (f"{one.group}/{version}", one.kind): Reading(schema)
        for one in definitions
        for version, schema in one.versions.items()
    }


def is_known(api_version: str, kind: str, own: Own = _NONE) -> bool:
    """Whether there is a schema for *kind* in *api_version*."""
    return bool(_readings(api_version, kind, NEWEST, own))


def fits(root: Node, api_version: str, kind: str, release: Release = NEWEST, own: Own = _NONE) -> bool:
    """Whether a document fits the schema of its kind; one of an unknown kind fits."""
    readings = _readings(api_version, kind, release, own)
    return not readings or any(reading.fits(root) for reading in readings)


def violations(
    root: Node, api_version: str, kind: str, release: Release = NEWEST, own: Own = _NONE
) -> tuple[Violation, ...]:
    """Everything about a document that does not fit the schema of its kind, in the document's order.

    *release* is the one aimed at; that it does not have a kind any more, or not yet, is no violation.
    The mesh configuration has the apiVersion `meshlint/v1` and the kinds MeshConfig, MeshNetworks and ProxyConfig.
    """
    readings = _readings(api_version, kind, release, own)
    if not readings or any(reading.fits(root) for reading in readings):
        return ()
    schema = readings[0].schema
    found = violations_of(mistakes(root.plain, schema), root, schema)
    return tuple(filter(_is_sure, found)) if root.document.is_guessed else found


def _is_sure(violation: Violation) -> bool:
    """Whether a violation holds wherever the lines belong of which that is not sure."""
    match violation.kind:
        case "wrong-type" | "invalid-value":
            return True
        case _:
            return violation.kind == "missing-field" and len(violation.node.path) <= 1


def mistakes(plain: Plain, schema: Schema) -> Iterator[Mistake]:
    """Every keyword of *schema* that a value without places fails, as jsonschema finds them."""
    validator = _reading()(schema)
    for error in validator.iter_errors(plain):
        names = tuple(error.message.split()) if error.validator in _ABOUT_FIELDS else ()
        yield Mistake(str(error.validator), tuple(error.absolute_path), cast("Schema", error.schema), names)


def _readings(api_version: str, kind: str, release: Release, own: Own) -> tuple[Reading, ...]:
    """The schemas of which a document has to fit one; mistakes are told as the first sees them."""
    if (api_version, kind) in own:
        return (own[api_version, kind],)
    new, old = (_file(index, api_version, kind) for index in ("index.json", "1.0/index.json"))
    if old is None:
        return () if new is None else (_reading_of(new),)
    if release < (1, 1):
        return (_reading_of(old),)
    if new is None:
        # What fields the kind had in the releases between, nobody has written down.
        return (_undemanding(old) if release >= _FIRST_WITHOUT_OLD_KINDS else _unsure(old),)
    # The fields that 1.0 had and the newest release has not went one by one (L98).
    return (_reading_of(new), _undemanding(old)) if release < _FIRST_WITHOUT_OLD_FIELDS else (_reading_of(new),)


@cache
def _reading_of(file: str) -> Reading:
    return Reading(cast("Schema", json.loads(data.text("schemas", file))))


@cache
def _undemanding(file: str) -> Reading:
    """The kind in itself: what 1.0's validator demanded is nothing to other releases."""
    return Reading(without(_reading_of(file).schema, {"x-filled"}))


@cache
def _unsure(file: str) -> Reading:
    return Reading(opened(_undemanding(file).schema))


@cache
def _index(file: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The file that holds each schema, by group, kind and apiVersion."""
    return cast("Mapping[str, Mapping[str, Mapping[str, str]]]", json.loads(data.text("schemas", file)))


def _file(index: str, api_version: str, kind: str) -> str | None:
    group = api_version.rpartition("/")[0] or "core"
    return _index(index).get(group, {}).get(kind, {}).get(api_version)


_ABOUT_FIELDS = frozenset({"required", "x-filled", "x-oneOf", "x-anyOf"})


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


def _filled(names: list[str], instance: Any, _: Schema) -> Found:
    for name in names if isinstance(instance, dict) else ():
        if not is_filled(instance, name):
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
    "x-filled": _filled,
    "x-oneOf": _one_of,
    "x-anyOf": _any_of,
    "x-unique": _unique,
    "x-names": _names,
    "enum": _enum,
    "pattern": _pattern,
    "format": _format,
}
