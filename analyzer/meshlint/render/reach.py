"""Who can call what, as a table for people."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import assert_never

from meshlint.reach import Access, Always, Client, Never, OnConditions, Reach, Row, Undecidable
from meshlint.render.summary import counted, place
from meshlint.render.terminal import visible
from meshlint.render.witness import request_line
from meshlint.request import Request

Naming = Callable[[Sequence[Client]], list[str]]
"""Names that stand for clients, each of them for one or for many."""

_HEAD = ("TO", "FROM", "ALLOWED", "SUCH AS")


def table(reach: Reach, *, is_narrow: bool = False) -> str:
    """What may be called: a port and a client, or several that are alike, in each line, with a request that passes.

    What may never be called is counted. With *is_narrow* it is shown, and below each answer what decides it.
    """
    names = naming(reach)
    shown = [row for row in reach.rows if is_narrow or not isinstance(row.access, Never)]
    blocks = [list(_lines(row, names(row.clients))) for row in shown]
    every = [_HEAD, *(line for block in blocks for line in block)]
    widths = [max(len(line[at]) for line in every) for at in range(len(_HEAD) - 1)]
    rows = [_line(_HEAD, widths)] if blocks else []
    for row, block in zip(shown, blocks, strict=True):
        rows += [_line(line, widths) for line in block]
        rows += _grounds(row) if is_narrow else []
    return "\n".join([*rows, *_tally(reach)]) + "\n"


def phrase(access: Access) -> str:
    """The answer in a few words."""
    match access:
        case Always(why):
            return f"always: {why}" if why else "always"
        case Never(why):
            return f"never: {why}"
        case OnConditions(words):
            return words
        case Undecidable(why):
            return f"cannot be decided: {why}"
        case _:
            assert_never(access)


def naming(reach: Reach) -> Naming:
    """How to name some of the clients asked about: `anyone` for all, `namespace/*` for all identities of a namespace."""
    sizes = {namespace: len(members) for namespace, members in _by_namespace(reach.clients).items()}
    return lambda clients: list(_names(clients, len(reach.clients), sizes))


def _names(clients: Sequence[Client], everyone: int, sizes: Mapping[str, int]) -> Iterator[str]:
    if len(clients) == everyone > 1:
        yield "anyone"
        return
    groups = _by_namespace(clients)
    known = sum(len(members) for members in groups.values())
    if 1 < known == sum(sizes.values()):
        yield "any known identity"
        groups = {}
    for namespace, members in groups.items():
        is_whole = 1 < len(members) == sizes[namespace]
        yield from [f"{namespace}/*"] if is_whole else [client.name for client in members]
    yield from (client.name for client in clients if not client.kind.is_named)


def _by_namespace(clients: Sequence[Client]) -> dict[str, list[Client]]:
    found: defaultdict[str, list[Client]] = defaultdict(list)
    for client in clients:
        if client.kind.is_named:
            found[client.namespace].append(client)
    return found


def _lines(row: Row, callers: Sequence[str]) -> Iterator[tuple[str, str, str, str]]:
    answer, example = visible(phrase(row.access)), _example(row.access)
    for server in row.servers:
        for name in callers:
            yield visible(server.name), visible(name), answer, example


def _example(access: Access) -> str:
    match access:
        case OnConditions(witness=witness) | Always(witness=Request() as witness):
            return request_line(witness)
        case _:
            return ""


def _line(cells: tuple[str, str, str, str], widths: list[int]) -> str:
    *padded, last = cells
    return "  ".join([*(f"{cell:{width}}" for cell, width in zip(padded, widths, strict=True)), last]).rstrip()


def _grounds(row: Row) -> Iterator[str]:
    """What decides, and a request that is refused."""
    match row.access:
        case OnConditions(admitting=admitting, refusing=refusing, refused=refused):
            yield from (f"  admitted by {place(node.span)}" for node in dict.fromkeys(one.node for one in admitting))
            yield from (f"  denied by   {place(node.span)}" for node in dict.fromkeys(one.node for one in refusing))
            yield from [f"  refused     {request_line(refused)}"] if refused is not None else []
        case Never(node=node, refused=refused):
            yield from [f"  refused by  {place(node.span)}"] if node is not None else []
            yield from [f"  refused     {request_line(refused)}"] if refused is not None else []
        case Always() | Undecidable():
            return
        case _:
            assert_never(row.access)


def _tally(reach: Reach) -> Iterator[str]:
    clients, servers = counted(len(reach.clients), "client"), counted(len(reach.servers), "port")
    kinds = {"always": Always, "on conditions": OnConditions, "never": Never}
    numbers = ", ".join(f"{reach.pairs(kind)} {words}" for words, kind in kinds.items())
    yield f"{clients}, {servers}; of their pairs {numbers}"
    doubtful = reach.pairs(Undecidable)
    if doubtful:
        yield f"incomplete: {counted(doubtful, 'pair')} cannot be decided"
