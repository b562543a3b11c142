"""Route tables: the ordered routes of a VirtualService, each with the set of requests that it matches.

A table holds the routes of one block, `http`, `tls` or `tcp`, for all proxies at once: what Istio filters per
proxy (R230-R234) is a condition on the proxy's attributes here, so that first match means the same thing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeGuard

from meshlint.mesh.predicate import (
    ALWAYS,
    All,
    AnyOf,
    Exact,
    Member,
    Not,
    Predicate,
    Prefix,
    Present,
    Regex,
    Test,
    Unclear,
    accepts,
    both,
    either,
)
from meshlint.mesh.re2 import BadPattern
from meshlint.request import (
    AUTHORITY,
    CLIENT_NAMESPACE,
    GATEWAY,
    METHOD,
    PATH,
    PORT,
    SCHEME,
    SNI_PATTERN,
    SUBNET,
    Attribute,
    claim,
    client_label,
    header,
    query,
)
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import (
    HTTPMatch,
    HTTPRoute,
    L4Match,
    L4Route,
    RouteDestination,
    StringMatch,
    VirtualServiceSpec,
)
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """One entry of a route's `match`, or the route itself where it has none.

    `written` is the entry with what a delegating route adds to it (R224); None where there is no entry.
    """

    predicate: Predicate
    node: Node
    written: HTTPMatch | None = None

    @property
    def prefix(self) -> str | None:
        """The prefix that it asks of the path; None where it asks for none, or for every path."""
        return next((one.text for one in parts(self.predicate) if _is_on_path(one, Prefix)), None)

    @property
    def path(self) -> str:
        """The path or the prefix of paths that it asks for; empty for an expression and for every path."""
        return next((one.text for one in parts(self.predicate) if _is_on_path(one, Exact, Prefix)), "")

    def eats(self, sibling: "Match") -> bool:
        """Whether its prefix ends within a path segment of *sibling*, as `/users` does in `/users-admin` (R305)."""
        prefix, wanted = self.prefix or "/", sibling.path
        if not prefix[-1].isalnum() or not wanted.startswith(prefix) or wanted == prefix:
            return False
        return wanted[len(prefix)] not in "/;"


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """One route of a table. `takes` is False where matching is not enough to be routed here: a delegate may refuse.

    `is_catch_all` marks what Istio itself recognises as matching everything, so that it emits nothing after it (R303).
    """

    name: str
    matches: tuple[Match, ...]
    predicate: Predicate
    node: Node
    destinations: tuple[RouteDestination, ...]
    takes: bool
    is_catch_all: bool


@dataclass(frozen=True, slots=True, eq=False)
class RouteTable:
    """The routes of one block of a resource in the order in which they are tried."""

    resource: Resource[VirtualServiceSpec]
    block: str
    routes: tuple[Route, ...]

    def called(self, route: Route) -> str:
        """How to speak of a route: by its name, else by its place in the list."""
        return f"route `{route.name}`" if route.name else f"route {self.routes.index(route)}"

    def with_earlier(self) -> Iterator[tuple[Route, tuple[Route, ...]]]:
        """Each route with those before it that take what they match."""
        earlier: tuple[Route, ...] = ()
        for route in self.routes:
            yield route, earlier
            if route.takes:
                earlier = (*earlier, route)


def route_tables(vs: Resource[VirtualServiceSpec]) -> tuple[RouteTable, ...]:
    """The tables of a VirtualService; blocks without routes have none."""
    spec = vs.spec
    bound = bound_gateways(vs)
    http = tuple(_http_route(route, vs.namespace, bound) for route in spec.http)
    tls = tuple(_l4_route(route, vs.namespace, bound, "tls") for route in spec.tls)
    tcp = tuple(_l4_route(route, vs.namespace, bound, "tcp") for route in spec.tcp)
    tables = (("http", http), ("tls", tls), ("tcp", tcp))
    return tuple(RouteTable(vs, block, routes) for block, routes in tables if routes)


def bound_gateways(vs: Resource[VirtualServiceSpec]) -> tuple[str, ...]:
    """Where the VirtualService acts: `mesh` and full names of Gateways; none listed means the mesh (R201)."""
    return tuple(dict.fromkeys(gateway_name(name, vs.namespace) for name in vs.spec.gateways)) or ("mesh",)


def gateway_name(name: str, namespace: str) -> str:
    """The Gateway that a reference in an object of *namespace* means, as `namespace/name` (R111)."""
    if name == "mesh" or not name:
        return name
    if "/" in name:
        home, _, own = name.partition("/")
        return f"{namespace if home == '.' else home}/{own}"
    if "." in name:
        own, home, *_ = name.split(".")
        return f"{home}/{own}"
    return f"{namespace}/{name}"


def http_predicate(match: HTTPMatch, namespace: str, bound: tuple[str, ...]) -> Predicate:
    """The requests that an HTTP match entry takes (R301-R316), at the proxies where it is kept (R230-R235)."""
    found: list[Predicate] = [*_proxy_conditions(match, namespace, bound, is_http=True)]
    if match.uri is not None:
        found.append(_uri(match.uri, match.ignore_uri_case))
    for condition, attribute in ((match.scheme, SCHEME), (match.method, METHOD), (match.authority, AUTHORITY)):
        if condition is not None:
            found.append(_string(condition, attribute))
    found.extend(_header(name, condition) for name, condition in match.headers.items())
    found.extend(_without(name, condition) for name, condition in match.without_headers.items())
    found.extend(_string(condition, query(name), stars=True) for name, condition in match.query_params.items())
    return both(*found)


def l4_predicate(match: L4Match, namespace: str, bound: tuple[str, ...], block: str) -> Predicate:
    """The connections that a `tls` or `tcp` match entry takes (R450-R453)."""
    found: list[Predicate] = [*_proxy_conditions(match, namespace, bound, is_http=False)]
    if block == "tls":
        found.append(Member(SNI_PATTERN, frozenset(match.sni_hosts)))
    if match.destination_subnets or block == "tls":
        found.append(Member(SUBNET, frozenset(match.destination_subnets or ("",))))
    return both(*found)


def parts(predicate: Predicate) -> tuple[Predicate, ...]:
    """The conditions that all have to hold: what a conjunction is made of, else the predicate itself."""
    return predicate.predicates if isinstance(predicate, All) else (predicate,)


def static(predicate: Predicate) -> Predicate:
    """What of a match is decided before any request comes: the proxy, its labels and namespace, the port (R230-R233)."""
    return both(*(part for part in parts(predicate) if _is_static(part)))


def dynamic(predicate: Predicate) -> Predicate:
    """What of a match is left to decide for each request."""
    return both(*(part for part in parts(predicate) if not _is_static(part)))


def _is_on_path(part: Predicate, *shapes: type[Exact | Prefix]) -> TypeGuard[Exact | Prefix]:
    return isinstance(part, shapes) and part.attribute == PATH


def _is_static(predicate: Predicate) -> bool:
    return isinstance(predicate, Exact | Member) and (
        predicate.attribute == PORT or predicate.attribute.startswith("proxy.")
    )


def _http_route(route: HTTPRoute, namespace: str, bound: tuple[str, ...]) -> Route:
    entries = tuple(Match(http_predicate(match, namespace, bound), match.node, match) for match in route.match)
    matches = entries or (Match(_reach(bound), route.node),)
    return Route(
        name=route.name,
        matches=matches,
        predicate=either(match.predicate for match in matches),
        node=route.node,
        destinations=route.route,
        takes=route.delegate is None,
        is_catch_all=route.delegate is None
        and (not route.match or any(_is_catch_all(match, bound, namespace) for match in route.match)),
    )


def _l4_route(route: L4Route, namespace: str, bound: tuple[str, ...], block: str) -> Route:
    entries = tuple(Match(l4_predicate(match, namespace, bound, block), match.node) for match in route.match)
    matches = entries or (Match(_reach(bound), route.node),)
    predicate = either(match.predicate for match in matches)
    return Route("", matches, predicate, route.node, route.route, takes=True, is_catch_all=not route.match)


def _reach(bound: tuple[str, ...]) -> Predicate:
    """A route without conditions acts at every proxy that loads the VirtualService."""
    return Member(GATEWAY, frozenset(bound))


def _proxy_conditions(
    match: HTTPMatch | L4Match, namespace: str, bound: tuple[str, ...], *, is_http: bool
) -> Iterator[Predicate]:
    """What is decided before any request comes: gateways, labels, namespace and port (R230-R235)."""
    named = {gateway_name(name, namespace) for name in match.gateways}
    yield Member(GATEWAY, frozenset(named & set(bound)) if named else frozenset(bound))
    if not (is_http and named):
        for label, value in match.source_labels.items():
            yield Exact(client_label(label), value)
        if match.source_namespace:
            yield Exact(CLIENT_NAMESPACE, match.source_namespace)
    if match.port is not None and match.port != 0:
        yield Exact(PORT, str(match.port))


def _is_catch_all(match: HTTPMatch, bound: tuple[str, ...], namespace: str) -> bool:
    """Whether Istio sees that the entry matches every request at every proxy that loads the routes (R303)."""
    uri = match.uri
    path_is_free = uri is None or uri.prefix == "/" or uri.regex == ".*" or not _is_set(uri)
    others = (match.scheme, match.method, match.authority)
    is_free = not any(others) and not match.headers and not match.without_headers and not match.query_params
    named = {gateway_name(name, namespace) for name in match.gateways}
    is_static = match.port is not None or (named and not set(bound) <= named)
    is_local = not named and (match.source_labels or match.source_namespace)
    return path_is_free and is_free and not is_static and not is_local


def _is_set(condition: StringMatch) -> bool:
    given = (condition.exact, condition.prefix, condition.regex, condition.path_separated_prefix)
    return any(one is not None for one in given)


def _uri(condition: StringMatch, ignore_case: bool) -> Predicate:
    if condition.exact is not None:
        return Exact(PATH, condition.exact, ignore_case)
    if condition.prefix is not None:
        # Every path begins with a slash, so a prefix "/" or "" is no condition at all (R306).
        return ALWAYS if condition.prefix in ("", "/") else Prefix(PATH, condition.prefix, ignore_case)
    if condition.regex is not None:
        return ALWAYS if condition.regex == ".*" else Regex(PATH, condition.regex)
    segments = condition.path_separated_prefix
    if segments is not None:
        return AnyOf((Exact(PATH, segments), Prefix(PATH, f"{segments}/")))
    return ALWAYS


def string_test(condition: StringMatch, attribute: Attribute) -> Test:
    """What a condition on a string asks of an attribute (R311)."""
    return _string(condition, attribute)


def _string(condition: StringMatch, attribute: Attribute, *, stars: bool = False) -> Test:
    if condition.exact is not None:
        return Exact(attribute, condition.exact)
    if condition.prefix is not None:
        return Prefix(attribute, condition.prefix)
    if condition.regex is not None:
        return Present(attribute) if stars and condition.regex == "*" else Regex(attribute, condition.regex)
    return Present(attribute)


_PSEUDO: Mapping[str, Attribute] = {
    ":authority": AUTHORITY,
    "host": AUTHORITY,
    ":method": METHOD,
    ":scheme": SCHEME,
}


def _header(name: str, condition: StringMatch) -> Predicate:
    """A condition on a header, a pseudo header or a token's claim (R312, R315, R316)."""
    lowered = name.lower()
    if lowered == ":path":
        known = _string(condition, header(lowered), stars=True)
        return Unclear("a condition on `:path` sees the query string as well (R316)", known)
    if lowered.startswith("@request.auth.claims"):
        names = claim_names(name)
        return _string(condition, claim(*names), stars=True) if names else Unclear(f"`{name}` names no claim")
    return _string(condition, _PSEUDO.get(lowered, header(name)), stars=True)


def _without(name: str, condition: StringMatch) -> Predicate:
    """The negation of a header condition; a value condition reads an absent header as empty (R313)."""
    predicate = _header(name, condition)
    if not isinstance(predicate, Test) or isinstance(predicate, Present):
        return Not(predicate)
    try:
        takes_empty = accepts(predicate, "")
    except BadPattern:
        takes_empty = False
    if takes_empty:
        return Not(AnyOf((predicate, Not(Present(predicate.attribute)))))
    return Not(predicate)


def claim_names(key: str) -> tuple[str, ...]:
    """The claim path of a header key such as `@request.auth.claims.a.b` or `@request.auth.claims[a][b]` (S149)."""
    rest = key[len("@request.auth.claims") :]
    if rest.startswith("["):
        return tuple(part for part in rest.replace("]", "").split("[") if part)
    return tuple(part for part in rest.split(".") if part)
