"""Which AuthorizationPolicies decide for a workload, and what they decide (security S1-S40)."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.conditions import Chain, Reading, rule_predicate
from meshlint.mesh.gateway_classes import Controller, controllers
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Predicate, holds, may_hold
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.mesh.ztunnel import ACTIONS, connection_predicate, reaches
from meshlint.request import Attribute, Request
from meshlint.resources.base import Labels, Resource, TargetRef, selects
from meshlint.resources.security import AuthorizationPolicySpec, AuthorizationRule
from meshlint.source.node import Node

Policy = Resource[AuthorizationPolicySpec]


class Action(Enum):
    """What a policy does with the requests that it matches (S5, S9-S11)."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    AUDIT = "AUDIT"
    CUSTOM = "CUSTOM"


@dataclass(frozen=True, slots=True, eq=False)
class PolicyRule:
    """One rule of a policy, as the requests that it matches on one kind of chain."""

    policy: Policy
    node: Node
    predicate: Predicate
    written: AuthorizationRule


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the policies make of one request (S2).

    `rule` is the one that decides: the DENY or broken CUSTOM rule that refuses, the ALLOW rule that lets pass; None
    where the absence of one does. `asked` are the CUSTOM rules whose authorizers have a say of their own (S11).
    """

    is_allowed: bool
    rule: PolicyRule | None = None
    asked: tuple[PolicyRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Gates:
    """The rules that a request has to pass, first to last (S2).

    It is refused by any of `refusing`: DENY rules, and CUSTOM ones whose authorizer is broken (S12, S13). Those of
    `asking` leave it to an external authorizer (S11). One of `allowing` has to admit it; None where there is no need.
    """

    refusing: tuple[PolicyRule, ...]
    asking: tuple[PolicyRule, ...]
    allowing: tuple[PolicyRule, ...] | None


def action(policy: Policy) -> Action:
    """The policy's action; an absent or unknown one is ALLOW (S5)."""
    name = policy.spec.action
    return Action(name) if name in Action.__members__ else Action.ALLOW


def is_enforced(policy: Policy) -> bool:
    """Whether the policy decides anything: dry runs do not, but for CUSTOM ones, which refuse (S16, S17)."""
    return not _is_dry(policy) or action(policy) is Action.CUSTOM


def is_certain(mesh: Mesh, policy: Policy) -> bool:
    """Whether the policy is in the mesh just as the input says: enforced, well-formed and defined once."""
    return is_enforced(policy) and policy.is_sound and len(mesh.alternatives(policy)) == 1


def selector(policy: Policy) -> Labels:
    """The labels by which the policy selects pods; none selects all of its scope (S22)."""
    return policy.spec.selector.match_labels if policy.spec.selector is not None else {}


def target_refs(policy: Policy) -> tuple[TargetRef, ...]:
    """What the policy is attached to in place of pods; the singular field counts only alone (S28)."""
    if policy.spec.target_refs:
        return policy.spec.target_refs
    return (policy.spec.target_ref,) if policy.spec.target_ref is not None else ()


def attached(mesh: Mesh, workload: Workload) -> tuple[Policy, ...]:
    """The enforced policies that decide at the workload's own proxy (S21-S31)."""
    return mesh.derived(_attached, mesh, workload)


def selects_pods(mesh: Mesh, namespace: str, refs: tuple[TargetRef, ...], labels: Labels, workload: Workload) -> bool:
    """Whether what is attached to *refs*, or else selects *labels*, acts at the workload's own proxy (S22-S31).

    *namespace* is its own; whether that one counts for the workload at all is not asked.
    """
    gateway = workload.labels.get("gateway.networking.k8s.io/gateway-name")
    is_waypoint = gateway is not None and (workload.namespace, gateway) in mesh.derived(_waypoints, mesh)
    if refs:
        here = namespace == workload.namespace
        of_all = is_waypoint and namespace == mesh.config.root_namespace
        return gateway is not None and any(
            (here and (ref.kind, ref.name) == ("Gateway", gateway))
            or (of_all and (ref.kind, ref.name) == ("GatewayClass", "istio-waypoint"))
            for ref in refs
        )
    return not is_waypoint and selects(labels, workload.labels)


def targets(mesh: Mesh, policy: Policy) -> tuple[Workload, ...]:
    """The workloads at whose proxies the policy decides."""
    return mesh.derived(_targets, mesh, policy)


def reaches_as_far(mesh: Mesh, wide: Policy, narrow: Policy) -> bool:
    """Whether *wide* is attached to every workload that *narrow* is attached to, those outside the input included."""
    if target_refs(wide) or target_refs(narrow):
        return False
    if wide.namespace not in (narrow.namespace, mesh.config.root_namespace):
        return False
    return selects(selector(wide), selector(narrow))


def rules(mesh: Mesh, policies: Iterable[Policy], wanted: Action, chain: Chain) -> tuple[PolicyRule, ...]:
    """The rules of all *policies* with the wanted action, poured into one set (S3)."""
    return tuple(rule for policy in policies if action(policy) is wanted for rule in rules_of(mesh, policy, chain))


def rules_of(mesh: Mesh, policy: Policy, chain: Chain) -> tuple[PolicyRule, ...]:
    """The policy's rules on one kind of chain; those that Istio drops there are left out (S38, S39, S74, S93)."""
    return mesh.derived(_rules_of, mesh, policy, chain)


def gates(mesh: Mesh, policies: Iterable[Policy], chain: Chain) -> Gates:
    """What stands between a request and a workload with these *policies*, on one kind of chain (S2)."""
    placed = tuple(policies)
    custom = _custom_rules(mesh, placed, chain)
    broken = tuple(rule for rule in custom if _is_broken(mesh, rule.policy, placed))
    has_allow = any(action(policy) is Action.ALLOW for policy in placed)
    return Gates(
        refusing=(*broken, *rules(mesh, placed, Action.DENY, chain)),
        asking=tuple(rule for rule in custom if rule not in broken),
        allowing=rules(mesh, placed, Action.ALLOW, chain) if has_allow else None,
    )


def verdict(mesh: Mesh, policies: Iterable[Policy], chain: Chain, request: Request) -> Verdict:
    """What the enforced *policies* of one workload make of a request on one kind of chain (S2).

    Tokens are taken to be verified already; the answers of external authorizers are not known.
    """
    return decided(gates(mesh, policies, chain), request)


def decided(found: Gates, request: Request) -> Verdict:
    """What gates make of one request."""
    asked = _matching(found.asking, request)
    refusing = _matching(found.refusing, request)
    if refusing:
        return Verdict(is_allowed=False, rule=refusing[0], asked=asked)
    if found.allowing is None:
        return Verdict(is_allowed=True, asked=asked)
    allowing = _matching(found.allowing, request)
    return Verdict(bool(allowing), allowing[0] if allowing else None, asked)


def is_open(
    mesh: Mesh, policies: Iterable[Policy], chain: Chain, request: Request, unknown: AbstractSet[Attribute]
) -> bool:
    """Whether the verdict may be another for some values of the *unknown* attributes."""
    found = gates(mesh, policies, chain)

    def some(given: tuple[PolicyRule, ...]) -> bool:
        return any(may_hold(one.predicate, request, unknown) for one in given)

    def sure(given: tuple[PolicyRule, ...]) -> bool:
        return any(not may_hold(one.predicate, request, unknown, wanted=False) for one in given)

    may_pass = not sure(found.refusing) and (found.allowing is None or some(found.allowing))
    must_pass = not some(found.refusing) and (found.allowing is None or sure(found.allowing))
    return may_pass is not must_pass


def _matching(candidates: Iterable[PolicyRule], request: Request) -> tuple[PolicyRule, ...]:
    return tuple(rule for rule in candidates if holds(rule.predicate, request))


def _custom_rules(mesh: Mesh, policies: tuple[Policy, ...], chain: Chain) -> tuple[PolicyRule, ...]:
    """The CUSTOM rules that act: an HTTP authorizer is skipped on a TCP chain (S14)."""
    found = rules(mesh, policies, Action.CUSTOM, chain)
    if chain is Chain.HTTP:
        return found
    return tuple(rule for rule in found if "http" not in authorizers(mesh).get(_provider(rule.policy), frozenset()))


def _is_broken(mesh: Mesh, policy: Policy, policies: tuple[Policy, ...]) -> bool:
    """Whether the policy refuses what it selects: a dry run, no such authorizer, or two on one workload (S12, S13, S17)."""
    named = {_provider(one) for one in policies if action(one) is Action.CUSTOM and not _is_dry(one)}
    return len(named) > 1 or _is_dry(policy) or _provider(policy) not in authorizers(mesh)


def _is_dry(policy: Policy) -> bool:
    return policy.metadata.annotations.get("istio.io/dry-run", "") in ("1", "t", "T", "TRUE", "true", "True")


def _provider(policy: Policy) -> str:
    return policy.spec.provider.name if policy.spec.provider is not None else ""


def authorizers(mesh: Mesh) -> Mapping[str, frozenset[str]]:
    """The external authorizers of the mesh that work by name, and the protocols they speak (S11, S12)."""
    found: dict[str, frozenset[str]] = {}
    seen: set[str] = set()
    for one in mesh.config.extension_providers:
        kinds = {"http": one.envoy_ext_authz_http, "grpc": one.envoy_ext_authz_grpc}
        spoken = {kind: node for kind, node in kinds.items() if node is not None}
        if not spoken:
            continue
        if one.name not in seen and _LABEL.fullmatch(one.name) and all(map(_is_sound, spoken.values())):
            found[one.name] = frozenset(spoken)
        else:
            found.pop(one.name, None)
        seen.add(one.name)
    return found


_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


def _is_sound(authorizer: Node) -> bool:
    """Whether the authorizer's definition says where it is; whether it is there is not asked (S12)."""
    service, port = authorizer.get("service"), authorizer.get("port")
    number = port.value if port is not None else None
    return service is not None and bool(service.value) and isinstance(number, int) and 0 < number <= 65535


def _attached(mesh: Mesh, workload: Workload) -> tuple[Policy, ...]:
    if workload.proxy is Proxy.NONE:
        return ()
    by_namespace = mesh.derived(_by_namespace, mesh)
    homes = dict.fromkeys((mesh.config.root_namespace, workload.namespace))
    return tuple(
        policy
        for home in homes
        for policy in by_namespace.get(home, ())
        if is_enforced(policy) and _selects(mesh, policy, workload)
    )


def _by_namespace(mesh: Mesh) -> Mapping[str, list[Policy]]:
    found: dict[str, list[Policy]] = {}
    for policy in mesh.authorization_policies:
        found.setdefault(policy.namespace, []).append(policy)
    return found


def _targets(mesh: Mesh, policy: Policy) -> tuple[Workload, ...]:
    root = mesh.config.root_namespace
    pool = mesh.workloads if policy.namespace == root else mesh.workloads_in(policy.namespace)
    return tuple(
        workload
        for workload in pool
        if workload.proxy is not Proxy.NONE and is_enforced(policy) and _selects(mesh, policy, workload)
    )


def _selects(mesh: Mesh, policy: Policy, workload: Workload) -> bool:
    if workload.proxy is Proxy.AMBIENT:  # S88-S91
        refs = target_refs(policy)
        return not refs and policy.spec.action in ACTIONS and reaches(policy.spec.selector, workload.labels)
    return selects_pods(mesh, policy.namespace, target_refs(policy), selector(policy), workload)


def _waypoints(mesh: Mesh) -> frozenset[tuple[str, str]]:
    """Namespace and name of each Gateway that is a waypoint: its pods take no selectors (S30)."""
    classes = controllers(mesh.resources)
    return frozenset(
        (one.namespace, one.name)
        for one in mesh.kubernetes_gateways
        if classes.get(one.spec.gateway_class_name) is Controller.WAYPOINT
    )


def _rules_of(mesh: Mesh, policy: Policy, chain: Chain) -> tuple[PolicyRule, ...]:
    reading = Reading(policy.namespace, mesh.config, chain, strict=action(policy) is Action.ALLOW)
    predicate = connection_predicate if chain is Chain.ZTUNNEL else rule_predicate
    read = ((rule, predicate(rule, reading)) for rule in policy.spec.rules)
    return tuple(PolicyRule(policy, rule.node, found, rule) for rule, found in read if found is not None)
