"""Who authorization policies name as callers, and which workloads those are."""

from collections.abc import Iterator

from meshlint.mesh import authorization
from meshlint.mesh.authorization import Action
from meshlint.mesh.edges import Edge, Kind, Vertex, vertex
from meshlint.mesh.model import Mesh
from meshlint.mesh.short import policy_condition
from meshlint.mesh.workloads import Workload
from meshlint.resources.base import Resource
from meshlint.resources.security import AuthorizationPolicySpec, AuthorizationRule, AuthorizationSource

_KINDS = {
    Action.ALLOW: Kind.ADMITTED,
    Action.DENY: Kind.DENIED,
    Action.CUSTOM: Kind.ASKED,
    Action.AUDIT: Kind.AUDITED,
}
_ANYONE = Vertex("Caller", "anyone")
_IDENTIFIED = Vertex("Caller", "anyone with an identity")


def callers(mesh: Mesh) -> Iterator[Edge]:
    """From callers to the policies that speak of them, and from workloads to the callers that they are (S41, S52)."""
    named: dict[Vertex, None] = {}
    for policy in mesh.authorization_policies:
        for edge in _of_policy(policy):
            named.setdefault(edge.source)
            yield edge
    for workload in mesh.workloads:
        for caller in named:
            if _is(mesh, workload, caller):
                yield Edge(vertex(workload.resource), caller, Kind.RUNS_AS, workload.resource.name_node)


def _of_policy(policy: Resource[AuthorizationPolicySpec]) -> Iterator[Edge]:
    kind = _KINDS[authorization.action(policy)]
    for rule in policy.spec.rules:
        for source in [origin.source for origin in rule.from_] or [None]:
            yield from _of_source(policy, rule, source, kind)


def _of_source(
    policy: Resource[AuthorizationPolicySpec], rule: AuthorizationRule, source: AuthorizationSource | None, kind: Kind
) -> Iterator[Edge]:
    """One edge for each caller of the source; what it asks for besides is the condition on all of them."""
    field, found = _named(policy, source)
    node = source.node if source is not None else rule.node
    condition = policy_condition(rule, source, field)
    for caller in found or (_ANYONE,):
        yield Edge(caller, vertex(policy), kind, node, condition=condition)


def _named(
    policy: Resource[AuthorizationPolicySpec], source: AuthorizationSource | None
) -> tuple[str, tuple[Vertex, ...]]:
    """The field by which the source names callers best, and the callers."""
    if source is None:
        return "", ()
    if source.principals:
        return "principals", tuple(Vertex("Principal", one) if one != "*" else _IDENTIFIED for one in source.principals)
    if source.service_accounts:
        full = (one if "/" in one else f"{policy.namespace}/{one}" for one in source.service_accounts)
        return "service_accounts", tuple(Vertex("ServiceAccount", one) for one in full)
    return "namespaces", tuple(Vertex("Namespace", one) for one in source.namespaces)


def _is(mesh: Mesh, workload: Workload, caller: Vertex) -> bool:
    match caller.kind:
        case "Principal":
            return _matches(caller.name, f"{mesh.config.certified_domain}/{workload.principal}")
        case "ServiceAccount":
            return caller.name == f"{workload.namespace}/{workload.service_account}"
        case "Namespace":
            return _matches(caller.name, workload.namespace)
        case _:
            return False


def _matches(pattern: str, text: str) -> bool:
    """Whether the text is of the pattern, in which a star at either end stands for anything (S41)."""
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern
