"""Compares the schemas with a digest of field paths, and prints every difference that has no reason.

    python tools/compare_fields.py fields.json kube.json meshconfig.json legacy/fields.json

A digest has `schemas`, which map a path (`a.b`, `a[]` an element, `a{}` a map's value) to facts, and `kinds`, which name
the schema of each kind; one of protobuf messages has `meta.roots` in their place. The reasons are in
`tools/facts/differences.yaml`. Run by hand: the digests are no part of the project.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from meshlint.resources.fit import types_of
from meshlint.resources.places import Shape

ROOT = Path(__file__).resolve().parent.parent
REASONS = ROOT / "tools" / "facts" / "differences.yaml"
COMPARED = (
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "pattern",
)  # fmt: skip
FORMATS = frozenset({"int32", "int64", "byte", "date-time", "duration"})
WORDS = {"integer": "^-?[0-9]+$", "number": "^-?([0-9.]+([eE][-+]?[0-9]+)?|NaN|Infinity)$"}
"""What a number in quotes looks like."""
STEP = re.compile(r'"(?P<quoted>[^"]*)"|(?P<name>[^.\[\]{}"]+)|\[\]|\{\}')

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a digest and a schema say of one fact."""

    kind: str
    path: str
    fact: str
    theirs: object
    ours: object

    @property
    def line(self) -> str:
        """The difference in a line."""
        return f"{self.kind} {self.path or '(all)'} {self.fact}: {self.theirs!r}, here {self.ours!r}"


@dataclass(slots=True)
class Reason:
    """Why differences that match are meant; the patterns match whole texts."""

    kind: re.Pattern[str]
    path: re.Pattern[str]
    fact: re.Pattern[str]
    why: str
    uses: int = 0

    def explains(self, difference: Difference) -> bool:
        """Whether this is why."""
        texts = ((self.kind, difference.kind), (self.path, difference.path), (self.fact, difference.fact))
        return all(pattern.fullmatch(text) for pattern, text in texts)


def main(names: Sequence[str]) -> int:
    """Compare with each digest; the answer is the exit code."""
    reasons = [reason_of(one) for one in yaml.safe_load(REASONS.read_text())]
    paths = unexplained = 0
    for name in names:
        digest = json.loads(Path(name).read_text())
        for kind, fields, schema in compared(digest):
            paths += len(fields)
            for difference in differences(kind, fields, schema, is_protobuf=is_protobuf(digest)):
                reason = next((one for one in reasons if one.explains(difference)), None)
                if reason is None:
                    unexplained += 1
                    print(difference.line)
                else:
                    reason.uses += 1
    for reason in reasons:
        print(f"{reason.uses:6} differences: {reason.why}")
    print(f"{paths} paths compared, {unexplained} differences without a reason")
    return 1 if unexplained else 0


def reason_of(entry: Mapping[str, str]) -> Reason:
    """A reason as the table has it; a pattern that is left out matches all."""
    kind, path, fact = (re.compile(entry.get(key, ".*")) for key in ("kind", "path", "fact"))
    return Reason(kind, path, fact, entry["why"])


def is_protobuf(digest: Mapping[str, Any]) -> bool:
    """Whether protobuf's JSON reading applies, which takes numbers in quotes and two spellings of each name."""
    return "roots" in digest["meta"] or "istio" in digest["meta"]


def compared(digest: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Facts], Mapping[str, Any] | None]]:
    """Each kind of a digest that is served, with its fields and its schema here."""
    folder = "1.0/" if "istio" in digest["meta"] else ""
    index = json.loads((ROOT / "schemas" / folder / "index.json").read_text())
    for root in digest["meta"].get("roots", ()):
        yield root, digest["schemas"][root], schema_of(index, "meshlint", "v1", root)
    for name, kind in digest.get("kinds", {}).items():
        schema = schema_of(index, kind["group"], kind["version"], kind["kind"])
        for channel, one in kind.get("channels", {"": {**kind, "served": True}}).items():
            if one["served"]:
                yield f"{name} {channel}".strip(), digest["schemas"][one["schema"]], schema


def schema_of(index: Mapping[str, Any], group: str, version: str, kind: str) -> Mapping[str, Any] | None:
    """The schema of a kind here; None where there is none."""
    file = index.get(group or "core", {}).get(kind, {}).get(f"{group}/{version}" if group else version)
    return None if file is None else json.loads((ROOT / "schemas" / file).read_text())


def differences(
    kind: str, fields: Mapping[str, Facts], schema: Mapping[str, Any] | None, *, is_protobuf: bool
) -> Iterator[Difference]:
    """Every fact of which the two do not say the same."""
    if schema is None:
        yield Difference(kind, "", "kind", "there", None)
        return
    whole = Shape.of(schema)
    for path, facts in fields.items():
        steps = steps_of(path)
        shape = at(whole, steps)
        if shape is None:
            if at(whole, steps[:-1]) is not None:
                yield Difference(kind, path, "field", "there", None)
            continue
        expected = as_protobuf(facts) if is_protobuf else facts
        for fact, theirs, ours in both(expected, shape, at(whole, steps[:-1]), steps):
            if theirs != ours:
                yield Difference(kind, path, fact, theirs, ours)
        if "alias" in facts and at(whole, [*steps[:-1], facts["alias"]]) is None:
            yield Difference(kind, path, "alias", facts["alias"], None)
        yield from added(kind, path, fields, shape)


def added(kind: str, path: str, fields: Mapping[str, Facts], shape: Shape) -> Iterator[Difference]:
    """The fields that only the schema knows."""
    prefix = f"{path}." if path else ""
    spellings = {facts.get("alias") for other, facts in fields.items() if other.startswith(prefix)}
    for name in shape.fields:
        if f"{prefix}{name}" not in fields and f'{prefix}"{name}"' not in fields and name not in spellings:
            yield Difference(kind, f"{prefix}{name}", "field", None, "there")


def both(facts: Facts, shape: Shape, parent: Shape | None, steps: Sequence[str]) -> Iterator[tuple[str, Any, Any]]:
    """Each fact of a field, as the digest and as the schema has it."""
    schema = shape.schema
    yield "types", types(facts), sorted(types_of(schema))
    yield "enum", sorted(facts.get("enum", ())), sorted(schema.get("enum", schema.get("x-names", ())))
    for key in COMPARED:
        yield key, facts.get(key), schema.get(key)
    known = facts.get("format") if facts.get("format") in FORMATS else None
    yield "format", known, schema.get("format")
    if facts.get("type") == "object" and "values" not in facts:
        yield "open", facts.get("open", False), schema.get("additionalProperties", True) is True
    unique = facts.get("listMapKeys", []) if facts.get("listType") in {"map", "set"} else None
    yield "unique", unique, schema.get("x-unique")
    wanted = [one["members"] for one in facts.get("oneOf", ()) if len(one["members"]) > 1]
    yield "oneOf", [], [group for group in wanted if sorted(group) not in map(sorted, schema.get("x-oneOf", ()))]
    if parent is not None and steps and steps[-1] not in ("[]", "{}"):
        is_required = facts.get("required", False) and "default" not in facts
        yield "required", is_required, steps[-1] in parent.schema.get("required", ())


def types(facts: Facts) -> list[str]:
    """The types that fit."""
    names = facts.get("types") or {"int-or-string": ["integer", "string"]}.get(facts["type"], [facts["type"]])
    return sorted([*names, "null"] if facts.get("nullable") else names)


def as_protobuf(facts: Facts) -> Facts:
    """The same facts as protobuf's JSON reading has them: null is no value of its own, numbers may be in quotes."""
    read = {key: value for key, value in facts.items() if key != "nullable"}
    if "enum" in read:
        return read | {"types": ["integer", "string"]}
    if read["type"] in WORDS:
        read |= {"types": [read["type"], "string"], "pattern": WORDS[read["type"]]}
    if read.get("format") == "int32":
        # The format says as much.
        read = {key: value for key, value in read.items() if key not in ("minimum", "maximum")}
    return read


def at(shape: Shape, steps: Sequence[str]) -> Shape | None:
    """The shape at a path of the digest."""
    found: Shape | None = shape
    for step in steps:
        if found is None:
            return None
        if step == "[]":
            found = found.below(0)
        elif step == "{}":
            found = found.below("{}")
        else:
            found = found.below(step) if step in found.fields else None
    return found


def steps_of(path: str) -> list[str]:
    """The steps of a path of the digest."""
    return [found["quoted"] or found[0] for found in STEP.finditer(path)]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
