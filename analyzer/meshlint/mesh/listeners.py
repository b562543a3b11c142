"""What takes a connection at a sidecar: its listeners, and the chains that choose by address and SNI (R441-R454)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from meshlint.mesh import history
from meshlint.mesh.hosts import covers, is_wildcard, overlaps
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client, static_values
from meshlint.mesh.predicate import Exact, Member, Predicate, both, holds
from meshlint.mesh.refusals import Refusal, is_weightless
from meshlint.mesh.routing import Route, parts, route_tables, static
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.services import Host, HostPort, Protocol, addresses, networks
from meshlint.mesh.targets import SIDECARS
from meshlint.mesh.view import View, has_address, sees, visible_on
from meshlint.request import GATEWAY, PORT, Request
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.source.node import Node

VirtualService = Resource[VirtualServiceSpec]


@dataclass(frozen=True, slots=True, eq=False)
class FilterChain:
    """What takes connections by SNI and destination: the route of a VirtualService, or a host's own cluster.

    Without `snis` any SNI and none will do, without `subnets` any address.
    """

    snis: tuple[str, ...]
    subnets: tuple[str, ...]
    host: Host | None
    vs: VirtualService | None = None
    route: Route | None = None
    node: Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Listener:
    """What the sidecar has open for a destination: HTTP by Host header, HTTP of one host alone, and chains (R441-R446)."""

    has_http: bool = False
    own: Host | None = None
    chains: tuple[FilterChain, ...] = ()

    @property
    def refused(self) -> Refusal | None:
        """Why Envoy refuses it, so that nothing is open; None where it takes it (R453)."""
        return conflict(self.chains)

    @property
    def is_there(self) -> bool:
        """Whether anything but the catch-all of all traffic is open (R446)."""
        return self.has_http or self.own is not None or bool(self.chains)


def listener(mesh: Mesh, client: Client, seen: View, dialed: Host | None, port: int) -> Listener:
    """What takes connections to *dialed*, the host that the client's name or address stands for, on a port."""
    own = dialed.port(port) if dialed is not None and sees(mesh, seen, dialed, port) else None
    here = visible_on(mesh, seen, port)
    if dialed is not None and own is not None and has_address(dialed) and own.protocol is not Protocol.HTTP:
        beside = [(host, one) for host, one in here if host is dialed or _is_beside(dialed, host, one)]
        chains = tuple(chain for host, one in beside for chain in _chains(mesh, client, seen, host, one))
        is_auto = own.protocol is Protocol.AUTO
        return Listener(own=dialed if is_auto else None, chains=_distinct(chains))
    loose = [(host, one) for host, one in here if not has_address(host) or networks(host)]
    chains = tuple(
        chain
        for host, one in loose
        if one.protocol is not Protocol.HTTP
        for chain in _chains(mesh, client, seen, host, one, base=networks(host))
    )
    return Listener(has_http=any(_is_shared(host, one) for host, one in here), chains=_distinct(chains))


def pick(chains: Iterable[FilterChain], address: str | None, sni: str | None) -> FilterChain | None:
    """The chain that takes a connection: the closest destination decides first, then the closest SNI (R452, R453)."""
    fitting = [(depth, chain) for chain in chains if (depth := _depth(chain, address)) is not None]
    deepest = max((depth for depth, _ in fitting), default=0)
    named = [(rank, chain) for depth, chain in fitting if depth == deepest and (rank := _rank(chain, sni)) is not None]
    return min(named, key=lambda one: one[0], default=(None, None))[1]


def conflict(chains: Iterable[FilterChain]) -> Refusal | None:
    """What Envoy stumbles over in the chains of a listener, so that it refuses it as a whole (R403, R453)."""
    owners: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}
    for chain in chains:
        who = f"VirtualService {chain.vs.namespace}/{chain.vs.name}" if chain.vs is not None else "the routes"
        if chain.route is not None and is_weightless(chain.route.destinations):
            return Refusal(f"Envoy refuses the listener: {who}: no destination has a weight", chain.route.node)
        for sni in chain.snis:
            node = chain.node or (chain.host.resource.name_node if chain.host is not None else None)
            if node is None:
                continue
            if is_wildcard(sni) and sni[1:2] not in ("", "."):
                return Refusal(f"Envoy refuses the listener: {who}: `{sni}` is a wildcard for part of a label", node)
            if owners.setdefault((sni.lower(), chain.subnets), chain.snis) != chain.snis:
                return Refusal(f"Envoy refuses the listener: {who}: SNI `{sni}` is in two lists", node)
    return None


def needs_address(chains: Iterable[FilterChain]) -> bool:
    """Whether the choice of a chain depends on the destination's address."""
    return any(chain.subnets for chain in chains)


def kept_l4(
    client: Client, vs: VirtualService, block: str, port: int, place: str = SIDECARS
) -> Iterator[tuple[Route, Node, tuple[str, ...], tuple[str, ...]]]:
    """The entries of a block that the proxy gets for the port: route, node, SNIs and subnets (R232)."""
    proxy = Request.of(static_values(client, port, place))
    written = vs.spec.tls if block == "tls" else vs.spec.tcp
    tables = [one for one in route_tables(vs) if one.block == block]
    for record, route in zip(written, tables[0].routes if tables else (), strict=False):
        for index, match in enumerate(route.matches):
            if not holds(_asked(match.predicate, place), proxy):
                continue
            entry = record.match[index] if record.match else None
            snis = entry.sni_hosts if entry is not None else ()
            yield route, match.node, snis, entry.destination_subnets if entry is not None else ()


def _asked(predicate: Predicate, place: str) -> Predicate:
    """The static part of an entry that counts: gateways ask only for the gateway and the port (R232)."""
    asked = static(predicate)
    if place == SIDECARS:
        return asked
    return both(*(one for one in parts(asked) if isinstance(one, Exact | Member) and one.attribute in (GATEWAY, PORT)))


def _is_beside(dialed: Host, host: Host, port: HostPort) -> bool:
    """Whether a host has its chains on the listener of another one, since they share an address (R442)."""
    return port.protocol is not Protocol.HTTP and not set(addresses(host)).isdisjoint(addresses(dialed))


def _is_shared(host: Host, port: HostPort) -> bool:
    """Whether requests for the host's port are told apart by their Host header (R441, R443)."""
    return port.protocol is Protocol.HTTP or (port.protocol is Protocol.AUTO and not has_address(host))


def _chains(
    mesh: Mesh, client: Client, seen: View, host: Host, port: HostPort, *, base: tuple[str, ...] = ()
) -> Iterator[FilterChain]:
    """The chains of a host on a listener where *base* are its networks, none on the listener of its address."""
    domain = mesh.settings.cluster_domain
    services = [vs for vs in seen.services if any(overlaps(one, host.name) for one in hosts_of(vs, domain))]
    if mesh.settings.istio_version < history.ALL_OF_TCP:
        services = services[:1]
    if port.protocol is Protocol.TLS:
        yield from _tls_chains(client, services, host, port.number, base)
    else:
        yield from _tcp_chains(client, services, host, port.number, base)


def _tcp_chains(
    client: Client, services: list[VirtualService], host: Host, port: int, base: tuple[str, ...]
) -> Iterator[FilterChain]:
    """The chains of `tcp` routes up to the first that takes all, else the host's own (R451)."""
    for vs in services:
        for route, node, _, subnets in kept_l4(client, vs, "tcp", port):
            yield FilterChain((), subnets or base, host, vs, route, node)
            if not subnets:
                return
    yield FilterChain((), base, host)


def _tls_chains(
    client: Client, services: list[VirtualService], host: Host, port: int, base: tuple[str, ...]
) -> Iterator[FilterChain]:
    """The chains of `tls` routes; the host's own only where there are none (R452, R454)."""
    in_force = base
    has_any = False
    for vs in services:
        for route, node, snis, subnets in kept_l4(client, vs, "tls", port):
            in_force = subnets or in_force
            has_any = True
            yield FilterChain(snis, in_force, host, vs, route, node)
    if not has_any:
        yield FilterChain(() if has_address(host) or base else (host.name,), base, host)


def _distinct(chains: Iterable[FilterChain]) -> tuple[FilterChain, ...]:
    """Of chains that ask for the same, the first (R444, R452)."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], FilterChain] = {}
    for chain in chains:
        found.setdefault((chain.snis, chain.subnets), chain)
    return tuple(found.values())


def _depth(chain: FilterChain, address: str | None) -> int | None:
    """How closely the chain's subnets name the address; -1 where it asks for none."""
    if not chain.subnets:
        return -1
    if address is None:
        return None
    depths = [_length(one, address) for one in chain.subnets]
    return max((one for one in depths if one is not None), default=None)


def _length(network: str, address: str) -> int | None:
    try:
        read = ip_network(network, strict=False)
        return read.prefixlen if ip_address(address) in read else None
    except ValueError:
        return None


def _rank(chain: FilterChain, sni: str | None) -> tuple[int, int] | None:
    """How closely the chain names the SNI: exactly, by a wildcard, the longer the closer, or not at all."""
    if not chain.snis:
        return (2, 0)
    if sni is None:
        return (2, 0) if "*" in chain.snis else None
    ranks = [_closeness(one.lower(), sni.lower()) for one in chain.snis]
    return min((one for one in ranks if one is not None), default=None)


def _closeness(pattern: str, sni: str) -> tuple[int, int] | None:
    if pattern == "*":
        return (2, 0)
    if not covers(pattern, sni):
        return None
    return (1, -len(pattern)) if is_wildcard(pattern) else (0, 0)
