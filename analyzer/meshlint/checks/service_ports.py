"""Services: ports whose protocol cannot be told, and what their selectors and target ports lead to."""

from collections.abc import Iterator
from typing import cast

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.served import ServedPort, is_gateway, served_ports
from meshlint.mesh.services import (
    KUBERNETES_PROTOCOLS,
    TCP_PORTS,
    Host,
    HostPort,
    Protocol,
    port_protocol,
    protocol_class,
)
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.mesh.workloads import Proxy, Workload, target_port
from meshlint.registry import checks
from meshlint.resources.base import Labels, Resource
from meshlint.resources.record import Record
from meshlint.resources.workload import ServicePort, ServiceSpec

Service = Resource[ServiceSpec]

_SYSTEM = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})


@checks("MSH214")
def port_name(mesh: Mesh) -> Iterator[Result]:
    """A port whose protocol neither appProtocol nor name tells: Istio guesses it from each connection (R430, R431)."""
    for port in _ports(mesh, is_external=False):
        if _is_known(port) or port.port in TCP_PORTS:
            continue
        if port.app_protocol is not None:
            message = f"appProtocol `{port.app_protocol}` is no protocol of Istio, and hides what the name says"
            node = port.node.at("appProtocol")
            aliases = ("IST0118", "KIA0602")
        else:
            message = f"the protocol of port {port.port} cannot be told from its name `{port.name}`"
            message = message if port.name else f"port {port.port} has no name that tells its protocol"
            node = port.node.at("name")
            aliases = ("IST0118", "KIA0601")
        help_ = _name_hint(port, mesh)
        yield Problem(
            node, f"{message}: it is guessed from each connection", "which protocol", (), help_, aliases=aliases
        )


@checks("MSH215")
def external_name_port(mesh: Mesh) -> Iterator[Result]:
    """An ExternalName Service's port that is TCP or of no protocol takes that port of every address (R442)."""
    for port in _ports(mesh, is_external=True):
        if not _is_known(port) or port.name.lower() == "tcp":
            node = port.node.at("name")
            message = (
                f"port {port.port} of an ExternalName Service has no protocol but TCP: it may take other hosts' traffic"
            )
            yield Problem(
                node, message, "which protocol", help="name it after its protocol, such as `http` or `https-api`"
            )


@checks("MSH216")
def service_without_workload(mesh: Mesh) -> Iterator[Result]:
    """A Service whose selector finds no workload, or whose target port none of them has."""
    for host in mesh.hosts:
        if not host.selector or host.is_service_entry or mesh.resource_of(host.resource.node.document) is None:
            continue
        found = mesh.workloads_of(host)
        if not found:
            yield from _unselecting(mesh, host, host.selector)
            continue
        if any(is_gateway(mesh, one) or one.is_assumed for one in found) or _is_of_istio(host.resource):
            continue
        for port in host.ports:
            problem = _missing_target(port, found)
            if problem is not None:
                yield problem


@checks("MSH217")
def workload_in_two_services(mesh: Mesh) -> Iterator[Result]:
    """Services that disagree about a port of one workload: its number for clients, or its protocol."""
    for workload in mesh.workloads:
        if workload.proxy is Proxy.NONE or workload.is_assumed or workload.resource.ref.kind == "WorkloadEntry":
            continue
        ports = [one for one in served_ports(mesh, workload) if not one.host.is_service_entry]
        yield from _two_transports(workload, ports)
        yield from _two_numbers(workload, ports)


def _ports(mesh: Mesh, *, is_external: bool) -> Iterator[ServicePort]:
    """The ports of Services whose names Istio reads: those of Istio, of Kubernetes and outside the mesh aside."""
    for one in mesh.resources:
        if not isinstance(one.spec, ServiceSpec) or (one.spec.type == "ExternalName") is not is_external:
            continue
        service = cast("Service", one)
        if service.namespace in _SYSTEM or _is_of_istio(service) or _is_outside(mesh, service):
            continue
        yield from (port for port in one.spec.ports if port.port is not None)


def _is_known(port: ServicePort) -> bool:
    if port.protocol.upper() == "UDP":
        return True
    if port.app_protocol is not None:
        return port.app_protocol in KUBERNETES_PROTOCOLS or protocol_class(port.app_protocol) is not None
    return protocol_class(port.name) is not None or port.name.lower().partition("-")[0] == "http_proxy"


def _is_of_istio(service: Resource[Record]) -> bool:
    labels = service.metadata.labels
    return (
        "istio" in labels
        or labels.get("app") == "istiod"
        or labels.get("release") == "istio"
        or "gateway.istio.io/managed" in labels
    )


def _is_outside(mesh: Mesh, service: Service) -> bool:
    """Whether the input shows all of the Service's workloads, and none of them is in the mesh."""
    wanted = service.spec.selector
    found = mesh.selected(wanted, service.namespace) if wanted else ()
    return bool(found) and all(one.proxy is Proxy.NONE for one in found)


def _name_hint(port: ServicePort, mesh: Mesh) -> str:
    known = ("http", "http2", "https", "grpc", "grpc-web", "tls", "tcp", "mongo", "mysql", "redis", "udp")
    head, dash, rest = port.name.lower().partition("-")
    near = nearest(head, known)
    if port.app_protocol is None and near and head not in known:
        return did_you_mean(f"{near}{dash}{rest}")
    is_tcp = port_protocol(port, mesh.settings.istio_version) is Protocol.TCP
    return "it is taken as TCP" if is_tcp else "begin the name with the protocol, as in `http-web`, or set appProtocol"


def _unselecting(mesh: Mesh, host: Host, selector: Labels) -> Iterator[Result]:
    node = host.resource.node.at("spec", "selector")
    key, near = _near_label(mesh, host, selector)
    if mesh.settings.world is not World.COMPLETE and not near:
        yield Outside(node, f"workloads of host {host.name}")
        return
    written = ", ".join(f"{name}={value}" for name, value in selector.items())
    hint = did_you_mean(f"{key}: {near}") if near else ""
    yield Problem(
        node, f"no workload in namespace `{host.namespace}` has labels {written}", "selects nothing", (), hint
    )


def _near_label(mesh: Mesh, host: Host, selector: Labels) -> tuple[str, str]:
    """The label whose value is nearly one of the namespace's workloads, that no other Service chooses, and that value."""
    here = [one for one in mesh.workloads_in(host.namespace) if not one.is_assumed]
    for key, value in selector.items():
        free = {one.labels[key] for one in here if key in one.labels and not mesh.hosts_of(one)}
        if value not in free and mesh.expects(Class.WORKLOADS, host.namespace):
            near = nearest(value, free)
            if near:
                return key, near
    return "", ""


def _missing_target(port: HostPort, found: tuple[Workload, ...]) -> Problem | None:
    """The port that no workload behind it declares; by number only where the workloads do declare ports."""
    targets = [target_port(port, one) for one in found]
    if not all(one.container_ports for one in found):
        return None
    if any(
        number is not None and number in one.container_ports.values()
        for number, one in zip(targets, found, strict=True)
    ):
        return None
    declared = ", ".join(sorted({str(number) for one in found for number in one.container_ports.values()}))
    node = port.node.get("targetPort") or port.node.at("port")
    name = port.target if port.target is not None else port.number
    return Problem(node, f"no workload behind it has a port {name}", "no such port", help=f"they declare {declared}")


def _two_transports(workload: Workload, ports: list[ServedPort]) -> Iterator[Problem]:
    """Two Services that give one number two transports (TCP and UDP) or two protocols."""
    for index, one in enumerate(ports):
        for other in ports[:index]:
            is_same = one.number == other.number and one.number is not None
            classes = {one.port.protocol, other.port.protocol}
            if not is_same or len(classes) == 1 or one.host is other.host or Protocol.AUTO in classes:
                continue
            message = (
                f"Services take port {one.number} of this workload as {one.port.protocol.value} and as "
                f"{other.port.protocol.value}: only one of them holds"
            )
            yield Problem(
                workload.resource.name_node, message, "two protocols", _notes(one, other), aliases=("IST0116",)
            )
            return


def _two_numbers(workload: Workload, ports: list[ServedPort]) -> Iterator[Problem]:
    """Services that lead from unlike numbers to one port of the workload."""
    for index, one in enumerate(ports):
        for other in ports[:index]:
            if one.number == other.number and one.port.number != other.port.number and one.host is not other.host:
                message = (
                    f"Services lead to port {one.number} of this workload from port {other.port.number} and from "
                    f"port {one.port.number}"
                )
                yield Problem(
                    workload.resource.name_node, message, "two numbers", _notes(one, other), aliases=("IST0137",)
                )
                return


def _notes(one: ServedPort, other: ServedPort) -> tuple[Note, ...]:
    return tuple(Note(each.port.node.span, f"in Service `{each.host.resource.name}`") for each in (other, one))
