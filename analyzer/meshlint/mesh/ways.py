"""Ways: the steps of a call from one proxy on, and how they end; several of them together where a route has shares."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from meshlint.mesh.clusters import Cluster
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client
from meshlint.mesh.steps import Fact, Kind, Outcome, Share, Step
from meshlint.mesh.wire import Call
from meshlint.mesh.workloads import Workload

MOST_HOPS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """Steps and the outcome that they come to."""

    steps: tuple[Step, ...]
    outcome: Outcome


def _straight(_hop: "Hop", _one: Cluster) -> Way | None:
    """Sidecars and waypoints use no waypoint (S103)."""
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Hop:
    """A call at a proxy that routes it. `principal` is the identity that the proxy shows to servers.

    `visited` are the gateways that the call has come through; `enter` takes it into the next one. `facts` are what the
    chosen route says of calls to its clusters. `detour` is the way through the waypoint of a cluster's host, None where
    the call goes past any (S103).
    """

    mesh: Mesh
    client: Client
    call: Call
    principal: str | None
    enter: Callable[["Hop", Workload, int, Call], Way]
    visited: tuple[tuple[str, int], ...] = ()
    facts: tuple[Fact, ...] = ()
    detour: Callable[["Hop", Cluster], Way | None] = _straight


def after(step: Step, way: Way) -> Way:
    """The way with one step before it."""
    return Way((step, *way.steps), way.outcome)


def ended(outcome: Outcome, *steps: Step) -> Way:
    """A way that ends here."""
    return Way(steps, outcome)


def together(parts: list[tuple[str, float, Way]]) -> Way:
    """Ways that share the calls, by the cluster that each leads to and its share.

    Where they end differently the outcome is the worse of the two kinds only if no share is delivered.
    """
    if len(parts) == 1:
        return parts[0][2]
    steps = tuple(step for _, _, way in parts for step in way.steps)
    shares = tuple(_share(cluster, share, way.outcome) for cluster, share, way in parts)
    outcomes = [way.outcome for _, _, way in parts]
    best = next((one for one in outcomes if one.kind.is_delivered), outcomes[0])
    workloads = tuple(dict.fromkeys(name for one in outcomes if one.kind.is_delivered for name in one.workloads))
    troubles = [f"{one.share:.0%} fails: {one.trouble}" for one in shares if one.trouble]
    why = "; ".join(troubles) if best.kind.is_delivered else best.why
    doubt = next((one for one in outcomes if one.kind is Kind.UNKNOWN), None)
    chosen = doubt if doubt is not None and not best.kind.is_delivered else best
    return Way(steps, replace(chosen, weights=shares, workloads=workloads or chosen.workloads, why=why or chosen.why))


def one_of(ways: Sequence[Way]) -> Way:
    """Ways of which any may be taken, since endpoints differ; where they end differently the outcome says so."""
    first = next((way for way in ways if way.outcome.kind.is_delivered), ways[0]).outcome
    others = [way.outcome for way in ways if _end(way.outcome) != _end(first)]
    steps = tuple(step for way in ways for step in way.steps)
    if not others:
        return Way(steps, first)
    words = [f"{one.kind.value} ({one.why})" if one.why else one.kind.value for one in others]
    why = f"some of the endpoints end it otherwise: {'; '.join(dict.fromkeys(words))}"
    return Way(steps, replace(first, why=f"{first.why}; {why}" if first.why else why))


def _end(outcome: Outcome) -> tuple[Kind, int | None, str, tuple[Share, ...]]:
    return (outcome.kind, outcome.status, outcome.cluster, outcome.weights)


def _share(cluster: str, share: float, outcome: Outcome) -> Share:
    trouble = "" if outcome.kind.is_delivered else outcome.why or outcome.kind.value
    return Share(cluster, share, outcome.workloads, trouble)
