"""Where routes send requests: hosts, ports and subsets that are not there."""

from collections.abc import Iterator

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.destinations import Effective, effective, rules_for
from meshlint.mesh.hosts import half_qualified, is_internal, is_wildcard, overlaps
from meshlint.mesh.model import Mesh
from meshlint.mesh.outbound import restriction
from meshlint.mesh.routing import gateway_name
from meshlint.mesh.scope import gateways_named, hosts_of
from meshlint.mesh.services import Host, Protocol, protocol_of
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest, nearest_host
from meshlint.mesh.targets import (
    SIDECARS,
    Target,
    all_targets,
    clients,
    gateway_clients,
    is_missing,
    places,
    registered,
    unregistered,
    users,
)
from meshlint.registry import checks
from meshlint.resources.gateway import Server


@checks("MSH201")
def no_such_host(mesh: Mesh) -> Iterator[Result]:
    """A destination or mirror whose host no client of the route knows: there is no such cluster (R504)."""
    for target in all_targets(mesh):
        found = registered(mesh, target.host)
        node = target.node.at("host")
        if found and not any(_is_visible(mesh, target, host) for host in found):
            yield _hidden_host(target, found)
        elif not found and not _is_said_elsewhere(mesh, target):
            if is_missing(mesh, target.host):
                yield Problem(
                    node,
                    f"host `{target.host}` is in no registry",
                    label="no such host",
                    help=_host_hint(mesh, target),
                )
            else:
                yield Outside(node, f"host {target.host}")


@checks("MSH202")
def no_such_subset(mesh: Mesh) -> Iterator[Result]:
    """A subset that the rules which decide for some client do not define: there is no such cluster (R503, R510)."""
    for target in all_targets(mesh):
        if not target.destination.subset:
            continue
        known = _owners(mesh, target)
        if known is None:
            yield Outside(target.node.at("subset"), f"subset {target.destination.subset} of host {target.host}")
            continue
        yield from _judge_subset(mesh, target, known)


@checks("MSH203")
def no_such_port(mesh: Mesh) -> Iterator[Result]:
    """A port that the destination does not have: it is used as written, and there is no such cluster (R501, R504)."""
    for target in all_targets(mesh):
        found = registered(mesh, target.host)
        number = target.destination.port.number if target.destination.port is not None else None
        if number is None or not found or not all(host.ports for host in found):
            continue
        if any(host.port(number) is not None for host in found):
            continue
        yield Problem(
            target.node.at("port", "number"),
            f"host `{target.host}` has no port {number}",
            label="no such port",
            notes=_port_notes(mesh, found),
            help=_port_hint(found, number),
        )


@checks("MSH204")
def port_required(mesh: Mesh) -> Iterator[Result]:
    """Several ports and none chosen, where the one that Istio then takes is not among them (R502)."""
    for target in all_targets(mesh):
        found = registered(mesh, target.host)
        if target.destination.port is not None or not found or any(len(host.ports) < 2 for host in found):
            continue
        own = {port.number for host in found for port in host.ports}
        lacking = sorted(_listened(mesh, target) - own)
        if lacking:
            ports = ", ".join(str(number) for number in sorted(own))
            yield Problem(
                target.node,
                f"host `{target.host}` has several ports and none is chosen: requests to port {lacking[0]} go to its "
                f"port {lacking[0]}, which it does not have",
                label="which port",
                notes=_port_notes(mesh, found),
                help=f"choose one of its ports: {ports}",
            )


def _is_visible(mesh: Mesh, target: Target, host: Host) -> bool:
    """Whether some client of the route may know the host (R203, R504)."""
    for place in places(mesh, target):
        if place != SIDECARS:
            proxies = gateway_clients(mesh, place)
            if not proxies or any(host.audience.includes(proxy) for proxy in proxies):
                return True
        elif any(mesh.audience_of(root).meets(host.audience) for root in users(mesh, target.vs)):
            return True
    return not places(mesh, target)


def _hidden_host(target: Target, found: tuple[Host, ...]) -> Problem:
    notes = tuple(Note(host.resource.name_node.span, f"seen by clients {host.audience}") for host in found)
    return Problem(
        target.node.at("host"),
        f"host `{target.host}` is exported to no client of this route",
        label="not visible",
        notes=notes,
        help="export it to the namespaces of the route's clients",
    )


def _is_said_elsewhere(mesh: Mesh, target: Target) -> bool:
    """Whether another rule speaks of the missing host: half a name, or one closed by the outbound policy."""
    domain = mesh.settings.cluster_domain
    if half_qualified(target.destination.host, mesh.known_namespaces, domain) is not None:
        return True
    is_closed = bool(mesh.service_entries) and restriction(mesh, target) is not None
    return is_closed and not is_internal(target.host, domain) and not is_wildcard(target.host)


def _host_hint(mesh: Mesh, target: Target) -> str:
    written = target.destination.host
    if any(host.is_service_entry and host.name == written for host in mesh.hosts_named(written)):
        return (
            f"a ServiceEntry defines the bare name `{written}`, but here a name without a dot is completed to "
            f"`{target.host}`: give the ServiceEntry a host with a dot"
        )
    return did_you_mean(nearest_host(mesh, target.host))


def _owners(mesh: Mesh, target: Target) -> tuple[Host, ...] | None:
    """The hosts whose subset is meant; None where nothing can be told about them.

    A host that is in no registry has subsets to speak of where some rule is for it; a mistaken name is what rule
    MSH201 reports. In a complete world a host without any like name may just as well lack both.
    """
    found = registered(mesh, target.host)
    if found:
        return tuple(host for host in found if host.name == target.host)
    if rules_for(mesh, target.host) and is_internal(target.host, mesh.settings.cluster_domain):
        return (unregistered(mesh, target.host, target.vs),)
    if is_missing(mesh, target.host):
        is_mistaken = _is_said_elsewhere(mesh, target) or bool(nearest_host(mesh, target.host))
        return (
            ()
            if is_mistaken or mesh.settings.world is not World.COMPLETE
            else (unregistered(mesh, target.host, target.vs),)
        )
    return None


def _judge_subset(mesh: Mesh, target: Target, known: tuple[Host, ...]) -> Iterator[Problem]:
    subset = target.destination.subset
    if not is_internal(target.host, mesh.settings.cluster_domain) and not registered(mesh, target.host):
        # Where its ServiceEntry would be, and so which rules count, is not known.
        defined = any(one.name == subset for rule in rules_for(mesh, target.host) for one in rule.spec.subsets)
        known = () if defined else known
    if known and all(_is_defined_for_all(mesh, host, subset) for host in known):
        return
    using = {client: _merged_view(mesh, client, known) for client in _relevant_clients(mesh, target, known)}
    lacking = [client for client, views in using.items() if all(view.defines(subset) is False for view in views)]
    if lacking:
        yield _no_subset(mesh, target, using, lacking)


def _is_defined_for_all(mesh: Mesh, host: Host, subset: str) -> bool:
    """Whether it is plain that every client has the subset: all rules for the host define it and all see one (R510)."""
    rules = rules_for(mesh, host.name)
    shared = (host.namespace, mesh.config.root_namespace)
    return any(rule.namespace in shared for rule in rules) and all(
        mesh.audience_of(rule).namespaces is None
        and rule.spec.workload_selector is None
        and any(one.name == subset for one in rule.spec.subsets)
        for rule in rules
    )


def _merged_view(mesh: Mesh, client: str, known: tuple[Host, ...]) -> tuple[Effective, ...]:
    return tuple(effective(mesh, client, host) for host in known)


def _relevant_clients(mesh: Mesh, target: Target, known: tuple[Host, ...]) -> list[str]:
    """The namespaces that use the target and know its host."""
    named = sorted({client for host in known for client in clients(mesh, target, host)})
    return [client for client in named if any(host.audience.includes(client) for host in known)]


def _no_subset(
    mesh: Mesh,
    target: Target,
    using: dict[str, tuple[Effective, ...]],
    lacking: list[str],
) -> Problem:
    subset = target.destination.subset
    node = target.node.at("subset")
    deciding = {id(rule): rule for client in lacking for view in using[client] for rule in view.rules}
    names = {name for client in lacking for view in using[client] for name in view.subsets}
    notes = tuple(
        Note(one.node.at("name").span, f"this DestinationRule defines `{one.name}`")
        for rule in deciding.values()
        for one in rule.spec.subsets
    )
    if len(lacking) == len(using):
        rules = rules_for(mesh, target.host)
        message = f"subset `{subset}` of host `{target.host}` is not defined"
        if not rules:
            message = f"no DestinationRule for host `{target.host}` defines subsets, so there is no `{subset}`"
        elsewhere = tuple(
            Note(one.node.at("name").span, f"this rule defines `{subset}`, but no client of the route uses it")
            for rule in rules
            for one in rule.spec.subsets
            if one.name == subset
        )
        help_ = did_you_mean(nearest(subset, names))
        return Problem(node, message, label="no such subset", notes=notes or elsewhere, help=help_)
    who = ", ".join(f"`{client}`" for client in lacking)
    where = f"namespace {who}" if len(lacking) == 1 else f"namespaces {who}"
    hiding = tuple(
        Note(rule.spec.node.at("host").span, "this rule decides for them and hides the subsets of others")
        for rule in deciding.values()
    )
    return Problem(
        node,
        f"subset `{subset}` of host `{target.host}` is not defined for clients in {where}",
        label="no such subset there",
        notes=hiding,
        help="each client uses the rules of one namespace only: its own, else the host's, else the root namespace",
    )


def _port_notes(mesh: Mesh, found: tuple[Host, ...]) -> tuple[Note, ...]:
    """The host's ports, where the input holds them."""
    return tuple(
        Note(port.node.span, f"port {port.number}")
        for host in found
        if mesh.resource_of(host.resource.node.document) is not None
        for port in host.ports
    )


def _port_hint(found: tuple[Host, ...], number: int) -> str:
    ports = [port for host in found for port in host.ports]
    behind = next((port for port in ports if port.target == number), None)
    if behind is not None:
        return f"{number} is the port of the pods: the Service's port is {behind.number}"
    return f"it has only port {ports[0].number}" if len({port.number for port in ports}) == 1 else ""


def _listened(mesh: Mesh, target: Target) -> set[int]:
    """The ports at which requests for the route come in and whose number Istio takes for the destination (R502)."""
    ports: set[int] = set()
    for place in places(mesh, target):
        if place == SIDECARS:
            ports |= _dialed(mesh, target)
        else:
            ports |= set(_server_ports(mesh, target, place))
    wanted = _wanted_ports(target)
    return ports if wanted is None else ports & wanted


def _wanted_ports(target: Target) -> set[int] | None:
    """The ports that the route's matches name, None where one of them takes every port (R233)."""
    matches = target.route.match
    if not matches or any(not match.port for match in matches):
        return None
    return {match.port for match in matches if match.port}


def _dialed(mesh: Mesh, target: Target) -> set[int]:
    """The ports of the VirtualService's own hosts that use this block of routes (R206, R434)."""
    names = [name for root in users(mesh, target.vs) for name in hosts_of(root, mesh.settings.cluster_domain)]
    owners = [host for name in names for host in mesh.hosts_named(name) if host.name == name]
    return {port.number for host in owners for port in host.ports if _uses(port.protocol, target.block)}


def _uses(protocol: Protocol, block: str) -> bool:
    wanted = {
        "http": (Protocol.HTTP,),
        "tls": (Protocol.TLS,),
        "tcp": (Protocol.TCP,),
    }
    return protocol in wanted[block]


def _server_ports(mesh: Mesh, target: Target, place: str) -> Iterator[int]:
    """The servers of a Gateway that use this block of routes for a host of the VirtualService (R233, R456)."""
    hosts = [
        host
        for root in users(mesh, target.vs)
        if _names(root.spec.gateways, root.namespace, place)
        for host in root.spec.hosts
    ]
    for gateway in gateways_named(mesh, place):
        for server in gateway.spec.servers:
            entries = (entry.rpartition("/")[2] for entry in server.hosts)
            is_admitted = any(overlaps(entry, host) for entry in entries for host in hosts)
            if server.port is not None and server.port.number and is_admitted and _routes(server) == target.block:
                yield server.port.number


def _names(gateways: tuple[str, ...], namespace: str, place: str) -> bool:
    return any(gateway_name(name, namespace) == place for name in gateways)


def _routes(server: Server) -> str:
    """The block of routes that a Gateway's server uses; none where it only redirects (R456, R610)."""
    protocol = server.port.protocol.upper() if server.port is not None else ""
    tls = server.tls
    if tls is not None and tls.https_redirect:
        return ""
    if protocol in ("HTTPS", "TLS") and (tls is None or tls.mode in ("", "PASSTHROUGH", "AUTO_PASSTHROUGH")):
        return "tls"
    if protocol == "HTTPS" or protocol_of(protocol) is Protocol.HTTP:
        return "http"
    return "tcp"
