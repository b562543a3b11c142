"""MeshConfig: the settings of a whole mesh, from ConfigMap `istio`, an IstioOperator or a file of its own."""

from dataclasses import dataclass, field

from meshlint.resources.record import Record
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class MeshOutboundTrafficPolicy(Record):
    """What sidecars do with traffic for unknown destinations; absent means ALLOW_ANY (E5)."""

    mode: str = ""


@dataclass(frozen=True, slots=True)
class ExtensionProvider(Record):
    """A named provider that policies and telemetry refer to."""

    name: str = ""
    envoy_ext_authz_http: Node | None = None
    envoy_ext_authz_grpc: Node | None = None


@dataclass(frozen=True, slots=True)
class DefaultProviders(Record):
    """The providers that telemetry goes to where no Telemetry names one."""

    access_logging: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    tracing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PathNormalization(Record):
    """How paths are normalised before routing and authorization (R318, S65)."""

    normalization: str = "DEFAULT"


@dataclass(frozen=True, slots=True)
class MeshConfig(Record):
    """The settings that meshlint reads; the defaults are Istio's own."""

    root_namespace: str = "istio-system"
    trust_domain: str = "cluster.local"
    trust_domain_aliases: tuple[str, ...] = ()
    outbound_traffic_policy: MeshOutboundTrafficPolicy | None = None
    enable_auto_mtls: bool = True
    default_service_export_to: tuple[str, ...] = ()
    default_virtual_service_export_to: tuple[str, ...] = ()
    default_destination_rule_export_to: tuple[str, ...] = ()
    extension_providers: tuple[ExtensionProvider, ...] = ()
    default_providers: DefaultProviders | None = None
    path_normalization: PathNormalization | None = None
    ingress_controller_mode: str = "STRICT"
    default_config: Node | None = None
    default_http_retry_policy: Node | None = field(default=None, metadata={"json": ("defaultHttpRetryPolicy",)})

    @property
    def certified_domain(self) -> str:
        """The trust domain as certificates have it, which know no `@` (S164)."""
        return self.trust_domain.replace("@", ".")

    @property
    def normalization(self) -> str:
        """How paths are normalised, DEFAULT unless the mesh says otherwise (R318)."""
        return self.path_normalization.normalization if self.path_normalization is not None else "DEFAULT"

    @property
    def outbound_mode(self) -> str:
        """ALLOW_ANY unless the mesh says otherwise (E5, E6)."""
        policy = self.outbound_traffic_policy
        return policy.mode if policy is not None and policy.mode else "ALLOW_ANY"


@dataclass(frozen=True, slots=True)
class OperatorSpec(Record):
    """The `spec` of an IstioOperator, as far as it carries mesh settings."""

    mesh_config: MeshConfig | None = None
    revision: str = field(default="")
