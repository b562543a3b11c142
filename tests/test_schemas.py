"""The files of `schemas/`: each is listed, lean, and what the generator makes of a CustomResourceDefinition."""

import importlib.util
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from meshlint import data
from meshlint.resources import crd

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted(path for path in data.folder("schemas").glob("*/**/*.json") if path.name != "index.json")

SPEC = importlib.util.spec_from_file_location("make_schemas", ROOT / "tools" / "make_schemas.py")
make_schemas = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make_schemas)


def test_the_index_lists_every_file_under_its_versions():
    indexes = [json.loads(data.text("schemas", name)) for name in ("index.json", "1.0/index.json")]
    listed = {
        (file, version)
        for index in indexes
        for kinds in index.values()
        for versions in kinds.values()
        for version, file in versions.items()
    }
    there = {
        (str(path.relative_to(data.folder("schemas"))), version)
        for path in FILES
        for version in json.loads(path.read_text())["x-versions"]
    }
    assert listed == there


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_schema_is_well_formed_and_holds_no_prose(path):
    schema = json.loads(path.read_text())
    Draft202012Validator.check_schema(schema)
    assert "x-kubernetes" not in path.read_text()
    assert not [line for line in path.read_text().splitlines() if len(line) > 8000]


def made_from_tables():
    yield from (("", one) for one in (make_schemas.kubernetes_kinds() | make_schemas.mesh_kinds()).items())
    yield from (("1.0/", one) for one in make_schemas.legacy_kinds().items())


def test_the_kinds_made_from_tables_are_up_to_date():
    for folder, ((group, kind), versions) in made_from_tables():
        written = json.loads(data.text("schemas", f"{folder}{group or 'core'}/{kind}.json"))
        assert written.pop("x-versions") == [f"{group}/{version}" if group else version for version in versions]
        assert written.pop("$schema") == make_schemas.DRAFT
        assert [written] * len(versions) == [make_schemas.shared(made) for made in versions.values()], kind


def test_a_crd_keeps_its_facts_and_loses_its_prose():
    openapi = {
        "type": "object",
        "description": "prose",
        "required": ["a", "d"],
        "properties": {
            "a": {"type": "string", "nullable": True, "maxLength": 3, "description": "prose"},
            "d": {"type": "integer", "default": 1},
            "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            "port": {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]},
            "wait": {"type": "string", "x-kubernetes-validations": [{"rule": "duration(self) >= duration('1ms')"}]},
            "list": {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
        },
        "oneOf": [
            {"not": {"anyOf": [{"required": ["a"]}, {"required": ["d"]}]}},
            {"required": ["a"]},
            {"required": ["d"]},
        ],
    }
    assert crd.from_openapi(openapi) == {
        "type": "object",
        "properties": {
            "a": {"type": ["string", "null"], "maxLength": 3},
            "d": {"type": "integer"},
            "open": {"type": "object"},
            "port": {"type": ["integer", "string"]},
            "wait": {"type": "string", "format": "duration", "x-minDuration": 1},
            "list": {"type": "array", "items": {"type": "string"}, "x-unique": []},
        },
        "additionalProperties": False,
        "required": ["a"],
        "x-oneOf": [["a", "d"]],
    }


def test_rules_that_are_plain_facts_become_keywords():
    schema = {}
    crd.add_rule(schema, "(has(self.a) ? 1 : 0) + (has(self.b) ? 1 : 0) <= 1")
    crd.add_rule(schema, "has(self.c) || has(self.d)")
    crd.add_rule(schema, "self.all(x, x > 1)")
    assert schema == {"x-oneOf": [["a", "b"]], "x-anyOf": [["c", "d"]]}


def test_a_repeated_part_is_written_once():
    part = {"type": "object", "properties": {f"field{number}": {"type": "string"} for number in range(9)}}
    schema = {"type": "object", "properties": {"a": part, "b": part}}
    shared = make_schemas.shared(schema)
    assert shared["properties"] == {"a": {"$ref": "#/$defs/a"}, "b": {"$ref": "#/$defs/a"}}
    assert shared["$defs"] == {"a": part}
