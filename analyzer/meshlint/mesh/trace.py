"""Run one request through a mesh, writing down each step: the concrete reading of routing and security."""

from dataclasses import replace
from typing import assert_never

from meshlint import request as a
from meshlint.mesh.ambient import at_ztunnel, is_enrolled, ztunnel
from meshlint.mesh.applied import called, choose, title
from meshlint.mesh.arrival import Secured, receive
from meshlint.mesh.clusters import Cluster, cluster
from meshlint.mesh.forward import arrival_at, by_chain, by_rule, route_facts, to_cluster, to_host
from meshlint.mesh.gateway_hop import at_gateway, enter, identity
from meshlint.mesh.history import UNKNOWN_HOSTS
from meshlint.mesh.hosts import covers, is_address
from meshlint.mesh.listeners import Listener, listener, needs_address, pick
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, Client, FromOutside, FromPod, Origin, gateway_client, gateway_pods, sidecar
from meshlint.mesh.paths import normalization
from meshlint.mesh.refusals import Refusal, refusal
from meshlint.mesh.served import is_gateway
from meshlint.mesh.servers import opened, pod_port
from meshlint.mesh.services import Host
from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step, Trace
from meshlint.mesh.view import View, age, concrete, egress_proxy, known, outbound_policy, sidecar_of, view
from meshlint.mesh.virtual_hosts import VirtualHost, domain_of, named, own_virtual_host, refused, virtual_host
from meshlint.mesh.ways import Hop, Way, after, ended, one_of
from meshlint.mesh.wire import Bytes, Call, call
from meshlint.mesh.workloads import Proxy, unlike
from meshlint.request import Request
from meshlint.resources.virtual_service import Destination


def trace(mesh: Mesh, origin: Origin, request: Request) -> Trace:
    """The way of *request* from *origin* through the mesh, and how it ends.

    What the request does not say is as clients send it: GET, path `/`, the scheme's port. A port of 0 is unknown.
    """
    sent = call(request, normalization(mesh))
    match origin:
        case FromPod():
            way = _from_pod(mesh, origin, sent)
        case AtGateway(name):
            way = _at_gateway(mesh, name, sent)
        case FromOutside():
            way = _from_outside(mesh, sent)
        case _:
            assert_never(origin)
    return Trace(request, way.steps, way.outcome)


def _from_pod(mesh: Mesh, origin: FromPod, sent: Call) -> Way:
    client = sidecar(origin)
    if origin.workload is not None and origin.workload.proxy is Proxy.NONE:
        step = Step(Stage.CLIENT, f"{client.name} has no sidecar: no route holds for it")
        return after(step, _from_outside(mesh, sent))
    principal = sent.request.get(a.PRINCIPAL) or identity(mesh, origin.workload)
    sent = replace(sent, request=sent.request.but(a.PRINCIPAL, None))
    if is_enrolled(mesh, origin):
        return at_ztunnel(Hop(mesh, ztunnel(origin), sent, principal, enter))
    return _at_sidecar(Hop(mesh, client, sent, principal, enter))


def _at_gateway(mesh: Mesh, name: str, sent: Call) -> Way:
    pods = gateway_pods(mesh, name)
    if not pods:
        return ended(Outcome(Kind.UNKNOWN, why=f"no Gateway is called {name}"))
    return one_of([_at_pods(mesh, client, sent) for client in pods])


def _at_pods(mesh: Mesh, client: Client, sent: Call) -> Way:
    port = pod_port(mesh, client, sent.port)
    principal = identity(mesh, client.workload)
    return at_gateway(Hop(mesh, client, sent, principal, enter, ((client.name, port),)), port, None)


def _from_outside(mesh: Mesh, sent: Call) -> Way:
    """A peer without a proxy calls a Service as it is, or comes to a gateway that has the host (S136)."""
    name = domain_of(sent.dialed)
    for host in named(mesh, mesh.settings.namespace, name):
        port = host.port(sent.port)
        workloads = mesh.workloads_of(host)
        if port is None or not workloads:
            continue
        one = Cluster(host.name, sent.port, "", host, host.resource.name_node)
        hop = Hop(mesh, Client("", ()), sent, None, enter)
        if is_gateway(mesh, workloads[0]):
            return one_of([enter(hop, each, arrival_at(hop, one, each).port, sent) for each in unlike(workloads)])
        step = Step(
            Stage.CLIENT, f"a peer without a proxy calls {host.name}, port {sent.port}", host.resource.name_node
        )
        return after(step, _received(hop, one, sent.request.get(a.PRINCIPAL)))
    for workload in mesh.workloads:
        client = gateway_client(workload)
        if not is_gateway(mesh, workload):
            continue
        port_there = pod_port(mesh, client, sent.port)
        here = [one for one in opened(mesh, client) if one.pod_port == port_there]
        if any(covers(sni, name) for one in here for sni in one.snis):
            hop = Hop(mesh, client, sent, identity(mesh, workload), enter, ((client.name, port_there),))
            return at_gateway(hop, port_there, None)
    return ended(Outcome(Kind.UNKNOWN, why=f"the input does not show who takes `{name}` from outside"))


def _received(hop: Hop, one: Cluster, principal: str | None) -> Way:
    """What a service's own proxies make of a call that comes in plain text, from a peer known as *principal* or not."""
    steps: list[Step] = []
    good: list[str] = []
    refused: Outcome | None = None
    for workload in hop.mesh.workloads_of(one.entry) if one.entry is not None else ():
        there = arrival_at(hop, one, workload)
        secured = Secured.PLAIN if principal is None else Secured.MUTUAL
        reception = receive(hop.mesh, workload, replace(there, secured=secured, principal=principal))
        steps.append(reception.step)
        refused = refused or reception.outcome
        if reception.outcome is None:
            good.append(f"{workload.namespace}/{workload.name}")
    if refused is not None and not good:
        return Way(tuple(steps), refused)
    return Way(tuple(steps), Outcome(Kind.CLUSTER, 200 if hop.call.is_http else None, workloads=tuple(good)))


def _at_sidecar(hop: Hop) -> Way:
    """P1 and P2: the listener by destination and port, then Host header, or address and SNI."""
    mesh, client, sent = hop.mesh, hop.client, hop.call
    seen = view(mesh, client, sent.port)
    dialed = _dialed(mesh, client, seen, sent)
    open_there = listener(mesh, client, seen, dialed, sent.port)
    chosen = sidecar_of(mesh, client)
    facts = [Fact(f"Sidecar {chosen.namespace}/{chosen.name} applies", chosen.name_node)] if chosen is not None else []
    if open_there.refused is not None:
        return _refused(hop, open_there.refused, facts)
    if sent.carries is Bytes.HTTP and open_there.own is not None:
        own = own_virtual_host(mesh, client, seen, sent.port, open_there.own)
        broken = refusal(mesh, own.rules)
        return _routed(hop, own, facts) if broken is None else _refused(hop, broken, facts)
    if sent.carries is Bytes.HTTP and open_there.has_http:
        broken = refused(mesh, client, seen, sent.port)
        if broken is not None:
            return _refused(hop, broken, facts)
        found = virtual_host(mesh, client, seen, sent.port, sent.authority)
        if found is not None:
            return _routed(hop, found, facts)
        return _unmatched(hop, facts) if mesh.settings.istio_version < UNKNOWN_HOSTS else _unknown(hop, facts, dialed)
    return _connected(hop, open_there, facts, dialed)


def _dialed(mesh: Mesh, client: Client, seen: View, sent: Call) -> Host | None:
    """The host whose address the client connects to: that of the given address, else what its name resolves to."""
    address = sent.request.get(a.DESTINATION_IP)
    if address is not None:
        return next(iter(named(mesh, client.namespace, address)), None)
    found = named(mesh, client.namespace, domain_of(sent.dialed))
    for host in found:
        if host in known(mesh, seen, host.name):
            return concrete(mesh, seen, host)
    return next(iter(found), None)


def _connected(hop: Hop, open_there: Listener, facts: list[Fact], dialed: Host | None) -> Way:
    sent = hop.call
    address = sent.request.get(a.DESTINATION_IP) or (
        domain_of(sent.dialed) if is_address(domain_of(sent.dialed)) else None
    )
    if address is None and needs_address(open_there.chains):
        why = "the routes ask for the destination's address: give it with --address"
        return ended(Outcome(Kind.UNKNOWN, why=why), _client(hop, f"port {sent.port}", facts))
    chain = pick(open_there.chains, address, sent.sni if sent.carries is Bytes.TLS else None)
    if chain is None:
        return _unknown(hop, facts, dialed)
    step = _client(hop, f"{sent.carries.value} on port {sent.port}", facts)
    if chain.vs is None:
        host = chain.host
        text = f"no route for {sent.carries.value} connections: {host.name if host is not None else ''} itself"
    else:
        text = called(chain.vs)
    return after(step, after(Step(Stage.ROUTE, text, chain.node), by_chain(hop, chain, sent.port)))


def _refused(hop: Hop, broken: Refusal, facts: list[Fact]) -> Way:
    """What Envoy refuses stays as it was, or is not there at all: no request on the port is routed as written."""
    step = _client(hop, f"port {hop.call.port}", facts)
    return ended(Outcome(Kind.REJECTED, why=broken.why), step, Step(Stage.ROUTE, broken.why, broken.node))


def _client(hop: Hop, text: str, facts: list[Fact]) -> Step:
    return Step(Stage.CLIENT, f"{hop.client.name}  sidecar outbound, {text}", None, tuple(facts))


def _unmatched(hop: Hop, facts: list[Fact]) -> Way:
    """A request for a host that no virtual host of the port has, before any policy decided on those (R1009)."""
    why = f"no virtual host for `{hop.call.authority}` on port {hop.call.port}"
    return ended(Outcome(Kind.NOT_FOUND, 404, why=why), _client(hop, f"port {hop.call.port}: {why}", facts))


def _unknown(hop: Hop, facts: list[Fact], dialed: Host | None) -> Way:
    """Traffic for what the sidecar does not know (R704, R707)."""
    is_closed, node = outbound_policy(hop.mesh, hop.client)
    known = f"`{dialed.name}` is in the mesh, but not for this client and port" if dialed is not None else ""
    name = domain_of(hop.call.authority) or "the destination"
    text = f"port {hop.call.port} → `{name}` is unknown here"
    notes = [*facts, Fact(f"outbound traffic policy {'REGISTRY_ONLY' if is_closed else 'ALLOW_ANY'}", node)]
    step = _client(hop, text, [*notes, *([Fact(known)] if known else [])])
    if is_closed:
        status = 502 if hop.call.is_http and hop.mesh.settings.istio_version >= UNKNOWN_HOSTS else None
        return ended(
            Outcome(Kind.BLACKHOLE, status, "BlackHoleCluster", why=known or f"`{name}` is not registered"), step
        )
    proxy = egress_proxy(hop.mesh, hop.client)
    if proxy is not None:
        return after(step, to_cluster(hop, _egress(hop, proxy)))
    passed = Outcome(Kind.PASSTHROUGH, None, "PassthroughCluster", why=known)
    if dialed is None or dialed.port(hop.call.port) is None:
        return ended(passed, step)
    return after(step, _past_the_mesh(hop, dialed, passed))


def _egress(hop: Hop, to: Destination) -> Cluster:
    """The cluster that takes all unknown traffic (R706)."""
    number = to.port.number if to.port is not None and to.port.number is not None else 0
    seen = view(hop.mesh, hop.client)
    return cluster(hop.mesh, hop.client, seen, (to.host, number, to.subset), node=to.node, via=None)


def _past_the_mesh(hop: Hop, dialed: Host, passed: Outcome) -> Way:
    """What workloads of the mesh make of a call that the client's proxy does not know to be for them: plain text (R707)."""
    workloads = hop.mesh.workloads_of(dialed)
    if not workloads or any(is_gateway(hop.mesh, one) for one in workloads):
        return ended(passed)
    there = _received(hop, Cluster(dialed.name, hop.call.port, "", dialed, dialed.resource.name_node), None)
    if there.outcome.kind is Kind.CLUSTER:
        return Way(there.steps, replace(passed, workloads=there.outcome.workloads))
    return Way(there.steps, replace(there.outcome, cluster=passed.cluster))


def _routed(hop: Hop, found: VirtualHost, facts: list[Fact]) -> Way:
    """A request at its virtual host (R301, R213, R214)."""
    notes = [
        *facts,
        *(Fact(f"{called(vs)}: {why}", vs.name_node) for vs, why in found.passed),
    ]
    rivals = [vs for vs, _ in found.passed if found.vs is not None and age(vs)[0] == age(found.vs)[0]]
    if rivals:
        notes.append(Fact("manifests show no creation time: the order is that of names (R204)"))
    step = _client(hop, f"port {hop.call.port} → virtual host {found.name}:{hop.call.port}", notes)
    if found.vs is None:
        if found.host is None:
            return ended(Outcome(Kind.NOT_FOUND, 404), step)
        route = Step(Stage.ROUTE, f"no VirtualService: {found.host.name} itself", found.host.resource.name_node)
        if hop.call.request.get(a.PATH) == "*":
            return ended(Outcome(Kind.NOT_FOUND, 404, why="no route takes the path `*`"), step, route)
        return after(step, after(route, to_host(hop, found.host, hop.call.port)))
    chosen = choose(found.rules, hop.client, hop.call.request)
    name = called(found.vs)
    if chosen.unclear:
        outcome = Outcome(Kind.UNKNOWN, why=chosen.unclear)
        return ended(outcome, step, Step(Stage.ROUTE, name, found.vs.name_node, (), chosen.tried))
    if chosen.kept is None or chosen.match is None:
        route = Step(Stage.ROUTE, f"{name}: no route matches", found.vs.name_node, (), chosen.tried)
        return ended(Outcome(Kind.NOT_FOUND, 404, why="no route matches"), step, route)
    effects = route_facts(hop, chosen.kept)
    route = Step(Stage.ROUTE, f"{name}, route {title(chosen.kept)}", chosen.match.node, effects, chosen.tried)
    return after(step, after(route, by_rule(hop, chosen.kept, chosen.match)))
