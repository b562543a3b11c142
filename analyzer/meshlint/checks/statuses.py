"""Statuses in objects that were taken from a cluster: what the control plane itself says is wrong with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from meshlint.finding import Problem
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.base import Resource
from meshlint.resources.kinds import group_of
from meshlint.resources.record import Record
from meshlint.source.node import Node

_GATEWAY_API = "gateway.networking.k8s.io"
_ALIAS = ("IST0171",)
_SECURITY = "security.istio.io"
_NETWORKING = "networking.istio.io"
_ACCEPTED = frozenset({"Accepted", "Programmed", "ResolvedRefs"})
_BOUND = frozenset({"istio.io/WaypointBound"})
_ATTACHED = frozenset({"ZtunnelAccepted", "WaypointAccepted"})
_PARTLY = "PartiallyInvalid"


@dataclass(frozen=True, slots=True)
class _Place:
    """Where conditions of a kind stand, below `status`: in a list of its own, or in each entry of another list.

    `types` are those that are to be true. `codes` are other tools' for one that is not.
    """

    types: frozenset[str]
    within: str = ""
    codes: tuple[str, ...] = _ALIAS


_ROUTE = (_Place(_ACCEPTED, "parents"),)
_OTHER_ROUTE = (_Place(_ACCEPTED, "parents", ()),)
_POLICY = (_Place(_ATTACHED, codes=()),)
_PLACES: Mapping[tuple[str, str], tuple[_Place, ...]] = {
    ("", "Service"): (_Place(_BOUND),),
    (_NETWORKING, "ServiceEntry"): (_Place(_BOUND),),
    (_NETWORKING, "WorkloadEntry"): (_Place(_BOUND),),
    (_SECURITY, "AuthorizationPolicy"): (_Place(_ATTACHED),),
    (_SECURITY, "RequestAuthentication"): _POLICY,
    (_SECURITY, "PeerAuthentication"): _POLICY,
    ("telemetry.istio.io", "Telemetry"): _POLICY,
    ("extensions.istio.io", "WasmPlugin"): _POLICY,
    ("extensions.istio.io", "TrafficExtension"): _POLICY,
    (_NETWORKING, "EnvoyFilter"): _POLICY,
    (_GATEWAY_API, "Gateway"): (_Place(_ACCEPTED), _Place(_ACCEPTED, "listeners", ())),
    (_GATEWAY_API, "GatewayClass"): (_Place(_ACCEPTED, codes=()),),
    (_GATEWAY_API, "HTTPRoute"): _ROUTE,
    (_GATEWAY_API, "GRPCRoute"): _ROUTE,
    (_GATEWAY_API, "TLSRoute"): _OTHER_ROUTE,
    (_GATEWAY_API, "TCPRoute"): _OTHER_ROUTE,
    (_GATEWAY_API, "UDPRoute"): _OTHER_ROUTE,
    (_GATEWAY_API, "BackendTLSPolicy"): (_Place(_ACCEPTED, "ancestors", ()),),
}


@checks("MSH019")
def negative_condition(mesh: Mesh) -> Iterator[Problem]:
    """A condition by which the control plane says that it did not take the object, or a part of it."""
    for resource in mesh.resources:
        for place in _PLACES.get((group_of(resource.ref.api_version), resource.ref.kind), ()):
            for condition in _conditions(resource, place):
                if _is_negative(condition, place):
                    yield _problem(condition, place)


def _conditions(resource: Resource[Record], place: _Place) -> Iterator[Node]:
    status = resource.node.get("status")
    if status is None:
        return
    owners = status.at(place.within).elements if place.within else (status,)
    for owner in owners:
        yield from owner.at("conditions").elements


def _is_negative(condition: Node, place: _Place) -> bool:
    if _text(condition, "type") not in place.types:
        return False
    is_partial = _text(condition, "type") == "WaypointAccepted" and _text(condition, "reason") == _PARTLY
    return _text(condition, "status").lower() == "false" or is_partial


def _problem(condition: Node, place: _Place) -> Problem:
    kind, reason = _text(condition, "type"), _text(condition, "reason")
    why = f" ({reason})" if reason else ""
    is_partial = _text(condition, "status").lower() != "false"
    told = "holds only in part" if is_partial else "does not hold"
    return Problem(
        condition.at("reason" if is_partial else "status"),
        f"condition `{kind}` {told}{why}",
        label="as the cluster says",
        help=_text(condition, "message"),
        aliases=place.codes,
    )


def _text(condition: Node, name: str) -> str:
    node = condition.get(name)
    return str(node.value) if node is not None and node.value is not None else ""
