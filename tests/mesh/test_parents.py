"""What routes of the Gateway API attach to and what their backends are, with the reason where something is not so."""

import pytest

from meshlint.mesh.backends import Flaw, backends
from meshlint.mesh.model import Mesh
from meshlint.mesh.parents import Verdict, attachments, routes
from meshlint.source.parse import parse
from meshlint.source.text import Source

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: shop}
spec:
  gatewayClassName: CLASS
  listeners:
  - {name: http, port: 80, protocol: HTTP, hostname: "*.ex.com", allowedRoutes: {namespaces: NAMESPACES}}
  - {name: tcp, port: 9000, protocol: TCP}
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 80, name: http}]}
---
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r, namespace: HOME}
spec:
  parentRefs: [{PARENT}]
  hostnames: [HOSTNAME]
  rules: [{backendRefs: [{BACKEND}]}]
"""


def mesh_of(
    *,
    parent="name: gw",
    hostname="a.ex.com",
    home="shop",
    backend="name: web, port: 80",
    kind="istio",
    namespaces="{from: Same}",
):
    text = GATEWAY.replace("CLASS", kind).replace("NAMESPACES", namespaces)
    written = ROUTE.replace("PARENT", parent).replace("HOSTNAME", hostname).replace("HOME", home)
    return Mesh(parse(Source("in.yaml", text + written.replace("BACKEND", backend))).documents)


def attachment(**parts):
    mesh = mesh_of(**parts)
    (route,) = routes(mesh)
    (found,) = attachments(mesh, route)
    return found


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ({}, Verdict.ACCEPTED),
        ({"parent": "name: gw, sectionName: http"}, Verdict.ACCEPTED),
        ({"parent": "name: other"}, Verdict.NO_PARENT),
        ({"parent": "name: gw, port: 81"}, Verdict.NO_PORT),
        ({"parent": "name: gw, port: 80, sectionName: none"}, Verdict.NO_SECTION),
        ({"parent": "name: gw, sectionName: tcp", "hostname": "b.org"}, Verdict.KIND),
        ({"parent": "name: gw, sectionName: http", "hostname": "b.org"}, Verdict.NO_HOSTNAME),
        ({"parent": "name: gw, namespace: shop, port: 80", "home": "far"}, Verdict.NAMESPACE),
        ({"parent": "name: x, kind: Bucket, group: cloud.example"}, Verdict.UNKNOWN_KIND),
        ({"kind": "nginx"}, Verdict.FOREIGN),
        ({"parent": 'name: web, kind: Service, group: ""'}, Verdict.ACCEPTED),
        ({"parent": 'name: none, kind: Service, group: ""'}, Verdict.NO_PARENT),
    ],
)
def test_a_parent_takes_a_route_or_says_why_not(parts, verdict):
    assert attachment(**parts).verdict is verdict


def test_a_reference_knows_where_it_is_written():
    assert attachment(parent="name: other").ref.node.pointer == "/spec/parentRefs/0"


def test_labels_of_a_namespace_that_is_not_shown_leave_it_open():
    chosen = "{from: Selector, selector: {matchLabels: {team: a}}}"
    found = attachment(parent="name: gw, namespace: shop, port: 80", home="far", namespaces=chosen)
    assert (found.verdict, found.is_certain) == (Verdict.NAMESPACE, False)


@pytest.mark.parametrize(
    ("backend", "flaw"),
    [
        ("name: web, port: 80", None),
        ("name: web", Flaw.NO_PORT),
        ("name: web, port: 81", Flaw.PORT_MISSING),
        ("name: none, port: 80", Flaw.MISSING),
        ("name: web.shop, port: 80", Flaw.DOTTED),
        ("name: web, port: 80, kind: Bucket, group: cloud.example", Flaw.UNKNOWN_KIND),
        ("name: web, port: 80, namespace: far", Flaw.NOT_GRANTED),
        (
            "name: ex.org, port: 80, kind: Hostname, group: networking.istio.io, namespace: shop",
            Flaw.HOSTNAME_IN_NAMESPACE,
        ),
    ],
)
def test_a_backend_is_there_or_says_what_is_wrong(backend, flaw):
    mesh = mesh_of(backend=backend)
    (route,) = mesh.http_routes
    (found,) = backends(mesh, route, route.spec.rules[0].backend_refs)
    assert (found.flaw, found.ref.node.pointer) == (flaw, "/spec/rules/0/backendRefs/0")
