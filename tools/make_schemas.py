"""Writes `schemas/` anew from CustomResourceDefinition files and from the tables in `tools/facts/`.

    python tools/make_schemas.py istio-crds.yaml gateway-api-crds.yaml

The output is JSON Schema (draft 2020-12) with six keywords of our own:

- `x-versions`: the apiVersions a schema is for.
- `x-oneOf`: groups of fields of which at most one may be set.
- `x-anyOf`: groups of fields of which at least one must be set.
- `x-unique`: the fields that tell the elements of a list apart; none where the elements themselves do.
- `x-names`: what a string may be, where other types fit too.
- `x-minDuration`: the shortest duration, in milliseconds.

A field that is null counts as absent, unless its type admits null. Descriptions are left out.

Notation of the tables: a key is a field's name, then `[]` for each list and `{}` for each map around the value, then `!`
if the field is required. A value is a type (`string`, `integer 1..65535`, `duration`, `one of A B`, `empty`, `open` for
any mapping), the name of an entry under `types`, or a mapping of fields. `(one of)` lists exclusive fields, `...: open`
says that there are more.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

Schema = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
FACTS = Path(__file__).resolve().parent / "facts"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
KEPT = (
    "enum", "pattern", "minimum", "maximum", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
FORMATS = ("int32", "int64", "byte", "date-time")
AT_MOST_ONE = re.compile(r"(\(has\(self\.\w+\) \? 1 : 0\)( \+ )?)+ <= 1|!\(has\(self\.\w+\) && has\(self\.\w+\)\)")
AT_LEAST_ONE = re.compile(r"has\(self\.\w+\)( \|\| has\(self\.\w+\))+")
EXACTLY_ONE = re.compile(r"has\(self\.\w+\) != has\(self\.\w+\)")
WIDTH = 120
SHARED = 160
"""A subschema whose text is at least this long is written once."""


def main(paths: Iterable[str]) -> None:
    """Write every schema and the index of them."""
    kinds: dict[tuple[str, str], dict[str, Schema]] = {}
    for path in paths:
        for crd in yaml.load_all(Path(path).read_text(), Loader=yaml.CSafeLoader):
            if crd and crd["kind"] == "CustomResourceDefinition":
                spec = crd["spec"]
                kinds[spec["group"], spec["names"]["kind"]] = served(spec)
    kinds |= kubernetes_kinds() | mesh_kinds()
    index: dict[str, dict[str, dict[str, str]]] = {}
    for (group, kind), versions in sorted(kinds.items()):
        index.setdefault(group or "core", {})[kind] = write_kind(group, kind, versions)
    write(ROOT / "schemas" / "index.json", index)


def served(spec: Mapping[str, Any]) -> dict[str, Schema]:
    """The schema of each served version of a CustomResourceDefinition."""
    return {
        version["name"]: resource(from_crd(version["schema"]["openAPIV3Schema"]), name_pattern("subdomain"))
        for version in spec["versions"]
        if version["served"]
    }


def resource(schema: Schema, name: str) -> Schema:
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
    own = {field: below for field, below in schema["properties"].items() if field not in common}
    if "status" in own:
        own["status"] = {"type": "object"}
    required = ["metadata", *(field for field in schema.get("required", ()) if field in own)]
    return {**schema, "properties": common | own, "required": required}


def name_pattern(kind: str) -> str:
    """What a name must look like, by the kind of name Kubernetes asks for."""
    return f"^{LABEL}$" if kind == "label" else rf"^{LABEL}(\.{LABEL})*$"


# From a CustomResourceDefinition


def from_crd(openapi: Mapping[str, Any]) -> Schema:
    """The facts of one OpenAPI schema."""
    schema: Schema = {}
    if openapi.get("x-kubernetes-int-or-string"):
        schema["type"] = ["integer", "string"]
    elif "type" in openapi:
        schema["type"] = [openapi["type"], "null"] if openapi.get("nullable") else openapi["type"]
    schema |= {key: openapi[key] for key in KEPT if key in openapi}
    if openapi.get("format") in FORMATS:
        schema["format"] = openapi["format"]
    if openapi.get("type") == "object":
        schema |= object_facts(openapi)
    if "items" in openapi:
        schema["items"] = from_crd(openapi["items"])
        if openapi.get("x-kubernetes-list-type") in {"map", "set"}:
            schema["x-unique"] = openapi.get("x-kubernetes-list-map-keys", [])
    for rule in openapi.get("x-kubernetes-validations", ()):
        add_rule(schema, rule["rule"])
    return schema


def object_facts(openapi: Mapping[str, Any]) -> Schema:
    """Which fields an object has, and whether it may have others."""
    schema: Schema = {}
    values = openapi.get("additionalProperties")
    properties = openapi.get("properties", {})
    if properties:
        schema["properties"] = {field: from_crd(below) for field, below in properties.items()}
    if isinstance(values, Mapping):
        schema["additionalProperties"] = from_crd(values)
    elif not values and not openapi.get("x-kubernetes-preserve-unknown-fields"):
        schema["additionalProperties"] = False
    # A default is filled in before the object is checked.
    required = [field for field in openapi.get("required", ()) if "default" not in properties.get(field, {})]
    if required:
        schema["required"] = required
    for alternatives in (part.get("oneOf") for part in (openapi, *openapi.get("allOf", ()))):
        add_alternatives(schema, alternatives or ())
    return schema


def add_alternatives(schema: Schema, alternatives: Iterable[Mapping[str, Any]]) -> None:
    """Add a protobuf oneof: alternatives that require one field each, and perhaps one that forbids them all."""
    members = [one["required"][0] for one in alternatives if "required" in one]
    if not members:
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
    elif rule.startswith("self in ["):
        schema["enum"] = json.loads(rule.removeprefix("self in "))
    elif AT_LEAST_ONE.fullmatch(rule) or EXACTLY_ONE.fullmatch(rule):
        schema.setdefault("x-anyOf", []).append(members)
    elif AT_MOST_ONE.fullmatch(rule) and members not in schema.get("x-oneOf", []):
        schema.setdefault("x-oneOf", []).append(members)


# From the tables


def kubernetes_kinds() -> dict[tuple[str, str], dict[str, Schema]]:
    """The core kinds of Kubernetes, each with its one version."""
    table = read("kubernetes.yaml")
    kinds = {}
    for key, entry in table["kinds"].items():
        api_version, _, kind = key.rpartition("/")
        group, _, version = api_version.rpartition("/")
        schema = from_fields(entry["fields"], table["types"])
        if entry["coverage"] == "some":
            schema = loosened(schema)
        whole = resource(schema, name_pattern(entry["name"]))
        kinds[group, kind] = {version: whole}
    return kinds


def loosened(schema: Any) -> Any:
    """The same schema for a kind of which only a part is known, and which overlays write in part."""
    if isinstance(schema, list):
        return [loosened(below) for below in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "object":
        schema = {key: value for key, value in schema.items() if key != "required"}
        if schema.get("additionalProperties") is False:
            del schema["additionalProperties"]
    return {key: loosened(value) for key, value in schema.items()}


def mesh_kinds() -> dict[tuple[str, str], dict[str, Schema]]:
    """The mesh configuration's messages, as kinds of the group `meshlint`."""
    types = read("mesh_config.yaml")["types"]
    return {
        ("meshlint", kind): {"v1": as_protobuf(from_fields(types[kind], types))}
        for kind in ("MeshConfig", "MeshNetworks", "ProxyConfig")
    }


def as_protobuf(schema: Any) -> Any:
    """The same schema as protobuf's JSON reading has it."""
    if isinstance(schema, list):
        return [as_protobuf(below) for below in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {key: as_protobuf(value) for key, value in schema.items()}
    if "enum" in schema:
        schema = {"type": ["string", "integer"], "x-names": schema["enum"]}
    elif schema.get("type") == "integer":
        schema |= {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"}
    elif schema.get("type") == "number":
        schema |= {"type": ["number", "string"], "pattern": "^-?([0-9.]+([eE][-+]?[0-9]+)?|NaN|Infinity)$"}
    elif "properties" in schema:
        schema["properties"] |= {
            spelling: below
            for field, below in schema["properties"].items()
            if (spelling := snake_case(field)) not in schema["properties"]
        }
    return schema


def snake_case(field: str) -> str:
    """The name of a protobuf field whose JSON name is *field*."""
    irregular = {"meshMTLS": "mesh_mTLS", "enable64bitTraceId": "enable_64bit_trace_id"}
    return irregular.get(field) or re.sub("[A-Z]", lambda letter: "_" + letter[0].lower(), field)


def read(name: str) -> Any:
    """A table of facts."""
    return yaml.load((FACTS / name).read_text(), Loader=yaml.CSafeLoader)


def from_fields(fields: Mapping[str, Any], types: Mapping[str, Any]) -> Schema:
    """The object with these *fields*."""
    schema: Schema = {"type": "object", "properties": {}, "additionalProperties": False}
    for key, value in fields.items():
        if key == "...":
            del schema["additionalProperties"]
        elif key == "(one of)":
            schema["x-oneOf"] = [group for group in value if len(group) > 1]
        else:
            name = re.sub(r"[\[\]{}!]+$", "", key)
            schema["properties"][name] = wrapped(from_value(value, types), key.removeprefix(name))
            if key.endswith("!"):
                schema.setdefault("required", []).append(name)
    return {key: value for key, value in schema.items() if value != []}


def wrapped(schema: Schema, suffix: str) -> Schema:
    """Lists and maps around *schema*, the last one innermost."""
    for around in reversed(re.findall(r"\[\]|\{\}", suffix)):
        if around == "[]":
            schema = {"type": "array", "items": schema}
        else:
            schema = {"type": "object", "additionalProperties": schema}
    return schema


def from_value(value: Any, types: Mapping[str, Any]) -> Schema:
    """The schema of one value of a table."""
    if isinstance(value, Mapping):
        return from_fields(value, types)
    if value in types:
        return from_fields(types[value], types)
    name, _, rest = value.partition(" ")
    if value.startswith("one of "):
        return {"type": "string", "enum": rest.split()[1:]}
    if name == "integer":
        lowest, _, highest = rest.partition("..")
        bounds = {"minimum": lowest, "maximum": highest}
        return {"type": "integer"} | {key: int(bound) for key, bound in bounds.items() if bound}
    scalars: dict[str, Schema] = {
        "string": {"type": "string"},
        "boolean": {"type": "boolean"},
        "number": {"type": "number"},
        "duration": {"type": "string", "format": "duration"},
        "int-or-string": {"type": ["integer", "string"]},
        "open": {"type": "object"},
        "empty": {"type": "object", "additionalProperties": False},
    }
    return dict(scalars[value])


# Writing


def write_kind(group: str, kind: str, versions: Mapping[str, Schema]) -> dict[str, str]:
    """Write a file for each different schema of a kind; the file of each apiVersion."""
    same: dict[str, list[str]] = {}
    for version, schema in versions.items():
        same.setdefault(json.dumps(schema), []).append(version)
    files: dict[str, str] = {}
    for schema_text, equal in same.items():
        api_versions = [f"{group}/{version}" if group else version for version in equal]
        suffix = "" if len(same) == 1 else "." + equal[0]
        file = f"{group or 'core'}/{kind}{suffix}.json"
        head = {"$schema": DRAFT, "x-versions": api_versions}
        write(ROOT / "schemas" / file, head | shared(json.loads(schema_text)))
        files |= dict.fromkeys(api_versions, file)
    return files


def shared(schema: Schema) -> Schema:
    """The same schema with each large repeated part moved to `$defs`."""
    counts: Counter[str] = Counter()
    definitions: dict[str, Schema] = {}
    names: dict[str, str] = {}

    def count(value: Any) -> None:
        if isinstance(value, dict):
            text = json.dumps(value)
            counts[text] += 1
            if counts[text] > 1:
                return
        for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            count(below)

    def replaced(value: Any, name: str) -> Any:
        if isinstance(value, list):
            return [replaced(below, name) for below in value]
        if not isinstance(value, dict):
            return value
        text = json.dumps(value)
        below_names = {key: name if key in {"items", "additionalProperties", "properties"} else key for key in value}
        if counts[text] < 2 or len(text) < SHARED or not isinstance(value.get("type"), str | list):
            return {key: replaced(below, below_names[key]) for key, below in value.items()}
        if text not in names:
            names[text] = free_name(name, definitions)
            definitions[names[text]] = {}
            definitions[names[text]] |= {key: replaced(below, below_names[key]) for key, below in value.items()}
        return {"$ref": "#/$defs/" + names[text]}

    count(schema)
    body: Schema = {key: replaced(value, key) for key, value in schema.items()}
    return body | ({"$defs": definitions} if definitions else {})


def free_name(name: str, taken: Mapping[str, Schema]) -> str:
    """*name*, with a number if it is *taken*."""
    number = 2
    free = name
    while free in taken:
        free, number = f"{name}{number}", number + 1
    return free


def write(path: Path, value: Any) -> None:
    """Write *value* as JSON, a line for whatever fits on one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(laid_out(value, 0) + "\n")


def laid_out(value: Any, indent: int) -> str:
    """JSON that reads and compares well: short values stay on one line."""
    line = json.dumps(value, separators=(",", ":"))
    if len(line) + indent <= WIDTH or not isinstance(value, dict):
        return line
    entries = (f"{' ' * indent} {json.dumps(key)}:{laid_out(below, indent + 1)}" for key, below in value.items())
    return "{\n" + ",\n".join(entries) + "\n" + " " * indent + "}"


if __name__ == "__main__":
    main(sys.argv[1:])
