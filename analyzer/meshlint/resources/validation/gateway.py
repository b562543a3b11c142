"""Gateways: servers, their ports, hosts and certificates (R106, R612, R613)."""

from collections.abc import Iterator

from meshlint.resources.gateway import Gateway, GatewaySpec, Server
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import (
    clash,
    filled,
    host_flaw,
    invalid,
    is_address,
    is_http,
    is_label,
    is_partial_wildcard,
    is_tls,
    is_unix,
    missing,
    number,
    port_flaws,
    protocol_flaws,
    shown,
    strings,
    text,
    unix_flaw,
)
from meshlint.resources.validation.server_tls import server_tls_flaws, warned_of_redirect
from meshlint.source.node import Node


@demands(GatewaySpec)
def has_servers(gateway: Gateway, _: Release) -> Iterator[Violation]:
    """A Gateway opens something."""
    if not gateway.spec.servers:
        node = gateway.spec.node.get("servers") or gateway.spec.node
        yield missing(node, "the Gateway has no servers", "add a server to `servers`", "no servers")


@demands(GatewaySpec)
def hosts_are_names(gateway: Gateway, release: Release) -> Iterator[Violation]:
    """A server is open for hosts, each perhaps with the namespace of its routes before it (R106, R1010)."""
    for server in gateway.spec.servers:
        hosts = strings(server.node, "hosts")
        if not hosts and server.node.get("hosts") is not None:
            yield missing(server.node.at("hosts"), "the server is open for no host", "`*` means all hosts", "no host")
        for node in hosts:
            if is_slashed(text(node)) and release < (1, 1):
                yield invalid(node, "Istio 1.0 does not know namespaces here")
            else:
                yield from slashed_host_flaws(node)


@demands(GatewaySpec)
def ports_are_possible(gateway: Gateway, release: Release) -> Iterator[Violation]:
    """A server has a port with a number, a name and a protocol that Istio knows (R432, R613)."""
    for server in gateway.spec.servers:
        port = server.node.get("port")
        if port is None or port.value is None:
            continue
        yield from protocol_flaws(port, is_required=True)
        if release >= (1, 17) and number(port.get("targetPort")):
            message = "`targetPort` is not for Gateways: the gateway's Service says where a port leads to"
            yield clash(port.at("targetPort"), message, "leave it out", "not for Gateways")
        if not is_unix(server.bind):
            yield from port_flaws(port.get("number"))
        name = port.get("name")
        if name is not None and name.value == "":
            yield invalid(name, "the port of a server has a name")


@demands(GatewaySpec)
def binds_are_addresses(gateway: Gateway, _: Release) -> Iterator[Violation]:
    """A server is bound to an address, or to a socket, which has no port."""
    for server in gateway.spec.servers:
        node = server.node.get("bind")
        if node is None or not server.bind:
            continue
        if is_unix(server.bind):
            if flaw := unix_flaw(server.bind):
                yield invalid(node, flaw)
            if number(server.node.get("port", "number")):
                message = "a server bound to a Unix domain socket has no port"
                yield clash(server.node.at("port", "number"), message, "write 0")
        elif not is_address(server.bind):
            yield invalid(node, "neither an address nor a Unix domain socket")


@demands(GatewaySpec)
def port_names_are_unique(gateway: Gateway, _: Release) -> Iterator[Violation]:
    """Within a Gateway each port has a name of its own (R612)."""
    known: set[str] = set()
    for server in gateway.spec.servers:
        node = server.node.get("port", "name")
        if node is not None and text(node):
            if text(node) in known:
                message = f"port name {shown(text(node))} is the name of an earlier server's port"
                yield clash(node, message, "give each server's port its own name", "used before", on_key=False)
            known.add(text(node))


@demands(GatewaySpec)
def tls_fits_the_protocol(gateway: Gateway, _: Release) -> Iterator[Violation]:
    """TLS needs settings, and plain HTTP takes none but the redirect (R613)."""
    for server in gateway.spec.servers:
        protocol = server.port.protocol if server.port is not None else ""
        if is_tls(protocol) and server.tls is None:
            message = f"a server with protocol {shown(protocol)} needs `tls` settings"
            yield missing(server.node, message, "set `tls: {mode: …}`", "no `tls`")
        if server.tls is not None:
            yield from _tls_flaws(server, server.tls.node, protocol)


def _tls_flaws(server: Server, tls: Node, protocol: str) -> Iterator[Violation]:
    others = [name for name in tls.mapping if name != "httpsRedirect" and filled(tls, name)]
    others = [name for name in others if (name, text(tls.get(name))) != ("mode", "PASSTHROUGH")]
    if is_http(protocol) and others:
        message = f"a server for plain HTTP takes no TLS settings, and `{others[0]}` is one"
        hint = f"TLS on port {server.port.number if server.port else ''} needs protocol HTTPS"
        yield clash(tls.at(others[0]), message, hint, "not for plain HTTP")
    elif not is_http(protocol):
        yield from server_tls_flaws(tls)
        if filled(tls, "httpsRedirect"):
            yield warned_of_redirect(tls, protocol)


def is_slashed(host: str) -> bool:
    """Whether a host has a namespace before it."""
    return "/" in host


def slashed_host_flaws(node: Node, *, is_sidecar: bool = False) -> Iterator[Violation]:
    """A host of a Gateway or Sidecar, perhaps with a namespace before it (R106, R107)."""
    namespace, slash, host = text(node).partition("/")
    if not slash:
        host = namespace
        if is_sidecar:
            yield invalid(node, "a namespace is wanted before it", f"such as `./{host}` or `*/{host}`")
            return
    elif not namespace or not host:
        yield invalid(node, "a host is wanted on one side of the slash, a namespace on the other")
        return
    elif namespace not in ("*", ".", *(("~",) if is_sidecar else ())) and not is_label(namespace):
        yield invalid(node, f"{shown(namespace)} is neither `.`, nor `*`, nor the name of a namespace")
        return
    yield from _host_flaws(node, host, takes_addresses=not is_sidecar)


def _host_flaws(node: Node, host: str, *, takes_addresses: bool) -> Iterator[Violation]:
    if takes_addresses and is_address(host):
        return
    if is_partial_wildcard(host):
        yield invalid(node, "a wildcard stands for whole labels", "write `*.` and the rest of the name")
    elif flaw := host_flaw(host):
        yield invalid(node, flaw)
    elif host != "*" and "." not in host:
        yield invalid(node, "short names are not completed here", "write the full name")
