"""Worked cases of the Gateway API, A82 to A89 and one or more for each statement R901 to R915: `trace` ends where they say.

The cases are in `fixtures/trace/gateway_api.yaml`. Routes of a case are older the earlier they stand in it.
"""

from pathlib import Path

import pytest
import yaml

from meshlint import request as a
from meshlint.mesh.applied import kept
from meshlint.mesh.asked import asked
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromOutside, FromPod, gateway_pods
from meshlint.mesh.paths import rewritten
from meshlint.mesh.routing import bound_gateways
from meshlint.mesh.settings import Settings
from meshlint.mesh.steps import Kind
from meshlint.mesh.trace import trace
from meshlint.mesh.translated import all_virtual_services
from meshlint.source.parse import parse
from meshlint.source.text import Source

CASES = yaml.safe_load((Path(__file__).parents[1] / "fixtures" / "trace" / "gateway_api.yaml").read_text("utf-8"))
GROUPS = {
    "Service": "v1",
    "Namespace": "v1",
    "Deployment": "apps/v1",
    "ServiceEntry": "networking.istio.io/v1",
    "VirtualService": "networking.istio.io/v1",
    "AuthorizationPolicy": "security.istio.io/v1",
}
KINDS = {kind.value for kind in Kind}
STANDARD = ("svc", "x", "y2", "z", "d", "w")


def thing(kind, name, spec, namespace="default", age=0, *, labels=None):
    meta = {"name": name, "labels": labels or {}, "creationTimestamp": f"2026-01-01T00:00:{age:02}Z"}
    if namespace:
        meta["namespace"] = namespace
    return {
        "apiVersion": GROUPS.get(kind, "gateway.networking.k8s.io/v1"),
        "kind": kind,
        "metadata": meta,
        "spec": spec,
    }


def split(text):
    """The parts of `NAMESPACE/NAME:PORT/PROTOCOL*WEIGHT`, of which only the name must be there."""
    text, _, weight = text.partition("*")
    head, _, port = text.partition(":")
    number, _, protocol = port.partition("/")
    namespace, _, name = head.rpartition("/")
    return namespace, name, int(number or 80), protocol or "http", weight


def service(text):
    namespace, name, port, protocol, _ = split(text)
    ports = [{"port": port, "name": f"{protocol}-{port}"}]
    if port == 80:
        ports.append({"port": 8080, "name": "http-8080"})
    return thing("Service", name, {"selector": {"app": name}, "ports": ports}, namespace or "default")


def backend(text):
    namespace, name, port, _, weight = split(text)
    found = {"name": name, "port": port}
    return found | ({"namespace": namespace} if namespace else {}) | ({"weight": int(weight)} if weight else {})


def route(position, written):
    spec = {key: written[key] for key in ("hostnames",) if key in written}
    spec["parentRefs"] = written.get("parents", [{"name": "gw", "namespace": "default"}])
    spec["rules"] = [
        {key: value for key, value in rule.items() if key != "to"}
        | ({"backendRefs": [backend(one) for one in rule["to"]]} if "to" in rule else {})
        for rule in written["rules"]
    ]
    kind = written.get("kind", "HTTPRoute")
    return thing(kind, written.get("name", f"r{position}"), spec, written.get("ns", "default"), position)


def gateway(case):
    listeners = case.get("listeners", [{"name": "http", "protocol": "HTTP", "port": 80}])
    opened = {"namespaces": {"from": "All"}}
    listeners = [{"allowedRoutes": opened, **one} for one in listeners]
    spec = {"gatewayClassName": case.get("class", "istio"), "listeners": listeners}
    spec |= {key: case[key] for key in ("addresses", "allowedListeners") if key in case}
    return thing("Gateway", "gw", spec)


def mesh_of(case, release):
    own = case.get("services", ())
    named = {split(one)[:2] for one in own}
    things = [service(one) for one in own] + [service(one) for one in STANDARD if ("", one) not in named]
    things += [
        thing(one["kind"], one["name"], one.get("spec"), one.get("ns", "default"), labels=one.get("labels"))
        for one in case.get("objects", ())
    ]
    things.append(gateway(case))
    things += [route(position, one) for position, one in enumerate(case["routes"])]
    return Mesh(
        parse(Source("case.yaml", yaml.safe_dump_all(things))).documents, settings=Settings(istio_version=release)
    )


def origin(how):
    if how.get("from") == "external":
        return FromOutside()
    return FromPod(how["ns"]) if "ns" in how else AtGateway("default/gw")


def traced(case, where, how):
    url = where if "://" in where else f"http://any.org{where}"
    request = asked(url, method=how.get("method", "GET"), headers=how.get("headers", ()))
    return trace(mesh_of(case, tuple(how.get("release", (1, 30)))), origin(how), request)


def sent(case, where):
    """The request that the server sees after the rewrite of the first route."""
    mesh = mesh_of(case, (1, 30))
    (vs,) = all_virtual_services(mesh)
    (client,) = gateway_pods(mesh, "default/gw")
    rule = kept(mesh, client, vs, 80, bound_gateways(vs)[0])[0]
    return rewritten(asked(f"http://any.org{where}"), rule.rule.route.node.get("rewrite"), rule.matches[0])


def cluster_name(wanted):
    namespace, name, port, _, _ = split(wanted)
    host = name if "." in name else f"{name}.{namespace or 'default'}.svc.cluster.local"
    return f"outbound|{port}||{host}"


CALLS = [
    pytest.param(case, *call[:2], call[2] if len(call) > 2 else {}, id=f"{name}-{call[0]}-{call[1]}")
    for name, case in CASES.items()
    for call in case["calls"]
]


@pytest.mark.parametrize(("case", "where", "wanted", "how"), CALLS)
def test_a_worked_case_ends_as_it_says(case, where, wanted, how):
    found = traced(case, where, how).outcome
    if wanted in KINDS:
        assert found.kind.value == wanted, found
    else:
        assert (found.kind, found.cluster) == (Kind.CLUSTER, cluster_name(wanted)), found
    if "status" in how:
        assert found.status == how["status"]
    if "to" in how:
        assert found.why == how["to"]
    if "shares" in how:
        assert [one.share for one in found.weights] == how["shares"]
        assert sum(bool(one.trouble) for one in found.weights) == how.get("troubles", 0)
    if "path" in how:
        assert sent(case, where).get(a.PATH) == how["path"]
    if "authority" in how:
        assert sent(case, where).get(a.AUTHORITY) == how["authority"]


def test_each_statement_has_a_case():
    numbers = {name.partition("-")[0] for name in CASES}
    assert numbers >= {f"R{number}" for number in range(901, 916) if number != 906}, "A82 is the case of R906"
    assert numbers >= {f"A{number}" for number in range(82, 90)}


LEFT_OUT = [
    ({"parents": [{"name": "none"}], "rules": []}, "HTTPRoute default/r0 is not attached: there is no such parent"),
    ({"rules": [{"backendRefs": [{"name": "x"}]}]}, "HTTPRoute default/r0 counts for nothing: a backend needs a port"),
]


@pytest.mark.parametrize(("written", "why"), LEFT_OUT)
def test_where_nobody_has_the_host_the_routes_that_were_for_it_are_named(written, why):
    found = traced({"routes": [{"hostnames": ["a.org"], **written}]}, "http://a.org/", {})
    assert [fact.text for fact in found.steps[-1].facts] == [why]


def test_an_identity_of_its_own_is_what_a_deployed_gateway_shows():
    objects = [
        {"kind": "Deployment", "name": "x", "spec": {"template": {"metadata": {"labels": {"app": "x"}}}}},
        {
            "kind": "AuthorizationPolicy",
            "name": "only-the-gateway",
            "spec": {
                "selector": {"matchLabels": {"app": "x"}},
                "rules": [{"from": [{"source": {"principals": ["cluster.local/ns/default/sa/gw-istio"]}}]}],
            },
        },
    ]
    case = {"objects": objects, "routes": [{"rules": [{"to": ["x"]}]}]}
    assert traced(case, "/", {}).outcome.kind is Kind.CLUSTER
    objects[1]["spec"]["rules"][0]["from"][0]["source"]["principals"] = ["cluster.local/ns/default/sa/other"]
    assert traced(case, "/", {}).outcome.kind is Kind.DENIED
