"""The registry: hosts of Services and ServiceEntries, and how Istio treats their ports (routing R112, R430-R433, R701)."""

import pytest

from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host, Protocol
from meshlint.mesh.settings import Settings
from meshlint.source.parse import parse
from meshlint.source.text import Source


def registry(text: str) -> dict[str, Host]:
    mesh = Mesh(documents=tuple(parse(Source("mesh.yaml", text)).documents))
    return {host.name: host for host in mesh.hosts}


def service(port: str, metadata: str = "", spec: str = "") -> Host:
    text = f"""
apiVersion: v1
kind: Service
metadata: {{name: svc, namespace: shop{metadata}}}
spec:
  selector: {{app: svc}}
  ports: [{port}]
  {spec}
"""
    return registry(text)["svc.shop.svc.cluster.local"]


def entry(spec: str) -> dict[str, Host]:
    kind = "apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: out, namespace: shop}\nspec:\n"
    return registry(kind + spec)


@pytest.mark.parametrize(
    ("port", "protocol"),
    [
        ("{port: 80, name: http}", Protocol.HTTP),
        ("{port: 80, name: HTTP-web}", Protocol.HTTP),
        ("{port: 80, name: http2-web}", Protocol.HTTP),
        ("{port: 80, name: grpc-web-api}", Protocol.HTTP),
        ("{port: 443, name: https}", Protocol.TLS),
        ("{port: 443, name: tls-db}", Protocol.TLS),
        ("{port: 6379, name: redis}", Protocol.TCP),
        ("{port: 53, name: dns, protocol: UDP}", Protocol.UDP),
        ("{port: 80, name: http_web}", Protocol.AUTO),
        ("{port: 80, name: web-http}", Protocol.AUTO),
        ("{port: 3306, name: db}", Protocol.TCP),
        ("{port: 80}", Protocol.AUTO),
        ("{port: 80, name: tcp, appProtocol: http}", Protocol.HTTP),
        ("{port: 80, name: http-web, appProtocol: acme.io/x}", Protocol.AUTO),
        ("{port: 80, name: x, appProtocol: kubernetes.io/h2c}", Protocol.HTTP),
        ("{port: 80, name: x, appProtocol: kubernetes.io/ws}", Protocol.HTTP),
        ("{port: 80, name: x, appProtocol: kubernetes.io/wss}", Protocol.TLS),
    ],
)
def test_the_protocol_of_a_service_port_is_told_by_appprotocol_or_else_by_its_name(port: str, protocol: Protocol):
    assert service(port).ports[0].protocol is protocol


@pytest.mark.parametrize(
    ("written", "protocol"),
    [
        ("HTTP", Protocol.HTTP),
        ("http", Protocol.HTTP),
        ("GRPC-WEB", Protocol.HTTP),
        ("HTTPS", Protocol.TLS),
        ("MONGO", Protocol.TCP),
        ("http-web", Protocol.AUTO),
        ('""', Protocol.AUTO),
    ],
)
def test_the_protocol_of_a_service_entry_is_read_as_a_whole(written: str, protocol: Protocol):
    found = entry(f"  hosts: [a.example.com]\n  ports: [{{number: 80, name: p, protocol: {written}}}]\n")
    assert found["a.example.com"].ports[0].protocol is protocol


def test_each_host_of_a_service_entry_is_taken_literally():
    found = entry("  hosts: [bare, '*.example.com']\n  ports: [{number: 80, name: http, protocol: HTTP}]\n")
    assert {"bare", "*.example.com"} <= found.keys()
    assert "bare.shop.svc.cluster.local" not in found


def test_a_service_entry_is_external_and_without_resolution_unless_it_says_otherwise():
    plain = entry("  hosts: [a.example.com]\n")["a.example.com"]
    assert (plain.is_external, plain.resolution) == (True, "NONE")
    inner = entry("  hosts: [a.example.com]\n  location: MESH_INTERNAL\n  resolution: DNS\n")["a.example.com"]
    assert (inner.is_external, inner.resolution) == (False, "DNS")


def test_an_annotation_exports_a_service():
    host = service("{port: 80}", ', annotations: {networking.istio.io/exportTo: "., web"}')
    assert host.audience.includes("shop")
    assert host.audience.includes("web")
    assert not host.audience.includes("prod")


def test_a_service_exported_to_a_tilde_is_seen_by_nobody():
    host = service("{port: 80}", ', annotations: {networking.istio.io/exportTo: "~"}')
    assert not host.audience.includes("shop")


def test_a_service_without_a_selector_has_no_workloads_of_its_own():
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: svc, namespace: shop}\nspec: {ports: [{port: 80}]}\n"
    assert registry(text)["svc.shop.svc.cluster.local"].selector is None


def test_headless_and_external_name_services_are_recognised():
    assert service("{port: 80}", spec="clusterIP: None").is_headless
    assert service("{port: 80}", spec="type: ExternalName").is_external_name


def test_before_detection_a_port_of_an_unknown_name_is_tcp():
    text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{name: web, port: 80}, {name: http-x, port: 81}]}"
    documents = parse(Source("a.yaml", text)).documents

    def protocols(release: tuple[int, int]) -> list[Protocol]:
        (host,) = Mesh(documents, settings=Settings(istio_version=release)).hosts_named("a.default.svc.cluster.local")
        return [port.protocol for port in host.ports]

    assert protocols((1, 0)) == [Protocol.TCP, Protocol.HTTP]
    assert protocols((1, 30)) == [Protocol.AUTO, Protocol.HTTP]
