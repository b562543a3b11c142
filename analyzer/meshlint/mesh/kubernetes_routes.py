"""Rules of HTTPRoutes and GRPCRoutes as the routes of a VirtualService that Istio makes of them (R904-R909, R913).

What is made is spelled out as VirtualServices are written, each part at the place it comes from, so that everything
that reads VirtualServices reads it too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from meshlint.mesh.backends import Backend, backends
from meshlint.mesh.kubernetes_matches import Condition, conditions, rank
from meshlint.mesh.model import Mesh
from meshlint.mesh.parents import Route
from meshlint.mesh.spelled import Spelled, spelled
from meshlint.resources.base import Resource
from meshlint.resources.gateway_api import (
    BackendRef,
    Filter,
    GRPCRouteSpec,
    GRPCRule,
    HeaderModifier,
    HTTPRouteSpec,
    HTTPRule,
    PathModifier,
    RequestMirror,
    Target,
)
from meshlint.source.node import Node

HTTPLike = Resource[HTTPRouteSpec | GRPCRouteSpec]
"""A route that chooses by requests."""


@dataclass(frozen=True, slots=True)
class NoCluster:
    """Why a destination has no cluster; not `is_certain` where manifests do not show what it leads to."""

    why: str
    is_certain: bool = True


Refusals = Mapping[Node, NoCluster]
"""The nodes of destinations that no cluster can be had for."""

_FILTERS: Mapping[str, frozenset[str]] = {
    "HTTPRoute": frozenset(
        {"RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "RequestMirror", "URLRewrite", "CORS"}
    ),
    "GRPCRoute": frozenset({"RequestHeaderModifier", "ResponseHeaderModifier", "RequestMirror"}),
}
_OF_BACKENDS = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier"})


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """One match of a rule as a route: how it is spelled, and the key by which routes are sorted (R904, R905)."""

    node: Node
    rank: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """What a route comes to for one sort of parents. A `flaw` takes all of it away, `culprit` is where it is (R909)."""

    pieces: tuple[Piece, ...]
    refusals: Refusals
    flaw: str = ""
    culprit: Node | None = None


def pieces(mesh: Mesh, route: HTTPLike, port: int | None = None, *, in_mesh: bool = False) -> Pieces:
    """The routes that an HTTPRoute or GRPCRoute becomes, in its order.

    *in_mesh* where its parent is a host of the mesh, of which *port* is the only one meant, if given (R911).
    """
    return mesh.derived(_pieces, mesh, route, port, in_mesh=in_mesh)


def destinations(
    mesh: Mesh, route: Route, refs: Iterable[BackendRef], refusals: dict[Node, NoCluster], *, in_mesh: bool
) -> list[Spelled]:
    """The weighted destinations of a rule; those that can have no cluster are noted in *refusals* (R908)."""
    found: list[Spelled] = []
    for ref in refs:
        if ref.weight > 0:
            (one,) = backends(mesh, route, (ref,), in_mesh=in_mesh)
            to = _destination(one, refusals)
            found.append(spelled({"destination": to, "weight": ref.weight, "headers": _headers(ref.filters)}, ref.node))
    return found


def hard_flaw(mesh: Mesh, route: Route, refs: Iterable[BackendRef], *, in_mesh: bool) -> tuple[str, Node] | None:
    """What is so wrong with the backends of a rule that the whole route counts for nothing (R909), and where."""
    for ref in refs:
        (one,) = backends(mesh, route, (ref,), in_mesh=in_mesh)
        if ref.weight > 0 and one.flaw is not None and one.flaw.is_hard:
            return one.flaw.value, ref.node
        for filter_ in ref.filters if ref.weight > 0 else ():
            if filter_.type not in _OF_BACKENDS:
                return f"Istio knows no filter {filter_.type} of a backend", filter_.node
    return None


def _pieces(mesh: Mesh, route: HTTPLike, port: int | None, *, in_mesh: bool) -> Pieces:
    refusals: dict[Node, NoCluster] = {}
    found: list[Piece] = []
    rules: tuple[HTTPRule | GRPCRule, ...] = route.spec.rules
    for index, rule in enumerate(rules):
        flaw = _rule_flaw(mesh, route, rule, in_mesh=in_mesh)
        if flaw is not None:
            return Pieces((), {}, *flaw)
        actions = _actions(mesh, route, rule, refusals, in_mesh=in_mesh)
        name = f"{route.namespace}/{route.name} rules/{index}"
        found += _split(rule, name, port, actions)
    return Pieces(tuple(found), refusals)


def _split(rule: HTTPRule | GRPCRule, name: str, port: int | None, actions: Mapping[str, Spelled]) -> Iterator[Piece]:
    """A route for each match of the rule (R904)."""
    found = conditions(rule)
    for index, one in enumerate(found):
        place = one.node if len(found) > 1 else rule.node
        called = f"{name} matches/{index}" if len(found) > 1 else name
        match = [spelled({**_entry(one), "port": port}, one.node)]
        yield Piece(spelled({"name": called, "match": match, **actions}, place), rank(one))


def _entry(one: Condition) -> Mapping[str, Spelled]:
    return {
        "uri": one.uri,
        "method": {"exact": one.method} if one.method else None,
        "headers": one.headers or None,
        "queryParams": one.query or None,
    }


def _rule_flaw(mesh: Mesh, route: HTTPLike, rule: HTTPRule | GRPCRule, *, in_mesh: bool) -> tuple[str, Node] | None:
    known = _FILTERS[route.ref.kind]
    for one in rule.filters:
        if one.type not in known:
            return f"Istio knows no filter {one.type} of a {route.ref.kind}", one.node
    return hard_flaw(mesh, route, rule.backend_refs, in_mesh=in_mesh)


def _actions(
    mesh: Mesh, route: HTTPLike, rule: HTTPRule | GRPCRule, refusals: dict[Node, NoCluster], *, in_mesh: bool
) -> Mapping[str, Spelled]:
    """What is done with the requests of a rule (R908, R913)."""
    found: dict[str, Spelled] = {"headers": _headers(rule.filters)}
    mirrors: list[Spelled] = []
    for one in rule.filters:
        if one.request_redirect is not None and one.type == "RequestRedirect":
            found["redirect"] = _redirect(one)
        elif one.url_rewrite is not None and one.type == "URLRewrite":
            found["rewrite"] = _rewrite(one)
        elif one.cors is not None and one.type == "CORS":
            found["corsPolicy"] = _cors(one.cors)
        elif one.request_mirror is not None and one.type == "RequestMirror":
            mirrors += _mirrored(mesh, route, one.request_mirror, in_mesh=in_mesh)
    found["mirrors"] = mirrors or None
    if "redirect" in found:
        return found
    to = destinations(mesh, route, rule.backend_refs, refusals, in_mesh=in_mesh)
    if to:
        return {**found, "route": to}
    is_silent = not rule.backend_refs and mesh.settings.istio_version == (1, 30)
    return {**found, "directResponse": {"status": 404 if is_silent else 500}}


def _cors(by: Node) -> Spelled:
    """A CORS filter: `*` in an origin stands for anything, and other origins than the allowed are answered as well."""
    given = by.get("allowOrigins")
    origins = [str(one.value) for one in given.elements] if given is not None else []
    allowed: list[Spelled] = [
        {"exact": one} if one == "*" or "*" not in one else {"regex": re.escape(one).replace(r"\*", ".*")}
        for one in origins
    ]
    kept = {key: by.get(key) for key in ("allowMethods", "allowHeaders", "exposeHeaders", "allowCredentials")}
    return spelled({**kept, "allowOrigins": allowed, "unmatchedPreflights": "IGNORE"}, by)


def _destination(one: Backend, refusals: dict[Node, NoCluster]) -> Node:
    node = spelled({"host": one.host, "port": {"number": one.port} if one.port is not None else None}, one.ref.node)
    if one.flaw is not None and one.flaw.is_refused:
        refusals[node] = NoCluster(f"{one.ref.kind} `{one.ref.name}`: {one.flaw.value}")
    elif not one.is_read:
        refusals[node] = NoCluster(f"what {one.ref.kind} `{one.ref.name}` leads to is not shown", is_certain=False)
    return node


def _mirrored(mesh: Mesh, route: HTTPLike, mirror: RequestMirror, *, in_mesh: bool) -> Iterator[Spelled]:
    refs: tuple[Target, ...] = (mirror.backend_ref,) if mirror.backend_ref is not None else ()
    for one in backends(mesh, route, refs, in_mesh=in_mesh):
        if one.flaw is None:
            yield {"destination": _destination(one, {}), "percentage": {"value": _share(mirror)}}


def _share(mirror: RequestMirror) -> float:
    if mirror.fraction is not None and mirror.fraction.denominator:
        return 100 * mirror.fraction.numerator / mirror.fraction.denominator
    return 100 if mirror.percent is None else mirror.percent


def _headers(filters: Iterable[Filter]) -> Spelled:
    found: dict[str, Spelled] = {}
    for one in filters:
        if one.type == "RequestHeaderModifier" and one.request_header_modifier is not None:
            found["request"] = _modified(one.request_header_modifier)
        elif one.type == "ResponseHeaderModifier" and one.response_header_modifier is not None:
            found["response"] = _modified(one.response_header_modifier)
    return found or None


def _modified(by: HeaderModifier) -> Spelled:
    return {
        "set": {one.name: one.value for one in by.set} or None,
        "add": {one.name: one.value for one in by.add} or None,
        "remove": list(by.remove) or None,
    }


def _redirect(one: Filter) -> Spelled:
    """Without a port that of the request stays, or with a scheme its own (R913)."""
    by = one.request_redirect
    if by is None:
        return None
    derived = "FROM_PROTOCOL_DEFAULT" if by.scheme else "FROM_REQUEST_PORT"
    written: Spelled = {
        "redirectCode": by.status_code,
        "authority": by.hostname or None,
        "scheme": by.scheme or None,
        "uri": _new_path(by.path),
        "port": by.port,
        "derivePort": derived if by.port is None else None,
    }
    return spelled(written, one.node)


def _new_path(path: PathModifier | None) -> str | None:
    if path is None:
        return None
    if path.type == "ReplacePrefixMatch" and path.replace_prefix_match is not None:
        return f"%PREFIX()%{path.replace_prefix_match}"
    return path.replace_full_path


def _rewrite(one: Filter) -> Spelled:
    """A prefix is replaced up to the end of a segment, and `/` takes it away (R913)."""
    by = one.url_rewrite
    if by is None:
        return None
    found: dict[str, Spelled] = {"authority": by.hostname or None}
    path = by.path
    if path is not None and path.type == "ReplacePrefixMatch" and path.replace_prefix_match is not None:
        found["uri"] = path.replace_prefix_match.removesuffix("/") or "/"
    elif path is not None and path.replace_full_path is not None:
        found["uriRegexRewrite"] = {"match": "/.*", "rewrite": path.replace_full_path}
    return spelled(found, one.node)
