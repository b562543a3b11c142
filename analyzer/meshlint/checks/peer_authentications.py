"""PeerAuthentications by themselves: rivals, ports that are not there, settings that nobody follows, modes left open."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.destinations import Rule, host_of
from meshlint.mesh.hosts import covers, is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Mode, Policy, demand, is_automatic, ztunnel_demand
from meshlint.mesh.served import served_ports
from meshlint.mesh.view import age
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.resources.base import Labels
from meshlint.source.node import Node

_SHOWN = 3


@checks("MSH603")
def conflicting_peer_authentication(mesh: Mesh) -> Iterator[Result]:
    """PeerAuthentications of one scope: only the oldest counts, and nothing of the others is merged in (S113, S115)."""
    by_namespace: dict[str, list[Policy]] = {}
    for policy in mesh.peer_authentications:
        by_namespace.setdefault(policy.namespace, []).append(policy)
    for home, policies in by_namespace.items():
        wide = [one for one in policies if not _labels(one)]
        for one in wide:
            rivals = [other for other in wide if not mesh.are_alternatives(one, other)]
            if rivals:
                where = "mesh" if home == mesh.config.root_namespace else f"namespace `{home}`"
                yield _conflict(one, rivals, f"the {where}", "KIA0002")
        if home != mesh.config.root_namespace:
            yield from _rivals_for_pods(mesh, [one for one in policies if _labels(one)])


@checks("MSH604")
def port_level_without_selector(mesh: Mesh) -> Iterator[Result]:
    """Modes for ports of no workload: for want of a selector, or because no selected pod has the port (S115, S116)."""
    for policy in mesh.peer_authentications:
        written = policy.spec.node.get("portLevelMtls")
        if written is None or not written.mapping:
            continue
        if not _labels(policy):
            yield Problem(
                written,
                "`portLevelMtls` needs a `selector` with labels",
                label="no selector",
                help="its ports are those of the workloads that a `selector` selects",
                on_key=True,
                aliases=("IST0106",),
            )
        else:
            yield from _missing_ports(mesh, policy, written)


@checks("MSH605")
def overridden_mtls_settings(mesh: Mesh) -> Iterator[Result]:
    """Settings of mutual TLS that do not count where they were meant to (S114, S117, S122, S134)."""
    for policy in mesh.peer_authentications:
        yield from _unread(mesh, policy)
    for rule in mesh.destination_rules:
        yield from _dropped_for_ports(mesh, rule)
        if not is_automatic(mesh):
            yield from _dropped_for_hosts(mesh, rule)


@checks("MSH606")
def permissive_mesh(mesh: Mesh) -> Iterator[Result]:
    """Workloads that take plaintext in a mesh that elsewhere demands mutual TLS (S110, S120)."""
    strict = [node for policy in mesh.peer_authentications for node in _modes(policy, Mode.STRICT)]
    open_to_all: dict[Node, list[Workload]] = {}
    for pods in mesh.workloads if strict else ():
        if pods.is_assumed or pods.proxy not in (Proxy.SIDECAR, Proxy.AMBIENT):
            continue
        for port in sorted(_ports(mesh, pods)) or (0,):
            found = demand(mesh, pods, port) if pods.proxy is Proxy.SIDECAR else ztunnel_demand(mesh, pods, port)
            if found is not None and found.mode is Mode.PERMISSIVE:
                node = found.node if found.node is not None else pods.resource.name_node
                open_to_all.setdefault(node, []).append(pods)
    for node, found_pods in open_to_all.items():
        names = list(dict.fromkeys(f"`{one.name}`" for one in found_pods))
        yield Problem(
            node,
            f"{_listed(names)} {'takes' if len(names) == 1 else 'take'} plaintext from anyone",
            label="plaintext or mutual TLS",
            notes=(Note(strict[0].span, "mutual TLS is demanded here"),),
            help="once all clients have a proxy, a mode of STRICT keeps others out",
        )


def _labels(policy: Policy) -> Labels:
    return policy.spec.selector.match_labels if policy.spec.selector is not None else {}


def _rivals_for_pods(mesh: Mesh, policies: list[Policy]) -> Iterator[Problem]:
    met: dict[Policy, dict[Policy, Workload]] = {}
    selected = [(one, set(mesh.selected(_labels(one), one.namespace))) for one in policies]
    for one, mine in selected:
        for other, theirs in selected:
            if other is not one and mine & theirs and not mesh.are_alternatives(one, other):
                common = min(mine & theirs, key=lambda pods: pods.name)
                met.setdefault(one, {})[other] = common
    for one, rivals in met.items():
        names = _listed(list(dict.fromkeys(f"`{pods.name}`" for pods in rivals.values())))
        yield _conflict(one, list(rivals), f"workload {names}", "KIA0003")


def _conflict(one: Policy, rivals: list[Policy], scope: str, code: str) -> Problem:
    names = _listed([f"`{other.name}`" for other in rivals])
    ages = [age(other) for other in (one, *rivals)]
    if not all(known for known, *_ in ages):
        outcome = "only the oldest counts, and nothing here tells which that is"
    else:
        outcome = (
            "this one is the oldest and counts alone"
            if age(one) == min(ages)
            else "this one is not the oldest and is ignored"
        )
    return Problem(
        one.name_node,
        f"PeerAuthentication `{one.name}` and {names} are both for {scope}: {outcome}",
        label="one of several",
        notes=tuple(Note(other.name_node.span, "for the same") for other in rivals[:_SHOWN]),
        help="write what is meant into one of them",
        aliases=(code,),
    )


def _missing_ports(mesh: Mesh, policy: Policy, written: Node) -> Iterator[Problem]:
    pods = mesh.selected(_labels(policy), policy.namespace)
    if not pods or not all(one.container_ports for one in pods):
        return
    known = {port for one in pods for port in _ports(mesh, one)}
    for text, mode in written.mapping.items():
        if not text.isascii() or not text.isdigit() or int(text) in known:
            continue
        leads = (one for each in pods for one in served_ports(mesh, each) if one.port.number == int(text))
        service = next(leads, None)
        yield Problem(
            mode,
            f"no selected workload has port {text}, so this mode holds nowhere",
            label="no such port",
            help=f"port {text} is the Service's: write {service.number}, the port of the pods" if service else "",
            on_key=True,
            aliases=(),
        )


def _ports(mesh: Mesh, pods: Workload) -> set[int]:
    served = {one.number for one in served_ports(mesh, pods) if one.number is not None}
    return served | set(pods.container_ports.values())


def _unread(mesh: Mesh, policy: Policy) -> Iterator[Problem]:
    """A PeerAuthentication that holds for nobody."""
    if policy.spec.selector is None or not _labels(policy):
        return
    pods = mesh.selected(_labels(policy), policy.namespace)
    why = ""
    if policy.namespace == mesh.config.root_namespace:
        why = "in the root namespace a policy with a selector is read for no workload"
    elif pods and all(one.proxy is Proxy.GATEWAY for one in pods):
        why = "a gateway's own servers say what it takes"
    elif pods and all(one.proxy is Proxy.NONE for one in pods) and any(_modes(policy, Mode.STRICT)):
        why = (
            f"{_listed([f'`{one.name}`' for one in pods])} {'has' if len(pods) == 1 else 'have'} no proxy to enforce it"
        )
    if why:
        message = f"PeerAuthentication `{policy.name}` holds for nobody: {why}"
        yield Problem(policy.spec.selector.node, message, label="no effect", on_key=True, aliases=())


def _modes(policy: Policy, mode: Mode) -> Iterator[Node]:
    settings = (policy.spec.mtls, *policy.spec.port_level_mtls.values())
    yield from (one.node.at("mode") for one in settings if one is not None and one.mode == mode.value)


def _dropped_for_ports(mesh: Mesh, rule: Rule) -> Iterator[Problem]:
    """Port settings without `tls`, which replace those of the rule as a whole (S134)."""
    policies = (rule.spec.traffic_policy, *(one.traffic_policy for one in rule.spec.subsets))
    for policy in policies:
        if policy is None or policy.tls is None or not _matters(mesh, policy.tls.mode):
            continue
        for ported in policy.port_level_settings:
            if ported.tls is None and ported.port is not None:
                yield Problem(
                    ported.node,
                    f"TLS is off for port {ported.port.number}: settings of a port replace all others, `tls` with them",
                    label="no `tls` here",
                    notes=(Note(policy.tls.node.span, "does not hold for the port"),),
                    help="repeat `tls` here",
                    aliases=(),
                )


def _matters(mesh: Mesh, mode: str) -> bool:
    """Whether connections without this mode would go out in plaintext."""
    return mode in ("SIMPLE", "MUTUAL") or (mode == "ISTIO_MUTUAL" and not is_automatic(mesh))


def _dropped_for_hosts(mesh: Mesh, rule: Rule) -> Iterator[Problem]:
    """A rule without `tls` that hides a wider one by which clients would use mutual TLS."""
    policy, name = rule.spec.traffic_policy, host_of(mesh, rule)
    has_tls = policy is not None and (policy.tls is not None or any(one.tls for one in policy.port_level_settings))
    if has_tls or not name or is_wildcard(name) or rule.spec.workload_selector is not None:
        return
    homes = {rule.namespace, mesh.config.root_namespace, *(host.namespace for host in mesh.hosts_named(name))}
    for wide in mesh.derived(_wide_rules, mesh):
        if not covers(host_of(mesh, wide), name) or wide.namespace not in homes:
            continue
        above = wide.spec.traffic_policy
        if above is not None and above.tls is not None and mesh.audience_of(wide).includes(rule.namespace):
            yield Problem(
                rule.spec.node.at("host"),
                f"clients send plaintext to `{name}`: this rule has no `tls` and hides that of `{wide.name}`",
                label="without `tls`",
                notes=(Note(above.tls.node.at("mode").span, "mutual TLS is meant here"),),
                help="rules are not merged: write `tls: {mode: ISTIO_MUTUAL}` here as well",
                aliases=("KIA0204",),
            )
            return


def _wide_rules(mesh: Mesh) -> tuple[Rule, ...]:
    """The rules for many hosts by which clients use mutual TLS."""
    return tuple(
        rule
        for rule in mesh.destination_rules
        if is_wildcard(host_of(mesh, rule))
        and rule.spec.traffic_policy is not None
        and rule.spec.traffic_policy.tls is not None
        and rule.spec.traffic_policy.tls.mode == "ISTIO_MUTUAL"
    )


def _listed(names: list[str]) -> str:
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
