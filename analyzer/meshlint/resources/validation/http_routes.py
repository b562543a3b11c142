"""The actions of HTTP routes: which go together, and what each needs (R401-R409)."""

from collections.abc import Callable, Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.destinations import destination_flaws, share_flaws
from meshlint.resources.validation.names import (
    clash,
    filled,
    has,
    invalid,
    missing,
    number,
    percentage_flaws,
    port_flaws,
    status_flaws,
    text,
    warned,
)
from meshlint.resources.virtual_service import HTTPRoute, VirtualService, VirtualServiceSpec

_ACTIONS = {"redirect": "a redirect", "directResponse": "a direct response"}
_KILOBYTE = 1024
_ONLY_IN_PLACE = ("route", "redirect", "directResponse")


@demands(VirtualServiceSpec)
def http_routes(vs: VirtualService, release: Release) -> Iterator[Violation]:
    """What is wrong with each HTTP route on its own."""
    for route in vs.spec.http:
        for demand in _ON_ROUTES:
            yield from demand(route, release)


def _route_has_one_action(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A route redirects, answers, delegates or sends on (R401)."""
    node = route.node
    if has(node, "delegate"):
        return
    action = next((name for name in _ACTIONS if has(node, name)), None)
    if action is None:
        if not filled(node, "route"):
            hint = "a route needs `route`, `redirect`, `directResponse` or `delegate`"
            yield missing(node.get("route") or node, "the route does nothing with a request", hint, "no action")
        return
    for other in ("route", "fault", "rewrite", "directResponse"):
        if other != action and (filled(node, other) if other == "route" else has(node, other)):
            message = f"`{other}` does not go with `{action}`: {_ACTIONS[action]} sends nothing on"
            yield clash(node.at(other), message, "keep the one that is meant")


def _delegating_route_does_nothing_else(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """The delegate's routes take the place of the route, and with it of its action (R222)."""
    node = route.node
    if not has(node, "delegate"):
        return
    for other in _ONLY_IN_PLACE:
        if filled(node, other) if other == "route" else has(node, other):
            message = f"`{other}` does not go with `delegate`: the delegate's routes take this one's place"
            yield clash(node.at(other), message, "keep the one that is meant")
    if not filled(node.at("delegate"), "name"):
        yield missing(node.at("delegate"), "`delegate` names no VirtualService", label="no `name`")


def _mirror_excludes_mirrors(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """One field or the other says where copies go (R401)."""
    if has(route.node, "mirror") and filled(route.node, "mirrors"):
        message = "`mirror` does not go with `mirrors`: only one of them may be set"
        yield clash(route.node.at("mirrors"), message, "add the host of `mirror` to `mirrors`")


def _destinations_are_named(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """Each destination and mirror names a host, and perhaps a subset and a port."""
    for entry in route.node.at("route").elements:
        yield from destination_flaws(entry.get("destination"))
    yield from destination_flaws(route.node.get("mirror"))
    for entry in route.node.at("mirrors").elements:
        yield from destination_flaws(entry.get("destination"))


def _shares_add_up(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """Some destination gets requests (R402)."""
    yield from share_flaws(route.route)


def _mirrored_share_is_a_percentage(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    node = route.node
    yield from percentage_flaws(node.get("mirrorPercentage"))
    for name in ("mirrorPercent", "mirror_percent"):
        if has(node, name) and number(node.at(name)) > 100:
            yield invalid(node.at(name), "a percentage goes from 0 to 100")
    for mirror in node.at("mirrors").elements:
        yield from percentage_flaws(mirror.get("percentage"))


def _redirect_goes_somewhere(route: HTTPRoute, release: Release) -> Iterator[Violation]:
    """A redirect changes something of the request's address (R404, R1015)."""
    node = route.node.get("redirect")
    if node is None or not has(route.node, "redirect"):
        return
    goals = ("uri", "authority") if release < (1, 1) else ("uri", "authority", "scheme", "port", "derivePort")
    if not any(has(node, goal) if goal.lower().endswith("port") else filled(node, goal) for goal in goals):
        listed = ", ".join(f"`{goal}`" for goal in goals[:-1])
        yield missing(node, "the redirect leads to where the request came from", f"set {listed} or `{goals[-1]}`")
    yield from port_flaws(node.get("port"))


def _redirect_code_is_one(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A redirect is answered with a 3xx status (R404)."""
    code = route.node.at("redirect").get("redirectCode")
    if code is not None and number(code) and not 300 <= number(code) <= 399:
        yield invalid(code, "the status of a redirect is a 3xx one", "301, 302, 303, 307 and 308 work")


def _redirect_scheme_is_one(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    scheme = route.node.at("redirect").get("scheme")
    if scheme is not None and text(scheme) not in ("", "http", "https"):
        yield invalid(scheme, "a redirect leads to `http` or `https`")


def _answer_has_a_status(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    node = route.node.at("directResponse").get("status") if has(route.node, "directResponse") else None
    if node is not None and isinstance(node.value, int):
        yield from status_flaws(node)


def _answer_is_small(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """The body of an answer travels to every proxy with its configuration."""
    body = route.node.get("directResponse", "body")
    if body is None:
        return
    node = body.get("string") or body.get("bytes") or body
    size = len(text(node).encode("utf-8", "surrogatepass"))
    if node is body.get("bytes"):
        size = size * 3 // 4
    if size > _KILOBYTE * _KILOBYTE:
        message = f"the body has {size:,} bytes, at most {_KILOBYTE * _KILOBYTE:,} are taken"
        yield Violation("invalid-value", node, message, "too long")
    elif size > 100 * _KILOBYTE:
        message = f"the body has {size:,} bytes, and every proxy gets them with its configuration"
        yield warned(node, message, label="long")


_ON_ROUTES: tuple[Callable[[HTTPRoute, Release], Iterator[Violation]], ...] = (
    _route_has_one_action,
    _delegating_route_does_nothing_else,
    _mirror_excludes_mirrors,
    _destinations_are_named,
    _shares_add_up,
    _mirrored_share_is_a_percentage,
    _redirect_goes_somewhere,
    _redirect_code_is_one,
    _redirect_scheme_is_one,
    _answer_has_a_status,
    _answer_is_small,
)
