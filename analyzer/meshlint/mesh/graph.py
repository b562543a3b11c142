"""The mesh as a graph: what refers to what, where requests go, what guards whom. The only module that imports networkx."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from meshlint.mesh.destinations import rules_for
from meshlint.mesh.edges import subset_vertex
from meshlint.mesh.model import Mesh
from meshlint.mesh.references import Edge, Kind, Vertex, edges, host_vertex, vertex
from meshlint.mesh.workloads import Proxy
from meshlint.resources.base import Labels, Resource, selects
from meshlint.resources.record import Record

if TYPE_CHECKING:
    import networkx as nx

Graph: TypeAlias = "nx.MultiDiGraph[Vertex]"

__all__ = [
    "Graph",
    "Kind",
    "Vertex",
    "View",
    "around",
    "host_vertex",
    "named",
    "on_cycles",
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


_TRAFFIC = frozenset({Kind.BINDS, Kind.ROUTES, Kind.MIRRORS, Kind.DELEGATES, Kind.SERVES, Kind.OPENS})
_OF_CALLERS = frozenset({Kind.RUNS_AS, Kind.ADMITTED, Kind.DENIED, Kind.ASKED, Kind.AUDITED})
_POLICY = _OF_CALLERS | {Kind.GUARDS, Kind.ENCRYPTS, Kind.AUTHENTICATES}


def view(mesh: Mesh, wanted: View) -> Graph:
    """The mesh as one of its views."""
    match wanted:
        case View.TRAFFIC:
            return traffic(mesh)
        case View.REFS:
            return references(mesh)
        case View.POLICY:
            return policies(mesh)


def references(mesh: Mesh) -> Graph:
    """Every reference between objects, hosts and workloads of the mesh, with its kind and node on the edge."""
    alone = (*_routing(mesh), *_guards(mesh), *mesh.destination_rules, *mesh.service_entries, *mesh.sidecars)
    return _graph((edge for edge in edges(mesh) if edge.kind not in _OF_CALLERS), alone)


def traffic(mesh: Mesh) -> Graph:
    """The references that requests follow: gateway, route, host or subset, workload, each in the requests' direction."""
    found = (edge for edge in edges(mesh) if edge.kind in _TRAFFIC)
    return _graph((part for edge in found for part in _by_subset(mesh, edge)), _routing(mesh))


def policies(mesh: Mesh) -> Graph:
    """What guards workloads with a proxy, and the callers that rules name with the workloads that they are."""
    proxied = (one.resource for one in mesh.workloads if one.proxy is not Proxy.NONE and not one.is_assumed)
    return _graph((edge for edge in edges(mesh) if edge.kind in _POLICY), (*_guards(mesh), *proxied))


def named(graph: Graph, name: str, domain: str) -> tuple[Vertex, ...]:
    """The vertices that *name* means: `namespace/name` of whatever kind and its host in the cluster's *domain*.

    A kind may stand before it, as in `virtualservice/namespace/name`; a host may be written in full.
    """
    kind, _, rest = name.partition("/")
    own = rest if "/" in rest else ""
    namespace, _, short = name.rpartition("/")
    names = {name, f"{short}.{namespace}.svc.{domain}"}
    found = (one for one in graph.nodes if one.name in names or (one.kind.lower() == kind.lower() and one.name == own))
    return tuple(sorted(found, key=order))


def on_cycles(steps: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those of the steps from one name to another by which one can come back to where one was."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph(steps)
    part = {name: index for index, some in enumerate(nx.strongly_connected_components(graph)) for name in some}
    return frozenset((one, other) for one, other in graph.edges if part[one] == part[other])


def around(graph: Graph, centres: Iterable[Vertex], depth: int) -> Graph:
    """The part of the graph within *depth* edges of some centre, whichever way the edges point."""
    import networkx as nx

    undirected = graph.to_undirected(as_view=True)
    near: set[Vertex] = set()
    for centre in centres:
        near.update(nx.single_source_shortest_path_length(undirected, centre, cutoff=depth))
    return graph.subgraph(near)


def order(one: Vertex) -> tuple[str, str]:
    """The order in which vertices are shown."""
    return one.kind, one.name


def _by_subset(mesh: Mesh, edge: Edge) -> Iterator[Edge]:
    """An edge to a subset of a host leads to the subset and on to its workloads, as some rule for the host has them."""
    if not edge.subset:
        yield edge
        return
    host = edge.target.name
    part = subset_vertex(host, edge.subset)
    yield replace(edge, target=part)
    for rule in rules_for(mesh, host):
        for subset in rule.spec.subsets:
            if subset.name == edge.subset:
                yield from _served(mesh, part, host, subset.labels, edge)


def _served(mesh: Mesh, part: Vertex, host: str, labels: Labels, edge: Edge) -> Iterator[Edge]:
    for one in mesh.hosts_named(host):
        for workload in mesh.workloads_of(one) if one.name == host else ():
            if selects(labels, workload.labels):
                yield Edge(part, vertex(workload.resource), Kind.SERVES, edge.node)


def _routing(mesh: Mesh) -> tuple[Resource[Record], ...]:
    """The objects that routes are made of, which are in view even where nothing refers to them."""
    return (*mesh.gateways, *mesh.kubernetes_gateways, *mesh.virtual_services)


def _guards(mesh: Mesh) -> tuple[Resource[Record], ...]:
    """The objects that guard workloads, likewise."""
    return (*mesh.authorization_policies, *mesh.peer_authentications, *mesh.request_authentications)


def _graph(found: Iterable[Edge], alone: Iterable[Resource[Record]]) -> Graph:
    import networkx as nx

    graph: nx.MultiDiGraph[Vertex] = nx.MultiDiGraph()
    graph.add_nodes_from(vertex(resource) for resource in alone)
    for edge in found:
        graph.add_edge(edge.source, edge.target, edge=edge)
    return graph
