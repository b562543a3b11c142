"""Destinations of one route beside one another: which get nothing, which stand there twice, which weights say nothing."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.hosts import qualify
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import Destination, HTTPRoute, L4Route, RouteDestination, VirtualServiceSpec

_Route = HTTPRoute | L4Route


@checks("MSH109")
def zero_weight_destination(mesh: Mesh) -> Iterator[Result]:
    """Beside others, a destination with no weight or a weight of 0 gets no request (R403)."""
    for _, route in _routes(mesh):
        if not any(one.weight for one in route.route):
            continue
        for one in route.route:
            if not one.weight:
                reason = "its weight is 0" if one.weight == 0 else "a missing weight is 0 beside other destinations"
                node = one.node.at("weight") if one.weight == 0 else one.node.at("destination")
                yield Problem(node, f"this destination gets no request: {reason}", label="gets nothing")


@checks("MSH110")
def needless_weight(mesh: Mesh) -> Iterator[Result]:
    """The weight of a single destination is ignored: it gets everything, even with a weight of 0 (R403)."""
    for _, route in _routes(mesh):
        for one in route.route if len(route.route) == 1 else ():
            if one.weight is not None and one.weight != 100:
                message = f"the only destination gets every request: its weight of {one.weight} is ignored"
                yield Problem(one.node.at("weight"), message, label="ignored")


@checks("MSH111")
def duplicate_destination(mesh: Mesh) -> Iterator[Result]:
    """Two destinations of a route are the same host, subset and port, so that their shares add up (R501)."""
    for vs, route in _routes(mesh):
        seen: dict[tuple[str, str, str], RouteDestination] = {}
        for one in route.route:
            if one.destination is None or not one.destination.host:
                continue
            key = _cluster(mesh, vs, one.destination)
            first = seen.setdefault(key, one)
            if first is not one:
                yield Problem(
                    one.node.at("destination"),
                    "this destination stands in the route twice: the shares of both go to one place",
                    label="once more",
                    notes=(Note(first.node.at("destination").span, "first here"),),
                    help="name the subset that was meant, or join the weights",
                )


def _routes(mesh: Mesh) -> Iterator[tuple[Resource[VirtualServiceSpec], _Route]]:
    for vs in mesh.virtual_services:
        for route in vs.spec.routes:
            yield vs, route


def _cluster(mesh: Mesh, vs: Resource[VirtualServiceSpec], to: Destination) -> tuple[str, str, str]:
    port = "" if to.port is None else str(to.port.number or to.port.name)
    return qualify(to.host, vs.namespace, mesh.settings.cluster_domain).lower(), to.subset, port
