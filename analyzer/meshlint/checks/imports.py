"""What Sidecars import: hosts that do not exist where they are looked for, and hosts that routes need and no Sidecar imports."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.hosts import covers, half_qualified, home_of, is_internal, is_wildcard, overlaps
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.services import Host, HostPort, Protocol
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest_host
from meshlint.mesh.targets import SIDECARS, Target, imports, imports_host, is_missing, places, scopes_of, targets
from meshlint.registry import checks
from meshlint.resources.sidecar import Sidecar
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.source.node import Node

_BROUGHT_ALONG = (1, 5)
_HTTP_PORT = 80


@dataclass(frozen=True, slots=True, eq=False)
class _Import:
    """An entry `home/pattern` of a Sidecar's hosts; `home` is empty for all namespaces."""

    sidecar: Sidecar
    node: Node
    home: str
    pattern: str


@checks("MSH410")
def sidecar_hides_target(mesh: Mesh) -> Iterator[Result]:
    """A Sidecar that imports what is not there, or leaves out what its own namespace routes (R208, R505, R802)."""
    for sidecar in mesh.sidecars:
        for entry in _entries(sidecar):
            yield from _imports_nothing(mesh, entry)
    told: set[tuple[Node, str]] = set()
    for sidecar, vs, host, why in _hidden(mesh):
        node = _hosts_node(sidecar)
        if (node, host.name) not in told:
            told.add((node, host.name))
            yield Problem(
                node,
                f"host `{host.name}` is not imported, {why}",
                label="leaves out a host",
                notes=(Note(vs.span, "it is routed here"),),
                help=f"import `{host.namespace}/{host.name}` as well",
                aliases=(),
            )


def _entries(sidecar: Sidecar) -> Iterator[_Import]:
    for listener in sidecar.spec.egress or ():
        for index, text in enumerate(listener.hosts):
            home, slash, pattern = text.partition("/")
            if slash and pattern and pattern != "*" and home != "~":
                home = sidecar.namespace if home == "." else home
                yield _Import(sidecar, listener.node.at("hosts", index), "" if home == "*" else home, pattern)


def _imports_nothing(mesh: Mesh, entry: _Import) -> Iterator[Result]:
    if any(covers(entry.pattern, host.name) for host in _seen(mesh, entry)) or _imports_routes(mesh, entry):
        return
    domain = mesh.settings.cluster_domain
    home = entry.home or entry.sidecar.namespace
    full = half_qualified(entry.pattern, mesh.known_namespaces, domain)
    wider = [host for host in _seen(mesh, entry) if is_wildcard(host.name)]
    elsewhere = _elsewhere(mesh, entry)
    if wider:
        why = f"the entry is for `{wider[0].name}`, and a host of it is not that"
    elif full is not None and mesh.expects(Class.HOSTS, home):
        why = f"names are full here, as in `{full}`"
    elif elsewhere is not None:
        why = elsewhere
    elif is_missing(mesh, entry.pattern):
        why = "nothing has that host"
    else:
        yield Outside(entry.node, f"host {entry.pattern}")
        return
    yield Problem(
        entry.node,
        f"`{entry.pattern}` imports nothing: {why}",
        label="imports nothing",
        help=did_you_mean(nearest_host(mesh, entry.pattern)) if why.startswith("nothing") else "",
        aliases=() if wider else ("KIA1004",),
    )


def _seen(mesh: Mesh, entry: _Import) -> list[Host]:
    """The hosts of the entry's namespace that the Sidecar's pods may see and that have names in common with it."""
    found = (
        (host for host in mesh.hosts if overlaps(entry.pattern, host.name))
        if is_wildcard(entry.pattern)
        else (mesh.hosts_named(entry.pattern))
    )
    near = entry.sidecar.namespace
    return [one for one in found if entry.home in ("", one.namespace) and one.audience.includes(near)]


def _imports_routes(mesh: Mesh, entry: _Import) -> bool:
    """Whether the entry is there for VirtualServices, of which an import may name a host too (R205)."""
    domain = mesh.settings.cluster_domain
    return any(
        entry.home in ("", vs.namespace) and any(overlaps(entry.pattern, host) for host in hosts_of(vs, domain))
        for vs in mesh.virtual_services
    )


def _elsewhere(mesh: Mesh, entry: _Import) -> str | None:
    """Where the host is instead, in words; None where that is not certain."""
    domain = mesh.settings.cluster_domain
    home = home_of(entry.pattern, domain)
    if is_internal(entry.pattern, domain) and not is_wildcard(home) and entry.home not in ("", home):
        return f"a host of namespace `{home}` is not in `{entry.home}`"
    there = [one for one in mesh.hosts_named(entry.pattern) if one.name == entry.pattern]
    if not there or mesh.settings.world is World.PARTIAL:
        return None
    hidden = [one for one in there if not one.audience.includes(entry.sidecar.namespace)]
    if len(hidden) == len(there):
        return f"namespace `{hidden[0].namespace}` does not export it to `{entry.sidecar.namespace}`"
    return f"it is in namespace `{there[0].namespace}`" if mesh.expects(Class.HOSTS, entry.home) else None


def _hidden(mesh: Mesh) -> Iterator[tuple[Sidecar, Node, Host, str]]:
    """What a namespace's VirtualServices need and its Sidecars do not import, with the reason why it is needed."""
    for vs in mesh.virtual_services:
        scopes = [one for one in scopes_of(mesh, vs.namespace) if one is not None]
        if not scopes or len(scopes) < len(scopes_of(mesh, vs.namespace)) or not imports(mesh, vs.namespace, vs):
            continue
        for one in targets(mesh, vs):
            if SIDECARS not in places(mesh, one):
                continue
            yield from ((scope, *found) for found in _hidden_of(mesh, vs.spec, one) for scope in scopes)


def _hidden_of(mesh: Mesh, spec: VirtualServiceSpec, target: Target) -> Iterator[tuple[Node, Host, str]]:
    """Of one route its destination, where the release does not bring it along, and the hosts that it is for (R208, R505)."""
    vs = target.vs
    if mesh.settings.istio_version < _BROUGHT_ALONG:
        host = _left_out(mesh, vs.namespace, target.host)
        if host is not None:
            yield target.node, host, "so that this release has no cluster for the route to it"
        return
    for index, name in enumerate(hosts_of(vs, mesh.settings.cluster_domain)):
        host = _left_out(mesh, vs.namespace, name)
        port = next((one for one in host.ports if _is_lost(one, target)), None) if host is not None else None
        if host is not None and port is not None:
            yield spec.node.at("hosts", index), host, f"so that its routes are not applied on port {port.number}"


def _left_out(mesh: Mesh, client: str, name: str) -> Host | None:
    """The host of that very name, where the namespace may see it and no Sidecar of it imports it."""
    found = [one for one in mesh.hosts_named(name) if one.name == name]
    if not found or any(imports_host(mesh, client, one) or not one.audience.includes(client) for one in found):
        return None
    return found[0]


def _is_lost(port: HostPort, target: Target) -> bool:
    """Whether a route for an unknown host does nothing on the port: only HTTP on port 80 is left (R208, E53)."""
    if target.block != "http":
        return port.protocol in (Protocol.TLS, Protocol.TCP)
    return port.protocol.may_be_http and port.number != _HTTP_PORT


def _hosts_node(sidecar: Sidecar) -> Node:
    """The list of hosts to extend: that of the entry for all remaining ports, which comes last (R803)."""
    count = len(sidecar.spec.egress or ())
    return sidecar.spec.node.at("egress", count - 1, "hosts") if count else sidecar.spec.node
