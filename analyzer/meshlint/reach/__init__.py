"""WHO CAN CALL WHAT: for each client and each server of a mesh, whether its policies let requests pass, and which.

What the clients' own proxies do (Sidecar, DestinationRule) is left aside: a client can be made to call anything, and
only the server's proxy can refuse (S18).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from meshlint.mesh.model import Mesh
from meshlint.reach.access import Access, Always, Never, OnConditions, Undecidable, access, distinction
from meshlint.reach.clients import Client, Kind, clients
from meshlint.reach.servers import Server, servers

__all__ = [
    "Access",
    "Always",
    "Client",
    "Kind",
    "Never",
    "OnConditions",
    "Reach",
    "Row",
    "Server",
    "Undecidable",
    "clients",
    "reach",
    "servers",
]


@dataclass(frozen=True, slots=True)
class Row:
    """What some clients may ask of a server that makes no difference between them."""

    server: Server
    clients: tuple[Client, ...]
    access: Access


@dataclass(frozen=True, slots=True)
class Reach:
    """All answers for some clients and some servers: each pair of them is in exactly one row."""

    clients: tuple[Client, ...]
    servers: tuple[Server, ...]
    rows: tuple[Row, ...]

    @property
    def is_decided(self) -> bool:
        """Whether every question has been answered."""
        return not any(isinstance(row.access, Undecidable) for row in self.rows)


def reach(mesh: Mesh, callers: Sequence[Client], called: Sequence[Server]) -> Reach:
    """What each of the *callers* may ask of each of the *called*, in their order."""
    rows = [row for server in called for row in _rows(mesh, server, callers)]
    return Reach(tuple(callers), tuple(called), tuple(rows))


def _rows(mesh: Mesh, server: Server, callers: Sequence[Client]) -> list[Row]:
    alike: dict[tuple[object, ...], list[Client]] = {}
    for client in callers:
        alike.setdefault(distinction(mesh, server, client), []).append(client)
    answers: dict[tuple[object, ...], tuple[list[Client], Access]] = {}
    for group in alike.values():
        found = access(mesh, server, group[0])
        answers.setdefault(_key(found), (([], found)))[0].extend(group)
    return [Row(server, tuple(_in_order(callers, group)), found) for group, found in answers.values()]


def _key(found: Access) -> tuple[object, ...]:
    """What makes two answers one row: the same words for the same rules, whoever the witness comes from."""
    match found:
        case OnConditions():
            return (found.words, *((clause.node, clause.words) for clause in (*found.admitting, *found.refusing)))
        case Never(why, node):
            return (Never, why, node)
        case Always(why) | Undecidable(why):
            return (type(found), why)


def _in_order(callers: Sequence[Client], group: Sequence[Client]) -> list[Client]:
    members = {client.name for client in group}
    return [client for client in callers if client.name in members]
