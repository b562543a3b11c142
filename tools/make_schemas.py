"""Writes `schemas/` anew from CustomResourceDefinition files and from the tables in `tools/facts/`.

    python tools/make_schemas.py istio-crds.yaml gateway-api-crds.yaml

Of several definitions of a kind the last one counts: name the Gateway API's experimental channel after the standard
one, of which it is a superset. The output is JSON Schema with keywords of our own, which `meshlint.resources.crd`
explains; `schemas/1.0/` has the kinds of Istio 1.0.

Notation of the tables: a key is a field's name, then `=` if protobuf has no other spelling of it, `[]` for each list and
`{}` for each map around the value, `!` if the field is required, `+` if the validator wants something in it. A value is a type (`string`, `integer 1..65535`, `duration`, `one of A B`, `empty`, `open` for
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

from meshlint.resources.crd import Schema, definition, name_pattern, whole_object

ROOT = Path(__file__).resolve().parent.parent
FACTS = Path(__file__).resolve().parent / "facts"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
MARKS = {"!": "required", "+": "x-filled", "=": "x-fixed"}
"""What follows a field's name, and the keyword that lists such fields; the last one is gone from the output."""
WIDTH = 120
SHARED = 160
"""A subschema whose text is at least this long is written once."""


Kinds = Mapping[tuple[str, str], Mapping[str, Schema]]
"""The schema of each version of each kind, by group and kind."""


def main(paths: Iterable[str]) -> None:
    """Write every schema and the two indexes of them, in place of those that are there."""
    for path in (ROOT / "schemas").glob("*/**/*.json"):
        path.unlink()
    write_kinds("", custom_kinds(paths) | kubernetes_kinds() | mesh_kinds())
    write_kinds("1.0/", legacy_kinds())


def custom_kinds(paths: Iterable[str]) -> dict[tuple[str, str], Mapping[str, Schema]]:
    """The kinds that the CustomResourceDefinitions in the files at *paths* define."""
    objects = (one for path in paths for one in yaml.load_all(Path(path).read_text(), Loader=yaml.CSafeLoader))
    found = [definition(one) for one in objects if one and one["kind"] == "CustomResourceDefinition"]
    return {(one.group, one.kind): with_newer(f"{one.group}/{one.kind}", one.versions) for one in found}


def with_newer(kind: str, versions: Mapping[str, Schema]) -> dict[str, Schema]:
    """The versions of a kind with the fields that later releases added."""
    schemas = dict(versions)
    for entry in read("newer.yaml"):
        if entry["kind"] == kind:
            added = from_fields(entry["fields"], {})["properties"]
            schemas = {version: extended(one, tuple(entry["within"]), added) for version, one in schemas.items()}
    return schemas


def extended(schema: Any, within: tuple[str, ...], added: Mapping[str, Schema], path: tuple[str, ...] = ()) -> Any:
    """The schema with *added* fields in every object that the fields *within* lead to, one after the other."""
    if not isinstance(schema, dict):
        return schema
    made = {key: extended(below, within, added, path) if key == "items" else below for key, below in schema.items()}
    if "properties" in schema:
        fields = schema["properties"].items()
        made["properties"] = {name: extended(below, within, added, (*path, name)) for name, below in fields}
        if path[-len(within) :] == within:
            made["properties"] |= added
    return made


# From the tables


def kubernetes_kinds() -> dict[tuple[str, str], dict[str, Schema]]:
    """The core kinds of Kubernetes, each with its version of today and earlier ones that it also fits."""
    table = read("kubernetes.yaml")
    kinds: dict[tuple[str, str], dict[str, Schema]] = {}
    for key, entry in table["kinds"].items():
        api_version, _, kind = key.rpartition("/")
        schema = from_fields(entry["fields"], table["types"])
        if entry["coverage"] == "some":
            schema = loosened(schema)
        whole = whole_object(schema, name_pattern(entry["name"]))
        for one in (api_version, *entry.get("also", ())):
            group, _, version = one.rpartition("/")
            kinds.setdefault((group, kind), {})[version] = whole
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
    messages = {
        kind: as_protobuf(from_fields(types[kind], types)) for kind in ("MeshConfig", "MeshNetworks", "ProxyConfig")
    }
    # An IstioOperator is read by istioctl alone, which asks for no name; of the rest of it each release knows another part.
    spec = {"type": "object", "properties": {"meshConfig": messages["MeshConfig"]}}
    operator = {"type": "object", "properties": {"metadata": {"type": "object"}, "spec": spec}}
    return {
        **{("meshlint", kind): {"v1": message} for kind, message in messages.items()},
        ("install.istio.io", "IstioOperator"): {"v1alpha1": operator},
    }


def legacy_kinds() -> dict[tuple[str, str], dict[str, Schema]]:
    """The kinds of Istio 1.0."""
    table = read("legacy.yaml")
    kinds = {}
    for key, fields in table["kinds"].items():
        group, version, kind = key.split("/")
        schema = as_protobuf(from_fields(fields, table["types"]))
        kinds[group, kind] = {version: whole_object(schema, name_pattern("subdomain"))}
    return kinds


def as_protobuf(schema: Schema) -> Schema:
    """The same schema as protobuf's JSON reading has it."""
    if "enum" in schema:
        return {"type": ["string", "integer"], "x-names": schema["enum"]}
    fixed = schema.get("x-fixed", ())
    made = {key: value for key, value in schema.items() if key != "x-fixed"}
    if schema.get("type") == "integer":
        made |= {"type": ["integer", "string"], "pattern": "^-?[0-9]+$"}
    elif schema.get("type") == "number":
        made |= {"type": ["number", "string"], "pattern": "^-?([0-9.]+([eE][-+]?[0-9]+)?|NaN|Infinity)$"}
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = as_protobuf(made[key])
    if "properties" in made:
        fields = {field: as_protobuf(below) for field, below in made["properties"].items()}
        others = {snake_case(field): below for field, below in fields.items() if field not in fixed}
        made["properties"] = fields | {field: below for field, below in others.items() if field not in fields}
    return made


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
            name = re.sub(r"[=\[\]{}!+]+$", "", key)
            schema["properties"][name] = wrapped(from_value(value, types), key.removeprefix(name))
            for mark, keyword in MARKS.items():
                if mark in key[len(name) :]:
                    schema.setdefault(keyword, []).append(name)
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
        "dotted": {"type": "string", "pattern": r"\."},
        "dotted-or-any": {"type": "string", "pattern": r"^\*$|\."},
        "bytes": {"type": "string", "format": "byte"},
        "time": {"type": "string", "format": "date-time"},
        "int32": {"type": "integer", "format": "int32"},
        "uint32": {"type": "integer", "minimum": 0, "maximum": 2**32 - 1},
        "int64": {"type": "integer", "format": "int64"},
        "int-or-string": {"type": ["integer", "string"]},
        "open": {"type": "object"},
        "empty": {"type": "object", "additionalProperties": False},
    }
    return dict(scalars[value])


# Writing


def write_kinds(folder: str, kinds: Kinds) -> None:
    """Write the schemas of all *kinds* to a folder of `schemas/`, with an index of them."""
    index: dict[str, dict[str, dict[str, str]]] = {}
    for (group, kind), versions in sorted(kinds.items()):
        index.setdefault(group or "core", {})[kind] = write_kind(folder, group, kind, versions)
    write(ROOT / "schemas" / folder / "index.json", index)


def write_kind(folder: str, group: str, kind: str, versions: Mapping[str, Schema]) -> dict[str, str]:
    """Write a file for each different schema of a kind; the file of each apiVersion."""
    same: dict[str, list[str]] = {}
    for version, schema in versions.items():
        same.setdefault(json.dumps(schema), []).append(version)
    files: dict[str, str] = {}
    for schema_text, equal in same.items():
        api_versions = [f"{group}/{version}" if group else version for version in equal]
        suffix = "" if len(same) == 1 else "." + equal[0]
        file = f"{folder}{group or 'core'}/{kind}{suffix}.json"
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
