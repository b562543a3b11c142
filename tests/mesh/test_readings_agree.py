"""The two readings of routes agree on random VirtualServices: what `trace` chooses is the first match of the table."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint import request as a
from meshlint import session, space
from meshlint.config import Config
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromPod
from meshlint.mesh.predicate import both, holds
from meshlint.mesh.routing import static
from meshlint.mesh.scope import where
from meshlint.mesh.steps import Kind
from meshlint.mesh.trace import trace
from meshlint.request import Request, client_label, header, query
from meshlint.source.parse import parse
from meshlint.source.text import Source
from meshlint.space import Some

COUNT = 4
PATHS = ("/", "/a", "/a/", "/a/b", "/ab", "/A")
PORTS = (80, 8080)
LABELS = {}, {"app": "x"}, {"app": "y"}

_text = st.one_of(
    st.fixed_dictionaries({"exact": st.sampled_from(["x", "y"])}),
    st.fixed_dictionaries({"prefix": st.sampled_from(["x"])}),
    st.fixed_dictionaries({"regex": st.sampled_from(["x|y", "[a-z]+"])}),
)
_uri = st.one_of(
    st.fixed_dictionaries({"exact": st.sampled_from(PATHS)}),
    st.fixed_dictionaries({"prefix": st.sampled_from(PATHS)}),
    st.fixed_dictionaries({"regex": st.sampled_from(["/a.*", ".*", "/[ab]+"])}),
)
_named = st.dictionaries(st.sampled_from(["h", "k"]), _text, min_size=1, max_size=2)
_match = st.fixed_dictionaries(
    {},
    optional={
        "uri": _uri,
        "ignoreUriCase": st.booleans(),
        "method": st.fixed_dictionaries({"exact": st.sampled_from(["GET", "POST"])}),
        "headers": _named,
        "withoutHeaders": _named,
        "queryParams": _named,
        "sourceLabels": st.sampled_from([{"app": "x"}, {"app": "y"}]),
        "port": st.sampled_from(PORTS),
        "gateways": st.sampled_from([["mesh"], ["gate"], ["mesh", "gate"]]),
    },
)
_routes = st.lists(st.lists(_match, max_size=2), min_size=1, max_size=COUNT)
_request = st.fixed_dictionaries(
    {
        "path": st.sampled_from(PATHS),
        "method": st.sampled_from(["GET", "POST"]),
        "port": st.sampled_from(PORTS),
        "labels": st.sampled_from(LABELS),
        "headers": st.dictionaries(st.sampled_from(["h", "k"]), st.sampled_from(["x", "y", "z", ""]), max_size=2),
        "query": st.dictionaries(st.sampled_from(["h", "k"]), st.sampled_from(["x", "z"]), max_size=2),
    }
)
_steady = settings(max_examples=150, deadline=None, derandomize=True, database=None)


def written(kind, name, spec, api="networking.istio.io/v1"):
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, "spec": spec}


def sources(routes):
    """A service `front` at sidecars and at a gateway, and a service for each route, so that the cluster tells the route."""
    ports = [{"name": f"http-{port}", "port": port} for port in PORTS]
    names = ("front", *(f"to{index}" for index in range(len(routes))))
    things = [written("Service", name, {"ports": ports}, "v1") for name in names]
    http = [
        {"match": entries, "route": [{"destination": {"host": f"to{index}"}}]} for index, entries in enumerate(routes)
    ]
    hosts = ["front.shop.svc.cluster.local"]
    things.append(written("VirtualService", "front", {"hosts": hosts, "gateways": ["mesh", "gate"], "http": http}))
    servers = [{"port": {"number": port, "name": f"h{port}", "protocol": "HTTP"}, "hosts": ["*"]} for port in PORTS]
    things.append(written("Gateway", "gate", {"selector": {"istio": "gate"}, "servers": servers}))
    pods = {"metadata": {"labels": {"istio": "gate"}, "annotations": {"inject.istio.io/templates": "gateway"}}}
    pods["spec"] = {"containers": [{"name": "istio-proxy", "image": "auto"}]}
    things.append(written("Deployment", "gate", {"template": pods}, "apps/v1"))
    return [Source("mesh.json", "\n---\n".join(json.dumps(thing) for thing in things))]


def mesh_of(texts):
    return Mesh(tuple(document for one in texts for document in parse(one).documents))


def asked(given_, place):
    """The request to trace, and the same with what the proxy knows besides."""
    values = {
        a.SCHEME: "http",
        a.AUTHORITY: "front.shop.svc.cluster.local",
        a.PORT: str(given_["port"]),
        a.PATH: given_["path"],
        a.METHOD: given_["method"],
        **{header(name): value for name, value in given_["headers"].items()},
        **{query(name): value for name, value in given_["query"].items()},
    }
    known = {a.GATEWAY: place, a.CLIENT_NAMESPACE: "shop"}
    labels = given_["labels"] if place == "mesh" else {"istio": "gate"}
    known |= {client_label(name): value for name, value in labels.items()}
    return Request.of(values), Request.of(values | known)


def chosen(mesh, known):
    """The outcome's host by the table: of the first route that matches, of the service where no route is kept, or none."""
    (table,) = (one for one in mesh.route_tables if one.block == "http")
    kept = [one for one in table.routes if any(holds(static(match.predicate), known) for match in one.matches)]
    if not kept:
        return "front" if known.get(a.GATEWAY) == "mesh" else None
    first = next((one for one in table.routes if holds(one.predicate, known)), None)
    return first.destinations[0].destination.host if first is not None else None


def reached(mesh, given_, place):
    """The host that `trace` sends the request to; None for a 404."""
    request, _ = asked(given_, place)
    origin = FromPod("shop", tuple(given_["labels"].items())) if place == "mesh" else AtGateway(place)
    outcome = trace(mesh, origin, request).outcome
    if outcome.kind is Kind.NOT_FOUND:
        return None
    return outcome.cluster.rpartition("|")[2].partition(".")[0]


@_steady
@given(_routes, st.lists(_request, min_size=1, max_size=4))
def test_what_is_chosen_is_the_first_match_of_the_table(routes, requests):
    mesh = mesh_of(sources(routes))
    for one in requests:
        for place in ("mesh", "shop/gate"):
            assert reached(mesh, one, place) == chosen(mesh, asked(one, place)[1])


@_steady
@given(_routes, st.lists(_request, min_size=1, max_size=4))
def test_a_route_said_to_get_nothing_is_never_chosen(routes, requests):
    mesh = mesh_of(sources(routes))
    (table,) = (one for one in mesh.route_tables if one.block == "http")
    scope = where(mesh, table.resource)
    answers = space.first_matches([both(scope, route.predicate) for route in table.routes])
    dead = {f"to{index}" for index, answer in enumerate(answers) if isinstance(answer, space.Empty)}
    for one in requests:
        assert {reached(mesh, one, place) for place in ("mesh", "shop/gate")}.isdisjoint(dead)


@_steady
@given(_routes)
def test_a_route_said_to_get_a_request_gets_that_request(routes):
    mesh = mesh_of(sources(routes))
    (table,) = (one for one in mesh.route_tables if one.block == "http")
    scope = where(mesh, table.resource)
    for index, answer in enumerate(space.first_matches([both(scope, route.predicate) for route in table.routes])):
        # The table leaves the labels of a gateway's pods open, although the input shows them.
        if isinstance(answer, Some) and not is_of_other_pods(answer.request):
            origin, request = as_asked(answer.request)
            outcome = trace(mesh, origin, request).outcome
            assert outcome.cluster.rpartition("|")[2] == f"to{index}.shop.svc.cluster.local"


def is_of_other_pods(witness):
    """Whether a witness is of a gateway whose pods have labels that those of the input lack."""
    return witness.get(a.GATEWAY) == "shop/gate" and any("proxy.label:" in key for key, _ in witness.values)


def as_asked(witness):
    """Whom a witness of the routes comes from, and the request as that client sends it."""
    labels = [(key.removeprefix("proxy.label:"), value) for key, value in witness.values if "proxy.label:" in key]
    place = witness.get(a.GATEWAY)
    origin = AtGateway(place) if place not in (None, "mesh") else FromPod("shop", tuple(labels))
    request = witness.but(a.AUTHORITY, "front.shop.svc.cluster.local").but(a.SCHEME, "http")
    return origin, request.but(a.PORT, witness.get(a.PORT) or "80")


@_steady
@given(_routes)
def test_no_witness_of_a_rule_on_routes_is_contradicted_by_trace(routes):
    texts = sources(routes)
    mesh = mesh_of(texts)
    for finding in session.lint(texts, Config(extend_select=("MSH1",))).findings:
        witness = finding.problem.witness
        if witness is not None and finding.rule.code in ("MSH101", "MSH125"):
            position = finding.problem.node.path[2]
            origin, request = as_asked(witness.request)
            outcome = trace(mesh, origin, request).outcome
            assert outcome.cluster.rpartition("|")[2] != f"to{position}.shop.svc.cluster.local"
