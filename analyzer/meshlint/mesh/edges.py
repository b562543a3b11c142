"""One reference from an object of the mesh to another: what references are made of, whoever finds them."""

from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.model import Mesh
from meshlint.resources.base import Resource
from meshlint.resources.record import Record
from meshlint.source.node import Node


class Kind(Enum):
    """What an edge says."""

    BINDS = "binds"
    ROUTES = "routes"
    MIRRORS = "mirrors"
    DELEGATES = "delegates"
    CONFIGURES = "configures"
    DEFINES = "defines"
    SERVES = "serves"
    OPENS = "opens"
    USES = "uses"
    GUARDS = "guards"
    ENCRYPTS = "encrypts"
    AUTHENTICATES = "authenticates"
    RUNS_AS = "runs as"
    ADMITTED = "admitted by"
    DENIED = "denied by"
    ASKED = "asked about by"
    AUDITED = "audited by"


@dataclass(frozen=True, slots=True)
class Vertex:
    """A resource, or a host or caller that may be in no registry: `kind` and the name people know it by.

    Gateway API's Gateway goes as `K8sGateway`, so that it is not taken for Istio's. A `Subset` is called as its host
    and it, with a space between.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One reference, and the node it is written at.

    `subset` is the part of a host that it is about, `share` the percentage of requests that go this way, None where
    no weight is written; `condition` says in short words which requests it is about, empty for all.
    """

    source: Vertex
    target: Vertex
    kind: Kind
    node: Node
    subset: str = ""
    share: float | None = None
    condition: str = ""


_GATEWAY_API = "gateway.networking.k8s.io"


def vertex(resource: Resource[Record]) -> Vertex:
    """The vertex of a resource."""
    ref = resource.ref
    return object_vertex(ref.api_version.rpartition("/")[0], ref.kind, ref.namespace, ref.name)


def object_vertex(group: str, kind: str, namespace: str, name: str) -> Vertex:
    """The vertex of an object that something refers to, whether it is in the input or not."""
    is_theirs = kind == "Gateway" and group == _GATEWAY_API
    return Vertex("K8sGateway" if is_theirs else kind, f"{namespace}/{name}" if namespace else name)


def host_vertex(name: str) -> Vertex:
    """The vertex of a host by its full name."""
    return Vertex("Host", name)


def subset_vertex(host: str, subset: str) -> Vertex:
    """The vertex of a subset of a host."""
    return Vertex("Subset", f"{host} {subset}")


def service_vertex(mesh: Mesh, namespace: str, name: str) -> Vertex:
    """The vertex of a Service's host."""
    return host_vertex(f"{name}.{namespace}.svc.{mesh.settings.cluster_domain}")
