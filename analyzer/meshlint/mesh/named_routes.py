"""Routes by the names that people give them: by route, by index, or by their VirtualService."""

from collections.abc import Iterator

from meshlint.mesh.asked import AskingError
from meshlint.mesh.delegates import Rule, VirtualService, http_rules
from meshlint.mesh.model import Mesh
from meshlint.mesh.steps import Trace
from meshlint.mesh.suggestions import did_you_mean, nearest


def routes_named(mesh: Mesh, found: Trace, text: str) -> tuple[Rule, ...]:
    """The HTTP routes that *text* names: `NAME` or `INDEX`, of the objects that the trace tried where one is there.

    `NAMESPACE/NAME` means all routes of a VirtualService and `NAMESPACE/NAME:ROUTE` one. Raises AskingError.
    """
    if "/" in text:
        return _of_object(mesh, text)
    nodes = {one.node for step in found.steps for one in step.tried}
    every = [(vs, http_rules(mesh, vs)) for vs in mesh.virtual_services]
    near = [(vs, rules) for vs, rules in every if any(rule.route.node in nodes for rule in rules)]
    for pool in (near, every):
        chosen = tuple(rule for _, rules in pool for rule in _called(rules, text))
        if chosen:
            return chosen
    known = [rule.route.name for _, rules in every for rule in rules if rule.route.name]
    raise AskingError(f"no route is called {text!r}{_hint(text, known)}")


def _of_object(mesh: Mesh, text: str) -> tuple[Rule, ...]:
    full, colon, route = text.partition(":")
    owners = {_full_name(vs): vs for vs in mesh.virtual_services}
    if full not in owners:
        raise AskingError(f"no VirtualService is called {full!r}{_hint(full, list(owners))}")
    rules = http_rules(mesh, owners[full])
    if not rules:
        raise AskingError(f"VirtualService {full} has no HTTP route")
    chosen = tuple(_called(rules, route)) if colon else rules
    if not chosen:
        known = [rule.route.name for rule in rules if rule.route.name]
        raise AskingError(f"VirtualService {full} has no route {route!r}{_hint(route, known)}")
    return chosen


def _called(rules: tuple[Rule, ...], name: str) -> Iterator[Rule]:
    """The rules of that name; where none has it and it is a number, the rule at that place."""
    by_name = [rule for rule in rules if rule.route.name == name]
    if by_name or not (name.isascii() and name.isdecimal()):
        yield from by_name
    elif int(name) < len(rules):
        yield rules[int(name)]


def _full_name(vs: VirtualService) -> str:
    return f"{vs.namespace}/{vs.name}"


def _hint(name: str, known: list[str]) -> str:
    near = did_you_mean(nearest(name, known))
    return f": {near}" if near else ""
