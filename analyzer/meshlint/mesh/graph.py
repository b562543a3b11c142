"""The mesh as a graph: what refers to what, where requests go, what guards whom. The only module that imports networkx."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from meshlint.finding import Finding, Severity
from meshlint.mesh.model import Mesh
from meshlint.mesh.references import Edge, Kind, Vertex, edges, host_vertex, vertex
from meshlint.resources.base import Resource
from meshlint.resources.record import Record
from meshlint.source.text import Span

if TYPE_CHECKING:
    import networkx as nx

__all__ = [
    "Drawing",
    "Kind",
    "Line",
    "Mark",
    "Vertex",
    "View",
    "around",
    "drawing",
    "host_vertex",
    "named",
    "policies",
    "references",
    "traffic",
    "vertex",
    "view",
]


class View(Enum):
    """Which edges of the mesh to look at."""

    TRAFFIC = "traffic"
    REFS = "refs"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertex to draw. `span` is where its object is named, None for what the input names and does not hold."""

    vertex: Vertex
    span: Span | None
    findings: tuple[Finding, ...] = ()

    @property
    def severity(self) -> Severity | None:
        """The worst of the findings' severities, None without findings."""
        return min((one.severity for one in self.findings), key=lambda one: one.rank, default=None)


@dataclass(frozen=True, slots=True)
class Line:
    """An edge to draw, and where it is written."""

    source: Vertex
    target: Vertex
    kind: str
    detail: str
    span: Span


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph as plain data in an order that depends on the input only. `elsewhere` are findings on nothing in view."""

    view: View
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    elsewhere: tuple[Finding, ...] = ()


_TRAFFIC = frozenset({Kind.BINDS, Kind.ROUTES, Kind.MIRRORS, Kind.DELEGATES, Kind.SERVES, Kind.OPENS})
_POLICY = frozenset({Kind.GUARDS, Kind.ENCRYPTS, Kind.AUTHENTICATES, Kind.RUNS_AS, Kind.ADMITTED, Kind.DENIED})
_NAMES_OF_CALLERS = frozenset({Kind.RUNS_AS, Kind.ADMITTED, Kind.DENIED})


def view(mesh: Mesh, wanted: View) -> "nx.MultiDiGraph[Vertex]":
    """The mesh as one of its views."""
    match wanted:
        case View.TRAFFIC:
            return traffic(mesh)
        case View.REFS:
            return references(mesh)
        case View.POLICY:
            return policies(mesh)


def references(mesh: Mesh) -> "nx.MultiDiGraph[Vertex]":
    """Every reference between objects, hosts and workloads of the mesh, with its kind and node on the edge."""
    alone = (*_routing(mesh), *_guards(mesh), *mesh.destination_rules, *mesh.service_entries, *mesh.sidecars)
    return _graph((edge for edge in edges(mesh) if edge.kind not in _NAMES_OF_CALLERS), alone)


def traffic(mesh: Mesh) -> "nx.MultiDiGraph[Vertex]":
    """The references that requests follow: gateway, route, host, workload, each edge in the requests' direction."""
    return _graph((edge for edge in edges(mesh) if edge.kind in _TRAFFIC), _routing(mesh))


def policies(mesh: Mesh) -> "nx.MultiDiGraph[Vertex]":
    """What guards workloads, and the principals that rules name with the workloads that run as them."""
    return _graph((edge for edge in edges(mesh) if edge.kind in _POLICY), _guards(mesh))


def named(graph: "nx.MultiDiGraph[Vertex]", name: str, domain: str) -> tuple[Vertex, ...]:
    """The vertices of that name: `namespace/name` of whatever kind, its host in the cluster's *domain*, or a full name."""
    namespace, _, short = name.rpartition("/")
    names = {name, f"{short}.{namespace}.svc.{domain}"}
    return tuple(sorted((one for one in graph.nodes if one.name in names), key=_order))


def around(graph: "nx.MultiDiGraph[Vertex]", centres: Iterable[Vertex], depth: int) -> "nx.MultiDiGraph[Vertex]":
    """The part of the graph within *depth* edges of some centre, whichever way the edges point."""
    import networkx as nx

    near: set[Vertex] = set()
    for centre in centres:
        near.update(nx.ego_graph(graph, centre, radius=depth, undirected=True).nodes)
    return graph.subgraph(near)


def drawing(mesh: Mesh, graph: "nx.MultiDiGraph[Vertex]", wanted: View, findings: Iterable[Finding] = ()) -> Drawing:
    """The graph to draw, with the findings that nothing suppresses at the vertices of their objects."""
    shown = tuple(finding for finding in findings if finding.suppressed is None)
    placed = _placed(mesh, graph, shown)
    spans = _spans(mesh)
    marks = tuple(Mark(one, spans.get(one), tuple(placed.get(one, ()))) for one in sorted(graph.nodes, key=_order))
    in_view = {id(finding) for some in placed.values() for finding in some}
    return Drawing(wanted, marks, _lines(graph), tuple(one for one in shown if id(one) not in in_view))


def _routing(mesh: Mesh) -> tuple[Resource[Record], ...]:
    """The objects that routes are made of, which are in view even where nothing refers to them."""
    return (*mesh.gateways, *mesh.kubernetes_gateways, *mesh.virtual_services)


def _guards(mesh: Mesh) -> tuple[Resource[Record], ...]:
    """The objects that guard workloads, likewise."""
    return (*mesh.authorization_policies, *mesh.peer_authentications, *mesh.request_authentications)


def _graph(found: Iterable[Edge], alone: Iterable[Resource[Record]]) -> "nx.MultiDiGraph[Vertex]":
    import networkx as nx

    graph: nx.MultiDiGraph[Vertex] = nx.MultiDiGraph()
    graph.add_nodes_from(vertex(resource) for resource in alone)
    for edge in found:
        graph.add_edge(edge.source, edge.target, kind=edge.kind.value, node=edge.node, detail=edge.detail)
    return graph


def _lines(graph: "nx.MultiDiGraph[Vertex]") -> tuple[Line, ...]:
    found = {
        Line(source, target, edge["kind"], edge["detail"], edge["node"].span)
        for source, target, edge in graph.edges(data=True)
    }
    return tuple(sorted(found, key=_place))


def _place(line: Line) -> tuple[tuple[str, str], tuple[str, str], str, str, str, int]:
    span = line.span
    return _order(line.source), _order(line.target), line.kind, line.detail, span.source.name, span.start


def _order(one: Vertex) -> tuple[str, str]:
    return one.kind, one.name


def _placed(
    mesh: Mesh, graph: "nx.MultiDiGraph[Vertex]", findings: tuple[Finding, ...]
) -> Mapping[Vertex, list[Finding]]:
    """Findings by vertex. One on a Service or ServiceEntry that is not in view stands at the hosts it defines."""
    hosts: defaultdict[Vertex, list[Vertex]] = defaultdict(list)
    for host in mesh.hosts:
        hosts[vertex(host.resource)].append(host_vertex(host.name))
    placed: defaultdict[Vertex, list[Finding]] = defaultdict(list)
    for finding in findings:
        resource = mesh.resource_of(finding.problem.node.document)
        own = vertex(resource) if resource is not None else None
        places = [own] if own in graph else hosts.get(own, []) if own is not None else []
        for place in dict.fromkeys(place for place in places if place is not None and place in graph):
            placed[place].append(finding)
    return placed


def _spans(mesh: Mesh) -> Mapping[Vertex, Span]:
    """Where each vertex's object is named in the input."""
    return dict(_named_at(mesh))


def _named_at(mesh: Mesh) -> Iterator[tuple[Vertex, Span]]:
    resources: tuple[Resource[Record], ...] = (*(one.resource for one in mesh.workloads), *mesh.resources)
    for host in mesh.hosts:
        yield host_vertex(host.name), host.resource.name_node.span
    for resource in resources:
        yield vertex(resource), resource.name_node.span
