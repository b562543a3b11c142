"""Which mutual TLS mode a server asks for on a port (security.md, PeerAuthentication)."""

from dataclasses import dataclass
from enum import Enum

from meshlint.mesh.model import Mesh
from meshlint.mesh.workloads import Workload
from meshlint.resources.base import Resource, selects
from meshlint.resources.security import PeerAuthenticationSpec
from meshlint.source.node import Node

Policy = Resource[PeerAuthenticationSpec]


class Mode(Enum):
    """What a server's proxy accepts (S118-S121)."""

    STRICT = "STRICT"
    PERMISSIVE = "PERMISSIVE"
    DISABLE = "DISABLE"


@dataclass(frozen=True, slots=True)
class Demand:
    """A mode, and the node that decides it: None where nothing in the input does and the default holds (S110)."""

    mode: Mode
    node: Node | None


def demand(mesh: Mesh, workload: Workload, port: int) -> Demand | None:
    """What the workload's proxy asks for on one of its pods' ports (S110-S117).

    None where several policies of one scope compete and manifests do not show which is older (S113).
    """
    own = [one for one in _labelled(mesh, workload.namespace) if _selects(one, workload)]
    scopes = (own, _wide(mesh, workload.namespace), _wide(mesh, mesh.config.root_namespace))
    for policies in scopes:
        if len(policies) > 1 and not all(mesh.are_alternatives(policies[0], one) for one in policies):
            return None
        found = {(mode, node) for policy in policies for mode, node in [_mode(policy, port)] if mode is not None}
        if len({mode for mode, _ in found}) > 1:
            return None
        for mode, node in found:
            return Demand(mode, node)
    return Demand(Mode.PERMISSIVE, None)


def _labelled(mesh: Mesh, namespace: str) -> list[Policy]:
    """Workload policies of a namespace; those of the root namespace count for nobody (S114)."""
    if namespace == mesh.config.root_namespace:
        return []
    return [one for one in mesh.peer_authentications if one.namespace == namespace and _labels(one)]


def _wide(mesh: Mesh, namespace: str) -> list[Policy]:
    return [one for one in mesh.peer_authentications if one.namespace == namespace and not _labels(one)]


def _labels(policy: Policy) -> dict[str, str]:
    return dict(policy.spec.selector.match_labels) if policy.spec.selector is not None else {}


def _selects(policy: Policy, workload: Workload) -> bool:
    return selects(_labels(policy), workload.labels)


def _mode(policy: Policy, port: int) -> tuple[Mode | None, Node | None]:
    """The policy's mode for a port: its own, else the policy's; unset inherits (S112, S115)."""
    ported = policy.spec.port_level_mtls.get(str(port)) if _labels(policy) else None
    for setting in (ported, policy.spec.mtls):
        if setting is not None and setting.mode in Mode.__members__:
            return Mode(setting.mode), setting.node.at("mode")
    return None, None
