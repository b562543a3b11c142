"""Gateway: the servers that gateway workloads open (`networking.istio.io`), and Gateway API's kind of that name."""

from dataclasses import dataclass, field

from meshlint.resources.base import Labels, LabelSelector, Port, Resource
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
class RouteKind(Record):
    """A kind of route that a listener allows."""

    group: str = "gateway.networking.k8s.io"
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Namespaces(Record):
    """The namespaces that may attach something: the object's own, all, those with certain labels, or none."""

    from_: str = field(default="", metadata={"json": ("from",)})
    selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True)
class AllowedRoutes(Record):
    """`allowedRoutes` of a listener; without kinds it allows those of its protocol (R902)."""

    namespaces: Namespaces | None = None
    kinds: tuple[RouteKind, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateRef(Record):
    """A Secret with a certificate."""

    group: str = ""
    kind: str = "Secret"
    name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class ListenerTLS(Record):
    """`tls` of a listener."""

    mode: str = "Terminate"
    certificate_refs: tuple[CertificateRef, ...] = ()


@dataclass(frozen=True, slots=True)
class Listener(Record):
    """A listener of a Gateway API Gateway."""

    name: str = ""
    hostname: str = ""
    port: int | None = None
    protocol: str = ""
    tls: ListenerTLS | None = None
    allowed_routes: AllowedRoutes | None = None

    @property
    def is_passthrough(self) -> bool:
        """Whether TLS goes through the listener as it comes."""
        return self.tls is not None and self.tls.mode == "Passthrough"


@dataclass(frozen=True, slots=True)
class GatewayAddress(Record):
    """Where a Gateway is to be reached: a Hostname is the Service that is there already (R901)."""

    type: str = "IPAddress"
    value: str = ""


@dataclass(frozen=True, slots=True)
class Infrastructure(Record):
    """`infrastructure` of a Gateway: what is passed on to what Istio deploys for it."""

    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AllowedListeners(Record):
    """`allowedListeners` of a Gateway: which namespaces' ListenerSets add to it."""

    namespaces: Namespaces | None = None


@dataclass(frozen=True, slots=True)
class KubernetesGatewaySpec(Record):
    """The `spec` of a Gateway API Gateway (`gateway.networking.k8s.io`)."""

    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] = ()
    addresses: tuple[GatewayAddress, ...] = ()
    infrastructure: Infrastructure | None = None
    allowed_listeners: AllowedListeners | None = None


@dataclass(frozen=True, slots=True)
class GatewayClassSpec(Record):
    """The `spec` of a GatewayClass: the controller whose Gateways are of the class."""

    controller_name: str = ""


Gateway = Resource[GatewaySpec]
KubernetesGateway = Resource[KubernetesGatewaySpec]
GatewayClass = Resource[GatewayClassSpec]
