"""Which hosts containers are told to call, by what stands in their environment and arguments."""

import json

import pytest

from meshlint.mesh.addressed import calls
from meshlint.mesh.model import Mesh
from meshlint.source.parse import parse
from meshlint.source.text import Source

MESH = """\
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80}, {name: grpc, port: 9000}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: bank, namespace: shop}
spec: {hosts: [bank.example], location: MESH_EXTERNAL, resolution: DNS, ports: [{number: 443, name: tls, protocol: TLS}]}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: HOME}
spec: {containers: [{name: app, image: app, env: [{name: ADDRESS, value: TEXT}, {name: SECRET, valueFrom: {}}]}]}
"""


def called(text: str, home: str = "shop") -> list[tuple[str, int]]:
    written = MESH.replace("HOME", home).replace("TEXT", json.dumps(text))
    mesh = Mesh(parse(Source("mesh.yaml", written)).documents)
    (web,) = (one for one in mesh.workloads if one.name == "web")
    return [(call.host.name, call.port.number) for call in calls(mesh, web)]


@pytest.mark.parametrize(
    "text",
    [
        "http://cart",
        "http://cart/totals?of=all",
        "http://user:word@cart:80/",
        "cart:80",
        "--cart=cart.shop:80",
        "http://cart.shop.svc",
        "http://cart.shop.svc.cluster.local:80",
        "first http://bank.example, then http://cart/",
    ],
)
def test_an_address_names_a_service_as_the_resolver_of_a_pod_finds_it(text: str):
    assert called(text) == [("cart.shop.svc.cluster.local", 80)]


def test_a_bare_name_is_of_the_pods_own_namespace():
    assert called("http://cart", home="web") == []
    assert called("http://cart.shop", home="web") == [("cart.shop.svc.cluster.local", 80)]


@pytest.mark.parametrize(
    "text", ["cart", "http://cart:81", "grpc://cart", "http://cart.example", "https://bank.example", "a cart:80"]
)
def test_what_is_no_address_of_a_service_of_the_mesh_is_no_call(text: str):
    assert called(text) == []


def test_a_port_may_come_from_another_scheme():
    assert called("grpc://cart:9000") == [("cart.shop.svc.cluster.local", 9000)]
