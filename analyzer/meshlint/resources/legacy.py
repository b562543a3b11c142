"""RbacConfig, ServiceRole and ServiceRoleBinding (`rbac.istio.io`), Policy and MeshPolicy (`authentication.istio.io`): until Istio 1.5."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshlint.resources.base import PortSelector, Resource
from meshlint.resources.record import Record
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class RbacTarget(Record):
    """Services by full name and namespaces that an RbacConfig includes or excludes (L8)."""

    services: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RbacConfigSpec(Record):
    """The `spec` of an RbacConfig or ClusterRbacConfig: where roles are enforced; an absent mode is OFF (L7, L8)."""

    mode: str = ""
    inclusion: RbacTarget | None = None
    exclusion: RbacTarget | None = None


@dataclass(frozen=True, slots=True)
class Constraint(Record):
    """A further condition of an access rule; its values are alternatives (L16)."""

    key: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessRule(Record):
    """What a role permits: services, paths, methods and constraints together (L12-L16)."""

    services: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceRoleSpec(Record):
    """The `spec` of a ServiceRole."""

    rules: tuple[AccessRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject(Record):
    """Who is bound to a role: all that is given together (L17, L18)."""

    user: str = ""
    group: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoleRef(Record):
    """The role that a binding grants (L21)."""

    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ServiceRoleBindingSpec(Record):
    """The `spec` of a ServiceRoleBinding; one whose mode is PERMISSIVE grants nothing (L22)."""

    subjects: tuple[Subject, ...] = ()
    role_ref: RoleRef | None = field(default=None, metadata={"json": ("roleRef", "role_ref")})
    mode: str = ""


@dataclass(frozen=True, slots=True)
class TargetSelector(Record):
    """A service of the Policy's namespace by its short name, and its ports where not all are meant (L25)."""

    name: str = ""
    ports: tuple[PortSelector, ...] = ()


@dataclass(frozen=True, slots=True)
class Jwt(Record):
    """An issuer whose tokens are accepted (L31)."""

    issuer: str = ""


@dataclass(frozen=True, slots=True)
class AuthenticationMethod(Record):
    """One of the ways in which a caller may show who it is; `mtls` without anything in it is there all the same (L28)."""

    mtls: Node | None = None
    jwt: Jwt | None = None

    @property
    def is_mtls(self) -> bool:
        """Whether the method is mutual TLS."""
        return self.node.get("mtls") is not None


@dataclass(frozen=True, slots=True)
class AuthenticationPolicySpec(Record):
    """The `spec` of a Policy or MeshPolicy: how callers authenticate themselves (L24-L31)."""

    targets: tuple[TargetSelector, ...] = ()
    peers: tuple[AuthenticationMethod, ...] = ()
    peer_is_optional: bool = field(default=False, metadata={"json": ("peerIsOptional", "peer_is_optional")})
    origins: tuple[AuthenticationMethod, ...] = ()
    origin_is_optional: bool = field(default=False, metadata={"json": ("originIsOptional", "origin_is_optional")})
    principal_binding: str = field(default="", metadata={"json": ("principalBinding", "principal_binding")})


RbacConfig = Resource[RbacConfigSpec]
ServiceRole = Resource[ServiceRoleSpec]
ServiceRoleBinding = Resource[ServiceRoleBindingSpec]
AuthenticationPolicy = Resource[AuthenticationPolicySpec]
