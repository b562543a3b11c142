"""Who can call what as JSON, version 1: a contract."""

from json import dumps
from typing import assert_never

from meshlint.finding import Skipped
from meshlint.reach import Access, Always, Client, Never, OnConditions, Reach, Row, Server, Undecidable
from meshlint.reach.words import Clause
from meshlint.render.json import VERSION, Json, location_json, ref_json
from meshlint.render.witness import request_fields


def reach_json(reach: Reach, skipped: tuple[Skipped, ...] = ()) -> str:
    """All answers: each pair of a client and a server is in exactly one of `calls`.

    Where `clients` of a call is null, it is about every client that no other call about the same servers names.
    """
    document: Json = {
        "version": VERSION,
        "complete": reach.is_decided,
        "clients": [_client(client) for client in reach.clients],
        "servers": [_server(server) for server in reach.servers],
        "calls": [call for rows in _by_servers(reach) for call in _calls(rows)],
        "summary": {
            **{name: reach.pairs(kind) for name, kind in _KINDS.items()},
            "skipped": [{"path": one.name, "why": one.why} for one in skipped],
        },
    }
    return dumps(document, indent=2) + "\n"


_KINDS: dict[str, type[Access]] = {
    "always": Always,
    "conditionally": OnConditions,
    "never": Never,
    "undecided": Undecidable,
}


def _client(client: Client) -> Json:
    return {
        "name": client.name,
        "kind": client.kind.value,
        "principal": client.principal.removeprefix("spiffe://") or None,
        "workloads": [ref_json(one.resource.ref) for one in client.workloads],
    }


def _server(server: Server) -> Json:
    return {
        "name": server.name,
        "workload": ref_json(server.workload.resource.ref),
        "port": server.number,
        "services": [
            {"host": one.host.name, "port": one.port.number, "protocol": one.port.protocol.value}
            for one in server.served
        ],
    }


def _by_servers(reach: Reach) -> list[list[Row]]:
    rows: dict[tuple[Server, ...], list[Row]] = {}
    for row in reach.rows:
        rows.setdefault(row.servers, []).append(row)
    return list(rows.values())


def _calls(rows: list[Row]) -> list[Json]:
    """The answers for servers that are alike. The one for most clients names none: in a large mesh, names are many."""
    most = max(rows, key=lambda row: len(row.clients))
    return [
        {
            "servers": [server.name for server in row.servers],
            "clients": None if row is most else [client.name for client in row.clients],
            **_access(row.access),
        }
        for row in rows
    ]


def _access(access: Access) -> dict[str, Json]:
    """The answer; every key is always there."""
    empty: dict[str, Json] = {
        "allowed": next(name for name, kind in _KINDS.items() if isinstance(access, kind)),
        "conditions": None,
        "why": None,
        "admitting": [],
        "refusing": [],
        "authorizers": [],
        "location": None,
        "witness": None,
        "refused": None,
    }
    match access:
        case Always(why, witness):
            return empty | {"why": why or None, "witness": None if witness is None else request_fields(witness)}
        case Never(why, node, refused):
            return empty | {
                "why": why,
                "location": None if node is None else location_json(node.span),
                "refused": None if refused is None else request_fields(refused),
            }
        case Undecidable(why):
            return empty | {"why": why}
        case OnConditions():
            return empty | {
                "conditions": access.words,
                "admitting": [_clause(clause) for clause in access.admitting],
                "refusing": [_clause(clause) for clause in access.refusing],
                "authorizers": list(access.authorizers),
                "witness": request_fields(access.witness),
                "refused": None if access.refused is None else request_fields(access.refused),
            }
        case _:
            assert_never(access)


def _clause(clause: Clause) -> Json:
    return {
        "policy": ref_json(clause.rule.policy.ref),
        "location": location_json(clause.node.span),
        "conditions": [one.words for one in clause.conditions],
    }
