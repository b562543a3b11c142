"""What a schema finds wrong, in the words of the person who wrote the document."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Literal, assert_never

from meshlint.finding import Edit, Fix
from meshlint.resources.fit import Schema, milliseconds, types_of
from meshlint.resources.places import Move, Place, Rename, Shape, folded, place_of
from meshlint.resources.retype import fix_of_type, hint_of_type
from meshlint.source.node import Node, Step

Flaw = Literal["unknown-field", "wrong-type", "missing-field", "invalid-value", "invalid-combination", "schema-warning"]
"""Which rule tells of it: the last is what Istio accepts with a warning."""

_MANY = 12
"""Longer lists of names are no help."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a document does not fit its schema, at the smallest node the user must change.

    `on_key` points at the node's key in place of its value; `label`, `help` and `aliases` are as in a `Problem`.
    """

    kind: Flaw
    node: Node
    message: str
    label: str
    help: str = ""
    on_key: bool = False
    fix: Fix | None = None
    aliases: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Mistake:
    """A keyword of a schema that the value at `path` fails.

    `schema` is the one the keyword stands in and `names` the fields it is about, where it is about fields.
    """

    keyword: str
    path: tuple[Step, ...]
    schema: Schema
    names: tuple[str, ...] = ()


def violations_of(mistakes: Iterable[Mistake], root: Node, schema: Schema) -> tuple[Violation, ...]:
    """One violation for each thing the author has to mend, in the document's order."""
    shape = Shape.of(schema)
    distinct = _distinct(mistakes)
    places = {
        mistake.path: place_of(str(mistake.path[-1]), mistake.path[:-1], root, shape)
        for mistake in distinct
        if mistake.keyword == "additionalProperties"
    }
    mended = {target for path, place in places.items() for target in _mended_by(path, place)}
    found = [
        _violation(mistake, root, places.get(mistake.path), shape)
        for mistake in distinct
        if not any((*mistake.path, name) in mended for name in mistake.names)
        or mistake.keyword not in {"required", "x-anyOf"}
    ]
    return tuple(sorted(found, key=lambda violation: violation.node.span.start))


def _distinct(mistakes: Iterable[Mistake]) -> list[Mistake]:
    """One mistake about each value: a value of the wrong type is not also out of range."""
    chosen: dict[tuple[tuple[Step, ...], tuple[str, ...]], Mistake] = {}
    for mistake in mistakes:
        about = mistake.names if mistake.keyword in {"required", "x-filled", "x-anyOf", "x-oneOf"} else ()
        if (mistake.path, about) not in chosen or mistake.keyword == "type":
            chosen[mistake.path, about] = mistake
    return list(chosen.values())


def _mended_by(path: tuple[Step, ...], place: Place | None) -> tuple[tuple[Step, ...], ...]:
    """The fields that are no longer missing once an unknown field is put right."""
    match place:
        case Rename(name):
            return ((*path[:-1], name),)
        case Move(target):
            return ((*target, path[-1]),)
        case None:
            return ()
        case _:
            assert_never(place)


def _violation(mistake: Mistake, root: Node, place: Place | None, shape: Shape) -> Violation:
    node = root.at(*mistake.path)
    match mistake.keyword:
        case "additionalProperties":
            return _unknown(mistake, node, place, shape)
        case "type":
            return _wrong_type(mistake, node)
        case "required":
            return _missing(mistake, node)
        case "x-filled":
            return _unfilled(mistake, node)
        case "x-anyOf":
            return _none_of(mistake, node)
        case "x-oneOf":
            return _too_many_of(mistake, node)
        case "enum" | "x-names":
            return _unknown_value(mistake, node)
        case _:
            return _invalid(mistake, node)


def _unknown(mistake: Mistake, node: Node, place: Place | None, shape: Shape) -> Violation:
    name, owner = str(mistake.path[-1]), mistake.path[:-1]
    message = f"`{name}` is not a field of {_object(owner)}"
    match place:
        case Rename(known, is_spelling):
            fix = Fix(f"rename it to `{known}`", (Edit(node.key, known),), is_spelling) if node.key else None
            return _at_key(node, message, "unknown field", f"did you mean `{known}`?", fix)
        case Move(path, beside, levels):
            where = f"{_levels(levels)} up, beside `{beside}`" if levels else f"in `{_from(path, owner)}`"
            return _at_key(node, f"{message}: it belongs {where}", "misplaced field", f"move it to {_object(path)}")
        case None:
            here = shape.at(owner)
            known_names = _usual_names(here) if here is not None else []
            listed = f"its fields are {_listed(known_names)}" if 0 < len(known_names) <= _MANY else ""
            return _at_key(node, message, "unknown field", listed)
        case _:
            assert_never(place)


def _usual_names(shape: Shape) -> list[str]:
    """The fields of an object; of two spellings of one field the first, which is the usual one."""
    names: dict[str, str] = {}
    for field in shape.fields:
        names.setdefault(folded(field), field)
    return list(names.values())


def _at_key(node: Node, message: str, label: str, hint: str, fix: Fix | None = None) -> Violation:
    return Violation("unknown-field", node, message, label, hint, on_key=True, fix=fix)


def _wrong_type(mistake: Mistake, node: Node) -> Violation:
    wanted = _wanted(mistake.schema)
    return Violation(
        "wrong-type",
        node,
        f"{_subject(mistake.path)} is {_described(node)}, {wanted} is wanted",
        f"not {wanted}",
        hint_of_type(node, mistake.schema),
        on_key=node.value is None and node.key is not None,
        fix=fix_of_type(node, mistake.schema),
    )


def _missing(mistake: Mistake, parent: Node) -> Violation:
    (name,) = mistake.names
    empty = parent.get(name)
    if empty is not None:
        message = f"{_subject((*mistake.path, name))} is empty, and it is required"
        return Violation("missing-field", empty, message, "no value", on_key=True)
    message = f"{_object(mistake.path)} has no `{name}`, which is required"
    # Of a whole document, the kind is what the reader knows it by.
    place = parent if parent.path else parent.at("kind")
    return Violation("missing-field", place, message, f"no `{name}`", on_key=place.key is not None)


def _unfilled(mistake: Mistake, parent: Node) -> Violation:
    (name,) = mistake.names
    types = types_of(mistake.schema["properties"][name])
    wish = "at least one is" if "array" in types else "and it is"
    node = parent.get(name)
    if node is not None and node.value is not None:
        message = f"{_subject((*mistake.path, name))} is empty, {wish} required"
        return Violation("missing-field", node, message, "nothing in it")
    message = f"{_object(mistake.path)} has no `{name}`, {wish} required"
    return Violation("missing-field", parent, message, f"no `{name}`", on_key=parent.key is not None)


def _none_of(mistake: Mistake, parent: Node) -> Violation:
    names = mistake.names
    either = f"neither {' nor '.join(f'`{name}`' for name in names)}"
    message = f"{_object(mistake.path)} has {either}, one of them is required"
    return Violation("missing-field", parent, message, f"no `{names[0]}`", on_key=parent.key is not None)


def _too_many_of(mistake: Mistake, parent: Node) -> Violation:
    fields = [parent.mapping[name] for name in mistake.names]
    last = max(fields, key=lambda field: field.span.start)
    others = [f"`{name}`" for name in mistake.names if parent.mapping[name] is not last]
    message = f"`{last.path[-1]}` excludes {' and '.join(others)}: only one of them may be set"
    return Violation("invalid-combination", last, message, "a second choice", on_key=True)


def _unknown_value(mistake: Mistake, node: Node) -> Violation:
    allowed = [str(value) for value in mistake.schema.get("enum", mistake.schema.get("x-names", ())) if value != ""]
    spelled = [value for value in allowed if folded(value) == folded(str(node.value))]
    close = spelled or get_close_matches(str(node.value).upper(), {value.upper(): value for value in allowed}, n=1)
    nearest = next((value for value in allowed if close and value.upper() == close[0].upper()), None)
    fix = Fix(f"write `{nearest}`", (Edit(node.span, nearest),), bool(spelled)) if nearest else None
    message = f"{_subject(mistake.path)} is {_quoted(node)}: it takes {_listed(allowed, 'or')}"
    hint = f"did you mean `{nearest}`?" if nearest else ""
    return Violation("invalid-value", node, message, "unknown value", hint, fix=fix)


def _invalid(mistake: Mistake, node: Node) -> Violation:
    reason, hint = _reason(mistake, node)
    subject = _subject(mistake.path)
    if isinstance(node.value, str | int | float):
        subject += f" is {_quoted(node)}" if node.value != "" else " is empty"
        message = f"{subject}: {reason}"
    else:
        message = f"{subject} {reason}"
    kind: Flaw = "invalid-combination" if mistake.keyword == "x-unique" else "invalid-value"
    return Violation(kind, node, message, "invalid value" if kind == "invalid-value" else "duplicate", hint)


def _reason(mistake: Mistake, node: Node) -> tuple[str, str]:
    schema = mistake.schema
    match mistake.keyword:
        case "minimum" | "maximum":
            return _range(schema), ""
        case "minLength":
            return f"at least {_counted(schema['minLength'], 'character')} wanted", ""
        case "maxLength":
            length = len(str(node.value))
            return f"at most {_counted(schema['maxLength'], 'character')} fit, these are {length}", ""
        case "minItems" | "minProperties":
            least = schema[mistake.keyword]
            return f"has {_entries(node)}, at least {least} wanted", ""
        case "maxItems" | "maxProperties":
            most = schema[mistake.keyword]
            return f"has {_entries(node)}, at most {most} fit", ""
        case "pattern":
            return _pattern(schema["pattern"])
        case "format":
            return _format(schema, node)
        case "x-unique":
            keys = " and ".join(f"`{key}`" for key in schema["x-unique"])
            return (f"has the same {keys} as an element before it" if keys else "is in the list already"), ""
        case _:
            raise ValueError(f"no words for {mistake.keyword!r}")


def _range(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        return f"it goes from {least} to {most}"
    return f"it is at least {least}" if most is None else f"it is at most {most}"


def _pattern(pattern: str) -> tuple[str, str]:
    if pattern.startswith("^[a-z0-9]([-a-z0-9]*[a-z0-9])?"):
        dots = ", dots" if r"(\." in pattern else ""
        return f"a name has lower-case letters, digits{dots} and dashes, and begins and ends with a letter or digit", ""
    if pattern.endswith(r"\."):
        return "it has no dot, and Istio 1.0 refuses such a host", ""
    if pattern == "^-?[0-9]+$":
        return "a whole number is wanted", ""
    return "it does not have the form that is wanted", f"it has to match the regular expression `{pattern}`"


def _format(schema: Schema, node: Node) -> tuple[str, str]:
    match schema["format"]:
        case "duration":
            text = str(node.value)
            if milliseconds(text) is not None:
                return f"at least {schema.get('x-minDuration', 1)}ms is wanted", "leave the field out for none"
            hint = f"did you mean `{text}s`?" if milliseconds(text + "s") is not None else ""
            return "a duration such as `5s` or `1h30m` is wanted", hint
        case "byte":
            return "base64 is wanted", ""
        case "date-time":
            return "a time such as `2030-01-31T12:00:00Z` is wanted", ""
        case name:
            return f"it does not fit in {str(name).removeprefix('int')} bits", ""


def _wanted(schema: Schema) -> str:
    words = {
        "string": "a duration such as `5s`" if schema.get("format") == "duration" else "a string",
        "boolean": "true or false",
        "integer": "a whole number",
        "number": "a number",
        "array": "a list",
        "object": "a mapping",
    }
    return " or ".join(words[name] for name in types_of(schema) if name != "null")


def _described(node: Node) -> str:
    match node.value:
        case None:
            return "empty"
        case bool():
            return f"the boolean {_quoted(node)}"
        case str():
            return f"the string {_quoted(node)}" if node.value else "an empty string"
        case int() | float():
            return f"the number {_quoted(node)}"
        case tuple():
            return "a list"
        case _:
            return "a mapping"


def _quoted(node: Node) -> str:
    written = str(node.value).lower() if isinstance(node.value, bool) else str(node.value)
    line = written.split("\n", 1)[0]
    return f"`{line if line == written and len(line) <= 60 else line[:57] + '...'}`"


def _entries(node: Node) -> str:
    number = len(node.elements or node.mapping)
    return "no entry" if number == 0 else _counted(number, "entry").replace("entrys", "entries")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _levels(number: int) -> str:
    return ("one level", "two levels", "three levels")[number - 1] if number <= 3 else f"{number} levels"


def _object(path: Sequence[Step]) -> str:
    return f"`{_dotted(path)}`" if path else "the document"


def _subject(path: Sequence[Step]) -> str:
    """A short name for the value at *path*: the last field's name and what follows it."""
    start = max((index for index, step in enumerate(path) if isinstance(step, str)), default=0)
    return f"`{_dotted(path[start:])}`" if path else "the document"


def _from(path: Sequence[Step], owner: Sequence[Step]) -> str:
    """*path* as seen from *owner*, where it lies below it."""
    return _dotted(path[len(owner) :] if tuple(path[: len(owner)]) == tuple(owner) else path)


def _dotted(path: Iterable[Step]) -> str:
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif "." in step:
            text += f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return text


def _listed(names: Sequence[Any], word: str = "and") -> str:
    quoted = [f"`{name}`" for name in names]
    return f"{', '.join(quoted[:-1])} {word} {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)
