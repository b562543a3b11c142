"""What holds of every trace: it never raises, what it says agrees with the solver's witnesses, and loops end."""

import random
from pathlib import Path

import pytest

from meshlint import request as a
from meshlint import session
from meshlint.config import Config
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromOutside, FromPod, pod
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.steps import Kind
from meshlint.mesh.trace import trace
from meshlint.request import Request, header, query
from meshlint.source.parse import parse
from meshlint.source.text import Source

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
NAMES = ("bookinfo", "bookinfo-broken")


def sources(name):
    return [Source(file.name, file.read_text("utf-8")) for file in sorted((EXAMPLES / name).glob("*.yaml"))]


def mesh_of(texts):
    return Mesh(tuple(document for one in texts for document in parse(one).documents))


def some_request(rng, mesh):
    hosts = [host.name for host in mesh.hosts]
    hosts += [name.split(".")[0] for name in hosts] + [entry for vs in mesh.virtual_services for entry in vs.spec.hosts]
    values = {
        a.SCHEME: rng.choice(["http", "https", "grpc", "tls", "tcp"]),
        a.AUTHORITY: rng.choice([*hosts, "nowhere.example", "10.0.0.1", "", "[::1]", "*"]),
        a.PORT: rng.choice(["80", "443", "9080", "8443", "15021", "1", "x"]),
        a.PATH: rng.choice(["/", "/productpage", "/a/../b", "*", "", "//x", "/%2e%2e/q", "/api/v1/products"]),
        a.METHOD: rng.choice(["GET", "POST", "OPTIONS"]),
        a.SNI: rng.choice(hosts),
        a.DESTINATION_IP: rng.choice(["10.0.0.1", "::1", "none"]),
        a.PRINCIPAL: rng.choice(["spiffe://cluster.local/ns/a/sa/b", ""]),
        a.TOKEN_ISSUER: "issuer",
        header("end-user"): rng.choice(["tester", "", "x"]),
        header("x-chaos"): "slow-ratings",
        query("k"): "v",
    }
    kept = {name: value for name, value in values.items() if rng.random() < 0.6}
    return Request.of(kept)


def some_origin(rng, mesh):
    gateways = [f"{one.namespace}/{one.name}" for one in mesh.gateways]
    return rng.choice(
        [
            FromOutside(),
            AtGateway(rng.choice([*gateways, "no/such"])),
            FromPod(rng.choice(["bookinfo", "elsewhere"]), (("app", "x"),)),
            pod(rng.choice(mesh.workloads)),
        ]
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_never_raises_and_always_ends(name):
    mesh, rng = mesh_of(sources(name)), random.Random(7)
    kinds = set()
    for _ in range(1500):
        found = trace(mesh, some_origin(rng, mesh), some_request(rng, mesh))
        assert len(found.steps) < 60
        assert all(0 < one.share <= 1 for one in found.outcome.weights)
        kinds.add(found.outcome.kind)
    assert {Kind.CLUSTER, Kind.NOT_FOUND, Kind.BLACKHOLE, Kind.DENIED, Kind.REJECTED} <= kinds


@pytest.mark.parametrize("name", NAMES)
def test_a_trace_is_the_same_each_time(name):
    texts = sources(name)
    one, other = mesh_of(texts), mesh_of(texts[::-1])
    rng = random.Random(11)
    for _ in range(200):
        request, gateway = some_request(rng, one), rng.choice(one.gateways)
        origin = AtGateway(f"{gateway.namespace}/{gateway.name}")
        assert trace(one, origin, request).outcome == trace(other, origin, request).outcome


def asked_by(mesh, witness, vs):
    """The witness as a request to trace, with what a rule on routes leaves open filled in."""
    place, host = witness.get(a.GATEWAY), hosts_of(vs, "cluster.local")[0]
    labels = [
        (key.removeprefix("proxy.label:"), value) for key, value in witness.values if key.startswith("proxy.label:")
    ]
    origin = FromPod(witness.get(a.CLIENT_NAMESPACE) or vs.namespace, tuple(labels))
    if place not in (None, "mesh"):
        origin = AtGateway(place)
    request = witness if witness.get(a.AUTHORITY) else witness.but(a.AUTHORITY, host)
    known = [one for one in mesh.hosts if one.name == host]
    port = request.get(a.PORT) or (str(known[0].ports[0].number) if known else "80")
    return origin, request.but(a.PORT, port).but(a.SCHEME, "http")


SHADOWED = """
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: prod}
spec: {ports: [{port: 9080, name: http}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: prod}
spec:
  hosts: [reviews]
  http:
  - name: all-api
    match: [{uri: {prefix: /api}}]
    route: [{destination: {host: reviews}}]
  - name: canary
    match: [{uri: {prefix: /api/v2}, headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: reviews, subset: v3}}]
  - name: rest
    route: [{destination: {host: reviews}}]
"""


@pytest.mark.parametrize(
    "texts", [sources("bookinfo-broken"), [Source("shadowed.yaml", SHADOWED)]], ids=["broken", "one"]
)
def test_the_witness_of_an_unreachable_route_is_confirmed(texts):
    report = session.lint(texts, Config())
    mesh = mesh_of(texts)
    found = [one.problem for one in report.findings if one.rule.code == "MSH101" and one.problem.witness is not None]
    assert found
    for problem in found:
        (vs,) = [
            one
            for one in mesh.virtual_services
            if one.node.span.source.name == problem.node.span.source.name
            and one.node.span.start <= problem.node.span.start < one.node.span.end
        ]
        origin, request = asked_by(mesh, problem.witness.request, vs)
        tried = [one for step in trace(mesh, origin, request).steps for one in step.tried]
        dead = [one for one in tried if one.node.span.start <= problem.node.span.start < one.node.span.end]
        assert not any(one.matched for one in dead)
        assert any(one.matched for one in tried)
