"""Which DestinationRules a client uses for a host, and what they say together (routing R510-R518)."""

from collections.abc import Iterable
from dataclasses import dataclass

from meshlint.mesh.hosts import covers, qualify, specificity
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host
from meshlint.resources.base import Resource
from meshlint.resources.destination_rule import (
    ClientTLS,
    DestinationRuleSpec,
    Subset,
    TrafficPolicy,
)

Rule = Resource[DestinationRuleSpec]


@dataclass(frozen=True, slots=True)
class Effective:
    """The rules that decide for a client, all of one namespace and one host; empty where none does.

    `is_certain` is False where the choice depends on what manifests do not show: creation time,
    labels of the client's pods, or which of several definitions of one object is applied.
    """

    rules: tuple[Rule, ...] = ()
    is_certain: bool = True

    @property
    def subsets(self) -> dict[str, Subset]:
        """The subsets by name; of equal names the first counts (R515)."""
        found: dict[str, Subset] = {}
        for rule in self.rules:
            for subset in rule.spec.subsets:
                found.setdefault(subset.name, subset)
        return found

    @property
    def traffic_policy(self) -> TrafficPolicy | None:
        """The first top-level policy (R515)."""
        policies = (rule.spec.traffic_policy for rule in self.rules)
        return next((policy for policy in policies if policy is not None), None)

    def tls(self, port: int, subset: str = "") -> ClientTLS | None:
        """How a client secures connections to the port, None where no rule says (R519, S133, S134)."""
        chosen = self.subsets.get(subset)
        own = chosen.traffic_policy if chosen is not None else None
        if own is not None:
            for setting in own.port_level_settings:
                if setting.port is not None and setting.port.number == port:
                    return setting.tls
            if own.tls is not None:
                return own.tls
        policy = self.traffic_policy
        if policy is None:
            return None
        for setting in policy.port_level_settings:
            if setting.port is not None and setting.port.number == port:
                return setting.tls
        return policy.tls


def effective(mesh: Mesh, client: str, host: Host) -> Effective:
    """The rules that proxies in namespace *client* use for *host* (R510-R517)."""
    return mesh.derived(_effective, mesh, client, host.name, host.namespace)


def clients_that_differ(mesh: Mesh, host: Host) -> tuple[str, ...]:
    """The namespaces whose own rules may hide the others' rules for *host* (R510, R511)."""
    return tuple(
        sorted({rule.namespace for rule in mesh.destination_rules if covers(host_of(mesh, rule), host.name)})
    )


def host_of(mesh: Mesh, rule: Rule) -> str:
    """The rule's host as a full name (R101)."""
    return qualify(rule.spec.host, rule.namespace, mesh.settings.cluster_domain)


def _effective(mesh: Mesh, client: str, host: str, home: str) -> Effective:
    if mesh.settings.istio_version < (1, 1):
        return _everywhere(mesh, host)
    root = mesh.config.root_namespace
    own = [rule for rule in mesh.derived(_rules_in, mesh).get(client, ()) if _is_level_one(mesh, rule, client, root)]
    found = _most_specific(mesh, own, host)
    if found:
        return _merged(mesh, found)
    for level in (home, root):
        shared = [
            rule
            for rule in mesh.derived(_rules_in, mesh).get(level, ())
            if not mesh.audience_of(rule).is_private(level) and rule.spec.workload_selector is None
        ]
        chosen = _most_specific(mesh, shared, host)
        visible = [rule for rule in chosen if mesh.audience_of(rule).includes(client)]
        if visible:
            return _merged(mesh, visible)
    return Effective()


def _everywhere(mesh: Mesh, host: str) -> Effective:
    """Istio 1.0: rules of all namespaces apply to all clients and are merged (R1002)."""
    return Effective(tuple(_most_specific(mesh, mesh.destination_rules, host)))


def _rules_in(mesh: Mesh) -> dict[str, list[Rule]]:
    found: dict[str, list[Rule]] = {}
    for rule in mesh.destination_rules:
        found.setdefault(rule.namespace, []).append(rule)
    return found


def _is_level_one(mesh: Mesh, rule: Rule, client: str, root: str) -> bool:
    """Whether a client looks at the rule in its own namespace (R512)."""
    audience = mesh.audience_of(rule)
    if client == root:
        return audience.is_private(root) or rule.spec.workload_selector is not None
    return audience.includes(client)


def _most_specific(mesh: Mesh, rules: Iterable[Rule], host: str) -> list[Rule]:
    matching = [rule for rule in rules if covers(host_of(mesh, rule), host)]
    if not matching:
        return []
    best = min((host_of(mesh, rule) for rule in matching), key=specificity)
    return [rule for rule in matching if host_of(mesh, rule) == best]


def _merged(mesh: Mesh, rules: list[Rule]) -> Effective:
    """Rules of one namespace and host together (R515-R517), by name, since manifests carry no creation time."""
    ordered = sorted(rules, key=lambda rule: (rule.name, rule.namespace))
    if len(ordered) == 1 and ordered[0].spec.workload_selector is None:
        return Effective((ordered[0],), len(mesh.alternatives(ordered[0])) == 1)
    same_export = len({rule.spec.export_to or () for rule in ordered}) == 1
    plain = all(rule.spec.workload_selector is None for rule in ordered)
    alternatives = any(len(mesh.alternatives(rule)) > 1 for rule in ordered)
    return Effective(tuple(ordered), same_export and plain and not alternatives)
