"""Who sends a request that people ask about: a workload, a Gateway's peer or somebody outside, by name."""

from collections.abc import Iterable

from meshlint import request as a
from meshlint.mesh.asked import AskingError
from meshlint.mesh.kubernetes_gateways import kubernetes_gateways_named
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromOutside, FromPod, Origin, pod
from meshlint.mesh.scope import gateways_named
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.mesh.virtual_hosts import domain_of, named
from meshlint.request import Request


def sender(mesh: Mesh, text: str | None, request: Request) -> Origin:
    """Whom the text means; without it a pod of the host's namespace, or whoever comes from outside. Raises AskingError."""
    if text is None:
        host = next(iter(named(mesh, mesh.settings.namespace, domain_of(request.get(a.AUTHORITY) or ""))), None)
        return FromOutside() if host is None else FromPod(host.namespace)
    if text == "external":
        return FromOutside()
    if text.startswith("gateway:"):
        name = text.removeprefix("gateway:")
        full = name if "/" in name else f"{mesh.settings.namespace}/{name}"
        if not gateways_named(mesh, full) and not kubernetes_gateways_named(mesh, full):
            known = [f"{one.namespace}/{one.name}" for one in (*mesh.gateways, *mesh.kubernetes_gateways)]
            raise AskingError(f"no Gateway is called {full!r}{_hint(full, known)}")
        return AtGateway(full)
    namespace, slash, name = text.partition("/")
    return _pod(mesh, namespace, name) if slash and name else FromPod(namespace)


def _pod(mesh: Mesh, namespace: str, name: str) -> Origin:
    """The workload of that name, else the first of those that run the application or serve the host of that name."""
    here = mesh.workloads_in(namespace)
    alike = [one for one in here if one.name == name] or [one for one in here if one.labels.get("app") == name]
    alike = alike or [one for host in named(mesh, namespace, name) for one in mesh.workloads_of(host)]
    if not alike:
        known = [f"{one.namespace}/{one.name}" for one in mesh.workloads]
        raise AskingError(f"no workload is called {f'{namespace}/{name}'!r}{_hint(f'{namespace}/{name}', known)}")
    return pod(alike[0])


def _hint(name: str, known: Iterable[str]) -> str:
    near = did_you_mean(nearest(name, known))
    return f": {near}" if near else ""
