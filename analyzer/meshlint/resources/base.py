"""What all resources share: identity, metadata, selectors, ports, durations."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from meshlint.finding import Ref
from meshlint.resources.record import Record
from meshlint.source.node import Node

S_co = TypeVar("S_co", bound=Record, covariant=True)
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metadata(Record):
    """An object's `metadata`."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    labels: Labels = field(default_factory=dict)
    annotations: Labels = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Resource(Generic[S_co]):
    """One object of the input, compared by identity.

    `spec` is its typed content: what stands under `spec`, or the whole object for kinds without one.
    `is_sound` is False where some part of it could not be read as its kind wants, so that only findings on
    the input itself may be drawn from it.
    """

    ref: Ref
    node: Node
    metadata: Metadata
    spec: S_co
    is_sound: bool = True

    @property
    def namespace(self) -> str:
        """The namespace the object is taken to be in; empty for cluster-scoped kinds."""
        return self.ref.namespace

    @property
    def name(self) -> str:
        """The object's name."""
        return self.ref.name

    @property
    def name_node(self) -> Node:
        """Where the name is written: the place of a finding about the object as a whole."""
        return self.node.at("metadata", "name")


@dataclass(frozen=True, slots=True)
class LabelRequirement(Record):
    """An entry of `matchExpressions`: what it asks of one label."""

    key: str = ""
    operator: str = ""
    values: tuple[str, ...] = ()

    def holds(self, labels: Labels) -> bool:
        """Whether *labels* are as it asks; an operator that nobody knows asks for what is never so."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case _:
                return False


@dataclass(frozen=True, slots=True)
class LabelSelector(Record):
    """A Kubernetes selector of objects by their labels."""

    match_labels: Labels = field(default_factory=dict)
    match_expressions: tuple[LabelRequirement, ...] = ()

    def selects(self, labels: Labels) -> bool:
        """Whether *labels* are as all parts of the selector ask."""
        return selects(self.match_labels, labels) and all(one.holds(labels) for one in self.match_expressions)


@dataclass(frozen=True, slots=True)
class Port(Record):
    """A port of a Gateway server, ServiceEntry or Sidecar listener."""

    number: int | None = None
    name: str = ""
    protocol: str = ""
    target_port: int | None = None


@dataclass(frozen=True, slots=True)
class PortSelector(Record):
    """A reference to a port: by number, and in Istio 1.0 by name (R1008)."""

    number: int | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class TargetRef(Record):
    """What a policy is attached to instead of a selector (S26)."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


def selects(selector: Labels, labels: Labels) -> bool:
    """Whether *labels* have every label of *selector*; an empty selector selects all (S22)."""
    return all(labels.get(key) == value for key, value in selector.items())


def seconds(duration: str) -> float | None:
    """The length in seconds of a duration such as `1h30m` or `0.5s`; None if it is none."""
    if not re.fullmatch(r"(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+", duration):
        return None
    units = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
    parts = re.findall(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)", duration)
    return sum(float(number) * units[unit] for number, unit in parts)
