"""What Envoy refuses in routes, and with it the whole route table that they are in (R308, R403, R404)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from meshlint.mesh import history
from meshlint.mesh.applied import Kept, called, title
from meshlint.mesh.delegates import Rule, http_rules
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Predicate, Prefix, Regex, Test, Unclear, tests
from meshlint.mesh.re2 import error
from meshlint.mesh.routing import Match, parts
from meshlint.mesh.translated import all_virtual_services, is_translated
from meshlint.request import PATH
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import RouteDestination, VirtualServiceSpec
from meshlint.source.node import Node

VirtualService = Resource[VirtualServiceSpec]
_ANSWERS = ("redirect", "directResponse")
REDIRECTS = (301, 302, 303, 307, 308)
"""The statuses that Envoy can redirect with (R404)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why Envoy takes nothing of a route table or a listener, and the node that is to blame."""

    why: str
    node: Node


def refusal(mesh: Mesh, rules: Iterable[Kept]) -> Refusal | None:
    """What Envoy stumbles over in a table with these rules; None where it takes them."""
    for one in rules:
        if one.rule.vs in suspects(mesh):
            why = next(_flaws(mesh, one.rule, one.matches), None)
            if why is not None:
                who = f"{called(one.rule.owner)}, route {title(one)}"
                return Refusal(f"Envoy refuses all routes of the port: {who}: {why[0]}", why[1])
    return None


def suspects(mesh: Mesh) -> frozenset[VirtualService]:
    """The VirtualServices with a route that Envoy refuses, at whichever proxy it is kept."""
    return mesh.derived(_suspects, mesh)


def is_weightless(destinations: tuple[RouteDestination, ...]) -> bool:
    """Whether none of several destinations has a weight, which Envoy does not take (R403)."""
    return len(destinations) > 1 and not any(one.weight for one in destinations)


def _suspects(mesh: Mesh) -> frozenset[VirtualService]:
    rules = (rule for vs in all_virtual_services(mesh) if vs.spec.hosts for rule in http_rules(mesh, vs))
    return frozenset(rule.vs for rule in rules if any(_flaws(mesh, rule, rule.route.matches)))


def _flaws(mesh: Mesh, rule: Rule, matches: Iterable[Match]) -> Iterator[tuple[str, Node]]:
    # Before RE2 the expressions are of a kind that is not read here (R1008).
    if mesh.settings.istio_version >= history.RE2:
        yield from _bad_expressions(rule, matches)
    yield from _bad_action(rule)
    if not is_translated(rule.vs) and not rule.route.destinations and not any(map(rule.setting, _ANSWERS)):
        yield "it has no action", rule.route.node
    if is_weightless(rule.route.destinations):
        yield "no destination has a weight", rule.route.node.at("route")


def _bad_expressions(rule: Rule, matches: Iterable[Match]) -> Iterator[tuple[str, Node]]:
    for match in matches:
        for test in _tests(match.predicate):
            if isinstance(test, Regex):
                yield from _bad(test.pattern, match.node)
            elif isinstance(test, Prefix) and not test.text and test.attribute != PATH:
                yield "a prefix of a header or a parameter is empty", match.node
    for node in _expressions(rule):
        yield from _bad(str(node.value), node)


def _expressions(rule: Rule) -> Iterator[Node]:
    """The expressions of a route beside those of its matches."""
    rewrite, policy = rule.setting("rewrite"), rule.setting("corsPolicy")
    found = [rewrite.get("uriRegexRewrite", "match")] if rewrite is not None else []
    origins = policy.get("allowOrigins") if policy is not None else None
    found += [one.get("regex") for one in origins.elements] if origins is not None else []
    yield from (one for one in found if one is not None and isinstance(one.value, str))


def _bad_action(rule: Rule) -> Iterator[tuple[str, Node]]:
    """Statuses that Envoy has no redirect for, or that no answer can have."""
    redirect, direct, fault = (rule.setting(name) for name in ("redirect", "directResponse", "fault"))
    code = _number(redirect, "redirectCode")
    if code is not None and code[0] not in (0, *REDIRECTS):
        yield f"it cannot redirect with status {code[0]}", code[1]
    abort = fault.get("abort") if fault is not None else None
    for parent, name in ((direct, "status"), (abort, "httpStatus")):
        status = _number(parent, name)
        if status is not None and not 200 <= status[0] < 600:
            yield f"it cannot answer with status {status[0]}", status[1]


def _number(parent: Node | None, name: str) -> tuple[int, Node] | None:
    node = parent.get(name) if parent is not None else None
    if node is None or not isinstance(node.value, int) or isinstance(node.value, bool):
        return None
    return node.value, node


def _bad(pattern: str, node: Node) -> Iterator[tuple[str, Node]]:
    why = error(pattern) if pattern else "it is empty"
    if why is not None:
        yield f"`{pattern}` is no regular expression: {why}", node


def _tests(predicate: Predicate) -> Iterator[Test]:
    for part in parts(predicate):
        known = part.known if isinstance(part, Unclear) else part
        if known is not None:
            yield from tests(known)
