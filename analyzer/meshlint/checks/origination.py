"""What leaves the mesh in plain text although the other side is one for TLS."""

from collections.abc import Iterator, Sequence

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.destinations import effective, rules_for
from meshlint.mesh.egress import Chain, chains
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host, HostPort, Protocol
from meshlint.mesh.targets import SIDECARS, Target, all_targets, clients, imports_host, places, registered
from meshlint.mesh.workloads import Proxy
from meshlint.registry import checks
from meshlint.source.node import Node

_HTTPS = 443
_ENCRYPTED = ("SIMPLE", "MUTUAL", "ISTIO_MUTUAL")


@checks("MSH406")
def egress_plaintext(mesh: Mesh) -> Iterator[Result]:
    """HTTP that the last proxy sends unencrypted to a port for TLS outside the mesh (E32-E34, E38, E39, E73)."""
    by_host = {chain.host: chain for chain in chains(mesh)}
    for host in mesh.hosts:
        if host.is_service_entry and host.is_external:
            for port in host.ports:
                if port.protocol is Protocol.HTTP and _HTTPS in (port.number, port.target):
                    yield from _declared_http(mesh, host, port, by_host.get(host.name))
    for target in all_targets(mesh):
        if target.block == "http" and not target.is_weightless:
            yield from _routed_as_http(mesh, target)


def _declared_http(mesh: Mesh, host: Host, port: HostPort, chain: Chain | None) -> Iterator[Problem]:
    """A port of the entry that leads to 443 and speaks HTTP to it, with no client that originates TLS."""
    bare = [one for one in _last_proxies(mesh, host, chain) if _is_plain(mesh, one, host, port.number)]
    if not bare:
        return
    misplaced = _other_port(mesh, host, port)
    if misplaced is not None:
        yield Problem(
            misplaced,
            f"TLS is set for another port: requests to port {port.number} of `{host.name}` leave as plain HTTP to port 443",
            label="another port",
            notes=(Note(port.node.span, f"port {port.number}"),),
            help=f"the key is the port of the ServiceEntry: {port.number}",
        )
        return
    leads = "" if port.number == _HTTPS else " leads to 443 and"
    yield Problem(
        port.node.at("protocol"),
        f"port {port.number} of `{host.name}`{leads} is HTTP, and no DestinationRule originates TLS: requests leave in "
        "plain text",
        label="plain text",
        help="originate TLS by a DestinationRule (mode SIMPLE), or say HTTPS if the client speaks TLS itself",
    )


def _last_proxies(mesh: Mesh, host: Host, chain: Chain | None) -> Sequence[str]:
    """The namespaces of the proxies from which requests for the host leave: gateways', where there is a chain."""
    if chain is not None:
        return sorted(chain.homes)
    running = {one.namespace for one in mesh.workloads if one.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN)}
    seen = [one for one in sorted(running) if host.audience.includes(one) and imports_host(mesh, one, host)]
    return seen or ([host.namespace] if host.audience.includes(host.namespace) else [])


def _is_plain(mesh: Mesh, client: str, host: Host, port: int, subset: str = "") -> bool:
    """Whether proxies of the namespace certainly send to the port in plain text."""
    rules = effective(mesh, client, host)
    if not (rules.is_settled and rules.is_certain):
        return False
    tls = rules.tls(port, subset)
    return tls is None or tls.mode not in _ENCRYPTED


def _other_port(mesh: Mesh, host: Host, port: HostPort) -> Node | None:
    """The port of a rule for the host that originates TLS on a port that the host does not have (E39)."""
    known = {one.number for one in host.ports}
    for rule in rules_for(mesh, host.name):
        policy = rule.spec.traffic_policy
        for setting in policy.port_level_settings if policy is not None else ():
            number = setting.port.number if setting.port is not None else None
            is_lost = number is not None and number not in known and number in (_HTTPS, port.target)
            if is_lost and setting.tls is not None and setting.tls.mode in _ENCRYPTED and setting.port is not None:
                return setting.port.node.at("number")
    return None


def _routed_as_http(mesh: Mesh, target: Target) -> Iterator[Problem]:
    """An HTTP route to a port for TLS: the proxy has ended or never seen any, and starts none (E73, E86)."""
    for host in registered(mesh, target.host):
        port = _port(host, target)
        if not host.is_service_entry or not host.is_external or port is None or port.protocol is not Protocol.TLS:
            continue
        subset = target.destination.subset
        bare = [one for one in clients(mesh, target, host) if _is_plain(mesh, one, host, port.number, subset)]
        if bare:
            who = "the gateway" if SIDECARS not in places(mesh, target) else f"clients in `{bare[0]}`"
            misplaced = [rule for rule in rules_for(mesh, host.name) if rule.spec.traffic_policy is not None]
            yield Problem(
                target.node,
                f"{who} send{'s' if who.startswith('the') else ''} plain HTTP to port {port.number} of `{host.name}`, "
                "which is for TLS",
                label="plain text",
                notes=tuple(
                    Note(rule.name_node.span, "does not set TLS for this port there") for rule in misplaced[:3]
                ),
                help=f"originate TLS by a DestinationRule for `{host.name}`, port {port.number} (mode SIMPLE)",
            )
            return


def _port(host: Host, target: Target) -> HostPort | None:
    """The host's port that a destination means; None where that depends on the request (R502)."""
    to = target.destination.port
    if to is not None and to.number is not None:
        return host.port(to.number)
    return host.ports[0] if len(host.ports) == 1 else None
