"""TLS settings of servers, on Gateways and in the ingress of Sidecars."""

from collections.abc import Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.validation.names import clash, filled, missing, shown, strings, text, warned
from meshlint.source.node import Node

_CERTIFICATES = (
    "serverCertificate",
    "privateKey",
    "caCertificates",
    "caCrl",
    "credentialName",
    "credentialNames",
    "tlsCertificates",
)
_ELSEWHERE = ("credentialName", "credentialNames", "tlsCertificates")
_OLD = ("TLSV1_0", "TLSV1_1")
_SUITES = frozenset(
    [
        "ECDHE-ECDSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-ECDSA-CHACHA20-POLY1305",
        "ECDHE-RSA-CHACHA20-POLY1305",
        "ECDHE-ECDSA-AES128-SHA",
        "ECDHE-RSA-AES128-SHA",
        "ECDHE-ECDSA-AES256-SHA",
        "ECDHE-RSA-AES256-SHA",
        "AES128-GCM-SHA256",
        "AES256-GCM-SHA384",
        "AES128-SHA",
        "AES256-SHA",
        "DES-CBC3-SHA",
        "ECDHE-PSK-CHACHA20-POLY1305",
        "ECDHE-PSK-AES256-CBC-SHA",
        "ECDHE-PSK-AES128-CBC-SHA",
        "PSK-AES256-CBC-SHA",
        "PSK-AES128-CBC-SHA",
        "ALL",
    ]
)


def server_tls_flaws(tls: Node) -> Iterator[Violation]:
    """Certificates that the mode needs or has no use for, versions and ciphers that do not go together."""
    mode = text(tls.get("mode")) or "PASSTHROUGH"
    match mode:
        case "ISTIO_MUTUAL":
            yield from _brought_by_istio(tls)
        case "PASSTHROUGH" | "AUTO_PASSTHROUGH":
            yield from _unused(tls, mode)
        case _:
            yield from _needed(tls, mode)
    yield from _suite_flaws(tls)
    yield from _version_flaws(tls)


def warned_of_redirect(tls: Node, protocol: str) -> Violation:
    """A redirect to HTTPS on a server that does not speak plain HTTP."""
    message = f"`httpsRedirect` answers plain HTTP, and the server's protocol is {shown(protocol or 'unset')}"
    return warned(tls.at("httpsRedirect"), message, "redirect on the server for HTTP", "without effect", on_key=True)


def _brought_by_istio(tls: Node) -> Iterator[Violation]:
    for name in _CERTIFICATES:
        if filled(tls, name):
            message = f"`{name}` does not go with `ISTIO_MUTUAL`: Istio brings the certificates"
            yield clash(tls.at(name), message, "leave it out, or use mode `MUTUAL`")


def _unused(tls: Node, mode: str) -> Iterator[Violation]:
    written = next((name for name in _CERTIFICATES if filled(tls, name)), None)
    if written is not None:
        said = f"`mode: {mode}`" if text(tls.get("mode")) else f"the mode, which is {mode} by default,"
        message = f"`{written}` is not used: {said} passes TLS on as it comes"
        yield warned(tls.at(written), message, "use `mode: SIMPLE` to end TLS at the gateway", "not used", on_key=True)


def _needed(tls: Node, mode: str) -> Iterator[Violation]:
    if any(filled(tls, name) for name in _ELSEWHERE):
        return
    wanted = ["serverCertificate", "privateKey"]
    if mode in ("MUTUAL", "OPTIONAL_MUTUAL"):
        wanted.append("caCertificates")
    absent = [f"`{name}`" for name in wanted if not filled(tls, name)]
    if absent:
        message = f"`mode: {mode}` needs certificates: neither `credentialName` nor {' and '.join(absent)} is set"
        yield missing(tls, message, "name the Secret in `credentialName`", "no certificates")


def _suite_flaws(tls: Node) -> Iterator[Violation]:
    known: set[str] = set()
    for node in strings(tls, "cipherSuites"):
        suite = text(node)
        if suite in known:
            yield warned(node, f"cipher suite {shown(suite)} is in the list twice", "leave it out", "said before")
        elif suite[:1].isalnum() and not suite.startswith("TLS_") and suite not in _SUITES:
            yield warned(node, f"{shown(suite)} is no cipher suite that Envoy knows, and is left out", label="unknown")
        known.add(suite)


def _version_flaws(tls: Node) -> Iterator[Violation]:
    for name in ("minProtocolVersion", "maxProtocolVersion"):
        if text(tls.get(name)) in _OLD and not strings(tls, "cipherSuites"):
            message = f"{text(tls.get(name))} cannot be spoken with the default ciphers"
            yield warned(
                tls.at(name), message, "list ciphers for it in `cipherSuites`, or require TLSV1_2", "no cipher"
            )
            return
