"""Ports of destinations: those that do not exist, and those that are to be chosen."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.blocks import block_of, uses
from meshlint.mesh.hosts import overlaps
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import gateway_name
from meshlint.mesh.scope import gateways_named, hosts_of
from meshlint.mesh.services import Host
from meshlint.mesh.targets import SIDECARS, Target, all_targets, places, registered, users
from meshlint.registry import checks


@checks("MSH203")
def no_such_port(mesh: Mesh) -> Iterator[Result]:
    """A port that the destination does not have: it is used as written, and there is no such cluster (R501, R504)."""
    for target in all_targets(mesh):
        found = registered(mesh, target.host)
        number = target.destination.port.number if target.destination.port is not None else None
        if number is None or not found or not all(host.ports for host in found):
            continue
        if any(host.port(number) is not None for host in found):
            continue
        yield Problem(
            target.node.at("port", "number"),
            f"host `{target.host}` has no port {number}",
            label="no such port",
            notes=_port_notes(mesh, found),
            help=_port_hint(found, number),
        )


@checks("MSH204")
def port_required(mesh: Mesh) -> Iterator[Result]:
    """Several ports and none chosen, where the one that Istio then takes is not among them (R502)."""
    for target in all_targets(mesh):
        found = registered(mesh, target.host)
        if target.destination.port is not None or not found or any(len(host.ports) < 2 for host in found):
            continue
        own = {port.number for host in found for port in host.ports}
        lacking = sorted(_listened(mesh, target) - own)
        if lacking:
            ports = ", ".join(str(number) for number in sorted(own))
            yield Problem(
                target.node,
                f"host `{target.host}` has several ports and none is chosen: requests to port {lacking[0]} go to its "
                f"port {lacking[0]}, which it does not have",
                label="which port",
                notes=_port_notes(mesh, found),
                help=f"choose one of its ports: {ports}",
            )


def _port_notes(mesh: Mesh, found: tuple[Host, ...]) -> tuple[Note, ...]:
    """The host's ports, where the input holds them."""
    return tuple(
        Note(port.node.span, f"port {port.number}")
        for host in found
        if mesh.resource_of(host.resource.node.document) is not None
        for port in host.ports
    )


def _port_hint(found: tuple[Host, ...], number: int) -> str:
    ports = [port for host in found for port in host.ports]
    behind = next((port for port in ports if port.target == number), None)
    if behind is not None:
        return f"{number} is the port of the pods: the Service's port is {behind.number}"
    return f"it has only port {ports[0].number}" if len({port.number for port in ports}) == 1 else ""


def _listened(mesh: Mesh, target: Target) -> set[int]:
    """The ports at which requests for the route come in and whose number Istio takes for the destination (R502)."""
    ports: set[int] = set()
    for place in places(mesh, target):
        if place == SIDECARS:
            ports |= _dialed(mesh, target)
        else:
            ports |= set(_server_ports(mesh, target, place))
    wanted = _wanted_ports(target)
    return ports if wanted is None else ports & wanted


def _wanted_ports(target: Target) -> set[int] | None:
    """The ports that the route's matches name, None where one of them takes every port (R233)."""
    matches = target.route.match
    if not matches or any(not match.port for match in matches):
        return None
    return {match.port for match in matches if match.port}


def _dialed(mesh: Mesh, target: Target) -> set[int]:
    """The ports of the VirtualService's own hosts that use this block of routes (R206, R434)."""
    names = [name for root in users(mesh, target.vs) for name in hosts_of(root, mesh.settings.cluster_domain)]
    owners = [host for name in names for host in mesh.hosts_named(name) if host.name == name]
    return {port.number for host in owners for port in host.ports if uses(port.protocol, target.block)}


def _server_ports(mesh: Mesh, target: Target, place: str) -> Iterator[int]:
    """The servers of a Gateway that use this block of routes for a host of the VirtualService (R233, R456)."""
    hosts = [
        host
        for root in users(mesh, target.vs)
        if _names(root.spec.gateways, root.namespace, place)
        for host in root.spec.hosts
    ]
    for gateway in gateways_named(mesh, place):
        for server in gateway.spec.servers:
            entries = (entry.rpartition("/")[2] for entry in server.hosts)
            is_admitted = any(overlaps(entry, host) for entry in entries for host in hosts)
            if server.port is not None and server.port.number and is_admitted and block_of(server) == target.block:
                yield server.port.number


def _names(gateways: tuple[str, ...], namespace: str, place: str) -> bool:
    return any(gateway_name(name, namespace) == place for name in gateways)
