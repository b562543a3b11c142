"""What objects of the mesh say of one another, reference by reference."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh import authorization
from meshlint.mesh.destinations import host_of
from meshlint.mesh.hosts import covers
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import gateways_named, hosts_of
from meshlint.mesh.served import is_gateway
from meshlint.mesh.targets import targets
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.resources.base import Labels, Resource, TargetRef, selects
from meshlint.resources.gateway_api import GRPCRouteSpec, HTTPRouteSpec, PlainRouteSpec, TLSRouteSpec
from meshlint.resources.record import Record
from meshlint.resources.security import PeerAuthenticationSpec, RequestAuthenticationSpec
from meshlint.resources.sidecar import SidecarSpec
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.source.node import Node


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
    ENCRYPTS = "encrypts"
    AUTHENTICATES = "authenticates"
    RUNS_AS = "runs as"
    ADMITTED = "admitted by"
    DENIED = "denied by"


@dataclass(frozen=True, slots=True)
class Vertex:
    """A resource, or a host or principal that may be in no registry: `kind` and the name people know it by.

    Gateway API's Gateway goes as `K8sGateway`, so that it is not taken for Istio's.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One reference, and the node it is written at. `detail` is the subset of a host that it is about."""

    source: Vertex
    target: Vertex
    kind: Kind
    node: Node
    detail: str = ""


GATEWAY_API = "gateway.networking.k8s.io/"


def vertex(resource: Resource[Record]) -> Vertex:
    """The vertex of a resource."""
    ref = resource.ref
    is_theirs = ref.kind == "Gateway" and ref.api_version.startswith(GATEWAY_API)
    return Vertex("K8sGateway" if is_theirs else ref.kind, _named(ref.namespace, ref.name))


def host_vertex(name: str) -> Vertex:
    """The vertex of a host by its full name."""
    return Vertex("Host", name)


def edges(mesh: Mesh) -> Iterator[Edge]:
    """Every reference, some of them repeated at several nodes."""
    for vs in mesh.virtual_services:
        yield from _virtual_service(mesh, vs)
    yield from _routes(mesh)
    yield from _destination_rules(mesh)
    yield from _gateways(mesh)
    for host in mesh.hosts:
        yield Edge(vertex(host.resource), host_vertex(host.name), Kind.CONFIGURES, host.resource.name_node)
        for workload in mesh.workloads_of(host):
            yield Edge(host_vertex(host.name), vertex(workload.resource), Kind.SERVES, host.resource.name_node)
    for sidecar in mesh.sidecars:
        for workload in _configured(mesh, sidecar):
            yield Edge(vertex(sidecar), vertex(workload.resource), Kind.CONFIGURES, sidecar.name_node)
    yield from _authorization(mesh)
    yield from _authentication(mesh)


def _virtual_service(mesh: Mesh, vs: Resource[VirtualServiceSpec]) -> Iterator[Edge]:
    own = vertex(vs)
    for place in sorted({*bound_gateways(vs)} - {"mesh"}):
        found = tuple(vertex(gateway) for gateway in gateways_named(mesh, place)) or (Vertex("Gateway", place),)
        for gateway in found:
            yield Edge(gateway, own, Kind.BINDS, vs.spec.node.at("gateways"))
    if "mesh" in bound_gateways(vs):
        for index, name in enumerate(hosts_of(vs, mesh.settings.cluster_domain)):
            yield Edge(Vertex("VirtualHost", name), own, Kind.BINDS, vs.spec.node.at("hosts", index))
    for target in targets(mesh, vs):
        kind = Kind.MIRRORS if target.is_mirror else Kind.ROUTES
        yield Edge(own, host_vertex(target.host), kind, target.node, target.destination.subset)
    for route in vs.spec.http:
        if route.delegate is not None:
            name = _named(route.delegate.namespace or vs.namespace, route.delegate.name)
            yield Edge(own, Vertex("VirtualService", name), Kind.DELEGATES, route.delegate.node)


def _routes(mesh: Mesh) -> Iterator[Edge]:
    """The routes of Gateway API: from what they hang on to the Services behind them."""
    for one in mesh.resources:
        spec = one.spec
        if not isinstance(spec, (HTTPRouteSpec, GRPCRouteSpec, TLSRouteSpec, PlainRouteSpec)):
            continue
        for parent in spec.parent_refs:
            home = parent.namespace or one.namespace
            if parent.kind == "Gateway":
                yield Edge(Vertex("K8sGateway", _named(home, parent.name)), vertex(one), Kind.BINDS, parent.node)
            elif parent.kind == "Service":
                name = _service_host(mesh, home, parent.name)
                yield Edge(Vertex("VirtualHost", name), vertex(one), Kind.BINDS, parent.node)
        for rule in spec.rules:
            for backend in rule.backend_refs:
                if backend.kind == "Service":
                    target = host_vertex(_service_host(mesh, backend.namespace or one.namespace, backend.name))
                    yield Edge(vertex(one), target, Kind.ROUTES, backend.node)


def _destination_rules(mesh: Mesh) -> Iterator[Edge]:
    for rule in mesh.destination_rules:
        wanted = host_of(mesh, rule)
        covered = sorted({host.name for host in mesh.hosts_named(wanted) if covers(wanted, host.name)})
        for name in covered or [wanted]:
            yield Edge(vertex(rule), host_vertex(name), Kind.CONFIGURES, rule.spec.node.at("host"))


def _gateways(mesh: Mesh) -> Iterator[Edge]:
    for gateway in mesh.gateways:
        node = gateway.spec.node.at("selector")
        for workload in mesh.selected(gateway.spec.selector):
            if gateway.spec.selector or workload.proxy is Proxy.GATEWAY:  # R601
                yield Edge(vertex(workload.resource), vertex(gateway), Kind.OPENS, node)
    for one in mesh.kubernetes_gateways:
        for workload in mesh.selected({"gateway.networking.k8s.io/gateway-name": one.name}, one.namespace):
            yield Edge(vertex(workload.resource), vertex(one), Kind.OPENS, one.name_node)


def _configured(mesh: Mesh, sidecar: Resource[SidecarSpec]) -> tuple[Workload, ...]:
    """The workloads that a Sidecar names by labels; one without labels configures too many to draw."""
    selector = sidecar.spec.workload_selector
    return mesh.selected(selector.labels, sidecar.namespace) if selector is not None and selector.labels else ()


def _authorization(mesh: Mesh) -> Iterator[Edge]:
    principals: dict[str, Vertex] = {}
    for policy in mesh.authorization_policies:
        for workload in authorization.targets(mesh, policy):
            yield Edge(vertex(policy), vertex(workload.resource), Kind.GUARDS, policy.name_node)
        yield from _attached(mesh, policy, authorization.target_refs(policy), Kind.GUARDS)
        denies = authorization.action(policy) is authorization.Action.DENY
        for rule in policy.spec.rules:
            for origin in rule.from_:
                for name in origin.source.principals if origin.source is not None else ():
                    caller = principals.setdefault(name, Vertex("Principal", name))
                    node = origin.source.node if origin.source is not None else rule.node
                    yield Edge(caller, vertex(policy), Kind.DENIED if denies else Kind.ADMITTED, node)
    for workload in mesh.workloads:
        named = principals.get(f"{mesh.config.trust_domain}/{workload.principal}")
        if named is not None:
            yield Edge(vertex(workload.resource), named, Kind.RUNS_AS, workload.resource.name_node)


def _authentication(mesh: Mesh) -> Iterator[Edge]:
    for peer in mesh.peer_authentications:
        for workload in _peers(mesh, peer):
            yield Edge(vertex(peer), vertex(workload.resource), Kind.ENCRYPTS, peer.name_node)
    for one in mesh.request_authentications:
        refs = one.spec.target_refs or ((one.spec.target_ref,) if one.spec.target_ref is not None else ())
        yield from _attached(mesh, one, refs, Kind.AUTHENTICATES)
        for workload in _selected(mesh, one, _labels(one)) if not refs else ():
            yield Edge(vertex(one), vertex(workload.resource), Kind.AUTHENTICATES, one.name_node)


def _peers(mesh: Mesh, peer: Resource[PeerAuthenticationSpec]) -> Iterator[Workload]:
    """The workloads whose inbound connections the policy is about (S111, S114, S117)."""
    labels = _labels(peer)
    if labels and peer.namespace == mesh.config.root_namespace:
        return
    for workload in _selected(mesh, peer, labels):
        if not is_gateway(mesh, workload):
            yield workload


def _labels(one: Resource[PeerAuthenticationSpec] | Resource[RequestAuthenticationSpec]) -> Labels:
    return one.spec.selector.match_labels if one.spec.selector is not None else {}


def _selected(mesh: Mesh, one: Resource[Record], labels: Labels) -> Iterator[Workload]:
    """The workloads with a proxy that a policy selects: of its namespace, of all where that is the root (S21, S25)."""
    pool = mesh.workloads if one.namespace == mesh.config.root_namespace else mesh.workloads_in(one.namespace)
    return (workload for workload in pool if workload.proxy is not Proxy.NONE and selects(labels, workload.labels))


def _attached(mesh: Mesh, policy: Resource[Record], refs: Iterable[TargetRef], kind: Kind) -> Iterator[Edge]:
    for ref in refs:
        if ref.kind == "Gateway":
            yield Edge(vertex(policy), Vertex("K8sGateway", _named(policy.namespace, ref.name)), kind, ref.node)
        elif ref.kind == "Service":
            yield Edge(vertex(policy), host_vertex(_service_host(mesh, policy.namespace, ref.name)), kind, ref.node)


def _service_host(mesh: Mesh, namespace: str, name: str) -> str:
    return f"{name}.{namespace}.svc.{mesh.settings.cluster_domain}"


def _named(namespace: str, name: str) -> str:
    return f"{namespace}/{name}" if namespace else name
