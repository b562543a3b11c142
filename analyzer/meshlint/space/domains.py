"""Which values an attribute can have in a real request, and which of them look most natural to a reader."""

from dataclasses import dataclass
from functools import lru_cache

from meshlint.mesh import re2
from meshlint.request import (
    AUTHORITY,
    CLIENT_NAMESPACE,
    DESTINATION_IP,
    GATEWAY,
    METHOD,
    PATH,
    PORT,
    PRINCIPAL,
    REMOTE_IP,
    SCHEME,
    SNI,
    SOURCE_IP,
    TOKEN_ISSUER,
    Attribute,
)

ADDRESSES = frozenset({SOURCE_IP, REMOTE_IP, DESTINATION_IP})


@dataclass(frozen=True, slots=True)
class Domain:
    """The values of an attribute: those the RE2 *pattern* matches, and absent where it is optional.

    `preferred` are values to show where any will do, the most natural first; `is_ascii` says that the pattern
    has no character beyond ASCII.
    """

    pattern: str
    is_optional: bool
    preferred: tuple[str, ...]
    is_ascii: bool = True

    def has(self, value: str | None) -> bool:
        """Whether a request can have this value."""
        return self.is_optional if value is None else re2.matches(self.pattern, value)


@lru_cache(maxsize=4096)
def domain(attribute: Attribute) -> Domain:
    """The domain of an attribute; headers, query parameters and claims are told by their prefix."""
    if attribute in _DOMAINS:
        return _DOMAINS[attribute]
    kind, colon, _ = attribute.partition(":")
    if colon and kind in _KINDS:
        return _KINDS[kind]
    return _TEXT


_DNS = "[0-9A-Za-z_-]+(?:[.][0-9A-Za-z_-]+)*"
_LABEL = "[0-9a-z](?:[0-9a-z-]*[0-9a-z])?"
_PORTS = "0|[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"  # 65535 is the last.
_ADDRESS = Domain("[0-9A-Fa-f:.]+", is_optional=False, preferred=("10.0.0.1", "192.0.2.1", "2001:db8::1"))
_TEXT = Domain("[^\\x00-\\x1f\\x7f-\\x{9f}]*", is_optional=True, preferred=("x",), is_ascii=False)

_DOMAINS = {
    METHOD: Domain(
        "[!#$%&'*+.^_`|~0-9A-Za-z-]+",
        is_optional=False,
        preferred=("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"),
    ),
    SCHEME: Domain("http|https", is_optional=False, preferred=("http", "https")),
    AUTHORITY: Domain(
        "[0-9A-Za-z._~%!$&'()*+,;=:\\[\\]-]+", is_optional=False, preferred=("example.com", "x.example.com")
    ),
    PATH: Domain('/[!"$-<>@-~]*', is_optional=False, preferred=("/", "/x")),
    PORT: Domain(_PORTS, is_optional=False, preferred=("80", "443", "8080")),
    SNI: Domain(_DNS, is_optional=True, preferred=("example.com", "x.example.com")),
    # S174: without this shape the quirks of S50 cannot be seen.
    PRINCIPAL: Domain(
        f"spiffe://[0-9a-z._-]+/ns/{_LABEL}/sa/{_LABEL}(?:[.]{_LABEL})*",
        is_optional=True,
        preferred=("spiffe://cluster.local/ns/default/sa/default", "spiffe://cluster.local/ns/x/sa/x"),
    ),
    TOKEN_ISSUER: Domain(
        _TEXT.pattern, is_optional=True, preferred=("https://issuer.example.com", "x"), is_ascii=False
    ),
    GATEWAY: Domain("mesh|[0-9a-z.-]+(/[0-9a-z.-]+){1,3}", is_optional=False, preferred=("mesh", "x/x")),
    CLIENT_NAMESPACE: Domain(_LABEL, is_optional=False, preferred=("default", "x")),
    SOURCE_IP: _ADDRESS,
    REMOTE_IP: _ADDRESS,
    DESTINATION_IP: _ADDRESS,
}

_KINDS = {
    "header": Domain("(?:[!-~](?:[ -~]*[!-~])?)?", is_optional=True, preferred=("x", "")),
    "query": Domain("[!\"$%'-~]*", is_optional=True, preferred=("x", "")),
}
