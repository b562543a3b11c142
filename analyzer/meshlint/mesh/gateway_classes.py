"""Which Gateways of the Gateway API are Istio's, what Istio deploys for them, and the Services they listen at (R901)."""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum

from meshlint.mesh.spelled import Spelled, spelled
from meshlint.resources.base import Labels, Resource
from meshlint.resources.gateway import GatewayClassSpec, KubernetesGateway, KubernetesGatewaySpec, Listener
from meshlint.resources.gateway_api import ListenerSetSpec
from meshlint.resources.kinds import read
from meshlint.resources.record import Record
from meshlint.resources.workload import ControllerSpec, PodSpec, ServiceSpec
from meshlint.source.node import Document, Node

GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name"
"""The label of a Gateway's pods with the Gateway's name."""


class Controller(Enum):
    """Who makes the Gateways of a class work."""

    ISTIO = "istio.io/gateway-controller"
    UNMANAGED = "istio.io/unmanaged-gateway"
    WAYPOINT = "istio.io/mesh-controller"
    EAST_WEST = "istio.io/eastwest-controller"
    FOREIGN = ""

    @property
    def is_ingress(self) -> bool:
        """Whether routes at the Gateways are served by a gateway proxy of Istio's."""
        return self in (Controller.ISTIO, Controller.UNMANAGED)


def controllers(resources: Iterable[Resource[Record]]) -> Mapping[str, Controller]:
    """The controller of each GatewayClass: those that Istio brings along, and those of the input."""
    found = {
        "istio": Controller.ISTIO,
        "istio-remote": Controller.UNMANAGED,
        "istio-waypoint": Controller.WAYPOINT,
        "istio-east-west": Controller.EAST_WEST,
    }
    known = {one.value: one for one in Controller}
    for one in resources:
        if isinstance(one.spec, GatewayClassSpec):
            found[one.name] = known.get(one.spec.controller_name, Controller.FOREIGN)
    return found


def is_deployed(gateway: KubernetesGateway) -> bool:
    """Whether Istio deploys the Gateway's proxy itself: unless the addresses name Services that are there (R901)."""
    addresses = gateway.spec.addresses
    return not addresses or (len(addresses) == 1 and addresses[0].type == "IPAddress")


def deployment_name(gateway: KubernetesGateway) -> str:
    """The name of the Deployment and Service that Istio makes for the Gateway: `NAME-CLASS` (R901)."""
    own = gateway.metadata.annotations.get("gateway.istio.io/name-override")
    return own or f"{gateway.name}-{gateway.spec.gateway_class_name}"


def service_hosts(gateway: KubernetesGateway, domain: str) -> tuple[str, ...]:
    """The full names of the Services at whose pods the Gateway's listeners are opened (R901)."""
    if is_deployed(gateway):
        return (f"{deployment_name(gateway)}.{gateway.namespace}.svc.{domain}",)
    names = (one.value for one in gateway.spec.addresses if one.type == "Hostname")
    return tuple(name if "." in name else f"{name}.{gateway.namespace}.svc.{domain}" for name in names)


def deployed(resources: Iterable[Resource[Record]]) -> tuple[Resource[Record], ...]:
    """The Services and workloads that Istio makes for Gateways, where the input does not show them itself."""
    given = tuple(resources)
    classes = controllers(given)
    found: list[Resource[Record]] = []
    known: set[tuple[str, str]] = set()
    for one in given:
        if not isinstance(one.spec, KubernetesGatewaySpec) or (one.namespace, one.name) in known:
            continue
        known.add((one.namespace, one.name))
        gateway = KubernetesGateway(one.ref, one.node, one.metadata, one.spec, is_sound=one.is_sound)
        controller = classes.get(one.spec.gateway_class_name, Controller.FOREIGN)
        if controller is Controller.ISTIO and is_deployed(gateway):
            found += _made_for(gateway, given)
    return tuple(found)


def _made_for(gateway: KubernetesGateway, given: tuple[Resource[Record], ...]) -> Iterator[Resource[Record]]:
    name, home = deployment_name(gateway), gateway.namespace
    pods = {GATEWAY_NAME: gateway.name}
    passed_on = gateway.spec.infrastructure.labels if gateway.spec.infrastructure else gateway.metadata.labels
    here = [one for one in given if one.namespace == home]
    if not any(isinstance(one.spec, ServiceSpec) and one.name == name for one in here):
        ports: list[Spelled] = [{"name": "status-port", "port": 15021, "appProtocol": "tcp"}, *_ports(gateway, given)]
        yield _object(gateway, "v1", "Service", name, {"selector": pods, "ports": ports})
    if not any(_pod_labels(one).get(GATEWAY_NAME) == gateway.name for one in here):
        containers: Spelled = [{"name": "istio-proxy", "image": "auto"}]
        spec: Spelled = {"serviceAccountName": name, "containers": containers}
        template: Spelled = {"metadata": {"labels": {**passed_on, **pods}}, "spec": spec}
        yield _object(gateway, "apps/v1", "Deployment", name, {"template": template})


def _ports(gateway: KubernetesGateway, given: tuple[Resource[Record], ...]) -> Iterator[Spelled]:
    """A port for each that some listener has, those of ListenerSets included."""
    known: set[int] = set()
    added = (more for one in given for more in _added(gateway, one))
    for one in (*gateway.spec.listeners, *added):
        if one.port is not None and one.port not in known:
            known.add(one.port)
            yield {"name": one.name, "port": one.port, "appProtocol": one.protocol.lower()}


def _added(gateway: KubernetesGateway, one: Resource[Record]) -> tuple[Listener, ...]:
    ref = one.spec.parent_ref if isinstance(one.spec, ListenerSetSpec) else None
    if ref is None or not isinstance(one.spec, ListenerSetSpec):
        return ()
    parent = (ref.kind, ref.namespace or one.namespace, ref.name)
    return one.spec.listeners if parent == ("Gateway", gateway.namespace, gateway.name) else ()


def _object(gateway: KubernetesGateway, version: str, kind: str, name: str, spec: Spelled) -> Resource[Record]:
    """An object that Istio makes: it lies where the Gateway does, but in a document of its own, since nobody wrote it."""
    node = gateway.node
    place = Node(None, node.span, node.key, node.path, Document(node.document.source, node.document.index))
    meta: Spelled = {"name": name, "namespace": gateway.namespace}
    written: Spelled = {"apiVersion": version, "kind": kind, "metadata": meta, "spec": spec}
    return read(spelled(written, place), gateway.namespace)


def _pod_labels(resource: Resource[Record]) -> Labels:
    if isinstance(resource.spec, PodSpec):
        return resource.metadata.labels
    template = resource.spec.template if isinstance(resource.spec, ControllerSpec) else None
    return template.metadata.labels if template is not None and template.metadata is not None else {}
