"""Sidecar: what the proxies of a namespace or workload know (`networking.istio.io`)."""

from dataclasses import dataclass

from meshlint.resources.base import Port, Resource
from meshlint.resources.record import Record
from meshlint.resources.service_entry import WorkloadSelector
from meshlint.resources.virtual_service import Destination


@dataclass(frozen=True, slots=True)
class EgressListener(Record):
    """An entry of `egress`: the hosts that it imports (R802)."""

    port: Port | None = None
    bind: str = ""
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngressListener(Record):
    """An entry of `ingress`: a port of the pods, and where connections to it are sent (R806)."""

    port: Port | None = None
    bind: str = ""
    default_endpoint: str = ""


@dataclass(frozen=True, slots=True)
class OutboundTrafficPolicy(Record):
    """What happens to traffic for unknown destinations; an empty one means REGISTRY_ONLY (R705)."""

    mode: str = ""
    egress_proxy: Destination | None = None


@dataclass(frozen=True, slots=True)
class SidecarSpec(Record):
    """The `spec` of a Sidecar."""

    workload_selector: WorkloadSelector | None = None
    egress: tuple[EgressListener, ...] | None = None
    ingress: tuple[IngressListener, ...] = ()
    outbound_traffic_policy: OutboundTrafficPolicy | None = None


Sidecar = Resource[SidecarSpec]
