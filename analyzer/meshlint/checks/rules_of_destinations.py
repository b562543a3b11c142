"""DestinationRules on their own: hosts and pods they do not meet, and rules that get in one another's way."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.destinations import Rule, export_of, host_of
from meshlint.mesh.hosts import half_qualified, is_wildcard
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.services import Host
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest, nearest_host
from meshlint.mesh.targets import is_missing
from meshlint.registry import checks
from meshlint.resources.base import Labels, selects
from meshlint.resources.destination_rule import Subset
from meshlint.source.node import Node

_ADDED = (
    "topology.kubernetes.io/",
    "topology.istio.io/",
    "kubernetes.io/hostname",
    "failure-domain.beta.kubernetes.io/",
)
_UNSEEN = (
    "pod-template-hash",
    "controller-revision-hash",
    "rollouts-pod-template-hash",
    "statefulset.kubernetes.io/",
    "apps.kubernetes.io/",
    "service.istio.io/",
    "security.istio.io/",
)


@checks("MSH205")
def empty_subset(mesh: Mesh) -> Iterator[Result]:
    """A subset whose labels no workload of the host has: its requests get a 503 (R507)."""
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        known = [host for host in mesh.hosts_named(name) if host.name == name]
        if not known or is_wildcard(name):
            continue
        for subset in rule.spec.subsets:
            wanted = {key: value for key, value in subset.labels.items() if not key.startswith(_ADDED)}
            if wanted and not any(key.startswith(_UNSEEN) for key in wanted):
                yield from _empty(mesh, name, known, subset, wanted)


@checks("MSH207")
def unknown_rule_host(mesh: Mesh) -> Iterator[Result]:
    """A rule for a host that no registry has: it decides nothing (R514)."""
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        if not name or mesh.hosts_named(name):
            continue
        if half_qualified(rule.spec.host, mesh.known_namespaces, mesh.settings.cluster_domain) is not None:
            continue
        node = rule.spec.node.at("host")
        if is_missing(mesh, name):
            hint = did_you_mean(nearest_host(mesh, name))
            yield Problem(
                node, f"host `{name}` is in no registry, so this rule decides nothing", "no such host", (), hint
            )
        else:
            yield Outside(node, f"host {name}")


@checks("MSH208")
def conflicting_destination_rules(mesh: Mesh) -> Iterator[Result]:
    """Rules of one namespace for one host that are not merged in full: parts of one are dropped (R515, R516)."""
    groups: dict[tuple[str, str], list[Rule]] = defaultdict(list)
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        if name and rule.spec.workload_selector is None:
            groups[rule.namespace, name].append(rule)
    for (_, name), rules in groups.items():
        for rule in rules:
            problem = _conflict(mesh, name, rule, [one for one in rules if not mesh.are_alternatives(one, rule)])
            if problem is not None:
                yield problem


def _empty(mesh: Mesh, name: str, known: list[Host], subset: Subset, wanted: Labels) -> Iterator[Result]:
    node = subset.node.at("labels")
    pools = [_endpoints(mesh, host) for host in known]
    pool = [labels for some in pools if some is not None for labels in some]
    if any(some is None for some in pools) or any(selects(wanted, labels) for labels in pool):
        return
    if not pool and mesh.settings.world is not World.COMPLETE:
        yield Outside(node, f"workloads of host {name}")
        return
    written = ", ".join(f"{key}={value}" for key, value in wanted.items())
    label = node if len(wanted) > 1 else node.at(next(iter(wanted)))
    yield Problem(
        node,
        f"subset `{subset.name}` is empty: no workload of host `{name}` has labels {written}",
        label="no such workload" if label is node else "no such label",
        notes=_label_notes(mesh, known, wanted),
        help=_label_hint(wanted, pool),
    )


def _endpoints(mesh: Mesh, host: Host) -> list[Labels] | None:
    """The labels of the host's endpoints; None where manifests do not tell them."""
    if host.is_external_name or (host.selector is None and not host.endpoints):
        return None
    if host.selector is not None and not mesh.expects(Class.WORKLOADS, host.namespace):
        return None
    return [*host.endpoints, *(workload.labels for workload in mesh.workloads_of(host))]


def _label_notes(mesh: Mesh, known: list[Host], wanted: Labels) -> tuple[Note, ...]:
    """The values that the host's workloads have for the wanted keys."""
    notes: dict[tuple[str, str], Note] = {}
    for host in known:
        for workload in mesh.workloads_of(host):
            for key in wanted:
                value = workload.labels.get(key)
                place = _label_node(workload.resource.node, key) if value is not None else None
                if value is not None and place is not None and not workload.is_assumed:
                    notes.setdefault((key, value), Note(place.span, f"`{workload.name}` has {key}={value}"))
    return tuple(notes.values())


def _label_node(resource: Node, key: str) -> Node | None:
    """Where a pod's label is written: in a template, a WorkloadEntry, or the pod itself."""
    paths = (
        ("spec", "template", "metadata", "labels", key),
        ("spec", "jobTemplate", "spec", "template", "metadata", "labels", key),
        ("spec", "labels", key),
        ("metadata", "labels", key),
    )
    return next((node for path in paths if (node := resource.get(*path)) is not None), None)


def _label_hint(wanted: Labels, pool: list[Labels]) -> str:
    """The nearest value of the one label that no workload has, else what values there are."""
    for key, value in wanted.items():
        values = {labels[key] for labels in pool if key in labels}
        if value not in values:
            near = nearest(value, values) or next(
                (one for one in sorted(values) if one.lstrip("v") == value.lstrip("v")), ""
            )
            if near:
                return f"did you mean `{key}: {near}`?"
            listed = ", ".join(f"`{one}`" for one in sorted(values))
            return f"its workloads have {key} {listed}" if values else f"its workloads have no label `{key}`"
    return ""


def _conflict(mesh: Mesh, name: str, rule: Rule, others: list[Rule]) -> Problem | None:
    """What of *rule* gets in the way of other rules for the host, at the part of it that does."""
    audience = mesh.audience_of(rule)
    rivals = [one for one in others if mesh.audience_of(one).meets(audience)]
    unlike = [one for one in rivals if export_of(one) != export_of(rule)]
    if unlike:
        node = rule.spec.node.get("exportTo") or rule.spec.node.at("host")
        message = f"rules for host `{name}` with different `exportTo` are not merged: clients use only the younger one"
        notes = tuple(
            Note((one.spec.node.get("exportTo") or one.spec.node.at("host")).span, _of(one)) for one in unlike
        )
        return Problem(node, message, "not merged", notes, "write the same `exportTo` in both, or make them one rule")
    parts = _shared_parts(rule, [one for one in rivals if export_of(one) == export_of(rule)])
    if not parts:
        return None
    first = next(iter(parts))
    named = " and ".join(f"subset `{part}`" if part else "the traffic policy" for part in parts)
    return Problem(
        _part(rule, first),
        f"several rules for host `{name}` define {named}: the oldest rule's counts and the others' are dropped",
        label="one of them is dropped",
        notes=tuple(Note(_part(one, part).span, _of(one)) for part, some in parts.items() for one in some),
        help="put it into one DestinationRule",
    )


def _shared_parts(rule: Rule, others: list[Rule]) -> Mapping[str, list[Rule]]:
    """The other rules that define the same: by subset name, and under an empty one for the top-level policy (R515)."""
    found: dict[str, list[Rule]] = {}
    if rule.spec.traffic_policy is not None:
        found[""] = [one for one in others if one.spec.traffic_policy is not None]
    for subset in rule.spec.subsets:
        found[subset.name] = [one for one in others if any(own.name == subset.name for own in one.spec.subsets)]
    return {part: some for part, some in found.items() if some}


def _part(rule: Rule, part: str) -> Node:
    """Where a rule writes its policy or the name of a subset."""
    if not part:
        return rule.spec.node.at("trafficPolicy")
    return next(subset.node.at("name") for subset in rule.spec.subsets if subset.name == part)


def _of(rule: Rule) -> str:
    return f"and in DestinationRule `{rule.name}`"
