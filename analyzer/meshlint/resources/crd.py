"""From a CustomResourceDefinition to the schemas of its kind: the facts that meshlint checks, without the prose.

The schemas are JSON Schema (draft 2020-12) with keywords of our own:

- `x-versions`: the apiVersions a schema is for.
- `x-oneOf`: groups of fields of which at most one may be set.
- `x-anyOf`: groups of fields of which at least one must be set.
- `x-filled`: the fields of which Istio's validator, not the schema, wants at least one element or character.
- `x-unique`: the fields that tell the elements of a list apart; none where the elements themselves do.
- `x-names`: what a string may be, where other types fit too.
- `x-minDuration`: the shortest duration, in milliseconds.

A field that is null counts as absent, unless its type admits null.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_BOUNDS = {
    "minimum": int | float, "maximum": int | float, "minLength": int, "maxLength": int,
    "minItems": int, "maxItems": int, "minProperties": int, "maxProperties": int,
}  # fmt: skip
_FORMATS = ("int32", "int64", "byte", "date-time")
_TYPES = ("string", "boolean", "integer", "number", "array", "object")
_AT_MOST_ONE = re.compile(r"(\(has\(self\.\w+\) \? 1 : 0\)( \+ )?)+ <= 1|!\(has\(self\.\w+\) && has\(self\.\w+\)\)")
_AT_LEAST_ONE = re.compile(r"has\(self\.\w+\)( \|\| has\(self\.\w+\))+")
_EXACTLY_ONE = re.compile(r"has\(self\.\w+\) != has\(self\.\w+\)")


class NoDefinition(Exception):  # noqa: N818 - it says what an object is not; the caller says where it stands
    """An object that calls itself a CustomResourceDefinition is none; the message says what is amiss."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a CustomResourceDefinition defines: a kind, and the schema of each served version by its name."""

    group: str
    kind: str
    versions: Mapping[str, Schema]


def definition(crd: object) -> Definition:
    """The kind that a CustomResourceDefinition defines, in either of its own versions; raises NoDefinition."""
    spec = _mapping(_mapping(crd).get("spec"))
    group, kind = spec.get("group"), _mapping(spec.get("names")).get("kind")
    if not isinstance(group, str) or not isinstance(kind, str):
        raise NoDefinition("a CustomResourceDefinition says its `spec.group` and `spec.names.kind`")
    shared = _mapping(spec.get("validation")).get("openAPIV3Schema")
    # v1beta1 keeps unknown fields unless told otherwise, v1 the other way round.
    keeps = spec.get("preserveUnknownFields", str(_mapping(crd).get("apiVersion")).endswith("v1beta1")) is True
    versions = [_mapping(version) for version in _elements(spec.get("versions"))]
    if not versions and isinstance(spec.get("version"), str):
        versions = [{"name": spec["version"], "served": True}]
    found = {
        str(version["name"]): _whole(_mapping(version.get("schema")).get("openAPIV3Schema") or shared, is_open=keeps)
        for version in versions
        if version.get("served") is True and isinstance(version.get("name"), str)
    }
    if not found:
        raise NoDefinition(f"the CustomResourceDefinition of {kind} has no version that is served")
    return Definition(group, kind, found)


def whole_object(schema: Schema, name: str) -> Schema:
    """The schema of a whole object: what every kind has, and a status that is nobody's mistake."""
    texts = {"type": "object", "additionalProperties": {"type": "string"}}
    metadata = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "pattern": name},
            "generateName": {"type": "string"},
            "namespace": {"type": "string"},
            "labels": texts,
            "annotations": texts,
        },
        "x-anyOf": [["name", "generateName"]],
    }
    common = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata}
    own = {field: below for field, below in schema.get("properties", {}).items() if field not in common}
    if "status" in own:
        own["status"] = {"type": "object"}
    required = ["metadata", *(field for field in schema.get("required", ()) if field in own)]
    return {**schema, "properties": common | own, "required": required}


def name_pattern(kind: str) -> str:
    """What a name must look like, by the kind of name Kubernetes asks for."""
    return f"^{_LABEL}$" if kind == "label" else rf"^{_LABEL}(\.{_LABEL})*$"


def _whole(openapi: object, *, is_open: bool) -> Schema:
    known = from_openapi(_mapping(openapi))
    if known.get("type") != "object" or not known.get("properties"):
        known, is_open = {"type": "object"}, True
    if is_open:
        known = {key: value for key, value in opened(known).items() if key != "additionalProperties"}
    return whole_object(known, name_pattern("subdomain"))


def from_openapi(openapi: Mapping[str, Any]) -> Schema:
    """The facts of one OpenAPI schema."""
    schema: Schema = {}
    kind = openapi.get("type")
    if openapi.get("x-kubernetes-int-or-string") is True:
        schema["type"] = ["integer", "string"]
    elif kind in _TYPES:
        schema["type"] = [kind, "null"] if openapi.get("nullable") is True else kind
    schema |= _scalar_facts(openapi, is_scalar=kind not in ("array", "object"))
    if kind == "object":
        schema |= _object_facts(openapi)
    if kind == "array" and isinstance(openapi.get("items"), Mapping):
        schema["items"] = from_openapi(openapi["items"])
        if openapi.get("x-kubernetes-list-type") in {"map", "set"}:
            schema["x-unique"] = openapi.get("x-kubernetes-list-map-keys", [])
    for rule in _elements(openapi.get("x-kubernetes-validations")):
        add_rule(schema, str(_mapping(rule).get("rule", "")))
    return schema


def _scalar_facts(openapi: Mapping[str, Any], *, is_scalar: bool) -> Schema:
    schema: Schema = {}
    if is_scalar and _elements(openapi.get("enum")):
        schema["enum"] = openapi["enum"]
    if is_scalar and isinstance(openapi.get("pattern"), str) and _is_readable(openapi["pattern"]):
        schema["pattern"] = openapi["pattern"]
    schema |= {key: openapi[key] for key, number in _BOUNDS.items() if isinstance(openapi.get(key), number)}
    if openapi.get("format") in _FORMATS:
        schema["format"] = openapi["format"]
    return schema


def _is_readable(pattern: str) -> bool:
    """Whether Python can read a pattern of Go's; one that it cannot is left out, lest it be misread."""
    if "[:" in pattern or r"\z" in pattern:
        return False
    try:
        re.compile(pattern, re.ASCII)
    except re.error:
        return False
    return True


def _object_facts(openapi: Mapping[str, Any]) -> Schema:
    """Which fields an object has, and whether it may have others."""
    schema: Schema = {}
    values = openapi.get("additionalProperties")
    properties = _mapping(openapi.get("properties"))
    if properties:
        schema["properties"] = {field: from_openapi(_mapping(below)) for field, below in properties.items()}
    if isinstance(values, Mapping):
        schema["additionalProperties"] = from_openapi(values)
    elif not values and not openapi.get("x-kubernetes-preserve-unknown-fields"):
        schema["additionalProperties"] = False
    # A default is filled in before the object is checked.
    required = [
        field for field in _elements(openapi.get("required")) if "default" not in _mapping(properties.get(field))
    ]
    if required:
        schema["required"] = required
    for part in (openapi, *map(_mapping, _elements(openapi.get("allOf")))):
        _add_alternatives(schema, list(map(_mapping, _elements(part.get("oneOf")))))
    return schema


def _add_alternatives(schema: Schema, alternatives: Sequence[Mapping[str, Any]]) -> None:
    """Add a protobuf oneof: alternatives that require one field each, and perhaps one that forbids them all."""
    members = [names[0] for one in alternatives if (names := _elements(one.get("required")))]
    if not members or any(not isinstance(name, str) for name in members):
        return
    if not any("not" in one for one in alternatives):
        schema.setdefault("x-anyOf", []).append(members)
    if len(members) > 1:
        schema.setdefault("x-oneOf", []).append(members)


def add_rule(schema: Schema, rule: str) -> None:
    """Add what a CEL rule says, if it is one of the few shapes that are plain facts."""
    members = sorted(set(re.findall(r"has\(self\.(\w+)\)", rule)))
    if rule == "duration(self) >= duration('1ms')":
        schema |= {"format": "duration", "x-minDuration": 1}
    elif rule == "0 < self && self <= 65535":
        schema |= {"minimum": 1, "maximum": 65535}
    elif re.fullmatch(r'self in \["[^"\\]*"(, *"[^"\\]*")*\]', rule):
        schema["enum"] = json.loads(rule.removeprefix("self in "))
    elif _AT_LEAST_ONE.fullmatch(rule) or _EXACTLY_ONE.fullmatch(rule):
        schema.setdefault("x-anyOf", []).append(members)
    elif _AT_MOST_ONE.fullmatch(rule) and members not in schema.get("x-oneOf", []):
        schema.setdefault("x-oneOf", []).append(members)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _elements(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def without(schema: Any, keywords: Iterable[str]) -> Any:
    """The same schema without some of its keywords, wherever they stand; a field may be called as a keyword is."""
    if isinstance(schema, list):
        return [without(below, keywords) for below in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in ("properties", "$defs"):
            kept[key] = {name: without(below, keywords) for name, below in value.items()}
        elif key not in keywords:
            kept[key] = without(value, keywords)
    return kept


def opened(schema: Any) -> Any:
    """The same schema, with other fields beside those it knows."""
    if isinstance(schema, list):
        return [opened(below) for below in schema]
    if not isinstance(schema, dict):
        return schema
    closed = schema.get("additionalProperties") is False
    return {key: opened(value) for key, value in schema.items() if not (closed and key == "additionalProperties")}
