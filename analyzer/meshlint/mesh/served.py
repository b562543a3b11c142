"""The ports of workloads that hosts of the registry lead to: what an application is asked on, and how (S66, S72)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from meshlint.mesh.kubernetes_gateways import listenings, pods_of
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host, HostPort
from meshlint.mesh.workloads import Proxy, Workload, serves, target_port
from meshlint.resources.base import Labels, selects


@dataclass(frozen=True, slots=True, eq=False)
class ServedPort:
    """A port of a host as a workload sees it. `number` is the pods' port, None for a name no container declares."""

    number: int | None
    port: HostPort
    host: Host


def served_ports(mesh: Mesh, workload: Workload) -> tuple[ServedPort, ...]:
    """The ports on which hosts lead to the workload; empty where no host of the registry does."""
    return mesh.derived(_all_served_ports, mesh).get(workload, ())


def is_gateway(mesh: Mesh, workload: Workload) -> bool:
    """Whether the workload is a gateway, by its own looks or because some Gateway of the input chooses its pods (R601)."""
    if workload.proxy is Proxy.GATEWAY or workload in mesh.derived(_listening, mesh):
        return True
    labels = mesh.derived(_gateway_selectors, mesh)
    return any(selects(wanted, workload.labels) for wanted in labels)


def _listening(mesh: Mesh) -> frozenset[Workload]:
    """The pods of Gateways of the Gateway API (R901)."""
    owners = dict.fromkeys(one.owner for one in listenings(mesh))
    return frozenset(pod for owner in owners for pod in pods_of(mesh, owner))


def _gateway_selectors(mesh: Mesh) -> tuple[Labels, ...]:
    found = {tuple(sorted(one.spec.selector.items())): one.spec.selector for one in mesh.gateways if one.spec.selector}
    return tuple(found.values())


def _all_served_ports(mesh: Mesh) -> Mapping[Workload, tuple[ServedPort, ...]]:
    labelled: defaultdict[tuple[str, str, str], list[Workload]] = defaultdict(list)
    for workload in mesh.workloads:
        for key, value in workload.labels.items():
            labelled[(workload.namespace, key, value)].append(workload)
    found: defaultdict[Workload, list[ServedPort]] = defaultdict(list)
    for host in mesh.hosts:
        if not host.selector:
            continue
        key, value = min(host.selector.items())
        for workload in labelled.get((host.namespace, key, value), ()):
            if serves(host, workload):
                found[workload].extend(ServedPort(target_port(port, workload), port, host) for port in host.ports)
    return {workload: tuple(ports) for workload, ports in found.items()}
