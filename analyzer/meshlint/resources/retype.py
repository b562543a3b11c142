"""How a value of the wrong type is made one of the right type, where the author's meaning is plain."""

import json
import re

from meshlint.finding import Edit, Fix
from meshlint.resources.fit import Schema, types_of
from meshlint.source.node import Node

_WHOLE = re.compile(r"-?(?:0|[1-9][0-9]*)")
_PLAIN = re.compile(r"[A-Za-z0-9_./:-]+|\"[^\"]*\"|'[^']*'")


def hint_of_type(node: Node, schema: Schema) -> str:
    """What was probably meant; empty where nobody can tell."""
    types = types_of(schema)
    match node.value:
        case None:
            return "a lost value?"
        case bool() | int() | float() if "string" in types:
            if schema.get("format") == "duration":
                return f"a duration has a unit, as in `{node.value}s`" if not isinstance(node.value, bool) else ""
            return f"quote it: `{_quoted(node)}`"
        case str() if "array" in types:
            return "a lost dash?"
        case str() if _literal(node, schema) is not None:
            return "take the quotes away"
        case tuple() if "object" in types:
            return "a stray dash?"
        case tuple():
            return "one value is wanted, without a dash"
        case str() | int() | float():
            return "a lost dash?" if "array" in types else ""
        case _:
            return "a lost dash?" if "array" in types else ""


def fix_of_type(node: Node, schema: Schema) -> Fix | None:
    """The edit that gives a scalar the type that is wanted; None where it takes more than that."""
    if node.value is None or not isinstance(node.value, str | int | float) or "\n" in node.span.text:
        return None
    types = types_of(schema)
    if "string" in types:
        if schema.get("format") == "duration":
            return None
        return Fix("quote it", (Edit(node.span, _quoted(node)),), is_safe=True)
    if "array" in types:
        return _listed(node)
    literal = _literal(node, schema)
    return Fix("take the quotes away", (Edit(node.span, literal),), is_safe=True) if literal is not None else None


def _listed(node: Node) -> Fix | None:
    if not _PLAIN.fullmatch(node.span.text):
        return None
    if node.key is not None and node.key.first.line == node.span.first.line:
        return Fix("make it a list", (Edit(node.span, f"[{node.span.text}]"),), is_safe=True)
    return Fix("add the dash", (Edit(node.span.source.span(node.span.start, node.span.start), "- "),), is_safe=True)


def _literal(node: Node, schema: Schema) -> str | None:
    """The number or boolean that a string spells, if that is what is wanted."""
    text, types = node.value, types_of(schema)
    if not isinstance(text, str):
        return None
    if ("integer" in types or "number" in types) and _WHOLE.fullmatch(text):
        return text
    return text if "boolean" in types and text in {"true", "false"} else None


def _quoted(node: Node) -> str:
    return json.dumps(node.span.text, ensure_ascii=False)
