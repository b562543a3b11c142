"""Gateway API (`gateway.networking.k8s.io`): routes, grants and policies; its Gateway is in `gateway`."""

from dataclasses import dataclass, field

from meshlint.resources.base import Resource
from meshlint.resources.gateway import Listener
from meshlint.resources.record import Record
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class ParentRef(Record):
    """What a route binds to: a Gateway unless it says otherwise."""

    group: str = "gateway.networking.k8s.io"
    kind: str = "Gateway"
    namespace: str = ""
    name: str = ""
    section_name: str = ""
    port: int | None = None


@dataclass(frozen=True, slots=True)
class HeaderValue(Record):
    """A header that a filter sets or adds."""

    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class HeaderModifier(Record):
    """`requestHeaderModifier` or `responseHeaderModifier` of a filter."""

    set: tuple[HeaderValue, ...] = ()
    add: tuple[HeaderValue, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PathModifier(Record):
    """`path` of a redirect or rewrite: what takes the place of the whole path or of its matched prefix."""

    type: str = ""
    replace_full_path: str | None = None
    replace_prefix_match: str | None = None


@dataclass(frozen=True, slots=True)
class Redirect(Record):
    """`requestRedirect` of a filter; the API server fills in the status."""

    scheme: str = ""
    hostname: str = ""
    path: PathModifier | None = None
    port: int | None = None
    status_code: int = 302


@dataclass(frozen=True, slots=True)
class Rewrite(Record):
    """`urlRewrite` of a filter."""

    hostname: str = ""
    path: PathModifier | None = None


@dataclass(frozen=True, slots=True)
class Target(Record):
    """An object that a rule sends requests to: a Service unless it says otherwise."""

    group: str = ""
    kind: str = "Service"
    namespace: str = ""
    name: str = ""
    port: int | None = None


@dataclass(frozen=True, slots=True)
class Fraction(Record):
    """A part of the requests, as a fraction."""

    numerator: int = 0
    denominator: int = 100


@dataclass(frozen=True, slots=True)
class RequestMirror(Record):
    """`requestMirror` of a filter."""

    backend_ref: Target | None = None
    percent: int | None = None
    fraction: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Filter(Record):
    """A filter of a rule or of a backend; what it does stands in the field that its type names."""

    type: str = ""
    request_header_modifier: HeaderModifier | None = None
    response_header_modifier: HeaderModifier | None = None
    request_redirect: Redirect | None = None
    url_rewrite: Rewrite | None = None
    request_mirror: RequestMirror | None = None
    cors: Node | None = None


@dataclass(frozen=True, slots=True)
class BackendRef(Target):
    """Where a rule sends its share of requests."""

    weight: int = 1
    filters: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class PathMatch(Record):
    """`path` of a match."""

    type: str = "PathPrefix"
    value: str = "/"


@dataclass(frozen=True, slots=True)
class NameMatch(Record):
    """A header or query parameter of a match."""

    type: str = "Exact"
    name: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class HTTPMatch(Record):
    """An item of an HTTPRoute rule's `matches`."""

    path: PathMatch | None = None
    headers: tuple[NameMatch, ...] = ()
    query_params: tuple[NameMatch, ...] = ()
    method: str = ""


@dataclass(frozen=True, slots=True)
class MethodMatch(Record):
    """`method` of a GRPCRoute's match: a service and a method of it."""

    type: str = "Exact"
    service: str = ""
    method: str = ""


@dataclass(frozen=True, slots=True)
class GRPCMatch(Record):
    """An item of a GRPCRoute rule's `matches`."""

    method: MethodMatch | None = None
    headers: tuple[NameMatch, ...] = ()


@dataclass(frozen=True, slots=True)
class HTTPRule(Record):
    """A rule of an HTTPRoute."""

    name: str = ""
    matches: tuple[HTTPMatch, ...] = ()
    filters: tuple[Filter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()


@dataclass(frozen=True, slots=True)
class GRPCRule(Record):
    """A rule of a GRPCRoute."""

    name: str = ""
    matches: tuple[GRPCMatch, ...] = ()
    filters: tuple[Filter, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()


@dataclass(frozen=True, slots=True)
class PlainRule(Record):
    """A rule of a route that knows connections only."""

    name: str = ""
    backend_refs: tuple[BackendRef, ...] = ()


@dataclass(frozen=True, slots=True)
class HTTPRouteSpec(Record):
    """The `spec` of an HTTPRoute."""

    parent_refs: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[HTTPRule, ...] = ()


@dataclass(frozen=True, slots=True)
class GRPCRouteSpec(Record):
    """The `spec` of a GRPCRoute."""

    parent_refs: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[GRPCRule, ...] = ()


@dataclass(frozen=True, slots=True)
class TLSRouteSpec(Record):
    """The `spec` of a TLSRoute."""

    parent_refs: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[PlainRule, ...] = ()


@dataclass(frozen=True, slots=True)
class PlainRouteSpec(Record):
    """The `spec` of a TCPRoute or UDPRoute."""

    parent_refs: tuple[ParentRef, ...] = ()
    rules: tuple[PlainRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ListenerSetSpec(Record):
    """The `spec` of a ListenerSet: more listeners for a Gateway."""

    parent_ref: ParentRef | None = None
    listeners: tuple[Listener, ...] = ()


@dataclass(frozen=True, slots=True)
class GrantFrom(Record):
    """Who may refer."""

    group: str = ""
    kind: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class GrantTo(Record):
    """What may be referred to; without a name all of the kind."""

    group: str = ""
    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReferenceGrantSpec(Record):
    """The `spec` of a ReferenceGrant: references from other namespaces into its own."""

    from_: tuple[GrantFrom, ...] = field(default=(), metadata={"json": ("from",)})
    to: tuple[GrantTo, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyTarget(Record):
    """What a policy of the Gateway API is attached to."""

    group: str = ""
    kind: str = ""
    name: str = ""
    section_name: str = ""


@dataclass(frozen=True, slots=True)
class BackendTLSPolicySpec(Record):
    """The `spec` of a BackendTLSPolicy."""

    target_refs: tuple[PolicyTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class BackendTrafficPolicySpec(Record):
    """The `spec` of an XBackendTrafficPolicy (`gateway.networking.x-k8s.io`)."""

    target_refs: tuple[PolicyTarget, ...] = ()


HTTPRoute = Resource[HTTPRouteSpec]
GRPCRoute = Resource[GRPCRouteSpec]
TLSRoute = Resource[TLSRouteSpec]
PlainRoute = Resource[PlainRouteSpec]
ListenerSet = Resource[ListenerSetSpec]
ReferenceGrant = Resource[ReferenceGrantSpec]
BackendTLSPolicy = Resource[BackendTLSPolicySpec]
BackendTrafficPolicy = Resource[BackendTrafficPolicySpec]
