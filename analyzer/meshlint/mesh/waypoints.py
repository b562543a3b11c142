"""Waypoints: which Gateway takes the traffic of a host or of a workload's pods, and what it enforces (S30, S104-S106)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.authorization import Policy, is_enforced, target_refs
from meshlint.mesh.gateway_classes import Controller, controllers
from meshlint.mesh.kubernetes_gateways import admits
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.services import Host
from meshlint.mesh.workloads import Workload
from meshlint.resources.base import Labels, Resource, TargetRef
from meshlint.resources.gateway import KubernetesGateway
from meshlint.resources.record import Record
from meshlint.resources.security import RequestAuthentication
from meshlint.source.node import Node

USE = "istio.io/use-waypoint"
USE_NAMESPACE = "istio.io/use-waypoint-namespace"
FOR = "istio.io/waypoint-for"
INGRESS = "istio.io/ingress-use-waypoint"
_SERVICE_ENTRIES, _CLASSES = (1, 24), (1, 25)
"""The first releases in which policies can be for ServiceEntries and for all waypoints (S30)."""


class Serves(Enum):
    """The traffic that a waypoint is for (S105)."""

    SERVICE = "service"
    WORKLOAD = "workload"
    ALL = "all"
    NONE = "none"

    def takes(self, one: Host | Workload) -> bool:
        """Whether the waypoint is for what is addressed to such a thing: a host, or pods by their own address."""
        return self in (Serves.ALL, Serves.SERVICE if isinstance(one, Host) else Serves.WORKLOAD)


@dataclass(frozen=True, slots=True, eq=False)
class Waypoint:
    """A Gateway that Istio deploys as a waypoint."""

    gateway: KubernetesGateway
    serves: Serves

    @property
    def name(self) -> str:
        """The waypoint as `namespace/name`."""
        return f"{self.gateway.namespace}/{self.gateway.name}"

    @property
    def principal(self) -> str:
        """The identity that servers see behind it, without trust domain (S78, S102)."""
        return f"ns/{self.gateway.namespace}/sa/{self.gateway.name}"


class Flaw(Enum):
    """Why traffic goes past a waypoint that a label names; nothing else takes its place (S104)."""

    MISSING = "there is no such Gateway"
    KIND = "the waypoint is not for such traffic"
    NAMESPACE = "its listeners do not admit the namespace"


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """The waypoint that a label at `node` names as `namespace/name`.

    `waypoint` is None where traffic goes past it: because of a `flaw`, or nobody can tell because of a `doubt`.
    """

    name: str
    node: Node
    waypoint: Waypoint | None = None
    flaw: Flaw | None = None
    doubt: str = ""


def waypoint_of(mesh: Mesh, one: Host | Workload) -> Assignment | None:
    """What labels say about the waypoint of a host or of pods: their own, else their namespace's (S104).

    None where no label names one, as far as the input shows; `is_shown` tells how far that is.
    """
    return mesh.derived(_waypoint_of, mesh, one)


def is_shown(mesh: Mesh, one: Host | Workload) -> bool:
    """Whether the input shows all labels that could name a waypoint: those of the object itself or of its namespace."""
    return USE in _labels(one) or one.namespace in mesh.namespaces


def is_for_ingress(mesh: Mesh, host: Host) -> bool:
    """Whether ingress gateways send requests for the host through its waypoint, not past it (S103)."""
    own = _labels(host).get(INGRESS, mesh.namespaces.get(host.namespace, {}).get(INGRESS))
    return own == "true"


def waypoints(mesh: Mesh) -> tuple[Waypoint, ...]:
    """The waypoints of the input."""
    return tuple(mesh.derived(_waypoints, mesh).values())


def policies_at(mesh: Mesh, waypoint: Waypoint, host: Host | None) -> tuple[Policy, ...]:
    """The enforced policies that decide at the waypoint on requests for the host, or for pods where it is None (S30)."""
    return tuple(
        policy
        for policy in mesh.authorization_policies
        if is_enforced(policy) and is_attached(mesh, policy.namespace, target_refs(policy), waypoint, host)
    )


def authenticators_at(mesh: Mesh, waypoint: Waypoint, host: Host | None) -> tuple[RequestAuthentication, ...]:
    """The RequestAuthentications that verify tokens at the waypoint of requests for the host (S138)."""
    return tuple(
        one
        for one in mesh.request_authentications
        if is_attached(
            mesh,
            one.namespace,
            one.spec.target_refs or ((one.spec.target_ref,) if one.spec.target_ref is not None else ()),
            waypoint,
            host,
        )
    )


def is_attached(mesh: Mesh, namespace: str, refs: Iterable[TargetRef], waypoint: Waypoint, host: Host | None) -> bool:
    """Whether a policy of the namespace with these targets counts at the waypoint for the host (S30, S31)."""
    gateway = waypoint.gateway
    release = mesh.settings.istio_version
    for ref in refs:
        match ref.kind:
            case "Gateway":
                found = (namespace, ref.name) == (gateway.namespace, gateway.name)
            case "Service" | "ServiceEntry" if host is not None:
                found = (host.resource.ref.kind, host.namespace, host.resource.name) == (ref.kind, namespace, ref.name)
                found = found and (ref.kind == "Service" or release >= _SERVICE_ENTRIES)
            case "GatewayClass":
                found = ref.name == "istio-waypoint" and namespace == mesh.config.root_namespace and release >= _CLASSES
            case _:
                found = False
        if found:
            return True
    return False


def _labels(one: Host | Workload) -> Labels:
    return one.resource.metadata.labels if isinstance(one, Host) else one.labels


def _waypoint_of(mesh: Mesh, one: Host | Workload) -> Assignment | None:
    for labels, node in _sources(mesh, one):
        if USE in labels:
            if labels[USE] == "none":
                return None
            home = labels.get(USE_NAMESPACE) or one.namespace
            return _assignment(mesh, one, home, labels[USE], node)
    return None


def _sources(mesh: Mesh, one: Host | Workload) -> Iterator[tuple[Labels, Node]]:
    """Labels and where their choice of a waypoint is written, first the object's own."""
    yield _labels(one), _label_node(one.resource)
    for space in mesh.derived(_spaces, mesh).get(one.namespace, ())[:1]:
        yield space.metadata.labels, _label_node(space)


def _spaces(mesh: Mesh) -> Mapping[str, tuple[Resource[Record], ...]]:
    found: dict[str, tuple[Resource[Record], ...]] = {}
    for one in mesh.resources:
        if one.ref.kind == "Namespace":
            found[one.name] = (*found.get(one.name, ()), one)
    return found


def _label_node(resource: Resource[Record]) -> Node:
    """Where the object, or the template of its pods, names its waypoint."""
    for path in (("spec", "template"), ("spec", "jobTemplate", "spec", "template"), ()):
        found = resource.node.get(*path, "metadata", "labels", USE)
        if found is not None:
            return found
    return resource.name_node


def _assignment(mesh: Mesh, one: Host | Workload, home: str, name: str, node: Node) -> Assignment:
    full = f"{home}/{name}"
    found = mesh.derived(_waypoints, mesh).get(full)
    if found is None:
        if any((other.namespace, other.name) == (home, name) for other in mesh.kubernetes_gateways):
            return Assignment(full, node, doubt=f"Gateway {full} is not of a class of waypoints")
        if mesh.expects(Class.GATEWAYS, home):
            return Assignment(full, node, flaw=Flaw.MISSING)
        return Assignment(full, node, doubt=f"the input does not show waypoint {full}")
    if not found.serves.takes(one):
        return Assignment(full, node, flaw=Flaw.KIND)
    is_admitted = _admits(mesh, found, one.namespace)
    if is_admitted is None:
        return Assignment(full, node, doubt=f"the labels of namespace {one.namespace} decide whether {full} admits it")
    return Assignment(full, node, found) if is_admitted else Assignment(full, node, flaw=Flaw.NAMESPACE)


def _admits(mesh: Mesh, waypoint: Waypoint, namespace: str) -> bool | None:
    """Whether some listener of the waypoint admits the namespace; None where labels decide that are not shown (S106)."""
    gateway = waypoint.gateway
    if gateway.namespace == namespace:
        return True
    answers = [
        admits(
            one.allowed_routes.namespaces if one.allowed_routes else None,
            gateway.namespace,
            namespace,
            mesh.namespaces.get(namespace),
            "Same",
        )
        for one in gateway.spec.listeners
    ]
    return True if True in answers else None if None in answers else False


def _waypoints(mesh: Mesh) -> Mapping[str, Waypoint]:
    classes = controllers(mesh.resources)
    found: dict[str, Waypoint] = {}
    for one in mesh.kubernetes_gateways:
        if classes.get(one.spec.gateway_class_name) is Controller.WAYPOINT:
            waypoint = Waypoint(one, _serves(mesh, one))
            found.setdefault(waypoint.name, waypoint)
    return found


def _serves(mesh: Mesh, gateway: KubernetesGateway) -> Serves:
    """What the Gateway's label says, else its class's, else services; what nobody knows is nothing (S105)."""
    of_class = (
        one.metadata.labels
        for one in mesh.resources
        if one.ref.kind == "GatewayClass" and one.name == gateway.spec.gateway_class_name
    )
    said = next((labels[FOR] for labels in (gateway.metadata.labels, *of_class) if FOR in labels), "service")
    return next((one for one in Serves if one.value == said), Serves.NONE)
