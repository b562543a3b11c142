"""Match entries for themselves and beside one another: which can never hold, which take what a later route wants."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Note, Problem, Result, Undecided, Witness
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Member, Predicate, both, tests
from meshlint.mesh.reasons import words
from meshlint.mesh.routing import Match, Route, RouteTable, parts
from meshlint.mesh.scope import where
from meshlint.registry import checks
from meshlint.request import GATEWAY, METHOD, PATH, PORT, Attribute


@dataclass(frozen=True, slots=True, eq=False)
class _Earlier:
    """The routes before one, and those of their entries that may take from it in the way that is asked about."""

    routes: tuple[Route, ...]
    takers: tuple[tuple[Route, Match], ...]


@checks("MSH103")
def overlapping_routes(mesh: Mesh) -> Iterator[Result]:
    """A route for a part of the paths gets that part for some methods only: a broader one before it takes the rest (R301)."""
    for table, route, earlier in _tables(mesh, _may_be_broader):
        scope = mesh.derived(where, mesh, table.resource)
        found = next(_broader_for_some_methods(route, earlier, scope), None)
        if found is None:
            continue
        taker, broad, shared = found
        yield Problem(
            route.node.at("match"),
            f"{table.called(route)} loses a part of its requests: {table.called(taker)} takes those with its method",
            label="partly taken before",
            notes=(Note(broad.node.span, "matches more paths, and only some methods"),),
            help=f"move {table.called(route)} above {table.called(taker)}, if it is to have all methods",
            witness=Witness(shared.request, f"taken by {table.called(taker)}"),
        )


@checks("MSH105")
def contradictory_match(mesh: Mesh) -> Iterator[Result]:
    """No request satisfies all conditions of a match entry at once, at any proxy that has the route (R301, R306)."""
    for table in mesh.route_tables:
        scope = mesh.derived(where, mesh, table.resource)
        for route in table.routes:
            for match in route.matches if route.node.get("match") is not None else ():
                match space.satisfiable(both(scope, match.predicate)):
                    case space.Empty():
                        yield _contradiction(match, scope)
                    case space.Unknown(why):
                        yield Undecided(match.node, why)
                    case space.Some():
                        pass


@checks("MSH106")
def prefix_eats_sibling(mesh: Mesh) -> Iterator[Result]:
    """A prefix without a slash at its end takes paths that only begin alike, which a later route is for (R305)."""
    for table, route, earlier in _tables(mesh, _may_eat):
        scope = mesh.derived(where, mesh, table.resource)
        for match in route.matches:
            eaten = next(_eaten(match, earlier, scope), None)
            if eaten is None:
                continue
            taker, broad, shared = eaten
            yield Problem(
                broad.node.at("uri", "prefix"),
                f"prefix `{broad.prefix}` also takes `{match.path}…`, for which {table.called(route)} is written",
                label="a prefix is no path segment",
                notes=(Note(match.node.span, "gets the rest only"),),
                help=f"write exact `{broad.prefix}` and prefix `{broad.prefix}/`, or move {table.called(route)} up",
                witness=Witness(shared.request, f"taken by {table.called(taker)}"),
            )
            break


def _tables(mesh: Mesh, concerns: Callable[[Match], bool]) -> Iterator[tuple[RouteTable, Route, _Earlier]]:
    """Each HTTP route with those before it, of tables in which some entry is of concern."""
    for table in mesh.route_tables:
        if table.block != "http" or not any(concerns(match) for route in table.routes for match in route.matches):
            continue
        takers: list[tuple[Route, Match]] = []
        for route, earlier in table.with_earlier():
            yield table, route, _Earlier(earlier, tuple(takers))
            takers += [(route, match) for match in route.matches if route.takes and concerns(match)]


def _may_eat(match: Match) -> bool:
    return (match.prefix or "/")[-1].isalnum()


def _may_be_broader(match: Match) -> bool:
    return match.prefix is not None and METHOD in _asked(match)


def _contradiction(match: Match, scope: Predicate) -> Problem:
    core = _core([*parts(match.predicate), *parts(scope)])
    asked = [one for one in core if one in parts(match.predicate)]
    reason = " and ".join(f"`{words(one)}`" for one in asked if not _is_nowhere(one))
    if any(_is_nowhere(one) for one in core):
        message = "no request satisfies this match: none of its gateways is one of the VirtualService's `gateways`"
    elif len(asked) == 1:
        message = f"no request satisfies this match: {reason} never holds{_where(core, asked)}"
    else:
        message = f"no request satisfies this match: {reason} exclude one another{_where(core, asked)}"
    return Problem(match.node, message, label="never holds", help="correct the condition, or remove the entry")


def _where(core: list[Predicate], asked: list[Predicate]) -> str:
    return " where the route is used" if len(core) > len(asked) else ""


def _is_nowhere(part: Predicate) -> bool:
    return isinstance(part, Member) and part.attribute == GATEWAY and not part.texts


def _core(conditions: list[Predicate]) -> list[Predicate]:
    """A least selection of *conditions* that still excludes every request."""
    kept = list(conditions)
    for part in conditions:
        fewer = [one for one in kept if one is not part]
        if isinstance(space.satisfiable(both(*fewer)), space.Empty):
            kept = fewer
    return kept


def _eaten(match: Match, earlier: _Earlier, scope: Predicate) -> Iterator[tuple[Route, Match, space.Some]]:
    """Earlier entries whose prefix goes on with other than a slash in the paths of *match*, some of which they take."""
    for taker, broad in earlier.takers:
        if not broad.eats(match):
            continue
        others = [both(scope, one.predicate) for route in earlier.routes for one in route.matches if one is not broad]
        own = both(scope, match.predicate)
        shared = space.outside(both(own, broad.predicate), others)
        rest = space.outside(own, [both(scope, one.predicate) for one in earlier.routes])
        if isinstance(shared, space.Some) and isinstance(rest, space.Some):
            yield taker, broad, shared


def _broader_for_some_methods(
    route: Route, earlier: _Earlier, scope: Predicate
) -> Iterator[tuple[Route, Match, space.Some]]:
    for match in route.matches:
        if not match.path or METHOD in _asked(match):
            continue
        for taker, broad in earlier.takers:
            if broad.eats(match) or not _is_broader(broad, match) or _targets(taker) == _targets(route):
                continue
            own = both(scope, match.predicate)
            shared = space.overlap(own, broad.predicate)
            rest = space.outside(own, [both(scope, one.predicate) for one in earlier.routes])
            if isinstance(shared, space.Some) and isinstance(rest, space.Some):
                yield taker, broad, shared


def _is_broader(broad: Match, narrow: Match) -> bool:
    """Whether *broad* has all paths of *narrow* and more, and asks for nothing besides but the method."""
    prefix, wanted = broad.prefix, narrow.path
    if prefix is None or METHOD not in _asked(broad) or not wanted.startswith(prefix) or wanted == prefix:
        return False
    if _asked(broad) - {PATH, METHOD} != _asked(narrow) - {PATH}:
        return False
    ignored = (PATH, METHOD)
    others = [part for part in parts(broad.predicate) if not any(test.attribute in ignored for test in tests(part))]
    return all(part in parts(narrow.predicate) for part in others)


def _asked(match: Match) -> frozenset[Attribute]:
    return frozenset(test.attribute for test in tests(match.predicate)) - {GATEWAY, PORT}


def _targets(route: Route) -> tuple[tuple[str, str], ...]:
    return tuple((one.destination.host, one.destination.subset) for one in route.destinations if one.destination)
