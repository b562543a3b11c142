"""Egress chains: external hosts that traffic is to leave for through a gateway, and the routes of its first hop."""

from collections.abc import Mapping
from dataclasses import dataclass

from meshlint.mesh.hosts import covers, is_internal, is_wildcard, qualify
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Exact, Member, Predicate, both
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import gateways_named, hosts_of
from meshlint.mesh.services import Host, Protocol
from meshlint.mesh.targets import SIDECARS, Target, gateway_clients, places, registered, targets
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.request import CLIENT_NAMESPACE, GATEWAY, PORT
from meshlint.resources.base import Resource
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.resources.virtual_service import VirtualServiceSpec

VirtualService = Resource[VirtualServiceSpec]

BLOCKS: Mapping[Protocol, tuple[str, ...]] = {
    Protocol.HTTP: ("http",),
    Protocol.TLS: ("tls",),
    Protocol.TCP: ("tcp",),
    Protocol.AUTO: ("http", "tcp"),
}
"""The blocks of routes that act on a port, by the class of its protocol (E54, E55, R434)."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """An external host that has a way out through a gateway: its entries, and the VirtualServices that name it.

    `first_hops` are targets by which sidecars send to a gateway, `last_hops` those by which a gateway sends to the
    host. `gateway` is what carries the traffic, in words. `homes` are the namespaces of its proxies.
    """

    host: str
    entries: tuple[Host, ...]
    services: tuple[VirtualService, ...]
    first_hops: tuple[Target, ...]
    last_hops: tuple[Target, ...]
    gateway: str
    homes: frozenset[str]

    @property
    def at_sidecars(self) -> tuple[VirtualService, ...]:
        """The VirtualServices of the host that sidecars load (E52)."""
        return tuple(vs for vs in self.services if SIDECARS in bound_gateways(vs))


def chains(mesh: Mesh) -> tuple[Chain, ...]:
    """The egress chains of the mesh, one for each external host that has any."""
    return mesh.derived(_chains, mesh)


def first_callers(mesh: Mesh) -> tuple[Workload, ...]:
    """The first workload with a sidecar of each namespace, to stand for its clients."""
    return mesh.derived(_first_callers, mesh)


def particular_namespaces(mesh: Mesh) -> frozenset[str]:
    """The namespaces whose clients may be unlike others': with rules or hosts of their own, or named by an `exportTo`."""
    return mesh.derived(_particular, mesh)


def at_sidecar(port: int) -> Predicate:
    """Requests that some sidecar gets for that port."""
    return both(Exact(GATEWAY, SIDECARS), Exact(PORT, str(port)))


def from_namespaces(namespaces: frozenset[str] | None) -> tuple[Predicate, ...]:
    """The condition that a client is of these namespaces; none where they are all."""
    return () if namespaces is None else (Member(CLIENT_NAMESPACE, namespaces),)


def _first_callers(mesh: Mesh) -> tuple[Workload, ...]:
    found: dict[str, Workload] = {}
    for one in mesh.workloads:
        if one.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN):
            found.setdefault(one.namespace, one)
    return tuple(found.values())


def _particular(mesh: Mesh) -> frozenset[str]:
    scoped = (*mesh.virtual_services, *mesh.destination_rules, *mesh.service_entries)
    named = frozenset[str]().union(*(mesh.audience_of(one).namespaces or () for one in scoped))
    return named | {one.namespace for one in (*scoped, *mesh.sidecars)}


def _chains(mesh: Mesh) -> tuple[Chain, ...]:
    entries: dict[str, tuple[Host, ...]] = {}
    for host in mesh.hosts:
        if host.is_service_entry and host.is_external:
            entries[host.name] = (*entries.get(host.name, ()), host)
    services = _services_by_host(mesh) if entries else {}
    found = (_chain(mesh, name, some, _naming(name, services)) for name, some in sorted(entries.items()))
    return tuple(chain for chain in found if chain is not None)


def _services_by_host(mesh: Mesh) -> dict[str, tuple[VirtualService, ...]]:
    found: dict[str, tuple[VirtualService, ...]] = {}
    for vs in mesh.virtual_services:
        for name in dict.fromkeys(hosts_of(vs, mesh.settings.cluster_domain)):
            if not is_internal(name, mesh.settings.cluster_domain):
                found[name] = (*found.get(name, ()), vs)
    return found


def _naming(host: str, services: Mapping[str, tuple[VirtualService, ...]]) -> tuple[VirtualService, ...]:
    """The VirtualServices whose hosts cover *host*."""
    wide = [vs for name, some in services.items() if is_wildcard(name) and covers(name, host) for vs in some]
    return tuple(dict.fromkeys((*services.get(host, ()), *wide)))


def _chain(mesh: Mesh, host: str, entries: tuple[Host, ...], services: tuple[VirtualService, ...]) -> Chain | None:
    """The host's chain; None without one, and where its entry itself leads to a gateway in place of the outside."""
    if not services or any(_leads_to_gateway(mesh, entry) for entry in entries):
        return None
    every = [target for vs in services for target in targets(mesh, vs) if not target.is_weightless]
    last = tuple(one for one in every if one.host == host and _is_last_hop(mesh, one))
    at_mesh = [one for one in every if SIDECARS in places(mesh, one) and not one.is_mirror]
    first = tuple(one for one in at_mesh if _is_first_hop(mesh, one, has_last=bool(last)))
    if not first and not last:
        return None
    homes = frozenset(home for one in (*first, *last) for home in _homes(mesh, one))
    return Chain(host, entries, services, first, last, _gateway_name(first, last), homes)


def _is_last_hop(mesh: Mesh, target: Target) -> bool:
    """Whether a Gateway that is not plainly an ingress sends the target's requests out (E69)."""
    outer = places(mesh, target) - {SIDECARS}
    return any(not _is_ingress(mesh, place) for place in outer)


def _is_ingress(mesh: Mesh, place: str) -> bool:
    selectors = [gateway.spec.selector for gateway in gateways_named(mesh, place)]
    return not selectors or any("ingress" in value for selector in selectors for value in selector.values())


def _is_first_hop(mesh: Mesh, target: Target, *, has_last: bool) -> bool:
    """Whether sidecars send the target's requests to a gateway (E66)."""
    if any(_is_gateway(mesh, host) for host in registered(mesh, target.host)):
        return True
    # A gateway that the input does not show is known by what it does: it has the last hop to the same host.
    return has_last and is_internal(target.host, mesh.settings.cluster_domain) and not registered(mesh, target.host)


def _is_gateway(mesh: Mesh, host: Host) -> bool:
    """Whether the host's workloads are gateway proxies."""
    return mesh.derived(_has_gateway_workloads, mesh, host)


def _has_gateway_workloads(mesh: Mesh, host: Host) -> bool:
    serving = mesh.workloads_of(host) if not host.is_external else ()
    return bool(serving) and all(one.proxy is Proxy.GATEWAY for one in serving)


def _leads_to_gateway(mesh: Mesh, entry: Host) -> bool:
    """Whether an endpoint of the ServiceEntry is a Service of a gateway, so that no route is needed to get there."""
    spec = entry.resource.spec
    if not isinstance(spec, ServiceEntrySpec):
        return False
    addresses = [qualify(one.address, entry.namespace, mesh.settings.cluster_domain) for one in spec.endpoints]
    return any(
        _is_gateway(mesh, host) or "gateway" in host.name for one in addresses for host in mesh.hosts_named(one)
    ) or any("gateway" in one and is_internal(one, mesh.settings.cluster_domain) for one in addresses)


def _homes(mesh: Mesh, target: Target) -> frozenset[str]:
    """The namespaces of the proxies that a hop goes to or comes from."""
    there = frozenset(host.namespace for host in registered(mesh, target.host) if not host.is_service_entry)
    here = frozenset().union(*(gateway_clients(mesh, place) for place in places(mesh, target) if place != SIDECARS))
    return there | here


def _gateway_name(first: tuple[Target, ...], last: tuple[Target, ...]) -> str:
    if first:
        return first[0].host.partition(".")[0]
    outer = (place for place in bound_gateways(last[0].vs) if place != SIDECARS)
    return f"Gateway {next(outer, '')}"
