"""Mutual TLS, tokens and addresses in traces: the semantics' worked cases (appendices B and C), in their numbers there.

R04 has no counterpart: a request's token is genuine and in time.
"""

from dataclasses import dataclass

import pytest

from meshlint import request as a
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromOutside, pod
from meshlint.mesh.steps import Kind, Outcome
from meshlint.mesh.trace import trace
from meshlint.request import Request, claim, header
from meshlint.source.parse import parse
from meshlint.source.text import Source

HOME = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
"""


def workload(name: str, inject: str = "true", port: int = 8080) -> str:
    labels = f"{{app: {name}, sidecar.istio.io/inject: '{inject}'}}"
    ports = f"ports: [{{containerPort: {port}}}]"
    return (
        f"---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: shop, labels: {labels}}}\n"
        f"spec: {{serviceAccountName: {name}, containers: [{{name: app, image: x, {ports}}}]}}\n"
    )


def service(protocol: str = "http", port: int = 8080, more: str = "") -> str:
    return (
        f"---\napiVersion: v1\nkind: Service\nmetadata: {{name: web, namespace: shop}}\n"
        f"spec: {{{more}selector: {{app: web}}, ports: [{{name: {protocol}, port: 80, targetPort: {port}}}]}}\n"
    )


def peer(mode: str, namespace: str = "shop", labels: str = "", ports: str = "") -> str:
    selector = f"selector: {{matchLabels: {labels}}}, " if labels else ""
    exceptions = f", portLevelMtls: {{{ports}}}" if ports else ""
    return (
        f"---\napiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
        f"metadata: {{name: p{len(labels)}, namespace: {namespace}}}\n"
        f"spec: {{{selector}mtls: {{mode: {mode}}}{exceptions}}}\n"
    )


def rule(policy: str) -> str:
    return (
        "---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: web, namespace: shop}\n"
        f"spec: {{host: web, trafficPolicy: {{{policy}}}}}\n"
    )


def policy(spec: str) -> str:
    return (
        "---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: p, namespace: shop}\n"
        f"spec: {spec}\n"
    )


def tokens(rules: str, namespace: str = "shop") -> str:
    return (
        "---\napiVersion: security.istio.io/v1\nkind: RequestAuthentication\n"
        f"metadata: {{name: jwt, namespace: {namespace}}}\nspec: {{jwtRules: [{rules}]}}\n"
    )


def mesh_of(*texts: str, config: str = "") -> Mesh:
    settings = parse(Source("config.yaml", config)).documents[0] if config else None
    return Mesh(parse(Source("mesh.yaml", "".join((HOME, *texts)))).documents, mesh_config=settings)


def ask(mesh: Mesh, client: str = "front", scheme: str = "http", **values: str) -> Outcome:
    """How a request for `web` from a pod of the mesh, or from outside it, ends."""
    asked = Request.of({a.AUTHORITY: "web.shop.svc.cluster.local", a.SCHEME: scheme, a.PORT: "80"})
    for name, value in values.items():
        asked = asked.but(NAMES[name], value)
    known = {one.name: one for one in mesh.workloads}
    return trace(mesh, pod(known[client]) if client else FromOutside(), asked).outcome


NAMES = {
    "source": a.SOURCE_IP,
    "principal": a.PRINCIPAL,
    "issuer": a.TOKEN_ISSUER,
    "subject": a.TOKEN_SUBJECT,
    "audience": claim("aud"),
    "method": a.METHOD,
    "via": header("x-forwarded-for"),
    "origin": header("origin"),
    "asks": header("access-control-request-method"),
}
WITH_IDENTITY = policy("{rules: [{from: [{source: {principals: ['*']}}]}]}")


@dataclass(frozen=True)
class Case:
    """A worked case: its number, the objects besides client and server, how it ends, and whether an identity is seen."""

    number: str
    texts: tuple[str, ...]
    ends: Kind
    identity: bool = False
    client: str = "front"
    scheme: str = "http"
    server: str = "true"
    protocol: str = "http"


OK, FAIL = Kind.CLUSTER, Kind.TLS_MISMATCH
STRICT = peer("STRICT", "istio-system")
WEB = "{app: web}"
MUTUAL = "tls: {mode: ISTIO_MUTUAL}"
CASES = [
    Case("M01", (), OK, identity=True),
    Case("M02", (STRICT,), FAIL, client=""),
    Case("M03", (STRICT, peer("UNSET")), FAIL, client=""),
    Case("M04", (STRICT, peer("PERMISSIVE")), OK, client=""),
    Case("M05", (peer("STRICT", "istio-system", WEB),), OK, client=""),
    Case("M09", (peer("STRICT", "shop", WEB, "8080: {mode: DISABLE}"),), OK, client=""),
    Case("M10", (STRICT, peer("UNSET", "shop", WEB, "8080: {mode: UNSET}")), FAIL, client=""),
    Case("M11", (peer("STRICT", "shop", WEB, "8080: {mode: DISABLE}"),), OK),
    Case("M12", (peer("DISABLE"), peer("STRICT", "shop", WEB)), FAIL),
    Case("M13", (rule("tls: {mode: DISABLE}"), STRICT), FAIL),
    Case("M14", (rule("tls: {mode: DISABLE}"),), OK),
    Case("M15", (rule(MUTUAL), peer("DISABLE")), FAIL),
    Case("M16", (rule(MUTUAL), STRICT), FAIL, server="false"),
    Case("M17", (STRICT,), OK, server="false"),
    Case("M18", (rule("tls: {mode: SIMPLE}"),), FAIL),
    Case("M19", (rule("tls: {mode: SIMPLE}"),), OK, protocol="tcp"),
    Case("M20", (rule("tls: {mode: SIMPLE}"), STRICT), FAIL, protocol="tcp"),
    Case("M21", (rule(f"{MUTUAL}, portLevelSettings: [{{port: {{number: 80}}}}]"), peer("DISABLE")), OK),
    Case("M22", (rule("loadBalancer: {simple: RANDOM}"), STRICT), OK, identity=True),
    Case("M23", (), FAIL, client="", scheme="https"),
    Case("M24", (peer("STRICT"), peer("PERMISSIVE", "shop", WEB)), OK, client=""),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_a_connection_ends_as_the_worked_case_says(case: Case):
    base = (workload("front"), workload("web", case.server), service(case.protocol), *case.texts)
    assert ask(mesh_of(*base), case.client, case.scheme).kind is case.ends
    if case.ends is OK and case.server == "true":
        found = ask(mesh_of(*base, WITH_IDENTITY), case.client, case.scheme)
        assert (found.kind is OK) is case.identity


PAIR = (workload("front"), workload("web"), service())
FROM_A, TWO = tokens("{issuer: a, jwks: x}"), tokens("{issuer: a, jwks: x}, {issuer: b, jwks: x}")
NEEDS_TOKEN = policy("{rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}")


@pytest.mark.parametrize(
    ("rules", "values", "status", "is_known"),
    [
        pytest.param(FROM_A, {}, 200, False, id="R01"),
        pytest.param(FROM_A, {"issuer": "a"}, 200, True, id="R02"),
        pytest.param(FROM_A, {"issuer": "z"}, 401, False, id="R03"),
        pytest.param(tokens("{issuer: a, audiences: [x]}"), {"issuer": "a", "audience": "y"}, 401, False, id="R05"),
        pytest.param(tokens("{issuer: a, fromHeaders: [{name: x-jwt}]}"), {"issuer": "z"}, 200, False, id="R06"),
        pytest.param(TWO, {"issuer": "b"}, 200, True, id="R07"),
        pytest.param(TWO, {"issuer": "z"}, 401, False, id="R08"),
        pytest.param(
            tokens("{issuer: a, fromHeaders: [{name: x-a}]}, {issuer: b, fromHeaders: [{name: x-b}]}"),
            {"issuer": "b"},
            200,
            True,
            id="R09",
        ),
        pytest.param("", {"issuer": "a"}, 200, False, id="S56"),
        pytest.param(FROM_A, {"issuer": "z", "method": "OPTIONS", "origin": "x", "asks": "GET"}, 200, False, id="S146"),
    ],
)
def test_a_token_is_taken_as_the_worked_case_says(rules: str, values: dict[str, str], status: int, is_known: bool):
    values = {"subject": "u", **values} if values else values
    assert ask(mesh_of(*PAIR, rules), **values).status == status
    if status == 200:
        assert (ask(mesh_of(*PAIR, rules, NEEDS_TOKEN), **values).kind is OK) is is_known


def test_an_address_decides_only_where_it_is_known():
    """S57: without the peer's address the policy says nothing sure."""
    mesh = mesh_of(*PAIR, policy("{action: DENY, rules: [{from: [{source: {ipBlocks: [10.0.0.0/8]}}]}]}"))
    assert ask(mesh).kind is Kind.UNKNOWN
    assert ask(mesh, source="10.1.1.1").kind is Kind.DENIED
    assert ask(mesh, source="192.0.2.1").kind is OK


def test_a_sidecar_trusts_the_header_of_forwarding():
    """S58."""
    mesh = mesh_of(*PAIR, policy("{action: DENY, rules: [{from: [{source: {remoteIpBlocks: [203.0.113.0/24]}}]}]}"))
    assert ask(mesh, source="10.1.1.1").kind is OK
    assert ask(mesh, source="10.1.1.1", via="198.51.100.1, 203.0.113.7").kind is Kind.DENIED
    assert ask(mesh, source="10.1.1.1", via="203.0.113.7, 198.51.100.1").kind is OK


def test_a_certificate_of_another_authority_may_or_may_not_be_the_meshs():
    """S132."""
    own = rule("tls: {mode: MUTUAL, clientCertificate: /c, privateKey: /k}")
    assert ask(mesh_of(*PAIR, own, STRICT)).kind is Kind.UNKNOWN
    assert ask(mesh_of(*PAIR, own)).kind is FAIL


def test_a_sidecar_passes_over_a_credential_of_a_rule_for_all():
    """S135: the traffic goes out without TLS."""
    assert ask(mesh_of(*PAIR, rule("tls: {mode: SIMPLE, credentialName: c}"))).kind is OK


def test_pods_of_a_headless_service_are_not_told_apart():
    """S127: what one workload asks for is not seen."""
    pair = (workload("front"), workload("web"), service(more="clusterIP: None, "))
    assert ask(mesh_of(*pair, peer("DISABLE", "shop", WEB))).kind is FAIL
    assert ask(mesh_of(*pair, peer("DISABLE"))).kind is OK


GATE = """
---
apiVersion: v1
kind: Pod
metadata:
  name: gate
  namespace: shop
  labels: {istio: ingressgateway}
  annotations: {inject.istio.io/templates: gateway}
spec: {serviceAccountName: gate, containers: [{name: istio-proxy, image: auto}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: gate, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - {port: {number: 80, name: http, protocol: HTTP}, hosts: [web.example]}
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [web.example], tls: {mode: MUTUAL, credentialName: c}}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: web, namespace: shop}
spec: {hosts: [web.example], gateways: [gate], http: [{route: [{destination: {host: web}}]}]}
"""


def enter(*texts: str, scheme: str = "http", config: str = "", **values: str) -> Outcome:
    """How a request that comes to the gateway ends."""
    port = "443" if scheme == "https" else "80"
    asked = Request.of({a.AUTHORITY: "web.example", a.SCHEME: scheme, a.PORT: port})
    for name, value in values.items():
        asked = asked.but(NAMES[name], value)
    return trace(mesh_of(*PAIR, GATE, *texts, config=config), AtGateway("shop/gate"), asked).outcome


def at(where: str, spec: str) -> str:
    return policy(f"{{selector: {{matchLabels: {where}}}, {spec}}}")


GATEWAY, SERVER = "{istio: ingressgateway}", WEB


def test_a_gateway_knows_its_client_only_by_a_certificate_that_it_asks_for():
    """S84."""
    asks = at(GATEWAY, "rules: [{from: [{source: {principals: [example/ns/x/sa/y]}}]}]")
    who = "spiffe://example/ns/x/sa/y"
    assert enter(asks, scheme="https", principal=who).kind is OK
    assert enter(asks, principal=who).kind is Kind.DENIED


def test_a_server_sees_the_gateway_and_not_who_stands_before_it():
    """S78, S57."""
    asks = at(SERVER, "rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/gate]}}]}]")
    assert enter(asks, principal="spiffe://example/ns/x/sa/y").kind is OK
    by_peer = at(SERVER, "action: DENY, rules: [{from: [{source: {ipBlocks: [203.0.113.7]}}]}]")
    assert enter(by_peer, source="203.0.113.7").kind is Kind.UNKNOWN
    by_client = at(SERVER, "action: DENY, rules: [{from: [{source: {remoteIpBlocks: [203.0.113.7]}}]}]")
    assert enter(by_client, source="203.0.113.7").kind is Kind.DENIED


@pytest.mark.parametrize(("proxies", "ends"), [("", OK), ("1", Kind.DENIED), ("2", OK), ("3", OK)])
def test_a_gateway_trusts_so_many_proxies_before_it(proxies: str, ends: Kind):
    """S58."""
    config = f"defaultConfig: {{gatewayTopology: {{numTrustedProxies: {proxies}}}}}" if proxies else ""
    asks = at(GATEWAY, "action: DENY, rules: [{from: [{source: {remoteIpBlocks: [203.0.113.7]}}]}]")
    assert enter(asks, config=config, source="10.0.0.1", via="198.51.100.1, 203.0.113.7").kind is ends


@pytest.mark.parametrize(("more", "ends"), [("", Kind.DENIED), (", forwardOriginalToken: true", OK)])
def test_a_token_that_a_gateway_verifies_goes_no_further_unless_it_is_told_to(more: str, ends: Kind):
    """S143."""
    rules = tokens(f"{{issuer: a, jwks: x{more}}}")
    needs = at(SERVER, "rules: [{from: [{source: {requestPrincipals: ['*']}}]}]")
    assert enter(rules, needs, issuer="a", subject="u").kind is ends


CLAIMED = GATE.replace("http: [{route", "http: [{match: [{headers: {'@request.auth.claims.group': {exact: x}}}], route")


@pytest.mark.parametrize(("rules", "ends"), [("", Kind.NOT_FOUND), (FROM_A, OK)])
def test_a_claim_routes_only_where_the_gateway_verifies_it(rules: str, ends: Kind):
    """S149."""
    asked = Request.of({a.AUTHORITY: "web.example", a.PORT: "80", a.TOKEN_ISSUER: "a", claim("group"): "x"})
    assert trace(mesh_of(*PAIR, CLAIMED, rules), AtGateway("shop/gate"), asked).outcome.kind is ends
