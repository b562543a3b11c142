"""Clients without a proxy: their calls arrive in plaintext, whatever rules say."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.addressed import Call, calls
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Demand, Mode, demand, is_captured, ztunnel_demand
from meshlint.mesh.served import is_gateway
from meshlint.mesh.workloads import Proxy, Workload, target_port
from meshlint.registry import checks

_EXCLUDED = "traffic.sidecar.istio.io/excludeOutboundPorts"


@checks("MSH602")
def plaintext_client_of_strict(mesh: Mesh) -> Iterator[Result]:
    """A workload that calls a host past any proxy, where the servers take mutual TLS only (S118, S136)."""
    for client in mesh.workloads:
        if client.proxy not in (Proxy.NONE, Proxy.SIDECAR) or client.is_assumed:
            continue
        for call in calls(mesh, client):
            if client.proxy is Proxy.NONE:
                why = "has no proxy"
            elif str(call.port.number) in client.annotations.get(_EXCLUDED, "").replace(" ", "").split(","):
                why = f"calls port {call.port.number} past its proxy"
            else:
                continue
            found = _refusing(mesh, call)
            if found is not None:
                server, demanded = found
                notes = [Note(server.resource.name_node.span, "the server")]
                if demanded.node is not None:
                    notes.insert(0, Note(demanded.node.span, "mutual TLS only"))
                yield Problem(
                    call.node,
                    f"workload `{client.name}` {why}, and `{call.host.name}` accepts only mutual TLS",
                    label="refused",
                    notes=tuple(notes),
                    help="give the client a proxy, or let the port be PERMISSIVE until it has one",
                )


def _refusing(mesh: Mesh, call: Call) -> tuple[Workload, Demand] | None:
    """A workload behind the called port that takes no plaintext, if all behind it are such."""
    found: tuple[Workload, Demand] | None = None
    for server in mesh.workloads_of(call.host):
        number = target_port(call.port, server)
        if number is None or is_gateway(mesh, server):
            return None
        match server.proxy:
            case Proxy.SIDECAR if is_captured(server, number):
                demanded = demand(mesh, server, number)
            case Proxy.AMBIENT:
                demanded = ztunnel_demand(mesh, server, number)
            case _:
                return None
        if demanded is None or demanded.mode is not Mode.STRICT:
            return None
        found = found or (server, demanded)
    return found
