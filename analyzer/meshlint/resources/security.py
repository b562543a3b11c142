"""AuthorizationPolicy, PeerAuthentication, RequestAuthentication (`security.istio.io`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshlint.resources.base import LabelSelector, Resource, TargetRef
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class AuthorizationSource(Record):
    """`source` of a rule's `from`: who calls; all given fields together (S33)."""

    principals: tuple[str, ...] = ()
    not_principals: tuple[str, ...] = ()
    request_principals: tuple[str, ...] = ()
    not_request_principals: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    not_namespaces: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    not_service_accounts: tuple[str, ...] = ()
    trust_domains: tuple[str, ...] = ()
    not_trust_domains: tuple[str, ...] = ()
    ip_blocks: tuple[str, ...] = ()
    not_ip_blocks: tuple[str, ...] = ()
    remote_ip_blocks: tuple[str, ...] = ()
    not_remote_ip_blocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Operation(Record):
    """`operation` of a rule's `to`: what is asked for."""

    hosts: tuple[str, ...] = ()
    not_hosts: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    not_ports: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    not_methods: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class From(Record):
    """An item of `from`."""

    source: AuthorizationSource | None = None


@dataclass(frozen=True, slots=True)
class To(Record):
    """An item of `to`."""

    operation: Operation | None = None


@dataclass(frozen=True, slots=True)
class Condition(Record):
    """An item of `when` (S67)."""

    key: str = ""
    values: tuple[str, ...] = ()
    not_values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AuthorizationRule(Record):
    """A rule: some source, some operation and every condition (S33)."""

    from_: tuple[From, ...] = field(default=(), metadata={"json": ("from",)})
    to: tuple[To, ...] = ()
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider(Record):
    """The external authorizer of a CUSTOM policy (S11)."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class AuthorizationPolicySpec(Record):
    """The `spec` of an AuthorizationPolicy. An absent action means ALLOW (S5)."""

    selector: LabelSelector | None = None
    target_ref: TargetRef | None = None
    target_refs: tuple[TargetRef, ...] = ()
    action: str = ""
    rules: tuple[AuthorizationRule, ...] = ()
    provider: Provider | None = None


@dataclass(frozen=True, slots=True)
class MutualTLS(Record):
    """`mtls`: the mode a server asks for; unset inherits (S112)."""

    mode: str = ""


@dataclass(frozen=True, slots=True)
class PeerAuthenticationSpec(Record):
    """The `spec` of a PeerAuthentication."""

    selector: LabelSelector | None = None
    mtls: MutualTLS | None = None
    port_level_mtls: Mapping[str, MutualTLS] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JWTHeader(Record):
    """A header in which a token may be, behind its prefix (S142)."""

    name: str = ""
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class JWTRule(Record):
    """An issuer whose tokens are verified (S147)."""

    issuer: str = ""
    audiences: tuple[str, ...] = ()
    jwks_uri: str = field(default="", metadata={"json": ("jwksUri", "jwks_uri")})
    jwks: str = ""
    from_headers: tuple[JWTHeader, ...] = ()
    from_params: tuple[str, ...] = ()
    from_cookies: tuple[str, ...] = ()
    forward_original_token: bool = False


@dataclass(frozen=True, slots=True)
class RequestAuthenticationSpec(Record):
    """The `spec` of a RequestAuthentication."""

    selector: LabelSelector | None = None
    target_ref: TargetRef | None = None
    target_refs: tuple[TargetRef, ...] = ()
    jwt_rules: tuple[JWTRule, ...] = ()


AuthorizationPolicy = Resource[AuthorizationPolicySpec]
PeerAuthentication = Resource[PeerAuthenticationSpec]
RequestAuthentication = Resource[RequestAuthenticationSpec]
