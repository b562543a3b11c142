"""What pods of the input show of their injection: whether they are as they run, and with a proxy or without one."""

from meshlint.mesh.injection import is_by_default
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.workloads import Workload, is_gateway
from meshlint.resources.base import Labels
from meshlint.source.node import Node

_RUNNING = (("status",), ("metadata", "uid"), ("metadata", "creationTimestamp"), ("metadata", "ownerReferences"))


def is_pod(pods: Workload) -> bool:
    """Whether the workload is a Pod and nothing that makes pods."""
    return pods.resource.ref.kind == "Pod"


def has_proxy(pods: Workload) -> bool:
    """Whether the proxy's container is written down."""
    return any(one.name == "istio-proxy" and one.image for one in pods.containers)


def is_as_it_runs(mesh: Mesh, pods: Workload) -> bool:
    """Whether a Pod comes from a cluster: by marks of its own, or since other Pods show what injection put into them."""
    if not is_pod(pods):
        return False
    return any(pods.resource.node.get(*path) is not None for path in _RUNNING) or mesh.derived(_shows_injected, mesh)


def labels_of(mesh: Mesh, namespace: str) -> Labels | None:
    """A namespace's labels, with the one that Kubernetes adds; None where the input does not show them.

    A mesh that is complete and has namespaces has no labels on those that it does not hold.
    """
    is_complete = mesh.settings.world is World.COMPLETE and bool(mesh.namespaces)
    if namespace not in mesh.namespaces and not is_complete:
        return None
    return {**mesh.namespaces.get(namespace, {}), "kubernetes.io/metadata.name": namespace}


def injects_by_default(mesh: Mesh) -> bool:
    """Whether the injector takes the pods of namespaces without a label, too (S151)."""
    return mesh.derived(_by_default, mesh)


def written_at(pods: Workload, *path: str) -> Node:
    """Where the pods have a label or annotation of their own; the workload's name where they have not."""
    for start in (("spec", "template"), ("spec", "jobTemplate", "spec", "template"), ()):
        found = pods.resource.node.get(*start, "metadata", *path)
        if found is not None:
            return found
    return pods.resource.name_node


def _by_default(mesh: Mesh) -> bool:
    return is_by_default(mesh.resources)


def _shows_injected(mesh: Mesh) -> bool:
    return any(is_pod(one) and has_proxy(one) and not is_gateway(one.labels, one.annotations) for one in mesh.workloads)
