"""Where clients send what servers refuse: DestinationRules against PeerAuthentications (security S118-S137)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meshlint.finding import Undecided
from meshlint.mesh.destinations import Effective, Rule, effective, host_of
from meshlint.mesh.hosts import covers, is_wildcard, qualify
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Demand, Mode, demand, is_captured, namespace_demand
from meshlint.mesh.served import is_gateway
from meshlint.mesh.services import Host, HostPort, Protocol
from meshlint.mesh.workloads import Proxy, Workload, target_port
from meshlint.resources.base import Labels, selects
from meshlint.resources.destination_rule import ClientTLS, TrafficPolicy
from meshlint.source.node import Node

UNSET = "unset"
"""What clients send that no rule tells how: plaintext, where mutual TLS is not automatic."""


@dataclass(frozen=True, slots=True)
class Clash:
    """What a client of some namespaces sends, and what meets it at a host. `clients` is None for those of all."""

    node: Node
    sent: str
    rule: Rule | None
    demand: Demand | None
    host: str
    clients: tuple[str, ...] | None = None
    subset: str = ""
    port: int | None = None
    workload: Workload | None = None


def clashes(mesh: Mesh) -> Iterator[Clash | Undecided]:
    """Every clash of the mesh, and where nobody can tell whether there is one."""
    for rule in mesh.destination_rules:
        settings = tuple(_settings(rule))
        if not settings or not rule.is_sound:
            continue
        reached = _reached(mesh, rule)
        for host in reached:
            for setting in settings:
                yield from _at_host(mesh, rule, setting, host)
        if not reached and is_wildcard(host_of(mesh, rule)):
            yield from _wide(mesh, rule, settings)
    for host in mesh.hosts:
        if not mesh.config.enable_auto_mtls or _is_plain_namespace(mesh, host.namespace):
            yield from _plain(mesh, host)


def namespace_of(mesh: Mesh, pattern: str) -> str | None:
    """The namespace whose services a wildcard stands for, empty for those of all; None where it is something else."""
    domain = f".svc.{mesh.settings.cluster_domain}"
    if covers(pattern, f"*{domain}"):
        return ""
    rest = pattern.removeprefix("*.").removesuffix(domain)
    return rest if pattern == f"*.{rest}{domain}" and "." not in rest else None


@dataclass(frozen=True, slots=True)
class _Setting:
    """One `tls` of a DestinationRule: for a subset or, without one, for the host as a whole."""

    tls: ClientTLS
    subset: str = ""
    labels: Labels | None = None


def _settings(rule: Rule) -> Iterator[_Setting]:
    """The modes of a rule that can clash; MUTUAL depends on a certificate that nobody sees here (S132)."""
    for tls in _written(rule.spec.traffic_policy):
        yield _Setting(tls)
    for subset in rule.spec.subsets:
        for tls in _written(subset.traffic_policy):
            yield _Setting(tls, subset.name, subset.labels)


def _written(policy: TrafficPolicy | None) -> Iterator[ClientTLS]:
    if policy is None:
        return
    for tls in (policy.tls, *(setting.tls for setting in policy.port_level_settings)):
        if tls is not None and tls.mode in ("DISABLE", "SIMPLE", "ISTIO_MUTUAL"):
            yield tls


def _reached(mesh: Mesh, rule: Rule) -> tuple[Host, ...]:
    """The hosts inside the mesh that the rule is written for."""
    name = host_of(mesh, rule)
    near = mesh.hosts if is_wildcard(name) else mesh.hosts_named(name)
    return tuple(host for host in near if covers(name, host.name) and _is_inside(mesh, host))


def _is_inside(mesh: Mesh, host: Host) -> bool:
    is_given = mesh.resource_of(host.resource.node.document) is not None
    return is_given and not host.is_external and not host.is_external_name


def _at_host(mesh: Mesh, rule: Rule, setting: _Setting, host: Host) -> Iterator[Clash | Undecided]:
    for port in host.ports:
        met = _met(mesh, host, port, setting)
        if met is None:
            continue
        decided = {client: _uses(mesh, rule, setting, host, port, client=client) for client in _clients(mesh, host)}
        if None in decided.values():
            yield Undecided(setting.tls.node.at("mode"), "which DestinationRule clients use is not certain")
        clients = _named_clients(mesh, host, {client: bool(used) for client, used in decided.items()})
        if clients != ():
            mode, (demanded, workload) = setting.tls.mode, met
            node = setting.tls.node.at("mode")
            yield Clash(node, mode, rule, demanded, host.name, clients, setting.subset, port.number, workload)


def _met(mesh: Mesh, host: Host, port: HostPort, setting: _Setting) -> tuple[Demand | None, Workload] | None:
    """What refuses the setting's connections: a workload behind the host, and its demand, None for want of a proxy."""
    behind = [one for one in mesh.workloads_of(host) if setting.labels is None or selects(setting.labels, one.labels)]
    if setting.tls.mode == "ISTIO_MUTUAL" and behind and all(one.proxy is Proxy.NONE for one in behind):
        # A server that is named for TLS may well know what to do with it.
        return None if port.protocol is Protocol.TLS else (None, behind[0])
    for workload in behind:
        demanded = _demanded(mesh, workload, port)
        if demanded is not None and _refuses(setting.tls.mode, demanded, port.protocol):
            return demanded, workload
    return None


def _demanded(mesh: Mesh, workload: Workload, port: HostPort) -> Demand | None:
    """What the proxy in front of a workload asks for; None where there may be none, or what it asks is not known.

    Where nothing shows whether pods have a proxy, a policy written for their own namespace shows that they do (S122).
    """
    number = target_port(port, workload)
    if number is None or is_gateway(mesh, workload) or not is_captured(workload, number):
        return None
    found = demand(mesh, workload, number)
    is_meant = found is not None and found.namespace == workload.namespace != mesh.config.root_namespace
    return found if workload.proxy is Proxy.SIDECAR or (workload.proxy is Proxy.UNKNOWN and is_meant) else None


def _refuses(sent: str, demanded: Demand, protocol: Protocol) -> bool:
    """Whether a server with that demand fails a client that sends in that mode (S129-S131)."""
    match demanded.mode:
        case Mode.STRICT:
            return sent in ("DISABLE", "SIMPLE", UNSET)
        case Mode.DISABLE:
            return sent == "ISTIO_MUTUAL" and protocol not in (Protocol.TLS, Protocol.UDP)
        case Mode.PERMISSIVE:
            return sent == "SIMPLE" and protocol is Protocol.HTTP and demanded.node is not None


def _uses(mesh: Mesh, rule: Rule, setting: _Setting, host: Host, port: HostPort, *, client: str) -> bool | None:
    """Whether clients of a namespace send by the setting; None where manifests do not show it."""
    decisive = effective(mesh, client, host)
    if decisive.tls(port.number, setting.subset) is not setting.tls:
        return False
    if rule not in decisive.rules or not decisive.is_certain:
        return None
    return setting.subset != "" or not _is_only_for_subsets(mesh, decisive, setting, host, port)


def _is_only_for_subsets(mesh: Mesh, decisive: Effective, setting: _Setting, host: Host, port: HostPort) -> bool:
    """Whether routes may send all traffic to subsets with a `tls` of their own, past the setting of the host."""
    is_overridden = any(decisive.tls(port.number, name) is not setting.tls for name in decisive.subsets)
    return is_overridden and any(covers(name, host.name) for name in mesh.derived(_routed, mesh))


def _routed(mesh: Mesh) -> frozenset[str]:
    domain = mesh.settings.cluster_domain
    return frozenset(qualify(host, vs.namespace, domain) for vs in mesh.virtual_services for host in vs.spec.hosts)


def _clients(mesh: Mesh, host: Host) -> tuple[str, ...]:
    """Namespaces that may use different rules for the host, and one for all others, which use the same."""
    apart = mesh.derived(_apart, mesh, host)
    others = sorted(mesh.known_namespaces - apart)
    return (*sorted(mesh.known_namespaces & apart), *others[:1])


def _apart(mesh: Mesh, host: Host) -> frozenset[str]:
    """The namespaces with rules of their own for the host, and those that some rule is exported to by name (R510)."""
    named = mesh.derived(_rules_by_host, mesh)
    rules = [*named.get(host.name, ()), *(one for one in named.get("*", ()) if covers(host_of(mesh, one), host.name))]
    exported = (mesh.audience_of(rule).namespaces or frozenset() for rule in rules)
    own = {host.namespace, mesh.config.root_namespace, *(rule.namespace for rule in rules)}
    return frozenset(own).union(*exported)


def _rules_by_host(mesh: Mesh) -> Mapping[str, list[Rule]]:
    """The rules by their host's full name; those for wildcards all under one."""
    found: dict[str, list[Rule]] = {}
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        found.setdefault("*" if is_wildcard(name) else name, []).append(rule)
    return found


def _named_clients(mesh: Mesh, host: Host, uses: Mapping[str, bool]) -> tuple[str, ...] | None:
    """The namespaces whose clients are concerned: None for all of them."""
    apart = mesh.derived(_apart, mesh, host)
    others = sorted(mesh.known_namespaces - apart)
    found = [client for client, used in uses.items() if used and client in apart]
    if others and uses.get(others[0], False):
        found += others
    return None if found and len(found) == len(mesh.known_namespaces) else tuple(sorted(found))


def _wide(mesh: Mesh, rule: Rule, settings: tuple[_Setting, ...]) -> Iterator[Clash]:
    """Clashes of a rule for a whole namespace or mesh, of which the input holds no host, with policies as wide."""
    namespace = namespace_of(mesh, host_of(mesh, rule))
    labels = mesh.namespaces.get(namespace or mesh.config.root_namespace, {})
    demanded = namespace_demand(mesh, namespace or mesh.config.root_namespace)
    is_outside = namespace is None or (namespace and labels.get("istio-injection", "enabled") != "enabled")
    if is_outside or demanded is None or demanded.node is None:
        return
    for setting in settings:
        is_general = setting.labels is None and setting.tls is getattr(rule.spec.traffic_policy, "tls", None)
        if is_general and _refuses(setting.tls.mode, demanded, Protocol.AUTO):
            yield Clash(setting.tls.node.at("mode"), setting.tls.mode, rule, demanded, host_of(mesh, rule))


def _plain(mesh: Mesh, host: Host) -> Iterator[Clash]:
    """Without auto mTLS, or where the servers' namespace disables it, a client without a rule sends plaintext (S124, S126).

    Where only some namespaces have a rule, the others may have no business with the host.
    """
    if not _is_inside(mesh, host) or host.is_headless:
        return
    for port in host.ports:
        for workload in mesh.workloads_of(host):
            demanded = _demanded(mesh, workload, port)
            if demanded is None or demanded.node is None or demanded.mode is not Mode.STRICT:
                continue
            plain = {client: _is_plain(mesh, client, host, port) for client in _clients(mesh, host)}
            if plain and all(plain.values()):
                yield Clash(demanded.node, UNSET, None, demanded, host.name, None, "", port.number, workload)


def _is_plain_namespace(mesh: Mesh, namespace: str) -> bool:
    wide = namespace_demand(mesh, namespace)
    return wide is not None and wide.mode is Mode.DISABLE


def _is_plain(mesh: Mesh, client: str, host: Host, port: HostPort) -> bool:
    decisive = effective(mesh, client, host)
    tls = decisive.tls(port.number)
    return decisive.is_certain and (tls is None or not tls.mode)
