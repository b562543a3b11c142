"""Which routes get no request, since those before them take all of theirs: in one table, and in all tables of a rule."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Undecided
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Predicate, both
from meshlint.mesh.routing import Route, RouteTable
from meshlint.mesh.scope import where
from meshlint.mesh.translated import translated_tables
from meshlint.source.node import Document, Node
from meshlint.space import Answer, Empty, Unknown, first_matches, outside

_RULE_DEPTH = len(("spec", "rules", 0))

Place = tuple[Document, tuple[str | int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Dead:
    """A route that gets no request, and the earlier routes that together take them all."""

    route: Route
    by: tuple[Route, ...]

    @property
    def is_cut_off(self) -> bool:
        """Whether Istio leaves the route out, since an earlier one plainly matches everything (R304)."""
        return len(self.by) == 1 and self.by[0].is_catch_all


@dataclass(frozen=True, slots=True, eq=False)
class Lost:
    """What gets no request at any place that its route of the Gateway API is attached to: a rule, or one match of it.

    `node` is the rule or match, `dead` and `table` one of the routes that Istio makes of it (R904).
    """

    node: Node
    table: RouteTable
    dead: Dead
    is_rule: bool


def dead_routes(table: RouteTable, scope: Predicate) -> tuple[list[Dead], list[Undecided]]:
    """The routes of the table that get no request of the *scope*, and those of which that cannot be told."""
    dead: list[Dead] = []
    undecided: list[Undecided] = []
    for (route, earlier), answer in zip(table.with_earlier(), _answers(table, scope), strict=True):
        match answer:
            case Empty(by) if by:
                takers = tuple(earlier[index] for index in by)
                first = next((one for one in earlier if one.is_catch_all), None)
                dead.append(Dead(route, (first,) if first is not None else takers))
            case Unknown(why):
                undecided.append(Undecided(route.node, why))
            case _:
                pass
    return dead, undecided


def lost_rules(mesh: Mesh) -> tuple[Lost, ...]:
    """The rules and matches of HTTPRoutes and GRPCRoutes that get no request wherever they are attached."""
    return mesh.derived(_lost_rules, mesh)


def _answers(table: RouteTable, scope: Predicate) -> tuple[Answer, ...]:
    """For each route whether some request of the scope gets as far as it and matches it."""
    if all(route.takes for route in table.routes):
        return first_matches([both(scope, route.predicate) for route in table.routes])
    return tuple(
        outside(both(scope, route.predicate), [both(scope, one.predicate) for one in earlier])
        for route, earlier in table.with_earlier()
    )


def _lost_rules(mesh: Mesh) -> tuple[Lost, ...]:
    """Of each rule the matches that are dead in every table; the rule itself where all of them are."""
    judged: dict[Place, dict[Place, tuple[RouteTable, Dead] | None]] = {}
    for table in translated_tables(mesh):
        dead, _ = dead_routes(table, where(mesh, table.resource))
        by_route = {one.route: one for one in dead if not _is_open(mesh, one)}
        for route in table.routes if table.block == "http" else ():
            document, path = route.node.document, route.node.path
            matches = judged.setdefault((document, path[:_RULE_DEPTH]), {})
            found = by_route.get(route)
            if found is None:
                matches[document, path] = None
            else:
                matches.setdefault((document, path), (table, found))
    return tuple(lost for rule, matches in judged.items() for lost in _of_rule(mesh, rule, matches))


def _of_rule(mesh: Mesh, rule: Place, matches: dict[Place, tuple[RouteTable, Dead] | None]) -> Iterator[Lost]:
    lost = [one for one in matches.values() if one is not None]
    resource = mesh.resource_of(rule[0])
    if resource is not None and len(lost) == len(matches):
        table, dead = lost[0]
        yield Lost(resource.node.at(*rule[1]), table, dead, is_rule=True)
    elif resource is not None:
        yield from (Lost(dead.route.node, table, dead, is_rule=False) for table, dead in lost)


def _is_open(mesh: Mesh, dead: Dead) -> bool:
    """Whether manifests leave it open if the route is dead: the age of routes decides, or which of two definitions counts."""
    own = mesh.resource_of(dead.route.node.document)
    others = [one for one in dead.by if one.node.document is not dead.route.node.document]
    rivals = [mesh.resource_of(one.node.document) for one in others]
    if any(one is not None and own is not None and mesh.are_alternatives(own, one) for one in rivals):
        return True
    return any(one.predicate == dead.route.predicate for one in others)
