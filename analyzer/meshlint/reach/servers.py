"""Servers: the ports of workloads that Services lead to, and what guards each of them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.authorization import Policy, attached, is_enforced, target_refs
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Mode, demand, is_captured
from meshlint.mesh.served import ServedPort, is_gateway, served_ports
from meshlint.mesh.services import Protocol
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.resources.base import selects
from meshlint.resources.gateway import Server as GatewayServer
from meshlint.source.node import Node


class Peers(Enum):
    """Whose connections an entrance takes, and whether it then knows who they are."""

    IDENTIFIED = "with a certificate of the mesh only"
    ANY = "with a certificate of the mesh or in plaintext"
    ANONYMOUS = "whoever it is, unknown"


@dataclass(frozen=True, slots=True)
class Entrance:
    """One way in: how it reads what arrives and from whom. `node` is what asks for certificates, None for the default."""

    chain: Chain
    peers: Peers
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing guards the port, for this reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """Policies guard the port, at each of its entrances. `doubt` says why there may be no guard after all."""

    entrances: tuple[Entrance, ...]
    policies: tuple[Policy, ...]
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Opaque:
    """What guards the port is not known, for this reason."""

    why: str


Guard = Open | Guarded | Opaque


@dataclass(frozen=True, slots=True, eq=False)
class Server:
    """A port of a workload's pods that Services lead to: `number`, None for a name that no container declares."""

    workload: Workload
    number: int | None
    served: tuple[ServedPort, ...]
    guard: Guard

    @property
    def name(self) -> str:
        """Namespace, name and port as people write them; a port without a number goes by its target's name."""
        port = self.number if self.number is not None else self.served[0].port.target
        return f"{self.workload.namespace}/{self.workload.name}:{port}"


def servers(mesh: Mesh) -> tuple[Server, ...]:
    """All servers, by name."""
    found = (server for workload in mesh.workloads for server in _servers(mesh, workload))
    return tuple(sorted(found, key=lambda one: (one.workload.namespace, one.workload.name, one.number or 0)))


def _servers(mesh: Mesh, workload: Workload) -> Iterator[Server]:
    ports: defaultdict[int | str, list[ServedPort]] = defaultdict(list)
    for served in served_ports(mesh, workload):
        ports[served.number if served.number is not None else str(served.port.target)].append(served)
    for served_here in ports.values():
        number, together = served_here[0].number, tuple(served_here)
        guard = _guard(mesh, workload, number, together)
        if guard is not None:
            yield Server(workload, number, together, guard)


def _guard(mesh: Mesh, workload: Workload, number: int | None, served: tuple[ServedPort, ...]) -> Guard | None:
    """What guards a port; None for a port of a gateway that no Gateway opens."""
    if workload.proxy is Proxy.NONE:
        return Open("it has no proxy")  # S20, S122
    if number is None:
        return Opaque("no container declares a port of that name")
    if is_gateway(mesh, workload):
        return _gateway(mesh, workload, number)
    protocols = {one.port.protocol for one in served}
    if protocols == {Protocol.UDP}:
        return Open("proxies leave UDP alone")  # S20
    if workload.proxy is not Proxy.AMBIENT and not is_captured(workload, number):
        return Open("the port by-passes the proxy")  # S20
    wanted = demand(mesh, workload, number)
    if wanted is None:
        return Opaque("PeerAuthentications compete and manifests do not show which is older")  # S113
    if workload.proxy is Proxy.AMBIENT:
        return _ambient(mesh, workload, _PEERS[wanted.mode], wanted.node)
    if len(protocols) > 1:
        return Opaque("Services disagree about the port's protocol")
    doubt = "the input does not show whether it has a proxy" if workload.proxy is Proxy.UNKNOWN else ""
    if doubt and _has_waypoint_policies(mesh, workload):
        return Opaque(doubt)
    entrances = tuple(Entrance(chain, _PEERS[wanted.mode], wanted.node) for chain in _chains(*protocols))
    return Guarded(entrances, attached(mesh, workload), doubt)


_PEERS = {Mode.STRICT: Peers.IDENTIFIED, Mode.PERMISSIVE: Peers.ANY, Mode.DISABLE: Peers.ANONYMOUS}  # S118, S120, S121


def _chains(protocol: Protocol) -> Iterator[Chain]:
    """The ways of reading a connection to a port (S72)."""
    if protocol.may_be_http:
        yield Chain.HTTP
    if protocol.may_be_tcp:
        yield Chain.TCP


def _ambient(mesh: Mesh, workload: Workload, peers: Peers, node: Node | None) -> Guard:
    """A pod in ambient mode, as far as no policy is for a waypoint or ztunnel to read in its own way (S88-S98)."""
    if attached(mesh, workload) or _has_waypoint_policies(mesh, workload):
        return Opaque("policies are read by ztunnel or a waypoint")
    seen = Peers.ANY if peers is Peers.ANONYMOUS else peers  # S109
    return Guarded((Entrance(Chain.TCP, seen, node),), ())


def _has_waypoint_policies(mesh: Mesh, workload: Workload) -> bool:
    homes = (workload.namespace, mesh.config.root_namespace)
    return any(target_refs(one) and one.namespace in homes and is_enforced(one) for one in mesh.authorization_policies)


_PLAIN_MODES = frozenset({"", "SIMPLE"})
_BYTES = frozenset({"TCP", "TLS", "MONGO", "MYSQL", "REDIS"})


def _gateway(mesh: Mesh, workload: Workload, number: int) -> Guard | None:
    """The servers of Gateways that the pods open on a port (S83-S87); PeerAuthentications have no say there (S117)."""
    if "gateway.networking.k8s.io/gateway-name" in workload.labels:
        return Opaque("the listeners of Gateway API are not read")
    opened = list(_opened(mesh, workload, number))
    if not opened:
        return None
    modes = {one.tls.mode if one.tls is not None else "" for one in opened}
    if "AUTO_PASSTHROUGH" in modes:
        return Open("connections are passed through by SNI, past all policies")  # S32
    if not modes <= {*_PLAIN_MODES, "PASSTHROUGH", "ISTIO_MUTUAL"}:
        return Opaque("the certificates of its clients are not the mesh's")  # S84
    entrances = dict.fromkeys(_entrance(one) for one in opened)
    return Guarded(tuple(entrances), attached(mesh, workload))


def _opened(mesh: Mesh, workload: Workload, number: int) -> Iterator[GatewayServer]:
    targets = {served.port.number: served.number for served in served_ports(mesh, workload)}
    for gateway in mesh.gateways:
        wanted_labels = gateway.spec.selector
        if not (selects(wanted_labels, workload.labels) if wanted_labels else workload.proxy is Proxy.GATEWAY):
            continue
        for server in gateway.spec.servers:
            wanted = server.port.number if server.port is not None else None
            if wanted is not None and targets.get(wanted, wanted) == number:
                yield server


def _entrance(server: GatewayServer) -> Entrance:
    mode = server.tls.mode if server.tls is not None else ""
    protocol = server.port.protocol.upper() if server.port is not None else ""
    is_bytes = protocol in _BYTES or mode == "PASSTHROUGH"
    chain = Chain.TCP if is_bytes else Chain.HTTP  # S85
    if mode == "ISTIO_MUTUAL" and server.tls is not None:
        return Entrance(chain, Peers.IDENTIFIED, server.tls.node.at("mode"))  # S86
    return Entrance(chain, Peers.ANONYMOUS)
