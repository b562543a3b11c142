"""The Mesh: the resources of the input, and the indexes over them that all questions start from."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import ParamSpec, TypeVar, cast

from meshlint.finding import Ref
from meshlint.mesh import history
from meshlint.mesh.defaults import assumed
from meshlint.mesh.gateway_classes import deployed
from meshlint.mesh.hosts import is_wildcard, overlaps
from meshlint.mesh.routing import RouteTable, route_tables
from meshlint.mesh.services import Host, hosts
from meshlint.mesh.settings import Settings, World
from meshlint.mesh.visibility import EVERYONE, Audience, audience
from meshlint.mesh.workloads import Workload, serves, workloads
from meshlint.resources.base import Labels, Resource, selects
from meshlint.resources.destination_rule import DestinationRuleSpec
from meshlint.resources.extension import TelemetrySpec
from meshlint.resources.gateway import GatewaySpec, KubernetesGatewaySpec
from meshlint.resources.gateway_api import (
    GRPCRouteSpec,
    HTTPRouteSpec,
    ListenerSetSpec,
    PlainRouteSpec,
    ReferenceGrantSpec,
    TLSRouteSpec,
)
from meshlint.resources.kinds import is_object, read
from meshlint.resources.mesh_config import MeshConfig, OperatorSpec
from meshlint.resources.mistake import Violation
from meshlint.resources.network_policy import NetworkPolicySpec
from meshlint.resources.record import Record, decode
from meshlint.resources.releases import Release
from meshlint.resources.schema import Own, violations
from meshlint.resources.security import (
    AuthorizationPolicySpec,
    PeerAuthenticationSpec,
    RequestAuthenticationSpec,
)
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.resources.sidecar import SidecarSpec
from meshlint.resources.validation import unmet
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.resources.workload import ConfigMapSpec
from meshlint.source.defect import Defect
from meshlint.source.node import Document, Node
from meshlint.source.parse import parse
from meshlint.source.text import Source

S = TypeVar("S", bound=Record)
P = ParamSpec("P")
T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")


class Class(Enum):
    """A class of objects, of which the input may hold a namespace's or not (the *world*)."""

    HOSTS = "hosts"
    WORKLOADS = "workloads"
    GATEWAYS = "gateways"
    NAMESPACES = "namespaces"
    ACCOUNTS = "service accounts"


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or folder of the input that nobody looked into: where that shows, and why."""

    node: Node
    why: str


@dataclass(frozen=True, eq=False)
class Mesh:
    """What the documents say together. Everything else is derived, and derived once.

    `mesh_config` and `mesh_networks` are documents of their own that take precedence over those among the objects.
    `schemas` are those of the user's own kinds. `unread` is what was passed over.
    """

    documents: tuple[Node, ...]
    defects: tuple[Defect, ...] = ()
    settings: Settings = field(default_factory=Settings)
    mesh_config: Node | None = None
    mesh_networks: Node | None = None
    schemas: Own = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()

    @cached_property
    def resources(self) -> tuple[Resource[Record], ...]:
        """Every Kubernetes object of the input, in the order in which they were read."""
        return tuple(read(node, self.settings.namespace) for node in self.documents if is_object(node))

    @cached_property
    def violations(self) -> tuple[Violation, ...]:
        """Everything in which objects do not fit their kinds or Istio's demands, the mesh's own settings included."""
        release, own = self.settings.istio_version, self.schemas
        found = [violations(one.node, one.ref.api_version, one.ref.kind, release, own) for one in self.resources]
        found += [tuple(unmet(one, release)) for one in self.resources]
        if self.mesh_config is not None:
            found.append(violations(self.mesh_config, "meshlint/v1", "MeshConfig"))
        if self.mesh_networks is not None:
            found.append(violations(self.mesh_networks, "meshlint/v1", "MeshNetworks"))
        return tuple(one for some in found for one in some)

    @cached_property
    def config(self) -> MeshConfig:
        """The mesh's settings: those given apart, else from ConfigMap `istio` or an IstioOperator, else defaults."""
        node = self.mesh_config or self._written_config
        if node is None:
            node = _nothing()
        return decode(MeshConfig, node, [])

    def is_of_the_input(self, node: Node) -> bool:
        """Whether a node, perhaps of the mesh's settings, stands in a file, and not in a text within a ConfigMap."""
        own = self.mesh_config.document if self.mesh_config is not None else None
        return node.document == own or node.document in self._by_document

    @property
    def is_configured(self) -> bool:
        """Whether the mesh's settings are known: because they are given, or because the input is all there is."""
        is_given = self.mesh_config is not None or self._written_config is not None
        return is_given or self.settings.world is World.COMPLETE

    @cached_property
    def virtual_services(self) -> tuple[Resource[VirtualServiceSpec], ...]:
        """All VirtualServices, delegates included."""
        return self.of(VirtualServiceSpec)

    @cached_property
    def destination_rules(self) -> tuple[Resource[DestinationRuleSpec], ...]:
        """All DestinationRules."""
        return self.of(DestinationRuleSpec)

    @cached_property
    def gateways(self) -> tuple[Resource[GatewaySpec], ...]:
        """All Istio Gateways."""
        return self.of(GatewaySpec)

    @cached_property
    def kubernetes_gateways(self) -> tuple[Resource[KubernetesGatewaySpec], ...]:
        """All Gateway API Gateways."""
        return self.of(KubernetesGatewaySpec)

    @cached_property
    def listener_sets(self) -> tuple[Resource[ListenerSetSpec], ...]:
        """All ListenerSets."""
        return self.of(ListenerSetSpec)

    @cached_property
    def http_routes(self) -> tuple[Resource[HTTPRouteSpec], ...]:
        """All HTTPRoutes."""
        return self.of(HTTPRouteSpec)

    @cached_property
    def grpc_routes(self) -> tuple[Resource[GRPCRouteSpec], ...]:
        """All GRPCRoutes."""
        return self.of(GRPCRouteSpec)

    @cached_property
    def tls_routes(self) -> tuple[Resource[TLSRouteSpec], ...]:
        """All TLSRoutes."""
        return self.of(TLSRouteSpec)

    @cached_property
    def tcp_routes(self) -> tuple[Resource[PlainRouteSpec], ...]:
        """All TCPRoutes."""
        return tuple(one for one in self.of(PlainRouteSpec) if one.ref.kind == "TCPRoute")

    @cached_property
    def reference_grants(self) -> tuple[Resource[ReferenceGrantSpec], ...]:
        """All ReferenceGrants."""
        return self.of(ReferenceGrantSpec)

    @cached_property
    def service_entries(self) -> tuple[Resource[ServiceEntrySpec], ...]:
        """All ServiceEntries."""
        return self.of(ServiceEntrySpec)

    @cached_property
    def sidecars(self) -> tuple[Resource[SidecarSpec], ...]:
        """All Sidecars, as far as the release has any."""
        return self.of(SidecarSpec, history.SCOPES)

    @cached_property
    def network_policies(self) -> tuple[Resource[NetworkPolicySpec], ...]:
        """All NetworkPolicies."""
        return self.of(NetworkPolicySpec)

    @cached_property
    def authorization_policies(self) -> tuple[Resource[AuthorizationPolicySpec], ...]:
        """All AuthorizationPolicies, as far as the release has any."""
        return self.of(AuthorizationPolicySpec, history.AUTHORIZATION_POLICIES)

    @cached_property
    def peer_authentications(self) -> tuple[Resource[PeerAuthenticationSpec], ...]:
        """All PeerAuthentications, as far as the release has any."""
        return self.of(PeerAuthenticationSpec, history.PEER_AUTHENTICATION)

    @cached_property
    def request_authentications(self) -> tuple[Resource[RequestAuthenticationSpec], ...]:
        """All RequestAuthentications, as far as the release has any."""
        return self.of(RequestAuthenticationSpec, history.PEER_AUTHENTICATION)

    @cached_property
    def telemetries(self) -> tuple[Resource[TelemetrySpec], ...]:
        """All Telemetries."""
        return self.of(TelemetrySpec)

    @cached_property
    def namespaces(self) -> Mapping[str, Labels]:
        """The labels of each namespace that the input holds as an object."""
        return {one.name: one.metadata.labels for one in self.resources if one.ref.kind == "Namespace"}

    @cached_property
    def hosts(self) -> tuple[Host, ...]:
        """The registry: hosts of Services and ServiceEntries, of Istio's default install and of what it deploys."""
        return tuple(hosts((*self.resources, *self._assumed), self.config, self.settings))

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """The workloads of the input, and the gateways of Istio's default install and those that it deploys."""
        given = workloads(self.resources, self.namespaces)
        return (*given, *workloads(self._assumed, self.namespaces, is_assumed=True))

    def of(self, cls: type[S], since: Release = (1, 0)) -> tuple[Resource[S], ...]:
        """All resources whose content is a *cls*; none where the release aimed at is before *since*."""
        if self.settings.istio_version < since:
            return ()
        return tuple(cast("Resource[S]", one) for one in self.resources if isinstance(one.spec, cls))

    def hosts_named(self, name: str) -> tuple[Host, ...]:
        """The registry's hosts that *name* stands for or that stand for it, exact ones before wildcards."""
        exact = self._hosts_by_name.get(name, ())
        wide = self._wildcard_hosts if not is_wildcard(name) else self.hosts
        return (*exact, *(host for host in wide if host.name != name and overlaps(host.name, name)))

    def workloads_of(self, host: Host) -> tuple[Workload, ...]:
        """The workloads that are the host's endpoints."""
        return tuple(one for one in self.workloads_in(host.namespace) if serves(host, one))

    def hosts_of(self, workload: Workload) -> tuple[Host, ...]:
        """The hosts whose endpoints the workload's pods are."""
        return tuple(host for host in self._hosts_by_namespace.get(workload.namespace, ()) if serves(host, workload))

    def workloads_in(self, namespace: str) -> tuple[Workload, ...]:
        """The workloads of a namespace."""
        return self._workloads_by_namespace.get(namespace, ())

    def selected(self, selector: Labels, namespace: str | None = None) -> tuple[Workload, ...]:
        """The workloads with all labels of *selector*: of one namespace, or of all where it is None."""
        pool = self.workloads if namespace is None else self.workloads_in(namespace)
        return tuple(one for one in pool if selects(selector, one.labels))

    def expects(self, kind: Class, namespace: str) -> bool:
        """Whether a missing object of this class may be called missing: the *world*'s answer."""
        if self.settings.world is not World.AUTO:
            return self.settings.world is World.COMPLETE
        return namespace in self._held[kind]

    def resource_of(self, document: Document) -> Resource[Record] | None:
        """The resource that a document spells out; None for one that is no Kubernetes object."""
        return self._by_document.get(document)

    def ref_of(self, document: Document) -> Ref | None:
        """Which object a document spells out; the mesh's own settings stand in the root namespace."""
        resource = self._by_document.get(document)
        if resource is not None:
            return resource.ref
        for node, kind, name in (
            (self.mesh_config, "MeshConfig", "istio"),
            (self.mesh_networks, "MeshNetworks", "meshnetworks"),
        ):
            if node is not None and node.document is document:
                return Ref("", kind, self.config.root_namespace, name)
        return None

    def alternatives(self, resource: Resource[Record]) -> tuple[Resource[Record], ...]:
        """All definitions of the same object, this one included, in the order of the input."""
        return self._by_identity[_identity(resource)]

    def are_alternatives(self, one: Resource[Record], other: Resource[Record]) -> bool:
        """Whether two resources define the same object, so that only one of them can be in the mesh."""
        return _identity(one) == _identity(other)

    @cached_property
    def route_tables(self) -> tuple[RouteTable, ...]:
        """The route tables of all VirtualServices."""
        return tuple(table for vs in self.virtual_services for table in self.tables_of(vs))

    def tables_of(self, vs: Resource[VirtualServiceSpec]) -> tuple[RouteTable, ...]:
        """The route tables of one VirtualService."""
        return self.derived(route_tables, vs)

    def derived(self, make: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What *make* answers for this mesh and these arguments, asked once and remembered with the mesh."""
        key = (make, arguments, tuple(sorted(named.items())))
        if key not in self._memo:
            self._memo[key] = make(*arguments, **named)
        return cast("T", self._memo[key])

    def audience_of(self, resource: Resource[Record]) -> Audience:
        """Who sees a VirtualService, DestinationRule or ServiceEntry."""
        if self.settings.istio_version < history.SCOPES:
            return EVERYONE
        match resource.spec:
            case VirtualServiceSpec() as spec:
                return audience(spec.export_to, resource.namespace, self.config.default_virtual_service_export_to)
            case DestinationRuleSpec() as spec:
                return audience(spec.export_to, resource.namespace, self.config.default_destination_rule_export_to)
            case ServiceEntrySpec() as spec:
                return audience(spec.export_to, resource.namespace, self.config.default_service_export_to)
            case _:
                return EVERYONE

    @cached_property
    def known_namespaces(self) -> frozenset[str]:
        """The namespaces that the input holds or that some object is in."""
        return frozenset(self.namespaces) | {one.namespace for one in self.resources if one.namespace}

    @cached_property
    def accounts(self) -> frozenset[tuple[str, str]]:
        """Namespace and name of each ServiceAccount that the input holds, or that a workload runs as."""
        named = {(one.namespace, one.name) for one in self.resources if one.ref.kind == "ServiceAccount"}
        return frozenset(named | {(one.namespace, one.service_account) for one in self.workloads})

    @cached_property
    def _memo(self) -> dict[Hashable, object]:
        return {}

    @cached_property
    def _assumed(self) -> tuple[Resource[Record], ...]:
        return (*assumed(self.resources, self.config, self.settings.istio_version), *deployed(self.resources))

    @cached_property
    def _written_config(self) -> Node | None:
        for one in self.resources:
            if isinstance(one.spec, ConfigMapSpec) and one.name == "istio" and "mesh" in one.spec.data:
                return _embedded(one.spec.data["mesh"])
            if isinstance(one.spec, OperatorSpec) and one.spec.mesh_config is not None:
                return one.spec.mesh_config.node
        return None

    @cached_property
    def _hosts_by_name(self) -> Mapping[str, tuple[Host, ...]]:
        return _grouped((host.name, host) for host in self.hosts)

    @cached_property
    def _hosts_by_namespace(self) -> Mapping[str, tuple[Host, ...]]:
        return _grouped((host.namespace, host) for host in self.hosts)

    @cached_property
    def _wildcard_hosts(self) -> tuple[Host, ...]:
        return tuple(host for host in self.hosts if is_wildcard(host.name))

    @cached_property
    def _workloads_by_namespace(self) -> Mapping[str, tuple[Workload, ...]]:
        return _grouped((one.namespace, one) for one in self.workloads)

    @cached_property
    def _by_document(self) -> Mapping[Document, Resource[Record]]:
        return {one.node.document: one for one in self.resources}

    @cached_property
    def _by_identity(self) -> Mapping[tuple[str, str, str, str], tuple[Resource[Record], ...]]:
        return _grouped((_identity(one), one) for one in self.resources)

    @cached_property
    def _held(self) -> Mapping[Class, frozenset[str]]:
        """For each class the namespaces of which the input shows at least one object of it."""
        given = {document for document in self._by_document if not document.is_mended}
        services = {host.namespace for host in self.hosts if host.resource.node.document in given}
        running = {one.namespace for one in self.workloads if not one.is_assumed}
        gateways = {one.namespace for one in (*self.gateways, *self.kubernetes_gateways)}
        spaces = self.known_namespaces if self.namespaces else frozenset[str]()
        accounts = {one.namespace for one in self.resources if one.ref.kind == "ServiceAccount"}
        return {
            Class.HOSTS: frozenset(services | running),
            Class.WORKLOADS: frozenset(running),
            Class.GATEWAYS: frozenset(gateways),
            Class.NAMESPACES: spaces,
            Class.ACCOUNTS: frozenset(accounts),
        }


def _grouped(pairs: Iterator[tuple[K, V]]) -> Mapping[K, tuple[V, ...]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return {key: tuple(values) for key, values in groups.items()}


def _identity(resource: Resource[Record]) -> tuple[str, str, str, str]:
    ref = resource.ref
    return (ref.api_version.rpartition("/")[0], ref.kind, ref.namespace, ref.name)


def _embedded(text: str) -> Node | None:
    """The mesh settings that stand as a text inside a ConfigMap."""
    documents = parse(Source("mesh", text)).documents
    return documents[0] if documents else None


def _nothing() -> Node:
    source = Source("mesh", "")
    return Node({}, source.span(0, 0), None, (), Document(source, 0))
