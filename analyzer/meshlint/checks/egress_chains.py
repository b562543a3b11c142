"""The hops of egress chains: requests that are sent to a gateway on their way out, and that do not leave from there."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Note, Outside, Problem, Result, Witness
from meshlint.mesh.authorization import Action, attached, rules_of
from meshlint.mesh.conditions import Chain as FilterChain
from meshlint.mesh.destinations import rules_for
from meshlint.mesh.egress import BLOCKS, Chain, at_sidecar, chains, first_callers, particular_namespaces
from meshlint.mesh.gateway_loops import turns
from meshlint.mesh.hosts import covers, is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromPod, pod, sidecar
from meshlint.mesh.predicate import Exact, Not, Predicate, Present, both
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import gateways_named
from meshlint.mesh.services import HostPort, Protocol
from meshlint.mesh.steps import Fact, Kind, Stage, Trace
from meshlint.mesh.targets import SIDECARS, Target, imports, registered
from meshlint.mesh.trace import trace
from meshlint.mesh.view import outbound_policy
from meshlint.mesh.workloads import Workload
from meshlint.registry import checks
from meshlint.request import AUTHORITY, GATEWAY, METHOD, PATH, PORT, PRINCIPAL, SCHEME, SNI, Request
from meshlint.resources.base import Resource
from meshlint.resources.gateway import Gateway, Server
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.source.node import Node

VirtualService = Resource[VirtualServiceSpec]

_BROKEN = (Kind.NOT_FOUND, Kind.NO_CLUSTER, Kind.TLS_MISMATCH, Kind.REJECTED, Kind.LOOP, Kind.DENIED)


@dataclass(frozen=True, slots=True, eq=False)
class _Walk:
    """One request that a first hop takes from a client, and what becomes of it."""

    chain: Chain
    hop: Target
    client: FromPod
    trace: Trace


@checks("MSH405")
def egress_chain_broken(mesh: Mesh) -> Iterator[Result]:
    """A request that goes to the egress gateway and fails there (E57, E62-E79, R721-R728)."""
    told: set[tuple[Node, str]] = set()
    for circle in _circles(mesh):
        told.add((circle.node, circle.label))
        yield circle
    for chain in chains(mesh):
        unseen = _unseen_gateways(mesh, chain)
        if unseen and chain.first_hops:
            yield Outside(chain.first_hops[0].node, f"Gateway {unseen[0]}")
            continue
        yield from _unseen_entries(mesh, chain)
        for walk in _walks(mesh, chain):
            problem = _judged(mesh, walk)
            if problem is not None and (problem.node, problem.label) not in told:
                told.add((problem.node, problem.label))
                yield problem


def _circles(mesh: Mesh) -> Iterator[Problem]:
    """Routes of gateways by which requests come back to them, in a chain or not."""
    for turn in turns(mesh):
        here = both(Exact(GATEWAY, turn.place), Exact(PORT, str(turn.port)))
        asked = _taken(mesh, here, turn.target)
        if asked is None:
            continue
        asked = asked.but(GATEWAY, None).but(AUTHORITY, turn.host).but(SCHEME, turn.scheme)
        walked = trace(mesh, AtGateway(turn.place), asked)
        if walked.outcome.kind is Kind.LOOP:
            message = f"requests that Gateway `{turn.place}` takes by this route come back to it for ever"
            witness = Witness(asked, walked.outcome.why)
            yield Problem(_match_node(turn.target), message, _IN_CIRCLES, help=_APART, witness=witness)


def _unseen_gateways(mesh: Mesh, chain: Chain) -> list[str]:
    """The Gateways that the chain's VirtualServices name and the input does not show."""
    named = dict.fromkeys(place for vs in chain.services for place in bound_gateways(vs) if place != SIDECARS)
    return [place for place in named if not gateways_named(mesh, place)]


def _unseen_entries(mesh: Mesh, chain: Chain) -> Iterator[Problem]:
    """Clients that load the first hop and see no ServiceEntry of the host: all but HTTP on port 80 misses it (E53, E62)."""
    for vs in dict.fromkeys(hop.vs for hop in chain.first_hops):
        blind = [
            client.namespace
            for client in _clients(mesh, chain, vs)
            if client.workload is not None
            and not any(one.audience.includes(client.namespace) for one in chain.entries)
            and not (_is_for_port_80(chain) and outbound_policy(mesh, sidecar(client))[0])
        ]
        if blind:
            entry = chain.entries[0]
            names = ", ".join(f"`{name}`" for name in blind)
            yield Problem(
                entry.resource.node.at("spec", "exportTo"),
                f"clients in {names} do not see this ServiceEntry: of what they send to `{chain.host}` only HTTP on "
                "port 80 gets to the gateway",
                label="exported to fewer",
                notes=(Note(vs.name_node.span, "its routes are for them as well"),),
                help="export the ServiceEntry to the clients too",
            )


def _is_for_port_80(chain: Chain) -> bool:
    """Whether all that the chain is for is HTTP on port 80."""
    asked = [match.port for hop in chain.first_hops for match in hop.route.match]
    return all(hop.block == "http" for hop in chain.first_hops) and all(port in (None, 80) for port in asked)


def _walks(mesh: Mesh, chain: Chain) -> Iterator[_Walk]:
    """A request for each first hop and each namespace with clients, that the hop takes as far as its own table tells."""
    for hop in chain.first_hops:
        for entry in chain.entries:
            for port in entry.ports:
                if hop.block not in BLOCKS.get(port.protocol, ()):
                    continue
                found = _taken(mesh, at_sidecar(port.number), hop)
                if found is None:
                    continue
                asked = _sent(chain, port, found)
                for client in _clients(mesh, chain, hop.vs):
                    if entry.audience.includes(client.namespace):
                        yield _Walk(chain, hop, client, trace(mesh, client, asked))


def _taken(mesh: Mesh, where: Predicate, target: Target) -> Request | None:
    """A request that the target's route takes there before any other of its VirtualService."""
    for table in mesh.tables_of(target.vs):
        for route, earlier in table.with_earlier() if table.block == target.block else ():
            if route.node is target.route.node:
                answer = space.outside(both(where, route.predicate), [one.predicate for one in earlier])
                return answer.request if isinstance(answer, space.Some) else None
    return None


def _sent(chain: Chain, port: HostPort, found: Request) -> Request:
    """The request as a client sends it to the host's port."""
    name = f"www{chain.host[1:]}" if is_wildcard(chain.host) else chain.host
    asked = found.but(GATEWAY, None).but(PORT, str(port.number)).but(AUTHORITY, name)
    match port.protocol:
        case Protocol.TLS:
            written = port.node.get("protocol")
            is_https = written is not None and str(written.value).upper() == "HTTPS"
            return asked.but(SNI, name).but(SCHEME, "https" if is_https else "tls")
        case Protocol.TCP:
            return asked.but(SCHEME, "tcp")
        case _:
            asked = asked.but(SCHEME, "http").but(METHOD, asked.get(METHOD) or "GET")
            return asked.but(PATH, asked.get(PATH) or "/")


def _clients(mesh: Mesh, chain: Chain, vs: VirtualService) -> Iterator[FromPod]:
    """A pod with a sidecar for each kind of namespace that loads *vs*; where none is shown, one of its own namespace."""
    seen: set[str] = set()
    for workload in first_callers(mesh):
        home = workload.namespace
        kind = home if home in particular_namespaces(mesh) else ""
        if kind in seen or home in chain.homes:
            continue
        if mesh.audience_of(vs).includes(home) and imports(mesh, home, vs):
            seen.add(kind)
            yield pod(workload)
    if not seen:
        yield FromPod(vs.namespace)


def _judged(mesh: Mesh, walk: _Walk) -> Problem | None:
    outcome = walk.trace.outcome
    if outcome.kind not in _BROKEN or not _is_on_its_way(walk):
        return None
    match outcome.kind:
        case Kind.LOOP:
            return _problem(walk, _match_node(walk.hop), _LOOP, _IN_CIRCLES, _KEEP)
        case Kind.NO_CLUSTER:
            return _without_cluster(mesh, walk)
        case Kind.DENIED:
            return _denied(mesh, walk)
        case Kind.NOT_FOUND:
            return _unrouted(mesh, walk)
        case _:
            return _refused(mesh, walk)


_LOOP = "the gateway takes this route as well, and sends the requests to itself again"
_IN_CIRCLES = "in a circle"
_APART = "let gateways send the host to where it is, and only sidecars to the gateway"
_KEEP = "add `gateways: [mesh]` to the match of this route"


def _is_on_its_way(walk: _Walk) -> bool:
    """Whether the request came as far as the hop's destination."""
    return any(step.stage is Stage.CLUSTER and step.node is walk.hop.node for step in walk.trace.steps)


def _problem(walk: _Walk, node: Node, message: str, label: str, help_: str = "", *notes: Note) -> Problem:
    outcome = walk.trace.outcome
    end = f"{outcome.status}: {outcome.why}" if outcome.status is not None else outcome.why
    first = () if node is walk.hop.node else (Note(walk.hop.node.span, "the way to the gateway"),)
    return Problem(
        node, message, label=label, notes=(*notes, *first), help=help_, witness=Witness(walk.trace.request, end)
    )


def _without_cluster(mesh: Mesh, walk: _Walk) -> Problem | None:
    """A subset that clients do not see; what nobody has is told of the destination itself (E71, E76, R724)."""
    hop, subset = walk.hop, walk.hop.destination.subset
    last = walk.trace.steps[-1]
    if last.node is not hop.node or not subset or not registered(mesh, hop.host):
        return None
    rule = next((one for one in rules_for(mesh, hop.host) for sub in one.spec.subsets if sub.name == subset), None)
    if rule is None or mesh.audience_of(rule).includes(walk.client.namespace):
        return None
    return _problem(
        walk,
        rule.spec.node.at("exportTo"),
        f"clients in `{walk.client.namespace}` do not see this rule, so that subset `{subset}` does not exist for them",
        "exported to fewer",
        "export the rule to the clients of the gateway",
    )


def _denied(mesh: Mesh, walk: _Walk) -> Problem | None:
    """A gateway that wants to know its clients, and a hop that does not tell (E78, E80)."""
    rules = [
        rule
        for policy in dict.fromkeys(policy for one in _pods(mesh, walk.hop) for policy in attached(mesh, one))
        if policy.spec.action in ("", Action.ALLOW.value)
        for rule in rules_of(mesh, policy, FilterChain.HTTP)
    ]
    nobody = Not(Present(PRINCIPAL))
    needy = [one for one in rules if isinstance(space.overlap(one.predicate, nobody), space.Empty)]
    if not rules or len(needy) < len(rules) or _tls_fact(walk) is not None:
        return None
    return _problem(
        walk,
        needy[0].node,
        "the gateway's clients come without an identity, so that this rule allows none of them",
        "nobody is known",
        "let a DestinationRule for the gateway use ISTIO_MUTUAL, and the server too",
    )


def _unrouted(mesh: Mesh, walk: _Walk) -> Problem | None:
    """No route at the gateway: the second hop is missing, or for another port (E65, E69, E88)."""
    servers = [one for gateway in _gateways(mesh, walk) for one in gateway.spec.servers]
    covering = [one for one in servers if any(covers(host.rpartition("/")[2], walk.chain.host) for host in one.hosts)]
    server = _reached(walk, covering)
    if server is None:
        return _uncovered(walk, servers) if servers and not covering else None
    if walk.hop.block == "tls" and server.tls is not None:
        message = "this server ends TLS, so that the `tls` routes of its hosts are not applied"
        return _problem(walk, server.tls.node.at("mode"), message, "not passed through", "use mode PASSTHROUGH")
    number = server.port.number if server.port is not None else None
    note = Note(server.node.span, "the server that takes the requests")
    for match in (match for hop in walk.chain.last_hops for match in hop.route.match if hop.block == "http"):
        if match.port is not None and match.port != number:
            message = f"the gateway's server has port {number}, so that it has no route for `{walk.chain.host}`"
            help_ = f"at a gateway `port` is that of the server: {number}"
            return _problem(walk, match.node.at("port"), message, "another port", help_, note)
    if any(hop.block == "http" for hop in walk.chain.last_hops):
        return None
    message = f"the gateway has no route for `{walk.chain.host}`: requests that come there get a 404"
    help_ = "name the Gateway as well, with a route from there to the host"
    return _problem(walk, walk.hop.vs.spec.node.at("gateways"), message, "no second hop", help_, note)


def _reached(walk: _Walk, servers: list[Server]) -> Server | None:
    """The server at which the walk ended, as far as that is certain."""
    passed = {step.node for step in walk.trace.steps}
    to = walk.hop.destination.port
    on_the_way = [one for one in servers if one.node in passed]
    same_port = [one for one in servers if to is not None and one.port is not None and one.port.number == to.number]
    found = on_the_way or same_port or servers
    return found[0] if len(found) == 1 else None


def _refused(mesh: Mesh, walk: _Walk) -> Problem | None:
    """A connection that the gateway does not take: its port, name or encryption is another one (E63, E70, E72, E75, E79)."""
    host = walk.chain.host
    tls = _tls_fact(walk)
    servers = [one for gateway in _gateways(mesh, walk) for one in gateway.spec.servers]
    why = walk.trace.outcome.why
    if not servers or not any(mesh.selected(one.spec.selector) for one in _gateways(mesh, walk)):
        return None
    if tls is not None and tls.node is not None and "outbound_" in why:
        message = f"without `sni` the connection is not one for `{host}`, and no server of the gateway takes it"
        return _problem(walk, tls.node, message, "no `sni`", f"add `sni: {host}`")
    if why.startswith("connection reset: no server"):
        return _uncovered(walk, servers)
    if tls is None and (walk.trace.outcome.kind is Kind.TLS_MISMATCH or "takes TLS only" in why):
        message = "requests come to the gateway in plain text, and its server takes TLS only"
        help_ = f"a DestinationRule for `{walk.hop.host}` needs `tls: {{mode: ISTIO_MUTUAL, sni: {host}}}`"
        return _problem(walk, walk.hop.node, message, "plain text", help_)
    if tls is not None and tls.node is not None and "(HTTP)" in why:
        message = "connections to the gateway are encrypted, and its server takes plain HTTP"
        return _problem(walk, tls.node, message, "TLS", "let the server use HTTPS with `tls: {mode: ISTIO_MUTUAL}`")
    gateway = _gateways(mesh, walk)[0]
    reached = _pods(mesh, walk.hop)
    if reached and not reached & set(mesh.selected(gateway.spec.selector)):
        message = f"the Gateway is for other pods than those of `{walk.hop.host}`, to which clients send"
        return _problem(walk, gateway.spec.node.at("selector"), message, "other pods")
    return _problem(walk, walk.hop.node, f"the gateway does not take these connections: {why}", "not taken")


def _uncovered(walk: _Walk, servers: list[Server]) -> Problem:
    host = walk.chain.host
    number = walk.hop.destination.port.number if walk.hop.destination.port is not None else None
    near = [one for one in servers if one.port is not None and one.port.number == number] or servers
    message = f"no server of the gateway has host `{host}` on this port: it takes no requests for it"
    return _problem(walk, near[0].node.at("hosts"), message, "not covered", f"add `{host}`")


def _gateways(mesh: Mesh, walk: _Walk) -> list[Gateway]:
    """The Gateways that the chain names; where it names none, those for the pods that the first hop leads to."""
    named = dict.fromkeys(place for vs in walk.chain.services for place in bound_gateways(vs) if place != SIDECARS)
    if named:
        return [gateway for place in named for gateway in gateways_named(mesh, place)]
    pods = _pods(mesh, walk.hop)
    return [one for one in mesh.gateways if one.spec.selector and pods & set(mesh.selected(one.spec.selector))]


def _pods(mesh: Mesh, hop: Target) -> frozenset[Workload]:
    """The workloads that the first hop leads to."""
    return frozenset(one for host in registered(mesh, hop.host) for one in mesh.workloads_of(host))


def _tls_fact(walk: _Walk) -> Fact | None:
    """How the first hop is encrypted; None for plain text."""
    step = next((one for one in walk.trace.steps if one.node is walk.hop.node and one.stage is Stage.CLUSTER), None)
    return next((one for one in (step.facts if step is not None else ()) if one.text.startswith("TLS ")), None)


def _match_node(hop: Target) -> Node:
    return hop.route.match[0].node if hop.route.match else hop.route.node
