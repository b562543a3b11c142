"""A request as people ask for it: a URL and what goes with it, much as for curl."""

from collections.abc import Iterable

from meshlint import request as a
from meshlint.mesh.wire import DIALED
from meshlint.request import Attribute, Request

SCHEMES = ("http", "https", "grpc", "tls", "tcp")
_PORTS = {"http": "80", "https": "443", "grpc": "80", "tls": "443"}


class AskingError(ValueError):
    """A URL, header or claim that asks for nothing that could be sent."""


def asked(
    url: str,
    *,
    method: str | None = None,
    headers: Iterable[str] = (),
    claims: Iterable[str] = (),
    others: Iterable[tuple[Attribute, str | None]] = (),
) -> Request:
    """The request for a URL with headers `NAME: VALUE` and verified claims `NAME=VALUE`; raises AskingError.

    *others* are attributes that stand for themselves; those that are None are left out.
    """
    values = _of_url(url)
    if a.PATH in values and method is not None:
        values[a.METHOD] = method
    for text in headers:
        name, colon, value = text.partition(":")
        if not colon or not name.strip():
            raise AskingError(f"{text!r} is no header: write it as NAME: VALUE")
        _add_header(values, name.strip(), value.strip())
    for text in claims:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise AskingError(f"{text!r} is no claim: write it as NAME=VALUE")
        key = a.claim(*name.split("."))
        values[key] = f"{values[key]}{a.LIST_MARK}{value}" if key in values else value
        if name in ("iss", "sub"):
            values[a.TOKEN_ISSUER if name == "iss" else a.TOKEN_SUBJECT] = value
    values.update({name: value for name, value in others if value is not None})
    return Request.of(values)


def _of_url(url: str) -> dict[Attribute, str]:
    scheme, mark, rest = url.partition("://")
    scheme = scheme.lower()
    if not mark or scheme not in SCHEMES:
        raise AskingError(f"{url!r} is no URL: it begins with one of {', '.join(f'{one}://' for one in SCHEMES)}")
    cut = min((index for mark in "/?#" if (index := rest.find(mark)) >= 0), default=len(rest))
    server, rest = rest[:cut], rest[cut:]
    host, port = _split(server, url)
    number = port or _PORTS.get(scheme)
    if number is None:
        raise AskingError(f"{url!r} has no port")
    values = {a.SCHEME: scheme, a.PORT: str(int(number)), a.AUTHORITY: server if port != _PORTS.get(scheme) else host}
    if scheme in ("tls", "tcp"):
        return {**values, a.AUTHORITY: host}
    path, _, query = rest.partition("#")[0].partition("?")
    values[a.PATH] = path or "/"
    for pair in query.split("&") if query else ():
        name, _, value = pair.partition("=")
        values.setdefault(a.query(name), value)
    values[a.header(":path")] = rest.partition("#")[0] or "/"
    return values


def _split(server: str, url: str) -> tuple[str, str | None]:
    head, colon, port = server.rpartition(":")
    host, number = (head, port) if colon and "]" not in port else (server, None)
    if not host.strip("[]") or (number is not None and not (number.isascii() and number.isdecimal())):
        raise AskingError(f"{url!r} has no host or no proper port")
    return host, number


def _add_header(values: dict[Attribute, str], name: str, value: str) -> None:
    """Repeated headers are joined (R312); that of the host changes whom the request is for, not where it goes."""
    if name.lower() in ("host", ":authority"):
        values.setdefault(DIALED, values.get(a.AUTHORITY, ""))
        values[a.AUTHORITY] = value
        return
    key = a.header(name)
    values[key] = f"{values[key]},{value}" if key in values else value
