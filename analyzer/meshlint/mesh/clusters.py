"""Clusters: what a destination becomes at one client, whether it exists there, and its endpoints (R501-R520)."""

from dataclasses import dataclass

from meshlint.mesh import history
from meshlint.mesh.delegates import VirtualService
from meshlint.mesh.destinations import Effective, Rule, effective, export_of
from meshlint.mesh.hosts import home_of
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.origin import Client
from meshlint.mesh.services import Host, Protocol
from meshlint.mesh.targets import is_missing
from meshlint.mesh.view import View, age, concrete, is_alias, known, sees, view
from meshlint.mesh.workloads import Workload
from meshlint.resources.base import Labels, selects
from meshlint.resources.destination_rule import ClientTLS
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.resources.virtual_service import Destination
from meshlint.resources.workload import ServiceSpec
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """What a destination leads to at a client. `flaw` says why there is none, `doubt` why that cannot be told.

    `rules` are the DestinationRules that are decisive for it, `tls` says how the client secures connections to it, and
    `is_passed_through` that they go to the address that was called (R520). `inside` is the Service of the mesh, with its
    port, that an endpoint of a ServiceEntry stands for.
    """

    host: str
    port: int
    subset: str
    entry: Host | None
    node: Node | None
    flaw: str = ""
    doubt: str = ""
    rules: tuple[Rule, ...] = ()
    tls: ClientTLS | None = None
    inside: tuple[Host, int] | None = None
    is_passed_through: bool = False

    @property
    def name(self) -> str:
        """The name by which Envoy knows it."""
        return f"outbound|{self.port}|{self.subset}|{self.host}"


def destination_port(mesh: Mesh, client: Client, to: Destination, host: str, port: int, *, is_http: bool) -> int:
    """The port of a destination: its own, or what Istio takes in its place (R501, R502)."""
    if to.port is not None and to.port.number is not None:
        return to.port.number
    if is_http and not client.is_gateway:
        return port
    entry = next(iter(known(mesh, view(mesh, client), host)), None)
    return entry.ports[0].number if entry is not None and len(entry.ports) == 1 else port


def cluster(
    mesh: Mesh, client: Client, seen: View, to: tuple[str, int, str], *, node: Node | None, via: VirtualService | None
) -> Cluster:
    """The cluster of a host, port and subset at the client; *via* is the VirtualService that names it (R504, R505)."""
    host, port, subset = to
    entry = next(iter(known(mesh, seen, host)), None)
    if entry is not None and is_alias(mesh, entry):
        host = _external_name(entry)  # R112: a route to an alias is one to what it stands for.
        entry = concrete(mesh, seen, entry)
        host = entry.name if entry is not None else host
    if entry is None:
        return _unregistered(mesh, (host, port, subset), node)
    if via is None and not sees(mesh, seen, entry, port):
        return Cluster(host, port, subset, entry, node, flaw=f"the client does not know `{host}`")
    if not _has_port(mesh, entry, port):
        return Cluster(host, port, subset, entry, node, flaw=f"`{host}` has no port {port}")
    return _with_rules(mesh, client, entry, (host, port, subset), node)


def endpoints(mesh: Mesh, client: Client, one: Cluster) -> tuple[tuple[Workload, ...], str, str]:
    """The workloads behind a cluster, a flaw where it has no endpoint at all, and a doubt where that is not shown."""
    entry = one.entry
    if entry is None:
        return (), "", ""
    labels = _subset_labels(one)
    workloads = tuple(w for w in mesh.workloads_of(entry) if selects(labels, w.labels))
    if not workloads and (entry.is_headless or one.is_passed_through):
        workloads = mesh.workloads_of(entry)  # R508, R520: the caller's address decides, whatever the labels.
    if workloads or one.is_passed_through or (entry.is_headless and labels):
        return workloads, "", ""
    if entry.is_service_entry and entry.selector is None:
        return (), _entry_flaw(client, entry, labels, one.subset), ""
    if entry.selector is not None and (mesh.workloads_of(entry) or mesh.expects(Class.WORKLOADS, entry.namespace)):
        which = f" with the labels of subset `{one.subset}`" if labels else ""
        return (), f"no pod of `{entry.name}`{which}", ""
    return (), "", f"the input shows no workload of `{entry.name}`"


def inside(mesh: Mesh, one: Cluster) -> tuple[tuple[Host, int, Node], ...]:
    """The Services with workloads that endpoints of a ServiceEntry name, with the port there (R702, L85)."""
    entry = one.entry
    spec = entry.resource.spec if entry is not None else None
    if entry is None or not isinstance(spec, ServiceEntrySpec) or not entry.resolution.startswith("DNS"):
        return ()
    port = entry.port(one.port)
    name, labels = port.name if port is not None else "", _subset_labels(one)
    chosen = (endpoint for endpoint in spec.endpoints if selects(labels, endpoint.labels))
    return tuple(
        (host, endpoint.ports.get(name, one.port), endpoint.node)
        for endpoint in chosen
        for host in mesh.hosts_named(endpoint.address)
        if host.name == endpoint.address and mesh.workloads_of(host)
    )


def decisive_rules(mesh: Mesh, client: Client, host: Host) -> Effective | None:
    """The DestinationRules that decide for this very client (R510-R518); None where the input leaves it open."""
    found = effective(mesh, client.namespace, host)
    if not found.is_settled or any(len(mesh.alternatives(rule)) > 1 for rule in found.rules):
        return None
    ordered = sorted(found.rules, key=age)
    chosen = [one for one in ordered if one.spec.workload_selector is not None]
    fitting = [one for one in chosen if one.namespace == client.namespace and _selects(one, client.label_map)]
    if fitting:
        return Effective((fitting[0],))
    plain = [one for one in ordered if one.spec.workload_selector is None]
    if chosen and any(export_of(one) == frozenset({"."}) for one in plain):
        plain = [one for one in plain if export_of(one) != frozenset({"."})]
    if mesh.settings.istio_version < history.APART_BY_AUDIENCE:
        return Effective(tuple(plain))
    return Effective(tuple(_youngest_group(plain)))


def _youngest_group(rules: list[Rule]) -> list[Rule]:
    """Rules are merged with the earlier ones that have the same `exportTo`; of several such groups the last counts (R516)."""
    groups: list[tuple[frozenset[str], list[Rule]]] = []
    for rule in rules:
        wanted = export_of(rule)
        home = next((some for known, some in groups if known == wanted or (known and wanted >= known)), None)
        if home is None:
            groups.append((wanted, [rule]))
        else:
            home.append(rule)
    return groups[-1][1] if groups else []


def _selects(rule: Rule, labels: Labels) -> bool:
    selector = rule.spec.workload_selector
    return selector is not None and selects(selector.match_labels, labels)


def _external_name(entry: Host) -> str:
    spec = entry.resource.spec
    return spec.external_name if isinstance(spec, ServiceSpec) else ""


def _unregistered(mesh: Mesh, to: tuple[str, int, str], node: Node | None) -> Cluster:
    host, port, subset = to
    if mesh.hosts_named(host) and any(one.name == host for one in mesh.hosts_named(host)):
        return Cluster(host, port, subset, None, node, flaw=f"`{host}` is not exported to the client's namespace")
    # A host outside the cluster's domain is in no registry but that of ServiceEntries, which travel with the routes to it.
    if not home_of(host, mesh.settings.cluster_domain) or is_missing(mesh, host):
        return Cluster(host, port, subset, None, node, flaw=f"no host `{host}` in the registry")
    return Cluster(host, port, subset, None, node, doubt=f"`{host}` is not in the input")


def _has_port(mesh: Mesh, entry: Host, port: int) -> bool:
    one = entry.port(port)
    if one is not None:
        return one.protocol is not Protocol.UDP
    others = (other for other in mesh.hosts_named(entry.name) if other.name == entry.name and other is not entry)
    return entry.is_service_entry and any(_is_twin(entry, other) and other.port(port) is not None for other in others)


def _is_twin(one: Host, other: Host) -> bool:
    """Whether two ServiceEntries of one namespace are so alike that their ports are united (R708)."""
    return (
        other.is_service_entry
        and (one.namespace, one.resolution, one.selector, one.audience)
        == (other.namespace, other.resolution, other.selector, other.audience)
        and one.resource.metadata.labels == other.resource.metadata.labels
    )


def _with_rules(mesh: Mesh, client: Client, entry: Host, to: tuple[str, int, str], node: Node | None) -> Cluster:
    host, port, subset = to
    chosen = decisive_rules(mesh, client, entry)
    if chosen is None:
        doubt = f"several definitions of the DestinationRule of `{host}`"
        return Cluster(host, port, subset, entry, node, doubt=doubt if subset else "")
    if subset and subset not in chosen.subsets:
        which = ", ".join(f"`{rule.namespace}/{rule.name}`" for rule in chosen.rules)
        why = f"DestinationRule {which} defines no subset `{subset}`" if which else f"no rule defines subset `{subset}`"
        return Cluster(host, port, subset, entry, node, flaw=why, rules=chosen.rules)
    if subset and entry.resolution == "DYNAMIC_DNS":
        why = "a ServiceEntry with resolution DYNAMIC_DNS has no subsets"
        return Cluster(host, port, subset, entry, node, flaw=why, rules=chosen.rules)
    balancer = chosen.load_balancer(port, subset)
    simple = balancer.get("simple") if balancer is not None else None
    passes = simple is not None and simple.value == "PASSTHROUGH" and not client.is_gateway
    tls = chosen.tls(port, subset)
    return Cluster(host, port, subset, entry, node, rules=chosen.rules, tls=tls, is_passed_through=passes)


def _subset_labels(one: Cluster) -> Labels:
    chosen = Effective(one.rules).subsets.get(one.subset) if one.subset else None
    labels = chosen.labels if chosen is not None else {}
    # R507: where an endpoint is belongs to its labels, and no manifest shows it.
    return {name: value for name, value in labels.items() if not name.startswith("topology.")}


def _entry_flaw(client: Client, entry: Host, labels: Labels, subset: str) -> str:
    spec = entry.resource.spec
    if not isinstance(spec, ServiceEntrySpec):
        return ""
    if entry.resolution == "NONE":
        return "a ServiceEntry with resolution NONE has no endpoints at a gateway" if client.is_gateway else ""
    if (labels or entry.resolution == "STATIC") and not any(selects(labels, one) for one in entry.endpoints):
        return f"no endpoint of `{entry.name}`" + (f" with the labels of subset `{subset}`" if labels else "")
    return ""
