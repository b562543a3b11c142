"""Routes of one table against one another: which are dead, which match entries add nothing, which weights mislead."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Edit, Fix, Note, Problem, Result, Undecided, Witness
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Exact, Predicate, both, holds, tests
from meshlint.mesh.routing import Match, Route, RouteTable, bound_gateways
from meshlint.mesh.scope import hosts_of, joined, where
from meshlint.registry import checks
from meshlint.request import AUTHORITY, GATEWAY, PATH, Attribute, Request
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import RouteDestination, VirtualServiceSpec
from meshlint.source.node import Node
from meshlint.space.order import Dead, Lost, dead_routes, lost_rules


@dataclass(frozen=True, slots=True, eq=False)
class Alternatives:
    """Two match entries of a route that read as one: `wide` alone makes `lost`, a sibling or later routes, dead."""

    route: Route
    wide: Match
    lost: Match | None


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What is wrong with the order of one table. No route is in two of the lists for one reason."""

    cut_off: tuple[Dead, ...]
    unreachable: tuple[Dead, ...]
    or_for_and: tuple[Alternatives, ...]
    undecided: tuple[Undecided, ...]


@checks("MSH101")
def unreachable_route(mesh: Mesh) -> Iterator[Result]:
    """No request reaches the route: earlier ones, alone or together, take them all (R301)."""
    for table in mesh.route_tables:
        verdict = mesh.derived(_judge, mesh, table)
        yield from verdict.undecided
        for dead in verdict.unreachable:
            takers = "an earlier route takes" if len(dead.by) == 1 else "earlier routes together take"
            yield Problem(
                dead.route.node,
                f"no request reaches {table.called(dead.route)}: {takers} them all",
                label="unreachable",
                notes=tuple(
                    Note(_shown(earlier).span, f"{table.called(earlier)} takes {_share(dead)}") for earlier in dead.by
                ),
                help=_advice(table, dead),
                witness=_witness(mesh, table, dead),
            )
    for lost in lost_rules(mesh):
        if lost.is_rule and not lost.dead.is_cut_off:
            yield _lost_problem(
                mesh, lost, "no request reaches this rule: rules that Istio tries before it take them all"
            )


@checks("MSH125")
def cut_off_routes(mesh: Mesh) -> Iterator[Result]:
    """Istio emits no route after one that matches everything (R303, R304)."""
    for table in mesh.route_tables:
        for dead in mesh.derived(_judge, mesh, table).cut_off:
            yield Problem(
                dead.route.node,
                f"{table.called(dead.route)} is cut off: an earlier route matches everything",
                label="cut off",
                notes=(Note(_shown(dead.by[0]).span, f"{table.called(dead.by[0])} matches everything"),),
                help=_advice(table, dead),
                witness=_witness(mesh, table, dead),
            )
        yield from _unseen_catch_alls(mesh, table)
    for lost in lost_rules(mesh):
        if lost.is_rule and lost.dead.is_cut_off:
            yield _lost_problem(mesh, lost, "this rule is cut off: one that Istio tries before it matches everything")


@checks("MSH102")
def ineffective_match(mesh: Mesh) -> Iterator[Result]:
    """A match entry of a route adds nothing to the entries before it (R301)."""
    for table in mesh.route_tables:
        verdict = mesh.derived(_judge, mesh, table)
        silent = {dead.route for dead in (*verdict.cut_off, *verdict.unreachable)}
        silent |= {found.route for found in verdict.or_for_and}
        for route, earlier in table.with_earlier():
            if route not in silent:
                yield from _ineffective_entries(mesh, table, route, earlier)
    for lost in lost_rules(mesh):
        if not lost.is_rule:
            yield _lost_problem(
                mesh, lost, "this match has no effect: rules that Istio tries before it take its requests"
            )


@checks("MSH104")
def or_for_and(mesh: Mesh) -> Iterator[Result]:
    """Conditions with a dash each are alternatives, where one entry with all of them was meant (R301)."""
    for table in mesh.route_tables:
        for found in mesh.derived(_judge, mesh, table).or_for_and:
            lost = "the routes below" if found.lost is None else "the entry below"
            notes = () if found.lost is None else (Note(found.lost.node.span, "adds nothing: it is an alternative"),)
            yield Problem(
                found.wide.node,
                f"the entries of this match are alternatives, and this one alone leaves nothing for {lost}",
                label="matches by itself",
                notes=notes,
                help="write the conditions into one entry, under one dash, if all of them are wanted",
                fix=_join(found),
            )


@checks("MSH108")
def weights_not_100(mesh: Mesh) -> Iterator[Result]:
    """Weights are relative to their sum, so that 90 and 100 are 47.4 and 52.6 per cent (R402, R403)."""
    for vs in mesh.virtual_services:
        for route, destinations in _weighted_routes(vs.spec):
            weights = [one.weight or 0 for one in destinations]
            total = sum(weights)
            if total in (0, 100) or (mesh.settings.istio_version >= (1, 15) and _is_ratio(weights)):
                continue
            yield _weights_problem(mesh, route, destinations, weights)


def _lost_problem(mesh: Mesh, lost: Lost, message: str) -> Problem:
    return Problem(
        lost.node,
        message,
        label="gets no requests",
        notes=tuple(Note(one.node.span, f"{lost.table.called(one)} takes {_share(lost.dead)}") for one in lost.dead.by),
        help="Istio sorts by the path, exact before prefix before regular expression and longer before shorter, "
        "then by method, headers and parameters: narrow what takes the requests, or ask for more here",
        witness=_witness(mesh, lost.table, lost.dead),
    )


def _judge(mesh: Mesh, table: RouteTable) -> Verdict:
    """Every route of the table against those before it."""
    scope = _scope(mesh, table)
    dead, undecided = dead_routes(table, scope)
    confused = tuple(_alternatives(table, scope, dead))
    explained = {found.route for found in confused}
    kept = [one for one in dead if not (len(one.by) == 1 and one.by[0] in explained)]
    return Verdict(
        cut_off=tuple(one for one in kept if one.is_cut_off),
        unreachable=tuple(one for one in kept if not one.is_cut_off),
        or_for_and=confused,
        undecided=tuple(undecided),
    )


def _scope(mesh: Mesh, table: RouteTable) -> Predicate:
    return mesh.derived(where, mesh, table.resource)


def _alternatives(table: RouteTable, scope: Predicate, dead: list[Dead]) -> Iterator[Alternatives]:
    """Routes with entries that would make sense together, one of which swallows a sibling or all that follows."""
    for position, route in enumerate(table.routes):
        if len(route.matches) < 2 or not route.takes or any(one.route is route for one in dead):
            continue
        later = table.routes[position + 1 :]
        found = next(_swallowing(route, later, scope), None)
        if found is not None:
            yield found


def _swallowing(route: Route, later: tuple[Route, ...], scope: Predicate) -> Iterator[Alternatives]:
    for index, wide in enumerate(route.matches):
        others = [one for one in route.matches if one is not wide]
        if not _asked(wide) or any(_asked(wide) & _asked(one) or not _asked(one) for one in others):
            continue
        for lost in route.matches[index + 1 :]:
            if _is_taken(lost.predicate, wide, scope):
                yield Alternatives(route, wide, lost)
        if later and all(_is_taken(one.predicate, wide, scope) for one in later):
            yield Alternatives(route, wide, None)


def _is_taken(predicate: Predicate, wide: Match, scope: Predicate) -> bool:
    answer = space.outside(both(scope, predicate), [both(scope, wide.predicate)])
    return isinstance(answer, space.Empty) and bool(answer.by)


def _asked(match: Match) -> frozenset[Attribute]:
    """What the entry has conditions on, the proxies that load the table aside."""
    return frozenset(test.attribute for test in tests(match.predicate) if test.attribute != GATEWAY)


def _ineffective_entries(mesh: Mesh, table: RouteTable, route: Route, earlier: tuple[Route, ...]) -> Iterator[Result]:
    scope = _scope(mesh, table)
    if len(route.matches) < 2:
        return
    before = [both(scope, one.predicate) for one in earlier]
    shown = [_shown(one) for one in earlier]
    for match in route.matches:
        own = both(scope, match.predicate)
        answer = space.outside(own, before)
        if isinstance(answer, space.Empty) and answer.by:
            yield Problem(
                match.node,
                "this match entry has no effect: entries before it take all its requests",
                label="adds nothing",
                notes=tuple(Note(shown[index].span, "taken here") for index in answer.by),
            )
        if isinstance(answer, space.Unknown):
            yield Undecided(match.node, answer.why)
        before.append(own)
        shown.append(match.node)


def _unseen_catch_alls(mesh: Mesh, table: RouteTable) -> Iterator[Problem]:
    """Routes that match everything at a gateway in a spelling that Istio does not move to the end (R216, R303)."""
    for route in table.routes if table.block == "http" else ():
        entry = next((one for one in route.matches if _asked(one) == {PATH} or not _asked(one)), None)
        if entry is None or route.is_catch_all or not route.takes:
            continue
        for place, host, rival in _neighbours(mesh, table):
            if isinstance(space.implies(Exact(GATEWAY, place), entry.predicate), space.Empty):
                other = f"`{rival.namespace}/{rival.name}`"
                yield Problem(
                    _shown(route),
                    f"this matches every request for `{host}`, but is not spelled as Istio's catch-all: at Gateway "
                    f"`{place}` it cuts off the routes of VirtualService {other} where that one is younger",
                    label="matches everything",
                    notes=(Note(rival.name_node.span, "the routes that are joined with it"),),
                    help="leave the match out, or write prefix `/`: Istio moves such a route behind all others",
                )
                break


def _neighbours(mesh: Mesh, table: RouteTable) -> Iterator[tuple[str, str, Resource[VirtualServiceSpec]]]:
    """VirtualServices whose routes a gateway joins with the table's, with the gateway and the host (R216)."""
    vs = table.resource
    for place in bound_gateways(vs):
        for host in vs.spec.hosts:
            for rival in joined(mesh).get((place, host), ()):
                if rival.spec.http and not mesh.are_alternatives(vs, rival):
                    yield place, host, rival


def _share(dead: Dead) -> str:
    return "every such request" if len(dead.by) == 1 else "a part of these requests"


def _shown(route: Route) -> Node:
    """The part of a route that shows what it matches."""
    return route.node.at("match")


def _advice(table: RouteTable, dead: Dead) -> str:
    """Moving the dead route up helps where it is narrower than the one that takes its requests."""
    if len(dead.by) != 1:
        return ""
    eating = next((one for one in dead.by[0].matches if any(one.eats(other) for other in dead.route.matches)), None)
    if eating is not None:
        return f"a prefix is no path segment: write exact `{eating.prefix}` and prefix `{eating.prefix}/`"
    answer = space.outside(dead.by[0].predicate, [dead.route.predicate])
    if isinstance(answer, space.Some):
        return f"move {table.called(dead.route)} above {table.called(dead.by[0])}"
    return f"remove {table.called(dead.route)}, or narrow {table.called(dead.by[0])}"


def _witness(mesh: Mesh, table: RouteTable, dead: Dead) -> Witness | None:
    answer = space.satisfiable(both(_scope(mesh, table), dead.route.predicate))
    if not isinstance(answer, space.Some):
        return None
    taker = next((one for one in dead.by if _takes(one, answer)), dead.by[0])
    return Witness(_addressed(mesh, table, answer.request), f"{_targets(taker)}, never {_targets(dead.route)}")


def _addressed(mesh: Mesh, table: RouteTable, request: Request) -> Request:
    """The request with the host it goes to, where nothing else asks about that."""
    host = next((one for one in hosts_of(table.resource, mesh.settings.cluster_domain) if "*" not in one), None)
    if table.block != "http" or request.get(AUTHORITY) is not None or host is None:
        return request
    return request.but(AUTHORITY, host)


def _takes(route: Route, answer: space.Some) -> bool:
    return holds(route.predicate, answer.request)


def _targets(route: Route) -> str:
    """Where a route sends requests, in words."""
    names = []
    for one in route.destinations:
        if one.destination is not None:
            subset = f":{one.destination.subset}" if one.destination.subset else ""
            names.append(f"{one.destination.host}{subset}")
    return " or ".join(dict.fromkeys(names)) or "the action of that route"


def _join(found: Alternatives) -> Fix | None:
    """Put the conditions of a block-style list of two single entries under one dash."""
    entries = found.route.matches
    if len(entries) != 2:
        return None
    first, second = (entry.node for entry in entries)
    source = first.span.source
    between = source.text[first.span.end : second.span.start]
    if between.strip() != "-" or "\n" not in between or source.text[first.span.start] in "{[":
        return None
    dash = second.span.start - len(between.rpartition("-")[2]) - 1
    edit = Edit(source.span(dash, dash + 1), " ")
    return Fix("make the entries one, with all conditions", (edit,), is_safe=False)


def _weighted_routes(spec: VirtualServiceSpec) -> Iterator[tuple[Node, tuple[RouteDestination, ...]]]:
    for route in spec.routes:
        if len(route.route) > 1:
            yield route.node, route.route


def _is_ratio(weights: list[int]) -> bool:
    """Whether the numbers are plainly meant as a ratio, such as 1 to 3 or 1 to 999, and not as percentages."""
    return max(weights) < 10 or sum(weights) in (10, 1000, 10000)


def _weights_problem(
    mesh: Mesh, route: Node, destinations: tuple[RouteDestination, ...], weights: list[int]
) -> Problem:
    total = sum(weights)
    shares = ", ".join(f"{100 * weight / total:.1f} %" for weight in weights)
    wanted = space.nearest_weights(weights)
    changed = [index for index in range(len(weights)) if wanted is not None and wanted[index] != weights[index]]
    edits = tuple(
        Edit(node.span, str(wanted[index]))
        for index in changed
        if wanted is not None and (node := destinations[index].node.get("weight")) is not None
    )
    node = destinations[changed[0]].node.at("weight") if len(changed) == 1 else route.at("route")
    refused = mesh.settings.istio_version < (1, 15)
    outcome = "Istio refuses them" if refused else f"the real shares are {shares}"
    title = "make the weights " + "/".join(map(str, wanted or weights))
    fix = Fix(title, edits, is_safe=False) if edits and len(edits) == len(changed) else None
    return Problem(node, f"the weights of this route add up to {total}, not 100: {outcome}", label=title, fix=fix)
