"""What proxies do with hosts that the registry does not have: the outbound traffic policy (routing R704, R705)."""

from meshlint.mesh.model import Mesh
from meshlint.mesh.targets import SIDECARS, Target, places, scopes_of
from meshlint.source.node import Node

REGISTRY_ONLY = "REGISTRY_ONLY"


def restriction(mesh: Mesh, target: Target) -> Node | None:
    """What limits the proxies that use *target* to the registry's hosts; None where nothing certainly does.

    Of a Sidecar it is its policy, of the mesh the settings' (R704); an empty policy of a Sidecar limits (R705).
    Gateways ignore Sidecars (R805).
    """
    if SIDECARS in places(mesh, target):
        return _of_namespace(mesh, target.vs.namespace)
    return _of_mesh(mesh)


def _of_namespace(mesh: Mesh, client: str) -> Node | None:
    policies = [one.spec.outbound_traffic_policy if one is not None else None for one in scopes_of(mesh, client)]
    stated = [policy for policy in policies if policy is not None]
    if any(policy.mode not in ("", REGISTRY_ONLY) for policy in stated):
        return None
    if stated and len(stated) == len(policies):
        return stated[0].node
    return _of_mesh(mesh)


def _of_mesh(mesh: Mesh) -> Node | None:
    setting = mesh.config.outbound_traffic_policy
    return setting.node if setting is not None and setting.mode == REGISTRY_ONLY else None
