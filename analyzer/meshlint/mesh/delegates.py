"""Delegation: the routes of a VirtualService with those of its delegates in place of the routes that name them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import either
from meshlint.mesh.routing import Match, Route, RouteTable, bound_gateways, gateway_name, http_predicate
from meshlint.mesh.translated import all_route_tables
from meshlint.mesh.visibility import audience
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import HTTPMatch, HTTPRoute, StringMatch, VirtualServiceSpec
from meshlint.source.node import Node

VirtualService = Resource[VirtualServiceSpec]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A route as it acts. Short names in it are those of *owner*'s namespace: *vs* itself or its delegate (R220).

    `root` is the route that delegates to *owner*, None where nothing is delegated.
    """

    vs: VirtualService
    owner: VirtualService
    route: Route
    root: Node | None = None

    def setting(self, name: str) -> Node | None:
        """What the route says under *name*: its own word, else that of the route that delegates to it (R226)."""
        own = self.route.node.get(name)
        return own if own is not None or self.root is None else self.root.get(name)


def http_rules(mesh: Mesh, vs: VirtualService) -> tuple[Rule, ...]:
    """The HTTP routes of *vs*, delegates resolved (R220-R226)."""
    return mesh.derived(_http_rules, mesh, vs)


def delegate_of(mesh: Mesh, vs: VirtualService, route: HTTPRoute) -> VirtualService | None:
    """The delegate that a route names; None where there is none or *vs* does not see it (R221)."""
    if route.delegate is None:
        return None
    home = route.delegate.namespace or vs.namespace
    found = mesh.derived(_delegates, mesh).get((home, route.delegate.name))
    if found is None:
        return None
    default = mesh.config.default_virtual_service_export_to
    return found if audience(found.spec.export_to, home, default).includes(vs.namespace) else None


def _delegates(mesh: Mesh) -> Mapping[tuple[str, str], VirtualService]:
    found: dict[tuple[str, str], VirtualService] = {}
    for vs in mesh.virtual_services:
        if not vs.spec.hosts:
            found.setdefault((vs.namespace, vs.name), vs)
    return found


def _http_rules(mesh: Mesh, vs: VirtualService) -> tuple[Rule, ...]:
    table = next((one for one in mesh.derived(_tables, mesh).get(vs, ()) if one.block == "http"), None)
    rules: list[Rule] = []
    for written, route in zip(vs.spec.http, table.routes if table is not None else (), strict=False):
        if written.delegate is None:
            rules.append(Rule(vs, vs, route))
            continue
        delegate = delegate_of(mesh, vs, written)
        if delegate is not None:
            rules.extend(_merged(vs, written, delegate))
    return tuple(rules)


def _tables(mesh: Mesh) -> Mapping[VirtualService, list[RouteTable]]:
    found: dict[VirtualService, list[RouteTable]] = {}
    for table in all_route_tables(mesh):
        found.setdefault(table.resource, []).append(table)
    return found


def _merged(vs: VirtualService, root: HTTPRoute, delegate: VirtualService) -> Iterator[Rule]:
    """The delegate's routes under the conditions of the root's (R222, R223)."""
    bound = bound_gateways(vs)
    roots = _with_full_names(root.match, vs.namespace)
    for route in delegate.spec.http:
        pairs = _pairs(roots, _with_full_names(route.match, delegate.namespace))
        if pairs is None:
            continue
        node = route.node
        entries = tuple(Match(http_predicate(one, vs.namespace, bound), one.node, one) for one in pairs)
        matches = entries or (Match(http_predicate(HTTPMatch(node=node), vs.namespace, bound), node),)
        predicate = either(one.predicate for one in matches)
        merged = Route(route.name, matches, predicate, node, route.route, takes=True, is_catch_all=not entries)
        yield Rule(vs, delegate, merged, root.node)


def _with_full_names(entries: tuple[HTTPMatch, ...], namespace: str) -> tuple[HTTPMatch, ...]:
    """The entries with their gateways as `namespace/name`: short names are those of the object that has them (R111)."""
    return tuple(
        replace(one, gateways=tuple(gateway_name(name, namespace) for name in one.gateways)) for one in entries
    )


def _pairs(roots: tuple[HTTPMatch, ...], own: tuple[HTTPMatch, ...]) -> tuple[HTTPMatch, ...] | None:
    """The merged entries, delegate-major; None where an entry of the delegate conflicts with all of the root's (R223)."""
    if not roots or not own:
        return roots or own
    merged: list[HTTPMatch] = []
    for entry in own:
        fitting = [root for root in roots if not _conflict(root, entry)]
        if not fitting:
            return None
        merged.extend(_merge(root, entry) for root in fitting)
    return tuple(merged)


def _merge(root: HTTPMatch, own: HTTPMatch) -> HTTPMatch:
    """The delegate's conditions, else the root's; maps are united (R224)."""
    return replace(
        own,
        uri=own.uri or root.uri,
        scheme=own.scheme or root.scheme,
        method=own.method or root.method,
        authority=own.authority or root.authority,
        headers={**root.headers, **own.headers},
        without_headers={**root.without_headers, **own.without_headers},
        query_params={**root.query_params, **own.query_params},
        source_labels={**root.source_labels, **own.source_labels},
        port=own.port or root.port,
        gateways=own.gateways or root.gateways,
        source_namespace=own.source_namespace or root.source_namespace,
        ignore_uri_case=own.ignore_uri_case or root.ignore_uri_case,
    )


def _conflict(root: HTTPMatch, own: HTTPMatch) -> bool:
    """Whether the delegate's entry cannot be read under the root's (R225)."""
    strings = [(root.uri, own.uri), (root.scheme, own.scheme), (root.method, own.method)]
    strings.append((root.authority, own.authority))
    for of_root, of_own in (
        (root.headers, own.headers),
        (root.without_headers, own.without_headers),
        (root.query_params, own.query_params),
    ):
        strings += [(of_root[key], of_own[key]) for key in of_root.keys() & of_own.keys()]
    labels = root.source_labels.keys() & own.source_labels.keys()
    return (
        any(_clash(one, other) for one, other in strings)
        or root.ignore_uri_case != own.ignore_uri_case
        or bool(root.port and own.port and root.port != own.port)
        or bool(root.source_namespace and root.source_namespace != own.source_namespace)
        or any(root.source_labels[key] != own.source_labels[key] for key in labels)
        or bool(root.gateways and own.gateways and not set(own.gateways) <= set(root.gateways))
    )


def _clash(root: StringMatch | None, own: StringMatch | None) -> bool:
    if root is None or own is None:
        return False
    if root.regex is not None or own.regex is not None:
        return True
    if root.exact is not None:
        return root.exact != own.exact
    extended = own.exact if own.exact is not None else own.prefix
    return root.prefix is None or extended is None or not extended.startswith(root.prefix)
