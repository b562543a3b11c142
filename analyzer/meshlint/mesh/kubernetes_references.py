"""What objects of the Gateway API refer to: parents, backends, mirrors, certificates, classes, grants apart."""

from collections.abc import Iterable, Iterator

from meshlint.mesh.edges import Edge, Kind, Vertex, object_vertex, service_vertex, vertex
from meshlint.mesh.model import Mesh
from meshlint.mesh.short import rule_condition
from meshlint.resources.base import Resource
from meshlint.resources.gateway import KubernetesGatewaySpec, Listener
from meshlint.resources.gateway_api import (
    Filter,
    GRPCRouteSpec,
    GRPCRule,
    HTTPRouteSpec,
    HTTPRule,
    ListenerSetSpec,
    ParentRef,
    PlainRouteSpec,
    PlainRule,
    Target,
    TLSRouteSpec,
)
from meshlint.resources.record import Record

_GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
_CLASSES_OF_ISTIO = frozenset({"istio", "istio-remote", "istio-waypoint", "istio-east-west"})


def kubernetes_references(mesh: Mesh) -> Iterator[Edge]:
    """Every reference that Gateways, ListenerSets and routes make, those to objects outside the input included."""
    for one in mesh.resources:
        match one.spec:
            case KubernetesGatewaySpec() as spec:
                yield from _gateway(mesh, one, spec)
            case ListenerSetSpec() as spec:
                if spec.parent_ref is not None:
                    yield Edge(vertex(one), _parent(mesh, one, spec.parent_ref), Kind.CONFIGURES, spec.parent_ref.node)
                yield from _certificates(one, spec.listeners)
            case HTTPRouteSpec() | GRPCRouteSpec() | TLSRouteSpec() | PlainRouteSpec() as spec:
                hostnames = () if isinstance(spec, PlainRouteSpec) else spec.hostnames
                for parent in spec.parent_refs:
                    source = _parent(mesh, one, parent)
                    yield Edge(source, vertex(one), Kind.BINDS, parent.node, condition=", ".join(hostnames))
                for rule in spec.rules:
                    yield from _rule(mesh, one, rule)
            case _:
                pass


def _gateway(mesh: Mesh, one: Resource[Record], spec: KubernetesGatewaySpec) -> Iterator[Edge]:
    for workload in mesh.selected({_GATEWAY_NAME: one.name}, one.namespace):
        yield Edge(vertex(workload.resource), vertex(one), Kind.OPENS, one.name_node)
    if spec.gateway_class_name and spec.gateway_class_name not in _CLASSES_OF_ISTIO:
        yield Edge(
            vertex(one),
            Vertex("GatewayClass", spec.gateway_class_name),
            Kind.USES,
            spec.node.at("gatewayClassName"),
        )
    yield from _certificates(one, spec.listeners)


def _certificates(one: Resource[Record], listeners: Iterable[Listener]) -> Iterator[Edge]:
    for listener in listeners:
        for ref in listener.tls.certificate_refs if listener.tls is not None else ():
            target = object_vertex(ref.group, ref.kind, ref.namespace or one.namespace, ref.name)
            yield Edge(vertex(one), target, Kind.USES, ref.node)


def _parent(mesh: Mesh, one: Resource[Record], parent: ParentRef) -> Vertex:
    home = parent.namespace or one.namespace
    if parent.kind == "Service":
        return Vertex("VirtualHost", service_vertex(mesh, home, parent.name).name)
    return object_vertex(parent.group, parent.kind, home, parent.name)


def _rule(mesh: Mesh, one: Resource[Record], rule: HTTPRule | GRPCRule | PlainRule) -> Iterator[Edge]:
    condition = rule_condition(rule)
    total = sum(backend.weight for backend in rule.backend_refs)
    for backend in rule.backend_refs:
        share = round(100 * backend.weight / total, 2) if total > 0 and len(rule.backend_refs) > 1 else None
        yield Edge(
            vertex(one), _target(mesh, one, backend), Kind.ROUTES, backend.node, share=share, condition=condition
        )
        yield from _mirrors(mesh, one, backend.filters, condition)
    if not isinstance(rule, PlainRule):
        yield from _mirrors(mesh, one, rule.filters, condition)


def _mirrors(mesh: Mesh, one: Resource[Record], filters: Iterable[Filter], condition: str) -> Iterator[Edge]:
    for each in filters:
        if each.request_mirror is not None and each.request_mirror.backend_ref is not None:
            ref = each.request_mirror.backend_ref
            yield Edge(vertex(one), _target(mesh, one, ref), Kind.MIRRORS, ref.node, condition=condition)


def _target(mesh: Mesh, one: Resource[Record], ref: Target) -> Vertex:
    """What a backend is: a host where it is a Service or a Hostname, else an object."""
    home = ref.namespace or one.namespace
    if ref.kind == "Hostname":
        return Vertex("Host", ref.name)
    return (
        service_vertex(mesh, home, ref.name) if ref.kind == "Service" else object_vertex("", ref.kind, home, ref.name)
    )
