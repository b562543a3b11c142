"""What one client's proxy knows of the mesh: its Sidecar, its VirtualServices in their order, and its hosts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meshlint.mesh import history
from meshlint.mesh.hosts import covers, is_wildcard, overlaps
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client
from meshlint.mesh.outbound import REGISTRY_ONLY
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.services import Host, HostPort, Protocol, addresses
from meshlint.mesh.targets import SIDECARS
from meshlint.mesh.translated import all_virtual_services
from meshlint.resources.base import Resource, selects
from meshlint.resources.record import Record
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.resources.sidecar import EgressListener, Sidecar
from meshlint.resources.virtual_service import Destination, VirtualServiceSpec
from meshlint.resources.workload import ServiceSpec
from meshlint.source.node import Node

VirtualService = Resource[VirtualServiceSpec]


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """All that a proxy's choice of routes starts from.

    `services` are the VirtualServices it loads in the order in which Istio visits them (R204); `exact` and `wide` find
    them by their hosts' full names. `sidecar` limits the hosts; gateways have none (R805).
    """

    namespace: str
    sidecar: Sidecar | None
    services: tuple[VirtualService, ...]
    exact: Mapping[str, tuple[VirtualService, ...]]
    wide: Mapping[str, tuple[VirtualService, ...]]
    is_gateway: bool = False

    def rank(self, vs: VirtualService) -> int:
        """The place of *vs* in the order."""
        return self.services.index(vs)


def age(resource: Resource[Record]) -> tuple[str, str, str]:
    """The key by which Istio orders objects: creation time, name, namespace (R204); manifests mostly lack the first."""
    created = resource.node.get("metadata", "creationTimestamp")
    return (str(created.value) if created is not None and created.value else "", resource.name, resource.namespace)


def view(mesh: Mesh, client: Client, port: int | None = None) -> View:
    """What the client's proxy knows (R801, R203-R205): for all ports together, or for the listener of one (R803)."""
    chosen = sidecar_of(mesh, client)
    listeners = None if port is None or chosen is None else _owning(chosen, port)
    return mesh.derived(_view, mesh, client.namespace, chosen, listeners, is_gateway=client.is_gateway)


def sidecar_of(mesh: Mesh, client: Client) -> Sidecar | None:
    """The one Sidecar that applies to the client, if any (R801)."""
    if client.is_gateway:
        return None
    return mesh.derived(_sidecar, mesh, client.namespace, client.labels)


def bound_to(mesh: Mesh, seen: View, place: str) -> tuple[VirtualService, ...]:
    """The VirtualServices of the view that a Gateway `namespace/name` uses, in their order (R201)."""
    return mesh.derived(_by_place, seen).get(place, ())


def listener_of(seen: View, port: int) -> tuple[EgressListener, ...] | None:
    """The egress entries that own the port, else those without one; None where all hosts are imported (R803)."""
    return _owning(seen.sidecar, port) if seen.sidecar is not None else None


def known(mesh: Mesh, seen: View, name: str) -> tuple[Host, ...]:
    """The host that the proxy means by a full name (R506), with the ServiceEntries that share its namespace (R708).

    A host that a Sidecar imports comes before those that only routes bring along (R505).
    """
    return mesh.derived(_known, mesh, seen, name)


def concrete(mesh: Mesh, seen: View, host: Host) -> Host | None:
    """The host itself, or for an ExternalName service the host that it is an alias of; None where there is none (R112)."""
    passed: list[Host] = []
    while is_alias(mesh, host) and host not in passed:
        passed.append(host)
        spec = host.resource.spec
        target = known(mesh, seen, spec.external_name) if isinstance(spec, ServiceSpec) else ()
        if not target:
            return None
        host = target[0]
    return None if is_alias(mesh, host) else host


def is_alias(mesh: Mesh, host: Host) -> bool:
    """Whether the host only stands for another one, as ExternalName services do (R112)."""
    return host.is_external_name and mesh.settings.istio_version >= history.ALIASES


def sees(mesh: Mesh, seen: View, host: Host, port: int) -> bool:
    """Whether the proxy has listeners, virtual hosts and clusters of *host* on the port (R802, R803)."""
    del mesh
    if not host.audience.includes(seen.namespace):
        return False
    listeners = listener_of(seen, port)
    if listeners is None:
        return True
    return _imports(listeners, seen.namespace, host)


def visible_on(mesh: Mesh, seen: View, port: int) -> tuple[tuple[Host, HostPort], ...]:
    """The hosts that the proxy knows on a port, older ones first (R444)."""
    return mesh.derived(_visible_on, mesh, seen, port)


def outbound_policy(mesh: Mesh, client: Client) -> tuple[bool, Node | None]:
    """Whether only registered hosts may be called, and the node that says so (R704, R705); before 1.1 none but those may (L74)."""
    release = mesh.settings.istio_version
    if release < history.SCOPES:
        return True, None
    chosen = sidecar_of(mesh, client) if release >= history.SIDECAR_POLICY else None
    own = chosen.spec.outbound_traffic_policy if chosen is not None else None
    if own is not None:
        return own.mode in ("", REGISTRY_ONLY), own.node
    policy = mesh.config.outbound_traffic_policy
    return mesh.config.outbound_mode == REGISTRY_ONLY, policy.node if policy is not None else None


def egress_proxy(mesh: Mesh, client: Client) -> Destination | None:
    """Where the client's Sidecar sends what is unknown instead of where it goes (R706)."""
    chosen = sidecar_of(mesh, client)
    own = chosen.spec.outbound_traffic_policy if chosen is not None else None
    return own.egress_proxy if own is not None else None


def has_address(host: Host) -> bool:
    """Whether the host has addresses of its own to listen on; networks are none (R442)."""
    spec = host.resource.spec
    return bool(addresses(host)) if isinstance(spec, ServiceEntrySpec) else not host.is_external_name


def _sidecar(mesh: Mesh, namespace: str, labels: tuple[tuple[str, str], ...]) -> Sidecar | None:
    by_age = sorted(mesh.sidecars, key=age)
    own = [one for one in by_age if one.namespace == namespace]
    chosen = [
        one
        for one in own
        if one.spec.workload_selector is not None and selects(one.spec.workload_selector.labels, dict(labels))
    ]
    plain = [one for one in own if one.spec.workload_selector is None]
    root = mesh.config.root_namespace
    shared = [one for one in by_age if one.namespace == root and one.spec.workload_selector is None]
    return next(iter((*chosen, *plain, *shared)), None)


def _view(
    mesh: Mesh,
    namespace: str,
    chosen: Sidecar | None,
    listeners: tuple[EgressListener, ...] | None,
    *,
    is_gateway: bool,
) -> View:
    entries = listeners if listeners is not None else (chosen.spec.egress or None) if chosen is not None else None
    loaded = [
        vs for vs in _near(mesh, entries, namespace) if vs.spec.hosts and mesh.audience_of(vs).includes(namespace)
    ]
    if not is_gateway:
        loaded = [vs for vs in loaded if SIDECARS in bound_gateways(vs) and _loads(mesh, entries, namespace, vs)]
    ordered = tuple(sorted(loaded, key=lambda vs: (_reach(mesh, vs, namespace), *age(vs))))
    exact: dict[str, tuple[VirtualService, ...]] = {}
    wide: dict[str, tuple[VirtualService, ...]] = {}
    for vs in ordered:
        for name in dict.fromkeys(one.lower() for one in mesh.derived(_names, mesh, vs)):
            pool = wide if is_wildcard(name) else exact
            pool[name] = (*pool.get(name, ()), vs)
    return View(namespace, chosen, ordered, exact, wide, is_gateway)


def _reach(mesh: Mesh, vs: VirtualService, namespace: str) -> int:
    """0 for what is private to the namespace, 1 for what is exported to it by name, 2 for what is public (R204)."""
    audience = mesh.audience_of(vs)
    if audience.namespaces is None:
        return 2
    return 0 if vs.namespace == namespace else 1


def _near(mesh: Mesh, entries: tuple[EgressListener, ...] | None, namespace: str) -> Iterator[VirtualService]:
    """The VirtualServices of all namespaces that some egress entry names: only they can be admitted (R205)."""
    if entries is None:
        homes = {"*"}
    else:
        named = (entry.partition("/")[0] for listener in entries for entry in listener.hosts)
        homes = {namespace if home == "." else home for home in named}
    for home, services in mesh.derived(_by_home, mesh).items():
        if "*" in homes or home in homes:
            yield from services


def _by_home(mesh: Mesh) -> Mapping[str, list[VirtualService]]:
    found: dict[str, list[VirtualService]] = {}
    for vs in all_virtual_services(mesh):
        found.setdefault(vs.namespace, []).append(vs)
    return found


def _names(mesh: Mesh, vs: VirtualService) -> tuple[str, ...]:
    return hosts_of(vs, mesh.settings.cluster_domain)


def _loads(mesh: Mesh, entries: tuple[EgressListener, ...] | None, namespace: str, vs: VirtualService) -> bool:
    """Whether some egress entry admits one of the VirtualService's hosts (R205)."""
    if entries is None:
        return True
    names = mesh.derived(_names, mesh, vs)
    for listener in entries:
        for entry in listener.hosts:
            home, _, pattern = entry.partition("/")
            wanted = namespace if home == "." else home
            if wanted in ("*", vs.namespace) and any(overlaps(pattern, name) for name in names):
                return True
    return False


def _owning(chosen: Sidecar, port: int) -> tuple[EgressListener, ...] | None:
    entries = chosen.spec.egress
    if not entries:
        return None
    owning = tuple(one for one in entries if one.port is not None and one.port.number == port)
    return owning or tuple(one for one in entries if one.port is None)


def _known(mesh: Mesh, seen: View, name: str) -> tuple[Host, ...]:
    found = [one for one in mesh.hosts_named(name) if one.name == name and one.audience.includes(seen.namespace)]
    entries = seen.sidecar.spec.egress if seen.sidecar is not None else None
    imported = [one for one in found if _imports(entries, seen.namespace, one)] if entries else found
    ranked = sorted(
        imported or found, key=lambda one: (*_rank(seen, one, is_imported=bool(imported)), *age(one.resource))
    )
    if not ranked:
        return ()
    best = ranked[0]
    return (
        best,
        *(
            one
            for one in ranked[1:]
            if best.is_service_entry and one.is_service_entry and one.namespace == best.namespace
        ),
    )


def _rank(seen: View, host: Host, *, is_imported: bool) -> tuple[bool, bool, int]:
    """Who comes first: the client's own namespace and Kubernetes; gateways ask how private a host is instead (R506)."""
    spread = 0 if host.audience.is_private(seen.namespace) else 1 if host.audience.namespaces is not None else 2
    if seen.is_gateway:
        return (False, host.is_service_entry, spread)
    return (is_imported and host.namespace != seen.namespace, host.is_service_entry, 0)


def _imports(listeners: tuple[EgressListener, ...], namespace: str, host: Host) -> bool:
    return any(_admits(entry, namespace, host) for one in listeners for entry in one.hosts)


def _admits(entry: str, namespace: str, host: Host) -> bool:
    home, _, pattern = entry.partition("/")
    return (namespace if home == "." else home) in ("*", host.namespace) and covers(pattern, host.name)


def _by_place(seen: View) -> Mapping[str, tuple[VirtualService, ...]]:
    found: dict[str, tuple[VirtualService, ...]] = {}
    for vs in seen.services:
        for place in bound_gateways(vs):
            found[place] = (*found.get(place, ()), vs)
    return found


def _visible_on(mesh: Mesh, seen: View, port: int) -> tuple[tuple[Host, HostPort], ...]:
    pairs = mesh.derived(_by_port, mesh).get(port, ())
    return tuple((host, one) for host, one in pairs if _is_open(mesh, seen, host, port))


def _is_open(mesh: Mesh, seen: View, host: Host, port: int) -> bool:
    return not is_alias(mesh, host) and sees(mesh, seen, host, port) and host in known(mesh, seen, host.name)


def _by_port(mesh: Mesh) -> Mapping[int, list[tuple[Host, HostPort]]]:
    found: dict[int, list[tuple[Host, HostPort]]] = {}
    for host in sorted(mesh.hosts, key=lambda host: age(host.resource)):
        for port in host.ports:
            if port.protocol is not Protocol.UDP:
                found.setdefault(port.number, []).append((host, port))
    return found
