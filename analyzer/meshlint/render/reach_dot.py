"""Who can call what as a graph in the language of Graphviz."""

from collections.abc import Iterator, Sequence

from meshlint.reach import Never, Reach, Row, Undecidable
from meshlint.render.dot import quoted
from meshlint.render.reach import naming, phrase


def reach_dot(reach: Reach) -> str:
    """An arrow for each client, or namespace of them, and each port it may call; what cannot be decided is dashed."""
    names = naming(reach)
    shown = [(row, names(row.clients)) for row in reach.rows if not isinstance(row.access, Never)]
    callers = {name: f"c{at}" for at, name in enumerate(dict.fromkeys(name for _, some in shown for name in some))}
    servers = {server: f"s{at}" for at, server in enumerate(reach.servers)}
    lines = ["rankdir=LR;", 'node [fontname="sans-serif"];', 'edge [fontname="sans-serif", fontsize=10];']
    lines += [f"{key} [label={quoted(name)}, shape=ellipse];" for name, key in callers.items()]
    lines += [f"{key} [label={quoted(server.name)}, shape=box];" for server, key in servers.items()]
    for row, some in shown:
        lines += _arrows(row, [callers[name] for name in some], [servers[server] for server in row.servers])
    return "digraph reach {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _arrows(row: Row, sources: Sequence[str], targets: Sequence[str]) -> Iterator[str]:
    label = quoted(phrase(row.access))
    dashed = ", style=dashed" if isinstance(row.access, Undecidable) else ""
    for target in targets:
        for source in sources:
            yield f"{source} -> {target} [label={label}{dashed}];"
