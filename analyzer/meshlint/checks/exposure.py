"""What gateways open to the outside: ports that lead nowhere, servers without routes, plaintext, names of the mesh."""

from collections.abc import Iterator

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.hosts import covers, is_internal, is_wildcard, overlaps
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import admitted, bound_services, hosts_of, proxies_of
from meshlint.mesh.services import Protocol, protocol_of
from meshlint.mesh.settings import World
from meshlint.mesh.workloads import Workload, target_port
from meshlint.registry import checks
from meshlint.resources.gateway import Gateway, Server
from meshlint.resources.virtual_service import HTTPRoute, VirtualService

_EAST_WEST = 15443


@checks("MSH302")
def gateway_port_not_exposed(mesh: Mesh) -> Iterator[Result]:
    """A server's port that no Service of the gateway's workloads has: it is open, and nobody gets there (R605, E114)."""
    for gateway in mesh.gateways:
        proxies = [one for one in proxies_of(mesh, gateway) if not one.is_assumed]
        for server in gateway.spec.servers if proxies else ():
            number = server.port.number if server.port is not None else None
            if number is None:
                continue
            known = {port for one in proxies for port in _ports(mesh, one)}
            if number in known or (not known and mesh.settings.world is not World.COMPLETE):
                continue
            listed = ", ".join(str(port) for port in sorted(known))
            yield Problem(
                server.node.at("port", "number"),
                f"no Service of this gateway's workloads has port {number}",
                label="not exposed",
                help=f"their ports are {listed}" if listed else "no Service leads to them at all",
            )


@checks("MSH308")
def gateway_unused(mesh: Mesh) -> Iterator[Result]:
    """A server that no VirtualService has routes for: it answers 404, or does not listen at all (R608)."""
    for gateway in mesh.gateways:
        bound = _bound(mesh, gateway)
        for server in gateway.spec.servers:
            if _needs_no_routes(server) or not server.hosts:
                continue
            if any(_admits(gateway, server, vs, name) for vs in bound for name in _names(mesh, vs)):
                continue
            node = server.node.at("hosts")
            if mesh.settings.world is World.COMPLETE:
                yield Problem(node, "no VirtualService routes requests for a host of this server", label="no routes")
            else:
                yield Outside(node, f"routes of Gateway {gateway.namespace}/{gateway.name}")


@checks("MSH309")
def plaintext_gateway(mesh: Mesh) -> Iterator[Result]:
    """A host that a gateway serves over HTTPS, and over plain HTTP as well, without a redirect (E106)."""
    for gateway in mesh.gateways:
        for server in gateway.spec.servers:
            if not _is_plain(server):
                continue
            for index, entry in enumerate(server.hosts):
                secure = next(_secure_twins(mesh, gateway, entry.rpartition("/")[2]), None)
                served = _served_plain(mesh, gateway, server, entry)
                if secure is None or served is None:
                    continue
                yield Problem(
                    server.node.at("hosts", index),
                    f"`{entry}` is served over HTTPS, and here over plain HTTP too",
                    label="no redirect",
                    notes=(Note(secure.node.span, "the HTTPS server"), Note(served.name_node.span, "its routes")),
                    help="add `tls: {httpsRedirect: true}` to this server",
                )


@checks("MSH310")
def exposed_by_wildcard(mesh: Mesh) -> Iterator[Result]:
    """A wildcard of a server lets in names of the mesh's own services, which nobody wrote there (E101, E104, E109)."""
    for gateway in mesh.gateways:
        for server in gateway.spec.servers:
            if _mode(server) == "AUTO_PASSTHROUGH":
                yield from _open_to_all(server)
                continue
            for index, entry in enumerate(server.hosts):
                if is_wildcard(entry.rpartition("/")[2]):
                    yield from _inner_names(mesh, gateway, server, index)


def _ports(mesh: Mesh, workload: Workload) -> Iterator[int]:
    """The ports by which Services lead to the workload, and the pods' ports behind them."""
    for host in mesh.hosts_of(workload):
        for port in host.ports:
            yield port.number
            target = target_port(port, workload)
            if target is not None:
                yield target


def _bound(mesh: Mesh, gateway: Gateway) -> tuple[VirtualService, ...]:
    return bound_services(mesh, f"{gateway.namespace}/{gateway.name}")


def _names(mesh: Mesh, vs: VirtualService) -> tuple[str, ...]:
    return hosts_of(vs, mesh.settings.cluster_domain)


def _admits(gateway: Gateway, server: Server, vs: VirtualService, name: str) -> bool:
    """Whether some entry of the server is for a host of *vs* (R106, R215)."""
    return any(overlaps(host, name) for host in admitted(gateway, server, vs.namespace))


def _mode(server: Server) -> str:
    return server.tls.mode if server.tls is not None else ""


def _is_redirect(server: Server) -> bool:
    return server.tls is not None and server.tls.https_redirect


def _needs_no_routes(server: Server) -> bool:
    return _is_redirect(server) or _mode(server) == "AUTO_PASSTHROUGH"


def _is_plain(server: Server) -> bool:
    is_http = server.port is not None and protocol_of(server.port.protocol) is Protocol.HTTP
    return is_http and not _is_redirect(server)


def _secure_twins(mesh: Mesh, gateway: Gateway, host: str) -> Iterator[Server]:
    """The servers of the same workloads that have the host over HTTPS."""
    own = frozenset(proxies_of(mesh, gateway))
    for other in mesh.gateways:
        if other is not gateway and (mesh.are_alternatives(gateway, other) or own.isdisjoint(proxies_of(mesh, other))):
            continue
        for server in other.spec.servers:
            is_https = server.port is not None and server.port.protocol.upper() == "HTTPS"
            if is_https and any(entry.rpartition("/")[2] == host for entry in server.hosts):
                yield server


def _served_plain(mesh: Mesh, gateway: Gateway, server: Server, entry: str) -> VirtualService | None:
    """A VirtualService that serves the host from outside at this server, and does more than redirect.

    A gateway between the mesh and hosts outside of it serves clients of the mesh.
    """
    port = server.port.number if server.port is not None else None
    pattern = entry.rpartition("/")[2]
    for vs in _bound(mesh, gateway):
        names = [name for name in _names(mesh, vs) if overlaps(pattern, name)]
        if "mesh" in bound_gateways(vs) or any(host.is_external for name in names for host in mesh.hosts_named(name)):
            continue
        if any(_admits(gateway, server, vs, name) for name in names) and any(
            _serves(route, port) for route in vs.spec.http
        ):
            return vs
    return None


def _serves(route: HTTPRoute, port: int | None) -> bool:
    is_here = not route.match or any(match.port in (None, 0, port) for match in route.match)
    return is_here and bool(route.route)


def _open_to_all(server: Server) -> Iterator[Problem]:
    for index, entry in enumerate(server.hosts):
        if entry.rpartition("/")[2] == "*" and (server.port is None or server.port.number != _EAST_WEST):
            message = "everybody who names a service in the SNI gets to it: this server passes on to every service of the mesh"
            yield Problem(
                server.node.at("hosts", index), message, "the whole mesh", help="write `*.local` on port 15443"
            )


def _inner_names(mesh: Mesh, gateway: Gateway, server: Server, index: int) -> Iterator[Problem]:
    entry = server.hosts[index]
    pattern = entry.rpartition("/")[2]
    for vs in _bound(mesh, gateway):
        for position, name in enumerate(_names(mesh, vs)):
            known = [host for host in mesh.hosts_named(name) if host.name == name]
            is_inner = bool(known) and is_internal(name, mesh.settings.cluster_domain)
            if (
                not is_inner
                or not covers(pattern, name)
                or name in server.hosts
                or not _admits(gateway, server, vs, name)
            ):
                continue
            yield Problem(
                server.node.at("hosts", index),
                f"`{entry}` lets requests from outside in that name the service itself: `Host: {name}`",
                label="takes every name",
                notes=(Note(vs.spec.node.at("hosts", position).span, "this name of the mesh"),),
                help="write the hosts that clients outside use, or a VirtualService for the gateway apart from the mesh's",
            )
            return
