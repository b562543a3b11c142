"""Gateways: the workloads they open servers on, and servers that get in one another's way there."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.mesh.scope import proxies_of
from meshlint.mesh.services import Protocol, protocol_of
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import nearest
from meshlint.mesh.workloads import Proxy
from meshlint.registry import checks
from meshlint.resources.base import Labels, Resource
from meshlint.resources.gateway import GatewaySpec, Server
from meshlint.source.node import Node

Gateway = Resource[GatewaySpec]


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A server of a Gateway together with the port it opens."""

    gateway: Gateway
    server: Server
    number: int
    kind: Protocol

    @property
    def protocol_node(self) -> Node:
        """Where the port's protocol is written."""
        return self.server.node.at("port", "protocol")

    @property
    def is_redirect(self) -> bool:
        """Whether every request is answered with a redirect (R610)."""
        return self.server.tls is not None and self.server.tls.https_redirect

    def host(self, entry: str) -> str:
        """The entry as Istio compares it: `./x` names the Gateway's namespace, `*/x` is `x` (R106)."""
        home, slash, name = entry.partition("/")
        if not slash or home == "*":
            return name or entry
        return f"{self.gateway.namespace if home == '.' else home}/{name}"


@dataclass(frozen=True, slots=True, eq=False)
class Clash:
    """What another server does to one: at which node of each it shows, and in words what is lost."""

    node: Node
    other: Opened
    place: Node
    message: str


@checks("MSH301")
def gateway_without_workload(mesh: Mesh) -> Iterator[Result]:
    """A Gateway whose selector chooses no workload: nothing listens (R601, R725)."""
    for gateway in mesh.gateways:
        selector = gateway.spec.selector
        if not selector or mesh.selected(selector):
            continue
        node = gateway.spec.node.at("selector")
        written = ", ".join(f"{key}={value}" for key, value in selector.items())
        if mesh.settings.world is World.COMPLETE or _holds_gateways(mesh, gateway.namespace):
            yield Problem(
                node,
                f"no workload has labels {written}, so nothing opens the servers of this Gateway",
                label="selects nothing",
                help=_selector_hint(mesh, selector),
            )
        else:
            yield Outside(node, f"workloads with labels {written}")


@checks("MSH303")
def conflicting_gateways(mesh: Mesh) -> Iterator[Result]:
    """TLS servers of several Gateways for one host on one port of a workload: the younger is skipped whole (R604)."""
    for group in _groups(mesh):
        by_host = _by_host(group)
        for opened in group:
            if opened.kind is Protocol.TLS:
                yield from _told(_same_host(mesh, opened, by_host))


@checks("MSH304")
def port_protocol_conflict(mesh: Mesh) -> Iterator[Result]:
    """Servers of several Gateways whose protocols cannot share a port of a workload: the younger is skipped (R603)."""
    for group in _groups(mesh):
        opaque = [opened for opened in group if opened.kind is Protocol.TCP]
        secure = [opened for opened in group if opened.kind is Protocol.TLS]
        plain = [opened for opened in group if opened.kind is Protocol.HTTP]
        for opened in group:
            others = _incompatible(opened, opaque, secure, plain)
            is_shared = any(set(opened.server.hosts) & set(other.server.hosts) for other in others)
            yield from _told(_other_protocol(mesh, opened, others), None if is_shared else ())


@checks("MSH313")
def redirect_spills(mesh: Mesh) -> Iterator[Result]:
    """A redirect to HTTPS is of the host and the port, whichever server asks for it (R610)."""
    for group in _groups(mesh):
        by_host = _by_host(group)
        for opened in group:
            if opened.kind is Protocol.HTTP:
                yield from _told(_same_host(mesh, opened, by_host))


def _holds_gateways(mesh: Mesh, namespace: str) -> bool:
    """Whether the input itself shows gateway workloads in the namespace, so that others would show as well."""
    if mesh.settings.world is World.PARTIAL:
        return False
    return any(one.proxy is Proxy.GATEWAY and not one.is_assumed for one in mesh.workloads_in(namespace))


def _selector_hint(mesh: Mesh, selector: Labels) -> str:
    gateways = [one for one in mesh.workloads if one.proxy is Proxy.GATEWAY]
    for key, value in selector.items():
        values = {one.labels[key] for one in gateways if key in one.labels}
        near = nearest(value, values) if value not in values else ""
        if near:
            return f"did you mean `{key}: {near}`?"
    return ""


def _opened(mesh: Mesh) -> Iterator[Opened]:
    for gateway in mesh.gateways:
        for server in gateway.spec.servers:
            if server.port is not None and server.port.number and server.port.protocol:
                yield Opened(gateway, server, server.port.number, _kind(server.port.protocol))


def _kind(protocol: str) -> Protocol:
    """How a gateway treats a server's port (R432, R433)."""
    return protocol_of(protocol.upper())


def _groups(mesh: Mesh) -> tuple[list[Opened], ...]:
    """The servers by what they bind to, where several Gateways have some."""
    return mesh.derived(_grouped, mesh)


def _grouped(mesh: Mesh) -> tuple[list[Opened], ...]:
    groups: dict[tuple[int, str], list[Opened]] = defaultdict(list)
    for opened in _opened(mesh):
        groups[opened.number, opened.server.bind].append(opened)
    return tuple(group for group in groups.values() if len({id(opened.gateway) for opened in group}) > 1)


def _by_host(group: list[Opened]) -> dict[str, list[Opened]]:
    by_host: dict[str, list[Opened]] = defaultdict(list)
    for opened in group:
        for name in dict.fromkeys(opened.host(entry).rpartition("/")[2] for entry in opened.server.hosts):
            by_host[name].append(opened)
    return by_host


def _told(clashes: Iterator[Clash], aliases: tuple[str, ...] | None = None) -> Iterator[Problem]:
    """One problem for a server, at the first place where it clashes with others."""
    found = list(clashes)
    if found:
        first = found[0]
        notes = tuple(Note(clash.place.span, f"Gateway `{_name(clash.other)}`") for clash in found)
        yield Problem(first.node, first.message, label="in conflict", notes=notes, aliases=aliases)


def _incompatible(opened: Opened, opaque: list[Opened], secure: list[Opened], plain: list[Opened]) -> list[Opened]:
    """The servers of a port that cannot stand beside this one, whatever their hosts (R603)."""
    if opened.kind is Protocol.TCP:
        return [*opaque, *secure, *plain]
    if opened.kind is Protocol.TLS:
        return [*opaque, *plain]
    return [*opaque, *secure] if opened.kind is Protocol.HTTP else []


def _same_host(mesh: Mesh, opened: Opened, by_host: dict[str, list[Opened]]) -> Iterator[Clash]:
    """Servers of the same kind that name the same host: TLS ones exclude one another, redirects spoil others."""
    for index, entry in enumerate(opened.server.hosts):
        own = opened.host(entry)
        node = opened.server.node.at("hosts", index)
        for other in by_host[own.rpartition("/")[2]]:
            if other.kind is not opened.kind or _go_together(opened, other) or not _meet(mesh, opened, other):
                continue
            for position, text in enumerate(other.server.hosts):
                theirs = other.host(text)
                message = _loss(opened, own, theirs)
                if message:
                    yield Clash(node, other, other.server.node.at("hosts", position), message)


def _go_together(opened: Opened, other: Opened) -> bool:
    """Whether two servers of one kind lose nothing by a common host: their routes are merged, or they have none."""
    if opened.kind is Protocol.HTTP:
        return opened.is_redirect == other.is_redirect
    return _is_automatic(opened) and _is_automatic(other)


def _loss(opened: Opened, own: str, theirs: str) -> str:
    """What is lost where two servers of one port name these hosts; nothing where they go together."""
    port = opened.number
    if opened.kind is Protocol.HTTP:
        if own != theirs:
            return ""
        return f"`{own}` on port {port} is redirected to HTTPS by one Gateway, and so is what another one serves there"
    if opened.kind is not Protocol.TLS or own.rpartition("/")[2] != theirs.rpartition("/")[2]:
        return ""
    if own == theirs:
        return (
            f"two Gateways open host `{own}` on port {port} of the same workloads: the server of the younger one is "
            "skipped with all its hosts"
        )
    return (
        f"`{own}` and `{theirs}` are one name to clients, on port {port} of the same workloads: Envoy refuses the whole "
        "listener"
    )


def _is_automatic(opened: Opened) -> bool:
    """Whether the server passes connections on by their SNI without any routes of its own (R615)."""
    return opened.server.tls is not None and opened.server.tls.mode == "AUTO_PASSTHROUGH"


def _other_protocol(mesh: Mesh, opened: Opened, others: list[Opened]) -> Iterator[Clash]:
    """Servers whose protocols cannot share a port: the younger one is skipped (R603)."""
    for other in others:
        if _meet(mesh, opened, other):
            own, theirs = _protocol(opened), _protocol(other)
            what = f"only one {own} server" if own == theirs else f"either {own} or {theirs}"
            message = (
                f"port {opened.number} of a workload takes {what}, and another Gateway opens it there too: the younger "
                "server is skipped"
            )
            yield Clash(opened.protocol_node, other, other.protocol_node, message)


def _protocol(opened: Opened) -> str:
    return opened.server.port.protocol.upper() if opened.server.port is not None else ""


def _meet(mesh: Mesh, one: Opened, other: Opened) -> bool:
    """Whether both Gateways, different objects, are applied to some common workload."""
    if one.gateway is other.gateway or mesh.are_alternatives(one.gateway, other.gateway):
        return False
    if one.gateway.spec.selector == other.gateway.spec.selector:
        return True
    return not set(proxies_of(mesh, one.gateway)).isdisjoint(proxies_of(mesh, other.gateway))


def _name(opened: Opened) -> str:
    return f"{opened.gateway.namespace}/{opened.gateway.name}"
