"""A call at gateway pods: which server takes it, what their policies say, and where their routes send it (P3)."""

from dataclasses import replace

from meshlint import request as a
from meshlint.mesh.applied import called, choose, title
from meshlint.mesh.arrival import Arrival, Secured, authorize
from meshlint.mesh.clusters import cluster
from meshlint.mesh.forward import by_chain, by_rule, route_facts, to_cluster
from meshlint.mesh.listeners import conflict, pick
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import gateway_client
from meshlint.mesh.paths import normalised, normalization
from meshlint.mesh.peers import sent_on
from meshlint.mesh.served import is_gateway
from meshlint.mesh.servers import Opened, Use, chains, domain, opened, reached, refused
from meshlint.mesh.services import Protocol
from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step
from meshlint.mesh.tokens import authenticators, forwarded, verified
from meshlint.mesh.translated import left_out
from meshlint.mesh.view import view
from meshlint.mesh.virtual_hosts import domain_of, port_of
from meshlint.mesh.waypoint_hop import detour
from meshlint.mesh.ways import MOST_HOPS, Hop, Way, after, ended
from meshlint.mesh.wire import Bytes, Call
from meshlint.mesh.workloads import Workload
from meshlint.request import Request


def enter(hop: Hop, workload: Workload, port: int, call: Call) -> Way:
    """The call at the next gateway, on a port of its pods; a gateway that sees it again never lets go of it (R722)."""
    key = (f"{workload.namespace}/{workload.name}", port)
    if key in hop.visited or len(hop.visited) >= MOST_HOPS:
        return ended(
            Outcome(
                Kind.LOOP, 503 if call.inner is Bytes.HTTP or call.is_http else None, why=f"back at gateway {key[0]}"
            )
        )
    peer = hop.principal if call.carries is Bytes.TLS and call.inner is not None else None
    client = gateway_client(workload)
    path = normalised(call.request.get(a.PATH) or "/", normalization(hop.mesh))
    call = replace(call, request=call.request.but(a.PATH, path)) if call.request.get(a.PATH) is not None else call
    next_hop = Hop(hop.mesh, client, call, identity(hop.mesh, workload), enter, (*hop.visited, key))
    return at_gateway(next_hop, port, peer)


def identity(mesh: Mesh, workload: Workload | None) -> str | None:
    """The identity of a workload in full, as its certificate has it (S45)."""
    return f"spiffe://{mesh.config.certified_domain}/{workload.principal}" if workload is not None else None


def at_gateway(hop: Hop, port: int, peer: str | None) -> Way:
    """A call that comes to *port* of the gateway's pods from *peer*, an identity or nobody known."""
    hop = replace(hop, detour=detour)
    all_servers = [one for one in opened(hop.mesh, hop.client) if one.pod_port == port]
    servers = reached([one for one in all_servers if not one.skipped], hop.call.request.get(a.DESTINATION_IP))
    skipped = tuple(
        Fact(f"server of Gateway {one.place} is skipped: {one.skipped}", one.server.node)
        for one in all_servers
        if one.skipped
    )
    client = Step(Stage.CLIENT, f"gateway {hop.client.name}, port {port}", None, skipped)
    if servers is None:
        why = f"the servers on port {port} are bound to different addresses: give the one that is called"
        return ended(Outcome(Kind.UNKNOWN, why=why), client)
    twin = _twin(servers)
    if twin is not None:
        why = f"Envoy refuses the listener: two servers for SNI `{twin}`"
        return ended(Outcome(Kind.REJECTED, why=why), client)
    if not servers:
        return ended(Outcome(Kind.REJECTED, why=f"connection refused: no server on port {port}"), client)
    broken = conflict(chain for _, chain in chains(hop.mesh, hop.client, servers))
    if broken is not None:
        return ended(Outcome(Kind.REJECTED, why=broken.why), client, Step(Stage.ROUTE, broken.why, broken.node))
    return after(client, _by_bytes(hop, servers, port, peer))


def _twin(servers: tuple[Opened, ...]) -> str | None:
    """An SNI that two servers of one port are chosen by, for which Envoy refuses the listener (R604)."""
    seen: set[str] = set()
    for one in servers:
        if one.use in (Use.HTTPS, Use.TLS):
            for sni in dict.fromkeys(name.lower() for name in one.snis):
                if sni in seen:
                    return sni
                seen.add(sni)
    return None


def _by_bytes(hop: Hop, servers: tuple[Opened, ...], port: int, peer: str | None) -> Way:
    call = hop.call
    plain = tuple(one for one in servers if one.use is Use.HTTP)
    if plain and call.carries is not Bytes.TLS:
        if call.carries is not Bytes.HTTP:
            return ended(Outcome(Kind.REJECTED, why="the server takes HTTP only"))
        return _http(hop, plain, port, None)
    pairs = list(chains(hop.mesh, hop.client, servers))
    usable = [chain for one, chain in pairs if call.carries is Bytes.TLS or one.use is Use.TCP]
    chain = pick(usable, call.request.get(a.DESTINATION_IP), call.sni)
    if chain is None:
        return _chainless(hop, servers, has_chains=bool(pairs))
    server = next(one for one, other in pairs if other is chain)
    chosen = Step(Stage.ROUTE, f"server of Gateway {server.place} ({server.use.value})", server.server.node)
    inner = replace(hop, call=call.opened()) if server.use in (Use.HTTPS, Use.TLS) else hop
    if server.use is Use.HTTPS:
        mode = server.server.tls.mode if server.server.tls is not None else ""
        if inner.call.carries is not Bytes.HTTP:
            return ended(Outcome(Kind.UNKNOWN, why="nothing is known of the request inside the TLS connection"), chosen)
        shown = _shown(hop, peer, mode)
        if mode == "ISTIO_MUTUAL" and not (hop.call.is_mutual or shown):
            why = "the server wants a certificate of the mesh, the client shows none"
            return ended(Outcome(Kind.TLS_MISMATCH, why=why), chosen)
        return after(chosen, _http(inner, (server,), port, shown))
    ended_tls = server.server.tls.mode if server.use is Use.TLS and server.server.tls is not None else ""
    denied, step = _denied(inner, port, _shown(hop, peer, ended_tls))
    if denied is not None:
        return after(chosen, denied)
    inner = _onward(inner)
    text = called(chain.vs) if chain.vs is not None else "no VirtualService"
    route = Step(Stage.ROUTE, text, chain.node)
    return after(chosen, after(step, after(route, by_chain(inner, chain, server.port))))


def _chainless(hop: Hop, servers: tuple[Opened, ...], *, has_chains: bool) -> Way:
    """A connection that no chain takes (R608, R614, R615)."""
    if any(one.use is Use.AUTO for one in servers):
        return _by_sni(hop)
    if has_chains:
        return ended(Outcome(Kind.REJECTED, why=_no_chain(hop.call)))
    kinds = ", ".join(sorted({one.use.value for one in servers}))
    return ended(Outcome(Kind.REJECTED, why=f"connection refused: no route for the server ({kinds})"))


def _shown(hop: Hop, peer: str | None, mode: str) -> str | None:
    """The identity of the client's certificate, where the server asks for one and checks it (S84, S86).

    An origin's principal speaks for a peer that is not in the input; the certificates of the mesh are for its own.
    """
    if mode == "ISTIO_MUTUAL":
        return peer or hop.call.request.get(a.PRINCIPAL)
    return hop.call.request.get(a.PRINCIPAL) if mode in ("MUTUAL", "OPTIONAL_MUTUAL") else None


def _onward(hop: Hop) -> Hop:
    """The hop with the call as the gateway sends it on: its own address and identity, and no token that ends here."""
    workload, request = hop.client.workload, hop.call.request
    if workload is not None and is_gateway(hop.mesh, workload) and hop.call.is_http:
        request = forwarded(authenticators(hop.mesh, workload), request)
    return replace(hop, call=replace(hop.call, request=sent_on(request)))


def _no_chain(call: Call) -> str:
    if call.carries is not Bytes.TLS:
        return "the server takes TLS only"
    return f"connection reset: no server for SNI `{call.sni}`" if call.sni else "connection reset: no SNI"


def _http(hop: Hop, servers: tuple[Opened, ...], port: int, peer: str | None) -> Way:
    """A request at the virtual hosts of servers that share their routes (R215-R218, R607-R610)."""
    denied, step = _denied(hop, port, peer)
    if denied is not None:
        return denied
    name = domain_of(hop.call.authority)
    broken = refused(hop.mesh, hop.client, servers)
    if broken is not None:
        return ended(Outcome(Kind.REJECTED, why=broken.why), step, Step(Stage.ROUTE, broken.why, broken.node))
    found = domain(hop.mesh, hop.client, servers, name, port_of(hop.call.authority))
    if found is None:
        why = f"no virtual host for `{name}`"
        return ended(Outcome(Kind.NOT_FOUND, 404, why=why), step, Step(Stage.ROUTE, why, None, _unbound(hop, servers)))
    if found.redirect is not None and all(one.use is Use.HTTP for one in servers):
        node = found.redirect.server.node.at("tls", "httpsRedirect")
        text = f"Gateway {found.redirect.place} redirects `{found.name}` to https"
        target = f"https://{name}{hop.call.request.get(a.PATH)}"
        return ended(Outcome(Kind.REDIRECT, 301, why=target), step, Step(Stage.ROUTE, text, node))
    chosen = choose(found.rules, hop.client, _known(hop))
    services = ", ".join(called(vs) for vs in found.services)
    if chosen.unclear:
        outcome = Outcome(Kind.UNKNOWN, why=chosen.unclear)
        return ended(outcome, step, Step(Stage.ROUTE, services, None, (), chosen.tried))
    if chosen.kept is None or chosen.match is None:
        text = f"virtual host {found.name}: no route of {services} matches"
        done = Step(Stage.ROUTE, text, found.services[0].name_node if found.services else None, (), chosen.tried)
        return ended(Outcome(Kind.NOT_FOUND, 404, why="no route matches"), step, done)
    vs = chosen.kept.rule.vs
    text = f"virtual host {found.name}, {called(vs)}, route {title(chosen.kept)}"
    order = (Fact("several VirtualServices have the host: by creation time, name, namespace (R204)"),)
    facts = (*(order if len(found.services) > 1 else ()), *route_facts(hop, chosen.kept))
    route = Step(Stage.ROUTE, text, chosen.match.node, facts, chosen.tried)
    way = by_rule(_onward(hop), chosen.kept, chosen.match)
    return after(step, after(route, way))


def _known(hop: Hop) -> Request:
    """The request as routes see it: with the claims of a token that the gateway itself verifies (S149, S150)."""
    workload = hop.client.workload
    if workload is None or not is_gateway(hop.mesh, workload):
        return hop.call.request
    return verified(authenticators(hop.mesh, workload), hop.call.request).request


def _denied(hop: Hop, port: int, peer: str | None) -> tuple[Way | None, Step]:
    """What the policies of the gateway's pods say (S18); gateways have no PeerAuthentication (S117)."""
    workload = hop.client.workload
    if workload is None or not is_gateway(hop.mesh, workload):
        return None, Step(Stage.SERVER, f"{hop.client.name}: the input does not show the gateway's pods")
    secured = Secured.MUTUAL if peer is not None else Secured.PLAIN
    protocol = Protocol.HTTP if hop.call.is_http else Protocol.TCP
    arrival = Arrival(hop.call, secured, peer, port, protocol, hop.call.sni)
    reception = authorize(hop.mesh, workload, arrival, hop.client.name, ())
    return (ended(reception.outcome, reception.step) if reception.outcome is not None else None), reception.step


def _unbound(hop: Hop, servers: tuple[Opened, ...]) -> tuple[Fact, ...]:
    """VirtualServices and routes that have the host but do not come to these servers, with the reason."""
    name = domain_of(hop.call.authority)
    places = {one.place for one in servers}
    facts: list[Fact] = []
    for vs in hop.mesh.virtual_services:
        if name not in (host.lower() for host in vs.spec.hosts):
            continue
        who = f"VirtualService {vs.namespace}/{vs.name}"
        if not hop.mesh.audience_of(vs).includes(hop.client.namespace):
            facts.append(Fact(f"{who} is not exported to {hop.client.namespace}", vs.spec.node.at("exportTo")))
        else:
            facts.append(Fact(f"{who} is not served by {', '.join(sorted(places))}", vs.spec.node.at("gateways")))
    return (*facts, *(Fact(text, node) for text, node in left_out(hop.mesh, name)))


def _by_sni(hop: Hop) -> Way:
    """AUTO_PASSTHROUGH: the SNI itself names the cluster (R615)."""
    parts = (hop.call.sni or "").split("_.", 3)
    if len(parts) != 4 or parts[0] != "outbound" or not parts[1].isdecimal():
        return ended(Outcome(Kind.REJECTED, why=_no_chain(hop.call)))
    to = (parts[3], int(parts[1]), parts[2])
    seen = view(hop.mesh, hop.client)
    return to_cluster(hop, cluster(hop.mesh, hop.client, seen, to, node=None, via=None))
