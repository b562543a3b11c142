"""A graph of the mesh as plain data to draw: vertices with what is known and found of them, edges with their words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from meshlint.finding import Finding, Severity
from meshlint.mesh import authorization, mtls
from meshlint.mesh.destinations import host_of
from meshlint.mesh.edges import Edge, Vertex, host_vertex, subset_vertex, vertex
from meshlint.mesh.graph import Graph, View, order
from meshlint.mesh.hosts import covers
from meshlint.mesh.model import Mesh
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.source.node import Node
from meshlint.source.text import Span

ABSENT = "not in the input"
DEFAULT = "of Istio's default install"
_ONLY_NAMED = frozenset({"VirtualHost", "Principal", "Caller", "Namespace"})


@dataclass(frozen=True, slots=True)
class Mark:
    """A vertex to draw. `span` is where its object is named, None for what the input names and does not hold.

    `notes` are the few facts that the view shows of it.
    """

    vertex: Vertex
    span: Span | None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity | None:
        """The worst of the findings' severities, None without findings."""
        return min((one.severity for one in self.findings), key=lambda one: one.rank, default=None)

    @property
    def is_absent(self) -> bool:
        """Whether it is an object or host that the input refers to and does not hold."""
        return ABSENT in self.notes


@dataclass(frozen=True, slots=True)
class Line:
    """An edge to draw. `span` is where it is written, None for what comes with Istio."""

    edge: Edge
    span: Span | None


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph as plain data in an order that depends on the input only. `elsewhere` are findings on nothing in view."""

    view: View
    marks: tuple[Mark, ...]
    lines: tuple[Line, ...]
    elsewhere: tuple[Finding, ...] = ()


def drawing(mesh: Mesh, graph: Graph, wanted: View, findings: Iterable[Finding] = ()) -> Drawing:
    """The graph to draw, with the findings that nothing suppresses at the vertices of their objects."""
    shown = tuple(finding for finding in findings if finding.suppressed is None)
    placed = _placed(mesh, graph, shown)
    spans = dict(_named_at(mesh))
    facts = _facts(mesh, wanted)
    marks = tuple(
        Mark(one, spans.get(one), tuple(placed.get(one, ())), _notes(one, spans, facts))
        for one in sorted(graph.nodes, key=order)
    )
    in_view = {id(finding) for some in placed.values() for finding in some}
    return Drawing(wanted, marks, _lines(mesh, graph), tuple(one for one in shown if id(one) not in in_view))


def _lines(mesh: Mesh, graph: Graph) -> tuple[Line, ...]:
    found: set[Edge] = {data["edge"] for _, _, data in graph.edges(data=True)}
    return tuple(Line(edge, _span(mesh, edge.node)) for edge in sorted(found, key=_place))


def _place(edge: Edge) -> tuple[tuple[str, str], tuple[str, str], str, str, int, str, str]:
    span = edge.node.span
    return (
        order(edge.source),
        order(edge.target),
        edge.kind.value,
        span.source.name,
        span.start,
        edge.subset,
        edge.condition,
    )


def _span(mesh: Mesh, node: Node) -> Span | None:
    """Where the node is written, None for what comes with Istio and not from the input."""
    return node.span if mesh.resource_of(node.document) is not None else None


def _placed(mesh: Mesh, graph: Graph, findings: tuple[Finding, ...]) -> Mapping[Vertex, list[Finding]]:
    """Findings by vertex. One on a Service or ServiceEntry that is not in view stands at the hosts it defines."""
    hosts: defaultdict[Vertex, list[Vertex]] = defaultdict(list)
    for host in mesh.hosts:
        hosts[vertex(host.resource)].append(host_vertex(host.name))
    placed: defaultdict[Vertex, list[Finding]] = defaultdict(list)
    for finding in findings:
        resource = mesh.resource_of(finding.problem.node.document)
        own = vertex(resource) if resource is not None else None
        places = [own] if own in graph else hosts.get(own, []) if own is not None else []
        for place in dict.fromkeys(place for place in places if place is not None and place in graph):
            placed[place].append(finding)
    return placed


def _named_at(mesh: Mesh) -> Iterator[tuple[Vertex, Span]]:
    """Where each vertex's object is named; of several definitions the last read."""
    for rule in mesh.destination_rules:
        wanted = host_of(mesh, rule)
        names = {host.name for host in mesh.hosts_named(wanted) if covers(wanted, host.name)} | {wanted}
        for subset in rule.spec.subsets:
            for name in names:
                yield subset_vertex(name, subset.name), subset.node.at("name").span
    for host in mesh.hosts:
        if (span := _span(mesh, host.resource.name_node)) is not None:
            yield host_vertex(host.name), span
    for resource in mesh.resources:
        yield vertex(resource), resource.name_node.span


def _notes(one: Vertex, spans: Mapping[Vertex, Span], facts: Mapping[Vertex, tuple[str, ...]]) -> tuple[str, ...]:
    known = facts.get(one, ())
    is_absent = one not in spans and one.kind not in _ONLY_NAMED and DEFAULT not in known
    return (ABSENT, *known) if is_absent else known


def _facts(mesh: Mesh, wanted: View) -> Mapping[Vertex, tuple[str, ...]]:
    found: dict[Vertex, tuple[str, ...]] = {}
    for host in mesh.hosts:
        if host.is_external and host.is_service_entry:
            found[host_vertex(host.name)] = ("external",)
        if _span(mesh, host.resource.name_node) is None:
            found[host_vertex(host.name)] = found[vertex(host.resource)] = (DEFAULT,)
    for workload in mesh.workloads:
        found[vertex(workload.resource)] = tuple(_of_workload(mesh, workload, wanted))
    if wanted is View.POLICY:
        for policy in mesh.authorization_policies:
            dry = () if authorization.is_enforced(policy) else ("dry run",)
            found[vertex(policy)] = (authorization.action(policy).value, *dry)
        for peer in mesh.peer_authentications:
            found[vertex(peer)] = (f"mTLS {peer.spec.mtls.mode}",) if peer.spec.mtls and peer.spec.mtls.mode else ()
    return found


def _of_workload(mesh: Mesh, workload: Workload, wanted: View) -> Iterator[str]:
    if workload.is_assumed:
        yield DEFAULT
    if wanted is View.POLICY and workload.proxy in (Proxy.SIDECAR, Proxy.UNKNOWN):
        yield _mutual_tls(mesh, workload)


def _mutual_tls(mesh: Mesh, workload: Workload) -> str:
    """The modes of the ports that the pods declare, or of any port where they declare none."""
    ports = sorted(set(workload.container_ports.values())) or [0]
    modes = {port: mtls.demand(mesh, workload, port) for port in ports}
    words = {port: one.mode.value if one is not None else "unclear" for port, one in modes.items()}
    if len(set(words.values())) == 1:
        return f"mTLS {next(iter(words.values()))}"
    return "mTLS " + ", ".join(f"{port} {word}" for port, word in words.items())
