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
class Metrics(Record):
    """An item of a Telemetry's `metrics`."""

    providers: tuple[TelemetryProvider, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessLogging(Record):
    """An item of a Telemetry's `accessLogging`."""

    providers: tuple[TelemetryProvider, ...] = ()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class TelemetrySpec(Record):
    """The `spec` of a Telemetry."""

    selector: LabelSelector | None = None
    target_ref: TargetRef | None = None
    target_refs: tuple[TargetRef, ...] = ()
    tracing: tuple[Tracing, ...] = ()
    metrics: tuple[Metrics, ...] = ()
    access_logging: tuple[AccessLogging, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchedPort(Record):
    """A port in a match of traffic."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class TrafficSelector(Record):
    """A match of traffic by its direction and ports; the node is the whole entry."""

    mode: str = ""
    ports: tuple[MatchedPort, ...] = ()


@dataclass(frozen=True, slots=True)
class WasmPluginSpec(Record):
    """The `spec` of a WasmPlugin."""

    selector: LabelSelector | None = None
    target_ref: TargetRef | None = None
    target_refs: tuple[TargetRef, ...] = ()
    url: str = ""
    match: tuple[TrafficSelector, ...] = ()


@dataclass(frozen=True, slots=True)
class TrafficExtensionSpec(Record):
    """The `spec` of a TrafficExtension: a Wasm module or a Lua script."""

    selector: LabelSelector | None = None
    target_refs: tuple[TargetRef, ...] = ()
    match: tuple[TrafficSelector, ...] = ()


Telemetry = Resource[TelemetrySpec]
WasmPlugin = Resource[WasmPluginSpec]
TrafficExtension = Resource[TrafficExtensionSpec]
