"""DestinationRule: subsets of a host and how clients talk to it (`networking.istio.io`)."""

from dataclasses import dataclass, field

from meshlint.resources.base import Labels, LabelSelector, PortSelector, Resource
from meshlint.resources.record import Record
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class ClientTLS(Record):
    """`tls` of a traffic policy: how the client secures the connection."""

    mode: str = ""
    client_certificate: str = ""
    private_key: str = ""
    ca_certificates: str = ""
    credential_name: str = ""
    subject_alt_names: tuple[str, ...] = ()
    sni: str = ""
    insecure_skip_verify: bool = False


@dataclass(frozen=True, slots=True)
class PortTrafficPolicy(Record):
    """An entry of `portLevelSettings`: it replaces the whole policy for its port (R519)."""

    port: PortSelector | None = None
    tls: ClientTLS | None = None
    load_balancer: Node | None = None
    connection_pool: Node | None = None
    outlier_detection: Node | None = None


@dataclass(frozen=True, slots=True)
class TrafficPolicy(Record):
    """`trafficPolicy` of a rule or of a subset."""

    tls: ClientTLS | None = None
    port_level_settings: tuple[PortTrafficPolicy, ...] = ()
    load_balancer: Node | None = None
    connection_pool: Node | None = None
    outlier_detection: Node | None = None
    tunnel: Node | None = None
    proxy_protocol: Node | None = None


@dataclass(frozen=True, slots=True)
class Subset(Record):
    """A named part of a host's endpoints, chosen by their labels (R507)."""

    name: str = ""
    labels: Labels = field(default_factory=dict)
    traffic_policy: TrafficPolicy | None = None


@dataclass(frozen=True, slots=True)
class DestinationRuleSpec(Record):
    """The `spec` of a DestinationRule."""

    host: str = ""
    traffic_policy: TrafficPolicy | None = None
    subsets: tuple[Subset, ...] = ()
    export_to: tuple[str, ...] | None = None
    workload_selector: LabelSelector | None = None


DestinationRule = Resource[DestinationRuleSpec]
