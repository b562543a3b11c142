"""Gateways whose routes lead from one to another in a circle, by the graph of gateways alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.mesh.graph import on_cycles
from meshlint.mesh.hosts import covers, is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.mesh.scope import gateways_named, hosts_of
from meshlint.mesh.targets import SIDECARS, Target, all_targets, places, registered
from meshlint.resources.gateway import Gateway, Server


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """A route of a gateway that is part of a circle: the Gateway, its server, and a name of a host of both."""

    target: Target
    place: str
    server: Server
    host: str

    @property
    def port(self) -> int:
        """The server's port; 0 where it has none."""
        return (self.server.port.number or 0) if self.server.port is not None else 0

    @property
    def scheme(self) -> str:
        """How the server is called."""
        protocol = self.server.port.protocol.upper() if self.server.port is not None else ""
        return "http" if protocol in ("HTTP", "HTTP2", "GRPC") else "https"


def turns(mesh: Mesh) -> Iterator[Turn]:
    """Every HTTP route of a gateway by which a request may come back to it (R722); whether one does is for a trace."""
    steps = [(place, there, target) for target in all_targets(mesh) for place, there in _steps(mesh, target)]
    circling = on_cycles((place, there) for place, there, _ in steps) if steps else frozenset[tuple[str, str]]()
    for place, there, target in steps:
        if (place, there) in circling:
            for gateway in gateways_named(mesh, place):
                for server, host in _servers(mesh, gateway, target):
                    yield Turn(target, place, server, host)


def _steps(mesh: Mesh, target: Target) -> Iterator[tuple[str, str]]:
    """From which Gateway to which one the target leads."""
    outer = places(mesh, target) - {SIDECARS}
    if target.block != "http" or not outer:
        return
    pods = {one for host in registered(mesh, target.host) for one in mesh.workloads_of(host)}
    for gateway in mesh.gateways if pods else ():
        if gateway.spec.selector and pods & set(mesh.selected(gateway.spec.selector)):
            yield from ((place, f"{gateway.namespace}/{gateway.name}") for place in sorted(outer))


def _servers(mesh: Mesh, gateway: Gateway, target: Target) -> Iterator[tuple[Server, str]]:
    """The servers that have a host of the route, each with a name of that host."""
    for name in hosts_of(target.vs, mesh.settings.cluster_domain):
        host = f"www{name[1:]}" if is_wildcard(name) else name
        for server in gateway.spec.servers:
            if any(covers(entry.rpartition("/")[2], host) for entry in server.hosts):
                yield server, host
