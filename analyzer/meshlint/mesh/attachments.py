"""What policies, extensions and settings of proxies are attached to: workloads by labels, or objects by reference."""

from collections.abc import Iterable, Iterator

from meshlint.mesh import authorization
from meshlint.mesh.edges import Edge, Kind, object_vertex, service_vertex, vertex
from meshlint.mesh.model import Mesh
from meshlint.mesh.served import is_gateway
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.resources.base import Labels, LabelSelector, Resource, TargetRef, selects
from meshlint.resources.envoy_filter import EnvoyFilterSpec
from meshlint.resources.extension import TelemetrySpec, TrafficExtensionSpec, WasmPluginSpec
from meshlint.resources.gateway_api import BackendTLSPolicySpec, BackendTrafficPolicySpec, PolicyTarget
from meshlint.resources.proxy_config import ProxyConfigSpec
from meshlint.resources.record import Record
from meshlint.resources.security import PeerAuthenticationSpec


def attachments(mesh: Mesh) -> Iterator[Edge]:
    """From each policy, extension and setting to what it is about."""
    for policy in mesh.authorization_policies:
        for workload in authorization.targets(mesh, policy):
            yield Edge(vertex(policy), vertex(workload.resource), Kind.GUARDS, policy.name_node)
        yield from _attached(mesh, policy, authorization.target_refs(policy), Kind.GUARDS)
    for peer in mesh.peer_authentications:
        for workload in _peers(mesh, peer):
            yield Edge(vertex(peer), vertex(workload.resource), Kind.ENCRYPTS, peer.name_node)
    for one in mesh.request_authentications:
        refs = one.spec.target_refs or ((one.spec.target_ref,) if one.spec.target_ref is not None else ())
        yield from _attached(mesh, one, refs, Kind.AUTHENTICATES)
        for workload in _selected(mesh, one, _labels(one.spec.selector)) if not refs else ():
            yield Edge(vertex(one), vertex(workload.resource), Kind.AUTHENTICATES, one.name_node)
    for other in mesh.resources:
        yield from _configuration(mesh, other)


def _configuration(mesh: Mesh, one: Resource[Record]) -> Iterator[Edge]:
    """What settings are attached to; one without labels and targets is about too many workloads to be a reference."""
    labels: Labels = {}
    refs: tuple[TargetRef | PolicyTarget, ...] = ()
    match one.spec:
        case TelemetrySpec() | WasmPluginSpec() as spec:
            labels = _labels(spec.selector)
            refs = spec.target_refs or ((spec.target_ref,) if spec.target_ref is not None else ())
        case TrafficExtensionSpec() as spec:
            labels, refs = _labels(spec.selector), spec.target_refs
        case BackendTLSPolicySpec() | BackendTrafficPolicySpec() as spec:
            refs = spec.target_refs
        case ProxyConfigSpec() as spec:
            labels = _labels(spec.selector)
        case EnvoyFilterSpec() as spec:
            labels = spec.workload_selector.labels if spec.workload_selector is not None else {}
        case _:
            return
    yield from _attached(mesh, one, refs, Kind.CONFIGURES)
    for workload in _selected(mesh, one, labels) if labels and not refs else ():
        yield Edge(vertex(one), vertex(workload.resource), Kind.CONFIGURES, one.name_node)


def _peers(mesh: Mesh, peer: Resource[PeerAuthenticationSpec]) -> Iterator[Workload]:
    """The workloads whose inbound connections the policy is about (S111, S114, S117)."""
    labels = _labels(peer.spec.selector)
    if labels and peer.namespace == mesh.config.root_namespace:
        return
    for workload in _selected(mesh, peer, labels):
        if not is_gateway(mesh, workload):
            yield workload


def _labels(selector: LabelSelector | None) -> Labels:
    return selector.match_labels if selector is not None else {}


def _selected(mesh: Mesh, one: Resource[Record], labels: Labels) -> Iterator[Workload]:
    """The workloads with a proxy that a policy selects: of its namespace, of all where that is the root (S21, S25)."""
    pool = mesh.workloads if one.namespace == mesh.config.root_namespace else mesh.workloads_in(one.namespace)
    return (workload for workload in pool if workload.proxy is not Proxy.NONE and selects(labels, workload.labels))


def _attached(
    mesh: Mesh, one: Resource[Record], refs: Iterable[TargetRef | PolicyTarget], kind: Kind
) -> Iterator[Edge]:
    """The references of *one* to what it is attached to; a GatewayClass and its like have no namespace."""
    for ref in refs:
        if ref.kind == "Service" and not ref.group:
            target = service_vertex(mesh, one.namespace, ref.name)
        else:
            target = object_vertex(ref.group, ref.kind, "" if ref.kind == "GatewayClass" else one.namespace, ref.name)
        yield Edge(vertex(one), target, kind, ref.node)
