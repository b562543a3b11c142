"""Who can call what as a graph in the language of Graphviz."""

from collections.abc import Iterator, Mapping

from meshlint.reach import Never, Reach, Row, Server, Undecidable
from meshlint.render.dot import quoted
from meshlint.render.reach import names, phrase


def reach_dot(reach: Reach) -> str:
    """An arrow for each client, or namespace of them, and each port it may call; what cannot be decided is dashed."""
    shown = [row for row in reach.rows if not isinstance(row.access, Never)]
    callers = {
        name: f"c{at}"
        for at, name in enumerate(dict.fromkeys(one for row in shown for one in names(reach, row.clients)))
    }
    servers = {server: f"s{at}" for at, server in enumerate(reach.servers)}
    lines = ["rankdir=LR;", 'node [fontname="sans-serif"];', 'edge [fontname="sans-serif", fontsize=10];']
    lines += [f"{key} [label={quoted(name)}, shape=ellipse];" for name, key in callers.items()]
    lines += [f"{key} [label={quoted(server.name)}, shape=box];" for server, key in servers.items()]
    for row in shown:
        lines += _arrows(reach, row, callers, servers)
    return "digraph reach {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _arrows(reach: Reach, row: Row, callers: Mapping[str, str], servers: Mapping[Server, str]) -> Iterator[str]:
    label = quoted(phrase(row.access))
    dashed = ", style=dashed" if isinstance(row.access, Undecidable) else ""
    for server in row.servers:
        for name in names(reach, row.clients):
            yield f"{callers[name]} -> {servers[server]} [label={label}{dashed}];"
