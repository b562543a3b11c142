"""ReferenceGrants: which references from one namespace into another are allowed (R910)."""

from collections.abc import Mapping

from meshlint.mesh.model import Mesh
from meshlint.resources.base import Resource
from meshlint.resources.gateway_api import ReferenceGrant
from meshlint.resources.record import Record


def grants_in(mesh: Mesh, namespace: str) -> tuple[ReferenceGrant, ...]:
    """The ReferenceGrants for objects of a namespace: those that lie in it."""
    return mesh.derived(_by_namespace, mesh).get(namespace, ())


def is_granted(mesh: Mesh, referrer: Resource[Record], to: tuple[str, str], namespace: str, name: str) -> bool:
    """Whether *referrer* may refer to an object of the group and kind *to*: its own namespace's, or one that a grant opens (R910)."""
    if namespace == referrer.namespace:
        return True
    own_group = referrer.ref.api_version.rpartition("/")[0]
    wanted = (own_group, referrer.ref.kind, referrer.namespace)
    return any(
        any((one.group, one.kind, one.namespace) == wanted for one in grant.spec.from_)
        and any((one.group, one.kind) == to and one.name in ("", name) for one in grant.spec.to)
        for grant in grants_in(mesh, namespace)
    )


def _by_namespace(mesh: Mesh) -> Mapping[str, tuple[ReferenceGrant, ...]]:
    found: dict[str, tuple[ReferenceGrant, ...]] = {}
    for grant in mesh.reference_grants:
        found[grant.namespace] = (*found.get(grant.namespace, ()), grant)
    return found
