"""Which schema a document has to fit depends on the release aimed at, where kinds and fields came or went."""

import pytest

from meshlint.resources import schema
from resources.schema_documents import read, type_of

ROLE = """\
apiVersion: rbac.istio.io/v1alpha1
kind: ServiceRole
metadata: {name: viewer}
spec:
  rules:
  - services: ["*"]
    methods: [GET]
"""
ROUTE = """\
apiVersion: networking.istio.io/v1alpha3
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
  - route:
    - destination: {host: shop}
"""
LEGACY = """\
apiVersion: config.istio.io/v1alpha2
kind: %s
metadata: {name: one}
spec: {%s}
"""


def found(text: str, release: tuple[int, int]) -> list[tuple[str, str]]:
    root = read(text)
    return [(one.kind, one.node.pointer) for one in schema.violations(root, *type_of(root), release)]


@pytest.mark.parametrize("release", [(1, 0), (1, 4), (1, 7), (1, 30)])
def test_a_kind_of_1_0_is_known_whatever_the_release(release):
    assert found(ROLE, release) == []
    assert found(ROLE.replace("[GET]", "GET"), release) == [("wrong-type", "/spec/rules/0/methods")]


def test_a_misplaced_field_of_a_gone_kind_is_sent_where_it_belongs():
    root = read(ROLE.replace("    methods", "  methods"))
    unknown = [one for one in schema.violations(root, *type_of(root), (1, 30)) if one.kind == "unknown-field"]
    assert [one.message for one in unknown] == ["`methods` is not a field of `spec`: it belongs in `rules[0]`"]


def test_what_the_validator_of_1_0_demands_is_demanded_by_1_0_alone():
    text = ROLE.replace("    methods: [GET]\n", "")
    root = read(text)
    (violation,) = schema.violations(root, *type_of(root), (1, 0))
    assert violation.message == "`spec.rules[0]` has no `methods`, at least one is required"
    assert found(text.replace("services", "methods: []\n    services"), (1, 0)) == [
        ("missing-field", "/spec/rules/0/methods")
    ]
    assert found(text, (1, 1)) == found(text, (1, 30)) == []


def test_a_demand_is_not_met_by_a_field_in_the_wrong_place():
    assert found(ROLE.replace("    methods", "  methods"), (1, 0)) == [
        ("missing-field", "/spec/rules/0"),
        ("unknown-field", "/spec/methods"),
    ]


def test_between_1_0_and_its_end_a_kind_may_have_had_fields_nobody_knows():
    text = ROLE + "    hosts: [shop]\n"
    assert found(text, (1, 0)) == found(text, (1, 8)) == [("unknown-field", "/spec/rules/0/hosts")]
    assert found(text, (1, 1)) == found(text, (1, 7)) == []


def test_a_field_that_went_is_unknown_from_then_on():
    text = ROUTE.replace("  - route:", "  - websocketUpgrade: true\n    route:")
    assert found(text, (1, 0)) == found(text, (1, 5)) == []
    assert found(text, (1, 6)) == found(text, (1, 30)) == [("unknown-field", "/spec/http/0/websocketUpgrade")]


def test_a_field_that_came_later_is_unknown_to_1_0():
    text = ROUTE.replace("hosts: [shop]", 'hosts: [shop]\n  exportTo: ["."]')
    assert found(text, (1, 0)) == [("unknown-field", "/spec/exportTo")]
    assert found(text, (1, 1)) == found(text, (1, 30)) == []


def test_protobufs_spelling_and_numbers_in_quotes_are_read_in_1_0():
    quota = "quotas: [{name: a, max_amount: '500', validDuration: 1s}]"
    assert found(LEGACY % ("memquota", quota), (1, 0)) == []
    assert found(LEGACY % ("memquota", quota.replace("500", "many")), (1, 0)) == [
        ("invalid-value", "/spec/quotas/0/max_amount")
    ]
    assert found(LEGACY % ("tracespan", "http_status_code: response.code"), (1, 0)) == [
        ("unknown-field", "/spec/http_status_code")
    ]


def test_the_fields_of_a_kind_with_two_spellings_are_listed_once():
    root = read(LEGACY % ("fluentd", "nothing: 1"))
    (violation,) = schema.violations(root, *type_of(root), (1, 0))
    assert violation.help == "its fields are `address` and `integerDuration`"


def test_a_host_without_a_dot_is_refused_by_1_0():
    text = ROUTE.partition("spec:")[0].replace("VirtualService", "ServiceEntry")
    text += "spec: {hosts: [shop], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS}\n"
    assert found(text, (1, 0)) == [("invalid-value", "/spec/hosts/0")]
    assert found(text, (1, 30)) == []


def test_a_mesh_configuration_within_an_operator_is_checked():
    text = "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nspec: {meshConfig: {accesLogFile: a}, hub: b}\n"
    assert found(text, (1, 30)) == [("unknown-field", "/spec/meshConfig/accesLogFile")]


@pytest.mark.parametrize("kind", ["TCPRoute", "UDPRoute"])
def test_kinds_of_the_gateway_apis_experimental_channel_are_known(kind):
    text = f"apiVersion: gateway.networking.k8s.io/v1alpha2\nkind: {kind}\nmetadata: {{name: a}}\n"
    assert found(text + "spec: {rules: [{backendRefs: [{name: a, port: 1}]}]}\n", (1, 30)) == []
    assert found(text + "spec: {rules: []}\n", (1, 30)) == [("invalid-value", "/spec/rules")]
