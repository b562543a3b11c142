"""Mixer of Istio 1.0: handlers, instances, rules and quotas, and what their references lead to (L34-L39, L61-L64)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meshlint.mesh.mixer_vocabulary import ADAPTERS, ATTRIBUTES, TEMPLATES, ValueType
from meshlint.mesh.model import Mesh
from meshlint.resources.base import Resource
from meshlint.resources.record import Record
from meshlint.source.node import Node

Object = Resource[Record]
_GROUP = "config.istio.io/"
_HANDLER, _INSTANCE = "handler", "instance"
LAST_RELEASE = (1, 7)
"""The last release with Mixer."""


@dataclass(frozen=True, slots=True, eq=False)
class Action:
    """An action of a rule, with what its references lead to; None where they lead nowhere."""

    rule: Object
    node: Node
    handler_node: Node
    handler: Object | None
    instances: tuple[tuple[Node, Object | None], ...]


def is_there(mesh: Mesh) -> bool:
    """Whether the release aimed at has Mixer."""
    return mesh.settings.istio_version <= LAST_RELEASE


def objects(mesh: Mesh, *kinds: str) -> tuple[Object, ...]:
    """The Mixer objects of these kinds."""
    by_kind = mesh.derived(_by_kind, mesh)
    return tuple(one for kind in kinds for one in by_kind.get(kind, ()))


def handlers(mesh: Mesh) -> tuple[Object, ...]:
    """All handlers, of an adapter's own kind or of the kind `handler`."""
    return objects(mesh, *ADAPTERS, _HANDLER)


def instances(mesh: Mesh) -> tuple[Object, ...]:
    """All instances, of a template's own kind or of the kind `instance`."""
    return objects(mesh, *TEMPLATES, _INSTANCE)


def actions(mesh: Mesh) -> tuple[Action, ...]:
    """The actions of all rules."""
    return mesh.derived(_actions, mesh)


def attributes(mesh: Mesh) -> Mapping[str, ValueType]:
    """The attributes that expressions may name: those that Istio ships, and those of the input's manifests (L45)."""
    return mesh.derived(_attributes, mesh)


def full_name(one: Object) -> str:
    """The key of an object among all of Mixer's: `name.kind.namespace` (L34)."""
    return f"{one.name}.{one.ref.kind}.{one.namespace}"


def texts(node: Node | None) -> Iterator[tuple[Node, str]]:
    """The strings of a list, or of its one element written without a dash."""
    for one in node.elements if node is not None else ():
        if isinstance(one.value, str) and one.value:
            yield one, one.value


def bound(binding: Object) -> Iterator[tuple[Node, tuple[str, str]]]:
    """The QuotaSpecs of a binding: where each is named, its namespace and its name (L63)."""
    for one in binding.node.at("spec", "quotaSpecs").elements:
        name, space = one.get("name"), one.get("namespace")
        if name is not None:
            yield name, (str(space.value) if space is not None else binding.namespace, str(name.value))


def _by_kind(mesh: Mesh) -> Mapping[str, tuple[Object, ...]]:
    found: dict[str, list[Object]] = {}
    for one in mesh.resources:
        if one.ref.api_version.startswith(_GROUP) and one.is_sound:
            found.setdefault(one.ref.kind, []).append(one)
    return {kind: tuple(some) for kind, some in found.items()}


def _by_name(mesh: Mesh) -> Mapping[str, Object]:
    return {full_name(one): one for some in _by_kind(mesh).values() for one in some}


def _actions(mesh: Mesh) -> tuple[Action, ...]:
    return tuple(
        _action(mesh, rule, node)
        for rule in objects(mesh, "rule")
        for node in rule.node.at("spec", "actions").elements
        if node.mapping
    )


def _action(mesh: Mesh, rule: Object, node: Node) -> Action:
    reference = node.get("handler")
    handler = (
        _found(mesh, rule, str(reference.value), _HANDLER, {*ADAPTERS, _HANDLER}) if reference is not None else None
    )
    is_static = handler is None or handler.ref.kind != _HANDLER
    world = set(TEMPLATES) if is_static else {_INSTANCE}
    named = tuple((one, _found(mesh, rule, text, _INSTANCE, world)) for one, text in texts(node.get("instances")))
    return Action(rule, node, reference or node, handler, named)


def _found(mesh: Mesh, rule: Object, reference: str, kind: str, kinds: set[str]) -> Object | None:
    """What a reference in a rule means: `name.kind.namespace`, else `name.kind` here, else `name.namespace` (L35, L36)."""
    by_name = mesh.derived(_by_name, mesh)
    parts = reference.split(".")
    candidates = {
        1: [f"{reference}.{kind}.{rule.namespace}"],
        2: [f"{reference}.{rule.namespace}", f"{parts[0]}.{kind}.{parts[-1]}"],
        3: [reference],
    }.get(len(parts), [])
    found = [by_name[name] for name in candidates if name in by_name]
    return next((one for one in found if one.ref.kind in kinds), None)


def _attributes(mesh: Mesh) -> Mapping[str, ValueType]:
    known = dict(ATTRIBUTES)
    types = {kind.value: kind for kind in ValueType}
    for manifest in objects(mesh, "attributemanifest"):
        for name, node in manifest.node.at("spec", "attributes").mapping.items():
            written = node.get("valueType") or node.get("value_type")
            kind = types.get(str(written.value)) if written is not None else None
            if kind is not None:
                known[name] = kind
    return known
