"""Clients: everyone who may call a workload, told apart by what the server can know of them."""

from collections import defaultdict
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import Exact, Member, Not, Predicate, Present, Regex, both
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.request import PRINCIPAL


class Kind(Enum):
    """What a client shows of itself."""

    IDENTITY = "identity"
    OTHERS = "others"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Client:
    """A service account whose workloads have a proxy, all accounts that the input does not show, or all without proxy.

    `principal` is the identity's URI (S163), empty for the two that are none. `is_certain` is False where the input
    does not show whether the workloads have a proxy and so an identity at all.
    """

    kind: Kind
    name: str
    principal: str = ""
    workloads: tuple[Workload, ...] = ()
    is_certain: bool = True


OTHERS = "any other workload of the mesh"
OUTSIDE = "outside the mesh"
ANONYMOUS: Predicate = Not(Present(PRINCIPAL))
"""Every request without a verified certificate: plaintext, or TLS that a gateway ends for the public."""


def clients(mesh: Mesh) -> tuple[Client, ...]:
    """All clients: identities by name, then those that the input does not show, then those without an identity."""
    return mesh.derived(_clients, mesh)


def callers(mesh: Mesh, client: Client) -> Predicate:
    """The requests that carry the client's certificate."""
    match client.kind:
        case Kind.IDENTITY:
            return Exact(PRINCIPAL, client.principal)
        case Kind.OTHERS:
            return mesh.derived(_strangers, mesh)
        case Kind.OUTSIDE:
            return ANONYMOUS


def _clients(mesh: Mesh) -> tuple[Client, ...]:
    having: defaultdict[str, list[Workload]] = defaultdict(list)
    for workload in mesh.workloads:
        if workload.proxy is not Proxy.NONE:
            having[f"{workload.namespace}/{workload.service_account}"].append(workload)
    identities = [_identity(mesh, name, tuple(having[name])) for name in sorted(having)]
    bare = tuple(workload for workload in mesh.workloads if workload.proxy is Proxy.NONE)
    return (*identities, Client(Kind.OTHERS, OTHERS), Client(Kind.OUTSIDE, OUTSIDE, workloads=bare))


def _identity(mesh: Mesh, name: str, workloads: tuple[Workload, ...]) -> Client:
    is_certain = any(one.proxy is not Proxy.UNKNOWN for one in workloads)
    principal = f"spiffe://{_trust_domain(mesh)}/{workloads[0].principal}"
    return Client(Kind.IDENTITY, name, principal, workloads, is_certain)


def _trust_domain(mesh: Mesh) -> str:
    return mesh.config.trust_domain.replace("@", ".")  # S164


def _strangers(mesh: Mesh) -> Predicate:
    """Certificates that the mesh's authority issues to accounts with no workload in the input."""
    known = frozenset(client.principal for client in clients(mesh) if client.principal)
    domain = "".join("\\" + char if char in r"\.+*?()|[]{}^$" else char for char in _trust_domain(mesh))
    return both(Regex(PRINCIPAL, f"spiffe://{domain}/ns/[a-z0-9-]+/sa/[a-z0-9.-]+"), Not(Member(PRINCIPAL, known)))
