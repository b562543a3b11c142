"""Sidecars: their listeners, the hosts they import, and what they do with unknown ones (R107, R706, R803, R807)."""

from collections.abc import Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.sidecar import Sidecar, SidecarSpec
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.connections import pool_flaws
from meshlint.resources.validation.destinations import destination_flaws
from meshlint.resources.validation.gateway import slashed_host_flaws
from meshlint.resources.validation.names import (
    are_labels_missing,
    clash,
    filled,
    has,
    invalid,
    is_address,
    is_http,
    is_tls,
    is_unix,
    missing,
    name_flaw,
    number,
    port_flaws,
    port_name_flaws,
    protocol_flaws,
    selector_flaws,
    shown,
    strings,
    text,
    unix_flaw,
    warned,
)
from meshlint.resources.validation.server_tls import server_tls_flaws
from meshlint.source.node import Node

_CONTENTS = ("egress", "ingress")
_ROOT = "istio-system"
_SETTINGS = ("outboundTrafficPolicy", "inboundConnectionPool")
_OWN_ADDRESSES = ("", "127.0.0.1", "0.0.0.0", "::1", "::")  # noqa: S104 - compared with, never bound to


@demands(SidecarSpec)
def says_something(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """A Sidecar changes something (R807)."""
    node = sidecar.spec.node
    if not any(filled(node, name) for name in _CONTENTS) and not any(has(node, name) for name in _SETTINGS):
        hint = "set `egress`, `ingress`, `outboundTrafficPolicy` or `inboundConnectionPool`"
        yield missing(node, "the Sidecar changes nothing", hint, "empty")


@demands(SidecarSpec)
def catch_all_listener_is_last(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """One egress listener may have no port; it takes what the ones before it leave (R803)."""
    listeners = _listeners(sidecar, "egress")
    portless = [one for one in listeners if not has(one, "port")]
    for again in portless[1:]:
        yield clash(again, "a second egress listener without `port`", "put its hosts into one of them", on_key=False)
    if len(portless) == 1 and portless[0] is not listeners[-1]:
        message = "the egress listener without `port` takes all ports, so it comes last"
        yield clash(portless[0], message, "move it to the end of `egress`", "not the last", on_key=False)


@demands(SidecarSpec)
def ports_are_unique(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """No two listeners of one direction have a port, or a socket, in common (R807)."""
    for direction in _CONTENTS:
        known: set[float | str] = set()
        for listener in _listeners(sidecar, direction):
            if not has(listener, "port"):
                continue
            node = listener.at("port", "number")
            identity = number(listener.get("port", "number")) or text(listener.get("bind"))
            if identity and identity in known:
                what = f"socket {shown(identity)}" if isinstance(identity, str) else f"port {identity:g}"
                message = f"an earlier {direction} listener has {what} already"
                yield clash(node, message, "put the hosts into one listener", "used before", on_key=False)
            known.add(identity)


@demands(SidecarSpec)
def egress_listeners_are_possible(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """An egress listener has a port, or is bound to a socket."""
    for listener in _listeners(sidecar, "egress"):
        port, bind = listener.get("port"), listener.get("bind")
        if port is None or port.value is None:
            continue
        yield from protocol_flaws(port)
        if text(port.get("name")):
            yield from port_name_flaws(port.get("name"))
        if number(port.get("number")):
            yield from port_flaws(port.get("number"))
            if bind is not None and text(bind) and not is_address(text(bind)):
                yield invalid(bind, "a listener with a port is bound to an address")
        elif bind is None or not is_unix(text(bind)):
            yield missing(port, "the listener has neither a port number nor a socket", "set `number`", "no `number`")
        elif flaw := unix_flaw(text(bind)):
            yield invalid(bind, flaw)
        elif text(listener.get("captureMode")) == "IPTABLES":
            message = "connections to a Unix domain socket are not captured by iptables"
            yield clash(listener.at("captureMode"), message, "write `NONE`")


@demands(SidecarSpec)
def ingress_listeners_are_possible(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """An ingress listener has a port, and hands on to the workload (R806)."""
    for listener in _listeners(sidecar, "ingress"):
        port, bind = listener.get("port"), listener.get("bind")
        if port is not None and port.value is not None:
            yield from protocol_flaws(port)
            if text(port.get("name")):
                yield from port_name_flaws(port.get("name"))
            if port.get("number") is None:
                yield missing(port, "the listener has no port number", label="no `number`")
            yield from port_flaws(port.get("number"))
        if bind is not None and text(bind) and not is_address(text(bind)):
            yield invalid(bind, "an ingress listener is bound to an address")
        yield from _endpoint_flaws(listener.get("defaultEndpoint"))


@demands(SidecarSpec)
def pools_are_possible(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """Limits on connections, those of HTTP only for HTTP."""
    yield from pool_flaws(sidecar.spec.node.get("inboundConnectionPool"))
    for listener in _listeners(sidecar, "ingress"):
        pool = listener.get("connectionPool")
        yield from pool_flaws(pool)
        protocol = text(listener.get("port", "protocol"))
        if pool is not None and has(pool, "http") and protocol and not is_http(protocol):
            message = f"limits for HTTP have no effect on a port with protocol {shown(protocol)}"
            yield warned(pool.at("http"), message, "set `tcp` limits", "without effect", on_key=True)


@demands(SidecarSpec)
def ingress_tls_is_supported(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """A sidecar ends TLS only with certificates from files, on a port for TLS."""
    for listener in _listeners(sidecar, "ingress"):
        tls = listener.get("tls")
        if tls is None or tls.value is None:
            continue
        for name in ("httpsRedirect", "credentialName", "credentialNames", "subjectAltNames"):
            if filled(tls, name):
                yield clash(tls.at(name), f"`{name}` is not supported in a Sidecar", "leave it out", "not supported")
        mode = text(tls.get("mode"))
        if mode in ("ISTIO_MUTUAL", "AUTO_PASSTHROUGH"):
            yield clash(tls.at("mode"), f"mode {mode} is not supported in a Sidecar", "use SIMPLE or MUTUAL")
        elif not filled(tls, "credentialName"):
            yield from server_tls_flaws(tls)
        protocol = text(listener.get("port", "protocol"))
        if not is_tls(protocol):
            message = f"`tls` does not go with protocol {shown(protocol or 'unset')}"
            yield clash(tls, message, "write protocol HTTPS or TLS")


@demands(SidecarSpec)
def imported_hosts_are_names(sidecar: Sidecar, release: Release) -> Iterator[Violation]:
    """An egress listener imports hosts, each with the namespace it is in (R107)."""
    for listener in _listeners(sidecar, "egress"):
        hosts = strings(listener, "hosts")
        if not hosts and listener.get("hosts") is not None:
            yield missing(listener.at("hosts"), "the listener imports no host", "`*/*` means all hosts", "no host")
        for node in hosts:
            if not (text(node).startswith("~") and release >= (1, 31)):
                yield from slashed_host_flaws(node, is_sidecar=True)
        yield from _needless_hosts(hosts, sidecar.namespace)


@demands(SidecarSpec)
def egress_proxy_is_a_host(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """Unknown hosts go to a proxy only where they may go anywhere (R706)."""
    policy = sidecar.spec.node.get("outboundTrafficPolicy")
    proxy = policy.get("egressProxy") if policy is not None else None
    if policy is None or proxy is None or proxy.value is None:
        return
    if text(policy.get("mode")) != "ALLOW_ANY":
        yield clash(proxy, "`egressProxy` needs `mode: ALLOW_ANY`", "without it unknown hosts are refused")
    if not has(proxy, "port"):
        yield missing(proxy, "`egressProxy` has no `port`", label="no `port`")
    host = proxy.get("host")
    if host is not None and text(host).startswith("*"):
        yield invalid(host, name_flaw(text(host)))
    else:
        yield from destination_flaws(proxy)


@demands(SidecarSpec)
def selector_has_labels(sidecar: Sidecar, _: Release) -> Iterator[Violation]:
    """A selector names labels as they are."""
    selector = sidecar.spec.node.get("workloadSelector")
    yield from selector_flaws(selector, "labels")
    labels = sidecar.spec.workload_selector.labels if sidecar.spec.workload_selector is not None else {}
    if selector is not None and are_labels_missing(selector, labels):
        yield warned(selector, "the selector names no labels", "leave it out to mean all workloads", on_key=True)


def _endpoint_flaws(node: Node | None) -> Iterator[Violation]:
    """Where an ingress listener hands on to: the workload itself."""
    if node is None or not text(node):
        return
    if is_unix(text(node)):
        if flaw := unix_flaw(text(node)):
            yield invalid(node, flaw)
        return
    host, _, port = text(node).rpartition(":")
    is_port = port.isascii() and port.isdigit() and len(port) < 6 and 0 < int(port) <= 65535
    if not is_port or host.removeprefix("[").removesuffix("]") not in _OWN_ADDRESSES:
        yield invalid(node, "an address of the workload itself is wanted", "such as `127.0.0.1:8080` or `unix:///path`")


def _needless_hosts(hosts: list[Node], namespace: str) -> Iterator[Violation]:
    """Entries that are in the list already, or that a wider one holds."""
    # In the root namespace `.` is the namespace of the client, whichever that is (R107).
    own = "." if namespace == _ROOT else namespace
    parts = [(node, *text(node).partition("/")[::2]) for node in hosts]
    written = {(own if space == "." else space, host) for _, space, host in parts}
    known: set[tuple[str, str]] = set()
    for node, space, host in parts:
        full = (own if space == "." else space, host)
        wider = next((one for one in (("*", "*"), (full[0], "*")) if one in written and one != full), None)
        if full in known:
            yield warned(node, f"{shown(text(node))} is in the list already", "leave it out", "said before")
        elif wider is not None and not space.startswith("~"):
            message = f"{shown(text(node))} adds nothing: `{'/'.join(wider)}` imports it"
            yield warned(node, message, "leave one of them out", "adds nothing")
        known.add(full)


def _listeners(sidecar: Sidecar, direction: str) -> tuple[Node, ...]:
    node = sidecar.spec.node.get(direction)
    return node.elements if node is not None else ()
