"""The worked cases of routing, A1 to A81 and A90 to A96, and cases of single statements, by their ids: `trace` ends where they say.

They are in `fixtures/trace`: `routing.yaml`, `statements.yaml`, and `history.yaml` for what changed from release to release. Objects of a case are older the earlier they stand in it.
"""

from pathlib import Path

import pytest
import yaml

from meshlint import request as a
from meshlint.mesh.applied import kept
from meshlint.mesh.asked import asked
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromPod, sidecar
from meshlint.mesh.paths import rewritten
from meshlint.mesh.settings import Settings
from meshlint.mesh.steps import Kind
from meshlint.mesh.trace import trace
from meshlint.mesh.wire import call
from meshlint.source.parse import parse
from meshlint.source.text import Source

FIXTURES = Path(__file__).parents[1] / "fixtures" / "trace"
CASES = yaml.safe_load((FIXTURES / "routing.yaml").read_text("utf-8"))
STATEMENTS = yaml.safe_load((FIXTURES / "statements.yaml").read_text("utf-8"))
HISTORY = yaml.safe_load((FIXTURES / "history.yaml").read_text("utf-8"))
ELSEWHERE = {
    **{f"A{number}": "test_cases_gateway_api has the routes of the Gateway API" for number in range(82, 90)},
}
"""Cases that are no trace, or that the evaluator cannot express yet, and why."""
VERSIONS = {"Service": "v1", "Namespace": "v1", "Deployment": "apps/v1", "PeerAuthentication": "security.istio.io/v1"}
KINDS = {kind.value for kind in Kind}
STANDARD = ("svc", "x", "y2", "z", "d", "w", "e", "one", "two")


def thing(kind, name, spec, namespace="default", age=0, *, labels=None):
    return {
        "apiVersion": VERSIONS.get(kind, "networking.istio.io/v1"),
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": labels or {},
            "creationTimestamp": f"2026-01-01T00:00:{age:02}Z",
        },
        "spec": spec,
    }


def service(text):
    """`NAME`, `NAME:PORT` or `NAME:PORT/PROTOCOL`; without a port it has 80 and 8080."""
    name, _, rest = text.partition(":")
    number, _, protocol = rest.partition("/")
    ports = [int(number)] if number else [80, 8080]
    written = [{"port": port, "name": f"{protocol or 'http'}-{port}"} for port in ports]
    return thing("Service", name, {"selector": {"app": name}, "ports": written})


def destination(text):
    host, _, subset = text.partition("/")
    name, _, port = host.partition(":")
    found = {"host": name}
    if subset:
        found["subset"] = subset
    if port:
        found["port"] = {"number": int(port)}
    return found


def routed(routes):
    return [
        {
            **{k: v for k, v in one.items() if k != "to"},
            **({"route": [{"destination": destination(one["to"])}]} if "to" in one else {}),
        }
        for one in routes
    ]


def virtual_service(position, written):
    spec = {"hosts": written.get("hosts", ["svc"])}
    spec |= {key: written[key] for key in ("gateways", "exportTo") if key in written}
    spec |= {key: routed(written[key]) for key in ("http", "tls", "tcp") if key in written}
    return thing("VirtualService", written.get("name", f"vs{position}"), spec, written.get("ns", "default"), position)


def gateway(position, written):
    spec = {"selector": {"istio": written.get("istio", "ingressgateway")}, "servers": written["servers"]}
    return thing("Gateway", written.get("name", "gw"), spec, written.get("ns", "default"), position)


def control_plane():
    """An istiod that lets gateway pods take the Gateways of their own namespace only."""
    env = [{"name": "PILOT_SCOPE_GATEWAY_TO_NAMESPACE", "value": "true"}]
    pods = {"metadata": {"labels": {"app": "istiod"}}, "spec": {"containers": [{"name": "discovery", "env": env}]}}
    return thing("Deployment", "istiod", {"template": pods}, "istio-system", labels={"app": "istiod"})


def mesh_of(case):
    things = [service(one) for one in (*STANDARD, *case.get("services", ()))]
    if "mesh" in case:
        data = {"mesh": yaml.safe_dump(case["mesh"])}
        things.append({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio"}, "data": data})
    for position, one in enumerate(case.get("objects", ())):
        name = one.get("name", f"object{position}")
        things.append(
            thing(one["kind"], name, one["spec"], one.get("ns", "default"), position, labels=one.get("labels"))
        )
    if "scoped" in case:
        things.append(control_plane())
    things += [gateway(position, one) for position, one in enumerate(case.get("gateways", ()))]
    things += [virtual_service(position, one) for position, one in enumerate(case.get("vs", ()))]
    release = tuple(case.get("release", Settings().istio_version))
    for one in things:
        if release < (1, 5):
            one["apiVersion"] = one["apiVersion"].replace("networking.istio.io/v1", "networking.istio.io/v1alpha3")
    documents = parse(Source("case.yaml", yaml.safe_dump_all(things))).documents
    return Mesh(documents, settings=Settings(istio_version=release))


def origin(how):
    if "at" in how:
        return AtGateway(how["at"] if "/" in how["at"] else f"default/{how['at']}")
    labels = {"app": how["app"]} if "app" in how else {}
    return FromPod(how.get("ns", "default"), tuple(labels.items()))


def traced(case, where, how):
    url = where if "://" in where else "http://svc" + ("/" if where == "*" else where)
    others = [(a.SNI, how.get("sni")), (a.DESTINATION_IP, how.get("address"))]
    request = asked(url, method=how.get("method"), headers=how.get("headers", ()), others=others)
    return trace(mesh_of(case), origin(how), request.but(a.PATH, "*") if where == "*" else request)


def served_path(case, where):
    """The path that the server sees after the rewrite of the first route."""
    mesh = mesh_of(case)
    rule = next(iter(kept(mesh, sidecar(FromPod("default")), mesh.virtual_services[0], 80)))
    sent = call(asked("http://svc" + where), "DEFAULT")
    return rewritten(sent.request, rule.rule.setting("rewrite"), rule.matches[0]).get(a.PATH)


def cluster_name(wanted):
    to = destination(wanted)
    host = to["host"] if "." in to["host"] else f"{to['host']}.default.svc.cluster.local"
    return f"outbound|{to.get('port', {}).get('number', 80)}|{to.get('subset', '')}|{host}"


CALLS = [
    pytest.param(case, *call[:2], call[2] if len(call) > 2 else {}, id=f"{name}-{call[0]}-{call[1]}")
    for name, case in (CASES | STATEMENTS | HISTORY).items()
    for call in case["calls"]
]


@pytest.mark.parametrize(("case", "where", "wanted", "how"), CALLS)
def test_a_worked_case_ends_as_it_says(case, where, wanted, how):
    way = traced(case, where, how)
    found = way.outcome
    if wanted in KINDS:
        assert found.kind.value == wanted, found
    else:
        assert (found.kind, found.cluster) == (Kind.CLUSTER, cluster_name(wanted)), found
    if "path" in how:
        assert served_path(case, where) == how["path"]
    if "status" in how:
        assert found.status == how["status"]
    if "fact" in how:
        assert [one.text for step in way.steps for one in step.facts if how["fact"] in one.text], way.steps
    if "nofact" in how:
        assert not [one.text for step in way.steps for one in step.facts if how["nofact"] in one.text]
    if "why" in how:
        assert how["why"] in found.why
    if "shares" in how:
        assert [one.share for one in found.weights] == how["shares"]


def test_releases_refuse_what_their_cases_say_they_refuse():
    cases = {name: case for name, case in CASES.items() if "refused" in case}
    for name, case in cases.items():
        said = [f"{one.node.path} {one.message}" for one in mesh_of(case).violations]
        assert any(case["refused"] in text for text in said), (name, said)
    assert cases


def test_every_case_is_there_or_named_with_a_reason():
    assert sorted({name.partition("-")[0] for name in CASES} | set(ELSEWHERE)) == sorted(
        f"A{number}" for number in range(1, 97)
    )
    assert not CASES.keys() & ELSEWHERE.keys()


def test_an_order_that_manifests_do_not_show_is_said_to_be_of_names():
    case = {"vs": [{"http": [{"to": "x"}]}, {"http": [{"to": "y2"}]}]}
    things = [service("svc"), *(virtual_service(position, one) for position, one in enumerate(case["vs"]))]
    for one in things:
        del one["metadata"]["creationTimestamp"]
    mesh = Mesh(parse(Source("case.yaml", yaml.safe_dump_all(things))).documents)
    found = trace(mesh, FromPod("default"), asked("http://svc/"))
    assert any("R204" in fact.text for step in found.steps for fact in step.facts)
