"""What a trace writes down: the steps of one request through the mesh, what decided each, and how it ends."""

from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.routing import Match
from meshlint.request import Request
from meshlint.source.node import Node


class Kind(Enum):
    """How a request ends (routing section 0).

    REJECTED stands for connections that nobody takes and for what Envoy refuses. LOOP is a request that gateways hand on
    to one another for ever, UNKNOWN one whose way manifests do not show.
    """

    CLUSTER = "cluster"
    NOT_FOUND = "not-found"
    NO_CLUSTER = "no-cluster"
    NO_ENDPOINT = "no-endpoint"
    BLACKHOLE = "blackhole"
    PASSTHROUGH = "passthrough"
    REDIRECT = "redirect"
    DIRECT = "direct"
    DENIED = "denied"
    TLS_MISMATCH = "tls-mismatch"
    REJECTED = "rejected"
    LOOP = "loop"
    UNKNOWN = "unknown"

    @property
    def is_delivered(self) -> bool:
        """Whether the request reaches what it was routed to, or an answer that the routes ask for."""
        return self in (Kind.CLUSTER, Kind.PASSTHROUGH, Kind.REDIRECT, Kind.DIRECT)


class Stage(Enum):
    """Where a step is taken."""

    CLIENT = "client"
    ROUTE = "route"
    CLUSTER = "cluster"
    SERVER = "server"


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """A rule that was looked at. `matched` is None for one that was not tried, since an earlier one matched.

    `entries` are what it asks for, of the request as it is `seen` at this proxy; policies have none here.
    """

    name: str
    node: Node
    matched: bool | None
    why: str = ""
    entries: tuple[Match, ...] = ()
    seen: Request | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """Something else that is so at a step, and the node that makes it so."""

    text: str
    node: Node | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """One decision: what was decided, the node that decided it, and the rules that were tried for it."""

    stage: Stage
    text: str
    node: Node | None = None
    facts: tuple[Fact, ...] = ()
    tried: tuple[Tried, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """The part of the requests that a cluster gets, and what it comes to there where not all is well."""

    cluster: str
    share: float
    workloads: tuple[str, ...] = ()
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ends. `why` says in words what a kind and a status cannot."""

    kind: Kind
    status: int | None = None
    cluster: str = ""
    weights: tuple[Share, ...] = ()
    workloads: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """The way of one request through the mesh."""

    request: Request
    steps: tuple[Step, ...]
    outcome: Outcome
