"""The way out: external hosts that no registry has, and traffic that goes around its egress gateway."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Note, Outside, Problem, Result, Undecided, Witness
from meshlint.mesh.egress import BLOCKS, Chain, at_sidecar, chains, from_namespaces
from meshlint.mesh.hosts import covers, half_qualified, is_internal, is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.mesh.outbound import restriction
from meshlint.mesh.predicate import Exact, Member, Not, Predicate, both, either
from meshlint.mesh.routing import Match, Route, RouteTable, route_tables, static
from meshlint.mesh.services import Host, HostPort, Protocol
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest_host
from meshlint.mesh.targets import SIDECARS, Target, all_targets, imports_host, places, registered, targets
from meshlint.mesh.workloads import Proxy
from meshlint.registry import checks
from meshlint.request import AUTHORITY, CLIENT_NAMESPACE, GATEWAY, METHOD, PATH, PORT, SCHEME, SNI, Request
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.source.node import Node

VirtualService = Resource[VirtualServiceSpec]


@dataclass(frozen=True, slots=True, eq=False)
class Door:
    """One port of an external host, as the clients see it that are to go through the gateway.

    `clients` are their namespaces, None for all but the gateway's own.
    """

    chain: Chain
    entry: Host
    port: HostPort
    clients: frozenset[str] | None

    @property
    def where(self) -> Predicate:
        """The requests that clients send to the door."""
        here = at_sidecar(self.port.number)
        if self.clients is not None:
            return both(here, *from_namespaces(self.clients))
        return both(here, Not(Member(CLIENT_NAMESPACE, self.chain.homes)))


@checks("MSH401")
def unregistered_external_host(mesh: Mesh) -> Iterator[Result]:
    """A route to an external host that no ServiceEntry has, where only registered hosts may be called (R504, R704)."""
    domain = mesh.settings.cluster_domain
    for target in all_targets(mesh):
        if is_internal(target.host, domain) or is_wildcard(target.host) or registered(mesh, target.host):
            continue
        if half_qualified(target.destination.host, mesh.known_namespaces, domain) is not None:
            continue
        limit = restriction(mesh, target)
        if limit is None or not mesh.service_entries:
            continue
        node = target.node.at("host")
        if mesh.settings.world is World.PARTIAL:
            yield Outside(node, f"host {target.host}")
            continue
        yield Problem(
            node,
            f"no ServiceEntry has host `{target.host}`, and only registered hosts may be called",
            label="not registered",
            notes=(Note(limit.span, "this limits traffic to registered hosts"),),
            help=did_you_mean(nearest_host(mesh, target.host)),
        )


@checks("MSH404")
def egress_gateway_bypass(mesh: Mesh) -> Iterator[Result]:
    """Traffic for a host that has a way out through a gateway, and some of which goes straight out (E50-E60, E65-E68)."""
    for chain in chains(mesh):
        told: set[tuple[Node, str]] = set()
        for result in _bypasses(mesh, chain):
            # Several ports may have the same thing wrong with them.
            key = (result.node, result.message if isinstance(result, Problem) else "")
            if key not in told:
                told.add(key)
                yield result


def _bypasses(mesh: Mesh, chain: Chain) -> Iterator[Result]:
    if not chain.at_sidecars:
        yield from _unbound(mesh, chain)
        return
    yield from _direct_targets(mesh, chain)
    for door in _doors(mesh, chain):
        yield from _around(mesh, door)


def _unbound(mesh: Mesh, chain: Chain) -> Iterator[Problem]:
    """No VirtualService of the host acts at sidecars (E52, R720)."""
    doors = list(_doors(mesh, chain))
    if not doors:
        return
    for vs in dict.fromkeys(target.vs for target in chain.last_hops):
        yield Problem(
            vs.spec.node.at("gateways"),
            f"`mesh` is not among the gateways, so sidecars send requests for `{chain.host}` straight out",
            label="only at the gateway",
            help="list `mesh` as well, with a route from there to the gateway",
            witness=_witness(doors[0]),
        )


def _doors(mesh: Mesh, chain: Chain) -> Iterator[Door]:
    """The ports of the host's entries that some client besides the gateway sees."""
    for entry in chain.entries:
        clients = entry.audience.namespaces
        others = (
            None
            if clients is None
            else frozenset(one for one in clients - chain.homes if imports_host(mesh, one, entry))
        )
        if others is not None and not others:
            continue
        for port in entry.ports:
            if port.protocol in BLOCKS:
                yield Door(chain, entry, port, others)


def _around(mesh: Mesh, door: Door) -> Iterator[Result]:
    """What of the door's requests meets no route at all: Istio then sends them on as if there were none (E50)."""
    tables = _tables(door)
    routes = [(vs, route) for vs, table in tables for route in table.routes if _is_for(door, table, route)]
    kept = [(vs, match) for vs, route in routes for match in route.matches if _may_hold(match, door)]
    if not kept:
        yield _no_route(door, routes)
        return
    seen = [both(static(match.predicate), *_audience(mesh, vs)) for vs, match in kept]
    answer = space.outside(door.where, seen)
    match answer:
        case space.Empty():
            return
        case space.Unknown(why):
            yield Undecided(door.port.node, why)
        case space.Some(request):
            blind = space.outside(door.where, [static(match.predicate) for _, match in kept])
            if isinstance(blind, space.Some):
                yield _condition(door, kept, blind.request)
            elif isinstance(blind, space.Empty):
                yield from _narrow_export(mesh, door, [vs for vs, _ in kept], request)


def _tables(door: Door) -> list[tuple[VirtualService, RouteTable]]:
    """The tables that act on the door's port at sidecars (E54, E55)."""
    return [
        (vs, table)
        for vs in door.chain.at_sidecars
        for table in route_tables(vs)
        if table.block in BLOCKS[door.port.protocol]
    ]


def _is_for(door: Door, table: RouteTable, route: Route) -> bool:
    """Whether a route concerns the host: a TLS route names it among its SNI hosts (E67)."""
    if table.block != "tls":
        return True
    names = [name for match in route.node.at("match").elements for name in _strings(match.at("sniHosts").plain)]
    return any(covers(name, door.chain.host) for name in names)


def _strings(value: object) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _may_hold(match: Match, door: Door) -> bool:
    """Whether the entry is kept for some request of the door."""
    return not isinstance(space.overlap(static(match.predicate), at_sidecar(door.port.number)), space.Empty)


def _audience(mesh: Mesh, vs: VirtualService) -> tuple[Predicate, ...]:
    return from_namespaces(mesh.audience_of(vs).namespaces)


def _no_route(door: Door, routes: Sequence[tuple[VirtualService, Route]]) -> Problem:
    """No route takes the port: point at a port that a route names in vain, else at the entry's own (E54, E66, E68)."""
    number = door.port.number
    kind = " or ".join(f"`{block}`" for block in BLOCKS[door.port.protocol])
    real = {port.number for entry in door.chain.entries for port in entry.ports}
    for _, route in routes:
        for match in route.node.at("match").elements:
            node = match.get("port")
            at_mesh = not isinstance(space.overlap(route.predicate, Exact(GATEWAY, SIDECARS)), space.Empty)
            if node is not None and node.value not in real and at_mesh:
                return Problem(
                    node,
                    f"`{door.chain.host}` has no port {node.value}, so requests to its port {number} meet no route and "
                    "go straight out",
                    label="no such port",
                    notes=(Note(door.port.node.span, f"port {number}"),),
                    witness=_witness(door),
                )
    hops = tuple(Note(hop.node.span, "this hop is for other ports") for hop in door.chain.first_hops)
    return Problem(
        door.port.node,
        f"no {kind} route takes port {number} of `{door.chain.host}` to the egress gateway: requests go straight out",
        label="goes around the gateway",
        notes=hops,
        help="route this port to the gateway as well, or show it to the gateway alone by `exportTo`",
        witness=_witness(door),
    )


def _condition(door: Door, kept: Sequence[tuple[VirtualService, Match]], request: Request) -> Problem:
    """A condition on clients leaves some of them without a route (E50, R207)."""
    node = kept[0][1].node
    label = next((one for key in ("sourceLabels", "sourceNamespace") if (one := node.get(key)) is not None), node)
    return Problem(
        label,
        f"clients that do not fit this condition meet no route for `{door.chain.host}`: their requests go straight out",
        label="not for every client",
        help="add a route to the gateway for all other clients",
        witness=_witness(door, request),
    )


def _narrow_export(mesh: Mesh, door: Door, services: Sequence[VirtualService], request: Request) -> Iterator[Problem]:
    """Some namespaces see the host and not the VirtualService that takes its requests to the gateway (E56, E84)."""
    vs = services[0]
    covered = frozenset().union(*(mesh.audience_of(one).namespaces or frozenset() for one in services))
    named = door.clients if door.clients is not None else mesh.known_namespaces
    shown = sorted(
        one
        for one in named - covered - door.chain.homes
        if door.clients is not None or (_has_clients(mesh, one) and imports_host(mesh, one, door.entry))
    )
    if door.clients is None and not shown and mesh.sidecars:
        return
    who = ", ".join(f"`{one}`" for one in shown) if shown else "every other namespace"
    asked = request.but(CLIENT_NAMESPACE, shown[0]) if shown else request
    yield Problem(
        vs.spec.node.at("exportTo") if vs.spec.export_to else vs.name_node,
        f"clients in {who} see host `{door.chain.host}` and not this VirtualService: their requests go straight out",
        label="exported to fewer",
        notes=(Note(_export_node(door.entry).span, "the host is exported further"),),
        help="export the VirtualService to all who see the host",
        witness=_witness(door, asked),
    )


def _has_clients(mesh: Mesh, namespace: str) -> bool:
    """Whether the input shows pods of the namespace that are no gateways."""
    return any(one.proxy is not Proxy.GATEWAY for one in mesh.workloads_in(namespace))


def _export_node(entry: Host) -> Node:
    return entry.resource.node.get("spec", "exportTo") or entry.resource.name_node


def _direct_targets(mesh: Mesh, chain: Chain) -> Iterator[Result]:
    """Routes by which sidecars send to the host itself, in part or as a fallback (E58, E60)."""
    for vs in chain.at_sidecars:
        if not _is_beside_chain(mesh, chain, vs):
            continue
        direct = [
            one
            for one in targets(mesh, vs)
            if one.host == chain.host and not one.is_weightless and SIDECARS in places(mesh, one)
        ]
        if not direct:
            continue
        for table in mesh.tables_of(vs):
            yield from _direct_of_table(mesh, chain, table, direct)


def _is_beside_chain(mesh: Mesh, chain: Chain, vs: VirtualService) -> bool:
    """Whether the chain is there where *vs* is applied: it does not rest on other definitions of *vs* alone."""
    hops = (hop.vs for hop in (*chain.first_hops, *chain.last_hops))
    return any(hop is vs or not mesh.are_alternatives(hop, vs) for hop in hops)


def _direct_of_table(mesh: Mesh, chain: Chain, table: RouteTable, direct: list[Target]) -> Iterator[Result]:
    where = _clients_of(mesh, chain, table)
    if where is None:
        return
    for route, earlier in table.with_earlier():
        own = [one for one in direct if one.block == table.block and one.route.node is route.node]
        if not own:
            continue
        answer = space.outside(both(where, route.predicate), [one.predicate for one in earlier])
        match answer:
            case space.Empty():
                continue
            case space.Unknown(why):
                yield Undecided(route.node, why)
            case space.Some(request):
                for one in own:
                    yield _direct(mesh, chain, one, request)


def _clients_of(mesh: Mesh, chain: Chain, table: RouteTable) -> Predicate | None:
    """The requests for the chain's host that the table is asked about at clients; None where there are none."""
    doors = [door for door in _doors(mesh, chain) if table.block in BLOCKS[door.port.protocol]]
    return either(door.where for door in doors) if doors else None


def _direct(mesh: Mesh, chain: Chain, target: Target, request: Request) -> Problem:
    what = (
        "copies go"
        if target.is_mirror
        else "requests go"
        if len(target.route.route) < 2
        else "part of the requests goes"
    )
    number = request.get(PORT) or ""
    door = next((one for one in _doors(mesh, chain) if str(one.port.number) == number), None)
    return Problem(
        target.node,
        f"sidecars use this route as well: {what} straight to `{chain.host}`, not through the egress gateway",
        label="goes around the gateway",
        notes=tuple(Note(hop.node.span, "the way through the gateway") for hop in chain.first_hops),
        help="let sidecars send to the gateway only: keep this destination for a route with the gateway in its match",
        witness=_witness(door, request) if door is not None else None,
    )


def _witness(door: Door, request: Request | None = None) -> Witness:
    """A request to the door and where it goes."""
    asked = request or Request()
    host, number = door.chain.host, str(door.port.number)
    name = f"www{host[1:]}" if is_wildcard(host) else host
    asked = asked.but(PORT, number).but(GATEWAY, None)
    if door.port.protocol is Protocol.TLS:
        asked = asked.but(SNI, name).but(SCHEME, "tls")
    elif door.port.protocol is not Protocol.TCP:
        asked = asked.but(AUTHORITY, name).but(SCHEME, "http").but(METHOD, asked.get(METHOD) or "GET")
        asked = asked.but(PATH, asked.get(PATH) or "/")
    else:
        asked = asked.but(AUTHORITY, name).but(SCHEME, "tcp")
    return Witness(asked, f"goes straight to {host}:{number}, not through {door.chain.gateway}")
