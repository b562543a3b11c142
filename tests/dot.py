"""A strict reader of the part of Graphviz's language that drawings use: what it does not know is an error."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\\n]|\\["\\n])*")|(?P<word>[A-Za-z_][A-Za-z_0-9]*|[0-9]+)|(?P<sign>->|[{}\[\]=,;]))'
)


@dataclass(frozen=True)
class Drawn:
    """The nodes and edges of a graph, each with its attributes."""

    nodes: dict[str, dict[str, str]]
    edges: list[tuple[str, str, dict[str, str]]]

    def label(self, node: str) -> str:
        """What is written in a node."""
        return self.nodes[node]["label"]


def read(text: str) -> Drawn:
    """The graph that the text is; ValueError for anything but one `digraph`."""
    tokens = _tokens(text)
    head, name, brace, *body, end = tokens
    if (head, brace, end) != ("digraph", "{", "}") or not name.isidentifier():
        raise ValueError("not one graph")
    graph = Drawn({}, [])
    statement: list[str] = []
    for part in body:
        if part == ";":
            _add(graph, statement)
            statement = []
        else:
            statement.append(part)
    if statement:
        raise ValueError(f"no end of {statement}")
    for source, target, _ in graph.edges:
        if {source, target} - graph.nodes.keys():
            raise ValueError(f"an edge between unknown nodes: {source} -> {target}")
    return graph


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(f"not the language: {text[at : at + 40]!r}")
        found.append(match["string"] or match["word"] or match["sign"])
        at = match.end()
    return found


def _add(graph: Drawn, statement: list[str]) -> None:
    match statement:
        case [name, "=", _] if name.isidentifier():
            return
        case ["node" | "edge" | "graph", "[", *attributes, "]"]:
            _attributes(attributes)
        case [name, "[", *attributes, "]"] if name not in graph.nodes:
            graph.nodes[name] = _attributes(attributes)
        case [source, "->", target, "[", *attributes, "]"]:
            graph.edges.append((source, target, _attributes(attributes)))
        case _:
            raise ValueError(f"not a statement: {statement}")


def _attributes(tokens: list[str]) -> dict[str, str]:
    found = {}
    for at in range(0, len(tokens), 4):
        match tokens[at : at + 4]:
            case [name, "=", value] | [name, "=", value, ","]:
                found[name] = _unquoted(value)
            case other:
                raise ValueError(f"not an attribute: {other}")
    return found


def _unquoted(value: str) -> str:
    if not value.startswith('"'):
        return value
    plain = re.sub(r"\\(.)", lambda match: "\n" if match[1] == "n" else match[1], value[1:-1])
    return plain.replace("&amp;", "&")
