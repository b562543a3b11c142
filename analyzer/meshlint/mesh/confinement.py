"""What the network lets pods do past their proxies: NetworkPolicies for egress (egress E48, E49)."""

from collections.abc import Iterator
from ipaddress import ip_network

from meshlint.mesh.model import Mesh
from meshlint.mesh.workloads import Workload
from meshlint.resources.network_policy import EgressRule, NetworkPolicy, PolicyPort
from meshlint.source.node import Node

_INNER = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "127.0.0.0/8",
    "fc00::/7",
    "fe80::/10",
)


def confining(mesh: Mesh, workload: Workload) -> tuple[NetworkPolicy, ...]:
    """The policies that limit what the workload's pods may connect to; without any they may connect to everything."""
    own = mesh.derived(_by_namespace, mesh).get(workload.namespace, ())
    return tuple(one for one in own if one.spec.pod_selector is None or one.spec.pod_selector.selects(workload.labels))


def are_for_egress(mesh: Mesh) -> bool:
    """Whether the input holds any policy for egress at all."""
    return bool(mesh.derived(_by_namespace, mesh))


def ways_out(policy: NetworkPolicy, ports: frozenset[int]) -> Iterator[Node]:
    """The rules of a policy by which pods reach addresses outside the cluster on one of the ports."""
    for rule in policy.spec.egress or ():
        if any(_is_for(rule, port) for port in ports):
            outer = (peer for peer in rule.to if peer.ip_block is not None and not is_inner(peer.ip_block.cidr))
            peer = next(outer, None)
            if not rule.to or peer is not None:
                yield rule.node if peer is None else peer.node


def is_inner(block: str) -> bool:
    """Whether a block has only addresses that the internet does not have; what is no block counts as inner."""
    try:
        read = ip_network(block, strict=False)
    except ValueError:
        return True
    return any(_is_part(str(read), one) for one in _INNER)


def _is_part(narrow: str, wide: str) -> bool:
    one, other = ip_network(narrow), ip_network(wide)
    if one.version != other.version:
        return False
    return one.prefixlen >= other.prefixlen and one.network_address in other


def _is_for(rule: EgressRule, port: int) -> bool:
    return not rule.ports or any(_has(one, port) for one in rule.ports)


def _has(one: PolicyPort, port: int) -> bool:
    if one.protocol != "TCP" or isinstance(one.port, str):
        return False
    return one.port is None or one.port <= port <= (one.end_port or one.port)


def _by_namespace(mesh: Mesh) -> dict[str, tuple[NetworkPolicy, ...]]:
    found: dict[str, tuple[NetworkPolicy, ...]] = {}
    for one in mesh.network_policies:
        types = one.spec.policy_types
        if ("Egress" in types) if types is not None else (one.spec.egress is not None):
            found[one.namespace] = (*found.get(one.namespace, ()), one)
    return found
