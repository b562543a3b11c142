"""ServiceEntry, WorkloadEntry and WorkloadGroup: hosts and workloads that Kubernetes does not know (`networking.istio.io`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshlint.resources.base import Labels, Port, Resource
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class WorkloadSelector(Record):
    """`workloadSelector` of a ServiceEntry or Sidecar."""

    labels: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkloadEntrySpec(Record):
    """An endpoint: inline in a ServiceEntry, or the `spec` of a WorkloadEntry."""

    address: str = ""
    ports: Mapping[str, int] = field(default_factory=dict)
    labels: Labels = field(default_factory=dict)
    network: str = ""
    locality: str = ""
    weight: int | None = None
    service_account: str = ""


@dataclass(frozen=True, slots=True)
class ServiceEntrySpec(Record):
    """The `spec` of a ServiceEntry."""

    hosts: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    location: str = ""
    resolution: str = ""
    endpoints: tuple[WorkloadEntrySpec, ...] = ()
    workload_selector: WorkloadSelector | None = None
    export_to: tuple[str, ...] | None = None
    subject_alt_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupMetadata(Record):
    """What a WorkloadGroup writes on its WorkloadEntries."""

    labels: Labels = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WorkloadGroupSpec(Record):
    """The `spec` of a WorkloadGroup: what its WorkloadEntries are made from."""

    metadata: GroupMetadata | None = None
    template: WorkloadEntrySpec | None = None


ServiceEntry = Resource[ServiceEntrySpec]
WorkloadEntry = Resource[WorkloadEntrySpec]
WorkloadGroup = Resource[WorkloadGroupSpec]
