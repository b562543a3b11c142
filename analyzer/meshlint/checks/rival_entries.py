"""ServiceEntries against one another: hosts that several define for the same clients."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host, HostPort
from meshlint.mesh.settings import World
from meshlint.mesh.targets import imports_all
from meshlint.registry import checks
from meshlint.resources.record import Record
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.source.node import Node

_SHOWN = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Meeting:
    """A port of a host, and the same port of another ServiceEntry; `theirs` is None where that one lacks it."""

    port: HostPort
    other: Host
    theirs: HostPort | None


@checks("MSH407")
def conflicting_service_entries(mesh: Mesh) -> Iterator[Result]:
    """One host in several ServiceEntries that some client sees: they are not, or only in part, united (R506, R708)."""
    told: set[tuple[int, tuple[str, ...]]] = set()
    for host, others in _rivals(mesh):
        for problem in _problems(host, others):
            # A conflict of several hosts or ports is one conflict of the object.
            key = (id(host.resource), problem.aliases or ())
            if key not in told:
                told.add(key)
                yield problem


def _rivals(mesh: Mesh) -> Iterator[tuple[Host, list[Host]]]:
    by_name: dict[str, list[Host]] = {}
    for host in mesh.hosts:
        if host.is_service_entry:
            by_name.setdefault(host.name, []).append(host)
    for some in by_name.values():
        for host in some if len(some) > 1 else ():
            others = [one for one in some if _is_other(mesh, host, one) and _is_seen_with(mesh, host, one)]
            if others:
                yield host, others


def _is_other(mesh: Mesh, one: Host, other: Host) -> bool:
    return one.resource is not other.resource and not mesh.are_alternatives(one.resource, other.resource)


def _is_seen_with(mesh: Mesh, one: Host, other: Host) -> bool:
    """Whether some namespace's sidecars know both; the empty name stands for namespaces that the input does not show."""
    both = one.audience.common(other.audience).namespaces
    if both is None:
        both = mesh.known_namespaces
        both = both if mesh.settings.world is World.COMPLETE else both | {""}
    return any(imports_all(mesh, client, (one, other)) for client in both)


def _problems(host: Host, others: list[Host]) -> Iterator[Problem]:
    met = [_Meeting(port, other, other.port(port.number)) for port in host.ports for other in others]
    shared = [(one, one.theirs) for one in met if one.theirs is not None]
    differing = [one for one, theirs in shared if _protocol(one.port) != _protocol(theirs)]
    equal = [one for one, theirs in shared if _protocol(one.port) == _protocol(theirs)]
    if differing:
        yield _two_protocols(host, differing)
    if equal:
        yield _twice(host, equal)
    apart = [one for one in met if one.theirs is None and not shared and _difference(host, one.other)]
    if apart:
        yield _not_united(host, apart)


def _two_protocols(host: Host, met: Sequence[_Meeting]) -> Problem:
    first = met[0]
    mine = _written(first.port)
    theirs = _written(first.theirs) if first.theirs is not None else ""
    return Problem(
        first.port.node.at("protocol"),
        f"port {first.port.number} of host `{host.name}` is {mine} here and {theirs} in {_name(first.other)}: "
        "one of them counts for both",
        label="two protocols",
        notes=_notes(met),
        help="agree on one protocol, or export the entries to different namespaces",
        aliases=("IST0177", "KIA1212"),
    )


def _twice(host: Host, met: Sequence[_Meeting]) -> Problem:
    first = met[0]
    difference = _difference(host, first.other)
    if host.namespace != first.other.namespace:
        effect = "clients use that of their own namespace, others the older one"
    elif difference:
        effect = f"they differ in {difference}, and only the older one's counts"
    else:
        effect = "their endpoints are put together"
    return Problem(
        _host_node(host),
        f"port {first.port.number} of host `{host.name}` is defined in {_name(first.other)} too: {effect}",
        label="defined twice",
        notes=_notes(met),
        help="keep one of them",
        aliases=("KIA1211",),
    )


def _not_united(host: Host, met: Sequence[_Meeting]) -> Problem:
    first = met[0]
    return Problem(
        first.port.node,
        f"host `{host.name}` is also in {_name(first.other)}, and the two differ in {_difference(host, first.other)}: "
        "the ports of the younger one lead nowhere",
        label="not united",
        notes=_notes(met),
        help="put all ports of the host into one entry, or make the entries equal but for their ports",
        aliases=(),
    )


def _difference(host: Host, other: Host) -> str:
    """In what two entries of one namespace differ so that their ports are not united (R708); empty where they are."""
    if host.namespace != other.namespace:
        return ""
    for name, mine, theirs in (
        ("resolution", host.resolution, other.resolution),
        ("labels", host.resource.metadata.labels, other.resource.metadata.labels),
        ("workloadSelector", host.selector, other.selector),
        ("exportTo", _exports(host.resource.spec), _exports(other.resource.spec)),
    ):
        if mine != theirs:
            return name
    return ""


def _exports(spec: Record) -> frozenset[str]:
    return frozenset((spec.export_to if isinstance(spec, ServiceEntrySpec) else None) or ())


def _protocol(port: HostPort) -> str:
    return _written(port).upper()


def _written(port: HostPort) -> str:
    node = port.node.get("protocol")
    return str(node.value) if node is not None and node.value else "detected"


def _name(host: Host) -> str:
    return f"ServiceEntry `{host.resource.namespace}/{host.resource.name}`"


def _notes(met: Sequence[_Meeting]) -> tuple[Note, ...]:
    places: Mapping[Node, None] = dict.fromkeys(
        one.theirs.node if one.theirs is not None else _host_node(one.other) for one in met
    )
    return tuple(Note(node.span, "the other one") for node in list(places)[:_SHOWN])


def _host_node(host: Host) -> Node:
    spec = host.resource.spec
    index = spec.hosts.index(host.name) if isinstance(spec, ServiceEntrySpec) else 0
    return host.resource.node.at("spec", "hosts", index)
