"""What reach says of a class of clients holds for each request of the class, as the policies and the trace read it."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint import reach
from meshlint import request as a
from meshlint.mesh.arrival import Arrival, Secured, receive
from meshlint.mesh.authorization import attached, verdict
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Mode, demand
from meshlint.mesh.services import Protocol
from meshlint.mesh.steps import Kind as Ending
from meshlint.mesh.wire import Bytes, Call
from meshlint.mesh.workloads import Proxy
from meshlint.reach import Always, Kind, Never, OnConditions, Undecidable
from meshlint.request import Request, claim, header
from meshlint.source.parse import parse
from meshlint.source.text import Source

SIDECAR = {"sidecar.istio.io/inject": "true"}
BARE = {"sidecar.istio.io/inject": "false", "istio.io/dataplane-mode": "none"}
STRANGERS = ["td/ns/c/sa/z", "td/ns/a/sa/z", "old/ns/a/sa/x", "td/ns/ab/sa/x"]


def thing(kind, name, namespace, spec, group="security.istio.io/v1", **more):
    return {"apiVersion": group, "kind": kind, "metadata": {"name": name, "namespace": namespace, **more}, "spec": spec}


def pod(name, namespace, account, labels):
    ports = [{"containerPort": 9000}]
    spec = {"serviceAccountName": account, "containers": [{"name": "app", "image": "app", "ports": ports}]}
    return thing("Pod", name, namespace, spec, "v1", labels={"app": name, **labels})


def service(name, namespace):
    ports = [
        {"name": "http-web", "port": 80, "targetPort": 8080},
        {"name": "tcp-db", "port": 81, "targetPort": 3306},
        {"name": "sniffed", "port": 82, "targetPort": 7000},
    ]
    return thing("Service", name, namespace, {"selector": {"app": name}, "ports": ports}, "v1")


MESH_CONFIG = {
    "trustDomain": "td",
    "trustDomainAliases": ["old"],
    "extensionProviders": [{"name": "judge", "envoyExtAuthzGrpc": {"service": "judge", "port": 1}}],
}
FIXED = [
    pod("x", "a", "x", SIDECAR),
    pod("y", "a", "y", SIDECAR),
    pod("x", "b", "x", SIDECAR),
    pod("bare", "b", "bare", BARE),
    service("x", "a"),
    service("bare", "b"),
]


def few(*values, least=1):
    return st.lists(st.sampled_from(values), min_size=least, max_size=2, unique=True)


def some_of(fields, most=2):
    """One or two of the fields, each with some of its values."""
    names = st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=most, unique=True)
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: few(*fields[name]) for name in chosen}))


PRINCIPALS = ("td/ns/a/sa/x", "td/ns/b/sa/x", "td/ns/c/sa/z", "*", "td/ns/a/*", "*/sa/x", "cluster.local/ns/a/sa/y")
SOURCE = {
    "principals": PRINCIPALS,
    "notPrincipals": PRINCIPALS,
    "namespaces": ("a", "b", "*b", "a*"),
    "notNamespaces": ("a", "c"),
    "ipBlocks": ("10.0.0.0/8", "10.1.0.0/16"),
    "notRemoteIpBlocks": ("10.1.0.0/16",),
    "requestPrincipals": ("*", "iss/*", "iss/sub", "other/*"),
    "notRequestPrincipals": ("*", "iss/sub"),
}
OPERATION = {
    "methods": ("GET", "P*", "*"),
    "notMethods": ("GET",),
    "paths": ("/a", "/a*", "*/z", "/t/{*}"),
    "notPaths": ("/a*",),
    "hosts": ("h.example", "*.example"),
    "ports": ("8080", "3306", "9000"),
    "notPorts": ("7000",),
}
WHEN = st.one_of(
    st.fixed_dictionaries({"key": st.just("request.headers[x-k]"), "values": few("v", "w*")}),
    st.fixed_dictionaries({"key": st.just("source.ip"), "notValues": few("10.1.0.0/16")}),
    st.fixed_dictionaries({"key": st.just("connection.sni"), "values": few("h.example", "*")}),
    st.fixed_dictionaries({"key": st.just("request.auth.claims[group]"), "values": few("admin", "ops")}),
)
RULE = st.fixed_dictionaries(
    {},
    optional={
        "from": st.lists(some_of(SOURCE).map(lambda one: {"source": one}), min_size=1, max_size=2),
        "to": st.lists(some_of(OPERATION).map(lambda one: {"operation": one}), min_size=1, max_size=2),
        "when": st.lists(WHEN, min_size=1, max_size=1),
    },
)
HOMES = st.sampled_from(["a", "a", "b", "istio-system"])
POLICY = st.tuples(
    HOMES,
    st.fixed_dictionaries(
        {"action": st.sampled_from(["ALLOW", "ALLOW", "DENY"]), "rules": st.lists(RULE, min_size=1, max_size=2)},
        optional={"selector": st.just({"matchLabels": {"app": "x"}})},
    ),
)
MODES = st.sampled_from([None, "STRICT", "PERMISSIVE", "DISABLE"])


@st.composite
def meshes(draw):
    things = list(FIXED)
    for at, (home, spec) in enumerate(draw(st.lists(POLICY, max_size=4))):
        things.append(thing("AuthorizationPolicy", f"p{at}", home, spec))
    modes = {home: draw(MODES) for home in ("a", "istio-system")}
    things += [
        thing("PeerAuthentication", "peers", home, {"mtls": {"mode": mode}}) for home, mode in modes.items() if mode
    ]
    if draw(st.booleans()):
        things.append(thing("RequestAuthentication", "tokens", "a", {"jwtRules": [{"issuer": "iss"}]}))
    if draw(st.integers(0, 3)) == 0:
        spec = {"action": "CUSTOM", "provider": {"name": "judge"}, "rules": [draw(st.just({}))]}
        things.append(thing("AuthorizationPolicy", "asked", "a", spec))
    return things


def mesh_of(things):
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "istio", "namespace": "istio-system"}}
    config["data"] = {"mesh": json.dumps(MESH_CONFIG)}
    texts = [json.dumps(one) for one in (config, *things)]
    return Mesh(tuple(node for at, text in enumerate(texts) for node in parse(Source(f"{at}.yaml", text)).documents))


REQUESTS = st.fixed_dictionaries(
    {
        a.METHOD: st.sampled_from(["GET", "POST", "PUT"]),
        a.PATH: st.sampled_from(["/", "/a", "/ab", "/q/z", "/t/u"]),
        a.AUTHORITY: st.sampled_from(["h.example", "x.h.example", "no"]),
        a.SOURCE_IP: st.sampled_from(["10.1.2.3", "10.2.0.1", "192.0.2.1"]),
    },
    optional={
        header("x-k"): st.sampled_from(["v", "ww", ""]),
        a.TOKEN_ISSUER: st.sampled_from(["iss", "iss", "other"]),
        a.TOKEN_SUBJECT: st.sampled_from(["sub", "s"]),
        claim("group"): st.sampled_from(["admin", "ops", "x"]),
    },
).map(Request.of)


def decide(mesh, pair, chain, request, stranger):
    """What trace's own reading of the server makes of one request of the client; None where it gets through."""
    server, client = pair
    mode = demand(mesh, server.workload, server.number).mode
    has_identity = client.kind is not Kind.EXTERNAL and mode is not Mode.DISABLE
    principal = None
    if has_identity:
        principal = client.principal or f"spiffe://{stranger}"
    carries = Bytes.HTTP if chain is Chain.HTTP else Bytes.TCP
    secured = Secured.MUTUAL if has_identity else Secured.PLAIN
    protocol = server.served[0].port.protocol if server.served else Protocol.AUTO
    call = Call(request, carries, server.number)
    arrival = Arrival(call, secured, principal, server.number, protocol, request.get(a.SNI))
    return receive(mesh, server.workload, arrival).outcome


def chains(server):
    protocol = server.served[0].port.protocol if server.served else Protocol.AUTO
    return [Chain.HTTP] * protocol.may_be_http + [Chain.TCP] * protocol.may_be_tcp


def answers(mesh):
    found = reach.reach(mesh, reach.clients(mesh), reach.servers(mesh))
    return found, [
        (server, client, row.access) for row in found.rows for server in row.servers for client in row.clients
    ]


@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(meshes(), st.lists(REQUESTS, min_size=6, max_size=12), st.sampled_from(STRANGERS))
def test_no_request_of_a_class_contradicts_the_answer(things, requests, stranger):
    mesh = mesh_of(things)
    found, pairs = answers(mesh)
    assert len(pairs) == len(found.clients) * len(found.servers)
    for server, client, access in pairs:
        if server.workload.proxy is not Proxy.SIDECAR:
            continue
        for chain in chains(server):
            for request in requests:
                outcome = decide(mesh, (server, client), chain, request, stranger)
                if outcome is not None and outcome.kind is Ending.UNKNOWN:
                    continue
                match access:
                    case Always():
                        assert outcome is None, (server.name, client.name, chain, request)
                    case Never():
                        assert outcome is not None, (server.name, client.name, chain, request)
                    case OnConditions() | Undecidable():
                        pass


@settings(max_examples=120, deadline=None, derandomize=True, database=None)
@given(meshes())
def test_every_witness_passes_and_every_counterexample_is_refused(things):
    mesh = mesh_of(things)
    found, _ = answers(mesh)
    for row in found.rows:
        witness, refused = getattr(row.access, "witness", None), getattr(row.access, "refused", None)
        for request, is_allowed in ((witness, True), (refused, False)):
            if request is not None:
                assert ends_well(mesh, row, request) is is_allowed
        if isinstance(row.access, OnConditions):
            assert witness is not None


def ends_well(mesh, row, request):
    """Whether the request passes at the row's server, by the verdict and by the trace's server."""
    server, client = row.servers[0], row.clients[0]
    chain = Chain.HTTP if request.get(a.METHOD) is not None else Chain.TCP
    principal = request.get(a.PRINCIPAL)
    if client.kind.is_named and principal is not None:
        assert principal == client.principal
    found = verdict(mesh, attached(mesh, server.workload), chain, request)
    outcome = decide(mesh, (server, client), chain, request, (principal or "").removeprefix("spiffe://"))
    assert (outcome is None) is found.is_allowed
    return found.is_allowed


@settings(max_examples=40, deadline=None, derandomize=True, database=None)
@given(meshes())
def test_clients_asked_about_alone_get_the_answer_they_get_together(things):
    mesh = mesh_of(things)
    _, pairs = answers(mesh)
    for server, client, access in pairs:
        (row,) = reach.reach(mesh, [client], [server]).rows
        assert type(row.access) is type(access)
        assert getattr(row.access, "words", "") == getattr(access, "words", "")
