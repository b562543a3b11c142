"""What a proxy does with a call once a route is chosen: answer it, or send it to clusters and their endpoints."""

from dataclasses import replace

from meshlint.mesh import history
from meshlint.mesh.applied import Kept
from meshlint.mesh.arrival import Arrival, Secured, receive, secured, secured_by_ztunnel
from meshlint.mesh.clusters import Cluster, cluster, destination_port, endpoints, inside
from meshlint.mesh.delegates import VirtualService
from meshlint.mesh.hosts import qualify
from meshlint.mesh.listeners import FilterChain
from meshlint.mesh.model import Mesh
from meshlint.mesh.paths import rewritten, with_appended, with_headers
from meshlint.mesh.routing import Match
from meshlint.mesh.served import is_gateway
from meshlint.mesh.services import Host, Protocol
from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step
from meshlint.mesh.translated import is_translated, no_cluster
from meshlint.mesh.treatment import aborted, copies, effects, preflight, redirected, timing, whole
from meshlint.mesh.view import view
from meshlint.mesh.virtual_hosts import domain_of
from meshlint.mesh.ways import Hop, Way, after, ended, one_of, together
from meshlint.mesh.wire import Bytes, Call
from meshlint.mesh.workloads import Workload, target_port, unlike
from meshlint.resources.virtual_service import Destination, RouteDestination


def by_rule(hop: Hop, kept: Kept, match: Match) -> Way:
    """What an HTTP rule does with the call that it takes (R401-R408)."""
    rule, asked = kept.rule, hop.call.request
    answer = aborted(hop.mesh, rule, asked) or preflight(rule, asked)
    if answer is not None:
        return ended(answer)
    redirect, direct = rule.setting("redirect"), rule.setting("directResponse")
    if redirect is not None:
        return ended(redirected(redirect, asked, match))
    if direct is not None:
        return ended(Outcome(Kind.DIRECT, whole(direct.get("status"))))
    sent = rewritten(asked, rule.setting("rewrite"), match)
    if sent is None:
        return ended(Outcome(Kind.UNKNOWN, why="the path is rewritten by an expression that cannot be followed"))
    if hop.mesh.settings.istio_version < history.HEADERS:
        sent = with_appended(sent, rule.setting("appendHeaders"))
    call = replace(hop.call, request=with_headers(sent, rule.setting("headers")))
    next_hop = replace(hop, call=call, facts=(timing(hop.mesh, rule),))
    return _to_all(next_hop, rule.route.destinations, rule.owner, rule.vs, kept.port, is_http=True)


def route_facts(hop: Hop, kept: Kept) -> tuple[Fact, ...]:
    """What an HTTP rule does beside choosing where the call goes, the copies that it sends included (R407-R410)."""
    found = list(effects(hop.mesh, kept.rule, hop.call.request))
    for to, percent in copies(kept.rule):
        if percent > 0:
            one = _cluster(hop, to, kept.rule.owner, kept.rule.vs, kept.port, is_http=True)
            lost = f": {one.flaw}, no copy is sent" if one.flaw else ""
            found.append(Fact(f"copies {percent:g} % of the requests to {one.name}{lost}", to.node))
    return tuple(found)


def by_chain(hop: Hop, chain: FilterChain, port: int) -> Way:
    """What the chain that a connection fell into does with it (R455)."""
    if chain.route is not None and chain.vs is not None:
        return _to_all(hop, chain.route.destinations, chain.vs, chain.vs, port, is_http=False)
    if chain.host is None:
        return ended(Outcome(Kind.UNKNOWN, why="the chain leads nowhere that manifests show"))
    return to_host(hop, chain.host, port)


def to_host(hop: Hop, host: Host, port: int) -> Way:
    """The host's own cluster on the port that was dialed (R214)."""
    node = host.resource.name_node
    one = cluster(hop.mesh, hop.client, view(hop.mesh, hop.client), (host.name, port, ""), node=node, via=None)
    return to_cluster(replace(hop, facts=(timing(hop.mesh, None),)) if hop.call.is_http else hop, one)


def to_cluster(hop: Hop, one: Cluster) -> Way:
    """A call sent to a cluster: whether it exists, and what its endpoints do (R504, R507)."""
    status = 503 if hop.call.is_http else None
    if one.flaw:
        step = Step(Stage.CLUSTER, f"{one.name} does not exist: {one.flaw}", one.node, _rule_facts(one))
        return ended(Outcome(Kind.NO_CLUSTER, status, one.name, why=one.flaw), step)
    detour = hop.detour(hop, one)
    if detour is not None:
        return after(Step(Stage.CLUSTER, one.name, one.node, _rule_facts(one)), detour)
    if one.doubt:
        step = Step(Stage.CLUSTER, one.name, one.node, (Fact(f"{one.doubt}: taken to exist"),))
        done = Outcome(Kind.CLUSTER, 200 if hop.call.is_http else None, one.name, why=f"{one.doubt}: taken to exist")
        return ended(done, step)
    workloads, flaw, doubt = endpoints(hop.mesh, hop.client, one)
    if flaw:
        is_dns = one.subset and one.entry is not None and one.entry.resolution.startswith("DNS")
        kind = Kind.NO_CLUSTER if is_dns else Kind.NO_ENDPOINT
        return ended(Outcome(kind, status, one.name, why=flaw), Step(Stage.CLUSTER, f"{one.name}: {flaw}", one.node))
    facts = (*_rule_facts(one), *_call_facts(hop, one, workloads), *((Fact(doubt),) if doubt else ()))
    inner = inside(hop.mesh, one) if not workloads else ()
    if inner:
        facts = (*facts, *(Fact(f"its endpoint is {host.name} of the mesh", at) for host, _, at in inner))
        ways = [
            _to_workloads(hop, replace(one, inside=(host, port)), hop.mesh.workloads_of(host))
            for host, port, _ in inner
        ]
        return after(Step(Stage.CLUSTER, one.name, one.node, facts), one_of(ways))
    if not workloads:
        step = Step(Stage.CLUSTER, one.name, one.node, facts)
        return ended(Outcome(Kind.CLUSTER, 200 if hop.call.is_http else None, one.name, why=doubt), step)
    return after(Step(Stage.CLUSTER, one.name, one.node, facts), _to_workloads(hop, one, workloads))


def arrival_at(hop: Hop, one: Cluster, workload: Workload) -> Arrival:
    """The call as it comes to one of the cluster's endpoints."""
    host, there = one.inside or (one.entry, one.port)
    port = host.port(there) if host is not None else None
    number = (target_port(port, workload) if port is not None else None) or there
    if hop.client.is_ztunnel:
        how = secured_by_ztunnel(workload)
    elif _is_dropped(hop, one):
        how = Secured.PLAIN
    else:
        how = secured(hop.mesh, one.tls, one.entry, workload, number)
    principal = hop.principal if how.shows_identity else None
    protocol = port.protocol if port is not None else Protocol.TCP
    return Arrival(hop.call, how, principal, number, protocol, _sni(hop.call, one, how))


def _is_dropped(hop: Hop, one: Cluster) -> bool:
    """Whether a sidecar passes over the rule's TLS: it takes a credential only from a rule for its workload (S135)."""
    if hop.client.is_gateway or one.tls is None or not one.tls.credential_name:
        return False
    is_chosen = any(rule.spec.workload_selector is not None for rule in one.rules)
    return one.tls.mode in ("SIMPLE", "MUTUAL") and not is_chosen


def _sni(call: Call, one: Cluster, how: Secured) -> str | None:
    """The SNI that a server sees (S70)."""
    if how is Secured.PLAIN:
        return call.sni if call.carries is Bytes.TLS else None
    own = f"outbound_.{one.port}_.{one.subset}_.{one.host}" if how is Secured.MUTUAL else None
    return (one.tls.sni if one.tls is not None else "") or own


def _to_workloads(hop: Hop, one: Cluster, workloads: tuple[Workload, ...]) -> Way:
    """The endpoints of a cluster, each of which may be chosen; the next hop where they are gateways."""
    if is_gateway(hop.mesh, workloads[0]):
        return one_of([_to_gateway(hop, one, workload) for workload in unlike(workloads)])
    steps: list[Step] = []
    good: list[str] = []
    bad: list[Outcome] = []
    for workload in workloads:
        reception = receive(hop.mesh, workload, arrival_at(hop, one, workload))
        steps.append(reception.step)
        if reception.outcome is None:
            good.append(f"{workload.namespace}/{workload.name}")
        else:
            bad.append(reception.outcome)
    if bad and not good:
        return Way(tuple(steps), replace(bad[0], cluster=one.name))
    why = "; ".join(f"{', '.join(refused.workloads)} refuses: {refused.why}" for refused in bad)
    done = Outcome(Kind.CLUSTER, 200 if hop.call.is_http else None, one.name, workloads=tuple(good), why=why)
    return Way(tuple(steps), done)


def _to_gateway(hop: Hop, one: Cluster, workload: Workload) -> Way:
    arrival = arrival_at(hop, one, workload)
    way = hop.enter(replace(hop, principal=arrival.principal), workload, arrival.port, _on_the_wire(arrival, one))
    is_closed = way.outcome.kind in (Kind.REJECTED, Kind.TLS_MISMATCH) and way.outcome.status is None
    if is_closed and hop.call.is_http:  # R725: the client's proxy answers for the connection.
        return Way(way.steps, replace(way.outcome, status=503))
    return way


def _on_the_wire(arrival: Arrival, one: Cluster) -> Call:
    """The call as the next gateway's listener sees it: inside the TLS that the client's rule asks for."""
    call = replace(arrival.call, port=arrival.port)
    if arrival.secured is Secured.PLAIN:
        return call
    sni = one.tls.sni if one.tls is not None else ""
    if arrival.secured is Secured.MUTUAL:
        default: str | None = f"outbound_.{one.port}_.{one.subset}_.{one.host}"
    else:
        default = domain_of(call.authority) if call.is_http else None  # E37: the host that the request is for.
    is_mutual = arrival.secured is Secured.MUTUAL
    return replace(call, carries=Bytes.TLS, sni=sni or default, inner=call.carries, is_mutual=is_mutual)


def _to_all(
    hop: Hop,
    destinations: tuple[RouteDestination, ...],
    owner: VirtualService,
    vs: VirtualService,
    port: int,
    *,
    is_http: bool,
) -> Way:
    """The destinations of a route with their shares (R402, R403, R455)."""
    weighted = [(one, one.weight or 0) for one in destinations if one.destination is not None]
    if len(weighted) == 1:
        weighted = [(weighted[0][0], 1)]
    total = sum(weight for _, weight in weighted)
    if not weighted or total <= 0:
        return ended(Outcome(Kind.REJECTED, why="Envoy refuses the routes: no destination has a weight"))
    if len(weighted) > 1 and total != 100 and hop.mesh.settings.istio_version < history.RELATIVE_WEIGHTS:
        why = f"the weights add up to {total}: before Istio 1.15 nothing but 100 is accepted"
        return ended(Outcome(Kind.REJECTED, why=why))
    parts: list[tuple[str, float, Way]] = []
    for one, weight in weighted:
        if weight and one.destination is not None and _is_nowhere(hop.mesh, one.destination):
            parts.append(("BlackHoleCluster", weight / total, _nowhere(hop, one.destination)))
        elif weight and one.destination is not None:
            found = _cluster(hop, one.destination, owner, vs, port, is_http=is_http)
            request = with_headers(hop.call.request, one.node.get("headers"))
            there = replace(hop, call=replace(hop.call, request=request))
            way = to_cluster(there, found)
            parts.append((found.name, weight / total, _in_its_words(way) if is_translated(vs) else way))
    return together(parts)


def _is_nowhere(mesh: Mesh, to: Destination) -> bool:
    """Whether the destination's port is given by name, as it could be before 1.4 (R1008)."""
    has_name = to.port is not None and to.port.number is None and bool(to.port.name)
    return has_name and mesh.settings.istio_version < history.PORT_NUMBERS


def _nowhere(hop: Hop, to: Destination) -> Way:
    why = f"the port of `{to.host}` is given by name, which leads nowhere"
    step = Step(Stage.CLUSTER, f"BlackHoleCluster: {why}", to.node)
    return ended(Outcome(Kind.BLACKHOLE, 503 if hop.call.is_http else None, "BlackHoleCluster", why=why), step)


def _in_its_words(way: Way) -> Way:
    """The Gateway API has 500 for a backend that is not there (R908)."""
    if way.outcome.kind is Kind.NO_CLUSTER and way.outcome.status is not None:
        return replace(way, outcome=replace(way.outcome, status=500))
    return way


def _cluster(
    hop: Hop, to: Destination, owner: VirtualService, vs: VirtualService, port: int, *, is_http: bool
) -> Cluster:
    host = qualify(to.host, owner.namespace, hop.mesh.settings.cluster_domain)
    refused = no_cluster(hop.mesh, to.node)
    if refused is not None:
        number = to.port.number if to.port is not None and to.port.number is not None else port
        lost = Cluster(host, number, "", None, to.node)
        return replace(lost, flaw=refused.why) if refused.is_certain else replace(lost, doubt=refused.why)
    number = destination_port(hop.mesh, hop.client, to, host, port, is_http=is_http)
    seen = view(hop.mesh, hop.client)
    return cluster(hop.mesh, hop.client, seen, (host, number, to.subset), node=to.node, via=vs)


def _call_facts(hop: Hop, one: Cluster, workloads: tuple[Workload, ...]) -> tuple[Fact, ...]:
    """What holds of calls to the cluster: the route's timeout and retries, and the TLS that nobody asked for."""
    is_auto = (one.tls is None or not one.tls.mode) and bool(workloads)
    if not is_auto or arrival_at(hop, one, workloads[0]).secured is not Secured.MUTUAL:
        return hop.facts
    words = "mTLS ISTIO_MUTUAL (auto)"
    return tuple(replace(fact, text=f"{fact.text}, {words}") for fact in hop.facts) or (Fact(words),)


def _rule_facts(one: Cluster) -> tuple[Fact, ...]:
    facts = [Fact(f"DestinationRule {rule.namespace}/{rule.name}", rule.name_node) for rule in one.rules]
    if one.tls is not None and one.tls.mode:
        facts.append(Fact(f"TLS {one.tls.mode}", one.tls.node.at("mode")))
    return tuple(facts)
