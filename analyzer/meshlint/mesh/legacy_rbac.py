"""Who may call what before AuthorizationPolicies: RbacConfig, ServiceRoles and their bindings, as gates (legacy L7-L23).

A role's rule and the bindings of the role make one rule of the gates that `mesh.authorization` has for policies, so
that both readings of predicates, the one request and all requests, know of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from meshlint.mesh import history
from meshlint.mesh.authorization import Gates, PolicyRule, Verdict, attached, decided, gates
from meshlint.mesh.conditions import Chain
from meshlint.mesh.legacy_conditions import permitted, subjects
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import both
from meshlint.mesh.served import is_gateway, served_ports
from meshlint.mesh.services import Host
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.request import Request
from meshlint.resources.base import Resource
from meshlint.resources.legacy import (
    AccessRule,
    RbacConfig,
    RbacConfigSpec,
    RbacTarget,
    ServiceRole,
    ServiceRoleBinding,
    ServiceRoleBindingSpec,
    ServiceRoleSpec,
)
from meshlint.resources.security import AuthorizationPolicySpec, AuthorizationRule
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Enforcement:
    """What RbacConfigs say of a workload's port: the gates there, and the configuration that puts them up.

    `doubt` says why they cannot be told.
    """

    gates: Gates
    config: RbacConfig
    doubt: str = ""


def config_of(mesh: Mesh) -> RbacConfig | None:
    """The one configuration that counts: called `default`, in whichever namespace; none after 1.5 (L7)."""
    found = _configs(mesh)
    return found[0] if found else None


def is_enforced(mesh: Mesh, host: Host) -> bool:
    """Whether roles decide about requests for a service (L7, L8)."""
    config = config_of(mesh)
    if config is None or host.is_service_entry:
        return False
    match config.spec.mode:
        case "ON":
            return True
        case "ON_WITH_INCLUSION":
            return _is_among(host, config.spec.inclusion)
        case "ON_WITH_EXCLUSION":
            return not _is_among(host, config.spec.exclusion)
        case _:
            return False


def enforcement(mesh: Mesh, workload: Workload, port: int, chain: Chain) -> Enforcement | None:
    """What roles let through at a port of the workload's pods; None where they decide nothing (L8-L11).

    Gateways and bytes are never held up, and one AuthorizationPolicy at the workload puts all roles out of force (L91).
    """
    return mesh.derived(_enforcement, mesh, workload, port, chain)


def gates_at(mesh: Mesh, workload: Workload, port: int, chain: Chain) -> Gates:
    """What stands before a port of the workload's pods, of either kind: AuthorizationPolicies, else roles."""
    found = enforcement(mesh, workload, port, chain)
    return found.gates if found is not None else gates(mesh, attached(mesh, workload), chain)


def verdict_at(mesh: Mesh, workload: Workload, port: int, chain: Chain, request: Request) -> Verdict:
    """What policies or roles make of one request at a port of the workload's pods."""
    return decided(gates_at(mesh, workload, port, chain), request)


def bindings_of(mesh: Mesh, role: ServiceRole) -> tuple[ServiceRoleBinding, ...]:
    """The enforced bindings of a role: those of its own namespace that name it (L21, L22)."""
    return tuple(
        one
        for one in mesh.of(ServiceRoleBindingSpec)
        if one.namespace == role.namespace
        and one.spec.mode not in ("PERMISSIVE", "1")
        and one.spec.role_ref is not None
        and (one.spec.role_ref.kind, one.spec.role_ref.name) == ("ServiceRole", role.name)
    )


def _configs(mesh: Mesh) -> tuple[RbacConfig, ...]:
    release = mesh.settings.istio_version
    if release >= history.NO_LEGACY_SECURITY:
        return ()
    named = [one for one in mesh.of(RbacConfigSpec) if one.name == "default"]
    wide = tuple(one for one in named if one.ref.kind == "ClusterRbacConfig")
    if wide and release >= history.CLUSTER_RBAC:
        return wide
    return tuple(one for one in named if one.ref.kind == "RbacConfig")


def _is_among(host: Host, target: RbacTarget | None) -> bool:
    return target is not None and (host.name in target.services or host.namespace in target.namespaces)


def _enforcement(mesh: Mesh, workload: Workload, port: int, chain: Chain) -> Enforcement | None:
    config = config_of(mesh)
    if config is None or workload.proxy is Proxy.NONE or is_gateway(mesh, workload) or attached(mesh, workload):
        return None
    hosts = list(dict.fromkeys(one.host for one in served_ports(mesh, workload) if one.number == port))
    held = [host for host in hosts if is_enforced(mesh, host)]
    if not held:
        return None
    if chain is Chain.TCP:
        if mesh.settings.istio_version < history.CLUSTER_RBAC:
            return None
        return Enforcement(Gates((), (), ()), config, "what roles mean for bytes since Istio 1.1 is not followed")
    allowing = tuple(rule for role in _roles(mesh, held[0]) for rule in _rules(mesh, role, held[0], workload, port))
    return Enforcement(Gates((), (), allowing), config, _doubt(mesh, hosts, held))


def _doubt(mesh: Mesh, hosts: list[Host], held: list[Host]) -> str:
    if len(_configs(mesh)) > 1:
        return "several RbacConfigs are called `default`"
    if len(hosts) > 1:
        return f"{', '.join(host.name for host in hosts)} lead to the port, and the roles of one of them hold"
    broken = (
        one for one in (*_roles(mesh, held[0]), *mesh.of(ServiceRoleBindingSpec)) if one.namespace == held[0].namespace
    )
    for one in broken:
        if len(mesh.alternatives(one)) > 1:
            return f"{one.ref.kind} {one.namespace}/{one.name} is defined several times"
    return ""


def _roles(mesh: Mesh, host: Host) -> Iterable[ServiceRole]:
    """The roles that are looked at for a service: those of its namespace (L11)."""
    return [role for role in mesh.of(ServiceRoleSpec) if role.namespace == host.namespace]


def _rules(mesh: Mesh, role: ServiceRole, host: Host, workload: Workload, port: int) -> Iterator[PolicyRule]:
    """The rules of a role that are about the service, each with all who are bound to the role (L23)."""
    bindings = bindings_of(mesh, role)
    if not bindings:
        return
    who = subjects(mesh, bindings, workload, port)
    for rule in role.spec.rules:
        what = permitted(rule, host, workload)
        if what is not None:
            yield PolicyRule(_as_policy(role), rule.node, both(who, what), _as_written(rule))


def _as_policy(role: ServiceRole) -> Resource[AuthorizationPolicySpec]:
    """The role in the place that a policy has in a rule of gates."""
    return Resource(role.ref, role.node, role.metadata, AuthorizationPolicySpec(role.spec.node), role.is_sound)


def _as_written(rule: AccessRule) -> AuthorizationRule:
    node: Node = rule.node
    return AuthorizationRule(node)
