"""The mesh as a graph."""

from meshlint.mesh.graph import Kind, Vertex, host_vertex, references, traffic
from meshlint.mesh.model import Mesh
from meshlint.source.parse import parse
from meshlint.source.text import Source

SHOP = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: entrance, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: ["*"]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [shop.example]
  gateways: [entrance]
  http:
  - route: [{destination: {host: reviews, subset: v1}}]
    mirror: {host: archive}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: shop}
spec: {host: reviews, subsets: [{name: v1, labels: {version: v1}}]}
---
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {selector: {app: reviews}, ports: [{name: http, port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: reviews-v1, namespace: shop}
spec: {template: {metadata: {labels: {app: reviews, version: v1}}, spec: {containers: [{name: app, image: app}]}}}
"""


def mesh(text: str = SHOP) -> Mesh:
    return Mesh(parse(Source("shop.yaml", text)).documents)


def test_traffic_leads_from_the_gateway_workload_to_the_pods():
    import networkx as nx

    graph = traffic(mesh())
    ingress = Vertex("Deployment", "istio-system/istio-ingressgateway")
    assert nx.shortest_path(graph, ingress, Vertex("Deployment", "shop/reviews-v1")) == [
        ingress,
        Vertex("Gateway", "shop/entrance"),
        Vertex("VirtualService", "shop/reviews"),
        Vertex("Subset", "reviews.shop.svc.cluster.local v1"),
        Vertex("Deployment", "shop/reviews-v1"),
    ]


def test_a_mirror_to_a_host_of_no_registry_is_an_edge_to_that_host():
    graph = references(mesh())
    edges = graph.get_edge_data(Vertex("VirtualService", "shop/reviews"), host_vertex("archive.shop.svc.cluster.local"))
    assert [found["edge"].kind for found in edges.values()] == [Kind.MIRRORS]


def test_a_destination_rule_configures_its_host_but_carries_no_traffic():
    rule, host = Vertex("DestinationRule", "shop/reviews"), host_vertex("reviews.shop.svc.cluster.local")
    assert references(mesh()).has_edge(rule, host)
    assert not traffic(mesh()).has_edge(rule, host)


def test_every_edge_names_the_node_it_is_written_at():
    for _, _, found in references(mesh()).edges(data=True):
        assert found["edge"].node.span.text


def test_an_empty_mesh_has_no_traffic_of_its_own_but_the_default_install():
    kinds = {vertex.kind for vertex in traffic(mesh("")).nodes}
    assert kinds == {"Host", "Deployment"}
