"""EnvoyFilters: patches whose place depends on others, and operations that do nothing where they are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

from meshlint.finding import Note, Problem
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.envoy_filter import ConfigPatch, EnvoyFilter, EnvoyFilterSpec
from meshlint.resources.releases import Release
from meshlint.source.node import Node

_PRIORITY_SINCE: Release = (1, 11)
_FIRST_SINCE: Release = (1, 5)
_INSERTS = frozenset({"INSERT_BEFORE", "INSERT_AFTER"})
_RELATIVE = _INSERTS | {"REMOVE", "REPLACE"}
_LISTS = frozenset({"LISTENER_FILTER", "NETWORK_FILTER", "HTTP_FILTER", "HTTP_ROUTE"})
"""What stands in an order, so that something can be inserted at a place of it."""
_WHOLE = frozenset({"ROUTE_CONFIGURATION", "HTTP_ROUTE"})
"""What the API leaves out of ADD and REMOVE."""
_REPLACED = frozenset({"LISTENER_FILTER", "NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST"})
_CLASSES = frozenset(
    {"LISTENER", "FILTER_CHAIN", "CLUSTER", "VIRTUAL_HOST", "EXTENSION_CONFIG", "BOOTSTRAP"} | _LISTS | _WHOLE
)
_INCORRECT = {"REPLACE": "IST0152", "ADD": "IST0153", "REMOVE": "IST0154"}
_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """A patch with what its effect depends on.

    `rival` is the version of proxies for which an earlier patch changes something of the same name.
    """

    owner: EnvoyFilter
    patch: ConfigPatch
    operation: str
    rival: Node | None

    @property
    def node(self) -> Node:
        """Where the operation is written."""
        return self.patch.node.at("patch", "operation")

    @property
    def is_futile(self) -> bool:
        """Whether Istio passes over the operation for what the patch is to change."""
        match self.operation:
            case "ADD" | "REMOVE":
                return self.patch.apply_to in _WHOLE
            case "REPLACE":
                return self.patch.apply_to in _CLASSES - _REPLACED
            case "INSERT_BEFORE" | "INSERT_AFTER" | "INSERT_FIRST":
                return self.patch.apply_to in _CLASSES - _LISTS
            case _:
                return False

    @property
    def is_relative(self) -> bool:
        """Whether what the patch does depends on what other patches did before it."""
        return self.operation in _RELATIVE and not self.owner.spec.priority

    @property
    def relative_alias(self) -> str:
        """The code that istioctl has for a relative operation of this sort."""
        return "IST0151" if self.rival is None else "IST0155"


@checks("MSH801")
def relative_envoy_filter(mesh: Mesh) -> Iterator[Problem]:
    """A patch that acts on what is there when its turn comes, in an EnvoyFilter whose turn is a matter of age (S41)."""
    for changes in _by_owner(mesh):
        chosen = [one for one in changes if one.is_relative and not one.is_futile]
        for alias in ("IST0151", "IST0155"):
            some = [one for one in chosen if one.relative_alias == alias]
            if some:
                yield _relative(mesh, some)


@checks("MSH802")
def envoy_filter_operation(mesh: Mesh) -> Iterator[Problem]:
    """A patch whose operation Istio does not have for what the patch is to change."""
    for changes in _by_owner(mesh):
        futile = [one for one in changes if one.is_futile]
        for kind in dict.fromkeys((one.operation, _alias(one)) for one in futile):
            yield _futile([one for one in futile if (one.operation, _alias(one)) == kind])


def _by_owner(mesh: Mesh) -> tuple[Sequence[_Change], ...]:
    return mesh.derived(_changes, mesh)


def _changes(mesh: Mesh) -> tuple[tuple[_Change, ...], ...]:
    """The patches of each EnvoyFilter, in the order of the input."""
    versions: dict[str, Node] = {}
    return tuple(
        tuple(_read(cast("EnvoyFilter", one), versions))
        for one in mesh.resources
        if isinstance(one.spec, EnvoyFilterSpec)
    )


def _read(owner: EnvoyFilter, versions: dict[str, Node]) -> Iterator[_Change]:
    """The patches of one EnvoyFilter; *versions* are those of proxies by the name of what was patched for them so far."""
    for patch in owner.spec.config_patches:
        operation = patch.node.get("patch", "operation")
        if operation is None or not isinstance(operation.value, str):
            continue
        name = _name(patch)
        yield _Change(owner, patch, operation.value, versions.get(name))
        version = patch.node.get("match", "proxy", "proxyVersion")
        if version is not None and version.value:
            versions.setdefault(name, version)


def _name(patch: ConfigPatch) -> str:
    """What a patch puts in or changes, by the name of its value, else of the filter it is matched to."""
    if patch.node.get("patch", "value") is None:
        return ""
    own = patch.node.get("patch", "value", "name")
    anchor = own if own is not None else patch.node.get("match", "listener", "filterChain", "filter", "name")
    return anchor.value if anchor is not None and isinstance(anchor.value, str) else ""


def _relative(mesh: Mesh, some: Sequence[_Change]) -> Problem:
    first = some[0]
    if first.rival is None:
        message = f"{_what(first)} depends on which EnvoyFilters are older, as this one has no `priority`"
    else:
        message = (
            f"{_what(first)} depends on another patch of the same name, which only some versions of proxies have, "
            "and this EnvoyFilter has no `priority`"
        )
    return Problem(
        first.node,
        message,
        label="relative to others",
        notes=(*_anchor(first), *_rival(first), *_also(some, "this patch as well")),
        help=_hint(first, mesh.settings.istio_version),
        aliases=(first.relative_alias,),
    )


def _what(change: _Change) -> str:
    if change.operation in _INSERTS:
        return f"where {change.operation} puts this"
    return f"what {change.operation} finds to {change.operation.lower()}"


def _anchor(change: _Change) -> tuple[Note, ...]:
    """The filter or route by whose name the place is found: where nothing is called so, nothing happens."""
    match = change.patch.node.get("match")
    chain = match.get("listener", "filterChain", "filter") if match is not None else None
    anchor = None
    if chain is not None:
        anchor = chain.get("subFilter", "name") or chain.get("name")
    elif match is not None:
        anchor = match.get("listener", "listenerFilter") or match.get("routeConfiguration", "vhost", "route", "name")
    if anchor is None or not isinstance(anchor.value, str):
        return ()
    return (
        Note(anchor.span, "where nothing has this name, as after an upgrade, the patch is left out without a word"),
    )


def _rival(change: _Change) -> tuple[Note, ...]:
    return (Note(change.rival.span, "for these versions only"),) if change.rival is not None else ()


def _also(some: Sequence[_Change], message: str) -> Iterator[Note]:
    return (Note(one.node.span, message) for one in some[1:_SHOWN])


def _hint(change: _Change, release: Release) -> str:
    if release < _PRIORITY_SINCE:
        return "write INSERT_FIRST, which depends on nothing" if release >= _FIRST_SINCE else ""
    hint = "set `priority`: a negative one comes before others, a positive one after them"
    return f"{hint}; INSERT_FIRST depends on nothing" if change.operation in _INSERTS else hint


def _alias(change: _Change) -> str:
    """The code that istioctl has for a futile operation; none for an insertion that its EnvoyFilter's priority excuses."""
    if change.operation in _INCORRECT:
        return _INCORRECT[change.operation]
    return change.relative_alias if change.is_relative else ""


def _futile(some: Sequence[_Change]) -> Problem:
    first, alias = some[0], _alias(some[0])
    return Problem(
        first.node,
        f"Istio has no {first.operation} for {first.patch.apply_to}: the patch is passed over",
        label="no such operation here",
        notes=tuple(_also(some, "here as well")),
        help=f"with {first.patch.apply_to} write {_instead(first.patch.apply_to)}",
        aliases=(alias,) if alias else (),
    )


def _instead(apply_to: str) -> str:
    match apply_to:
        case "ROUTE_CONFIGURATION" | "BOOTSTRAP":
            return "MERGE"
        case "HTTP_ROUTE":
            return "MERGE, or INSERT_FIRST, INSERT_BEFORE or INSERT_AFTER for a route of your own"
        case "EXTENSION_CONFIG":
            return "ADD"
        case "VIRTUAL_HOST":
            return "ADD, MERGE, REMOVE or REPLACE"
        case _:
            return "ADD, MERGE or REMOVE"
