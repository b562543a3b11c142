"""What the input shows of the control plane's own settings: the environment of istiod and of proxies."""

from meshlint.mesh.model import Mesh
from meshlint.resources.mesh_config import OperatorSpec
from meshlint.source.node import Node


def is_enabled(mesh: Mesh, name: str, *, unseen: bool) -> bool:
    """Whether istiod runs with the switch on; *unseen* where the input shows no control plane."""
    return mesh.derived(_is_enabled, mesh, name, unseen=unseen)


def proxy_variable(mesh: Mesh, name: str) -> str:
    """What the mesh's settings give all proxies under that name in their environment; empty where they give nothing."""
    config = mesh.config.default_config
    value = config.get("proxyMetadata", name) if config is not None else None
    return str(value.value) if value is not None else ""


def variable(containers: Node, name: str) -> str | None:
    """The value of an environment variable of a pod's containers."""
    return next((value for one in containers.elements if (value := _listed(one.get("env"), name)) is not None), None)


def _is_enabled(mesh: Mesh, name: str, *, unseen: bool) -> bool:
    for one in mesh.resources:
        if isinstance(one.spec, OperatorSpec):
            value = one.spec.node.get("values", "pilot", "env", name)
            listed = _listed(one.spec.node.get("components", "pilot", "k8s", "env"), name)
            return _is_true(listed if value is None else str(value.value))
        if one.ref.kind == "Deployment" and one.metadata.labels.get("app") == "istiod":
            return _is_true(variable(one.node.at("spec", "template", "spec", "containers"), name))
    return unseen


def _listed(environment: Node | None, name: str) -> str | None:
    for one in environment.elements if environment is not None else ():
        called, value = one.get("name"), one.get("value")
        if called is not None and called.value == name and value is not None:
            return str(value.value)
    return None


def _is_true(text: str | None) -> bool:
    return text is not None and text.lower() == "true"
