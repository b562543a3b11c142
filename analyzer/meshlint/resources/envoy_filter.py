"""EnvoyFilter: changes to the configuration that Istio makes for Envoy (`networking.istio.io`)."""

from dataclasses import dataclass

from meshlint.resources.base import Resource
from meshlint.resources.record import Record
from meshlint.resources.service_entry import WorkloadSelector
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class ConfigPatch(Record):
    """An entry of `configPatches`: what is changed, where, and how."""

    apply_to: str = ""
    match: Node | None = None
    patch: Node | None = None


@dataclass(frozen=True, slots=True)
class EnvoyFilterSpec(Record):
    """The `spec` of an EnvoyFilter."""

    workload_selector: WorkloadSelector | None = None
    config_patches: tuple[ConfigPatch, ...] = ()
    priority: int | None = None


EnvoyFilter = Resource[EnvoyFilterSpec]
