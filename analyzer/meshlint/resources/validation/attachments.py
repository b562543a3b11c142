"""What policies are attached to: a selector of workloads, or references to gateways and services (S22, S26)."""

from collections.abc import Iterator
from typing import Any

from meshlint.resources.base import Resource
from meshlint.resources.extension import TelemetrySpec, TrafficExtensionSpec, WasmPluginSpec
from meshlint.resources.mistake import Violation
from meshlint.resources.security import AuthorizationPolicySpec, PeerAuthenticationSpec, RequestAuthenticationSpec
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import are_labels_missing, clash, invalid, selector_flaws, shown, text, warned
from meshlint.source.node import Node

_TARGETS = frozenset(
    {
        ("", "Service"),
        ("core", "Service"),
        ("gateway.networking.k8s.io", "Gateway"),
        ("gateway.networking.k8s.io", "GatewayClass"),
        ("networking.istio.io", "ServiceEntry"),
    }
)


@demands(AuthorizationPolicySpec)
@demands(PeerAuthenticationSpec)
@demands(RequestAuthenticationSpec)
@demands(TelemetrySpec)
@demands(WasmPluginSpec)
@demands(TrafficExtensionSpec)
def selects_by_labels(policy: Resource[Any], _: Release) -> Iterator[Violation]:
    """A selector compares labels as they are, and one without labels selects every workload (S22)."""
    selector = policy.spec.node.get("selector")
    yield from selector_flaws(selector, "matchLabels")
    chosen = policy.spec.selector
    if selector is not None and are_labels_missing(selector, chosen.match_labels if chosen is not None else {}):
        message = "the selector names no label, so it selects every workload"
        yield warned(selector, message, "leave `selector` out if that is meant", "no labels", on_key=True)


@demands(AuthorizationPolicySpec)
@demands(RequestAuthenticationSpec)
@demands(TelemetrySpec)
@demands(WasmPluginSpec)
@demands(TrafficExtensionSpec)
def targets_what_may_be_targeted(policy: Resource[Any], _: Release) -> Iterator[Violation]:
    """A reference leads to a gateway, a class of gateways, a Service or a ServiceEntry of the policy's namespace (S26)."""
    spec = policy.spec.node
    single = spec.get("targetRef")
    for target in (*((single,) if single is not None else ()), *spec.at("targetRefs").elements):
        yield from _target_flaws(target)


def _target_flaws(target: Node) -> Iterator[Violation]:
    namespace, kind = target.get("namespace"), target.get("kind")
    if namespace is not None and text(namespace):
        yield clash(namespace, "a policy's target is in the policy's own namespace: it takes no `namespace`")
    group = text(target.get("group"))
    if kind is not None and text(kind) and (group, text(kind)) not in _TARGETS:
        where = f" of group {shown(group)}" if group else " of the core group"
        hint = "it may be a Service, a ServiceEntry, or a Gateway or GatewayClass of `gateway.networking.k8s.io`"
        yield invalid(kind, f"no policy can be attached to a {text(kind)}{where}", hint)
