"""Guards: what stands before a port, as far as the answer to who may call it depends on it."""

from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.authorization import Policy
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.tokens import authenticators
from meshlint.mesh.workloads import Workload
from meshlint.source.node import Node


class Peers(Enum):
    """Whose connections an entrance takes, and whether it then knows who they are."""

    IDENTIFIED = "with a certificate of the mesh only"
    ANY = "with a certificate of the mesh or without"
    ANONYMOUS = "whoever it is, unknown"


@dataclass(frozen=True, slots=True)
class Entrance:
    """One way in: how it reads what arrives and from whom. `node` is what asks for certificates, None for the default.

    `hides_sni` says that a connection without certificate is plaintext there, and so names no server.
    """

    chain: Chain
    peers: Peers
    node: Node | None = None
    hides_sni: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """The issuers whose tokens a proxy verifies (S138); the empty one stands for any. `doubt` says why they are not sure."""

    issuers: frozenset[str] = frozenset()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """Nothing guards the port, for this reason."""

    why: str


@dataclass(frozen=True, slots=True)
class Guarded:
    """Policies guard the port, at each of its entrances. `doubt` says why there may be no guard after all."""

    entrances: tuple[Entrance, ...]
    policies: tuple[Policy, ...]
    tokens: Tokens
    doubt: str = ""
    at_ztunnel: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """What guards the port is not known, for this reason."""

    why: str


Guard = Open | Guarded | Opaque


def tokens(mesh: Mesh, workload: Workload) -> Tokens:
    """The tokens that the workload's proxy verifies on its HTTP chains (S138, S148)."""
    found = authenticators(mesh, workload)
    unsure = next((one for one in found if not one.is_sound or len(mesh.alternatives(one)) > 1), None)
    doubt = (
        f"RequestAuthentication {unsure.namespace}/{unsure.name} is flawed or defined more than once" if unsure else ""
    )
    return Tokens(frozenset(rule.issuer for one in found for rule in one.spec.jwt_rules), doubt)
