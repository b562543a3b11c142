"""One request, as the proxy that decides about it sees it: what predicates are tested on and what a witness is."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NewType

Attribute = NewType("Attribute", str)
"""What a predicate can ask about. Every attribute's value is a string or absent."""

METHOD = Attribute("method")
SCHEME = Attribute("scheme")
AUTHORITY = Attribute("authority")
"""The Host header as sent, port included (R311)."""
PATH = Attribute("path")
"""The path after normalisation, without query and fragment (R310, R318)."""
PORT = Attribute("port")
"""Decimal. Which port it is depends on who asks: the dialed port, a gateway server's number, a pod's port."""
SNI = Attribute("sni")
PRINCIPAL = Attribute("source.principal")
"""The peer certificate's identity URI, `spiffe://` included (S45); absent without a verified certificate."""
SOURCE_IP = Attribute("source.ip")
REMOTE_IP = Attribute("remote.ip")
DESTINATION_IP = Attribute("destination.ip")
TOKEN_ISSUER = Attribute("token.issuer")
TOKEN_SUBJECT = Attribute("token.subject")

GATEWAY = Attribute("proxy.gateway")
"""Where a route is used: `mesh` at sidecars, `namespace/name` of a Gateway otherwise (R201)."""
CLIENT_NAMESPACE = Attribute("proxy.namespace")
"""The namespace of the proxy that routes (R230)."""
SNI_PATTERN = Attribute("chain.sni")
"""The `sniHosts` entry whose filter chain a connection falls into: Envoy takes the most specific (R453)."""
SUBNET = Attribute("chain.subnet")
"""The destination subnet whose filter chain a connection falls into; empty for the service's own (R452)."""


def header(name: str) -> Attribute:
    """The value of header *name*, repeated ones joined with a comma (R312); names ignore case."""
    return Attribute("header:" + name.lower())


def query(name: str) -> Attribute:
    """The raw value of the first query parameter called *name* (R314)."""
    return Attribute("query:" + name)


LIST_MARK = "\0"
"""What stands between the members of a claim that is a list; a test of it holds where it holds for a member (S68)."""


def claim(*names: str) -> Attribute:
    """A verified token's claim, reached through nested objects by *names* (S68)."""
    return Attribute("claim:" + "\0".join(names))


def client_label(name: str) -> Attribute:
    """The label *name* of the pod whose proxy routes (R230)."""
    return Attribute("proxy.label:" + name)


@dataclass(frozen=True)
class Request:
    """Values of attributes. An attribute that is not among them is absent.

    Equality and hash go by the values, so a request can be a key.
    """

    values: tuple[tuple[Attribute, str], ...] = ()

    @classmethod
    def of(cls, values: Mapping[Attribute, str]) -> "Request":
        """The request with exactly these *values*."""
        return cls(tuple(sorted(values.items())))

    def get(self, attribute: Attribute) -> str | None:
        """The attribute's value, None where it is absent."""
        return self._by_attribute.get(attribute)

    def but(self, attribute: Attribute, value: str | None) -> "Request":
        """The same request with one attribute set, or removed where *value* is None."""
        changed = {name: kept for name, kept in self.values if name != attribute}
        if value is not None:
            changed[attribute] = value
        return Request.of(changed)

    @cached_property
    def _by_attribute(self) -> dict[Attribute, str]:
        return dict(self.values)
