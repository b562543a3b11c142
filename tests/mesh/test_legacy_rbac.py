"""ServiceRoles: the worked examples of legacy section 2, and what the model makes of roles for its other readers."""

import pytest
import yaml

from meshlint import request as a
from meshlint.mesh.applied import unclear_parts
from meshlint.mesh.authorization import decided
from meshlint.mesh.conditions import Chain
from meshlint.mesh.legacy_rbac import enforcement, gates_at, verdict_at
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import Settings
from meshlint.request import Request
from meshlint.source.parse import parse
from meshlint.source.text import Source
from meshlint.space import Some, satisfiable

CART = "spiffe://cluster.local/ns/default/sa/cart"
TEXT = """
apiVersion: v1
kind: Service
metadata: {name: parcels, labels: {tier: back}}
spec: {selector: {app: parcels}, ports: [{name: http, port: 80}, {name: tcp, port: 9000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: parcels}
spec:
  template:
    metadata: {labels: {app: parcels, version: one}}
    spec: {serviceAccountName: parcels, containers: [{name: app, image: parcels}]}
---
apiVersion: rbac.istio.io/v1alpha1
kind: RbacConfig
metadata: {name: default, namespace: istio-system}
spec: {mode: "ON"}
---
apiVersion: rbac.istio.io/v1alpha1
kind: ServiceRole
metadata: {name: reader}
spec: {rules: [{services: [parcels.default.svc.cluster.local], methods: [GET]}]}
---
apiVersion: rbac.istio.io/v1alpha1
kind: ServiceRoleBinding
metadata: {name: cart-reads}
spec:
  subjects: [{user: cluster.local/ns/default/sa/cart}]
  roleRef: {kind: ServiceRole, name: reader}
"""
CONFIG, ROLE, BINDING = 2, 3, 4


def mesh(change=None, release=(1, 0), extra=()):
    things = list(yaml.safe_load_all(TEXT))
    if change is not None:
        change(things)
    return Mesh(
        parse(Source("x", yaml.safe_dump_all([*things, *extra]))).documents, settings=Settings(istio_version=release)
    )


def call(method="GET", path="/parcels/1", principal=CART, **headers):
    values = {a.METHOD: method, a.PATH: path.partition("?")[0], a.header(":path"): path}
    values |= {a.header(name.replace("_", "-")): value for name, value in headers.items()}
    return Request.of(values if principal is None else {**values, a.PRINCIPAL: principal})


def is_allowed(found, request, chain=Chain.HTTP, port=80):
    workload = next(one for one in found.workloads if one.name == "parcels")
    return verdict_at(found, workload, port, chain, request).is_allowed


def rule(things):
    return things[ROLE]["spec"]["rules"][0]


def subject(things):
    return things[BINDING]["spec"]["subjects"][0]


def set_(place, **values):
    return lambda things: place(things).update(values)


def spec(number, **values):
    return lambda things: things[number]["spec"].update(values)


def namespace(number, name):
    return lambda things: things[number]["metadata"].update(namespace=name)


def removed(number):
    return lambda things: things.pop(number)


def name(number, text):
    return lambda things: things[number]["metadata"].update(name=text)


EXAMPLES = [
    ("the bound account reads", None, call(), True),
    ("nobody known reads", None, call(principal=None), False),
    ("another method", None, call("POST"), False),
    ("another account", None, call(principal="spiffe://cluster.local/ns/default/sa/guest"), False),
    ("no configuration", removed(CONFIG), call("POST", principal=None), True),
    ("a configuration of another name", name(CONFIG, "mine"), call("POST"), True),
    ("mode OFF", spec(CONFIG, mode="OFF"), call("POST"), True),
    ("the role in another namespace", namespace(ROLE, "other"), call(), False),
    ("a short service name", set_(rule, services=["parcels"]), call(), False),
    ("a suffix of the service", set_(rule, services=["*.svc.cluster.local"]), call(), True),
    ("an exact path and a query", set_(rule, paths=["/parcels"]), call(path="/parcels?x=1"), False),
    ("an exact path", set_(rule, paths=["/parcels"]), call(path="/parcels"), True),
    ("a suffix that the query has", set_(rule, paths=["*.html"]), call(path="/admin?x=.html"), True),
    ("a permissive binding", spec(BINDING, mode="PERMISSIVE"), call(), False),
    ("anyone at all", set_(subject, user="*"), call(principal=None), True),
    ("a key that is none", set_(rule, constraints=[{"key": "destination.foo", "values": ["x"]}]), call(), True),
    ("a label that is there", set_(rule, constraints=[{"key": "destination.labels[version]", "values": ["o*"]}]), call(), True),
    ("a label that is not there", set_(rule, constraints=[{"key": "destination.labels[zone]", "values": ["*"]}]), call(), False),
    ("a header", set_(rule, constraints=[{"key": "request.headers[x-key]", "values": ["a"]}]), call(x_key="a"), True),
    ("no such header", set_(rule, constraints=[{"key": "request.headers[x-key]", "values": ["a"]}]), call(), False),
    ("a namespace", lambda things: things[BINDING]["spec"].update(subjects=[{"properties": {"source.namespace": "default"}}]), call(), True),
    ("another namespace", lambda things: things[BINDING]["spec"].update(subjects=[{"properties": {"source.namespace": "far"}}]), call(), False),
    ("a role of another name", spec(BINDING, roleRef={"kind": "ServiceRole", "name": "writer"}), call(), False),
    ("not included", spec(CONFIG, mode="ON_WITH_INCLUSION", inclusion={"namespaces": ["other"]}), call("POST"), True),
    ("included", spec(CONFIG, mode="ON_WITH_INCLUSION", inclusion={"namespaces": ["default"]}), call("POST"), False),
    ("excluded", spec(CONFIG, mode="ON_WITH_EXCLUSION", exclusion={"services": ["parcels.default.svc.cluster.local"]}), call("POST"), True),
]  # fmt: skip


@pytest.mark.parametrize(("change", "request_", "wanted"), [pytest.param(*one[1:], id=one[0]) for one in EXAMPLES])
def test_roles_decide_as_the_examples_say(change, request_, wanted):
    assert is_allowed(mesh(change), request_) is wanted


def test_bytes_are_never_held_up():
    assert is_allowed(mesh(), Request.of({}), Chain.TCP, 9000)


def test_roles_are_out_of_force_where_a_policy_is_attached_and_after_1_5():
    policy = {
        "apiVersion": "security.istio.io/v1beta1",
        "kind": "AuthorizationPolicy",
        "metadata": {"name": "all", "namespace": "default"},
        "spec": {"rules": [{}]},
    }
    assert not is_allowed(mesh(release=(1, 4)), call("POST"))
    assert is_allowed(mesh(release=(1, 4), extra=[policy]), call("POST"))
    assert is_allowed(mesh(release=(1, 6)), call("POST"))


def test_a_cluster_configuration_comes_before_the_other_since_1_1():
    wide = {"apiVersion": "rbac.istio.io/v1alpha1", "kind": "ClusterRbacConfig", "metadata": {"name": "default"}}
    wide["spec"] = {"mode": "OFF"}
    assert not is_allowed(mesh(extra=[wide]), call("POST"))
    assert is_allowed(mesh(release=(1, 2), extra=[wide]), call("POST"))


def test_all_requests_are_decided_by_the_same_gates():
    found = mesh(set_(rule, paths=["/parcels*"]))
    workload = next(one for one in found.workloads if one.name == "parcels")
    gates = gates_at(found, workload, 80, Chain.HTTP)
    (admitted,) = [one.predicate for one in gates.allowing]
    answer = satisfiable(admitted)
    assert isinstance(answer, Some)
    assert answer.request.get(a.PRINCIPAL) == CART
    assert decided(gates, answer.request).is_allowed


def test_what_later_releases_added_to_roles_is_not_guessed():
    found = mesh(set_(rule, ports=[80]), release=(1, 3))
    workload = next(one for one in found.workloads if one.name == "parcels")
    (role_rule,) = enforcement(found, workload, 80, Chain.HTTP).gates.allowing
    assert unclear_parts(role_rule.predicate) == ("the field `ports` of a role or binding",)
