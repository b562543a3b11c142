"""AuthorizationPolicies against single requests: what the semantics' worked cases say, in the numbers they have there.

The cases of ztunnel are in test_ztunnel, those of waypoints' Services in test_ambient (A68-A74, A76-A79). A request has
its normalised path, so that the cases on paths go through what sends it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from meshlint.mesh.authorization import Verdict, attached, reaches_as_far, targets, verdict
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.wire import call
from meshlint.request import (
    AUTHORITY,
    METHOD,
    PATH,
    PORT,
    PRINCIPAL,
    REMOTE_IP,
    SOURCE_IP,
    TOKEN_ISSUER,
    TOKEN_SUBJECT,
    Attribute,
    Request,
    claim,
    header,
)
from meshlint.source.parse import parse
from meshlint.source.text import Source

CART = """
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart, tier: back, sidecar.istio.io/inject: "true"}}
spec: {containers: [{name: app, image: cart}]}
"""
GATEWAY = """
apiVersion: v1
kind: Pod
metadata:
  name: gate
  namespace: edge
  labels: {app: cart, istio: ingressgateway}
  annotations: {inject.istio.io/templates: gateway}
spec: {containers: [{name: istio-proxy, image: auto}]}
"""
FRONT, PLAIN = "spiffe://cluster.local/ns/shop/sa/front", None


def mesh_of(*texts: str, config: str = "") -> Mesh:
    """The mesh that these documents say."""
    documents = tuple(document for text in texts for document in parse(Source("mesh.yaml", text)).documents)
    settings = parse(Source("config.yaml", config)).documents[0] if config else None
    return Mesh(documents, mesh_config=settings)


def policy(spec: str, name: str = "p", namespace: str = "shop", annotations: str = "") -> str:
    """An AuthorizationPolicy with a spec in flow style."""
    return (
        f"\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: {name}, namespace: {namespace}, annotations: {{{annotations}}}}}\nspec: {spec}\n"
    )


def request(peer: str | None = FRONT, path: str = "/", **more: str) -> Request:
    """A request as the proxy in front of `cart` sees it."""
    names = {"method": METHOD, "host": AUTHORITY, "port": PORT, "source": SOURCE_IP, "remote": REMOTE_IP}
    values: dict[Attribute, str] = {METHOD: "GET", AUTHORITY: "cart", PORT: "8080", PATH: path, SOURCE_IP: "10.0.0.7"}
    values |= {names[key]: value for key, value in more.items()}
    if peer is not None:
        values[PRINCIPAL] = peer
    return Request.of(values)


def token(issuer: str, subject: str, claims: Mapping[Attribute, str] | None = None) -> Request:
    """A request without a certificate and with a verified token."""
    return Request.of({**dict(request(PLAIN).values), TOKEN_ISSUER: issuer, TOKEN_SUBJECT: subject, **(claims or {})})


def arriving(path: str, normalization: str = "DEFAULT") -> Request:
    """A request whose path the mesh normalises."""
    return call(request(path=path), normalization).request


def decide(asked: Request, *texts: str, chain: Chain = Chain.HTTP, config: str = "", pod: str = CART) -> Verdict:
    """What the policies make of the request at the pod."""
    mesh = mesh_of(pod, *texts, config=config)
    (workload,) = [one for one in mesh.workloads if not one.is_assumed]
    return verdict(mesh, attached(mesh, workload), chain, asked)


def source(field: str) -> str:
    return f"{{rules: [{{from: [{{source: {{{field}}}}}]}}]}}"


def operation(field: str) -> str:
    return f"{{rules: [{{to: [{{operation: {{{field}}}}}]}}]}}"


def when(key: str, field: str) -> str:
    return f'{{rules: [{{when: [{{key: "{key}", {field}}}]}}]}}'


def deny(spec: str) -> str:
    return "{action: DENY, " + spec.removeprefix("{")


TD1 = "trustDomain: td1"
TWO = "{trustDomain: td2, trustDomainAliases: [td1]}"
ADMIN = "hosts: [admin.example, 'admin.example:*']"


@dataclass(frozen=True)
class Case:
    """A worked case: its number in the semantics, what is asked under which policy, and whether it passes."""

    number: str
    spec: str
    asked: Request
    passes: bool
    config: str = ""


HTTP_CASES = [
    Case("A01", "{}", request(), passes=False),
    Case("A02", "{rules: [{}]}", request(PLAIN), passes=True),
    Case("A05", deny(operation("methods: [DELETE]")), request(PLAIN), passes=True),
    Case("A08", source("notPrincipals: [cluster.local/ns/x/sa/bad]"), request(PLAIN), passes=True),
    Case("A09", deny(source("namespaces: [x]")), request(PLAIN), passes=True),
    Case("A10", deny(source("notNamespaces: [shop]")), request(PLAIN), passes=False),
    Case(
        "A11",
        "{rules: [{from: [{source: {namespaces: [x]}}, {source: {ipBlocks: [10.0.0.0/8]}}]}]}",
        request(),
        passes=True,
    ),
    Case("A12", source("namespaces: [x], ipBlocks: [10.0.0.0/8]"), request(), passes=False),
    Case("A13", source("principals: ['spiffe://cluster.local/ns/shop/sa/front']"), request(), passes=False),
    Case("A14", source("principals: ['cluster.local/ns/sh*']"), request(), passes=True),
    Case("A15", source("principals: ['cluster.local/ns/*/sa/front']"), request(), passes=False),
    Case("A16", deny(source("notPrincipals: ['*']")), request(PLAIN), passes=False),
    Case("A17", source("namespaces: ['*a']"), request("spiffe://cluster.local/ns/kim/sa/lee"), passes=True),
    Case("A18", source("namespaces: ['*-prod']"), request("spiffe://cluster.local/ns/kim/sa/a-prod"), passes=False),
    Case("A20", source("serviceAccounts: [x/front]"), request("spiffe://far.example/ns/x/sa/front"), passes=True),
    Case("A21", source("principals: ['cluster.local/ns/x/sa/*']"), request("spiffe://td1/ns/x/sa/y"), True, TD1),
    Case("A22", source("principals: ['cluster.local/ns/x/*']"), request("spiffe://td1/ns/x/sa/y"), False, TD1),
    Case("A23", source("principals: [td1/ns/x/sa/y]"), request("spiffe://td2/ns/x/sa/y"), True, TWO),
    Case("A24", deny(operation("hosts: [admin.example]")), request(host="admin.example:8080"), passes=True),
    Case("A25", deny(operation(ADMIN)), request(host="ADMIN.example:80"), passes=False),
    Case("A26", operation("hosts: ['*shop.example']"), request(host="workshop.example"), passes=True),
    Case("A27", operation("methods: [get]"), request(), passes=False),
    Case("A28", operation("paths: [/items]"), request(path="/items"), passes=True),
    Case(
        "A29",
        when("request.headers[:path]", "values: [/items]"),
        request(path="/items").but(header(":path"), "/items?page=2"),
        passes=False,
    ),
    Case("A31", deny(operation("paths: [/admin]")), arriving("/x/../admin"), passes=False),
    Case("A33", deny(operation("paths: [/admin]")), arriving("//admin", "MERGE_SLASHES"), passes=False),
    Case("A34", deny(operation("paths: [/a/secret]")), arriving("/a%2Fsecret", "MERGE_SLASHES"), passes=True),
    Case(
        "A35", deny(operation("paths: [/a/secret]")), arriving("/a%2F/secret", "DECODE_AND_MERGE_SLASHES"), passes=False
    ),
    Case("A36", deny(operation("paths: [/admin]")), arriving("/%61dmin"), passes=False),
    Case("A30", deny(operation("paths: [/admin]")), request(path="/admin/"), passes=True),
    Case("A32", deny(operation("paths: [/admin]")), request(path="//admin"), passes=True),
    Case("A37", deny(operation("paths: ['/docs/{**}']")), request(path="/docs"), passes=True),
    Case("A38", operation("paths: ['/docs/{*}/raw']"), request(path="/docs/a/b/raw"), passes=False),
    Case("A39", deny(operation("paths: ['/docs/{**}']")), request(path="/docs/a*b"), passes=True),
    Case("A40", operation("ports: ['80']"), request(), passes=False),
    Case("A46", deny(when("destination.labels[app]", "values: [cart]")), request(), passes=True),
    Case("A47", deny(source("ipBlocks: [10.0/8]")), request(source="192.168.7.1"), passes=False),
    Case("A48", source("requestPrincipals: ['*']"), request(), passes=False),
    Case("A49", source("requestPrincipals: ['https://*']"), token("https://id.example", "kim"), passes=False),
    Case("A50", source("requestPrincipals: ['https://id.example/*']"), token("https://id.example", "kim"), True),
    Case("A51", source("requestPrincipals: ['*@shop.example']"), token("https://x", "kim@shop.example"), True),
    Case("A52", source("requestPrincipals: ['*/*']"), token("https://id.example", "kim"), passes=False),
    Case(
        "A53",
        when("request.auth.claims[admin]", "values: ['true']"),
        token("i", "s"),  # A claim that is no text has no value to test.
        passes=False,
    ),
    Case(
        "A54",
        when("request.auth.claims[realm][roles]", "values: ['adm*']"),
        token("i", "s", {claim("realm", "roles"): "admin"}),
        passes=True,
    ),
    Case(
        "A55",
        when("request.auth.claims[scope]", "values: [write]"),
        token("i", "s", {claim("scope"): "read write"}),
        True,
    ),
    Case("A56", when("request.headers[x-stage]", "notValues: [live]"), request(), passes=True),
    Case("A57", "{action: AUDIT, rules: [{to: [{operation: {paths: [/x]}}]}]}", request(), passes=True),
    Case("A66", "{action: DENY, targetRefs: [{kind: Service, name: cart}], rules: [{}]}", request(), passes=True),
    Case("A75", "{action: DENY, selector: {}, rules: [{}]}", request(), passes=False),
    Case(
        "A80",
        source("principals: [cluster.local/ns/edge/sa/gate]"),
        request("spiffe://cluster.local/ns/edge/sa/gate"),
        True,
    ),
    Case("A81", deny(source("ipBlocks: [203.0.113.0/24]")), request(remote="203.0.113.7"), passes=True),
    Case("A82", deny(source("remoteIpBlocks: [203.0.113.0/24]")), request(remote="203.0.113.7"), passes=False),
    Case("A83", deny(operation("paths: ['*admin*']")), request(path="/x/admin/y"), passes=True),
    Case(
        "A84",
        when("source.namespace", "values: ['team-*'], notValues: [team-out]"),
        request("spiffe://cluster.local/ns/team-out/sa/x"),
        passes=False,
    ),
    Case(
        "A85",
        "{rules: [{from: [{source: {namespaces: [shop, x]}}], when: [{key: source.principal, values: ['*/sa/front']}]}]}",
        request(),
        passes=True,
    ),
]

TCP_CASES = [
    Case("A41", deny(operation("methods: [DELETE]")), request(port="3306"), passes=False),
    Case("A42", deny(operation("methods: [DELETE], ports: ['8080']")), request(port="3306"), passes=True),
    Case(
        "A43",
        "{rules: [{to: [{operation: {ports: ['3306']}}, {operation: {paths: [/x]}}]}]}",
        request(port="3306"),
        passes=False,
    ),
    Case(
        "A44",
        "{rules: [{to: [{operation: {ports: ['3306']}}]}, {to: [{operation: {paths: [/x]}}]}]}",
        request(port="3306"),
        passes=True,
    ),
    Case(
        "A45",
        "{action: DENY, rules: [{from: [{source: {namespaces: [shop]}}], to: [{operation: {notPaths: [/up]}}]}]}",
        request(port="3306"),
        passes=False,
    ),
]


@pytest.mark.parametrize("case", HTTP_CASES, ids=lambda case: case.number)
def test_a_policy_decides_on_a_request_as_the_worked_case_says(case: Case):
    assert decide(case.asked, policy(case.spec), config=case.config).is_allowed is case.passes


@pytest.mark.parametrize("case", TCP_CASES, ids=lambda case: case.number)
def test_a_policy_decides_on_a_connection_as_the_worked_case_says(case: Case):
    assert decide(case.asked, policy(case.spec), chain=Chain.TCP).is_allowed is case.passes


def test_a_namespace_allow_does_not_narrow_a_mesh_wide_one():
    """A03."""
    wide = policy("{rules: [{}]}", "all", "istio-system")
    narrow = policy(source("principals: [cluster.local/ns/shop/sa/front]"))
    assert decide(request("spiffe://cluster.local/ns/x/sa/bad"), wide, narrow).is_allowed


def test_a_deny_goes_before_an_allow_whatever_their_scopes():
    """A04."""
    mesh_wide = policy(deny(operation("paths: ['/admin*']")), "no-admin", "istio-system")
    ours = policy("{selector: {matchLabels: {app: cart}}, rules: [{}]}")
    found = decide(request(path="/administrator"), mesh_wide, ours)
    assert not found.is_allowed
    assert found.rule is not None
    assert found.rule.policy.name == "no-admin"


def test_a_policy_of_another_namespace_decides_nothing():
    """A06."""
    assert decide(request(), policy(deny("{rules: [{}]}"), namespace="x")).is_allowed


def test_a_selector_in_the_root_namespace_reaches_pods_everywhere():
    """A07."""
    spec = "{action: DENY, selector: {matchLabels: {tier: back}}, rules: [{}]}"
    assert not decide(request(), policy(spec, namespace="istio-system")).is_allowed


def test_a_bare_account_in_the_root_namespace_is_one_of_the_root_namespace():
    """A19."""
    assert not decide(request(), policy(source("serviceAccounts: [front]"), namespace="istio-system")).is_allowed


def test_dry_runs_deny_nothing_and_leave_no_default_behind():
    """A58."""
    tried = policy(source("namespaces: [x]"), annotations='istio.io/dry-run: "true"')
    assert decide(request(), tried).is_allowed


def test_a_dry_run_that_is_spelled_wrong_is_enforced():
    """A59."""
    assert not decide(request(), policy(source("namespaces: [x]"), annotations='istio.io/dry-run: "yes"')).is_allowed


@pytest.mark.parametrize(("path", "passes"), [("/api/v1", False), ("/", True)])
def test_an_authorizer_that_does_not_exist_refuses_what_it_is_asked_about(path: str, passes: bool):
    """A60 and A61."""
    custom = policy("{action: CUSTOM, provider: {name: nobody}, rules: [{to: [{operation: {paths: ['/api*']}}]}]}")
    assert decide(request(path=path), custom).is_allowed is passes


GRPC = "extensionProviders: [{name: opa, envoyExtAuthzGrpc: {service: opa, port: 9000}}]"


def test_an_authorizer_that_says_yes_cannot_overrule_a_deny():
    """A62."""
    custom = policy("{action: CUSTOM, provider: {name: opa}, rules: [{}]}", "ask")
    no_posts = policy(deny(operation("methods: [POST]")), "no-posts")
    found = decide(request(method="POST"), custom, no_posts, config=GRPC)
    assert not found.is_allowed
    assert [rule.policy.name for rule in found.asked] == ["ask"]


def test_two_authorizers_on_one_workload_refuse_what_either_is_asked_about():
    """A63."""
    one, other = (
        policy(
            f"{{action: CUSTOM, provider: {{name: {name}}}, rules: [{{to: [{{operation: {{paths: [/{name}]}}}}]}}]}}",
            name,
        )
        for name in ("opa", "two")
    )
    config = f"extensionProviders: [{GRPC.split('[')[1].rstrip(']')}, {{name: two, envoyExtAuthzGrpc: {{service: two, port: 1}}}}]"
    assert not decide(request(path="/opa"), one, other, config=config).is_allowed
    assert decide(request(path="/"), one, other, config=config).is_allowed


def test_an_http_authorizer_is_not_asked_about_connections():
    """A64."""
    config = "extensionProviders: [{name: opa, envoyExtAuthzHttp: {service: opa, port: 9000}}]"
    custom = policy("{action: CUSTOM, provider: {name: opa}, rules: [{}]}")
    found = decide(request(port="3306"), custom, chain=Chain.TCP, config=config)
    assert found == Verdict(is_allowed=True)


def test_an_empty_policy_of_the_root_namespace_closes_gateways_too():
    """A65."""
    assert not decide(request(PLAIN), policy("{}", namespace="istio-system"), pod=GATEWAY).is_allowed


def test_a_waypoint_takes_no_selectors():
    """A67."""
    waypoint = """
apiVersion: v1
kind: Pod
metadata: {name: w, namespace: shop, labels: {gateway.networking.k8s.io/gateway-name: w, app: cart}}
spec: {containers: [{name: istio-proxy, image: proxy}]}
"""
    gateway = """
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: w, namespace: shop}
spec: {gatewayClassName: istio-waypoint, listeners: [{name: mesh, port: 15008, protocol: HBONE}]}
"""
    spec = "{action: DENY, selector: {matchLabels: {app: cart}}, rules: [{}]}"
    assert decide(request(), policy(spec), gateway, pod=waypoint).is_allowed


def test_a_pod_without_a_proxy_is_decided_by_nobody():
    bare = CART.replace('"true"', '"false"')
    mesh = mesh_of("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n", bare, policy("{}"))
    (workload,) = [one for one in mesh.workloads if not one.is_assumed]
    assert attached(mesh, workload) == ()
    assert targets(mesh, mesh.authorization_policies[0]) == ()


def test_an_alias_may_have_a_star():
    spec = source("principals: ['b-td/ns/x/sa/y']")
    config = "{trustDomain: td2, trustDomainAliases: ['*-td']}"
    assert decide(request("spiffe://td2/ns/x/sa/y"), policy(spec), config=config).is_allowed


def test_a_star_in_the_middle_of_a_namespace_is_any_text():
    """S51."""
    spec = policy(source("namespaces: ['team-*-prod']"))
    assert decide(request("spiffe://cluster.local/ns/team-x-prod/sa/y"), spec).is_allowed
    assert not decide(request("spiffe://cluster.local/ns/team-x/sa/y"), spec).is_allowed


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        (("shop", "{}"), ("shop", "{selector: {matchLabels: {app: cart}}}"), True),
        (("shop", "{selector: {matchLabels: {app: cart}}}"), ("shop", "{}"), False),
        (("istio-system", "{}"), ("shop", "{}"), True),
        (("shop", "{}"), ("istio-system", "{}"), False),
        (("x", "{}"), ("shop", "{}"), False),
    ],
)
def test_a_policy_reaches_as_far_as_another_by_namespace_and_labels(
    wide: tuple[str, str], narrow: tuple[str, str], expected: bool
):
    mesh = mesh_of(*(policy(spec, name, home) for name, (home, spec) in {"w": wide, "n": narrow}.items()))
    first, second = mesh.authorization_policies
    assert reaches_as_far(mesh, first, second) is expected


def test_a_malformed_address_drops_an_allow_rule_and_only_widens_a_deny_rule():
    """S39, S40."""
    spec = source("ipBlocks: ['10.0/8', 10.0.0.0/8]")
    assert not decide(request(), policy(spec)).is_allowed
    assert not decide(request(), policy(deny(spec))).is_allowed
    assert decide(request(source="192.168.7.1"), policy(deny(spec))).is_allowed


@pytest.mark.parametrize("value", ["10.0.0.0/255.0.0.0", "10.0.0.0/08", "10.0.0.0/", "fe80::1%eth0", "10.0.0.0/33"])
def test_an_address_that_only_looks_like_one_drops_an_allow_rule(value: str):
    """S39: Istio reads addresses more strictly than others do."""
    assert not decide(request(), policy(source(f"ipBlocks: ['{value}', 10.0.0.0/8]"))).is_allowed


@pytest.mark.parametrize("value", ["9" * 5000, "65536", "-1", "80 ", "http"])
def test_a_port_that_is_none_drops_an_allow_rule(value: str):
    """S39, S66."""
    assert not decide(request(), policy(operation(f"ports: ['{value}', '8080']"))).is_allowed


@pytest.mark.parametrize(
    "key", ["request.headers", "request.headers[x", "request.auth.claims", "request.auth.claims[]"]
)
def test_brackets_that_are_amiss_drop_an_allow_rule_and_widen_a_deny_rule(key: str):
    """S39: the key is known, unlike one that drops the rule for every action (S38)."""
    assert not decide(request(), policy(when(key, "values: [x]"))).is_allowed
    assert not decide(request(), policy(deny(when(key, "values: [x]")))).is_allowed


@pytest.mark.parametrize(
    ("value", "passes"),
    [
        ("read", True),
        ("wri*", True),
        ("*ite", True),
        ("*", True),
        ("read write", False),
        ("ad", False),
        ("*rea", False),
    ],
)
def test_a_scope_is_split_at_its_spaces(value: str, passes: bool):
    """S68."""
    asked = token("i", "s", {claim("scope"): "read write"})
    assert decide(asked, policy(when("request.auth.claims[scope]", f"values: ['{value}']"))).is_allowed is passes


def test_a_dry_run_of_a_custom_policy_refuses_what_it_selects():
    """S17."""
    custom = policy(
        "{action: CUSTOM, provider: {name: opa}, rules: [{to: [{operation: {paths: [/a]}}]}]}",
        annotations='istio.io/dry-run: "true"',
    )
    assert not decide(request(path="/a"), custom, config=GRPC).is_allowed
    assert decide(request(path="/b"), custom, config=GRPC).is_allowed


@pytest.mark.parametrize(
    "providers",
    [
        "{name: opa, envoyExtAuthzGrpc: {service: opa, port: 0}}",
        "{name: opa, envoyExtAuthzGrpc: {port: 9000}}",
        "{name: opa, envoyExtAuthzGrpc: {service: a, port: 1}}, {name: opa, envoyExtAuthzGrpc: {service: b, port: 1}}",
        "{name: opa, zipkin: {service: opa, port: 9000}}",
    ],
)
def test_an_authorizer_whose_definition_is_broken_refuses_what_it_is_asked_about(providers: str):
    """S12."""
    custom = policy("{action: CUSTOM, provider: {name: opa}, rules: [{}]}")
    assert not decide(request(), custom, config=f"extensionProviders: [{providers}]").is_allowed
