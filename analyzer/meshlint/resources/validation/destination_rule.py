"""DestinationRules: their traffic policies, subsets and audience (R203, R507, R517, R519)."""

from collections.abc import Iterator

from meshlint.resources.destination_rule import DestinationRule, DestinationRuleSpec
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.connections import (
    balancer_flaws,
    client_tls_flaws,
    outlier_flaws,
    pool_flaws,
    tunnel_flaws,
)
from meshlint.resources.validation.exports import export_flaws
from meshlint.resources.validation.names import (
    are_labels_missing,
    clash,
    has,
    host_flaw,
    invalid,
    label_flaws,
    missing,
    port_flaws,
    port_name_flaws,
    selector_flaws,
    strings,
    warned,
)
from meshlint.source.node import Node

_SETTINGS = ("loadBalancer", "connectionPool", "outlierDetection", "tls")
_OF_ALL_PORTS = (*_SETTINGS, "portLevelSettings", "tunnel", "proxyProtocol", "retryBudget")


@demands(DestinationRuleSpec)
def host_is_a_name(rule: DestinationRule, _: Release) -> Iterator[Violation]:
    """The host is a name or a wildcard."""
    node = rule.spec.node.get("host")
    if node is not None and isinstance(node.value, str) and (flaw := host_flaw(node.value)):
        yield invalid(node, flaw)


@demands(DestinationRuleSpec)
def policies_are_possible(rule: DestinationRule, _: Release) -> Iterator[Violation]:
    """Each traffic policy says something, and nothing impossible."""
    for holder in (rule.spec.node, *(subset.node for subset in rule.spec.subsets)):
        policy = holder.get("trafficPolicy")
        if policy is not None and policy.value is not None:
            yield from _policy_flaws(policy)


@demands(DestinationRuleSpec)
def subsets_are_names_and_labels(rule: DestinationRule, _: Release) -> Iterator[Violation]:
    """A subset's name is part of the name of a cluster, and its labels are labels of pods (R503, R507)."""
    for subset in rule.spec.subsets:
        yield from port_name_flaws(subset.node.get("name"))
        yield from label_flaws(subset.node.get("labels"))


@demands(DestinationRuleSpec)
def exports_are_namespaces(rule: DestinationRule, _: Release) -> Iterator[Violation]:
    """To whom the rule is shown; one with a selector is for its own namespace (R203, R517)."""
    node = rule.spec.node.get("exportTo")
    yield from export_flaws(node, rule.namespace)
    if rule.spec.workload_selector is not None:
        for entry in strings(rule.spec.node, "exportTo"):
            if entry.value not in (".", rule.namespace):
                message = "a rule with `workloadSelector` is for clients of its own namespace only"
                yield clash(entry, message, "write `.`, or leave `exportTo` out", on_key=False)


@demands(DestinationRuleSpec)
def selector_has_labels(rule: DestinationRule, _: Release) -> Iterator[Violation]:
    """A selector names labels as they are (R517)."""
    selector = rule.spec.node.get("workloadSelector")
    yield from selector_flaws(selector, "matchLabels")
    labels = rule.spec.workload_selector.match_labels if rule.spec.workload_selector is not None else {}
    if selector is not None and are_labels_missing(selector, labels):
        yield warned(selector, "the selector names no labels", "leave it out to mean all workloads", on_key=True)


def _policy_flaws(policy: Node) -> Iterator[Violation]:
    if not any(has(policy, name) for name in _OF_ALL_PORTS):
        yield missing(policy, "the traffic policy sets nothing", "leave it out, or set something", "empty")
    yield from _settings_flaws(policy)
    yield from tunnel_flaws(policy.get("tunnel"))
    settings = policy.get("portLevelSettings")
    for entry in settings.elements if settings is not None else ():
        if not any(has(entry, name) for name in _SETTINGS):
            yield missing(entry, "the settings of the port set nothing", label="empty")
        if not has(entry, "port"):
            yield missing(entry, "the settings are for no port", "set `port: {number: …}`", "no `port`")
        yield from port_flaws(entry.get("port", "number"))
        yield from _settings_flaws(entry)


def _settings_flaws(holder: Node) -> Iterator[Violation]:
    yield from outlier_flaws(holder.get("outlierDetection"))
    yield from pool_flaws(holder.get("connectionPool"))
    yield from balancer_flaws(holder.get("loadBalancer"), holder.get("outlierDetection"))
    yield from client_tls_flaws(holder.get("tls"))
