"""Policy and MeshPolicy: which one applies, what it asks for, and what clients meet (legacy section 3)."""

import pytest
import yaml

from meshlint import request as a
from meshlint.mesh.asked import asked
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Mode, demand, namespace_demand
from meshlint.mesh.origin import FromPod
from meshlint.mesh.settings import Settings
from meshlint.mesh.steps import Kind
from meshlint.mesh.trace import trace
from meshlint.source.parse import parse
from meshlint.source.text import Source

THINGS = """
apiVersion: v1
kind: Service
metadata: {name: parcels}
spec: {selector: {app: parcels}, ports: [{name: http, port: 80, targetPort: 8080}, {name: http-admin, port: 81}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: parcels}
spec:
  template:
    metadata: {labels: {app: parcels}, annotations: {sidecar.istio.io/inject: "true"}}
    spec: {containers: [{name: app, image: parcels}]}
"""
RULE = {
    "apiVersion": "networking.istio.io/v1alpha3",
    "kind": "DestinationRule",
    "metadata": {"name": "parcels"},
    "spec": {"host": "parcels", "trafficPolicy": {"tls": {"mode": "ISTIO_MUTUAL"}}},
}
STRICT = {"peers": [{"mtls": {}}]}


def policy(spec, name="default", kind="Policy"):
    return {"apiVersion": "authentication.istio.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def mesh(*extra, release=(1, 0)):
    things = [*yaml.safe_load_all(THINGS), *extra]
    return Mesh(parse(Source("x", yaml.safe_dump_all(things))).documents, settings=Settings(istio_version=release))


def asks(found, port=8080):
    return demand(found, next(one for one in found.workloads if one.name == "parcels"), port)


def called(found, issuer=None, port=80):
    request = asked(f"http://parcels:{port}/", others=[(a.TOKEN_ISSUER, issuer)])
    return trace(found, FromPod("default"), request).outcome


@pytest.mark.parametrize(
    ("policies", "mode"),
    [
        ([], Mode.PERMISSIVE),
        ([policy(STRICT, kind="MeshPolicy")], Mode.STRICT),
        ([policy({"peers": [{"mtls": {"mode": "PERMISSIVE"}}]})], Mode.PERMISSIVE),
        ([policy({"peers": [{"mtls": {"allowTls": True}}]})], Mode.PERMISSIVE),
        ([policy({"peers": [{"mtls": None}]})], Mode.STRICT),
        ([policy({**STRICT, "peerIsOptional": True})], Mode.PERMISSIVE),
        ([policy(STRICT, kind="MeshPolicy"), policy({})], Mode.DISABLE),
        ([policy({}), policy({**STRICT, "targets": [{"name": "parcels"}]}, "one")], Mode.STRICT),
        ([policy(STRICT, kind="MeshPolicy"), policy({"targets": [{"name": "parcels"}]}, "one")], Mode.DISABLE),
        ([policy({}), policy({**STRICT, "targets": [{"name": "parcels", "ports": [{"number": 80}]}]}, "one")], Mode.STRICT),
        ([policy({}), policy({**STRICT, "targets": [{"name": "parcels", "ports": [{"number": 81}]}]}, "one")], Mode.DISABLE),
        ([policy({}), policy({**STRICT, "targets": [{"name": "other"}]}, "one")], Mode.DISABLE),
        ([policy(STRICT, "not-default")], Mode.PERMISSIVE),
    ],
)  # fmt: skip
def test_the_closest_policy_alone_says_what_peers_show(policies, mode):
    assert asks(mesh(*policies)).mode is mode


def test_rivals_that_differ_leave_it_open():
    one, other = (policy({**spec, "targets": [{"name": "parcels"}]}, name) for spec, name in ((STRICT, "a"), ({}, "b")))
    assert asks(mesh(one, other)) is None
    assert called(mesh(one, other)).kind is Kind.UNKNOWN


def test_peers_by_token_leave_it_open():
    assert asks(mesh(policy({"peers": [{"jwt": {"issuer": "i"}}]}))) is None


def test_a_namespace_asks_for_what_its_policy_or_the_meshs_says():
    assert namespace_demand(mesh(policy(STRICT, kind="MeshPolicy")), "default").mode is Mode.STRICT
    assert namespace_demand(mesh(policy(STRICT, kind="MeshPolicy"), policy({})), "default").mode is Mode.DISABLE


def test_clients_use_mutual_tls_where_a_rule_says_so_and_not_of_themselves():
    assert called(mesh(policy(STRICT))).kind is Kind.TLS_MISMATCH
    assert called(mesh(policy(STRICT), RULE)).status == 200
    assert called(mesh(RULE, policy({}))).kind is Kind.TLS_MISMATCH


def test_peer_authentication_comes_first_in_1_5_and_is_alone_after_it():
    strict = policy(STRICT)
    new = {
        "apiVersion": "security.istio.io/v1beta1",
        "kind": "PeerAuthentication",
        "metadata": {"name": "default"},
        "spec": {"mtls": {"mode": "DISABLE"}},
    }
    assert asks(mesh(strict, release=(1, 5))).mode is Mode.STRICT
    assert asks(mesh(strict, new, release=(1, 5))).mode is Mode.DISABLE
    assert asks(mesh(strict, new, release=(1, 4))).mode is Mode.STRICT
    assert asks(mesh(strict, release=(1, 6))).mode is Mode.PERMISSIVE


def test_a_request_without_a_token_is_refused_where_origins_are_asked_for():
    wants = mesh(policy({"origins": [{"jwt": {"issuer": "bank"}}]}))
    assert called(wants).status == 401
    assert called(wants, "bank").status == 200
    assert called(wants, "thief").status == 401
    lax = mesh(policy({"origins": [{"jwt": {"issuer": "bank"}}], "originIsOptional": True}))
    assert called(lax).status == 200
