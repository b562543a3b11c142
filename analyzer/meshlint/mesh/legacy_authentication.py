"""How servers authenticated callers before PeerAuthentication: Policy and MeshPolicy of `authentication.istio.io` (legacy L24-L33)."""

from collections.abc import Mapping
from dataclasses import dataclass

from meshlint.mesh import history
from meshlint.mesh.model import Mesh
from meshlint.mesh.served import ServedPort, served_ports
from meshlint.mesh.workloads import Workload
from meshlint.resources.legacy import AuthenticationPolicy, AuthenticationPolicySpec, TargetSelector
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Peers:
    """What a Policy asks of peers: a mode of mutual TLS by its name, and where that is written.

    `doubt` says why it cannot be told; without a `node` no Policy says anything and the default install's holds.
    """

    mode: str
    node: Node | None = None
    namespace: str = ""
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Origins:
    """The issuers of whose tokens a Policy wants one, and whether a request without any is let through (L29, L31)."""

    issuers: frozenset[str]
    is_optional: bool
    policy: AuthenticationPolicy


def is_in_force(mesh: Mesh) -> bool:
    """Whether the release still reads these kinds (L92)."""
    return mesh.settings.istio_version < history.NO_LEGACY_SECURITY


def policies_at(mesh: Mesh, workload: Workload, port: int) -> tuple[AuthenticationPolicy, ...]:
    """The Policies of which one applies on a port of the workload's pods: several where order decides (L26).

    The closest count alone: of the service, else of its namespace, else of the mesh. Nothing is merged.
    """
    if not is_in_force(mesh):
        return ()
    return mesh.derived(_policies_at, mesh, workload, port)


def peers(mesh: Mesh, workload: Workload, port: int) -> Peers:
    """What the proxy asks of peers on a port of its pods."""
    return _together([_peers(one) for one in policies_at(mesh, workload, port)])


def namespace_peers(mesh: Mesh, namespace: str) -> Peers:
    """What workloads of the namespace ask of peers where no Policy names their service."""
    wide = mesh.derived(_wide, mesh)
    return _together([_peers(one) for one in (wide.get(namespace) or wide.get("", ()) if is_in_force(mesh) else ())])


def origins(mesh: Mesh, workload: Workload, port: int) -> Origins | None:
    """Whose tokens a request has to show one of; None where no Policy asks for any, or their order decides."""
    found = policies_at(mesh, workload, port)
    if len(found) != 1 or not found[0].spec.origins:
        return None
    issuers = frozenset(one.jwt.issuer for one in found[0].spec.origins if one.jwt is not None)
    return Origins(issuers, found[0].spec.origin_is_optional, found[0])


def is_by_origin(mesh: Mesh, workload: Workload, port: int) -> bool:
    """Whether a caller's principal is its token's and not its certificate's (L30)."""
    return any(one.spec.principal_binding == "USE_ORIGIN" for one in policies_at(mesh, workload, port))


def _policies_at(mesh: Mesh, workload: Workload, port: int) -> tuple[AuthenticationPolicy, ...]:
    own = [policy for policy in mesh.of(AuthenticationPolicySpec) if policy.namespace == workload.namespace]
    ports = [one for one in served_ports(mesh, workload) if one.number == port]
    named = tuple(one for one in own if any(_names(target, ports) for target in one.spec.targets))
    if named:
        return named
    wide = mesh.derived(_wide, mesh)
    return wide.get(workload.namespace) or wide.get("", ())


def _names(target: TargetSelector, ports: list[ServedPort]) -> bool:
    """Whether the target is one of the services that lead to the port (L25)."""
    for one in ports:
        if one.host.resource.name == target.name and not one.host.is_service_entry:
            chosen = (one.port.number, one.port.name)
            if not target.ports or any(port.number == chosen[0] or port.name == chosen[1] for port in target.ports):
                return True
    return False


def _wide(mesh: Mesh) -> Mapping[str, tuple[AuthenticationPolicy, ...]]:
    """The Policies without targets by namespace, those of the mesh under the empty name (L24)."""
    found: dict[str, tuple[AuthenticationPolicy, ...]] = {}
    for one in mesh.of(AuthenticationPolicySpec):
        if one.name == "default" and not one.spec.targets:
            home = "" if one.ref.kind == "MeshPolicy" else one.namespace
            found[home] = (*found.get(home, ()), one)
    return found


def _together(some: list[Peers]) -> Peers:
    """What rival Policies say in unison: any of them may be the one that counts (L26)."""
    if not some:
        # The default install ships a MeshPolicy that takes both (L32).
        return Peers("PERMISSIVE")
    if any(one.mode != some[0].mode for one in some):
        return Peers(some[0].mode, doubt="several Policies compete and differ")
    return next((one for one in some if one.doubt), some[0])


def _peers(policy: AuthenticationPolicy) -> Peers:
    """Without peers nothing is asked and mutual TLS is off (L27, L28)."""
    spec: AuthenticationPolicySpec = policy.spec
    if not policy.is_sound:
        return Peers("", spec.node, policy.namespace, f"{title(policy)} cannot be read as its kind wants")
    method = next((one for one in spec.peers if one.is_mtls), None)
    if method is None:
        doubt = f"{title(policy)} asks peers for tokens" if spec.peers else ""
        return Peers("DISABLE", spec.node, policy.namespace, doubt)
    if len(spec.peers) > 1:
        return Peers(
            "", spec.node, policy.namespace, f"{title(policy)} takes several ways for peers to show who they are"
        )
    node = method.node.at("mtls")
    mode = node.get("mode")
    allows = node.get("allowTls") or node.get("allow_tls")
    is_lax = (mode is not None and mode.value in ("PERMISSIVE", 1)) or (allows is not None and allows.value is True)
    return Peers("PERMISSIVE" if is_lax or spec.peer_is_optional else "STRICT", mode or node, policy.namespace)


def title(policy: AuthenticationPolicy) -> str:
    """What to call a Policy."""
    home = f"{policy.namespace}/" if policy.namespace else ""
    return f"{policy.ref.kind} {home}{policy.name}"
