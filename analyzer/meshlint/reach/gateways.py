"""What guards the ports that Gateways open on gateway pods (S83-S87); PeerAuthentications have no say there (S117)."""

from collections.abc import Iterator

from meshlint.mesh.authorization import attached
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.served import served_ports
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.reach.guards import Entrance, Guard, Guarded, Opaque, Open, Peers, tokens
from meshlint.resources.base import selects
from meshlint.resources.gateway import Server as GatewayServer

_KNOWN_MODES = frozenset({"", "SIMPLE", "PASSTHROUGH", "ISTIO_MUTUAL"})
_BYTES = frozenset({"TCP", "TLS", "MONGO", "MYSQL", "REDIS"})


def gateway_guard(mesh: Mesh, workload: Workload, number: int) -> Guard | None:
    """What guards a port of a gateway's pods; None where no Gateway opens it."""
    if "gateway.networking.k8s.io/gateway-name" in workload.labels:
        return Opaque("the listeners of Gateway API are not read")
    opened = tuple(_opened(mesh, workload, number))
    modes = {_mode(one) for one in opened}
    if not opened:
        return None
    if modes == {"AUTO_PASSTHROUGH"}:
        return Open("connections are passed on by SNI, past all policies")  # S32
    if "AUTO_PASSTHROUGH" in modes:
        return Opaque("some of its connections are passed on by SNI, past all policies")  # S32
    if not modes <= _KNOWN_MODES:
        return Opaque("the certificates of its clients are not the mesh's")  # S84
    entrances = tuple(dict.fromkeys(_entrance(one) for one in opened))
    return Guarded(entrances, attached(mesh, workload), tokens(mesh, workload))


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
    mode = _mode(server)
    chain = Chain.TCP if _protocol(server) in _BYTES or mode == "PASSTHROUGH" else Chain.HTTP  # S85
    if mode == "ISTIO_MUTUAL" and server.tls is not None:
        return Entrance(chain, Peers.IDENTIFIED, server.tls.node.at("mode"))  # S86
    return Entrance(chain, Peers.ANONYMOUS, hides_sni=not mode)


def _mode(server: GatewayServer) -> str:
    """The TLS mode; a server for TLS that names none passes it through, and one for plaintext has none."""
    mode = server.tls.mode if server.tls is not None else ""
    return mode or ("PASSTHROUGH" if _protocol(server) in ("HTTPS", "TLS") else "")


def _protocol(server: GatewayServer) -> str:
    return server.port.protocol.upper() if server.port is not None else ""
