"""Servers: the ports of workloads, and what guards each of them."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meshlint.mesh.authorization import attached, is_enforced, target_refs
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Demand, Mode, demand, is_captured
from meshlint.mesh.served import ServedPort, is_gateway, served_ports
from meshlint.mesh.services import Protocol
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.reach.gateways import gateway_guard
from meshlint.reach.guards import Entrance, Guard, Guarded, Opaque, Open, Peers, Tokens, tokens
from meshlint.resources.base import selects


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """A port of a workload's pods: `number`, None for a target's name that no container declares.

    `served` are the ports of hosts that lead there; there may be none, the proxy takes connections all the same (S19).
    """

    workload: Workload
    number: int | None
    served: tuple[ServedPort, ...]
    guard: Guard

    @property
    def name(self) -> str:
        """Namespace, name and port as people write them; a port without a number goes by its target's name."""
        port = self.number if self.number is not None else self.served[0].port.target
        transport = "/udp" if self.served and self.served[0].port.protocol is Protocol.UDP else ""
        return f"{self.workload.namespace}/{self.workload.name}:{port}{transport}"


def servers(mesh: Mesh) -> tuple[Server, ...]:
    """All servers, by name; what several definitions of one workload disagree about cannot be told."""
    found: dict[str, Server] = {}
    for workload in mesh.workloads:
        for server in _servers(mesh, workload):
            first = found.setdefault(server.name, server)
            if first.guard != server.guard:
                unclear = Opaque("the workload is defined more than once, and differently")
                found[server.name] = Server(first.workload, first.number, first.served, unclear)
    return tuple(sorted(found.values(), key=_place))


def _place(server: Server) -> tuple[str, str, int, str]:
    return (server.workload.namespace, server.workload.name, server.number or 0, server.name)


# Where sidecars talk to the control plane, answer probes and show metrics (S20).
_OWN_PORTS = frozenset({15000, 15001, 15004, 15006, 15008, 15020, 15021, 15053, 15090})


def _servers(mesh: Mesh, workload: Workload) -> Iterator[Server]:
    for number, served in _ports(mesh, workload).items():
        known = served[0].number if served else int(number[0])
        guard = _guard(mesh, workload, known, served)
        if guard is not None:
            yield Server(workload, known, served, guard)


def _ports(mesh: Mesh, workload: Workload) -> Mapping[tuple[str, bool], tuple[ServedPort, ...]]:
    """The ports that hosts lead to, UDP apart, and those that containers declare besides."""
    ports: defaultdict[tuple[str, bool], tuple[ServedPort, ...]] = defaultdict(tuple)
    for served in served_ports(mesh, workload):
        target = served.number if served.number is not None else served.port.target
        ports[(str(target), served.port.protocol is Protocol.UDP)] += (served,)
    for number in workload.container_ports.values():
        if number not in _OWN_PORTS | workload.udp_ports:
            ports[(str(number), False)] += ()
    return ports


def _guard(mesh: Mesh, workload: Workload, number: int | None, served: tuple[ServedPort, ...]) -> Guard | None:
    """What guards a port; None for a port of a gateway that no Gateway opens."""
    if workload.proxy is Proxy.NONE:
        return Open("it has no proxy")  # S20, S122
    if number is None:
        return Opaque("no container declares a port of that name")
    if is_gateway(mesh, workload):
        return gateway_guard(mesh, workload, number)
    protocols = {one.port.protocol for one in served} or {Protocol.AUTO}  # S19
    if protocols == {Protocol.UDP}:
        return Open("proxies leave UDP alone")  # S20
    wanted = demand(mesh, workload, number)
    if wanted is None:
        return Opaque("PeerAuthentications compete and manifests do not show which is older")  # S113
    if workload.proxy is Proxy.AMBIENT:
        return _at_ztunnel(mesh, workload, wanted)
    if number in _OWN_PORTS or not is_captured(workload, number):
        return Open("the port goes past the proxy")  # S20
    return _at_sidecar(mesh, workload, wanted, protocols)


def _at_sidecar(mesh: Mesh, workload: Workload, wanted: Demand, protocols: set[Protocol]) -> Guard:
    if len(protocols) > 1:
        return Opaque("Services disagree about the port's protocol")
    if _lays_down_ports(mesh, workload):
        return Opaque("a Sidecar lays down the ports itself")
    doubt = "the input does not show whether it has a proxy" if workload.proxy is Proxy.UNKNOWN else ""
    if doubt and mesh.derived(_has_target_refs, mesh, workload.namespace):
        return Opaque(doubt)
    entrances = tuple(_entrance(chain, wanted) for chain in _chains(*protocols))
    return Guarded(entrances, attached(mesh, workload), tokens(mesh, workload), doubt)


_PEERS = {Mode.STRICT: Peers.IDENTIFIED, Mode.PERMISSIVE: Peers.ANY, Mode.DISABLE: Peers.ANONYMOUS}  # S118, S120, S121


def _entrance(chain: Chain, wanted: Demand) -> Entrance:
    return Entrance(chain, _PEERS[wanted.mode], wanted.node, hides_sni=chain is Chain.HTTP)


def _chains(protocol: Protocol) -> Iterator[Chain]:
    """The ways of reading a connection to a port (S72)."""
    if protocol.may_be_http:
        yield Chain.HTTP
    if protocol.may_be_tcp:
        yield Chain.TCP


def _at_ztunnel(mesh: Mesh, workload: Workload, wanted: Demand) -> Guard:
    """A pod in ambient mode, as far as no policy is for a waypoint or ztunnel to read in its own way (S88-S98)."""
    is_for_waypoint = mesh.derived(_has_target_refs, mesh, workload.namespace)
    if attached(mesh, workload) or is_for_waypoint:
        return Opaque("its policies are read by ztunnel or a waypoint")
    if wanted.mode is Mode.DISABLE and wanted.node is not None and "portLevelMtls" in wanted.node.path:
        return Opaque("ztunnel reads the mode DISABLE of a port in its own way")  # S109
    peers = Peers.IDENTIFIED if wanted.mode is Mode.STRICT else Peers.ANY  # S109
    return Guarded((Entrance(Chain.TCP, peers, wanted.node),), (), Tokens(), at_ztunnel=True)


def _has_target_refs(mesh: Mesh, namespace: str) -> bool:
    """Whether a policy may be for a waypoint of the namespace (S30)."""
    homes = (namespace, mesh.config.root_namespace)
    return any(one.namespace in homes and target_refs(one) and is_enforced(one) for one in mesh.authorization_policies)


def _lays_down_ports(mesh: Mesh, workload: Workload) -> bool:
    homes = (workload.namespace, mesh.config.root_namespace)
    return any(
        selects(sidecar.spec.workload_selector.labels if sidecar.spec.workload_selector else {}, workload.labels)
        for sidecar in mesh.sidecars
        if sidecar.namespace in homes and sidecar.node.get("spec", "ingress") is not None
    )
