"""Gateways of the Gateway API as Istio reads them: each listener is a Gateway of its own, with one server (R901, R902).

Its name is that of the Gateway and the listener, `gateway/listener`, which no written Gateway can have.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from meshlint.mesh.control_plane import is_enabled
from meshlint.mesh.gateway_classes import Controller, controllers, service_hosts
from meshlint.mesh.hosts import home_of
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host
from meshlint.mesh.spelled import Spelled, spelled
from meshlint.mesh.workloads import Workload, target_port
from meshlint.resources.base import Labels, Metadata, Resource
from meshlint.resources.gateway import Gateway, GatewaySpec, KubernetesGateway, Listener, Namespaces
from meshlint.resources.gateway_api import ListenerSetSpec
from meshlint.resources.record import decode

KINDS: Mapping[str, tuple[str, ...]] = {
    "HTTP": ("HTTPRoute", "GRPCRoute"),
    "HTTPS": ("HTTPRoute", "GRPCRoute"),
    "TLS": ("TLSRoute", "TCPRoute"),
    "TCP": ("TCPRoute",),
}
"""The kinds of routes that listeners of a protocol take (R902)."""

_ALPHA = "PILOT_ENABLE_ALPHA_GATEWAY_API"


@dataclass(frozen=True, slots=True)
class Parent:
    """What routes name as the parent that has listeners: a Gateway or a ListenerSet."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Listening:
    """A listener, the object that lists it, and the Gateway with one server that it is to Istio.

    `services` are the hosts at whose pods it is opened. `is_open` is False where Istio does not open it at all.
    """

    parent: Parent
    owner: KubernetesGateway
    listener: Listener
    gateway: Gateway
    services: tuple[str, ...]
    is_open: bool

    @property
    def hostname(self) -> str:
        """The hostname that the listener is for; none given means all."""
        return self.listener.hostname.lower() or "*"

    @property
    def place(self) -> str:
        """The listener as `namespace/gateway/listener`."""
        return f"{self.gateway.namespace}/{self.gateway.name}"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of routes that it takes (R902)."""
        able = KINDS.get(self.listener.protocol, ())
        if self.listener.protocol == "TLS" and self.listener.is_passthrough:
            able = ("TLSRoute",)
        allowed = self.listener.allowed_routes
        wanted = [one.kind for one in allowed.kinds if one.group == "gateway.networking.k8s.io"] if allowed else []
        return tuple(one for one in able if one in wanted) if allowed and allowed.kinds else able


def parents(mesh: Mesh) -> frozenset[Parent]:
    """Everything of the input that has listeners, whoever makes it work."""
    return mesh.derived(_parents, mesh)


def listenings(mesh: Mesh) -> tuple[Listening, ...]:
    """The listeners of all Gateways and ListenerSets that are Istio's."""
    return tuple(one for some in mesh.derived(_listenings, mesh).values() for one in some)


def listenings_of(mesh: Mesh, parent: Parent) -> tuple[Listening, ...] | None:
    """The listeners of one Gateway or ListenerSet; None where it is not Istio's to open them."""
    return mesh.derived(_listenings, mesh).get(parent)


def all_gateways(mesh: Mesh) -> tuple[Gateway, ...]:
    """The Gateways that open something: the written ones, and one for each listener of the Gateway API (R901)."""
    return (*mesh.gateways, *(one.gateway for one in listenings(mesh) if one.is_open))


def listening_at(mesh: Mesh, gateway: Gateway) -> Listening | None:
    """The listener that a Gateway is made of; None for a written one."""
    return mesh.derived(_by_gateway, mesh).get(gateway)


def kubernetes_gateways_named(mesh: Mesh, name: str) -> tuple[KubernetesGateway, ...]:
    """The Gateways of the Gateway API called *name*, written `namespace/name`."""
    return tuple(one for one in mesh.kubernetes_gateways if f"{one.namespace}/{one.name}" == name)


def pods_of(mesh: Mesh, gateway: KubernetesGateway) -> tuple[Workload, ...]:
    """The workloads at which the Gateway's listeners are opened: those of its Services, in its namespace (R901)."""
    pods = (workload for host in _service_of(mesh, gateway) for workload in mesh.workloads_of(host))
    return tuple(dict.fromkeys(pods))


def unseen_port_of(mesh: Mesh, one: Listening) -> int | None:
    """The port, taken as it is, on which pods that the input does not show open the listener; None where they do not."""
    number, home = one.listener.port, one.owner.namespace
    hosts = _service_of(mesh, one.owner)
    if number is None or not any(home_of(name, mesh.settings.cluster_domain) in ("", home) for name in one.services):
        return None
    return number if not hosts or any(host.port(number) is not None for host in hosts) else None


def pod_port_of(mesh: Mesh, one: Listening, workload: Workload) -> int | None:
    """The port of the workload's pods on which the listener is opened; None without a Service that has the port (R901)."""
    number = one.listener.port
    if number is None or workload.namespace != one.owner.namespace:
        return None
    hosts = (host for host in mesh.hosts_of(workload) if host.name in one.services)
    ports = [port for host in hosts if (port := host.port(number)) is not None]
    return (target_port(ports[0], workload) or number) if ports else None


def admits(namespaces: Namespaces | None, home: str, other: str, labels: Labels | None, usual: str) -> bool | None:
    """Whether what lies in *home* admits namespace *other*; without a word on it, what is *usual*.

    None where labels decide that the input does not show.
    """
    mode = (namespaces.from_ if namespaces is not None else "") or usual
    if mode != "Selector":
        return mode == "All" or (mode == "Same" and home == other)
    selector = namespaces.selector if namespaces is not None else None
    if selector is None:
        return False
    own = {"kubernetes.io/metadata.name": other}
    if labels is not None:
        return selector.selects({**own, **labels})
    asked = {*selector.match_labels, *(one.key for one in selector.match_expressions)}
    return selector.selects(own) if asked <= own.keys() else None


def _service_of(mesh: Mesh, gateway: KubernetesGateway) -> tuple[Host, ...]:
    return tuple(
        host
        for name in service_hosts(gateway, mesh.settings.cluster_domain)
        for host in mesh.hosts_named(name)
        if host.name == name and host.namespace == gateway.namespace
    )


def _by_gateway(mesh: Mesh) -> Mapping[Gateway, Listening]:
    return {one.gateway: one for one in listenings(mesh)}


def _parents(mesh: Mesh) -> frozenset[Parent]:
    gateways = (Parent("Gateway", one.namespace, one.name) for one in mesh.kubernetes_gateways)
    sets = (Parent("ListenerSet", one.namespace, one.name) for one in mesh.listener_sets)
    return frozenset((*gateways, *sets))


def _listenings(mesh: Mesh) -> Mapping[Parent, tuple[Listening, ...]]:
    classes = controllers(mesh.resources)
    # A control plane that the input does not show is taken to read what is experimental.
    has_alpha = is_enabled(mesh, _ALPHA, unseen=True)
    found: dict[Parent, tuple[Listening, ...]] = {}
    for owner in mesh.kubernetes_gateways:
        if not classes.get(owner.spec.gateway_class_name, Controller.FOREIGN).is_ingress:
            continue
        own = Parent("Gateway", owner.namespace, owner.name)
        found.setdefault(own, tuple(_opened(mesh, own, owner, owner.spec.listeners, has_alpha)))
        for more in _added(mesh, owner):
            parent = Parent("ListenerSet", more.namespace, more.name)
            found.setdefault(parent, tuple(_opened(mesh, parent, owner, more.spec.listeners, has_alpha)))
    return found


def _added(mesh: Mesh, owner: KubernetesGateway) -> Iterator[Resource[ListenerSetSpec]]:
    """The ListenerSets that add to a Gateway, which must let them: by default it does not."""
    allowed = owner.spec.allowed_listeners.namespaces if owner.spec.allowed_listeners is not None else None
    for one in mesh.listener_sets:
        ref = one.spec.parent_ref
        if ref is None or (ref.kind, ref.namespace or one.namespace, ref.name) != (
            "Gateway",
            owner.namespace,
            owner.name,
        ):
            continue
        if admits(allowed, owner.namespace, one.namespace, mesh.namespaces.get(one.namespace), "None"):
            yield one


def _opened(
    mesh: Mesh, parent: Parent, owner: KubernetesGateway, listed: tuple[Listener, ...], has_alpha: bool
) -> Iterator[Listening]:
    services = service_hosts(owner, mesh.settings.cluster_domain)
    for one in listed:
        is_open = one.protocol in KINDS and (one.protocol != "TCP" or has_alpha)
        yield Listening(parent, owner, one, _gateway(mesh, parent, owner, one), services, is_open)


def _gateway(mesh: Mesh, parent: Parent, owner: KubernetesGateway, one: Listener) -> Gateway:
    """The Istio Gateway that a listener becomes (R901, R902)."""
    server: Spelled = {
        "port": {"number": one.port, "name": "default", "protocol": one.protocol},
        "hosts": list(_hosts(mesh, parent, one)),
        "tls": _tls(one),
    }
    node = spelled({"servers": [spelled(server, one.node)]}, one.node)
    name = "/".join((owner.name, one.name) if parent.kind == "Gateway" else (owner.name, parent.name, one.name))
    ref = replace(owner.ref, name=name)
    return Resource(ref, owner.node, Metadata(node=owner.metadata.node), decode(GatewaySpec, node, []))


def _tls(one: Listener) -> Spelled:
    if one.protocol not in ("HTTPS", "TLS"):
        return None
    if one.protocol == "TLS" and one.is_passthrough:
        return {"mode": "PASSTHROUGH"}
    names = [ref.name for ref in one.tls.certificate_refs] if one.tls is not None else []
    return {"mode": "SIMPLE", "credentialName": names[0] if names else "none"}


def _hosts(mesh: Mesh, parent: Parent, one: Listener) -> Iterator[str]:
    """The server's hosts, with the namespaces whose routes it admits (R902)."""
    host = one.hostname.lower() or "*"
    allowed = one.allowed_routes.namespaces if one.allowed_routes is not None else None
    if allowed is not None and allowed.from_ == "All":
        yield f"*/{host}"
        return
    names = sorted({*mesh.known_namespaces, parent.namespace})
    admitted = [name for name in names if admits(allowed, parent.namespace, name, mesh.namespaces.get(name), "Same")]
    yield from (f"{name}/{host}" for name in admitted)
    if not admitted:
        yield f"~/{host}"
