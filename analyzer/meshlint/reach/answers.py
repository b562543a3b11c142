"""All answers at once: servers that are guarded alike and clients that no policy tells apart share one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from meshlint.mesh.authorization import gates
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Exact, Test, accepts, tests
from meshlint.reach.access import Access, Always, Never, OnConditions, Undecidable, access
from meshlint.reach.clients import Client, identity_doubt, named
from meshlint.reach.guards import Guard, Guarded
from meshlint.reach.questions import all_rules
from meshlint.reach.servers import Server
from meshlint.request import PORT, PRINCIPAL, Attribute


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What some clients may ask of servers, where neither who asks nor which is asked makes a difference.

    Requests in the answer are for the first client and the first server.
    """

    servers: tuple[Server, ...]
    clients: tuple[Client, ...]
    access: Access


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """All answers for some clients and some servers: each pair of them is in exactly one row."""

    clients: tuple[Client, ...]
    servers: tuple[Server, ...]
    rows: tuple[Row, ...]

    @property
    def is_decided(self) -> bool:
        """Whether every question has been answered."""
        return not any(isinstance(row.access, Undecidable) for row in self.rows)

    def pairs(self, kind: type[Access]) -> int:
        """How many pairs of a client and a server have an answer of this kind."""
        return sum(len(row.servers) * len(row.clients) for row in self.rows if isinstance(row.access, kind))


def reach(mesh: Mesh, callers: Sequence[Client], called: Sequence[Server]) -> Reach:
    """What each of the *callers* may ask of each of the *called*, in their order."""
    alike: defaultdict[tuple[object, ...], list[Server]] = defaultdict(list)
    for server in called:
        alike[_likeness(mesh, server)].append(server)
    everyone = {at_ztunnel: _by_kind(callers, at_ztunnel=at_ztunnel) for at_ztunnel in (False, True)}
    places = {client: at for at, client in enumerate(callers)}
    rows = [row for group in alike.values() for row in _rows(mesh, tuple(group), everyone, places)]
    return Reach(tuple(callers), tuple(called), tuple(rows))


def _by_kind(callers: Sequence[Client], *, at_ztunnel: bool) -> list[list[Client]]:
    """The callers in groups whose members differ in nothing but their principal."""
    groups: defaultdict[tuple[object, ...], list[Client]] = defaultdict(list)
    for client in callers:
        groups[(client.kind.is_named or client.kind, identity_doubt(client, at_ztunnel=at_ztunnel))].append(client)
    return list(groups.values())


def _rows(
    mesh: Mesh, group: tuple[Server, ...], everyone: Mapping[bool, list[list[Client]]], places: Mapping[Client, int]
) -> list[Row]:
    guard, answers = group[0].guard, dict[tuple[object, ...], tuple[list[list[Client]], Access]]()
    for some in _undistinguished(mesh, guard, everyone, places):
        found = access(mesh, guard, group[0].number, some[0])
        answers.setdefault(_key(found), ([], found))[0].append(some)
    return [Row(group, _in_order(groups, places), found) for groups, found in answers.values()]


def _in_order(groups: list[list[Client]], places: Mapping[Client, int]) -> tuple[Client, ...]:
    if len(groups) == 1:
        return tuple(groups[0])
    return tuple(sorted((client for group in groups for client in group), key=places.__getitem__))


def _key(found: Access) -> tuple[object, ...]:
    """What makes two answers one: the same words for the same rules, whoever the witness comes from."""
    match found:
        case OnConditions():
            return (found.words, *(clause.node for clause in (*found.admitting, *found.refusing)))
        case Never(why, node):
            return (Never, why, node)
        case Always(why) | Undecidable(why):
            return (type(found), why)


def _likeness(mesh: Mesh, server: Server) -> tuple[object, ...]:
    """A key that two servers share only if all answers about them are the same."""
    if not isinstance(server.guard, Guarded):
        return (server.guard,)
    asked = _tests(mesh, server.guard, PORT)
    return (server.guard, tuple(accepts(test, str(server.number)) for test in asked))


def _undistinguished(
    mesh: Mesh, guard: Guard, everyone: Mapping[bool, list[list[Client]]], places: Mapping[Client, int]
) -> Iterator[list[Client]]:
    """The callers in groups that the guard cannot tell apart."""
    if not isinstance(guard, Guarded):
        if places:
            yield list(places)
        return
    passed: defaultdict[str, tuple[int, ...]] = defaultdict(tuple)
    for at, test in enumerate(_tests(mesh, guard, PRINCIPAL)):
        for principal in mesh.derived(_accepted, mesh, test):
            passed[principal] += (at,)
    found = [group for alike in everyone[guard.at_ztunnel] for group in _by_shown(alike, passed)]
    yield from sorted(found, key=lambda group: places[group[0]])


def _by_shown(alike: list[Client], passed: Mapping[str, tuple[int, ...]]) -> Iterator[list[Client]]:
    """The clients in groups that pass the same tests."""
    rest = [client for client in alike if client.principal not in passed]
    groups: defaultdict[tuple[int, ...], list[Client]] = defaultdict(list)
    for client in alike if len(rest) < len(alike) else ():
        if client.principal in passed:
            groups[passed[client.principal]].append(client)
    yield from [rest] if rest else []
    yield from groups.values()


def _accepted(mesh: Mesh, test: Test) -> frozenset[str]:
    """The principals of the input that pass a test."""
    known = named(mesh)
    if isinstance(test, Exact) and not test.ignore_case:
        return frozenset({test.text} & known.keys())
    return frozenset(principal for principal in known if accepts(test, principal))


def _tests(mesh: Mesh, guard: Guarded, attribute: Attribute) -> tuple[Test, ...]:
    return mesh.derived(_all_tests, mesh, guard, attribute)


def _all_tests(mesh: Mesh, guard: Guarded, attribute: Attribute) -> tuple[Test, ...]:
    """The tests of an attribute that stand before a port, whichever way one comes in."""
    chains = dict.fromkeys(one.chain for one in guard.entrances)
    predicates = (rule.predicate for chain in chains for rule in all_rules(gates(mesh, guard.policies, chain)))
    found = (test for predicate in predicates for test in tests(predicate) if test.attribute == attribute)
    return tuple(dict.fromkeys(found))
