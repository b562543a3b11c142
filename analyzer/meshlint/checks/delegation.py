"""Delegation of routes: delegates that are not there, that nobody names, or whose routes are dropped."""

from collections.abc import Iterator

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.delegates import delegate_of, http_rules
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.registry import checks
from meshlint.resources.virtual_service import Delegate, HTTPRoute, VirtualService


@checks("MSH117")
def no_such_delegate(mesh: Mesh) -> Iterator[Result]:
    """A delegate that is missing, hidden or none, or whose routes conflict with the root's: they vanish (R220-R225)."""
    for vs in mesh.virtual_services:
        for route in vs.spec.http if vs.spec.hosts else ():
            if route.delegate is None:
                continue
            delegate = delegate_of(mesh, vs, route)
            if delegate is None:
                yield from _missing(mesh, vs, route.delegate)
            else:
                yield from _dropped(mesh, vs, route, delegate)
    yield from _orphans(mesh)


def _missing(mesh: Mesh, vs: VirtualService, to: Delegate) -> Iterator[Result]:
    """A delegate that the root cannot use, and why."""
    home, name = to.namespace or vs.namespace, to.name
    node = to.node.at("name")
    here = {one.name: one for one in mesh.virtual_services if one.namespace == home}
    found = here.get(name)
    if found is not None:
        spot = found.spec.node.at("hosts") if found.spec.hosts else found.spec.node.at("exportTo")
        why = (
            "has hosts, so it is no delegate" if found.spec.hosts else f"is not exported to namespace `{vs.namespace}`"
        )
        message = f"VirtualService `{home}/{name}` {why}: this route is dropped"
        yield Problem(node, message, label="cannot be used", notes=(Note(spot.span, "for this reason"),))
    elif mesh.settings.world is World.COMPLETE or (here and mesh.settings.world is World.AUTO):
        free = {one.name for one in here.values() if not one.spec.hosts}
        hint = did_you_mean(nearest(name, free))
        yield Problem(node, f"there is no VirtualService `{home}/{name}`: this route is dropped", "missing", (), hint)
    else:
        yield Outside(node, f"VirtualService {home}/{name}")


def _dropped(mesh: Mesh, vs: VirtualService, route: HTTPRoute, delegate: VirtualService) -> Iterator[Problem]:
    """Routes of the delegate that conflict with every match of the root's route, or take its headers away."""
    kept = {rule.route.node for rule in http_rules(mesh, vs) if rule.owner is delegate and rule.root is route.node}
    for own in delegate.spec.http:
        if own.node not in kept:
            message = f"no request gets here: the match conflicts with that of the route in `{vs.namespace}/{vs.name}`"
            notes = (Note(route.node.at("match").span, "the route that delegates"),)
            help_ = "a delegate may only narrow: the same exact path, or a longer prefix"
            yield Problem(own.node.at("match"), message, "route is dropped", notes, help_)
        elif route.node.get("headers") is not None and own.node.get("headers") is not None:
            notes = (Note(route.node.at("headers").span, "these are lost"),)
            message = f"these headers replace those of the route in `{vs.namespace}/{vs.name}`: they are not joined"
            yield Problem(own.node.at("headers"), message, "replaces", notes, on_key=True)


def _orphans(mesh: Mesh) -> Iterator[Result]:
    """Delegates that no route names, where all routes are known."""
    named = {
        (route.delegate.namespace or vs.namespace, route.delegate.name)
        for vs in mesh.virtual_services
        for route in vs.spec.http
        if route.delegate is not None
    }
    for vs in mesh.virtual_services:
        if vs.spec.hosts or (vs.namespace, vs.name) in named or not vs.spec.http:
            continue
        if mesh.settings.world is World.COMPLETE:
            yield Problem(vs.name_node, "a VirtualService without hosts is a delegate, and no route names it", "unused")
        else:
            yield Outside(vs.name_node, "a route that delegates to it")
