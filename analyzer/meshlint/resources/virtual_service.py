"""VirtualService: how requests for a host are routed (`networking.istio.io`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshlint.resources.base import Labels, PortSelector, Resource
from meshlint.resources.record import Record
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class StringMatch(Record):
    """A condition on a string; with none of these set it asks for presence (R312).

    The last is Envoy's own, for which VirtualServices have no word: routes of the Gateway API have it (R905).
    """

    exact: str | None = None
    prefix: str | None = None
    regex: str | None = None
    path_separated_prefix: str | None = None


@dataclass(frozen=True, slots=True)
class HTTPMatch(Record):
    """One entry of `http[].match`: all its conditions together (R301)."""

    name: str = ""
    uri: StringMatch | None = None
    scheme: StringMatch | None = None
    method: StringMatch | None = None
    authority: StringMatch | None = None
    headers: Mapping[str, StringMatch] = field(default_factory=dict)
    port: int | None = None
    source_labels: Labels = field(default_factory=dict)
    gateways: tuple[str, ...] = ()
    query_params: Mapping[str, StringMatch] = field(default_factory=dict)
    ignore_uri_case: bool = False
    without_headers: Mapping[str, StringMatch] = field(default_factory=dict)
    source_namespace: str = ""


@dataclass(frozen=True, slots=True)
class L4Match(Record):
    """One entry of `tcp[].match` or `tls[].match`."""

    sni_hosts: tuple[str, ...] = ()
    destination_subnets: tuple[str, ...] = ()
    port: int | None = None
    source_labels: Labels = field(default_factory=dict)
    gateways: tuple[str, ...] = ()
    source_namespace: str = ""


@dataclass(frozen=True, slots=True)
class Destination(Record):
    """Where a route sends requests: a host, and perhaps a subset and a port of it."""

    host: str = ""
    subset: str = ""
    port: PortSelector | None = None


@dataclass(frozen=True, slots=True)
class RouteDestination(Record):
    """A weighted destination of a route."""

    destination: Destination | None = None
    weight: int | None = None


@dataclass(frozen=True, slots=True)
class Mirror(Record):
    """An entry of `mirrors`."""

    destination: Destination | None = None


@dataclass(frozen=True, slots=True)
class Delegate(Record):
    """The VirtualService whose routes take the place of a route (R220)."""

    name: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class HTTPRoute(Record):
    """One entry of `http`: what matches, and what is done with it."""

    name: str = ""
    match: tuple[HTTPMatch, ...] = ()
    route: tuple[RouteDestination, ...] = ()
    redirect: Node | None = None
    direct_response: Node | None = None
    delegate: Delegate | None = None
    rewrite: Node | None = None
    timeout: str | None = None
    retries: Node | None = None
    fault: Node | None = None
    mirror: Destination | None = None
    mirrors: tuple[Mirror, ...] = ()


@dataclass(frozen=True, slots=True)
class L4Route(Record):
    """One entry of `tcp` or `tls`."""

    match: tuple[L4Match, ...] = ()
    route: tuple[RouteDestination, ...] = ()


@dataclass(frozen=True, slots=True)
class VirtualServiceSpec(Record):
    """The `spec` of a VirtualService. Empty hosts make it a delegate (R220)."""

    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    http: tuple[HTTPRoute, ...] = ()
    tls: tuple[L4Route, ...] = ()
    tcp: tuple[L4Route, ...] = ()
    export_to: tuple[str, ...] | None = None

    @property
    def routes(self) -> tuple[HTTPRoute | L4Route, ...]:
        """The routes of all blocks."""
        return (*self.http, *self.tls, *self.tcp)


VirtualService = Resource[VirtualServiceSpec]
