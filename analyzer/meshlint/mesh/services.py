"""The registry: every host a mesh knows, from Services and ServiceEntries, with its ports."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from meshlint.mesh.history import APP_PROTOCOL, DETECTION, SCOPES
from meshlint.mesh.hosts import is_address
from meshlint.mesh.settings import Settings
from meshlint.mesh.visibility import EVERYONE, Audience, audience
from meshlint.resources.base import Labels, Resource
from meshlint.resources.mesh_config import MeshConfig
from meshlint.resources.record import Record
from meshlint.resources.service_entry import ServiceEntrySpec
from meshlint.resources.workload import ServicePort as KubernetesPort
from meshlint.resources.workload import ServiceSpec
from meshlint.source.node import Node


class Protocol(Enum):
    """The class of a port's protocol: which block of routes it uses (R433, R434)."""

    HTTP = "HTTP"
    TLS = "TLS"
    TCP = "TCP"
    AUTO = "auto-detected"
    UDP = "UDP"

    @property
    def may_be_http(self) -> bool:
        """Whether connections on such a port can be handled as HTTP (S72)."""
        return self in (Protocol.HTTP, Protocol.AUTO)

    @property
    def may_be_tcp(self) -> bool:
        """Whether connections on such a port can be handled as TCP (S72)."""
        return self in (Protocol.TLS, Protocol.TCP, Protocol.AUTO)


@dataclass(frozen=True, slots=True, eq=False)
class HostPort:
    """A port of a host. `target` is the pods' port: a number, a container port's name, or the same where None."""

    number: int
    name: str
    protocol: Protocol
    target: int | str | None
    node: Node


@dataclass(frozen=True, slots=True, eq=False)
class Host:
    """A host of the registry. `selector` chooses its workloads in its namespace, None where it has none.

    `endpoints` are the labels of endpoints that a ServiceEntry lists itself.
    """

    name: str
    namespace: str
    ports: tuple[HostPort, ...]
    audience: Audience
    resource: Resource[Record]
    selector: Labels | None = None
    endpoints: tuple[Labels, ...] = ()
    is_service_entry: bool = False
    is_external: bool = False
    is_headless: bool = False
    is_external_name: bool = False
    resolution: str = ""

    def port(self, number: int) -> HostPort | None:
        """The port of that number."""
        return next((port for port in self.ports if port.number == number), None)


def hosts(resources: Iterable[Resource[Record]], config: MeshConfig, settings: Settings) -> Iterator[Host]:
    """Every host that Services and ServiceEntries of the input define (R105, R112)."""
    for resource in resources:
        if isinstance(resource.spec, ServiceSpec):
            yield _of_release(_service(resource, resource.spec, config, settings), settings)
        elif isinstance(resource.spec, ServiceEntrySpec):
            yield from (_of_release(one, settings) for one in _entries(resource, resource.spec, config))


def _of_release(host: Host, settings: Settings) -> Host:
    """The host without what the release does not know yet: audiences, and protocols that are detected (R1002, R1009)."""
    if settings.istio_version < SCOPES:
        host = replace(host, audience=EVERYONE)
    if settings.istio_version < DETECTION:
        known = (Protocol.TCP if one.protocol is Protocol.AUTO else one.protocol for one in host.ports)
        ports = (replace(one, protocol=protocol) for one, protocol in zip(host.ports, known, strict=True))
        host = replace(host, ports=tuple(ports))
    return host


def addresses(host: Host) -> tuple[str, ...]:
    """The addresses that manifests show: a Service's cluster IPs, the single ones of a ServiceEntry (R113, R442)."""
    spec = host.resource.spec
    if isinstance(spec, ServiceSpec):
        return tuple(one for one in dict.fromkeys((spec.cluster_ip, *spec.cluster_ips)) if is_address(one))
    return tuple(one for one in spec.addresses if is_address(one)) if isinstance(spec, ServiceEntrySpec) else ()


def networks(host: Host) -> tuple[str, ...]:
    """The networks among a ServiceEntry's addresses (R442)."""
    spec = host.resource.spec
    return tuple(one for one in spec.addresses if "/" in one) if isinstance(spec, ServiceEntrySpec) else ()


def port_protocol(port: KubernetesPort, release: tuple[int, int]) -> Protocol:
    """How Istio treats a Service's port: by appProtocol, else by the name up to the first dash (R430, R431).

    Before 1.3 nothing was detected: a port with any other name is TCP (R1009).
    """
    if port.protocol.upper() == "UDP":
        return Protocol.UDP
    named = port.app_protocol if release >= APP_PROTOCOL else None
    text = KUBERNETES_PROTOCOLS.get(named, named) if named is not None else port.name
    known = protocol_class(text)
    if known is not None:
        return known
    return Protocol.TCP if port.port in TCP_PORTS or release < DETECTION else Protocol.AUTO


def protocol_class(text: str) -> Protocol | None:
    """The class of the protocol that a port's name or appProtocol begins with; None if it is none of Istio's."""
    lowered = text.lower()
    word = "grpc-web" if lowered.startswith("grpc-web") else lowered.partition("-")[0]
    return _CLASSES.get(word)


TCP_PORTS = frozenset({25, 53, 3306, 27017})
"""Ports that are TCP where nothing tells their protocol: servers speak first there (R431)."""
KUBERNETES_PROTOCOLS = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http", "kubernetes.io/wss": "https"}
"""What Istio makes of the values of appProtocol that Kubernetes defines (R430)."""
_CLASSES = {
    "http": Protocol.HTTP,
    "http2": Protocol.HTTP,
    "grpc": Protocol.HTTP,
    "grpc-web": Protocol.HTTP,
    "https": Protocol.TLS,
    "tls": Protocol.TLS,
    "tcp": Protocol.TCP,
    "mongo": Protocol.TCP,
    "mysql": Protocol.TCP,
    "redis": Protocol.TCP,
    "udp": Protocol.UDP,
}
_EXPORT_ANNOTATION = "networking.istio.io/exportTo"


def _service(resource: Resource[Record], spec: ServiceSpec, config: MeshConfig, settings: Settings) -> Host:
    listed = resource.metadata.annotations.get(_EXPORT_ANNOTATION, "")
    export_to = tuple(name.strip() for name in listed.split(",") if name.strip())
    return Host(
        name=f"{resource.name}.{resource.namespace}.svc.{settings.cluster_domain}",
        namespace=resource.namespace,
        ports=tuple(
            HostPort(port.port, port.name, port_protocol(port, settings.istio_version), port.target_port, port.node)
            for port in spec.ports
            if port.port is not None
        ),
        audience=audience(export_to, resource.namespace, config.default_service_export_to),
        resource=resource,
        selector=spec.selector or None,
        is_headless=spec.cluster_ip == "None",
        is_external_name=spec.type == "ExternalName",
    )


def _entries(resource: Resource[Record], spec: ServiceEntrySpec, config: MeshConfig) -> Iterator[Host]:
    ports = tuple(
        HostPort(port.number, port.name, protocol_of(port.protocol), port.target_port, port.node)
        for port in spec.ports
        if port.number is not None
    )
    for name in spec.hosts:
        yield Host(
            name=name,
            namespace=resource.namespace,
            ports=ports,
            audience=audience(spec.export_to, resource.namespace, config.default_service_export_to),
            resource=resource,
            selector=spec.workload_selector.labels if spec.workload_selector is not None else None,
            endpoints=tuple(endpoint.labels for endpoint in spec.endpoints),
            is_service_entry=True,
            is_external=spec.location != "MESH_INTERNAL",
            resolution=spec.resolution or "NONE",
        )


def protocol_of(text: str) -> Protocol:
    """The class of a `protocol` field, which is read as a whole (R432); an empty or unknown one is detected."""
    return _CLASSES.get(text.lower(), Protocol.AUTO)
