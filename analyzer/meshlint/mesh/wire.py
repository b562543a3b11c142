"""A request on the wire: what proxies see of it, before and after they end TLS."""

from dataclasses import dataclass, replace
from enum import Enum

from meshlint import request as a
from meshlint.mesh.paths import normalised
from meshlint.request import Attribute, Request

DIALED = Attribute("connection.host")
"""The name that the client resolves to connect, where it is not that of the Host header."""


class Bytes(Enum):
    """What a connection carries, as a proxy that reads its first bytes sees it (R434)."""

    HTTP = "HTTP"
    TLS = "TLS"
    TCP = "TCP"


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way. `port` is the one that is dialed at this hop; `inner` is what TLS hides, if it is known.

    `is_mutual` marks TLS with the mesh's certificates, whoever's they are.
    """

    request: Request
    carries: Bytes
    port: int
    sni: str | None = None
    inner: Bytes | None = None
    is_mutual: bool = False

    @property
    def authority(self) -> str:
        """The Host header, or what a connection is opened to."""
        return self.request.get(a.AUTHORITY) or self.sni or self.request.get(a.DESTINATION_IP) or ""

    @property
    def dialed(self) -> str:
        """The name or address that the client connects to."""
        return self.request.get(DIALED) or self.authority

    @property
    def is_http(self) -> bool:
        """Whether a proxy that does not end TLS can read a request."""
        return self.carries is Bytes.HTTP

    def opened(self) -> "Call":
        """The call after a proxy has ended its TLS."""
        return replace(self, carries=self.inner or Bytes.TCP, inner=None, is_mutual=False)


_WHOLE_PATH = a.header(":path")
_DEFAULTS = {"http": 80, "grpc": 80, "https": 443, "tls": 443}


def call(request: Request, normalization: str) -> Call:
    """The request as it leaves the application; what it does not say is what clients send by themselves."""
    scheme = (request.get(a.SCHEME) or _guessed(request)).lower()
    port = request.get(a.PORT) or ""
    number = int(port) if port.isdecimal() else _DEFAULTS.get(scheme, 0)
    sni = request.get(a.SNI)
    if scheme in ("tls", "tcp"):
        carries = Bytes.TLS if scheme == "tls" or sni is not None else Bytes.TCP
        return Call(request, carries, number, sni or _name(request) if carries is Bytes.TLS else None)
    filled = request.but(a.METHOD, request.get(a.METHOD) or ("POST" if scheme == "grpc" else "GET"))
    path = request.get(a.PATH) or "/"
    filled = filled.but(a.PATH, normalised(path, normalization)).but(a.SCHEME, "https" if scheme == "https" else "http")
    filled = filled.but(_WHOLE_PATH, _with_query(filled, request.get(_WHOLE_PATH)))
    if scheme != "https":
        return Call(filled, Bytes.HTTP, number)
    return Call(filled, Bytes.TLS, number, sni or _name(request), inner=Bytes.HTTP)


def _with_query(request: Request, written: str | None) -> str:
    """The pseudo header `:path`, which has the query string in it (R316)."""
    path = request.get(a.PATH) or ""
    if written is not None:
        return path + "".join(written.partition("?")[1:])
    parameters = "&".join(
        f"{name.removeprefix('query:')}={value}" for name, value in request.values if name.startswith("query:")
    )
    return f"{path}?{parameters}" if parameters else path


def _guessed(request: Request) -> str:
    if any(request.get(one) is not None for one in (a.METHOD, a.PATH, a.AUTHORITY)):
        return "http"
    return "tls" if request.get(a.SNI) is not None else "tcp"


def _name(request: Request) -> str | None:
    text = request.get(DIALED) or request.get(a.AUTHORITY)
    if not text or text.startswith("["):
        return None
    head, colon, port = text.rpartition(":")
    return head if colon and port.isdecimal() else text
