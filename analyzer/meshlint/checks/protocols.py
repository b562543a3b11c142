"""Routes of a block that no port uses."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.blocks import block_of, may_use
from meshlint.mesh.hosts import is_wildcard, overlaps
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import RouteTable, bound_gateways
from meshlint.mesh.scope import gateways_named, hosts_of
from meshlint.mesh.services import HostPort
from meshlint.registry import checks
from meshlint.resources.gateway import Server
from meshlint.resources.virtual_service import VirtualService

_WORDS = {"http": "HTTP", "tls": "TLS passed through", "tcp": "TCP"}


@checks("MSH116")
def wrong_protocol_routes(mesh: Mesh) -> Iterator[Result]:
    """Routes for HTTP, TLS or TCP, where each port that they could be for is of another protocol (R434, R435, R456)."""
    for vs in mesh.virtual_services:
        for table in mesh.tables_of(vs):
            places = [_at(mesh, vs, place, table) for place in bound_gateways(vs)]
            if not vs.spec.hosts or any(place is None for place in places):
                continue
            notes = tuple(note for place in places if place is not None for note in place)
            yield Problem(
                vs.spec.node.at(table.block),
                f"these routes are for {_WORDS[table.block]}, and no port that they could act on is: they do nothing",
                label="without effect",
                notes=notes,
                help=_hint(table.block),
                on_key=True,
            )


def _at(mesh: Mesh, vs: VirtualService, place: str, table: RouteTable) -> list[Note] | None:
    """The ports at a place, all of which are of another protocol; None where one is not, or not all are known."""
    if place == "mesh":
        return _of_sidecars(_host_ports(mesh, vs), table.block)
    servers = list(_servers(mesh, vs, place))
    if not servers or any(block_of(server) in (table.block, "") for server in servers):
        return None
    return [Note(server.node.at("port").span, f"routes for {_WORDS[block_of(server)]} act here") for server in servers]


def _of_sidecars(ports: list[HostPort] | None, block: str) -> list[Note] | None:
    if not ports or any(may_use(port.protocol, block) for port in ports):
        return None
    return [Note(port.node.span, f"this port is {port.protocol.value}") for port in ports]


def _host_ports(mesh: Mesh, vs: VirtualService) -> list[HostPort] | None:
    """The ports of all hosts; None where one of them is not known."""
    found: list[HostPort] = []
    for name in hosts_of(vs, mesh.settings.cluster_domain):
        known = [host for host in mesh.hosts_named(name) if host.name == name]
        if not known or is_wildcard(name):
            return None
        found.extend(port for host in known for port in host.ports)
    return found


def _servers(mesh: Mesh, vs: VirtualService, place: str) -> Iterator[Server]:
    for gateway in gateways_named(mesh, place):
        for server in gateway.spec.servers:
            entries = [entry.rpartition("/")[2] for entry in server.hosts]
            if any(overlaps(entry, host) for entry in entries for host in vs.spec.hosts):
                yield server


def _hint(block: str) -> str:
    if block == "http":
        return "name the port `http-…` or set its appProtocol, or write `tcp` or `tls` routes"
    return "write the routes for the protocol that the port has"
