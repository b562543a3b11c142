"""Gateway API (`gateway.networking.k8s.io`): routes, grants and policies; its Gateway is in `gateway`."""

from dataclasses import dataclass, field

from meshlint.resources.base import Resource
from meshlint.resources.gateway import Listener
from meshlint.resources.record import Record


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
class BackendRef(Record):
    """Where a rule sends requests: a Service unless it says otherwise."""

    group: str = ""
    kind: str = "Service"
    namespace: str = ""
    name: str = ""
    port: int | None = None
    weight: int = 1


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
class Filter(Record):
    """A filter of a rule or of a backend; what it does stands in the field that its type names."""

    type: str = ""


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
