"""Which mutual TLS mode a server asks for on a port (security S110-S123, and legacy L26-L28)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from meshlint.mesh import history
from meshlint.mesh.legacy_authentication import Peers, is_in_force, namespace_peers, peers
from meshlint.mesh.model import Mesh
from meshlint.mesh.view import age
from meshlint.mesh.workloads import Workload
from meshlint.resources.base import Labels, Resource, selects
from meshlint.resources.security import MutualTLS, PeerAuthenticationSpec
from meshlint.source.node import Node

Policy = Resource[PeerAuthenticationSpec]


class Mode(Enum):
    """What a server's proxy accepts (S118-S121)."""

    STRICT = "STRICT"
    PERMISSIVE = "PERMISSIVE"
    DISABLE = "DISABLE"


@dataclass(frozen=True, slots=True)
class Demand:
    """A mode, and the node that decides it: None where nothing in the input does and the default holds (S110).

    `namespace` is that of the policy that decides, empty for the default.
    """

    mode: Mode
    node: Node | None = None
    namespace: str = ""


def demand(mesh: Mesh, workload: Workload, port: int) -> Demand | None:
    """What the workload's proxy asks for on one of its pods' ports (S110-S117).

    None where policies of one scope compete, differ, and do not all say when they were created (S113).
    """
    return mesh.derived(_demand, mesh, workload, port)


def ztunnel_demand(mesh: Mesh, workload: Workload, port: int) -> Demand | None:
    """What ztunnel asks for in front of a workload in ambient mode; it never turns mutual TLS off (S109)."""
    found = demand(mesh, workload, port)
    if found is None or found.mode is not Mode.DISABLE:
        return found
    wide = namespace_demand(mesh, workload.namespace)
    if (
        wide is not None
        and wide.mode is Mode.STRICT
        and any(_knows_no_exception(policy, port) for policy in _chosen(mesh, workload))
    ):
        return Demand(Mode.STRICT, wide.node, wide.namespace)
    return Demand(Mode.PERMISSIVE, found.node, found.namespace)


def namespace_demand(mesh: Mesh, namespace: str) -> Demand | None:
    """What workloads of the namespace ask for that no policy selects by labels (S111, S112); None as for `demand`."""
    return mesh.derived(_wide_demand, mesh, namespace)


def is_automatic(mesh: Mesh) -> bool:
    """Whether clients use mutual TLS where no rule says how they send: the default since 1.5, a choice in 1.4 (S124)."""
    release = mesh.settings.istio_version
    if release >= history.PEER_AUTHENTICATION:
        return mesh.config.enable_auto_mtls
    written = mesh.config.node.get("enableAutoMtls")
    return release >= (1, 4) and written is not None and mesh.config.enable_auto_mtls


def is_captured(workload: Workload, port: int) -> bool:
    """Whether connections to the pods' port reach the proxy at all (S20)."""
    excluded = _listed(workload, "traffic.sidecar.istio.io/excludeInboundPorts")
    included = _listed(workload, "traffic.sidecar.istio.io/includeInboundPorts")
    if str(port) in excluded or port in _OWN_PORTS:
        return False
    return included is _ALL or "*" in included or str(port) in included


_ALL = frozenset({"*"})
_OWN_PORTS = (15020, 15021, 15090)
"""The proxy's own ports, which injection excludes: status, health and metrics (S20)."""


def _listed(workload: Workload, annotation: str) -> frozenset[str]:
    text = workload.annotations.get(annotation)
    if text is None:
        return _ALL if annotation.endswith("includeInboundPorts") else frozenset()
    return frozenset(one.strip() for one in text.split(","))


def _demand(mesh: Mesh, workload: Workload, port: int) -> Demand | None:
    found = _demand_of_peers(mesh, workload, port)
    if found is None or found.node is not None or not is_in_force(mesh):
        return found
    return _legacy(peers(mesh, workload, port))


def _legacy(found: Peers) -> Demand | None:
    """What a Policy of `authentication.istio.io` asks for; PeerAuthentications come before it (L92)."""
    return None if found.doubt else Demand(Mode(found.mode), found.node, found.namespace)


def _demand_of_peers(mesh: Mesh, workload: Workload, port: int) -> Demand | None:
    inherited = mesh.derived(_wide_demand_of_peers, mesh, workload.namespace)
    if workload.namespace == mesh.config.root_namespace:
        return inherited  # Policies with labels count for nobody in the root namespace (S114).
    demands = [_of(policy, (_ported(policy, port), policy.spec.mtls), inherited) for policy in _chosen(mesh, workload)]
    return _agreed(demands, inherited)


def _chosen(mesh: Mesh, workload: Workload) -> list[Policy]:
    """The policies of the namespace that select the workload by its labels."""
    own = mesh.derived(_by_namespace, mesh).get(workload.namespace, ())
    return _oldest([policy for policy in own if _labels(policy) and selects(_labels(policy), workload.labels)])


def _knows_no_exception(policy: Policy, port: int) -> bool:
    """Whether the port stays STRICT though it says DISABLE: no port is PERMISSIVE and the policy sets no mode (S109)."""
    own = policy.spec.mtls.mode if policy.spec.mtls is not None else ""
    ported = policy.spec.port_level_mtls
    is_disabled = str(port) in ported and ported[str(port)].mode == Mode.DISABLE.value
    return is_disabled and own in ("", "UNSET") and all(one.mode != Mode.PERMISSIVE.value for one in ported.values())


def _wide_demand(mesh: Mesh, namespace: str) -> Demand | None:
    found = mesh.derived(_wide_demand_of_peers, mesh, namespace)
    if found is None or found.node is not None or not is_in_force(mesh):
        return found
    return _legacy(namespace_peers(mesh, namespace))


def _wide_demand_of_peers(mesh: Mesh, namespace: str) -> Demand | None:
    found: Demand | None = Demand(Mode.PERMISSIVE)
    for home in dict.fromkeys((mesh.config.root_namespace, namespace)):
        wide = _oldest([policy for policy in mesh.derived(_by_namespace, mesh).get(home, ()) if not _labels(policy)])
        found = _agreed([_of(policy, (policy.spec.mtls,), found) for policy in wide], found)
    return found


def _oldest(rivals: list[Policy]) -> list[Policy]:
    """The one that alone counts, where all say when they were created; else any of them may be it (S113)."""
    return [min(rivals, key=age)] if rivals and all(age(one)[0] for one in rivals) else rivals


def _agreed(demands: list[Demand | None], inherited: Demand | None) -> Demand | None:
    """What rival policies say in unison: any of them may be the oldest one, which alone counts (S113)."""
    if not demands:
        return inherited
    first = demands[0]
    return first if first is not None and all(one is not None and one.mode is first.mode for one in demands) else None


def _of(policy: Policy, settings: tuple[MutualTLS | None, ...], inherited: Demand | None) -> Demand | None:
    """The first mode that is set; an unset one inherits (S112, S115)."""
    for setting in settings:
        if setting is not None and setting.mode in Mode.__members__:
            return Demand(Mode(setting.mode), setting.node.at("mode"), policy.namespace)
    return inherited


def _ported(policy: Policy, port: int) -> MutualTLS | None:
    return policy.spec.port_level_mtls.get(str(port))


def _labels(policy: Policy) -> Labels:
    return policy.spec.selector.match_labels if policy.spec.selector is not None else {}


def _by_namespace(mesh: Mesh) -> Mapping[str, list[Policy]]:
    found: dict[str, list[Policy]] = {}
    for policy in mesh.peer_authentications:
        found.setdefault(policy.namespace, []).append(policy)
    return found
