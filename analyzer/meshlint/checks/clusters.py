"""Several clusters and networks: services that differ between them, registries that do not exist; ejection of all hosts."""

from collections.abc import Iterator
from typing import cast

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.base import Resource
from meshlint.resources.destination_rule import TrafficPolicy
from meshlint.resources.record import Record
from meshlint.resources.workload import SecretSpec, Service, ServiceSpec
from meshlint.source.node import Node

_CLUSTER = "topology.istio.io/cluster"
_REGISTRIES = frozenset({"Mock", "Kubernetes", "External"})


@checks("MSH218")
def outlier_ejects_all(mesh: Mesh) -> Iterator[Result]:
    """One error ejects a host, and all hosts may be ejected at once; or the breaker is turned off altogether."""
    for rule in mesh.destination_rules:
        for policy in (rule.spec.traffic_policy, *(subset.traffic_policy for subset in rule.spec.subsets)):
            for node in _detections(policy):
                yield from _judge_detection(node)


@checks("MSH220")
def conflicting_service_across_clusters(mesh: Mesh) -> Iterator[Result]:
    """One service that two clusters define unlike: clients of all clusters see the endpoints of both."""
    for resource in mesh.resources:
        if not isinstance(resource.spec, ServiceSpec) or _CLUSTER not in resource.metadata.labels:
            continue
        service = cast("Service", resource)
        for other in mesh.alternatives(resource):
            if other is resource or other.metadata.labels.get(_CLUSTER) == resource.metadata.labels[_CLUSTER]:
                continue
            part = _difference(service, cast("Service", other)) if isinstance(other.spec, ServiceSpec) else ""
            if part:
                message = f"cluster `{other.metadata.labels.get(_CLUSTER, '')}` defines this service with other {part}"
                notes = (Note(other.name_node.span, "the other definition"),)
                yield Problem(resource.name_node, message, label="unlike", notes=notes)
                break


@checks("MSH221")
def unknown_network_registry(mesh: Mesh) -> Iterator[Result]:
    """A registry of a network's endpoints that no cluster is called (the case of the letters counts)."""
    known = _REGISTRIES | {name for one in mesh.resources for name in _clusters(one)}
    networks = mesh.mesh_networks.get("networks") if mesh.mesh_networks is not None else None
    for network in networks.mapping.values() if networks is not None else ():
        endpoints = network.get("endpoints")
        for endpoint in endpoints.elements if endpoints is not None else ():
            node = endpoint.get("fromRegistry")
            if node is not None and isinstance(node.value, str) and node.value not in known:
                listed = ", ".join(f"`{name}`" for name in sorted(known))
                message = f"no registry is called `{node.value}`: there are {listed}"
                yield Problem(node, message, label="unknown registry")


def _detections(policy: TrafficPolicy | None) -> Iterator[Node]:
    if policy is None:
        return
    for one in (policy.outlier_detection, *(setting.outlier_detection for setting in policy.port_level_settings)):
        if one is not None:
            yield one


def _judge_detection(node: Node) -> Iterator[Problem]:
    counts = [node.get(name) for name in ("consecutive5xxErrors", "consecutiveErrors", "consecutiveGatewayErrors")]
    given = [one for one in counts if one is not None]
    share = node.get("maxEjectionPercent")
    if given and all(one.value == 0 for one in given) and node.get("splitExternalLocalOriginErrors") is None:
        yield Problem(given[0], "no number of errors ejects a host: this breaker has no effect", label="turned off")
    elif share is not None and share.value == 100 and any(one.value == 1 for one in given):
        message = "one error ejects a host, and all hosts may be ejected: after an error each, none is left"
        yield Problem(
            share, message, label="all of them", help="allow more errors, or eject a part of the hosts at most"
        )


def _difference(one: Service, other: Service) -> str:
    """In what two definitions of a service differ, of what matters to clients of other clusters."""
    if (one.spec.cluster_ip == "None") != (other.spec.cluster_ip == "None"):
        return "headlessness"
    if (one.spec.type or "ClusterIP") != (other.spec.type or "ClusterIP"):
        return "type"
    ours, theirs = (
        {(port.name, port.port, port.protocol or "TCP") for port in each.spec.ports} for each in (one, other)
    )
    return "" if ours == theirs else "ports"


def _clusters(one: Resource[Record]) -> Iterator[str]:
    if isinstance(one.spec, SecretSpec) and one.metadata.labels.get("istio/multiCluster") == "true":
        yield from one.spec.data
