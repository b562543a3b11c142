"""Listeners of Gateways and ListenerSets, and what else a Gateway of the Gateway API says."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from meshlint.resources.base import Resource
from meshlint.resources.gateway import KubernetesGateway, KubernetesGatewaySpec
from meshlint.resources.gateway_api import ListenerSetSpec
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import clash, filled, has, invalid, missing, shown, text

_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_KEY = re.compile(
    r"(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*/)?"
    r"(?:[A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]",
    re.ASCII,
)


@demands(KubernetesGatewaySpec)
@demands(ListenerSetSpec)
def listeners_fit_their_protocols(gateway: Resource[Any], _: Release) -> Iterator[Violation]:
    """TLS is for HTTPS and TLS, host names are for what carries them, and TLS is ended with a certificate."""
    for listener in gateway.spec.node.at("listeners").elements:
        protocol = text(listener.get("protocol"))
        tls = listener.get("tls") if has(listener, "tls") else None
        mode = text(tls.get("mode")) if tls is not None and has(tls, "mode") else "Terminate"
        if tls is not None and protocol in {"HTTP", "TCP", "UDP"}:
            yield clash(tls, f"a listener of protocol {protocol} takes no `tls`", "HTTPS and TLS listeners do")
            continue
        if tls is not None and protocol == "HTTPS" and mode != "Terminate":
            node = tls.at("mode")
            yield clash(node, f"an HTTPS listener ends TLS: its mode is Terminate, not {shown(mode)}", on_key=False)
        elif protocol == "TLS" and tls is None:
            yield missing(listener, "a TLS listener says in `tls.mode` what it does", label="no `tls`")
        elif tls is not None and mode == "Terminate" and not (filled(tls, "certificateRefs") or filled(tls, "options")):
            yield missing(tls, "a listener that ends TLS needs a certificate", "name it in `certificateRefs`")
        if protocol in {"TCP", "UDP"} and filled(listener, "hostname"):
            yield clash(listener.at("hostname"), f"a listener of protocol {protocol} takes no `hostname`")


@demands(KubernetesGatewaySpec)
@demands(ListenerSetSpec)
def listeners_are_told_apart(gateway: Resource[Any], _: Release) -> Iterator[Violation]:
    """No two listeners have the same port, protocol and host name."""
    seen: set[tuple[object, str, str | None]] = set()
    for listener in gateway.spec.node.at("listeners").elements:
        port, hostname = listener.get("port"), listener.get("hostname")
        if port is None or port.value is None:
            continue
        host = text(hostname) if hostname is not None and has(listener, "hostname") else None
        identity = (port.value, text(listener.get("protocol")), host)
        if identity in seen:
            name = "no host name" if host is None else f"host name {shown(host)}"
            message = f"a listener before it has port {port.value}, protocol {identity[1]} and {name} too"
            found = clash(listener.at("name"), message, label="same as another", on_key=False)
            yield replace(found, aliases=("IST0106", "KIA1503"))
        seen.add(identity)


@demands(KubernetesGatewaySpec)
def addresses_are_told_apart(gateway: KubernetesGateway, _: Release) -> Iterator[Violation]:
    """An address is asked for once, and a host name is one."""
    seen: set[tuple[str, str]] = set()
    for address in gateway.spec.node.at("addresses").elements:
        kind = text(address.get("type")) or "IPAddress"
        node = address.get("value")
        value = text(node)
        if node is None or not value:
            continue
        if kind == "Hostname" and not _HOST.fullmatch(value):
            yield invalid(node, "no host name: lower-case labels with dots between, the first may be `*`")
        elif kind in {"IPAddress", "Hostname"} and (kind, value) in seen:
            yield clash(node, f"{shown(value)} is asked for twice", label="again", on_key=False)
        seen.add((kind, value))


@demands(KubernetesGatewaySpec)
def passed_on_names_are_names(gateway: KubernetesGateway, _: Release) -> Iterator[Violation]:
    """Labels and annotations that are passed on have names that Kubernetes takes."""
    for field in ("labels", "annotations"):
        place = gateway.spec.node.get("infrastructure", field)
        for key, below in place.mapping.items() if place is not None else ():
            if not _KEY.fullmatch(key) or len(key.partition("/")[0]) >= 253:
                message = f"{shown(key)} is no name of {'a label' if field == 'labels' else 'an annotation'}"
                yield Violation("invalid-value", below, message, "no name", on_key=True)
