"""Gateway: the servers that gateway workloads open (`networking.istio.io`), and Gateway API's kind of that name."""

from dataclasses import dataclass, field

from meshlint.resources.base import Labels, Port, Resource
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class ServerTLS(Record):
    """`tls` of a server."""

    https_redirect: bool = False
    mode: str = ""
    credential_name: str = ""
    credential_names: tuple[str, ...] = ()
    server_certificate: str = ""
    private_key: str = ""


@dataclass(frozen=True, slots=True)
class Server(Record):
    """One server: a port, and the hosts it is open for."""

    port: Port | None = None
    hosts: tuple[str, ...] = ()
    tls: ServerTLS | None = None
    bind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class GatewaySpec(Record):
    """The `spec` of an Istio Gateway. An empty selector means every gateway proxy (R601)."""

    selector: Labels = field(default_factory=dict)
    servers: tuple[Server, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener(Record):
    """A listener of a Gateway API Gateway."""

    name: str = ""
    hostname: str = ""
    port: int | None = None
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class KubernetesGatewaySpec(Record):
    """The `spec` of a Gateway API Gateway (`gateway.networking.k8s.io`)."""

    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] = ()


Gateway = Resource[GatewaySpec]
KubernetesGateway = Resource[KubernetesGatewaySpec]
