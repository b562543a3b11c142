"""Where a VirtualService acts: the proxies that load it and the ports it can be asked about."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from meshlint.mesh.hosts import is_wildcard, qualify
from meshlint.mesh.kubernetes_gateways import all_gateways
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Exact, Member, Predicate, both, either
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.request import GATEWAY, PORT
from meshlint.resources.base import Resource
from meshlint.resources.gateway import GatewaySpec, Server
from meshlint.resources.virtual_service import VirtualServiceSpec

VirtualService = Resource[VirtualServiceSpec]


def where(mesh: Mesh, vs: VirtualService) -> Predicate:
    """The places and ports at which the routes of *vs* are used, as far as the input shows them (R206, R233).

    A place whose ports the input does not show is left open for every port.
    """
    return either(_at(mesh, vs, place) for place in bound_gateways(vs))


def gateways_named(mesh: Mesh, name: str) -> tuple[Resource[GatewaySpec], ...]:
    """The Istio Gateways called *name*, written `namespace/name`; several where the input defines it repeatedly."""
    return mesh.derived(_gateways, mesh).get(name, ())


def proxies_of(mesh: Mesh, gateway: Resource[GatewaySpec]) -> tuple[Workload, ...]:
    """The workloads that an Istio Gateway chooses; without a selector those are all gateway proxies (R601)."""
    return mesh.derived(_proxies, mesh, gateway)


def bound_services(mesh: Mesh, place: str) -> tuple[VirtualService, ...]:
    """The VirtualServices that name a Gateway `namespace/name`, or `mesh` (R201)."""
    return mesh.derived(_by_place, mesh).get(place, ())


def joined(mesh: Mesh) -> Mapping[tuple[str, str], tuple[VirtualService, ...]]:
    """The VirtualServices whose routes a gateway joins: those for one host at one Gateway, by both (R216)."""
    return mesh.derived(_joined, mesh)


def hosts_of(vs: VirtualService, domain: str) -> tuple[str, ...]:
    """The hosts of *vs* as full names (R101), in its order; those of the Gateway API are full as they are."""
    if vs.ref.kind != "VirtualService":
        return vs.spec.hosts
    return tuple(qualify(host, vs.namespace, domain) for host in vs.spec.hosts)


def _at(mesh: Mesh, vs: VirtualService, place: str) -> Predicate:
    ports = _mesh_ports(mesh, vs) if place == "mesh" else _server_ports(mesh, place)
    here = Exact(GATEWAY, place)
    return both(here, Member(PORT, frozenset(ports))) if ports else here


def _mesh_ports(mesh: Mesh, vs: VirtualService) -> set[str]:
    """The ports of the VirtualService's hosts; nothing where one of them is not known in full."""
    ports: set[str] = set()
    for name in hosts_of(vs, mesh.settings.cluster_domain):
        found = [] if is_wildcard(name) else [host for host in mesh.hosts_named(name) if host.name == name]
        if not found:
            return set()
        ports.update(str(port.number) for host in found for port in host.ports)
    return ports


def _server_ports(mesh: Mesh, place: str) -> set[str]:
    servers = [server for gateway in gateways_named(mesh, place) for server in gateway.spec.servers]
    return {str(server.port.number) for server in servers if server.port is not None and server.port.number}


def _proxies(mesh: Mesh, gateway: Resource[GatewaySpec]) -> tuple[Workload, ...]:
    selector = gateway.spec.selector
    return tuple(one for one in mesh.selected(selector) if selector or one.proxy is Proxy.GATEWAY)


def _by_place(mesh: Mesh) -> dict[str, tuple[VirtualService, ...]]:
    found: defaultdict[str, list[VirtualService]] = defaultdict(list)
    for vs in mesh.virtual_services:
        for place in bound_gateways(vs):
            found[place].append(vs)
    return {place: tuple(some) for place, some in found.items()}


def _joined(mesh: Mesh) -> dict[tuple[str, str], tuple[VirtualService, ...]]:
    found: defaultdict[tuple[str, str], list[VirtualService]] = defaultdict(list)
    for place, some in mesh.derived(_by_place, mesh).items():
        for vs in some if place != "mesh" else ():
            for host in vs.spec.hosts:
                found[place, host].append(vs)
    return {key: tuple(some) for key, some in found.items()}


def _gateways(mesh: Mesh) -> dict[str, tuple[Resource[GatewaySpec], ...]]:
    found: dict[str, tuple[Resource[GatewaySpec], ...]] = {}
    for gateway in all_gateways(mesh):
        name = f"{gateway.namespace}/{gateway.name}"
        found[name] = (*found.get(name, ()), gateway)
    return found


def server_hosts(gateway: Resource[GatewaySpec], namespace: str) -> Iterator[str]:
    """The hosts that a Gateway's servers admit for VirtualServices of *namespace* (R106, R215)."""
    for server in gateway.spec.servers:
        yield from admitted(gateway, server, namespace)


def admitted(gateway: Resource[GatewaySpec], server: Server, namespace: str) -> Iterator[str]:
    """The hosts that one server of a Gateway admits for VirtualServices of *namespace* (R106, R215)."""
    for entry in server.hosts:
        home, slash, host = entry.partition("/")
        if not slash:
            yield entry
        elif home == "*" or namespace == (gateway.namespace if home == "." else home):
            yield host
