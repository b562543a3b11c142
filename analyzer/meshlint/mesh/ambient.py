"""Ambient mode: which workloads are in it and why, and what ztunnel does with a call of theirs (S103, S107, E46)."""

from dataclasses import dataclass

from meshlint.mesh.clusters import Cluster
from meshlint.mesh.forward import to_cluster
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client, FromPod
from meshlint.mesh.services import Host
from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step
from meshlint.mesh.virtual_hosts import domain_of, named
from meshlint.mesh.waypoint_hop import through
from meshlint.mesh.waypoints import Assignment, is_shown, waypoint_of
from meshlint.mesh.ways import Hop, Way, after, ended
from meshlint.mesh.workloads import MODE, Proxy, Workload, injector, is_ambient
from meshlint.request import DESTINATION_IP


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Whether a workload's traffic is ztunnel's: None where the input does not show it; `why` in words (S107)."""

    is_ambient: bool | None
    why: str


def enrolment(mesh: Mesh, workload: Workload) -> Enrolment:
    """Whether the workload is in ambient mode: by its pods' label, else its namespace's, and never with a sidecar."""
    own = workload.labels.get(MODE)
    of_space = mesh.namespaces.get(workload.namespace, {}).get(MODE)
    match workload.proxy:
        case Proxy.AMBIENT:
            who = "the pods have" if own == "ambient" else f"namespace {workload.namespace} has"
            return Enrolment(is_ambient=True, why=f"{who} label {MODE}: ambient")
        case Proxy.UNKNOWN:
            return Enrolment(is_ambient=None, why=f"the input does not show the labels of {workload.namespace}")
        case Proxy.SIDECAR | Proxy.GATEWAY:
            return Enrolment(is_ambient=False, why="the pods have a proxy of their own")
        case Proxy.NONE:
            if own == "none" and of_space == "ambient":
                return Enrolment(is_ambient=False, why=f"the pods have label {MODE}: none")
            return Enrolment(is_ambient=False, why="no label asks for it, or its pods cannot be in it")


def is_enrolled(mesh: Mesh, origin: FromPod) -> bool:
    """Whether what a pod sends goes through ztunnel; pods of which only labels are given may have no other proxy."""
    if origin.workload is not None:
        return origin.workload.proxy is Proxy.AMBIENT
    labels, of_space = dict(origin.labels), mesh.namespaces.get(origin.namespace)
    is_injected = injector(labels, of_space or {}, None) is not None
    return is_ambient(labels, origin.namespace, of_space) and not is_injected


def ztunnel(origin: FromPod) -> Client:
    """The ztunnel that takes what the pod sends."""
    return Client(origin.namespace, tuple(sorted(origin.labels)), workload=origin.workload, is_ztunnel=True)


def at_ztunnel(hop: Hop) -> Way:
    """A call at its sender's ztunnel: to the waypoint of what is dialed, else to an endpoint of it, without any route."""
    mesh, port = hop.mesh, hop.call.port
    name = hop.call.request.get(DESTINATION_IP) or domain_of(hop.call.dialed)
    dialed = next(iter(named(mesh, hop.client.namespace, name)), None)
    if dialed is None:
        return _unknown(hop)
    assigned, by_address = _assigned(mesh, dialed)
    step = _client(hop, f"port {port} → {dialed.name}", dialed, _facts(mesh, dialed, assigned))
    if dialed.is_external_name or dialed.port(port) is None:
        why = f"{dialed.name} is an ExternalName" if dialed.is_external_name else f"{dialed.name} has no port {port}"
        return ended(Outcome(Kind.UNKNOWN, why=f"{why}: what ztunnel does then is not followed"), step)
    if assigned is not None and assigned.flaw is None:
        return after(step, through(hop, assigned, dialed, port, by_address=by_address))
    one = Cluster(dialed.name, port, "", dialed, dialed.resource.name_node)
    return after(step, to_cluster(hop, one))


def _assigned(mesh: Mesh, dialed: Host) -> tuple[Assignment | None, bool]:
    """The waypoint of what is dialed: of a headless Service clients dial the pods, which have their own (S103)."""
    if not dialed.is_headless:
        return waypoint_of(mesh, dialed), False
    found = [one for workload in mesh.workloads_of(dialed) if (one := waypoint_of(mesh, workload)) is not None]
    return next((one for one in found if one.flaw is None), next(iter(found), None)), True


def _facts(mesh: Mesh, dialed: Host, assigned: Assignment | None) -> tuple[Fact, ...]:
    if assigned is not None and assigned.flaw is not None:
        return (Fact(f"goes past waypoint {assigned.name}: {assigned.flaw.value}", assigned.node),)
    if assigned is not None:
        return ()
    no_route = Fact("no waypoint: no VirtualService and no DestinationRule holds (R219)")
    unseen = Fact(f"the input does not show the labels of namespace {dialed.namespace}: taken to name no waypoint")
    return (no_route,) if is_shown(mesh, dialed) else (no_route, unseen)


def _unknown(hop: Hop) -> Way:
    """A destination that is in no registry goes out as it is: ztunnel closes nothing (E46)."""
    name = domain_of(hop.call.dialed)
    wide = next(iter(hop.mesh.hosts_named(name)), None)
    step = _client(hop, f"port {hop.call.port} → `{name}` is unknown here", None, ())
    if wide is not None:
        return ended(Outcome(Kind.UNKNOWN, why=f"how ztunnel takes hosts of `{wide.name}` is not followed"), step)
    return ended(Outcome(Kind.PASSTHROUGH, why="ztunnel lets unknown destinations pass"), step)


def _client(hop: Hop, text: str, dialed: Host | None, facts: tuple[Fact, ...]) -> Step:
    node = dialed.resource.name_node if dialed is not None else None
    return Step(Stage.CLIENT, f"{hop.client.name}  ztunnel, {text}", node, facts)
