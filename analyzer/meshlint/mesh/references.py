"""What objects of the mesh say of one another, reference by reference."""

from collections.abc import Iterator

from meshlint.mesh.attachments import attachments
from meshlint.mesh.callers import callers
from meshlint.mesh.destinations import host_of
from meshlint.mesh.edges import Edge, Kind, Vertex, host_vertex, object_vertex, vertex
from meshlint.mesh.hosts import covers
from meshlint.mesh.kubernetes_references import kubernetes_references
from meshlint.mesh.model import Mesh
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import gateways_named, hosts_of, proxies_of
from meshlint.mesh.short import route_condition
from meshlint.mesh.targets import Target, targets
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.resources.base import Labels, Resource
from meshlint.resources.gateway import ServerTLS
from meshlint.resources.sidecar import SidecarSpec
from meshlint.resources.virtual_service import VirtualServiceSpec

__all__ = ["Edge", "Kind", "Vertex", "edges", "host_vertex", "vertex"]


def edges(mesh: Mesh) -> Iterator[Edge]:
    """Every reference, some of them repeated at several nodes."""
    for vs in mesh.virtual_services:
        yield from _virtual_service(mesh, vs)
    yield from kubernetes_references(mesh)
    yield from _destination_rules(mesh)
    yield from _gateways(mesh)
    yield from _hosts(mesh)
    yield from _accounts(mesh)
    for sidecar in mesh.sidecars:
        for workload in _configured(mesh, sidecar):
            yield Edge(vertex(sidecar), vertex(workload.resource), Kind.CONFIGURES, sidecar.name_node)
    yield from attachments(mesh)
    yield from callers(mesh)


def _virtual_service(mesh: Mesh, vs: Resource[VirtualServiceSpec]) -> Iterator[Edge]:
    own = vertex(vs)
    for place in sorted({*bound_gateways(vs)} - {"mesh"}):
        found = tuple(vertex(gateway) for gateway in gateways_named(mesh, place)) or (Vertex("Gateway", place),)
        for gateway in found:
            yield Edge(gateway, own, Kind.BINDS, vs.spec.node.at("gateways"), condition=", ".join(vs.spec.hosts))
    if "mesh" in bound_gateways(vs):
        for index, name in enumerate(hosts_of(vs, mesh.settings.cluster_domain)):
            yield Edge(Vertex("VirtualHost", name), own, Kind.BINDS, vs.spec.node.at("hosts", index))
    for target in targets(mesh, vs):
        yield _target(own, target)
    for route in vs.spec.http:
        if route.delegate is not None:
            home = route.delegate.namespace or vs.namespace
            other = object_vertex("", "VirtualService", home, route.delegate.name)
            yield Edge(own, other, Kind.DELEGATES, route.delegate.node, condition=route_condition(route))


def _target(own: Vertex, target: Target) -> Edge:
    return Edge(
        own,
        host_vertex(target.host),
        Kind.MIRRORS if target.is_mirror else Kind.ROUTES,
        target.node,
        target.destination.subset,
        None if target.is_mirror else _share(target),
        route_condition(target.route),
    )


def _share(target: Target) -> float | None:
    """The percentage of the route's requests that come to the target; None where it is the route's only one."""
    weights = {id(one.destination): one.weight or 0 for one in target.route.route}
    total = sum(weights.values())
    if len(target.route.route) < 2 or total <= 0:
        return None
    return round(100 * weights[id(target.destination)] / total, 2)


def _destination_rules(mesh: Mesh) -> Iterator[Edge]:
    for rule in mesh.destination_rules:
        wanted = host_of(mesh, rule)
        covered = sorted({host.name for host in mesh.hosts_named(wanted) if covers(wanted, host.name)})
        for name in covered or [wanted]:
            yield Edge(vertex(rule), host_vertex(name), Kind.CONFIGURES, rule.spec.node.at("host"))


def _gateways(mesh: Mesh) -> Iterator[Edge]:
    for gateway in mesh.gateways:
        node = gateway.spec.node.at("selector")
        for workload in proxies_of(mesh, gateway):
            yield Edge(vertex(workload.resource), vertex(gateway), Kind.OPENS, node)
        homes = _homes(mesh, gateway.spec.selector)
        for server in gateway.spec.servers:
            for name in _secrets(server.tls):
                for home in homes or (gateway.namespace,):
                    secret = object_vertex("", "Secret", home, name)
                    yield Edge(vertex(gateway), secret, Kind.USES, server.node.at("tls"))


def _homes(mesh: Mesh, selector: Labels) -> tuple[str, ...]:
    """The namespaces of a gateway's workloads, which hold its Secrets."""
    return tuple(sorted({one.namespace for one in mesh.selected(selector) if one.proxy is Proxy.GATEWAY}))


def _secrets(tls: ServerTLS | None) -> tuple[str, ...]:
    if tls is None:
        return ()
    return tuple(name for name in (tls.credential_name, *tls.credential_names) if name and "://" not in name)


def _hosts(mesh: Mesh) -> Iterator[Edge]:
    for host in mesh.hosts:
        yield Edge(vertex(host.resource), host_vertex(host.name), Kind.DEFINES, host.resource.name_node)
        for workload in mesh.workloads_of(host):
            yield Edge(host_vertex(host.name), vertex(workload.resource), Kind.SERVES, host.resource.name_node)


def _accounts(mesh: Mesh) -> Iterator[Edge]:
    """From workloads to the ServiceAccounts that they name; `default` is in every namespace and in no manifest."""
    for one in mesh.workloads:
        if one.service_account != "default" and not one.is_assumed:
            account = object_vertex("", "ServiceAccount", one.namespace, one.service_account)
            yield Edge(vertex(one.resource), account, Kind.USES, one.resource.name_node)


def _configured(mesh: Mesh, sidecar: Resource[SidecarSpec]) -> tuple[Workload, ...]:
    """The workloads that a Sidecar names by labels; one without labels configures too many to draw."""
    selector = sidecar.spec.workload_selector
    return mesh.selected(selector.labels, sidecar.namespace) if selector is not None and selector.labels else ()
