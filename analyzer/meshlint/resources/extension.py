"""Telemetry (`telemetry.istio.io`), WasmPlugin and TrafficExtension (`extensions.istio.io`)."""

from dataclasses import dataclass

from meshlint.resources.base import LabelSelector, Resource, TargetRef
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class TelemetryProvider(Record):
    """A provider of the mesh settings, by name."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Tracing(Record):
    """An item of a Telemetry's `tracing`."""

    providers: tuple[TelemetryProvider, ...] = ()


@dataclass(frozen=True, slots=True)
class TelemetrySpec(Record):
    """The `spec` of a Telemetry."""

    selector: LabelSelector | None = None
    target_ref: TargetRef | None = None
    target_refs: tuple[TargetRef, ...] = ()
    tracing: tuple[Tracing, ...] = ()


@dataclass(frozen=True, slots=True)
class WasmPluginSpec(Record):
    """The `spec` of a WasmPlugin."""

    selector: LabelSelector | None = None
    target_ref: TargetRef | None = None
    target_refs: tuple[TargetRef, ...] = ()
    url: str = ""


@dataclass(frozen=True, slots=True)
class TrafficExtensionSpec(Record):
    """The `spec` of a TrafficExtension: a Wasm module or a Lua script."""

    selector: LabelSelector | None = None
    target_refs: tuple[TargetRef, ...] = ()


Telemetry = Resource[TelemetrySpec]
WasmPlugin = Resource[WasmPluginSpec]
TrafficExtension = Resource[TrafficExtensionSpec]
