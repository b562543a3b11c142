"""A witness in words: its request as a line like curl's, or as named fields."""

from collections.abc import Iterator, Mapping
from shlex import quote

from meshlint import request as a
from meshlint.finding import Witness
from meshlint.render.terminal import visible
from meshlint.request import Attribute, Request

Fields = Mapping[str, str | int | Mapping[str, str]]
"""A request's attributes by the names that outputs use; absent ones are left out."""

_FIELDS = {
    a.METHOD: "method",
    a.SCHEME: "scheme",
    a.AUTHORITY: "authority",
    a.PATH: "path",
    a.PORT: "port",
    a.SNI: "sni",
    a.PRINCIPAL: "principal",
    a.SOURCE_IP: "sourceIp",
    a.REMOTE_IP: "remoteIp",
    a.DESTINATION_IP: "destinationIp",
    a.TOKEN_ISSUER: "tokenIssuer",
    a.TOKEN_SUBJECT: "tokenSubject",
    a.GATEWAY: "gateway",
    a.CLIENT_NAMESPACE: "clientNamespace",
    a.SNI_PATTERN: "sniHost",
    a.SUBNET: "subnet",
}
_GROUPS = {"header:": "headers", "query:": "query", "claim:": "claims", "proxy.label:": "clientLabels"}
_WORDS = {
    a.SOURCE_IP: "from address",
    a.REMOTE_IP: "for client address",
    a.DESTINATION_IP: "to address",
    a.TOKEN_ISSUER: "token issuer",
    a.TOKEN_SUBJECT: "token subject",
    a.GATEWAY: "at gateway",
    a.CLIENT_NAMESPACE: "from namespace",
    a.SNI_PATTERN: "SNI",
    a.SUBNET: "to subnet",
}
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_LOCAL_IDENTITY = "spiffe://cluster.local/ns/"


def witness_line(witness: Witness) -> str:
    """The request and what happens to it, in one line that is safe to print."""
    return f"{request_line(witness.request)}  →  {visible(witness.outcome)}"


def request_line(request: Request) -> str:
    """The request much as one would type it for curl; nothing is shown that the request does not have."""
    parts = [_target(request), *_headers(request), *_circumstances(request)]
    return "  ".join(part for part in parts if part) or "any request"


def request_fields(request: Request) -> Fields:
    """The request's attributes by readable names; headers, query parameters and claims are grouped."""
    plain: dict[str, str | int | Mapping[str, str]] = {
        name: _number(value) if attribute == a.PORT else value
        for attribute, name in _FIELDS.items()
        if (value := request.get(attribute)) is not None
    }
    groups = {name: dict(_group(request, prefix)) for prefix, name in _GROUPS.items()}
    others = {
        name: value for name, value in request.values if name not in _FIELDS and not name.startswith(tuple(_GROUPS))
    }
    return plain | {name: group for name, group in groups.items() if group} | others


def _target(request: Request) -> str:
    """The method and URL of an HTTP request, or the URL of a connection, with `tls` and `tcp` as schemes."""
    if not _is_http(request):
        return _connection(request)
    authority, path = request.get(a.AUTHORITY), request.get(a.PATH)
    parameters = "&".join(f"{name}={value}" for name, value in _group(request, "query:"))
    # An absent scheme or path is only filled in where a URL cannot be read without it.
    server = f"{request.get(a.SCHEME) or 'http'}://{authority}" if authority is not None else ""
    url = server + (path if path is not None else "/") + (f"?{parameters}" if parameters else "")
    method = request.get(a.METHOD)
    return " ".join(_quoted(word) for word in (method, url) if word is not None)


def _is_http(request: Request) -> bool:
    known = (a.METHOD, a.SCHEME, a.AUTHORITY, a.PATH)
    return any(name in known or name.startswith(("header:", "query:")) for name, _ in request.values)


def _connection(request: Request) -> str:
    sni, address, port = request.get(a.SNI), request.get(a.DESTINATION_IP), request.get(a.PORT)
    if sni is None and address is None and port is None:
        return ""
    host = sni if sni is not None else _bracketed(address or "")
    return _quoted(f"{'tls' if sni is not None else 'tcp'}://{host}" + (f":{port}" if port is not None else ""))


def _headers(request: Request) -> Iterator[str]:
    for name, value in _group(request, "header:"):
        # curl drops a header without a value unless it is written with a semicolon.
        yield f"-H {_quoted(f'{name}: {value}' if value else f'{name};')}"


def _circumstances(request: Request) -> Iterator[str]:
    """What a URL and headers cannot say, in words."""
    is_http = _is_http(request)
    if is_http:
        yield from _wire(request)
    principal = request.get(a.PRINCIPAL)
    if principal is not None:
        yield f"from {_identity(principal)}"
    for attribute, words in _WORDS.items():
        value = request.get(attribute)
        is_in_url = attribute == a.DESTINATION_IP and not is_http and request.get(a.SNI) is None
        if value and not is_in_url and (attribute, value) != (a.GATEWAY, "mesh"):
            yield f"{words} {_quoted(value)}"
    for name, value in _group(request, "claim:"):
        yield f"claim {_quoted(f'{name}={value}')}"
    for name, value in _group(request, "proxy.label:"):
        yield f"from pods with {_quoted(f'{name}={value}')}"
    for name, value in request.values:
        if name not in _FIELDS and not name.startswith(tuple(_GROUPS)):
            yield f"{visible(name)} {_quoted(value)}"


def _wire(request: Request) -> Iterator[str]:
    """The port and server name of an HTTP request, where its URL does not tell them."""
    authority, port, sni = request.get(a.AUTHORITY) or "", request.get(a.PORT), request.get(a.SNI)
    default = _DEFAULT_PORTS.get(request.get(a.SCHEME) or "http")
    is_told = authority.endswith(f":{port}") or (port == default and not _has_port(authority))
    if port is not None and not is_told:
        yield f"on port {visible(port)}"
    if sni is not None and sni != authority:
        yield f"SNI {_quoted(sni)}"


def _has_port(authority: str) -> bool:
    return authority.rpartition("]")[2].rpartition(":")[2].isdecimal() and ":" in authority


def _identity(principal: str) -> str:
    """`namespace/account` for an identity of the default trust domain, else the identity in full."""
    namespace, between, account = principal.removeprefix(_LOCAL_IDENTITY).partition("/sa/")
    is_local = principal.startswith(_LOCAL_IDENTITY) and between and "/" not in namespace + account
    return _quoted(f"{namespace}/{account}" if is_local else principal)


def _group(request: Request, prefix: str) -> Iterator[tuple[str, str]]:
    for attribute, value in request.values:
        if attribute.startswith(prefix):
            yield _member(attribute, prefix), value


def _member(attribute: Attribute, prefix: str) -> str:
    return attribute.removeprefix(prefix).replace("\0", ".")


def _number(text: str) -> str | int:
    return int(text) if text.isascii() and text.isdecimal() else text


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _quoted(text: str) -> str:
    return quote(visible(text))
