"""Mutual TLS: what clients send by their DestinationRules, and what servers take by their PeerAuthentications."""

from collections import defaultdict
from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result, Undecided
from meshlint.mesh.clashes import UNSET, Clash, clashes, namespace_of
from meshlint.mesh.destinations import host_of
from meshlint.mesh.hosts import is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Demand, Mode
from meshlint.registry import checks
from meshlint.resources.security import PeerAuthentication
from meshlint.source.node import Node

_SHOWN = 3


@checks("MSH601")
def mtls_conflict(mesh: Mesh) -> Iterator[Result]:
    """Clients that send what the servers behind a host refuse (S118-S137), told on both sides."""
    senders: defaultdict[Node, list[Clash]] = defaultdict(list)
    servers: defaultdict[tuple[Node, str], list[Clash]] = defaultdict(list)
    for result in clashes(mesh):
        if isinstance(result, Undecided):
            yield result
            continue
        senders[result.node].append(result)
        mode = result.demand.node if result.demand is not None else None
        if mode is not None and mode is not result.node:
            servers[mode, result.sent].append(result)
    for node, found in senders.items():
        yield _problem(mesh, node, found)
    for (node, _), found in servers.items():
        yield _server_problem(mesh, node, found)


def _problem(mesh: Mesh, node: Node, found: list[Clash]) -> Problem:
    first = found[0]
    hosts = list(dict.fromkeys(one.host for one in found))
    where = f"subset `{first.subset}` of {_listed(hosts)}" if first.subset else _listed(hosts)
    notes = []
    if first.demand is not None and first.demand.node is not None and first.demand.node is not node:
        notes.append(Note(first.demand.node.span, "the servers' mode is set here"))
    if first.workload is not None:
        notes.append(Note(first.workload.resource.name_node.span, "the server"))
    return Problem(
        node,
        f"{_who(mesh, found)} {_effect(first, where, is_one=len(hosts) == 1)}",
        label=_LABELS[first.sent],
        notes=tuple(notes),
        help=_HELP.get(first.sent, ""),
        aliases=_server_codes(mesh, first.demand) if first.sent == UNSET else _client_codes(mesh, first),
    )


def _server_problem(mesh: Mesh, node: Node, found: list[Clash]) -> Problem:
    """The same conflict where the servers' mode is set, with the rules that clients follow."""
    first = found[0]
    hosts = _listed(list(dict.fromkeys(one.host for one in found)))
    sent = {"DISABLE": "plaintext", "SIMPLE": "TLS of their own", "ISTIO_MUTUAL": "mutual TLS"}[first.sent]
    rules = {one.node: one.rule for one in found if one.rule is not None}
    return Problem(
        node,
        f"{_who(mesh, found)} send {sent} to {hosts}, which this mode refuses",
        label=_MODES[first.demand.mode] if first.demand is not None else "",
        notes=tuple(
            Note(at.span, f"DestinationRule `{rule.name}` says so") for at, rule in list(rules.items())[:_SHOWN]
        ),
        help="take `tls` out of the rules, or let the servers accept what clients send",
        aliases=_server_codes(mesh, first.demand),
    )


def _server_codes(mesh: Mesh, demand: Demand | None) -> tuple[str, ...]:
    """Kiali's codes for a PeerAuthentication of a mesh or namespace; it looks at no others."""
    policy = _policy(mesh, demand)
    if demand is None or policy is None or policy.spec.selector is not None or demand.mode is Mode.PERMISSIVE:
        return ()
    is_wide = policy.namespace == mesh.config.root_namespace
    return (_SERVER_CODES[demand.mode, is_wide],)


def _client_codes(mesh: Mesh, clash: Clash) -> tuple[str, ...]:
    """Kiali's codes for a DestinationRule for all hosts of a namespace or of the mesh; it looks at no others."""
    pattern = host_of(mesh, clash.rule) if clash.rule is not None else ""
    policy = _policy(mesh, clash.demand)
    if policy is None or not is_wildcard(pattern) or policy.spec.selector is not None:
        return ()
    if clash.sent == "ISTIO_MUTUAL":
        return ("KIA0206",) if namespace_of(mesh, pattern) else ("KIA0205",)
    return ("KIA0208",) if policy.namespace == mesh.config.root_namespace else ("KIA0207",)


def _policy(mesh: Mesh, demand: Demand | None) -> PeerAuthentication | None:
    document = demand.node.document if demand is not None and demand.node is not None else None
    return next((one for one in mesh.peer_authentications if one.node.document is document), None)


_LABELS = {
    "DISABLE": "plaintext",
    "SIMPLE": "TLS without a client certificate",
    "ISTIO_MUTUAL": "mutual TLS",
    UNSET: "no plaintext",
}
_MODES = {Mode.STRICT: "mutual TLS only", Mode.DISABLE: "plaintext only", Mode.PERMISSIVE: "plaintext or mutual TLS"}
_SERVER_CODES = {
    (Mode.STRICT, True): "KIA0401",
    (Mode.STRICT, False): "KIA0501",
    (Mode.DISABLE, False): "KIA0505",
    (Mode.DISABLE, True): "KIA0506",
}
_HELP = {
    "DISABLE": "without `tls` Istio sends mutual TLS wherever the server takes it",
    "SIMPLE": "without `tls` Istio sends mutual TLS wherever the server takes it",
    "ISTIO_MUTUAL": "without `tls` Istio sends mutual TLS only where the server takes it",
    UNSET: "`enableAutoMtls` or the mode of the namespace turns mutual TLS off for clients: a DestinationRule with mode ISTIO_MUTUAL turns it on",
}


def _who(mesh: Mesh, found: list[Clash]) -> str:
    if any(one.clients is None for one in found):
        return "clients"
    names = sorted({name for one in found for name in one.clients or ()})
    if len(names) == len(mesh.known_namespaces):
        return "clients"
    return f"clients in namespace{'s' if len(names) > 1 else ''} {_listed(names)}"


def _effect(clash: Clash, where: str, *, is_one: bool) -> str:
    if clash.demand is None:
        name = clash.workload.name if clash.workload is not None else ""
        return f"send mutual TLS to {where}, but no proxy takes it at workload `{name}`"
    takes = "accepts" if is_one else "accept"
    match clash.demand.mode:
        case Mode.STRICT:
            sent = "open TLS without a client certificate" if clash.sent == "SIMPLE" else "send plaintext"
            return f"{sent} to {where}, which {takes} only mutual TLS"
        case Mode.DISABLE:
            return f"send mutual TLS to {where}, which {takes} only plaintext"
        case Mode.PERMISSIVE:
            return f"open TLS of their own to {where}, which {takes} plaintext or mutual TLS on HTTP port {clash.port}"


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > _SHOWN:
        return f"{', '.join(quoted[:_SHOWN])} and {len(quoted) - _SHOWN} more"
    return " and ".join((", ".join(quoted[:-1]), quoted[-1])) if len(quoted) > 1 else quoted[0]
