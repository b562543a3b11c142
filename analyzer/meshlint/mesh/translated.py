"""The VirtualServices that routes of the Gateway API become, beside the written ones.

Istio itself reads the Gateway API this way: what holds for VirtualServices then holds for these (routing section 9).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from meshlint.mesh.backends import backends
from meshlint.mesh.hosts import covers, is_wildcard, narrower, overlaps
from meshlint.mesh.kubernetes_gateways import Listening, listenings
from meshlint.mesh.kubernetes_routes import HTTPLike, NoCluster, Piece, Refusals, destinations, hard_flaw, pieces
from meshlint.mesh.model import Mesh
from meshlint.mesh.parents import Attachment, Route, accepted, attachments, hostnames, routes
from meshlint.mesh.routing import RouteTable
from meshlint.mesh.services import Host
from meshlint.mesh.spelled import Spelled, spelled
from meshlint.resources.base import Resource
from meshlint.resources.gateway_api import BackendRef, GRPCRouteSpec, HTTPRouteSpec, TLSRouteSpec
from meshlint.resources.record import Record, decode
from meshlint.resources.virtual_service import VirtualService, VirtualServiceSpec
from meshlint.source.node import Node


def all_virtual_services(mesh: Mesh) -> tuple[VirtualService, ...]:
    """The VirtualServices that route: the written ones, and what routes of the Gateway API become."""
    return (*mesh.virtual_services, *mesh.derived(_translation, mesh).services)


def translated_tables(mesh: Mesh) -> tuple[RouteTable, ...]:
    """The route tables of the VirtualServices that routes of the Gateway API become."""
    return tuple(table for vs in mesh.derived(_translation, mesh).services for table in mesh.tables_of(vs))


def all_route_tables(mesh: Mesh) -> tuple[RouteTable, ...]:
    """The route tables of all VirtualServices, written or not."""
    return (*mesh.route_tables, *translated_tables(mesh))


def no_cluster(mesh: Mesh, destination: Node) -> NoCluster | None:
    """Why a destination has no cluster: a backend of the Gateway API that Istio does not take (R908)."""
    return mesh.derived(_translation, mesh).refusals.get(destination)


def is_translated(vs: VirtualService) -> bool:
    """Whether the VirtualService is made of routes of the Gateway API: other statuses, and hosts that stay literal."""
    return vs.ref.kind != "VirtualService"


def left_out(mesh: Mesh, name: str) -> Iterator[tuple[str, Node]]:
    """Why HTTPRoutes and GRPCRoutes that are for *name* take no requests at some parent, and where that is written."""
    chosen_by_requests: tuple[HTTPLike, ...] = (*mesh.http_routes, *mesh.grpc_routes)
    for route in chosen_by_requests:
        if not any(covers(own, name) for own in hostnames(route)):
            continue
        who = f"{route.ref.kind} {route.namespace}/{route.name}"
        for one in attachments(mesh, route):
            of_route = pieces(mesh, route, one.ref.port, in_mesh=bool(one.hosts))
            if not one.is_accepted:
                yield f"{who} is not attached: {one.verdict.value}", one.ref.node
            elif of_route.culprit is not None:
                yield f"{who} counts for nothing: {of_route.flaw}", of_route.culprit


@dataclass(frozen=True, slots=True)
class _Translation:
    services: tuple[VirtualService, ...]
    refusals: Refusals


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where requests meet routes: all HTTP routes of one slot are one list (R904, R912)."""

    place: str
    host: str
    namespace: str = ""
    port: int | None = None
    is_consumer: bool = False


@dataclass(slots=True)
class _Collected:
    """What the translation comes to so far."""

    slots: dict[_Slot, list[tuple[Route, Piece]]] = field(default_factory=dict)
    services: list[VirtualService] = field(default_factory=list)
    refusals: dict[Node, NoCluster] = field(default_factory=dict)


def _translation(mesh: Mesh) -> _Translation:
    found = _Collected()
    for route in sorted(routes(mesh), key=_age):
        if isinstance(route.spec, HTTPRouteSpec | GRPCRouteSpec):
            own = Resource(route.ref, route.node, route.metadata, route.spec, is_sound=route.is_sound)
            _collect(mesh, own, found)
        else:
            found.services += _of_connections(mesh, route, found.refusals)
    merged = [_merged(slot, some) for slot, some in found.slots.items()]
    return _Translation((*merged, *found.services), found.refusals)


def _age(route: Resource[Record]) -> tuple[str, str, str]:
    """The order of routes: creation time, namespace, name (R904)."""
    created = route.node.get("metadata", "creationTimestamp")
    return (str(created.value) if created is not None and created.value else "", route.namespace, route.name)


def _collect(mesh: Mesh, route: HTTPLike, found: _Collected) -> None:
    """The route's pieces, put into each slot that it has."""
    for slot in dict.fromkeys(slot for one in accepted(mesh, route) for slot in _slots(mesh, one)):
        of_route = pieces(mesh, route, slot.port, in_mesh=slot.place == "mesh")
        found.refusals.update(of_route.refusals)
        if of_route.pieces:
            found.slots.setdefault(slot, []).extend((route, one) for one in of_route.pieces)


def _slots(mesh: Mesh, attachment: Attachment) -> Iterator[_Slot]:
    route = attachment.route
    for one in attachment.listenings:
        for name in hostnames(route):
            if overlaps(one.hostname, name) and not _is_served_elsewhere(mesh, one, name):
                yield _Slot(one.place, name)
    for host in attachment.hosts:
        yield _Slot("mesh", host.name, route.namespace, attachment.ref.port, route.namespace != host.namespace)


def _is_served_elsewhere(mesh: Mesh, one: Listening, name: str) -> bool:
    """Whether a listener with a closer hostname, on the same port and of the same protocol, has the name (R903)."""
    own = one.listener.hostname.lower()
    if own and not is_wildcard(own):
        return False
    rivals = (
        other.listener.hostname.lower()
        for other in listenings(mesh)
        if other is not one
        and other.owner is one.owner
        and (other.listener.port, other.listener.protocol) == (one.listener.port, one.listener.protocol)
    )
    return any(rival and len(own) <= len(rival) and covers(rival, name) for rival in rivals)


def _merged(slot: _Slot, some: Iterable[tuple[Route, Piece]]) -> VirtualService:
    """One VirtualService of all routes of a slot, sorted by how closely they match (R904, R905)."""
    ordered = sorted(some, key=lambda one: one[1].rank)
    first = min((route for route, _ in ordered), key=_age)
    export = (["."] if slot.is_consumer else ["*"]) if slot.place == "mesh" else None
    return _virtual_service(
        first,
        {
            "hosts": [slot.host],
            "gateways": [slot.place],
            "http": [piece.node for _, piece in ordered],
            "exportTo": export,
        },
    )


def _of_connections(mesh: Mesh, route: Route, refusals: dict[Node, NoCluster]) -> Iterator[VirtualService]:
    """The VirtualServices of a TLSRoute or TCPRoute: one for each listener or host (R914)."""
    for attachment in accepted(mesh, route):
        for one in attachment.listenings:
            here = (own for own in hostnames(route) if not _is_served_elsewhere(mesh, one, own))
            names = [name for own in here if (name := narrower(one.hostname, own)) is not None]
            block = "tls" if one.listener.is_passthrough else "tcp"
            snis = names if block == "tls" else None
            to = _l4_routes(mesh, route, {"sniHosts": snis}, refusals, in_mesh=False)
            if to and names:
                yield _virtual_service(route, {"hosts": names, "gateways": [one.place], block: to})
        for host in attachment.hosts:
            yield from _of_host(mesh, attachment, host, refusals)


def _of_host(
    mesh: Mesh, attachment: Attachment, host: Host, refusals: dict[Node, NoCluster]
) -> Iterator[VirtualService]:
    route = attachment.route
    is_tls = isinstance(route.spec, TLSRouteSpec)
    snis = ([host.name] if hostnames(route) == ("*",) else list(hostnames(route))) if is_tls else None
    to = _l4_routes(mesh, route, {"sniHosts": snis, "port": attachment.ref.port}, refusals, in_mesh=True)
    if to:
        export = ["."] if route.namespace != host.namespace else ["*"]
        block = "tls" if is_tls else "tcp"
        yield _virtual_service(route, {"hosts": [host.name], "gateways": ["mesh"], block: to, "exportTo": export})


def _l4_routes(
    mesh: Mesh, route: Route, match: Mapping[str, Spelled], refusals: dict[Node, NoCluster], *, in_mesh: bool
) -> list[Spelled]:
    found: list[Spelled] = []
    asks = any(one is not None for one in match.values())
    for rule in route.spec.rules:
        if hard_flaw(mesh, route, rule.backend_refs, in_mesh=in_mesh) is not None:
            return []
        to = destinations(mesh, route, rule.backend_refs, refusals, in_mesh=in_mesh) or _nowhere(
            mesh, route, rule.backend_refs, refusals
        )
        found.append(spelled({"match": [match] if asks else None, "route": to}, rule.node))
    return found


def _nowhere(mesh: Mesh, route: Route, refs: tuple[BackendRef, ...], refusals: dict[Node, NoCluster]) -> list[Spelled]:
    """Backends of which none has a weight: connections go to a cluster that is not there (R914)."""
    found = [one for one in backends(mesh, route, refs, in_mesh=True) if one.host][:1]
    nodes = [spelled({"host": one.host}, one.ref.node) for one in found]
    refusals.update(dict.fromkeys(nodes, NoCluster("no backend has a weight")))
    return [{"destination": node, "weight": 1} for node in nodes]


def _virtual_service(route: Route, spec: Mapping[str, Spelled]) -> VirtualService:
    read = decode(VirtualServiceSpec, spelled(spec, route.spec.node), [])
    return Resource(route.ref, route.node, route.metadata, read, is_sound=route.is_sound)
