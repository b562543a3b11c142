"""Which connections sidecars get at all: those that never meet one, and those that another host's listener takes."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.confinement import are_for_egress, confining, is_inner, ways_out
from meshlint.mesh.egress import Chain, chains
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import pod, sidecar
from meshlint.mesh.services import Host, HostPort, Protocol
from meshlint.mesh.view import outbound_policy
from meshlint.mesh.workloads import Proxy, Workload, injector
from meshlint.registry import checks
from meshlint.source.node import Node

_SIDECAR = "traffic.sidecar.istio.io/"
_OUR_OWN = "1337"
_NOT_HTTP = {22: "SSH", 25: "SMTP", 443: "TLS", 3306: "MySQL", 5432: "PostgreSQL", 6379: "Redis", 27017: "MongoDB"}
_HTTP = 80


@dataclass(frozen=True, slots=True, eq=False)
class _Rule:
    """What the mesh says of a workload's way out, in words; `ports` are those that it is said of, None for all."""

    text: str
    node: Node
    ports: frozenset[int] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Gap:
    """Why connections of a workload do not meet its sidecar; `ports` are those they are for, None for all."""

    node: Node
    why: str
    label: str
    ports: frozenset[int] | None = None


@checks("MSH411")
def sidecar_bypass(mesh: Mesh) -> Iterator[Result]:
    """Connections that no sidecar sees, of pods whose way out the mesh limits (E41-E47, E89)."""
    yield from _unconfined(mesh)
    for workload in mesh.workloads:
        if workload.is_assumed or workload.proxy not in (Proxy.SIDECAR, Proxy.UNKNOWN, Proxy.NONE):
            continue
        gaps = list(_gaps(mesh, workload))
        rule = _rule(mesh, workload) if gaps else None
        for gap in gaps:
            if rule is not None and (gap.ports is None or rule.ports is None or gap.ports & rule.ports):
                yield Problem(
                    gap.node,
                    f"{gap.why}, while {rule.text}",
                    label=gap.label,
                    notes=(Note(rule.node.span, "this is not in force for such connections"),),
                    help="let the sidecar see the connections; only a NetworkPolicy keeps in pods that mean to get out",
                )


@checks("MSH219")
def port_capture(mesh: Mesh) -> Iterator[Problem]:
    """A Service that takes a well-known port of all addresses for a protocol that others do not speak there (R441-R446)."""
    for host in mesh.hosts:
        if host.is_service_entry or host.is_external_name or mesh.resource_of(host.resource.node.document) is None:
            continue
        for port in host.ports:
            usual = _NOT_HTTP.get(port.number)
            if port.protocol is Protocol.HTTP and usual is not None:
                yield _captured(host, port, "HTTP", usual)
            elif host.is_headless and port.protocol is Protocol.TCP and port.number == _HTTP:
                yield _captured(host, port, "TCP", "HTTP")


def _captured(host: Host, port: HostPort, spoken: str, usual: str) -> Problem:
    clients = "" if host.audience.namespaces is None else f" {host.audience}"
    return Problem(
        port.node.at("appProtocol") if port.node.get("appProtocol") is not None else port.node.at("name"),
        f"port {port.number} is {spoken}, so that sidecars{clients} listen for {spoken} on it, at every address: {usual} "
        "to other hosts on the port is at the mercy of the outbound traffic policy",
        label=f"{spoken} on {port.number}",
        help=f"use another port, or name it after {usual} if that is spoken",
    )


def _rule(mesh: Mesh, workload: Workload) -> _Rule | None:
    """What limits the way out of the workload: a chain for hosts that it sees, else a limit to registered hosts."""
    met = [chain for chain in chains(mesh) if chain.first_hops and _is_client(chain, workload)]
    is_closed, node = outbound_policy(mesh, sidecar(pod(workload)))
    if is_closed and node is not None:
        return _Rule("only registered hosts may be called", node, None)
    if not met:
        return None
    ports = frozenset(port.number for chain in met for entry in chain.entries for port in entry.ports)
    text = f"`{met[0].host}` is to be called through {met[0].gateway}"
    return _Rule(text, met[0].first_hops[0].node, ports)


def _unconfined(mesh: Mesh) -> Iterator[Problem]:
    """Clients of egress gateways that the network lets out as well, where the input confines pods at all (E48, E77)."""
    told: set[Node] = set()
    for workload in mesh.workloads if are_for_egress(mesh) else ():
        if workload.is_assumed or workload.proxy is not Proxy.SIDECAR:
            continue
        met = [chain for chain in chains(mesh) if chain.first_hops and _is_client(chain, workload)]
        ports = frozenset(port.number for chain in met for entry in chain.entries for port in entry.ports)
        policies = confining(mesh, workload)
        open_nodes = [node for policy in policies for node in ways_out(policy, ports)]
        if met and not policies:
            open_nodes = [workload.resource.name_node]
        for node in open_nodes if met else ():
            if node not in told:
                told.add(node)
                yield _let_out(workload, met[0], node, is_confined=bool(policies))


def _let_out(workload: Workload, chain: Chain, node: Node, *, is_confined: bool) -> Problem:
    if is_confined:
        message = f"this lets pods such as `{workload.name}` connect to the outside past their sidecars"
    else:
        message = f"no NetworkPolicy confines the pods of `{workload.name}`, which may connect to the outside past their sidecars"
    return Problem(
        node,
        f"{message}, while `{chain.host}` is to be called through {chain.gateway}",
        label="let out",
        notes=(Note(chain.first_hops[0].node.span, "the way through the gateway"),),
        help="let the network admit DNS, the mesh and the egress gateway only",
    )


def _is_client(chain: Chain, workload: Workload) -> bool:
    return workload.namespace not in chain.homes and any(
        entry.audience.includes(workload.namespace) for entry in chain.entries
    )


def _gaps(mesh: Mesh, workload: Workload) -> Iterator[_Gap]:
    template = _template(workload)
    if template is None:
        return
    if workload.proxy is Proxy.NONE:
        yield from _uninjected(mesh, workload, template)
        return
    yield from _exempt(workload, template)
    yield from _as_the_proxy(template)


def _template(workload: Workload) -> Node | None:
    """The pod, or what pods are made of: a node with `metadata` and `spec`."""
    root = workload.resource.node
    match workload.resource.ref.kind:
        case "Pod":
            return root
        case "CronJob":
            return root.get("spec", "jobTemplate", "spec", "template")
        case _:
            return root.get("spec", "template")


def _uninjected(mesh: Mesh, workload: Workload, template: Node) -> Iterator[_Gap]:
    """Pods that keep out of a namespace's injection (E44)."""
    if injector({}, mesh.namespaces.get(workload.namespace, {}), None) is None:
        return
    host_network = template.get("spec", "hostNetwork")
    if host_network is not None and host_network.value is True:
        yield _Gap(host_network, "pods in the network of their node have no sidecar", "no sidecar")
        return
    for where in ("labels", "annotations"):
        node = template.get("metadata", where, "sidecar.istio.io/inject")
        if node is not None and str(node.value).lower() == "false":
            yield _Gap(node, "these pods have no sidecar", "no sidecar")
            return


def _exempt(workload: Workload, template: Node) -> Iterator[_Gap]:
    """Annotations that keep outbound connections from the sidecar (E41)."""
    for name, text in workload.annotations.items():
        node = template.get("metadata", "annotations", name)
        if node is None:
            continue
        listed = [one.strip() for one in text.split(",") if one.strip()]
        match name.removeprefix(_SIDECAR):
            case "excludeOutboundPorts":
                ports = frozenset(int(one) for one in listed if one.isdecimal())
                if ports:
                    yield _Gap(
                        node, f"connections to port {', '.join(listed)} do not meet the sidecar", "not seen", ports
                    )
            case "excludeOutboundIPRanges" if outer := [one for one in listed if not is_inner(one)]:
                yield _Gap(node, f"connections to {', '.join(outer)} do not meet the sidecar", "not seen")
            case "includeOutboundIPRanges" if not any(one in ("*", "0.0.0.0/0") for one in listed):
                which = f"other addresses than {', '.join(listed)}" if listed else "anywhere"
                yield _Gap(node, f"connections to {which} do not meet the sidecar", "not seen")
            case "sidecar.istio.io/interceptionMode" if text == "NONE":
                yield _Gap(node, "no connection meets the sidecar unless the program dials it", "not seen")
            case _:
                continue


def _as_the_proxy(template: Node) -> Iterator[_Gap]:
    """Containers that run as the sidecar's own user or group, whose connections are never redirected (E43)."""
    spec = template.get("spec")
    containers = spec.get("containers") if spec is not None else None
    places = [spec, *(one for one in (containers.elements if containers is not None else ()) if not _is_proxy(one))]
    for place in places:
        for key in ("runAsUser", "runAsGroup"):
            node = place.get("securityContext", key) if place is not None else None
            if node is not None and str(node.value) == _OUR_OWN:
                yield _Gap(
                    node, f"connections of user or group {_OUR_OWN} do not meet the sidecar, as its own", "not seen"
                )


def _is_proxy(container: Node) -> bool:
    name = container.get("name")
    return name is not None and name.value == "istio-proxy"
