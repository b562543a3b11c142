"""Route tables, read concretely: the first route whose predicate holds is the one Envoy takes (A1-A31 of the cases)."""

import pytest
import yaml

from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import holds
from meshlint.request import (
    AUTHORITY,
    CLIENT_NAMESPACE,
    GATEWAY,
    METHOD,
    PATH,
    PORT,
    Request,
    client_label,
    header,
    query,
)
from meshlint.source.parse import parse
from meshlint.source.text import Source

PLAIN = {GATEWAY: "mesh", PORT: "80", METHOD: "GET", PATH: "/", AUTHORITY: "svc", CLIENT_NAMESPACE: "default"}


def table(routes: str, **spec: object):
    """The HTTP table of a VirtualService with these routes, written as a flow list; `to: x` stands for a destination."""
    written = yaml.safe_load(routes)
    http = [{**route, "route": [{"destination": {"host": "x"}}]} for route in written]
    document = {
        "apiVersion": "networking.istio.io/v1",
        "kind": "VirtualService",
        "metadata": {"name": "vs", "namespace": "default"},
        "spec": {"hosts": ["svc"], **spec, "http": http},
    }
    mesh = Mesh(parse(Source("vs.yaml", yaml.safe_dump(document))).documents)
    (found,) = mesh.route_tables
    return found


def taken(routes: str, values: dict, **spec: object) -> int | None:
    """The index of the route that takes a plain request with these values, None for a 404."""
    request = Request.of({**PLAIN, **values})
    found = table(routes, **spec).routes
    return next((index for index, route in enumerate(found) if holds(route.predicate, request)), None)


REGEX_FIRST = '[{match: [{uri: {regex: "/a.*"}}]}, {match: [{uri: {exact: /ab}}]}]'
SEGMENTS = "[{match: [{uri: {prefix: /api}}]}, {}]"
SLASHED = "[{match: [{uri: {prefix: /api/}}]}]"
EXACT = "[{match: [{uri: {exact: /api}}]}, {}]"
FOLDED = (
    "[{match: [{uri: {regex: /api}, ignoreUriCase: true}]}, {match: [{uri: {prefix: /API}, ignoreUriCase: true}]}, {}]"
)
DEAD = '[{match: [{uri: {exact: ""}}, {uri: {prefix: api}}]}, {}]'
PARTIAL = '[{match: [{uri: {regex: "/a.+"}}]}, {}]'
COOKIE = '[{match: [{headers: {cookie: {regex: "^(.*?;)?(user=jason)(;.*)?$"}}}]}, {}]'
EMPTY = '[{match: [{headers: {t: {exact: ""}}}]}, {match: [{withoutHeaders: {t: {exact: ""}}}]}, {}]'
WITHOUT = "[{match: [{withoutHeaders: {t: {exact: a}}}]}, {match: [{withoutHeaders: {t: {}}}]}, {}]"
JOINED = "[{match: [{headers: {T: {exact: a}}}]}, {}]"
QUERY = '[{match: [{queryParams: {k: {exact: v}}}]}, {match: [{queryParams: {k: {exact: ""}}}]}, {}]'
AUTHORITIES = "[{match: [{authority: {exact: svc}}]}, {}]"
ENTRIES = "[{match: [{uri: {prefix: /a}}, {}]}, {match: [{uri: {prefix: /b}}]}]"
VERSION = '[{match: [{uri: {prefix: /}, headers: {v: {exact: "2"}}}]}, {}]'
LABELS = "[{match: [{sourceLabels: {app: a}}]}, {match: [{uri: {prefix: /b}}]}, {}]"
GATED = "[{match: [{gateways: [mesh], sourceLabels: {app: a}}]}, {}]"
NAMESPACE = "[{match: [{sourceNamespace: ns1}]}, {match: [{uri: {prefix: /b}}]}]"
LABEL = client_label("app")

CASES = [
    ("A1", REGEX_FIRST, {PATH: "/ab"}, 0),
    ("A1", REGEX_FIRST, {PATH: "/b"}, None),
    ("A2", SEGMENTS, {PATH: "/apiv2"}, 0),
    ("A2", SEGMENTS, {PATH: "/api%2Fv2"}, 0),
    ("A2", SEGMENTS, {PATH: "/API"}, 1),
    ("A2", SEGMENTS, {PATH: "/ap"}, 1),
    ("A3", SLASHED, {PATH: "/api"}, None),
    ("A3", SLASHED, {PATH: "/api/"}, 0),
    ("A4", EXACT, {PATH: "/api/"}, 1),
    ("A4", EXACT, {PATH: "/api", query("x"): "1"}, 0),
    ("A5", FOLDED, {PATH: "/API"}, 1),
    ("A5", FOLDED, {PATH: "/api"}, 0),
    ("A5", FOLDED, {PATH: "/Other"}, 2),
    ("A6", DEAD, {PATH: "/"}, 1),
    ("A6", DEAD, {PATH: "/api"}, 1),
    ("A7", PARTIAL, {PATH: "/a", query("x"): "1"}, 1),
    ("A7", PARTIAL, {PATH: "/ab"}, 0),
    ("A7", PARTIAL, {PATH: "/z/ab"}, 1),
    ("A8", COOKIE, {header("cookie"): "a=1; user=jason"}, 1),
    ("A8", COOKIE, {header("cookie"): "a=1;user=jason"}, 0),
    ("A8", COOKIE, {header("cookie"): "user=jason; b=2"}, 0),
    ("A9", EMPTY, {}, 2),
    ("A9", EMPTY, {header("t"): ""}, 0),
    ("A9", EMPTY, {header("t"): "1"}, 1),
    ("A10", WITHOUT, {}, 0),
    ("A10", WITHOUT, {header("t"): "b"}, 0),
    ("A10", WITHOUT, {header("t"): "a"}, 2),
    ("A11", JOINED, {header("t"): "a,b"}, 1),
    ("A11", JOINED, {header("T"): "a"}, 0),
    ("A12", QUERY, {query("k"): "v"}, 0),
    ("A12", QUERY, {query("k"): "x"}, 2),
    ("A12", QUERY, {query("k"): "%76"}, 2),
    ("A12", QUERY, {query("k"): ""}, 1),
    ("A12", QUERY, {query("K"): "v"}, 2),
    ("A13", AUTHORITIES, {AUTHORITY: "svc"}, 0),
    ("A13", AUTHORITIES, {AUTHORITY: "svc:80"}, 1),
    ("A13", AUTHORITIES, {AUTHORITY: "SVC"}, 1),
    ("A14", ENTRIES, {PATH: "/b"}, 0),
    ("A21", VERSION, {header("v"): "2"}, 0),
    ("A21", VERSION, {header("v"): "3"}, 1),
    ("A22", LABELS, {LABEL: "a", PATH: "/b"}, 0),
    ("A22", LABELS, {LABEL: "b", PATH: "/b"}, 1),
    ("A22", LABELS, {LABEL: "b"}, 2),
    ("A23", GATED, {LABEL: "b"}, 0),
    ("A31", NAMESPACE, {CLIENT_NAMESPACE: "ns2", PATH: "/c"}, None),
    ("A31", NAMESPACE, {CLIENT_NAMESPACE: "ns2", PATH: "/b"}, 1),
    ("A31", NAMESPACE, {CLIENT_NAMESPACE: "ns1", PATH: "/b"}, 0),
]


@pytest.mark.parametrize(
    ("case", "routes", "values", "wanted"), CASES, ids=lambda one: one if str(one)[0] == "A" else ""
)
def test_the_first_route_that_matches_takes_the_request(case, routes, values, wanted):
    assert taken(routes, values) == wanted, case


def test_a_port_that_is_not_dialed_keeps_a_route_out():
    assert taken("[{match: [{port: 8080}]}]", {PORT: "8080"}) == 0
    assert taken("[{match: [{port: 8080}]}]", {PORT: "80"}) is None


def test_a_match_on_a_gateway_that_the_virtual_service_is_not_bound_to_never_holds():
    assert taken("[{match: [{gateways: [ns/gw]}]}]", {GATEWAY: "ns/gw"}, gateways=["mesh"]) is None


def test_gateway_names_are_completed_with_the_namespace_of_the_virtual_service():
    routes = "[{match: [{gateways: [egw]}]}, {}]"
    bound = {"gateways": ["mesh", "default/egw"]}
    assert taken(routes, {GATEWAY: "default/egw"}, **bound) == 0
    assert taken(routes, {GATEWAY: "mesh"}, **bound) == 1


def test_a_route_is_a_catch_all_only_in_the_spellings_that_istio_knows():
    spellings = {
        "[{}]": True,
        "[{match: [{uri: {prefix: /}}]}]": True,
        '[{match: [{uri: {regex: ".*"}}]}]': True,
        "[{match: [{}]}]": True,
        '[{match: [{uri: {prefix: ""}}]}]': False,
        '[{match: [{uri: {regex: "/.*"}}]}]': False,
        "[{match: [{uri: {prefix: /}, method: {exact: GET}}]}]": False,
        "[{match: [{sourceLabels: {app: a}}]}]": False,
        "[{match: [{port: 80}]}]": False,
    }
    assert {text: table(text).routes[0].is_catch_all for text in spellings} == spellings
