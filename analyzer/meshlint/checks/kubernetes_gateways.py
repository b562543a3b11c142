"""Gateways and ReferenceGrants of the Gateway API: listeners that cannot be told apart, classes and namespaces that are not there."""

from collections.abc import Iterator

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.gateway_classes import controllers
from meshlint.mesh.kubernetes_gateways import listenings
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.registry import checks
from meshlint.resources.gateway import KubernetesGateway, Listener

_FAMILIES = {"HTTP": "HTTP", "HTTPS": "TLS", "TLS": "TLS", "TCP": "TCP", "UDP": "UDP"}
"""Which protocols can share a port: those of one family, and UDP with any other."""


@checks("MSH311")
def listener_conflict(mesh: Mesh) -> Iterator[Result]:
    """Listeners of one Gateway that no connection tells apart, or whose protocols exclude each other on their port."""
    for gateway in mesh.kubernetes_gateways:
        known: list[Listener] = []
        for one in _listeners(mesh, gateway):
            rival, message = next(((other, why) for other in known if (why := _conflict(one, other))), (None, ""))
            known.append(one)
            if rival is not None:
                note = Note(rival.node.at("name").span, f"the listener `{rival.name}`")
                is_same = rival.protocol == one.protocol
                aliases = ("KIA1503",) if is_same else ()
                yield Problem(one.node.at("name"), message, "in conflict", (note,), aliases=aliases)


@checks("MSH312")
def unknown_gateway_class(mesh: Mesh) -> Iterator[Result]:
    """A Gateway of a class that nobody has: nothing opens its listeners."""
    known = controllers(mesh.resources)
    for gateway in mesh.kubernetes_gateways:
        name = gateway.spec.gateway_class_name
        if not name or name in known:
            continue
        node = gateway.spec.node.at("gatewayClassName")
        if mesh.settings.world is World.COMPLETE:
            message = f"there is no GatewayClass `{name}`: nothing opens the listeners of this Gateway"
            yield Problem(node, message, "no such class", help=did_you_mean(nearest(name, known)))
        else:
            yield Outside(node, f"GatewayClass {name}")


@checks("MSH134")
def grant_from_nowhere(mesh: Mesh) -> Iterator[Result]:
    """A ReferenceGrant for a namespace that does not exist: nobody uses it, or those who should cannot (R910)."""
    for grant in mesh.reference_grants:
        for one in grant.spec.from_:
            name = one.namespace
            if not name or name in mesh.known_namespaces:
                continue
            node = one.node.at("namespace")
            if mesh.settings.world is World.COMPLETE:
                hint = did_you_mean(nearest(name, mesh.known_namespaces))
                yield Problem(node, f"there is no namespace `{name}` to refer from", "no such namespace", help=hint)
            else:
                yield Outside(node, f"namespace {name}")


def _listeners(mesh: Mesh, gateway: KubernetesGateway) -> Iterator[Listener]:
    """The Gateway's own listeners, and those that ListenerSets add to it."""
    yield from gateway.spec.listeners
    for one in listenings(mesh):
        if one.owner is gateway and one.parent.kind == "ListenerSet":
            yield one.listener


def _conflict(one: Listener, other: Listener) -> str:
    """Why two listeners cannot both be there; empty where they can."""
    if one.port is None or one.port != other.port or not one.protocol or not other.protocol:
        return ""
    own, theirs = _FAMILIES.get(one.protocol, one.protocol), _FAMILIES.get(other.protocol, other.protocol)
    if own != theirs:
        if "UDP" in (own, theirs) or not {own, theirs} <= set(_FAMILIES.values()):
            return ""
        return f"port {one.port} cannot be both {other.protocol} and {one.protocol}"
    if own in ("TCP", "UDP"):
        return f"two {own} listeners have port {one.port}: nothing tells their connections apart"
    name = one.hostname.lower() or "*"
    if name != (other.hostname.lower() or "*"):
        return ""
    return f"two listeners are for hostname `{name}` on port {one.port}: nothing tells their requests apart"
