"""Clients: everyone who may call a workload, told apart by what its proxy can know of them."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Regex
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.request import PRINCIPAL


class Kind(Enum):
    """What a client shows of itself: a known identity, an unknown one, or none."""

    IDENTITY = "identity"
    GATEWAY = "gateway"
    OTHERS = "others"
    EXTERNAL = "external"

    @property
    def is_named(self) -> bool:
        """Whether it is one identity that the input shows; a gateway's is that of all who come through it (S78)."""
        return self in (Kind.IDENTITY, Kind.GATEWAY)


@dataclass(frozen=True, slots=True, eq=False)
class Client:
    """A service account whose workloads have a proxy (S165), all accounts that the input does not show, or whoever has no identity.

    `principal` is the identity's URI (S163), empty for the two that are none.
    """

    kind: Kind
    name: str
    principal: str = ""
    workloads: tuple[Workload, ...] = ()

    @property
    def namespace(self) -> str:
        """The namespace of the identity; empty for the two that are none."""
        return self.name.partition("/")[0] if self.kind.is_named else ""


OTHERS = "any other identity of the mesh"
EXTERNAL = "a peer without identity"


def clients(mesh: Mesh) -> tuple[Client, ...]:
    """All clients: identities by name, then those that the input does not show, then whoever has none."""
    return mesh.derived(_clients, mesh)


def named(mesh: Mesh) -> Mapping[str, Client]:
    """The identities that the input shows, by principal."""
    return mesh.derived(_named, mesh)


def identity_doubt(client: Client, *, at_ztunnel: bool) -> str:
    """Why it is not sure that the client's identity reaches a server behind a sidecar or a ztunnel; empty where it is."""
    if not client.kind.is_named:
        return ""
    proxies = {workload.proxy for workload in client.workloads}
    if proxies == {Proxy.UNKNOWN}:
        return "the input does not show whether the client has a proxy, and so an identity"
    sure = {Proxy.AMBIENT} if at_ztunnel else {Proxy.SIDECAR, Proxy.GATEWAY}
    return "" if proxies & sure else "one side is in ambient mode and the other is not"


def identities(mesh: Mesh) -> Regex:
    """The requests with a certificate that the mesh accepts: of its own trust domain or an alias (S81)."""
    domains = (trust_domain(mesh), *mesh.config.trust_domain_aliases)
    choice = "|".join("[0-9a-z._-]*".join(_quoted(part) for part in one.split("*")) for one in domains)
    return Regex(PRINCIPAL, f"spiffe://(?:{choice})/ns/[a-z0-9-]+/sa/[a-z0-9.-]+")


def trust_domain(mesh: Mesh) -> str:
    """The trust domain as certificates have it (S164)."""
    return mesh.config.trust_domain.replace("@", ".")


def _quoted(text: str) -> str:
    return "".join("\\" + char if char in r"\.+*?()|[]{}^$" else char for char in text)


def _clients(mesh: Mesh) -> tuple[Client, ...]:
    having: defaultdict[str, list[Workload]] = defaultdict(list)
    for workload in mesh.workloads:
        if workload.proxy is not Proxy.NONE:
            having[f"{workload.namespace}/{workload.service_account}"].append(workload)
    known = [_identity(mesh, name, tuple(having[name])) for name in sorted(having)]
    bare = tuple(workload for workload in mesh.workloads if workload.proxy is Proxy.NONE)
    return (*known, Client(Kind.OTHERS, OTHERS), Client(Kind.EXTERNAL, EXTERNAL, workloads=bare))


def _identity(mesh: Mesh, name: str, workloads: tuple[Workload, ...]) -> Client:
    is_gateway = all(one.proxy is Proxy.GATEWAY for one in workloads)
    principal = f"spiffe://{trust_domain(mesh)}/{workloads[0].principal}"
    return Client(Kind.GATEWAY if is_gateway else Kind.IDENTITY, name, principal, workloads)


def _named(mesh: Mesh) -> Mapping[str, Client]:
    return {client.principal: client for client in clients(mesh) if client.kind.is_named}
