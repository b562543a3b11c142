"""What the API server takes and Envoy refuses, so that a whole listener or route table stays as it was."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.hosts import overlaps
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import bound_gateways, gateway_name
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.services import Host, Protocol, protocol_of
from meshlint.registry import checks
from meshlint.resources.base import Labels
from meshlint.resources.gateway import Gateway, Server
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.resources.virtual_service import L4Match, VirtualService
from meshlint.source.node import Node
from meshlint.source.text import Span

_MESH = "mesh"
_REDIRECTS = (301, 302, 303, 307, 308)
_MOST_NOTES = 10


@checks("MSH009")
def envoy_rejects(mesh: Mesh) -> Iterator[Result]:
    """Redirects, server names and filter chains that Envoy does not take (R404, R453, R604)."""
    yield from _impossible_redirects(mesh)
    yield from _partial_names(mesh)
    yield from _overlapping_names(mesh)
    yield from _equal_chains(mesh)


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A match on server names as sidecars get it: a filter chain of the listener of each host of its service."""

    vs: VirtualService
    match: L4Match
    names: frozenset[str]

    def place(self, name: str) -> Node:
        """Where a name is written."""
        nodes = self.match.node.at("sniHosts").elements
        return next((node for node in nodes if node.value == name), self.match.node.at("sniHosts"))


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A host that shares a listener or a route table with the mistake, and where it is defined."""

    name: str
    span: Span


def _impossible_redirects(mesh: Mesh) -> Iterator[Problem]:
    """A 3xx status that Envoy has no redirect for leaves the route without an action (R404)."""
    for vs in mesh.virtual_services:
        for route in vs.spec.http:
            node = route.redirect.get("redirectCode") if route.redirect is not None else None
            code = node.value if node is not None else None
            if node is None or not isinstance(code, int) or not 300 <= code <= 399 or code in _REDIRECTS:
                continue
            others = tuple(dict.fromkeys(_beside(mesh, vs)))
            yield Problem(
                node,
                f"Envoy has no redirect with status {code}, and refuses all routes of the port{_also(others)}",
                label="refused by Envoy",
                notes=_notes(others, "has its routes on the same port"),
                help="301, 302, 303, 307 and 308 are possible",
            )


def _partial_names(mesh: Mesh) -> Iterator[Problem]:
    """A wildcard for a part of a label is none to Envoy (R453)."""
    for vs in mesh.virtual_services:
        for route in vs.spec.tls:
            for match in route.match:
                for node in match.node.at("sniHosts").elements:
                    if isinstance(node.value, str) and node.value[:1] == "*" and node.value[1:2] not in ("", "."):
                        yield Problem(
                            node,
                            f"Envoy takes no wildcard for a part of a label, and refuses the listener for `{node.value}`",
                            label="refused by Envoy",
                            help=f"write `*.{node.value.partition('.')[2]}`, or the name in full",
                        )


def _overlapping_names(mesh: Mesh) -> Iterator[Problem]:
    """Two chains of one listener with a server name in common, and not the same names (R453)."""
    by_name: defaultdict[str, list[Chain]] = defaultdict(list)
    for chain in _chains(mesh):
        for name in chain.names:
            by_name[name].append(chain)
    told: set[int] = set()
    for name in sorted(by_name):
        for index, later in enumerate(by_name[name]):
            if id(later) in told:
                continue
            for earlier in by_name[name][:index]:
                hosts = _shared_hosts(mesh, earlier, later)
                if hosts:
                    told.add(id(later))
                    yield _overlap(mesh, name, earlier, later, hosts)
                    break


def _overlap(mesh: Mesh, name: str, earlier: Chain, later: Chain, hosts: tuple[Host, ...]) -> Problem:
    own = {host.name for host in hosts}
    beside = dict.fromkeys(one for host in hosts for one in _on_listener(mesh, host, later))
    others = tuple(one for one in beside if one.name not in own)
    return Problem(
        later.place(name),
        f"server name `{name}` is in two matches with different lists: Envoy refuses the listener{_also(others)}",
        label="refused by Envoy",
        notes=(
            Note(earlier.place(name).span, "also here, with other names"),
            *_notes(others, "is served by the same listener"),
        ),
        help="leave the name in one of the matches, or give both the same names",
    )


def _equal_chains(mesh: Mesh) -> Iterator[Problem]:
    """Two servers of a Gateway with the same name for TLS, once with a namespace before it (R604)."""
    for gateway in mesh.gateways:
        known: dict[tuple[int, str, str], tuple[str, Node]] = {}
        for server in gateway.spec.servers:
            if server.port is None or protocol_of(server.port.protocol) is not Protocol.TLS:
                continue
            for entry, node in _entries(server):
                key = (server.port.number or 0, server.bind, entry.rpartition("/")[2])
                earlier = known.setdefault(key, (entry, node))
                if earlier[0] != entry and earlier[1] is not node:
                    yield _equal(gateway, key[2], earlier[1], node)


def _equal(gateway: Gateway, host: str, earlier: Node, later: Node) -> Problem:
    others = [one for server in gateway.spec.servers for one, _ in _entries(server) if one.rpartition("/")[2] != host]
    lost = f", and with it {', '.join(f'`{one}`' for one in dict.fromkeys(others))}" if others else ""
    return Problem(
        later,
        f"two servers take TLS for `{host}`, and Envoy refuses the listener{lost}",
        label="refused by Envoy",
        notes=(Note(earlier.span, "the same name for clients"),),
        help="a namespace before the host does not tell servers apart: leave the host in one of them",
    )


def _chains(mesh: Mesh) -> Iterator[Chain]:
    for vs in mesh.virtual_services:
        if _MESH not in bound_gateways(vs):
            continue
        for route in vs.spec.tls:
            for match in route.match:
                places = {gateway_name(name, vs.namespace) for name in match.gateways}
                if match.sni_hosts and (not places or _MESH in places):
                    yield Chain(vs, match, frozenset(match.sni_hosts))


def _shared_hosts(mesh: Mesh, one: Chain, other: Chain) -> tuple[Host, ...]:
    """The hosts whose listener gets both chains in some proxy; none where the chains can be told apart."""
    a, b = one.match, other.match
    if one.names == other.names or a.destination_subnets != b.destination_subnets:
        return ()
    if (a.port and b.port and a.port != b.port) or not _may_be_equal(a.source_namespace, b.source_namespace):
        return ()
    if not _may_meet(a.source_labels, b.source_labels):
        return ()
    if one.vs is not other.vs and mesh.are_alternatives(one.vs, other.vs):
        return ()
    audience = mesh.audience_of(one.vs).common(mesh.audience_of(other.vs))
    ports = {port for port in (a.port, b.port) if port}
    names = hosts_of(other.vs, mesh.settings.cluster_domain)
    return tuple(
        host
        for host in _hosts_of(mesh, one.vs)
        if audience.meets(host.audience)
        and any(overlaps(name, host.name) for name in names)
        and any(port.protocol is Protocol.TLS and ports <= {port.number} for port in host.ports)
    )


def _hosts_of(mesh: Mesh, vs: VirtualService) -> tuple[Host, ...]:
    names = hosts_of(vs, mesh.settings.cluster_domain)
    return tuple(dict.fromkeys(host for name in names for host in mesh.hosts_named(name)))


def _on_listener(mesh: Mesh, host: Host, chain: Chain) -> Iterator[AtRisk]:
    """Hosts without addresses of their own share the listener of their port (R442)."""
    if not _is_unaddressed(host):
        return
    numbers = {port.number for port in host.ports if port.protocol is Protocol.TLS}
    if chain.match.port:
        numbers &= {chain.match.port}
    for other in mesh.hosts:
        is_beside = other.name != host.name and _is_unaddressed(other) and other.audience.meets(host.audience)
        if is_beside and any(port.number in numbers and port.protocol is Protocol.TLS for port in other.ports):
            yield AtRisk(other.name, other.resource.name_node.span)


def _is_unaddressed(host: Host) -> bool:
    return isinstance(host.resource.spec, ServiceEntrySpec) and not host.resource.spec.addresses


def _beside(mesh: Mesh, vs: VirtualService) -> Iterator[AtRisk]:
    """What has its routes in a table with those of *vs*: hosts on its ports, and services of its gateways."""
    places = set(bound_gateways(vs)) if vs.spec.hosts else set[str]()
    if _MESH in places:
        own = _hosts_of(mesh, vs)
        numbers = {port.number for host in own for port in host.ports if port.protocol is Protocol.HTTP} or {80}
        given = {one.node.document for one in mesh.resources}
        for host in mesh.hosts:
            is_other = host not in own and host.resource.node.document in given
            if is_other and any(port.number in numbers and port.protocol is Protocol.HTTP for port in host.ports):
                yield AtRisk(host.name, host.resource.name_node.span)
    for other in mesh.virtual_services:
        if other is not vs and places & set(bound_gateways(other)) - {_MESH}:
            for name in other.spec.hosts:
                yield AtRisk(name, other.name_node.span)


def _also(others: tuple[AtRisk, ...]) -> str:
    if not others:
        return ""
    return f", {len(others)} other {'host' if len(others) == 1 else 'hosts'} included"


def _notes(others: tuple[AtRisk, ...], why: str) -> tuple[Note, ...]:
    shown = [Note(one.span, f"`{one.name}` {why}") for one in others[:_MOST_NOTES]]
    return tuple(shown)


def _entries(server: Server) -> Iterator[tuple[str, Node]]:
    nodes = server.node.at("hosts").elements
    return ((node.value, node) for node in nodes if isinstance(node.value, str) and node.value)


def _may_be_equal(one: str, other: str) -> bool:
    return not one or not other or one == other


def _may_meet(one: Labels, other: Labels) -> bool:
    return not one or not other or one == other
