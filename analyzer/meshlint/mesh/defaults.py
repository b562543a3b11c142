"""What Istio's default install adds to every mesh, unless the input shows otherwise."""

from collections.abc import Iterable

from meshlint.mesh.history import TARGET_PORTS
from meshlint.resources.base import Resource
from meshlint.resources.gateway import GatewaySpec
from meshlint.resources.kinds import read
from meshlint.resources.mesh_config import MeshConfig
from meshlint.resources.record import Record
from meshlint.resources.releases import Release
from meshlint.resources.workload import ControllerSpec, PodSpec, ServiceSpec
from meshlint.source.parse import parse
from meshlint.source.text import Source

_ISTIOD = """
apiVersion: v1
kind: Service
metadata: {name: istiod, namespace: istio-system, labels: {app: istiod, istio: pilot}}
spec:
  selector: {app: istiod, istio: pilot}
  ports:
  - {name: grpc-xds, port: 15010}
  - {name: https-dns, port: 15012}
  - {name: https-webhook, port: 443, targetPort: 15017}
  - {name: http-monitoring, port: 15014}
"""
_GATEWAY = """
apiVersion: v1
kind: Service
metadata: {{name: istio-{name}, namespace: istio-system, labels: {{app: istio-{name}, istio: {name}}}}}
spec:
  selector: {{app: istio-{name}, istio: {name}}}
  ports:
  - {{name: status-port, port: 15021}}
  - {{name: http2, port: 80, targetPort: 8080}}
  - {{name: https, port: 443, targetPort: 8443}}
  - {{name: tcp, port: 31400}}
  - {{name: tls, port: 15443}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: istio-{name}, namespace: istio-system}}
spec:
  template:
    metadata: {{labels: {{app: istio-{name}, istio: {name}}}}}
    spec: {{serviceAccountName: istio-{name}-service-account, containers: [{{name: istio-proxy, image: auto}}]}}
"""
_OLD_GATEWAY = _GATEWAY.replace(", targetPort: 8080", "").replace(", targetPort: 8443", "")
"""Before targets of ports meant anything to gateways, they listened on the ports themselves (R1010)."""


def assumed(
    resources: Iterable[Resource[Record]], config: MeshConfig, release: Release
) -> tuple[Resource[Record], ...]:
    """Services and gateway workloads of the default install that the input does not hold itself.

    The egress gateway counts as installed where the input selects it.
    """
    given = tuple(resources)
    gateway = _GATEWAY if release >= TARGET_PORTS else _OLD_GATEWAY
    texts = [] if _has_service(given, "istiod") else [_ISTIOD]
    if config.ingress_controller_mode != "OFF" and not _has_gateway(given, "ingressgateway"):
        texts.append(gateway.format(name="ingressgateway"))
    if _is_selected(given, "egressgateway") and not _has_gateway(given, "egressgateway"):
        texts.append(gateway.format(name="egressgateway"))
    nodes = parse(Source("<default install>", "---".join(texts))).documents
    return tuple(read(node, "istio-system") for node in nodes)


def _has_service(resources: Iterable[Resource[Record]], name: str) -> bool:
    return any(isinstance(one.spec, ServiceSpec) and one.name == name for one in resources)


def _has_gateway(resources: tuple[Resource[Record], ...], label: str) -> bool:
    """Whether the input itself shows the gateway's Service or its workload."""
    if _has_service(resources, f"istio-{label}"):
        return True
    for one in resources:
        if isinstance(one.spec, PodSpec) and one.metadata.labels.get("istio") == label:
            return True
        template = one.spec.template if isinstance(one.spec, ControllerSpec) else None
        if template is not None and template.metadata is not None and template.metadata.labels.get("istio") == label:
            return True
    return False


def _is_selected(resources: tuple[Resource[Record], ...], label: str) -> bool:
    return any(isinstance(one.spec, GatewaySpec) and one.spec.selector.get("istio") == label for one in resources)
