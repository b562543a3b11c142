"""The mesh as a graph: what refers to what, and where requests go. The only module that imports networkx."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from meshlint.mesh.authorization import targets
from meshlint.mesh.destinations import host_of
from meshlint.mesh.hosts import covers
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import gateways_named, hosts_of
from meshlint.mesh.targets import targets as targets_of
from meshlint.resources.base import Resource
from meshlint.resources.record import Record
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.source.node import Node

if TYPE_CHECKING:
    import networkx as nx


class Kind(Enum):
    """What an edge says."""

    BINDS = "binds"
    ROUTES = "routes"
    MIRRORS = "mirrors"
    DELEGATES = "delegates"
    CONFIGURES = "configures"
    SERVES = "serves"
    OPENS = "opens"
    GUARDS = "guards"


@dataclass(frozen=True, slots=True)
class Vertex:
    """A resource, or a host that may be in no registry: `kind` and the name people know it by."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One reference, and the node it is written at."""

    source: Vertex
    target: Vertex
    kind: Kind
    node: Node


_TRAFFIC = frozenset({Kind.BINDS, Kind.ROUTES, Kind.MIRRORS, Kind.DELEGATES, Kind.SERVES, Kind.OPENS})


def references(mesh: Mesh) -> "nx.MultiDiGraph[Vertex]":
    """Every reference between objects, hosts and workloads of the mesh, with its kind and node on the edge."""
    return _graph(_edges(mesh))


def traffic(mesh: Mesh) -> "nx.MultiDiGraph[Vertex]":
    """The references that requests follow: gateway, route, host, workload, each edge in the requests' direction."""
    return _graph(edge for edge in _edges(mesh) if edge.kind in _TRAFFIC)


def vertex(resource: Resource[Record]) -> Vertex:
    """The vertex of a resource."""
    ref = resource.ref
    return Vertex(ref.kind, f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name)


def host_vertex(name: str) -> Vertex:
    """The vertex of a host by its full name."""
    return Vertex("Host", name)


def _graph(edges: Iterator[Edge]) -> "nx.MultiDiGraph[Vertex]":
    import networkx as nx

    graph: nx.MultiDiGraph[Vertex] = nx.MultiDiGraph()
    for edge in edges:
        graph.add_edge(edge.source, edge.target, kind=edge.kind.value, node=edge.node)
    return graph


def _edges(mesh: Mesh) -> Iterator[Edge]:
    for vs in mesh.virtual_services:
        yield from _virtual_service(mesh, vs)
    for rule in mesh.destination_rules:
        wanted = host_of(mesh, rule)
        for name in {host.name for host in mesh.hosts_named(wanted) if covers(wanted, host.name)} or {wanted}:
            yield Edge(vertex(rule), host_vertex(name), Kind.CONFIGURES, rule.spec.node.at("host"))
    for gateway in mesh.gateways:
        for workload in mesh.selected(gateway.spec.selector):
            node = gateway.spec.node.at("selector")
            yield Edge(vertex(workload.resource), vertex(gateway), Kind.OPENS, node)
    for host in mesh.hosts:
        yield Edge(vertex(host.resource), host_vertex(host.name), Kind.CONFIGURES, host.resource.name_node)
        for workload in mesh.workloads_of(host):
            target = vertex(workload.resource)
            yield Edge(host_vertex(host.name), target, Kind.SERVES, host.resource.name_node)
    for policy in mesh.authorization_policies:
        for workload in targets(mesh, policy):
            yield Edge(vertex(policy), vertex(workload.resource), Kind.GUARDS, policy.name_node)


def _virtual_service(mesh: Mesh, vs: Resource[VirtualServiceSpec]) -> Iterator[Edge]:
    own = vertex(vs)
    for place in bound_gateways(vs):
        for gateway in gateways_named(mesh, place):
            yield Edge(vertex(gateway), own, Kind.BINDS, vs.spec.node.at("gateways"))
    if "mesh" in bound_gateways(vs):
        for index, name in enumerate(hosts_of(vs, mesh.settings.cluster_domain)):
            yield Edge(Vertex("VirtualHost", name), own, Kind.BINDS, vs.spec.node.at("hosts", index))
    for target in targets_of(mesh, vs):
        yield Edge(own, host_vertex(target.host), Kind.MIRRORS if target.is_mirror else Kind.ROUTES, target.node)
    for route in vs.spec.http:
        if route.delegate is not None:
            name = f"{route.delegate.namespace or vs.namespace}/{route.delegate.name}"
            yield Edge(own, Vertex("VirtualService", name), Kind.DELEGATES, route.delegate.node)
