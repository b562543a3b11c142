"""NetworkPolicy: which connections the network itself lets pods have (`networking.k8s.io`)."""

from dataclasses import dataclass

from meshlint.resources.base import LabelSelector, Resource
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class Block(Record):
    """A block of addresses."""

    cidr: str = ""


@dataclass(frozen=True, slots=True)
class Peer(Record):
    """Whom a rule lets pods talk to: pods of namespaces, or a block of addresses."""

    ip_block: Block | None = None


@dataclass(frozen=True, slots=True)
class PolicyPort(Record):
    """A port that a rule is for: a number or the name of a container's port, and the last number of a range."""

    port: int | str | None = None
    end_port: int | None = None
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True)
class EgressRule(Record):
    """An entry of `egress`; without peers it is for all of them, without ports for all ports."""

    to: tuple[Peer, ...] = ()
    ports: tuple[PolicyPort, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkPolicySpec(Record):
    """The `spec` of a NetworkPolicy."""

    pod_selector: LabelSelector | None = None
    policy_types: tuple[str, ...] | None = None
    egress: tuple[EgressRule, ...] | None = None


NetworkPolicy = Resource[NetworkPolicySpec]
