"""Rules of the Gateway API that get no requests at any place they are attached to."""

from meshlint.mesh.model import Mesh
from meshlint.source.parse import parse
from meshlint.source.text import Source
from meshlint.space.order import lost_rules

GATEWAY = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: shop}
spec: {gatewayClassName: istio, listeners: [{name: http, port: 80, protocol: HTTP}]}
"""
ROUTE = """
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: NAME, namespace: shop}
spec:
  parentRefs: [{name: gw}]
  hostnames: [HOSTNAMES]
  rules: [RULES]
"""
BACKEND = "backendRefs: [{name: s, port: 80}]"
API = f"{{matches: [{{path: {{value: /api}}}}], {BACKEND}}}"
LOGIN = f"{{matches: [{{path: {{value: /api}}, headers: [{{name: a, value: b}}]}}], {BACKEND}}}"


def route(name, hostnames, *rules):
    text = ROUTE.replace("NAME", name, 1).replace("HOSTNAMES", hostnames)
    return text.replace("RULES", ", ".join(rules))


def lost(*texts):
    documents = parse(Source("in.yaml", "---".join((GATEWAY, *texts)))).documents
    return [(one.node.pointer, one.is_rule) for one in lost_rules(Mesh(documents))]


def test_a_rule_that_asks_for_the_same_as_one_before_it_is_lost():
    assert lost(route("r", "a.org", API, API)) == [("/spec/rules/1", True)]


def test_a_rule_that_asks_for_more_is_sorted_before_and_keeps_its_requests():
    assert lost(route("r", "a.org", API, LOGIN)) == []


def test_a_rule_that_still_gets_requests_for_another_hostname_is_not_lost():
    assert lost(route("r", "a.org", API), route("s", "'a.org', b.org", API)) == []
    wide = f"{{matches: [{{path: {{type: RegularExpression, value: /x.*}}}}], {BACKEND}}}"
    catch_all = f"{{{BACKEND}}}"
    assert lost(route("r", "a.org", catch_all), route("s", "'a.org', b.org", wide)) == []
    assert lost(route("r", "a.org", catch_all), route("s", "a.org", wide)) == [("/spec/rules/0", True)]


def test_which_of_two_routes_is_older_is_not_guessed():
    assert lost(route("r", "a.org", API), route("s", "a.org", API)) == []


def test_two_definitions_of_one_route_do_not_take_each_others_requests():
    wide = f"{{{BACKEND}}}"
    regex = f"{{matches: [{{path: {{type: RegularExpression, value: /x.*}}}}], {BACKEND}}}"
    assert lost(route("r", "a.org", wide), route("r", "a.org", regex)) == []


def test_a_match_among_others_is_lost_by_itself():
    both = f"{{matches: [{{path: {{value: /api}}}}, {{path: {{value: /b}}}}], {BACKEND}}}"
    assert lost(route("r", "a.org", API, both)) == [("/spec/rules/1/matches/0", False)]
