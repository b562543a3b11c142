"""A call at a waypoint: what its policies say, and where the routes of the host lead that it is for (S101-S103, R219)."""

from dataclasses import replace

from meshlint.mesh.applied import called, choose, kept, title
from meshlint.mesh.arrival import Arrival, Guard, Secured, judge
from meshlint.mesh.clusters import Cluster
from meshlint.mesh.conditions import Chain
from meshlint.mesh.forward import by_chain, by_rule, route_facts, to_cluster, to_host
from meshlint.mesh.hosts import overlaps
from meshlint.mesh.listeners import FilterChain, kept_l4, needs_address, pick
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client
from meshlint.mesh.refusals import refusal
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.services import Host, HostPort, Protocol
from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step
from meshlint.mesh.targets import SIDECARS
from meshlint.mesh.translated import all_virtual_services
from meshlint.mesh.view import age
from meshlint.mesh.waypoints import (
    Assignment,
    Waypoint,
    authenticators_at,
    is_for_ingress,
    policies_at,
    waypoint_of,
)
from meshlint.mesh.ways import Hop, Way, after, ended
from meshlint.mesh.wire import Bytes
from meshlint.resources.virtual_service import VirtualService


def detour(hop: Hop, one: Cluster) -> Way | None:
    """The way of a gateway's call through the waypoint of a cluster's host; None where gateways go past it (S103)."""
    host = one.entry
    if host is None or not is_for_ingress(hop.mesh, host):
        return None
    found = waypoint_of(hop.mesh, host)
    if found is None or found.flaw is not None:
        return None
    return through(hop, found, host, one.port)


def through(hop: Hop, assigned: Assignment, host: Host, port: int, *, by_address: bool = False) -> Way:
    """The way of a call for *host* through the waypoint that is assigned to it.

    *by_address* where clients address the pods themselves: the waypoint then knows nothing of the host (S103).
    """
    waypoint = assigned.waypoint
    if waypoint is None:
        return ended(Outcome(Kind.UNKNOWN, why=assigned.doubt))
    mesh, open_there = hop.mesh, host.port(port)
    is_http = hop.call.is_http and open_there is not None and open_there.protocol.may_be_http
    fact = Fact(f"{host.name} uses waypoint {waypoint.name}", assigned.node)
    client = Step(Stage.CLIENT, f"waypoint {waypoint.name}, port {port}", waypoint.gateway.name_node, (fact,))
    about = None if by_address else host
    guard = Guard(
        Chain.HTTP if is_http else Chain.TCP,
        policies_at(mesh, waypoint, about),
        authenticators_at(mesh, waypoint, about),
    )
    arrival = Arrival(hop.call, Secured.HBONE, hop.principal, port, Protocol.HTTP if is_http else Protocol.TCP)
    reception = judge(mesh, guard, arrival, f"waypoint {waypoint.name}", ())
    if reception.outcome is not None:
        return ended(reception.outcome, client, reception.step)
    proxy = Client(waypoint.gateway.namespace, (), is_gateway=True)
    principal = f"spiffe://{mesh.config.certified_domain}/{waypoint.principal}"
    onward = Hop(mesh, proxy, replace(hop.call, port=port), principal, hop.enter, hop.visited)
    if by_address or open_there is None:
        one = Cluster(host.name, port, "", host, host.resource.name_node)
        return after(client, after(reception.step, to_cluster(onward, one)))
    way = _requests(onward, waypoint, host, port) if is_http else _connections(onward, waypoint, host, open_there)
    return after(client, after(reception.step, way))


def virtual_services(mesh: Mesh, waypoint: Waypoint, host: Host) -> tuple[VirtualService, ...]:
    """The VirtualServices, written or not, whose routes a waypoint uses for a host, in their order (R219)."""
    domain, home = mesh.settings.cluster_domain, waypoint.gateway.namespace
    fitting = (
        vs
        for vs in all_virtual_services(mesh)
        if vs.namespace in (home, host.namespace)
        and vs.spec.hosts
        and SIDECARS in bound_gateways(vs)
        and mesh.audience_of(vs).includes(home)
        and any(overlaps(name.lower(), host.name) for name in hosts_of(vs, domain))
    )
    return tuple(sorted(fitting, key=age))


def _requests(hop: Hop, waypoint: Waypoint, host: Host, port: int) -> Way:
    """A request by the routes of the host, whatever its Host header says (R219)."""
    services = virtual_services(hop.mesh, waypoint, host)
    rules = tuple(rule for vs in services for rule in kept(hop.mesh, hop.client, vs, port))
    if not rules:
        return _to_itself(hop, host, port)
    broken = refusal(hop.mesh, rules)
    if broken is not None:
        return ended(Outcome(Kind.REJECTED, why=broken.why), Step(Stage.ROUTE, broken.why, broken.node))
    chosen = choose(rules, hop.client, hop.call.request)
    names = ", ".join(dict.fromkeys(called(rule.rule.vs) for rule in rules))
    if chosen.unclear:
        outcome = Outcome(Kind.UNKNOWN, why=chosen.unclear)
        return ended(outcome, Step(Stage.ROUTE, names, None, (), chosen.tried))
    if chosen.kept is None or chosen.match is None:
        step = Step(Stage.ROUTE, f"{names}: no route matches", services[0].name_node, (), chosen.tried)
        return ended(Outcome(Kind.NOT_FOUND, 404, why="no route matches"), step)
    text = f"{called(chosen.kept.rule.vs)}, route {title(chosen.kept)}"
    facts = route_facts(hop, chosen.kept)
    step = Step(Stage.ROUTE, text, chosen.match.node, facts, chosen.tried)
    return after(step, by_rule(hop, chosen.kept, chosen.match))


def _connections(hop: Hop, waypoint: Waypoint, host: Host, port: HostPort) -> Way:
    """A connection by the routes of the host: `tls` by SNI, `tcp` in order."""
    block = "tls" if hop.call.carries is Bytes.TLS else "tcp"
    chains = [
        FilterChain(snis, subnets, host, vs, route, node)
        for vs in virtual_services(hop.mesh, waypoint, host)
        for route, node, snis, subnets in kept_l4(hop.client, vs, block, port.number)
    ]
    if needs_address(chains):
        return ended(Outcome(Kind.UNKNOWN, why="the routes ask for the destination's address"))
    chain = pick(chains, None, hop.call.sni if block == "tls" else None)
    if chain is None or chain.vs is None:
        return _to_itself(hop, host, port.number)
    return after(Step(Stage.ROUTE, called(chain.vs), chain.node), by_chain(hop, chain, port.number))


def _to_itself(hop: Hop, host: Host, port: int) -> Way:
    step = Step(Stage.ROUTE, f"no VirtualService: {host.name} itself", host.resource.name_node)
    return after(step, to_host(hop, host, port))
