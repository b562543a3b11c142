"""What gateway pods open: the servers of all their Gateways, merged, and their virtual hosts (R601-R615, R215-R218)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from meshlint.mesh import history
from meshlint.mesh.applied import Kept, apart, kept
from meshlint.mesh.control_plane import variable
from meshlint.mesh.gateway_classes import GATEWAY_NAME
from meshlint.mesh.hosts import covers, is_loopback, narrower, overlaps, specificity
from meshlint.mesh.kubernetes_gateways import all_gateways, listening_at, pod_port_of, unseen_port_of
from meshlint.mesh.listeners import FilterChain, kept_l4
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client, takes
from meshlint.mesh.refusals import Refusal, refusal
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.services import Protocol, protocol_of
from meshlint.mesh.view import age, bound_to, view
from meshlint.mesh.workloads import target_port
from meshlint.resources.base import Resource, selects
from meshlint.resources.gateway import Gateway, Server
from meshlint.resources.virtual_service import VirtualServiceSpec

VirtualService = Resource[VirtualServiceSpec]


_FIRST_FREE = 1024


class Use(Enum):
    """What a server does with connections, and so which routes it uses (R456)."""

    HTTP = "HTTP"
    HTTPS = "HTTPS"
    TCP = "TCP"
    TLS = "terminated TLS"
    PASSTHROUGH = "TLS passed through"
    AUTO = "TLS passed through by its SNI"

    @property
    def is_plain(self) -> bool:
        """Whether connections come without TLS."""
        return self in (Use.HTTP, Use.TCP)


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A server at gateway pods. `port` is the one it declares, `pod_port` the one it listens on (R605).

    `skipped` says why Istio leaves it out.
    """

    gateway: Gateway
    server: Server
    use: Use
    port: int
    pod_port: int
    skipped: str = ""

    @property
    def place(self) -> str:
        """The Gateway as `namespace/name`."""
        return f"{self.gateway.namespace}/{self.gateway.name}"

    def host_for(self, entry: str, namespace: str) -> str | None:
        """The host of one of the server's entries, as VirtualServices of *namespace* see it (R106, R215)."""
        home, slash, host = entry.partition("/")
        if not slash:
            return entry
        wanted = self.gateway.namespace if home == "." else home
        return host if wanted in ("*", namespace) else None

    @property
    def snis(self) -> tuple[str, ...]:
        """The SNIs that choose the server (R614)."""
        return tuple(entry.rpartition("/")[2] for entry in self.server.hosts)


@dataclass(frozen=True, slots=True, eq=False)
class Domain:
    """A virtual host of a gateway: the rules of all VirtualServices that have it, and who asks to come by HTTPS (R610)."""

    name: str
    services: tuple[VirtualService, ...]
    rules: tuple[Kept, ...]
    redirect: Opened | None


def opened(mesh: Mesh, client: Client) -> tuple[Opened, ...]:
    """The servers of all Gateways that the pods take, in order, with those that are skipped (R601-R604)."""
    return mesh.derived(_opened, mesh, client)


def reached(servers: list[Opened], address: str | None) -> tuple[Opened, ...] | None:
    """Those of a port's servers whose listener takes a connection: that of its address, else that of all (R603).

    None where they are bound to addresses and it is not known which of them is called.
    """
    binds = dict.fromkeys(one.server.bind for one in servers)
    if len(binds) > 1 or any(is_loopback(bind) for bind in binds):
        wild = next((bind for bind in ("", "0.0.0.0", "::") if bind in binds), None)  # noqa: S104 - what Gateways say
        chosen = address if address in binds else wild
        if chosen is None and any(not is_loopback(bind) for bind in binds):
            return None
        return tuple(one for one in servers if one.server.bind == chosen)
    return tuple(servers)


def pod_port(mesh: Mesh, client: Client, port: int) -> int:
    """Where connections to a port of the gateway's Service come in; a port it does not have is taken as it is (R605)."""
    if client.workload is None:
        return port
    for host in sorted(mesh.hosts_of(client.workload), key=lambda one: age(one.resource)):
        found = host.port(port)
        if found is not None:
            return target_port(found, client.workload) or port
    return port


def domain(
    mesh: Mesh, client: Client, servers: tuple[Opened, ...], name: str, port: int | None = None
) -> Domain | None:
    """The virtual host of these servers that takes requests for a domain (R214, R218).

    *port* is that of the Host header; before 1.6 only `*` has requests for a port that is no server's (R1011).
    """
    domains = mesh.derived(_domains, mesh, client, servers)
    if mesh.settings.istio_version < history.ANY_PORT_AT_GATEWAYS and port not in (None, *(s.port for s in servers)):
        return domains.get("*")
    if name in domains:
        return domains[name]
    fitting = [one for one in domains if covers(one, name)]
    return domains[min(fitting, key=specificity)] if fitting else None


def refused(mesh: Mesh, client: Client, servers: tuple[Opened, ...]) -> Refusal | None:
    """What Envoy stumbles over in the routes that these servers share (R404); None where it takes them."""
    return mesh.derived(_refused, mesh, client, servers)


def chains(mesh: Mesh, client: Client, servers: Iterable[Opened]) -> Iterator[tuple[Opened, FilterChain]]:
    """The chains of servers that choose by SNI or take bytes (R456, R457, R614)."""
    used: set[str] = set()
    for one in servers:
        match one.use:
            case Use.HTTPS:
                used.update(one.snis)
                yield one, FilterChain(one.snis, (), None, node=one.server.node)
            case Use.TLS | Use.TCP:
                used.update(one.snis if one.use is Use.TLS else ())
                chain = _tcp_chain(mesh, client, one)
                if chain is not None:
                    yield one, chain
            case Use.PASSTHROUGH:
                for chain in _passthrough(mesh, client, one):
                    if used.isdisjoint(chain.snis):
                        used.update(chain.snis)
                        yield one, chain
            case Use.AUTO | Use.HTTP:
                continue


def _opened(mesh: Mesh, client: Client) -> tuple[Opened, ...]:
    found: list[Opened] = []
    for gateway in sorted(all_gateways(mesh), key=age):
        for server in gateway.spec.servers:
            if server.port is None or server.port.number is None:
                continue
            there = _pod_port(mesh, client, gateway, server.port.number)
            if there is None:
                continue
            one = Opened(gateway, server, _use(server), server.port.number, there)
            rivals = [other for other in found if _shares(one, other) and not other.skipped]
            found.append(replace(one, skipped=_forbidden(client, there) or _clash(one, rivals)))
    return tuple(found)


def _pod_port(mesh: Mesh, client: Client, gateway: Gateway, port: int) -> int | None:
    """The port of the pods on which a server is opened; None where the pods are not the Gateway's (R601, R901)."""
    listening = listening_at(mesh, gateway)
    if listening is None:
        if not (selects(gateway.spec.selector, client.label_map) and takes(mesh, client.namespace, gateway)):
            return None
        return port if mesh.settings.istio_version < history.TARGET_PORTS else pod_port(mesh, client, port)
    if client.workload is not None:
        return pod_port_of(mesh, listening, client.workload)
    owner = listening.owner
    is_own = (client.namespace, client.label_map.get(GATEWAY_NAME)) == (owner.namespace, owner.name)
    return unseen_port_of(mesh, listening) if is_own else None


def _use(server: Server) -> Use:
    protocol = server.port.protocol if server.port is not None else ""
    mode = server.tls.mode if server.tls is not None else ""
    match protocol_of(protocol):
        case Protocol.HTTP:
            return Use.HTTP
        case Protocol.TLS if mode == "PASSTHROUGH":
            return Use.PASSTHROUGH
        case Protocol.TLS if mode == "AUTO_PASSTHROUGH":
            return Use.AUTO
        case Protocol.TLS:
            return Use.HTTPS if protocol.upper() == "HTTPS" else Use.TLS
        case _:
            return Use.TCP


def _shares(one: Opened, other: Opened) -> bool:
    return one.pod_port == other.pod_port and one.server.bind == other.server.bind


def _forbidden(client: Client, port: int) -> str:
    """Why the pods cannot open the port: those without privileges open none below 1024 (R605)."""
    if port >= _FIRST_FREE or client.workload is None:
        return ""
    node = client.workload.resource.node
    pod = node.get("spec", "template", "spec") or node.get("spec")
    marked = variable(pod.at("containers"), "ISTIO_META_UNPRIVILEGED_POD") if pod is not None else None
    return f"pods without privileges cannot open port {port}" if marked == "true" else ""


def _clash(one: Opened, rivals: list[Opened]) -> str:
    """Why a server is left out: the first to come has the port, or the host (R603, R604)."""
    plain = next((other for other in rivals if other.use.is_plain), None)
    if not one.use.is_plain:
        if plain is not None:
            return f"port {one.port} is plaintext for Gateway {plain.place}"
        taken = {_full(entry, other) for other in rivals for entry in other.server.hosts}
        shared = next((entry for entry in one.server.hosts if _full(entry, one) in taken), None)
        return f"host `{shared}` is taken on port {one.port}" if shared is not None else ""
    if plain is not None and Use.TCP in (one.use, plain.use):
        return f"port {one.port} is {plain.use.value} for Gateway {plain.place}"
    return ""


def _full(entry: str, one: Opened) -> str:
    home, slash, host = entry.partition("/")
    if not slash:
        return entry
    return host if home == "*" else f"{one.gateway.namespace if home == '.' else home}/{host}"


def _refused(mesh: Mesh, client: Client, servers: tuple[Opened, ...]) -> Refusal | None:
    domains = mesh.derived(_domains, mesh, client, servers)
    return refusal(mesh, (rule for one in domains.values() for rule in one.rules))


def _domains(mesh: Mesh, client: Client, servers: tuple[Opened, ...]) -> Mapping[str, Domain]:
    found: dict[str, Domain] = {}
    for one in servers:
        redirect = one if one.server.tls is not None and one.server.tls.https_redirect else None
        for vs, name in _shared_hosts(mesh, client, one):
            rules = _rules(mesh, client, servers, vs, one)
            if not rules:
                continue
            old = found.get(name, Domain(name, (), (), None))
            services = old.services if vs in old.services else (*old.services, vs)
            merged = old.rules if rules[0] in old.rules else (*old.rules, *rules)
            found[name] = Domain(name, services, merged, old.redirect or redirect)
        for entry in _redirected(mesh, one):
            # An entry with a namespace keeps it, so that no Host header has it (R610).
            name = _full(entry, one).lower()
            found[name] = replace(found.get(name, Domain(name, (), (), None)), redirect=redirect)
    return {
        name: replace(one, rules=tuple(sorted(apart(one.rules), key=lambda k: k.is_catch_all)))
        for name, one in found.items()
    }


def _redirected(mesh: Mesh, one: Opened) -> tuple[str, ...]:
    """The hosts of a server that asks for https, which need no VirtualService to do so since 1.1 (R610, R1012)."""
    asks = one.server.tls is not None and one.server.tls.https_redirect
    return one.server.hosts if asks and mesh.settings.istio_version >= history.INTERSECTED_HOSTS else ()


def _rules(
    mesh: Mesh, client: Client, servers: tuple[Opened, ...], vs: VirtualService, one: Opened
) -> tuple[Kept, ...]:
    """The rules of *vs* at a server: computed for the first server of the Gateway, used for all of them (R606)."""
    first = next(other for other in servers if other.gateway is one.gateway)
    return kept(mesh, client, vs, first.port, one.place)


def _shared_hosts(mesh: Mesh, client: Client, one: Opened) -> Iterator[tuple[VirtualService, str]]:
    """What VirtualServices and the server have in common: the narrower host of each pair (R215)."""
    for vs in bound_to(mesh, view(mesh, client), one.place):
        for name in hosts_of(vs, mesh.settings.cluster_domain):
            for entry in one.server.hosts:
                host = one.host_for(entry, vs.namespace)
                common = _common(mesh, host, name) if host is not None else None
                if common is not None:
                    yield vs, common.lower()


def _common(mesh: Mesh, host: str, name: str) -> str | None:
    """The domain that a server's host and a VirtualService's make: before 1.1 it is the latter's (R1012)."""
    if mesh.settings.istio_version < history.INTERSECTED_HOSTS:
        return name if overlaps(host, name) else None
    return narrower(host, name)


def _overlapping(mesh: Mesh, client: Client, one: Opened) -> Iterator[VirtualService]:
    for vs in bound_to(mesh, view(mesh, client), one.place):
        names = hosts_of(vs, mesh.settings.cluster_domain)
        hosts = [host for entry in one.server.hosts if (host := one.host_for(entry, vs.namespace)) is not None]
        if any(overlaps(name, host) for name in names for host in hosts):
            yield vs


def _tcp_chain(mesh: Mesh, client: Client, one: Opened) -> FilterChain | None:
    snis = one.snis if one.use is Use.TLS else ()
    for vs in _overlapping(mesh, client, one):
        for route, node, _, _ in kept_l4(client, vs, "tcp", one.port, one.place):
            return FilterChain(snis, (), None, vs, route, node)
    return None


def _passthrough(mesh: Mesh, client: Client, one: Opened) -> Iterator[FilterChain]:
    for vs in _overlapping(mesh, client, one):
        for route, node, snis, _ in kept_l4(client, vs, "tls", one.port, one.place):
            yield FilterChain(snis, (), None, vs, route, node)
