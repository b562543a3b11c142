"""Which DestinationRules a client uses for a host, and what they say together (routing R510-R519)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meshlint.mesh import history
from meshlint.mesh.hosts import covers, is_wildcard, qualify, specificity
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host
from meshlint.resources.base import Resource
from meshlint.resources.destination_rule import (
    ClientTLS,
    DestinationRuleSpec,
    PortTrafficPolicy,
    Subset,
    TrafficPolicy,
)
from meshlint.source.node import Node

Rule = Resource[DestinationRuleSpec]


@dataclass(frozen=True, slots=True)
class Effective:
    """The rules that decide for a client, all of one namespace and one host; empty where none does.

    `is_certain` is False where the choice among them depends on what manifests do not show: creation time or labels
    of the client's pods. `is_settled` is False where other rules may decide, since one of several definitions of an
    object is applied and the others name other hosts.
    """

    rules: tuple[Rule, ...] = ()
    is_certain: bool = True
    is_settled: bool = True

    @property
    def subsets(self) -> dict[str, Subset]:
        """The subsets by name; of equal names the first counts (R515)."""
        found: dict[str, Subset] = {}
        for rule in self.rules:
            for subset in rule.spec.subsets:
                found.setdefault(subset.name, subset)
        return found

    def defines(self, subset: str) -> bool | None:
        """Whether the client has the subset, None where that depends on what manifests do not show (R503, R504)."""
        is_there = subset in self.subsets
        if self.is_settled and (self.is_certain or not is_there):
            return is_there
        return None

    @property
    def traffic_policy(self) -> TrafficPolicy | None:
        """The first top-level policy (R515)."""
        policies = (rule.spec.traffic_policy for rule in self.rules)
        return next((policy for policy in policies if policy is not None), None)

    def tls(self, port: int, subset: str = "") -> ClientTLS | None:
        """How a client secures connections to the port, None where no rule says (R519, S133, S134)."""
        for policy in self._policies(subset):
            setting = _setting(policy, port)
            if setting is not None:
                return setting.tls
            if policy.tls is not None:
                return policy.tls
        return None

    def load_balancer(self, port: int, subset: str = "") -> Node | None:
        """How a client chooses among the endpoints of the port, None where no rule says (R519)."""
        for policy in self._policies(subset):
            setting = _setting(policy, port)
            if setting is not None:
                return setting.load_balancer
            if policy.load_balancer is not None:
                return policy.load_balancer
        return None

    def _policies(self, subset: str) -> tuple[TrafficPolicy, ...]:
        """The policies that count, the closest one first: that of the subset, then that of the rule (R519)."""
        chosen = self.subsets.get(subset)
        found = (chosen.traffic_policy if chosen is not None else None, self.traffic_policy)
        return tuple(one for one in found if one is not None)


def effective(mesh: Mesh, client: str, host: Host) -> Effective:
    """The rules that proxies in namespace *client* use for *host* (R510-R517)."""
    return mesh.derived(_effective, mesh, client, host.name, host.namespace)


def effective_for(mesh: Mesh, client: str, host: str, home: str) -> Effective:
    """As `effective`, for the full name of a host of namespace *home*, or a wildcard that stands for all of its hosts."""
    return mesh.derived(_effective, mesh, client, host, home)


def rules_for(mesh: Mesh, host: str) -> tuple[Rule, ...]:
    """Every rule of any namespace whose host covers *host*, a full name (R511, R514)."""
    return mesh.derived(_rules_for, mesh, host)


def clients_that_differ(mesh: Mesh, host: Host) -> tuple[str, ...]:
    """The namespaces whose own rules may hide the others' rules for *host* (R510, R511)."""
    return tuple(sorted({rule.namespace for rule in rules_for(mesh, host.name)}))


def host_of(mesh: Mesh, rule: Rule) -> str:
    """The rule's host as a full name (R101)."""
    return qualify(rule.spec.host, rule.namespace, mesh.settings.cluster_domain)


def export_of(rule: Rule) -> frozenset[str]:
    """The rule's `exportTo` as written: rules are merged only where these are equal (R516)."""
    return frozenset(rule.spec.export_to or ())


@dataclass(frozen=True, slots=True)
class _Rules:
    """Rules by their host's full name, and apart from them those for wildcards."""

    exact: Mapping[str, tuple[Rule, ...]]
    wide: Mapping[str, tuple[Rule, ...]]

    def matching(self, host: str) -> dict[str, tuple[Rule, ...]]:
        """The rules whose host covers *host*, by their host."""
        found = {name: rules for name, rules in self.wide.items() if covers(name, host)}
        if host in self.exact:
            found[host] = self.exact[host]
        return found


def _effective(mesh: Mesh, client: str, host: str, home: str) -> Effective:
    if mesh.settings.istio_version < history.SCOPES:
        return _everywhere(mesh, host)
    own = mesh.derived(_rules_in, mesh, client).matching(host)
    found = _most_specific({name: _level_one(mesh, rules, client) for name, rules in own.items()})
    if found:
        return _merged(mesh, found, own[host_of(mesh, found[0])])
    for level in (home, mesh.config.root_namespace):
        all_there = mesh.derived(_rules_in, mesh, level).matching(host)
        shared = {name: _shared(mesh, rules, level) for name, rules in all_there.items()}
        visible = [rule for rule in _most_specific(shared) if mesh.audience_of(rule).includes(client)]
        if visible:
            return _merged(mesh, visible, all_there[host_of(mesh, visible[0])])
    return Effective()


def _level_one(mesh: Mesh, rules: Iterable[Rule], client: str) -> list[Rule]:
    """The rules that a client looks at in its own namespace (R512); one with a selector is private to it (R517)."""
    is_root = client == mesh.config.root_namespace
    return [
        rule
        for rule in rules
        if rule.spec.workload_selector is not None
        or (mesh.audience_of(rule).is_private(client) if is_root else mesh.audience_of(rule).includes(client))
    ]


def _shared(mesh: Mesh, rules: Iterable[Rule], level: str) -> list[Rule]:
    """The rules of a namespace that others may look at (R513)."""
    return [
        rule for rule in rules if rule.spec.workload_selector is None and not mesh.audience_of(rule).is_private(level)
    ]


def _everywhere(mesh: Mesh, host: str) -> Effective:
    """Istio 1.0: rules of all namespaces apply to all clients and are merged (R1002)."""
    by_host: dict[str, list[Rule]] = {}
    for rule in rules_for(mesh, host):
        by_host.setdefault(host_of(mesh, rule), []).append(rule)
    found = _most_specific(by_host)
    return _merged(mesh, found, found) if found else Effective()


def _most_specific(rules: Mapping[str, list[Rule]]) -> list[Rule]:
    """The rules of the most specific host that has any (R511)."""
    named = [name for name, some in rules.items() if some]
    return rules[min(named, key=specificity)] if named else []


def _merged(mesh: Mesh, rules: list[Rule], rivals: Iterable[Rule]) -> Effective:
    """Rules of one namespace and host together (R515-R518), by name, since manifests carry no creation time.

    *rivals* are all rules of that namespace and host, those included that the client does not see.
    """
    ordered = tuple(sorted(rules, key=lambda rule: (rule.name, rule.namespace)))
    is_plain = len({export_of(rule) for rule in rivals}) == 1
    is_certain = is_plain and all(rule.spec.workload_selector is None for rule in rivals) and _is_orderless(ordered)
    known = {id(rule) for rule in ordered}
    others = (other for rule in ordered for other in mesh.alternatives(rule) if other is not rule)
    is_settled = all(id(other) in known for other in others)
    has_variants = any(len(mesh.alternatives(rule)) > 1 for rule in ordered)
    return Effective(ordered, is_certain and not has_variants, is_settled)


def _is_orderless(rules: tuple[Rule, ...]) -> bool:
    """Whether the rules together say the same in any order."""
    names = [subset.name for rule in rules for subset in rule.spec.subsets]
    policies = [rule for rule in rules if rule.spec.traffic_policy is not None]
    return len(rules) == 1 or (len(names) == len(set(names)) and len(policies) <= 1)


def _setting(policy: TrafficPolicy, port: int) -> PortTrafficPolicy | None:
    settings = (one for one in policy.port_level_settings if one.port is not None and one.port.number == port)
    return next(settings, None)


def _rules_in(mesh: Mesh, namespace: str) -> _Rules:
    return mesh.derived(_rules_by_namespace, mesh).get(namespace, _Rules({}, {}))


def _rules_by_namespace(mesh: Mesh) -> dict[str, _Rules]:
    found: dict[str, list[Rule]] = {}
    for rule in mesh.destination_rules:
        found.setdefault(rule.namespace, []).append(rule)
    return {namespace: _indexed(mesh, rules) for namespace, rules in found.items()}


def _all_rules(mesh: Mesh) -> _Rules:
    return _indexed(mesh, mesh.destination_rules)


def _rules_for(mesh: Mesh, host: str) -> tuple[Rule, ...]:
    return tuple(rule for rules in mesh.derived(_all_rules, mesh).matching(host).values() for rule in rules)


def _indexed(mesh: Mesh, rules: Iterable[Rule]) -> _Rules:
    exact: dict[str, tuple[Rule, ...]] = {}
    wide: dict[str, tuple[Rule, ...]] = {}
    for rule in rules:
        name = host_of(mesh, rule)
        if name:
            pool = wide if is_wildcard(name) else exact
            pool[name] = (*pool.get(name, ()), rule)
    return _Rules(exact, wide)
