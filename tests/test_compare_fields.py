"""The comparison of schemas with a digest of fields finds what differs, and nothing else."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SPEC = importlib.util.spec_from_file_location("compare_fields", ROOT / "tools" / "compare_fields.py")
compare_fields = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(compare_fields)

SCHEMA = {
    "type": "object",
    "properties": {
        "port": {"type": "integer", "format": "int32", "maximum": 10},
        "names": {"type": "array", "items": {"type": "string", "enum": ["a", "b"]}},
        "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    },
    "additionalProperties": False,
    "required": ["port"],
    "x-oneOf": [["port", "names"]],
}
FIELDS = {
    "": {"type": "object", "oneOf": [{"members": ["names", "port"], "min": 0}]},
    "port": {"type": "integer", "format": "int32", "maximum": 10, "required": True},
    "names": {"type": "array", "items": "string"},
    "names[]": {"type": "string", "enum": ["b", "a"]},
    "labels": {"type": "object", "values": "string"},
    "labels{}": {"type": "string"},
}


def found(fields: dict[str, dict[str, object]]) -> list[tuple[str, str]]:
    differing = compare_fields.differences("Kind", fields, SCHEMA, is_protobuf=False)
    return [(one.path, one.fact) for one in differing]


def test_equal_facts_are_no_difference():
    assert found(FIELDS) == []


@pytest.mark.parametrize(
    ("path", "facts", "fact"),
    [
        ("port", {"type": "string"}, "types"),
        ("port", {"maximum": 11}, "maximum"),
        ("port", {"format": "int64"}, "format"),
        ("port", {"required": False}, "required"),
        ("port", {"nullable": True}, "types"),
        ("names[]", {"enum": ["a"]}, "enum"),
        ("labels{}", {"pattern": "x"}, "pattern"),
        ("", {"open": True}, "open"),
        ("", {"oneOf": [{"members": ["labels", "port"], "min": 0}]}, "oneOf"),
        ("names", {"listType": "set"}, "unique"),
    ],
)
def test_each_kind_of_fact_is_compared(path, facts, fact):
    assert found(FIELDS | {path: FIELDS[path] | facts}) == [(path, fact)]


def test_a_field_that_only_one_of_them_has_is_a_difference():
    assert found(FIELDS | {"more": {"type": "string"}}) == [("more", "field")]
    assert found({path: facts for path, facts in FIELDS.items() if path != "port"}) == [("port", "field")]


def test_each_reason_of_the_table_can_be_read():
    entries = compare_fields.yaml.safe_load(compare_fields.REASONS.read_text())
    assert all(compare_fields.reason_of(entry).why for entry in entries)
