"""The mesh as a graph: what refers to what, and where requests go. The only module that imports networkx."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from meshlint.mesh.model import Mesh
from meshlint.mesh.references import Edge, Kind, Vertex, edges, host_vertex, vertex
from meshlint.resources.base import Resource
from meshlint.resources.record import Record

if TYPE_CHECKING:
    import networkx as nx

__all__ = ["Kind", "Vertex", "host_vertex", "references", "traffic", "vertex"]


_TRAFFIC = frozenset({Kind.BINDS, Kind.ROUTES, Kind.MIRRORS, Kind.DELEGATES, Kind.SERVES, Kind.OPENS})
_NAMES_OF_CALLERS = frozenset({Kind.RUNS_AS, Kind.ADMITTED, Kind.DENIED})


def references(mesh: Mesh) -> "nx.MultiDiGraph[Vertex]":
    """Every reference between objects, hosts and workloads of the mesh, with its kind and node on the edge."""
    alone = (*_routing(mesh), *_guards(mesh), *mesh.destination_rules, *mesh.service_entries, *mesh.sidecars)
    return _graph((edge for edge in edges(mesh) if edge.kind not in _NAMES_OF_CALLERS), alone)


def traffic(mesh: Mesh) -> "nx.MultiDiGraph[Vertex]":
    """The references that requests follow: gateway, route, host, workload, each edge in the requests' direction."""
    return _graph((edge for edge in edges(mesh) if edge.kind in _TRAFFIC), _routing(mesh))


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
