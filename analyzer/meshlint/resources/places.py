"""Where a field that is unknown in one place is known: another spelling here, or the same name nearby."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import cast

from meshlint.resources.fit import Schema, is_set
from meshlint.source.node import Node, Step

_DEPTH = 4
"""How many levels below an object a misplaced field is looked for."""
_EVERYWHERE = frozenset({"apiVersion", "kind"})
"""Names of the root that are also ordinary names below it, so that they do not point to the root."""


@dataclass(frozen=True, slots=True)
class Rename:
    """The field is there under another name; `is_spelling` where only case and underscores differ."""

    name: str
    is_spelling: bool


@dataclass(frozen=True, slots=True)
class Move:
    """The field exists in the object at `path`; `beside` is the field there that leads to where it stands now."""

    path: tuple[Step, ...]
    beside: str = ""
    levels_up: int = 0


Place = Rename | Move


@dataclass(frozen=True, slots=True)
class Shape:
    """A schema with the definitions it refers to."""

    schema: Schema
    definitions: Mapping[str, Schema]

    @classmethod
    def of(cls, schema: Schema) -> "Shape":
        """The shape of a whole document."""
        return cls(schema, schema.get("$defs", {}))

    @property
    def fields(self) -> Mapping[str, Schema]:
        """The schemas of the named fields."""
        return cast("Mapping[str, Schema]", self.schema.get("properties", {}))

    def below(self, step: Step) -> "Shape | None":
        """The shape one step down; None where nothing is known of it."""
        if isinstance(step, int):
            schema = self.schema.get("items")
        else:
            schema = self.fields.get(step, self.schema.get("additionalProperties"))
        if not isinstance(schema, Mapping):
            return None
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
        return Shape(schema, self.definitions)

    def at(self, path: tuple[Step, ...]) -> "Shape | None":
        """The shape at *path*; None where nothing is known of it."""
        shape: Shape | None = self
        for step in path:
            if shape is None:
                return None
            shape = shape.below(step)
        return shape


def place_of(name: str, path: tuple[Step, ...], root: Node, shape: Shape) -> Place | None:
    """What the author of the unknown field *name*, in the object at *path*, most likely meant."""
    here = shape.at(path)
    node = root.get(*path)
    if here is None or node is None:
        return None
    return (
        _spelled(name, here)
        or _above(name, path, shape)
        or _within(name, path, node, here, depth=1)
        or _similar(name, node, here)
        or _within(name, path, node, here, depth=_DEPTH)
        or _aside(name, path, root, shape)
    )


def folded(name: str) -> str:
    """The name without what people get wrong in spelling it: case, underscores and dashes."""
    return name.replace("_", "").replace("-", "").lower()


def _spelled(name: str, here: Shape) -> Rename | None:
    for known in here.fields:
        if folded(known) == folded(name):
            return Rename(known, is_spelling=True)
    return None


def _similar(name: str, node: Node, here: Shape) -> Rename | None:
    free = {folded(known): known for known in here.fields if not is_set(node.mapping, known)}
    close = get_close_matches(folded(name), free, n=1, cutoff=0.75)
    return Rename(free[close[0]], is_spelling=False) if close else None


def _above(name: str, path: tuple[Step, ...], shape: Shape) -> Move | None:
    levels = 0
    for length in range(len(path) - 1, -1, -1):
        step = path[length]
        if isinstance(step, int):
            continue
        levels += 1
        above = shape.at(path[:length])
        if above is not None and name in above.fields and (length or name not in _EVERYWHERE):
            return Move(path[:length], beside=step, levels_up=levels)
    return None


def _aside(name: str, path: tuple[Step, ...], root: Node, shape: Shape) -> Move | None:
    for length in range(len(path) - 1, -1, -1):
        above, node = shape.at(path[:length]), root.get(*path[:length])
        if above is not None and node is not None and node.mapping:
            move = _within(name, path[:length], node, above, depth=1)
            if move is not None:
                return move
    return None


def _within(name: str, path: tuple[Step, ...], node: Node, here: Shape, depth: int) -> Move | None:
    level: list[tuple[tuple[Step, ...], Node | None, Shape]] = [(path, node, here)]
    anywhere: list[tuple[Step, ...]] = []
    for _ in range(depth):
        level = [below for path, node, shape in level for below in _objects_below(path, node, shape)]
        known = [(path, node) for path, node, shape in level if name in shape.fields]
        written = [path for path, node in known if node is not None]
        if len(written) == 1:
            return Move(written[0])
        anywhere += [path for path, _ in known]
    # An object that nobody has written yet is meant only if there is no other choice.
    return Move(anywhere[0]) if len(anywhere) == 1 else None


def _objects_below(
    path: tuple[Step, ...], node: Node | None, shape: Shape
) -> Iterator[tuple[tuple[Step, ...], Node | None, Shape]]:
    """The objects in the fields of an object, lists and maps between them passed over."""
    for name in shape.fields:
        below = shape.below(name)
        written = node.get(name) if node is not None else None
        below_path: tuple[Step, ...] = (*path, name)
        while below is not None and "items" in below.schema:
            # A stray field most often comes right after the list's last element.
            last = max(len(written.elements) - 1, 0) if written is not None else 0
            written = written.get(last) if written is not None else None
            below, below_path = below.below(last), (*below_path, last)
        if below is not None and below.fields:
            yield below_path, written, below
