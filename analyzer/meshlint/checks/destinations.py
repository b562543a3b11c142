"""Where routes send requests: hosts, ports and subsets that are not there."""

from collections.abc import Iterator

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.destinations import Effective, Rule, effective, rules_for
from meshlint.mesh.hosts import half_qualified, is_internal, is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.mesh.outbound import restriction
from meshlint.mesh.services import Host
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest, nearest_host
from meshlint.mesh.targets import (
    SIDECARS,
    Target,
    all_targets,
    clients,
    gateway_clients,
    is_missing,
    places,
    registered,
    unregistered,
    users,
)
from meshlint.registry import checks
from meshlint.resources.destination_rule import Subset


@checks("MSH201")
def no_such_host(mesh: Mesh) -> Iterator[Result]:
    """A destination or mirror whose host no client of the route knows: there is no such cluster (R504)."""
    for target in all_targets(mesh):
        found = registered(mesh, target.host)
        node = target.node.at("host")
        if found and not any(_is_visible(mesh, target, host) for host in found):
            yield _hidden_host(target, found)
        elif not found and not _is_said_elsewhere(mesh, target):
            if is_missing(mesh, target.host):
                yield Problem(
                    node,
                    f"host `{target.host}` is in no registry",
                    label="no such host",
                    help=_host_hint(mesh, target),
                )
            else:
                yield Outside(node, f"host {target.host}")


@checks("MSH202")
def no_such_subset(mesh: Mesh) -> Iterator[Result]:
    """A subset that the rules which decide for some client do not define: there is no such cluster (R503, R510)."""
    for target in all_targets(mesh):
        if not target.destination.subset:
            continue
        known = _owners(mesh, target)
        if known is None:
            yield Outside(target.node.at("subset"), f"subset {target.destination.subset} of host {target.host}")
            continue
        yield from _judge_subset(mesh, target, known)


@checks("MSH210")
def hidden_subsets(mesh: Mesh) -> Iterator[Result]:
    """A rule in a client's own namespace replaces the host's subsets that the client's routes need (R510)."""
    hiding: dict[tuple[str, str], tuple[Rule, list[tuple[Target, Subset]]]] = {}
    for target in all_targets(mesh):
        for rule, subset in _hiding(mesh, target) if target.destination.subset else ():
            key = (rule.namespace, rule.name)
            hiding.setdefault(key, (rule, []))[1].append((target, subset))
    for rule, hidden in hiding.values():
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(subset.name for _, subset in hidden))
        subsets = {id(subset): Note(subset.node.at("name").span, "hidden by it") for _, subset in hidden}
        routes = (Note(target.node.at("subset").span, "a route needs it") for target, _ in hidden)
        yield Problem(
            rule.spec.node.at("host"),
            f"clients in namespace `{rule.namespace}` use this rule only: it hides subset {names} of the host's own rules",
            label="hides subsets",
            notes=(*subsets.values(), *routes),
            help="repeat the subsets here, or remove this rule",
        )


def _is_visible(mesh: Mesh, target: Target, host: Host) -> bool:
    """Whether some client of the route may know the host (R203, R504)."""
    for place in places(mesh, target):
        if place != SIDECARS:
            proxies = gateway_clients(mesh, place)
            if not proxies or any(host.audience.includes(proxy) for proxy in proxies):
                return True
        elif any(mesh.audience_of(root).meets(host.audience) for root in users(mesh, target.vs)):
            return True
    return not places(mesh, target)


def _hidden_host(target: Target, found: tuple[Host, ...]) -> Problem:
    notes = tuple(Note(host.resource.name_node.span, f"seen by clients {host.audience}") for host in found)
    return Problem(
        target.node.at("host"),
        f"host `{target.host}` is exported to no client of this route",
        label="not visible",
        notes=notes,
        help="export it to the namespaces of the route's clients",
    )


def _is_said_elsewhere(mesh: Mesh, target: Target) -> bool:
    """Whether another rule speaks of the missing host: half a name, or one closed by the outbound policy."""
    domain = mesh.settings.cluster_domain
    if half_qualified(target.destination.host, mesh.known_namespaces, domain) is not None:
        return True
    is_closed = bool(mesh.service_entries) and restriction(mesh, target) is not None
    return is_closed and not is_internal(target.host, domain) and not is_wildcard(target.host)


def _host_hint(mesh: Mesh, target: Target) -> str:
    written = target.destination.host
    if any(host.is_service_entry and host.name == written for host in mesh.hosts_named(written)):
        return (
            f"a ServiceEntry defines the bare name `{written}`, but here a name without a dot is completed to "
            f"`{target.host}`: give the ServiceEntry a host with a dot"
        )
    return did_you_mean(nearest_host(mesh, target.host))


def _owners(mesh: Mesh, target: Target) -> tuple[Host, ...] | None:
    """The hosts whose subset is meant; None where nothing can be told about them.

    A host that is in no registry has subsets to speak of where some rule is for it; a mistaken name is what rule
    MSH201 reports. In a complete world a host without any like name may just as well lack both.
    """
    found = registered(mesh, target.host)
    if found:
        return tuple(host for host in found if host.name == target.host)
    if rules_for(mesh, target.host) and is_internal(target.host, mesh.settings.cluster_domain):
        return (unregistered(mesh, target.host, target.vs),)
    if is_missing(mesh, target.host):
        is_mistaken = _is_said_elsewhere(mesh, target) or bool(nearest_host(mesh, target.host))
        return (
            ()
            if is_mistaken or mesh.settings.world is not World.COMPLETE
            else (unregistered(mesh, target.host, target.vs),)
        )
    return None


def _judge_subset(mesh: Mesh, target: Target, known: tuple[Host, ...]) -> Iterator[Problem]:
    subset = target.destination.subset
    if not is_internal(target.host, mesh.settings.cluster_domain) and not registered(mesh, target.host):
        # Where its ServiceEntry would be, and so which rules count, is not known.
        defined = any(one.name == subset for rule in rules_for(mesh, target.host) for one in rule.spec.subsets)
        known = () if defined else known
    if known and all(_is_defined_for_all(mesh, host, subset) for host in known):
        return
    using = {client: _merged_view(mesh, client, known) for client in _relevant_clients(mesh, target, known)}
    lacking = [client for client, views in using.items() if all(view.defines(subset) is False for view in views)]
    if lacking:
        yield _no_subset(mesh, target, using, lacking)


def _is_defined_for_all(mesh: Mesh, host: Host, subset: str) -> bool:
    """Whether it is plain that every client has the subset: all rules for the host define it and all see one (R510)."""
    rules = rules_for(mesh, host.name)
    shared = (host.namespace, mesh.config.root_namespace)
    return any(rule.namespace in shared for rule in rules) and all(
        mesh.audience_of(rule).namespaces is None
        and rule.spec.workload_selector is None
        and any(one.name == subset for one in rule.spec.subsets)
        for rule in rules
    )


def _merged_view(mesh: Mesh, client: str, known: tuple[Host, ...]) -> tuple[Effective, ...]:
    return tuple(effective(mesh, client, host) for host in known)


def _relevant_clients(mesh: Mesh, target: Target, known: tuple[Host, ...]) -> list[str]:
    """The namespaces that use the target and know its host."""
    named = sorted({client for host in known for client in clients(mesh, target, host)})
    return [client for client in named if any(host.audience.includes(client) for host in known)]


def _hiding(mesh: Mesh, target: Target) -> Iterator[tuple[Rule, Subset]]:
    """Rules of clients' own namespaces that lack the target's subset, with the subset of the same name they hide."""
    name = target.destination.subset
    known = [host for host in registered(mesh, target.host) if host.name == target.host]
    for host in known:
        shared = (host.namespace, mesh.config.root_namespace)
        rules = [rule for rule in rules_for(mesh, host.name) if rule.namespace in shared]
        defined = [one for rule in rules for one in rule.spec.subsets if one.name == name]
        for client in _relevant_clients(mesh, target, tuple(known)) if defined else ():
            view = effective(mesh, client, host)
            if client not in shared and view.defines(name) is False:
                yield from ((rule, defined[0]) for rule in view.rules if rule.namespace == client)


def _no_subset(
    mesh: Mesh,
    target: Target,
    using: dict[str, tuple[Effective, ...]],
    lacking: list[str],
) -> Problem:
    subset = target.destination.subset
    node = target.node.at("subset")
    deciding = {id(rule): rule for client in lacking for view in using[client] for rule in view.rules}
    names = {name for client in lacking for view in using[client] for name in view.subsets}
    notes = tuple(
        Note(one.node.at("name").span, f"this DestinationRule defines `{one.name}`")
        for rule in deciding.values()
        for one in rule.spec.subsets
    )
    if len(lacking) == len(using):
        rules = rules_for(mesh, target.host)
        message = f"subset `{subset}` of host `{target.host}` is not defined"
        if not rules:
            message = f"no DestinationRule for host `{target.host}` defines subsets, so there is no `{subset}`"
        elsewhere = tuple(
            Note(one.node.at("name").span, f"this rule defines `{subset}`, but no client of the route uses it")
            for rule in rules
            for one in rule.spec.subsets
            if one.name == subset
        )
        help_ = did_you_mean(nearest(subset, names))
        return Problem(node, message, label="no such subset", notes=notes or elsewhere, help=help_)
    who = ", ".join(f"`{client}`" for client in lacking)
    where = f"namespace {who}" if len(lacking) == 1 else f"namespaces {who}"
    hiding = tuple(
        Note(rule.spec.node.at("host").span, "this rule decides for them and hides the subsets of others")
        for rule in deciding.values()
    )
    return Problem(
        node,
        f"subset `{subset}` of host `{target.host}` is not defined for clients in {where}",
        label="no such subset there",
        notes=hiding,
        help="each client uses the rules of one namespace only: its own, else the host's, else the root namespace",
    )
