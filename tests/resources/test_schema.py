"""One mistake in an otherwise valid document gives one violation, at the place a person would mend."""

import pytest

from resources.schema_documents import VALID, found, mended, read, type_of, violations

ROUTE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop}
spec:
  hosts: [shop]
  http:
"""


def changed(kind: str, old: str, new: str) -> str:
    """The valid document of a kind with one passage replaced."""
    text = VALID[kind]
    assert text.count(old) == 1, f"{old!r} is not there exactly once"
    return text.replace(old, new)


@pytest.mark.parametrize("kind", VALID)
def test_a_valid_document_violates_nothing(kind):
    assert found(VALID[kind], kind) == []


MISTAKES = [
    ("VirtualService", "hosts: [shop, shop.example.com]", "hosts: shop", "wrong-type", "/spec/hosts", False),
    ("VirtualService", "gateways: [mesh, edge/public]", "gateways: mesh", "wrong-type", "/spec/gateways", False),
    ("VirtualService", "weight: 90", 'weight: "90"', "wrong-type", "/spec/http/0/route/0/weight", False),
    ("VirtualService", "timeout: 2.5s", "timeout: 5", "wrong-type", "/spec/http/0/timeout", False),
    ("VirtualService", "timeout: 2.5s", "timeout: 5 s", "invalid-value", "/spec/http/0/timeout", False),
    ("VirtualService", "timeout: 2.5s", "timeout: 0s", "invalid-value", "/spec/http/0/timeout", False),
    ("VirtualService", "subset: v2", "subsett: v2", "unknown-field", "/spec/http/0/route/0/destination/subsett", True),
    ("VirtualService", "port: 443}", "ports: 443}", "unknown-field", "/spec/tls/0/match/0/ports", True),
    ("VirtualService", "{prefix: /api}", "{prefix: /api, exact: /}", "invalid-combination", "/spec/http/0/match/0/uri/exact", True),
    ("VirtualService", '{set: {x-beta: "yes"}', "{set: {x-beta: yes}", "wrong-type", "/spec/http/0/route/0/headers/request/set/x-beta", False),
    ("VirtualService", "host: shop, subset: v1", "subset: v1", "missing-field", "/spec/http/0/route/1/destination", True),
    ("VirtualService", "team: checkout", "team: 7", "wrong-type", "/metadata/labels/team", False),
    ("DestinationRule", "mode: ISTIO_MUTUAL", "mode: ISTIO_MUTAL", "invalid-value", "/spec/trafficPolicy/tls/mode", False),
    ("DestinationRule", "  host: shop.store.svc.cluster.local\n", "  host:\n", "missing-field", "/spec/host", True),
    ("DestinationRule", "- name: v1", "- nmae: v1", "unknown-field", "/spec/subsets/0/nmae", True),
    ("DestinationRule", "labels: {version: v2}", "labels: {version: true}", "wrong-type", "/spec/subsets/1/labels/version", False),
    ("DestinationRule", "interval: 5m", "interval: 5minutes", "invalid-value", "/spec/trafficPolicy/outlierDetection/interval", False),
    ("DestinationRule", "maglev: {tableSize: 65537}", "maglev: {}\n        ringHash: {}", "invalid-combination", "/spec/trafficPolicy/loadBalancer/consistentHash/ringHash", True),
    ("Gateway", "mode: SIMPLE", "mode: SIMPEL", "invalid-value", "/spec/servers/1/tls/mode", False),
    ("Gateway", "port: {number: 80, name: http, protocol: HTTP}", "port: 80", "wrong-type", "/spec/servers/0/port", False),
    ("Gateway", "number: 80, name: http, ", "number: 80, ", "missing-field", "/spec/servers/0/port", True),
    ("ServiceEntry", "number: 443, name: tls", "number: 70000, name: tls", "invalid-value", "/spec/ports/0/number", False),
    ("ServiceEntry", "name: http, ", "name: tls, ", "invalid-combination", "/spec/ports/1", False),
    ("ServiceEntry", "hosts: [pay.example.com]", "hosts: []", "invalid-value", "/spec/hosts", False),
    ("ServiceEntry", "resolution: STATIC", "resolution: static", "invalid-value", "/spec/resolution", False),
    ("Sidecar", "mode: REGISTRY_ONLY", "mod: REGISTRY_ONLY", "unknown-field", "/spec/outboundTrafficPolicy/mod", True),
    ("WorkloadEntry", "ports: {grpc: 7070}", "ports: [7070]", "wrong-type", "/spec/ports", False),
    ("WorkloadGroup", "scheme: HTTPS", "scheme: TLS", "invalid-value", "/spec/probe/httpGet/scheme", False),
    ("AuthorizationPolicy", "action: ALLOW", "action: PERMIT", "invalid-value", "/spec/action", False),
    ("AuthorizationPolicy", 'ports: ["8080"]', "ports: [8080]", "wrong-type", "/spec/rules/0/to/0/operation/ports/0", False),
    ("AuthorizationPolicy", "principals: [cluster.local/ns/web/sa/web]", "principals: web", "wrong-type", "/spec/rules/0/from/0/source/principals", False),
    ("PeerAuthentication", "mtls: {mode: STRICT}", "mtls: STRICT", "wrong-type", "/spec/mtls", False),
    ("RequestAuthentication", "issuer: https://issuer.example.com\n", 'issuer: ""\n', "invalid-value", "/spec/jwtRules/0/issuer", False),
    ("RequestAuthentication", "forwardOriginalToken: true", 'forwardOriginalToken: "true"', "wrong-type", "/spec/jwtRules/0/forwardOriginalToken", False),
    ("Service", "port: 80,", "port: 70000,", "invalid-value", "/spec/ports/0/port", False),
    ("Service", "targetPort: 9000", "targetPort: true", "wrong-type", "/spec/ports/1/targetPort", False),
    ("Service", "type: ClusterIP", "types: ClusterIP", "unknown-field", "/spec/types", True),
    ("Namespace", "istio-injection: enabled", "istio-injection: true", "wrong-type", "/metadata/labels/istio-injection", False),
    ("Namespace", "name: store", "name: My_Store", "invalid-value", "/metadata/name", False),
    ("ServiceAccount", "automountServiceAccountToken: false", "automountServiceAccountToken: 0", "wrong-type", "/automountServiceAccountToken", False),
    ("Pod", "containerPort: 8080", 'containerPort: "8080"', "wrong-type", "/spec/containers/0/ports/0/containerPort", False),
    ("Pod", 'value: "1"', "value: 1", "wrong-type", "/spec/containers/0/env/0/value", False),
    ("Deployment", "version: v1", "version: 1", "wrong-type", "/spec/template/metadata/labels/version", False),
    ("Deployment", 'sidecar.istio.io/inject: "true"', "sidecar.istio.io/inject: true", "wrong-type", "/spec/template/metadata/annotations/sidecar.istio.io~1inject", False),
    ("StatefulSet", "podManagementPolicy: Parallel", "podManagementPolicy: All", "invalid-value", "/spec/podManagementPolicy", False),
    ("DaemonSet", "runAsUser: 1000", "runAsUser: root", "wrong-type", "/spec/template/spec/containers/0/securityContext/runAsUser", False),
    ("ReplicaSet", "replicas: 1", "replicas: [1]", "wrong-type", "/spec/replicas", False),
    ("Job", "command: [run]", "command: run", "wrong-type", "/spec/template/spec/containers/0/command", False),
    ("CronJob", "Forbid", "forbid", "invalid-value", "/spec/concurrencyPolicy", False),
    ("ConfigMap", 'meshNetworks: "networks: {}"', "meshNetworks: {networks: {}}", "wrong-type", "/data/meshNetworks", False),
    ("Secret", "tls.key: Yg==", "tls.key: 7", "wrong-type", "/data/tls.key", False),
    ("Endpoints", "ip: 192.0.2.1, ", "", "missing-field", "/subsets/0/addresses/0", False),
    ("MeshConfig", "mode: REGISTRY_ONLY", "mode: REGISTRY", "invalid-value", "/outboundTrafficPolicy/mode", False),
    ("MeshConfig", "drainDuration: 1m30s", "drainDuration: 90", "wrong-type", "/defaultConfig/drainDuration", False),
    ("MeshConfig", 'concurrency: "2"', "concurrency: two", "invalid-value", "/defaultConfig/concurrency", False),
    ("MeshNetworks", ", port: 15443", "", "missing-field", "/networks/north/gateways/0", False),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake[0]}-{mistake[2][:30]}")
def test_one_mistake_is_found_once_where_it_is(mistake):
    kind, old, new, *expected = mistake
    assert found(changed(kind, old, new), kind) == [tuple(expected)]


def test_every_kind_has_a_mistake():
    assert {kind for kind, *_ in MISTAKES} == set(VALID)


def test_a_field_one_level_too_low_is_sent_up():
    text = ROUTE + "  - route:\n    - destination: {host: shop}\n      fault: {abort: {httpStatus: 500}}\n"
    (violation,) = violations(text)
    assert (
        violation.message
        == "`fault` is not a field of `spec.http[0].route[0]`: it belongs one level up, beside `route`"
    )
    assert (violation.node.pointer, violation.on_key) == ("/spec/http/0/route/0/fault", True)


def test_a_field_too_high_is_sent_down_into_the_list_before_it():
    text = changed("AuthorizationPolicy", "    when:\n", "  when:\n").replace("    - {key:", "  - {key:")
    (violation,) = violations(text)
    assert violation.message == "`when` is not a field of `spec`: it belongs in `rules[0]`"


def test_a_field_is_sent_to_an_object_not_yet_written_if_only_one_has_it():
    text = changed("DestinationRule", "  subsets:\n", "  tls: {mode: DISABLE}\n  subsets:\n")
    (violation,) = violations(text.replace("    tls: {mode: ISTIO_MUTUAL}\n", ""))
    assert violation.message == "`tls` is not a field of `spec`: it belongs in `trafficPolicy`"


def test_a_field_that_several_objects_have_is_sent_to_none():
    (violation,) = violations(changed("VirtualService", "  hosts: [shop, shop", "  host: shop\n  hosts: [shop, shop"))
    assert violation.message == "`host` is not a field of `spec`"


def test_a_field_put_right_is_not_also_missing():
    text = ROUTE + "  - route:\n    - destination: {subset: v1}\n      host: shop\n"
    assert found(text) == [("unknown-field", "/spec/http/0/route/0/host", True)]


def test_a_misspelt_required_field_is_not_also_missing():
    text = ROUTE + "  - route:\n    - destination: {hots: shop}\n"
    assert found(text) == [("unknown-field", "/spec/http/0/route/0/destination/hots", True)]


@pytest.mark.parametrize("spelling", ["per_try_timeout", "pertrytimeout", "PerTryTimeout"])
def test_another_spelling_of_a_field_is_recognised(spelling):
    (violation,) = violations(changed("VirtualService", "perTryTimeout", spelling))
    assert violation.help == "did you mean `perTryTimeout`?"
    assert violation.fix is not None
    assert violation.fix.is_safe


def test_a_guess_at_a_name_is_no_safe_fix():
    text = changed("VirtualService", "subset: v2", "subsett: v2")
    assert mended(text) == VALID["VirtualService"]
    assert not violations(text)[0].fix.is_safe


def test_an_unknown_field_without_a_likeness_lists_the_fields():
    (violation,) = violations(changed("Gateway", "number: 80, ", "number: 80, quux: 1, "))
    assert violation.help == "its fields are `name`, `number`, `protocol` and `targetPort`"


def test_a_scalar_for_a_list_names_both():
    (violation,) = violations(changed("VirtualService", "hosts: [shop, shop.example.com]", "hosts: shop"))
    assert violation.message == "`hosts` is the string `shop`, a list is wanted"
    assert violation.help == "a lost dash?"


def test_a_lost_dash_is_put_back():
    text = changed("VirtualService", "gateways: [mesh, edge/public]", "gateways:\n    edge/public")
    assert "gateways:\n    - edge/public\n" in mended(text)


def test_a_scalar_on_the_keys_line_is_put_in_brackets():
    text = changed("VirtualService", "gateways: [mesh, edge/public]", "gateways: mesh")
    assert "gateways: [mesh]\n" in mended(text)


def test_a_number_for_a_text_is_quoted_as_written():
    text = changed("Deployment", "version: v1", "version: 1.10")
    assert violations(text)[0].help == 'quote it: `"1.10"`'
    assert 'version: "1.10"' in mended(text)


def test_a_quoted_number_loses_its_quotes():
    assert mended(changed("VirtualService", "weight: 90", 'weight: "90"')) == VALID["VirtualService"]


def test_a_wrong_type_says_nothing_about_what_is_below():
    text = ROUTE + "    route: [{destination: {subsett: 7}}]\n"
    assert found(text) == [("wrong-type", "/spec/http", False)]


def test_a_misspelt_value_is_compared_with_those_allowed():
    text = changed("Gateway", "mode: SIMPLE", "mode: SIMPEL")
    assert violations(text)[0].help == "did you mean `SIMPLE`?"
    assert mended(text) == VALID["Gateway"]


def test_a_value_in_the_wrong_case_is_safely_mended():
    text = changed("ServiceEntry", "resolution: STATIC", "resolution: static")
    assert mended(text) == VALID["ServiceEntry"]
    assert violations(text)[0].fix.is_safe


def test_a_duration_without_a_unit_gets_one_suggested():
    (violation,) = violations(changed("VirtualService", "timeout: 2.5s", 'timeout: "5"'))
    assert violation.help == "did you mean `5s`?"


def test_a_range_is_told_in_numbers():
    (violation,) = violations(changed("ServiceEntry", "number: 443, name: tls", "number: 70000, name: tls"))
    assert violation.message == "`number` is `70000`: it goes from 1 to 65535"


@pytest.mark.parametrize(("number", "fits"), [(0, False), (1, True), (65535, True), (65536, False)])
def test_a_range_includes_its_ends(number, fits):
    text = changed("ServiceEntry", "number: 443, name: tls", f"number: {number}, name: tls")
    assert (found(text) == []) is fits


def test_exclusive_fields_point_at_the_later_one():
    (violation,) = violations(changed("VirtualService", "{prefix: /api}", "{exact: /, prefix: /api}"))
    assert violation.message == "`prefix` excludes `exact`: only one of them may be set"


def test_a_null_field_counts_as_absent():
    assert found(changed("VirtualService", "timeout: 2.5s", "timeout:")) == []
    assert found(changed("VirtualService", "{prefix: /api}", "{prefix: /api, exact: null}")) == []


def test_a_null_element_is_a_wrong_type():
    text = changed("VirtualService", "hosts: [shop, shop.example.com]", "hosts: [shop, null]")
    assert found(text) == [("wrong-type", "/spec/hosts/1", False)]


def test_an_object_without_a_name_is_refused_and_a_generated_one_is_not():
    text = "apiVersion: v1\nkind: Endpoints\nmetadata: {}\n"
    assert found(text) == [("missing-field", "/metadata", True)]
    assert found(text.replace("{}", "{generateName: a-}")) == []


def test_a_partly_known_kind_takes_fields_nobody_knows():
    assert found(changed("Deployment", "replicas: 2", "replicas: 2\n  futureField: 1")) == []


def test_an_overlay_that_states_a_part_of_a_deployment_is_no_mistake():
    assert found("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {replicas: 3}\n") == []


def test_an_unknown_kind_violates_nothing():
    assert found("apiVersion: example.com/v1\nkind: Widget\nspec: 1\n") == []


def test_the_mesh_configuration_takes_both_spellings_of_a_field():
    assert found("enable_auto_mtls: true\nenableAutoMtls: true\n", "MeshConfig") == []


def test_violations_come_in_the_documents_order():
    text = changed("Gateway", "mode: SIMPLE", "mode: SIMPEL").replace("number: 80", "number: x")
    assert [pointer for _, pointer, _ in found(text)] == ["/spec/servers/0/port/number", "/spec/servers/1/tls/mode"]


def test_a_document_that_is_no_mapping_is_one_violation():
    from meshlint.resources import schema

    (violation,) = schema.violations(read("- 1\n"), "v1", "Service")
    assert violation.message == "the document is a list, a mapping is wanted"


def test_of_a_guessed_document_only_what_is_sure_is_told():
    from meshlint.resources import schema
    from meshlint.source.parse import parse
    from meshlint.source.text import Source

    text = (
        ROUTE.replace("hosts: [shop]", "hosts: shop")
        + "  - route:\n    - destination: {host: shop}\n     timeout: 1s\n"
    )
    (root,) = parse(Source("x", text)).documents
    found = schema.violations(root, *type_of(root))
    assert [(one.kind, one.node.pointer) for one in found] == [("wrong-type", "/spec/hosts")]
