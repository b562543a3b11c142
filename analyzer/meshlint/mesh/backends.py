"""What the backendRefs of Gateway API rules lead to, and what is wrong with them (R908-R910)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.grants import is_granted
from meshlint.mesh.model import Mesh
from meshlint.mesh.parents import Route
from meshlint.mesh.targets import is_missing
from meshlint.resources.gateway_api import Target

SERVICE = ("", "Service")
HOSTNAME = ("networking.istio.io", "Hostname")
IMPORT = ("multicluster.x-k8s.io", "ServiceImport")
POOLS = frozenset(
    {("inference.networking.k8s.io", "InferencePool"), ("inference.networking.x-k8s.io", "InferencePool")}
)


class Flaw(Enum):
    """What is wrong with a backend."""

    NO_PORT = "a backend needs a port"
    DOTTED = "a Service is named without its namespace"
    HOSTNAME_IN_NAMESPACE = "a Hostname lies in no namespace"
    UNKNOWN_KIND = "Istio sends requests to nothing of this kind"
    NOT_GRANTED = "no ReferenceGrant allows the reference"
    MISSING = "there is no such backend"
    PORT_MISSING = "the backend does not have the port"

    @property
    def is_hard(self) -> bool:
        """Whether it takes all rules of the route away, and not only the requests for this backend (R909)."""
        return self in (Flaw.NO_PORT, Flaw.DOTTED, Flaw.HOSTNAME_IN_NAMESPACE)

    @property
    def is_refused(self) -> bool:
        """Whether Istio knows of no cluster for the backend, wherever the proxy is."""
        return self in (Flaw.UNKNOWN_KIND, Flaw.NOT_GRANTED)


@dataclass(frozen=True, slots=True, eq=False)
class Backend:
    """A backend as the host and port that requests are sent to; `ref.node` is its place.

    `is_read` is False for kinds of which manifests do not show what they lead to.
    """

    ref: Target
    host: str
    port: int | None
    flaw: Flaw | None
    is_read: bool = True


def backends(mesh: Mesh, route: Route, refs: Iterable[Target], *, in_mesh: bool = False) -> tuple[Backend, ...]:
    """The backends that some refs of the route mean; *in_mesh* where its parent is a host of the mesh (R910)."""
    return tuple(_backend(mesh, route, ref, in_mesh=in_mesh) for ref in refs)


def _backend(mesh: Mesh, route: Route, ref: Target, *, in_mesh: bool) -> Backend:
    kind = (ref.group, ref.kind)
    namespace = ref.namespace or route.namespace
    if kind == HOSTNAME:
        host = ref.name
    else:
        domain = "clusterset.local" if kind == IMPORT else mesh.settings.cluster_domain
        host = f"{ref.name}.{namespace}.svc.{domain}"
    flaw = _flaw(mesh, route, ref, namespace, in_mesh=in_mesh) or _absence(mesh, kind, host, ref.port)
    return Backend(ref, host, ref.port, flaw, is_read=kind not in POOLS)


def _flaw(mesh: Mesh, route: Route, ref: Target, namespace: str, *, in_mesh: bool) -> Flaw | None:
    """What is wrong with the reference itself, in the order in which Istio asks."""
    kind = (ref.group, ref.kind)
    if not in_mesh and ref.namespace and not is_granted(mesh, route, kind, namespace, ref.name):
        return Flaw.NOT_GRANTED
    if kind in POOLS:
        return None
    if kind not in (SERVICE, HOSTNAME, IMPORT):
        return Flaw.UNKNOWN_KIND
    if kind == SERVICE and "." in ref.name:
        return Flaw.DOTTED
    if ref.port is None:
        return Flaw.NO_PORT
    return Flaw.HOSTNAME_IN_NAMESPACE if kind == HOSTNAME and ref.namespace else None


def _absence(mesh: Mesh, kind: tuple[str, str], host: str, port: int | None) -> Flaw | None:
    """Whether the input shows that the backend or its port is not there."""
    if kind in (IMPORT, *POOLS):
        return None
    found = [one for one in mesh.hosts_named(host) if one.name == host]
    if found:
        return None if port is None or any(one.port(port) is not None for one in found) else Flaw.PORT_MISSING
    return Flaw.MISSING if is_missing(mesh, host) else None
