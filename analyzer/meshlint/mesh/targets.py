"""Targets: every place to which a VirtualService sends or copies requests, and the clients for which it does so."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from meshlint.mesh.destinations import clients_that_differ
from meshlint.mesh.hosts import home_of, is_wildcard, overlaps, qualify
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.routing import bound_gateways, gateway_name
from meshlint.mesh.scope import gateways_named, hosts_of, proxies_of
from meshlint.mesh.services import Host
from meshlint.mesh.settings import World
from meshlint.mesh.visibility import EVERYONE
from meshlint.mesh.workloads import Proxy
from meshlint.resources.base import Resource
from meshlint.resources.sidecar import Sidecar
from meshlint.resources.virtual_service import (
    Destination,
    HTTPMatch,
    HTTPRoute,
    L4Match,
    L4Route,
    VirtualServiceSpec,
)
from meshlint.source.node import Node

VirtualService = Resource[VirtualServiceSpec]
SIDECARS = "mesh"


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One destination of a route, or one that gets copies of its requests. `host` is its full name (R101)."""

    vs: VirtualService
    block: str
    route: HTTPRoute | L4Route
    destination: Destination
    host: str
    is_mirror: bool = False
    is_weightless: bool = False

    @property
    def node(self) -> Node:
        """Where the destination is written."""
        return self.destination.node


def targets(mesh: Mesh, vs: VirtualService) -> tuple[Target, ...]:
    """The targets of all routes of *vs* that name a host."""
    return mesh.derived(_targets, mesh, vs)


def all_targets(mesh: Mesh) -> Iterator[Target]:
    """The targets of all VirtualServices."""
    for vs in mesh.virtual_services:
        yield from targets(mesh, vs)


def registered(mesh: Mesh, host: str) -> tuple[Host, ...]:
    """What the registry knows of a full name: hosts of just that name, else wildcards that overlap it."""
    found = mesh.hosts_named(host)
    exact = tuple(one for one in found if one.name == host)
    return exact or found


def unregistered(mesh: Mesh, host: str, vs: VirtualService) -> Host:
    """A host that no registry has, as far as its name tells of it; *vs* is what names it."""
    return Host(host, home_of(host, mesh.settings.cluster_domain), (), EVERYONE, vs)


def is_missing(mesh: Mesh, host: str) -> bool:
    """Whether a full name that is in no registry may be called missing: the *world*'s answer.

    The API server's own service is in every cluster and in no manifest.
    """
    domain = mesh.settings.cluster_domain
    home = home_of(host, domain)
    if host == f"kubernetes.default.svc.{domain}":
        return False
    if not home or is_wildcard(home):
        return mesh.settings.world is World.COMPLETE
    return mesh.expects(Class.HOSTS, home)


def users(mesh: Mesh, vs: VirtualService) -> tuple[VirtualService, ...]:
    """The VirtualServices by which the routes of *vs* act: itself, or the roots of a delegate (R220)."""
    if vs.spec.hosts:
        return (vs,)
    return mesh.derived(_roots, mesh).get((vs.namespace, vs.name), ())


def places(mesh: Mesh, target: Target) -> frozenset[str]:
    """Where the target's route is kept: `mesh` for sidecars, else full names of Gateways (R231, R235)."""
    bound = frozenset(place for root in users(mesh, target.vs) for place in bound_gateways(root))
    if not target.route.match:
        return bound
    return frozenset().union(*(_places_of(match, target.vs, bound) for match in target.route.match))


def gateway_clients(mesh: Mesh, place: str) -> frozenset[str]:
    """The namespaces of the proxies of a Gateway `namespace/name`, as far as the input shows them (R601)."""
    return mesh.derived(_gateway_clients, mesh, place)


def clients(mesh: Mesh, target: Target, host: Host) -> tuple[str, ...]:
    """The namespaces whose proxies use the target and may have rules of their own for *host*.

    These are the namespaces of gateways, those with rules for the host, its own one and that of the VirtualService.
    """
    found: set[str] = set()
    for place in places(mesh, target):
        if place != SIDECARS:
            found.update(gateway_clients(mesh, place))
            continue
        for root in users(mesh, target.vs):
            audience = mesh.audience_of(root)
            near = (one for one in _near(mesh, root, host) if audience.includes(one))
            found.update(one for one in near if imports(mesh, one, root))
    wanted = _source_namespaces(target)
    return tuple(sorted(found if wanted is None else found & wanted))


def imports(mesh: Mesh, client: str, vs: VirtualService) -> bool:
    """Whether all sidecars of namespace *client* load *vs*, as far as Sidecar resources decide (R205, R801)."""
    hosts = hosts_of(vs, mesh.settings.cluster_domain)
    return all(one is None or _imports(one, client, vs.namespace, hosts) for one in scopes_of(mesh, client))


def imports_host(mesh: Mesh, client: str, host: Host) -> bool:
    """Whether some sidecar of namespace *client* knows *host*, as far as Sidecar resources decide (R802)."""
    return imports_all(mesh, client, (host,))


def imports_all(mesh: Mesh, client: str, hosts: Iterable[Host]) -> bool:
    """Whether some one sidecar of namespace *client* knows all *hosts*, as far as Sidecar resources decide (R802)."""
    wanted = [(host.namespace, (host.name,)) for host in hosts]
    return any(
        one is None or all(_imports(one, client, home, names) for home, names in wanted)
        for one in scopes_of(mesh, client)
    )


def scopes_of(mesh: Mesh, client: str) -> tuple[Sidecar | None, ...]:
    """The Sidecar resources that may apply to pods of a namespace: its own, else the mesh's defaults (R801).

    None stands for pods to which none applies.
    """
    by_namespace = mesh.derived(_sidecars, mesh)
    own = by_namespace.get(client, ())
    if any(is_for_all(one) for one in own):
        return own
    root = by_namespace.get(mesh.config.root_namespace, ())
    return (*own, *([one for one in root if one.spec.workload_selector is None] or (None,)))


def is_for_all(sidecar: Sidecar) -> bool:
    """Whether a Sidecar is for all pods of its namespace, or as the root namespace's for those of the mesh (R801)."""
    return sidecar.spec.workload_selector is None or not sidecar.spec.workload_selector.labels


def _targets(mesh: Mesh, vs: VirtualService) -> tuple[Target, ...]:
    blocks: tuple[tuple[str, Iterable[HTTPRoute | L4Route]], ...] = (
        ("http", vs.spec.http),
        ("tls", vs.spec.tls),
        ("tcp", vs.spec.tcp),
    )
    return tuple(target for block, routes in blocks for route in routes for target in _of_route(mesh, vs, block, route))


def _of_route(mesh: Mesh, vs: VirtualService, block: str, route: HTTPRoute | L4Route) -> Iterator[Target]:
    domain = mesh.settings.cluster_domain
    for one in route.route:
        to = one.destination
        if to is not None and to.host:
            is_weightless = len(route.route) > 1 and not one.weight
            host = qualify(to.host, vs.namespace, domain)
            yield Target(vs, block, route, to, host, is_weightless=is_weightless)
    if isinstance(route, HTTPRoute):
        for to in (route.mirror, *(mirror.destination for mirror in route.mirrors)):
            if to is not None and to.host:
                yield Target(vs, block, route, to, qualify(to.host, vs.namespace, domain), is_mirror=True)


def _roots(mesh: Mesh) -> dict[tuple[str, str], tuple[VirtualService, ...]]:
    found: dict[tuple[str, str], tuple[VirtualService, ...]] = {}
    for vs in mesh.virtual_services:
        for route in vs.spec.http:
            if route.delegate is not None and vs.spec.hosts:
                key = (route.delegate.namespace or vs.namespace, route.delegate.name)
                found[key] = (*found.get(key, ()), vs)
    return found


def _places_of(match: HTTPMatch | L4Match, vs: VirtualService, bound: frozenset[str]) -> frozenset[str]:
    named = frozenset(gateway_name(name, vs.namespace) for name in match.gateways)
    return bound & named if named else bound


def _near(mesh: Mesh, vs: VirtualService, host: Host) -> set[str]:
    """Namespaces with clients. That of *vs* counts without a workload too, where the host's shows none either."""
    running = mesh.derived(_sidecar_namespaces, mesh)
    found = {*clients_that_differ(mesh, host), *({vs.namespace, host.namespace} & running)}
    if host.namespace not in running or vs.namespace == host.namespace:
        found.add(vs.namespace)
    return found


def _source_namespaces(target: Target) -> set[str] | None:
    """The only namespaces in which the route is kept, None where it is kept in all (R230, R231)."""
    matches = target.route.match
    if not matches or any(not match.source_namespace or match.gateways for match in matches):
        return None
    return {match.source_namespace for match in matches}


def _gateway_clients(mesh: Mesh, place: str) -> frozenset[str]:
    found: set[str] = set()
    for gateway in gateways_named(mesh, place):
        found.update(one.namespace for one in proxies_of(mesh, gateway))
    for one in mesh.kubernetes_gateways:
        if f"{one.namespace}/{one.name}" == place:
            found.add(one.namespace)
    return frozenset(found)


def _sidecar_namespaces(mesh: Mesh) -> frozenset[str]:
    """The namespaces in which the input shows a workload that may have a sidecar."""
    return frozenset(one.namespace for one in mesh.workloads if one.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN))


def _sidecars(mesh: Mesh) -> Mapping[str, tuple[Sidecar, ...]]:
    found: dict[str, tuple[Sidecar, ...]] = {}
    for one in mesh.sidecars:
        found[one.namespace] = (*found.get(one.namespace, ()), one)
    return found


def _imports(sidecar: Sidecar, client: str, namespace: str, hosts: tuple[str, ...]) -> bool:
    """Whether some egress entry admits one of an object's *hosts*; without entries all are admitted (R803)."""
    if not sidecar.spec.egress:
        return True
    return any(_admits(entry, client, namespace, hosts) for listener in sidecar.spec.egress for entry in listener.hosts)


def _admits(entry: str, client: str, namespace: str, hosts: tuple[str, ...]) -> bool:
    home, _, pattern = entry.partition("/")
    wanted = client if home == "." else home
    return wanted in ("*", namespace) and any(overlaps(pattern, host) for host in hosts)
