"""Roles, bindings and Policies of Istio 1.0 to 1.5 that are not enforced, or that lead nowhere."""

from collections.abc import Iterator

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.legacy_authentication import is_in_force, peers
from meshlint.mesh.legacy_conditions import fits
from meshlint.mesh.legacy_rbac import bindings_of, config_of, is_enforced
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.served import served_ports
from meshlint.mesh.services import Host
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.registry import checks
from meshlint.resources.legacy import (
    AuthenticationPolicy,
    AuthenticationPolicySpec,
    ServiceRole,
    ServiceRoleBinding,
    ServiceRoleBindingSpec,
    ServiceRoleSpec,
)


@checks("MSH530")
def legacy_rbac_off(mesh: Mesh) -> Iterator[Result]:
    """Roles and bindings that decide nothing: no RbacConfig turns them on, or nobody can prove who they are (L7, L8, L20)."""
    if not is_in_force(mesh):
        return
    roles, bindings = mesh.of(ServiceRoleSpec), mesh.of(ServiceRoleBindingSpec)
    if config_of(mesh) is None:
        for one in (*roles, *bindings):
            if mesh.settings.world is World.PARTIAL or not mesh.expects(Class.HOSTS, one.namespace):
                yield Outside(one.name_node, "RbacConfig default")
            else:
                message = f"this {one.ref.kind} decides nothing: no RbacConfig called `default` turns roles on"
                yield Problem(one.node.at("apiVersion"), message, label="not enforced")
    else:
        for role in roles:
            yield from _not_included(mesh, role)
    for role in roles:
        yield from _without_identity(mesh, role)


@checks("MSH531")
def legacy_role_dangling(mesh: Mesh) -> Iterator[Result]:
    """A binding to no role, a role bound by none, and services that a role means and does not name (L11, L12, L21)."""
    if not is_in_force(mesh):
        return
    roles = {(one.namespace, one.name) for one in mesh.of(ServiceRoleSpec)}
    for binding in mesh.of(ServiceRoleBindingSpec):
        yield from _dangling(mesh, binding, roles)
    for role in mesh.of(ServiceRoleSpec):
        if not _is_bound(mesh, role):
            if mesh.settings.world is World.COMPLETE:
                yield Problem(role.name_node, "no ServiceRoleBinding of its namespace names this role", label="unused")
            else:
                yield Outside(role.name_node, f"bindings of role {role.namespace}/{role.name}")
        yield from _nameless(mesh, role)


@checks("MSH910")
def legacy_authentication(mesh: Mesh) -> Iterator[Result]:
    """A Policy for a service that is not there, and several for one scope, of which any may count (L25, L26)."""
    if not is_in_force(mesh):
        return
    scopes: dict[tuple[str, str, str], AuthenticationPolicy] = {}
    for policy in mesh.of(AuthenticationPolicySpec):
        for index, target in enumerate(policy.spec.targets):
            host = f"{target.name}.{policy.namespace}.svc.{mesh.settings.cluster_domain}"
            node = policy.spec.node.at("targets", index, "name")
            if not mesh.hosts_named(host):
                if mesh.expects(Class.HOSTS, policy.namespace):
                    names = [one.name.partition(".")[0] for one in _own(mesh, policy.namespace)]
                    hint = did_you_mean(nearest(target.name, names))
                    message = f"namespace `{policy.namespace}` has no Service `{target.name}`"
                    yield Problem(node, message, "no such service", (), hint)
                else:
                    yield Outside(node, f"host {host}")
        for scope in _scopes(policy):
            first = scopes.setdefault(scope, policy)
            if first is not policy and not mesh.are_alternatives(first, policy):
                message = f"`{first.name}` is for the same scope: which of them counts is not defined"
                yield Problem(policy.name_node, message, "one too many", (Note(first.name_node.span, "the other"),))


def _own(mesh: Mesh, namespace: str) -> list[Host]:
    return [host for host in mesh.hosts if host.namespace == namespace and not host.is_service_entry]


def _named(mesh: Mesh, role: ServiceRole) -> Iterator[Host]:
    """The services that some rule of the role names."""
    patterns = [pattern for rule in role.spec.rules for pattern in rule.services]
    for host in _own(mesh, role.namespace):
        if any(fits(pattern, host.name) for pattern in patterns):
            yield host


def _not_included(mesh: Mesh, role: ServiceRole) -> Iterator[Problem]:
    named = list(_named(mesh, role))
    config = config_of(mesh)
    if named and config is not None and not any(is_enforced(mesh, host) for host in named):
        message = "this ServiceRole decides nothing: the RbacConfig leaves all of its services out"
        notes = (Note(config.spec.node.at("mode").span, "for this reason"),)
        yield Problem(role.node.at("apiVersion"), message, "not enforced", notes)


def _without_identity(mesh: Mesh, role: ServiceRole) -> Iterator[Problem]:
    """Bindings by identity for services none of whose workloads asks for a certificate."""
    hosts = list(_named(mesh, role))
    ports = [
        (workload, one.number)
        for host in hosts
        for workload in mesh.workloads_of(host)
        for one in served_ports(mesh, workload)
        if one.host is host and one.number is not None
    ]
    if not ports or any(peers(mesh, workload, number).node is not None for workload, number in ports):
        return
    names = ", ".join(f"`{host.resource.name}`" for host in hosts)
    for binding in bindings_of(mesh, role):
        for index, subject in enumerate(binding.spec.subjects):
            if subject.user and subject.user != "*":
                node = binding.spec.node.at("subjects", index, "user")
                message = f"nobody has this identity: no Policy turns mutual TLS on for {names}"
                yield Problem(node, message, label="never matches")


def _dangling(mesh: Mesh, binding: ServiceRoleBinding, roles: set[tuple[str, str]]) -> Iterator[Result]:
    ref = binding.spec.role_ref
    if ref is None or (binding.namespace, ref.name) in roles:
        return
    here = sorted(name for home, name in roles if home == binding.namespace)
    node = binding.spec.node.at("roleRef", "name")
    if here or mesh.settings.world is World.COMPLETE:
        message = f"namespace `{binding.namespace}` has no ServiceRole `{ref.name}`: the binding grants nothing"
        yield Problem(node, message, "no such role", (), did_you_mean(nearest(ref.name, here)))
    else:
        yield Outside(node, f"ServiceRole {binding.namespace}/{ref.name}")


def _is_bound(mesh: Mesh, role: ServiceRole) -> bool:
    return any(
        one.namespace == role.namespace and one.spec.role_ref is not None and one.spec.role_ref.name == role.name
        for one in mesh.of(ServiceRoleBindingSpec)
    )


def _nameless(mesh: Mesh, role: ServiceRole) -> Iterator[Problem]:
    """Services written in a way that no full name of the namespace fits."""
    own = [host.name for host in _own(mesh, role.namespace)]
    if not mesh.expects(Class.HOSTS, role.namespace):
        return
    for index, rule in enumerate(role.spec.rules):
        for position, pattern in enumerate(rule.services):
            if any(fits(pattern, name) for name in own):
                continue
            node = role.spec.node.at("rules", index, "services", position)
            near = next((name for name in own if name.split(".")[0] == pattern.split(".")[0]), nearest(pattern, own))
            message = f"no service of namespace `{role.namespace}` is called `{pattern}`: names are full here"
            yield Problem(node, message, "no such service", (), did_you_mean(near))


def _scopes(policy: AuthenticationPolicy) -> Iterator[tuple[str, str, str]]:
    """What the Policy is for: a service and its port, a namespace, or the mesh."""
    if policy.ref.kind == "MeshPolicy":
        yield "", "", ""
        return
    for target in policy.spec.targets:
        for port in target.ports:
            yield policy.namespace, target.name, str(port.number or port.name)
        if not target.ports:
            yield policy.namespace, target.name, ""
    if not policy.spec.targets:
        yield policy.namespace, "", ""
