"""Pods behind a waypoint: what their ztunnel makes of the waypoint itself."""

from collections.abc import Iterator

from meshlint import space
from meshlint.finding import Note, Problem, Result, Undecided
from meshlint.mesh.authorization import Action, Policy, action, attached, rules
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Exact, both
from meshlint.mesh.waypoints import Waypoint, waypoint_of
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.mesh.ztunnel import request_conditions
from meshlint.registry import checks
from meshlint.request import PRINCIPAL

_SHOWN = 3


@checks("MSH715")
def waypoint_locked_out(mesh: Mesh) -> Iterator[Result]:
    """Pods whose ALLOW policies admit clients, but not the waypoint by whose identity the clients arrive (S102)."""
    told: dict[tuple[Policy, str], None] = {}
    for pods in mesh.workloads:
        if pods.proxy is not Proxy.AMBIENT:
            continue
        allowing = tuple(one for one in attached(mesh, pods) if action(one) is Action.ALLOW)
        if any(map(_asks_of_requests, allowing)) or not any(one.spec.rules for one in allowing):
            continue  # What such policies do is told elsewhere.
        for waypoint in _waypoints(mesh, pods):
            answer = _admitted(mesh, allowing, waypoint)
            if isinstance(answer, space.Unknown):
                yield Undecided(allowing[0].name_node, answer.why)
            elif isinstance(answer, space.Empty) and (allowing[0], waypoint.name) not in told:
                told[allowing[0], waypoint.name] = None
                yield _problem(mesh, pods, allowing, waypoint)


def _asks_of_requests(policy: Policy) -> bool:
    return any(True for rule in policy.spec.rules for _ in request_conditions(rule))


def _waypoints(mesh: Mesh, pods: Workload) -> tuple[Waypoint, ...]:
    found = (waypoint_of(mesh, host) for host in mesh.hosts_of(pods))
    return tuple(dict.fromkeys(one.waypoint for one in found if one is not None and one.waypoint is not None))


def _admitted(mesh: Mesh, allowing: tuple[Policy, ...], waypoint: Waypoint) -> space.Answer:
    """A connection of the waypoint's that some rule admits."""
    its_own = Exact(PRINCIPAL, f"spiffe://{mesh.config.certified_domain}/{waypoint.principal}")
    answer: space.Answer = space.Empty()
    for rule in rules(mesh, allowing, Action.ALLOW, Chain.ZTUNNEL):
        found = space.satisfiable(both(its_own, rule.predicate))
        if isinstance(found, space.Some):
            return found
        answer = found if isinstance(found, space.Unknown) else answer
    return answer


def _problem(mesh: Mesh, pods: Workload, allowing: tuple[Policy, ...], waypoint: Waypoint) -> Problem:
    identity = f"{mesh.config.certified_domain}/{waypoint.principal}"
    return Problem(
        allowing[0].name_node,
        f"calls through waypoint `{waypoint.name}` are denied at `{pods.name}`: no ALLOW policy admits `{identity}`",
        label="locks out the waypoint",
        notes=(
            Note(waypoint.gateway.name_node.span, "the waypoint, by whose identity clients arrive"),
            *(Note(one.name_node.span, "does not admit it either") for one in allowing[1:_SHOWN]),
        ),
        help="admit the waypoint here, and leave the clients to a policy with `targetRefs`",
    )
