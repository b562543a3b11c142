"""What routes of the Gateway API attach to: the listeners of Gateways, or hosts of the mesh, and why not (R902, R903, R911)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.hosts import overlaps
from meshlint.mesh.kubernetes_gateways import Listening, Parent, admits, listenings_of, parents
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host
from meshlint.resources.base import Resource
from meshlint.resources.gateway_api import (
    GRPCRouteSpec,
    HTTPRouteSpec,
    ParentRef,
    PlainRouteSpec,
    TLSRouteSpec,
)
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.resources.workload import ServiceSpec

Route = Resource[HTTPRouteSpec | GRPCRouteSpec | TLSRouteSpec | PlainRouteSpec]
"""A route of the Gateway API."""


class Verdict(Enum):
    """Whether a parent takes a route, and the first reason why not, in the order in which Istio asks."""

    ACCEPTED = "accepted"
    FOREIGN = "the Gateway's class is not Istio's"
    NO_PARENT = "there is no such parent"
    UNKNOWN_KIND = "routes cannot have a parent of this kind"
    NO_PORT = "no listener has this port"
    NO_SECTION = "no listener has this name"
    NO_HOSTNAME = "no listener has a hostname in common with the route"
    NAMESPACE = "the listeners do not allow routes from this namespace"
    KIND = "the listeners do not allow routes of this kind"


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """What became of one parentRef of a route.

    `listenings` are the listeners that take the route, `hosts` the hosts of the mesh that it stands for. `is_certain` is
    False where the labels of a namespace that the input does not show may decide otherwise. `ref.node` is its place.
    """

    route: Route
    ref: ParentRef
    verdict: Verdict
    listenings: tuple[Listening, ...] = ()
    hosts: tuple[Host, ...] = ()
    is_certain: bool = True

    @property
    def is_accepted(self) -> bool:
        """Whether the route counts for something there."""
        return self.verdict is Verdict.ACCEPTED


def routes(mesh: Mesh) -> tuple[Route, ...]:
    """The routes of the Gateway API that Istio reads; it has no UDPRoutes."""
    return (*mesh.http_routes, *mesh.grpc_routes, *mesh.tls_routes, *mesh.tcp_routes)


def attachments(mesh: Mesh, route: Route) -> tuple[Attachment, ...]:
    """What became of each parentRef of the route, in its order."""
    return mesh.derived(_attachments, mesh, route)


def hostnames(route: Route) -> tuple[str, ...]:
    """The hostnames that a route is for; none listed means all (R903)."""
    names = () if isinstance(route.spec, PlainRouteSpec) else route.spec.hostnames
    return tuple(name.lower() for name in names) or ("*",)


def _attachments(mesh: Mesh, route: Route) -> tuple[Attachment, ...]:
    return tuple(_attachment(mesh, route, ref) for ref in route.spec.parent_refs)


def _attachment(mesh: Mesh, route: Route, ref: ParentRef) -> Attachment:
    home = ref.namespace or route.namespace
    match (ref.group, ref.kind):
        case ("gateway.networking.k8s.io", "Gateway" | "ListenerSet"):
            return _at_listeners(mesh, route, ref, Parent(ref.kind, home, ref.name))
        case ("", "Service") | ("networking.istio.io", "ServiceEntry"):
            return _in_the_mesh(mesh, route, ref, home)
        case _:
            return Attachment(route, ref, Verdict.UNKNOWN_KIND)


def _at_listeners(mesh: Mesh, route: Route, ref: ParentRef, parent: Parent) -> Attachment:
    if parent not in parents(mesh):
        return Attachment(route, ref, Verdict.NO_PARENT)
    here = listenings_of(mesh, parent)
    if here is None:
        return Attachment(route, ref, Verdict.FOREIGN)
    answers = [(one, *_judge(mesh, route, ref, one)) for one in here]
    taken = tuple(one for one, verdict, _ in answers if verdict is Verdict.ACCEPTED)
    is_certain = all(sure for _, _, sure in answers)
    if taken:
        return Attachment(route, ref, Verdict.ACCEPTED, taken, is_certain=is_certain)
    best = max((verdict for _, verdict, _ in answers), key=_DEPTH.index, default=Verdict.NO_SECTION)
    return Attachment(route, ref, best, is_certain=is_certain)


_DEPTH = (Verdict.NO_PORT, Verdict.NO_SECTION, Verdict.NO_HOSTNAME, Verdict.NAMESPACE, Verdict.KIND)
"""How far the route got at a listener that does not take it."""


def _judge(mesh: Mesh, route: Route, ref: ParentRef, one: Listening) -> tuple[Verdict, bool]:
    """Whether a listener takes the route, and whether that is certain (R902, R903)."""
    if ref.port and ref.port != one.listener.port:
        return Verdict.NO_PORT, True
    if ref.section_name and ref.section_name != one.listener.name:
        return Verdict.NO_SECTION, True
    if not any(overlaps(one.hostname, name) for name in hostnames(route)):
        return Verdict.NO_HOSTNAME, True
    allowed = one.listener.allowed_routes
    labels = mesh.namespaces.get(route.namespace)
    is_admitted = admits(allowed.namespaces if allowed else None, one.parent.namespace, route.namespace, labels, "Same")
    if not is_admitted:
        return Verdict.NAMESPACE, is_admitted is not None
    return (Verdict.ACCEPTED if route.ref.kind in one.kinds else Verdict.KIND), True


def _in_the_mesh(mesh: Mesh, route: Route, ref: ParentRef, home: str) -> Attachment:
    """A Service or ServiceEntry as the parent: consumers and producers of it have routes, nobody else (R911)."""
    hosts = mesh.derived(_objects, mesh).get((ref.kind, home, ref.name), ())
    return Attachment(route, ref, Verdict.ACCEPTED if hosts else Verdict.NO_PARENT, hosts=hosts)


def _objects(mesh: Mesh) -> Mapping[tuple[str, str, str], tuple[Host, ...]]:
    """The hosts of each Service and ServiceEntry."""
    found: dict[tuple[str, str, str], tuple[Host, ...]] = {}
    for host in mesh.hosts:
        if isinstance(host.resource.spec, ServiceSpec | ServiceEntrySpec):
            key = (host.resource.ref.kind, host.namespace, host.resource.name)
            found[key] = (*found.get(key, ()), host)
    return found


def accepted(mesh: Mesh, route: Route) -> Iterator[Attachment]:
    """The attachments of the route that count."""
    return (one for one in attachments(mesh, route) if one.is_accepted)
