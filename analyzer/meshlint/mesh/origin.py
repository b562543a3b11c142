"""Where a traced request comes from, and the proxy that routes it."""

from dataclasses import dataclass

from meshlint.mesh.control_plane import is_enabled
from meshlint.mesh.gateway_classes import GATEWAY_NAME
from meshlint.mesh.kubernetes_gateways import kubernetes_gateways_named, pods_of
from meshlint.mesh.model import Mesh
from meshlint.mesh.scope import gateways_named, proxies_of
from meshlint.mesh.targets import SIDECARS
from meshlint.mesh.workloads import Workload
from meshlint.request import CLIENT_NAMESPACE, GATEWAY, PORT, Attribute, Request, client_label
from meshlint.resources.base import Labels
from meshlint.resources.gateway import Gateway

_SCOPED = "PILOT_SCOPE_GATEWAY_TO_NAMESPACE"
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FromPod:
    """A pod with a sidecar: one of the input's workloads, or pods of which only namespace and labels are given."""

    namespace: str
    labels: Pairs = ()
    workload: Workload | None = None


@dataclass(frozen=True, slots=True)
class AtGateway:
    """Whatever comes to the pods of a Gateway, named `namespace/name`, from outside."""

    name: str


@dataclass(frozen=True, slots=True)
class FromOutside:
    """A peer without a proxy: no VirtualService and no DestinationRule holds for it (R202, S136)."""


Origin = FromPod | AtGateway | FromOutside


@dataclass(frozen=True, slots=True)
class Client:
    """The proxy that routes: a sidecar, or the proxy of gateway pods. `workload` is None where the input shows none.

    A waypoint is a gateway in this. ztunnel has no routes, and sends to the endpoints of what is dialed (R219).
    """

    namespace: str
    labels: Pairs
    is_gateway: bool = False
    workload: Workload | None = None
    is_ztunnel: bool = False

    @property
    def label_map(self) -> Labels:
        """The labels of the proxy's pods."""
        return dict(self.labels)

    @property
    def name(self) -> str:
        """The client as people know it."""
        return f"{self.namespace}/{self.workload.name}" if self.workload is not None else self.namespace


def sidecar(origin: FromPod) -> Client:
    """The sidecar that routes what the pod sends."""
    return Client(origin.namespace, tuple(sorted(origin.labels)), workload=origin.workload)


def pod(workload: Workload) -> FromPod:
    """A workload as the origin of requests."""
    return FromPod(workload.namespace, tuple(sorted(workload.labels.items())), workload)


def gateway_client(workload: Workload) -> Client:
    """The proxy of gateway pods as what routes (R601)."""
    return Client(workload.namespace, tuple(sorted(workload.labels.items())), is_gateway=True, workload=workload)


def gateway_pods(mesh: Mesh, name: str) -> tuple[Client, ...]:
    """The proxies that take the Gateway `namespace/name` of either API (R601, R901).

    Where the input shows none, pods with just the wanted labels, in the Gateway's namespace, stand for them.
    """
    found: list[Client] = []
    for gateway in gateways_named(mesh, name):
        everywhere = proxies_of(mesh, gateway)
        chosen = [one for one in everywhere if takes(mesh, one.namespace, gateway)] or everywhere
        found += [gateway_client(one) for one in chosen]
        if not chosen:
            found.append(Client(gateway.namespace, tuple(sorted(gateway.spec.selector.items())), is_gateway=True))
    for owner in kubernetes_gateways_named(mesh, name):
        pods = pods_of(mesh, owner)
        found += [gateway_client(one) for one in pods]
        if not pods:
            found.append(Client(owner.namespace, ((GATEWAY_NAME, owner.name),), is_gateway=True))
    return tuple(dict.fromkeys(found))


def takes(mesh: Mesh, namespace: str, gateway: Gateway) -> bool:
    """Whether gateway pods of *namespace* may take the Gateway: of any, unless the control plane keeps them apart (R601)."""
    return namespace == gateway.namespace or not is_enabled(mesh, _SCOPED, unseen=False)


def static_values(client: Client, port: int, place: str = SIDECARS) -> dict[Attribute, str]:
    """What is known of the proxy before any request comes: what static filters ask about (R230-R234)."""
    values = {GATEWAY: place, PORT: str(port), CLIENT_NAMESPACE: client.namespace}
    return values | {client_label(name): value for name, value in client.labels}


def at_proxy(request: Request, client: Client, port: int, place: str = SIDECARS) -> Request:
    """The request as the proxy sees it on a port: with the proxy's own attributes."""
    return Request.of({**dict(request.values), **static_values(client, port, place)})
