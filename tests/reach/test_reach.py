"""Who can call what, case by case (security S1-S166)."""

import pytest

from meshlint import reach
from meshlint.mesh.model import Mesh
from meshlint.reach import Always, Kind, Never, OnConditions, Undecidable
from meshlint.request import METHOD, PRINCIPAL, TOKEN_ISSUER, TOKEN_SUBJECT
from meshlint.source.parse import parse
from meshlint.source.text import Source

MESH = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: plain}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart}}
spec: {serviceAccountName: cart, containers: [{name: app, image: app}]}
---
apiVersion: v1
kind: Pod
metadata: {name: till, namespace: shop, labels: {app: till}}
spec: {serviceAccountName: till, containers: [{name: app, image: app}]}
---
apiVersion: v1
kind: Pod
metadata: {name: old, namespace: plain, labels: {app: old}}
spec: {containers: [{name: app, image: app}]}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: old, namespace: plain}
spec: {selector: {app: old}, ports: [{name: http, port: 80}]}
"""
STRICT = """
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: {name: peers, namespace: shop}
spec: {mtls: {mode: STRICT}}
"""
TOKENS = """
apiVersion: security.istio.io/v1
kind: RequestAuthentication
metadata: {name: tokens, namespace: shop}
spec: {jwtRules: [{issuer: iss}]}
"""
TCP = MESH.replace("{name: http, port: 80, targetPort: 8080}", "{name: tcp, port: 80, targetPort: 8080}")


def policy(spec, name="p", namespace="shop", annotations="{}"):
    return f"""
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {{name: {name}, namespace: {namespace}, annotations: {annotations}}}
spec: {spec}
"""


def mesh_of(*texts):
    return Mesh(tuple(node for at, one in enumerate(texts) for node in parse(Source(f"{at}.yaml", one)).documents))


def ask(mesh, client, server="shop/cart:8080"):
    """The answer for one client, by name or kind, and one server."""
    (called,) = [one for one in reach.servers(mesh) if one.name == server]
    (caller,) = [one for one in reach.clients(mesh) if client in (one.name, one.kind)]
    (row,) = reach.reach(mesh, [caller], [called]).rows
    return row.access


def test_without_policies_all_may_call():
    mesh = mesh_of(MESH)
    assert all(isinstance(ask(mesh, one), Always) for one in ("shop/till", Kind.OTHERS, Kind.EXTERNAL))


def test_strict_shuts_out_whoever_has_no_identity():
    mesh = mesh_of(MESH, STRICT)
    assert isinstance(ask(mesh, "shop/till"), Always)
    never = ask(mesh, Kind.EXTERNAL)
    assert isinstance(never, Never)
    assert never.node.value == "STRICT"


def test_what_has_no_proxy_is_open_whatever_the_policies():
    mesh = mesh_of(MESH, policy("{}", namespace="plain"))
    assert ask(mesh, Kind.EXTERNAL, "plain/old:80") == Always("it has no proxy")


def test_a_pod_without_proxy_calls_without_identity():
    (external,) = [one for one in reach.clients(mesh_of(MESH)) if one.kind is Kind.EXTERNAL]
    assert [one.name for one in external.workloads] == ["old"]


def test_a_policy_without_rules_lets_nobody_in():
    mesh = mesh_of(MESH, policy("{}"))
    never = ask(mesh, "shop/till")
    assert (type(never), never.why, never.node.value) == (Never, "no rule admits it", "p")
    assert never.refused.get(PRINCIPAL) == "spiffe://cluster.local/ns/shop/sa/till"


def test_a_rule_for_one_caller_is_never_for_the_others():
    mesh = mesh_of(MESH, policy("{rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/till]}}]}]}"))
    assert isinstance(ask(mesh, "shop/till"), Always)
    assert all(isinstance(ask(mesh, one), Never) for one in ("shop/cart", Kind.OTHERS, Kind.EXTERNAL))


def test_conditions_are_told_in_words_with_a_request_on_each_side():
    rule = "{from: [{source: {namespaces: [shop]}}], to: [{operation: {methods: [GET], paths: [/a, /b*]}}]}"
    found = ask(mesh_of(MESH, policy(f"{{rules: [{rule}]}}")), "shop/till")
    assert isinstance(found, OnConditions)
    assert found.words == "if method is GET and path is /a or /b*"
    assert found.witness.get(METHOD) == "GET"
    assert found.refused is not None


def test_an_unknown_identity_may_be_let_in_by_its_namespace():
    found = ask(mesh_of(MESH, policy("{rules: [{from: [{source: {namespaces: [shop]}}]}]}")), Kind.OTHERS)
    assert found.words == "if namespace is shop"
    assert found.witness.get(PRINCIPAL).startswith("spiffe://cluster.local/ns/shop/sa/")
    assert found.witness.get(PRINCIPAL) not in {one.principal for one in reach.clients(mesh_of(MESH))}


def test_a_denial_is_told_as_an_exception():
    found = ask(mesh_of(MESH, policy("{action: DENY, rules: [{to: [{operation: {paths: [/admin*]}}]}]}")), "shop/till")
    assert found.words == "unless path is /admin*"


def test_a_denial_of_all_that_is_admitted_is_never():
    allow = policy("{rules: [{to: [{operation: {methods: [GET]}}]}]}")
    deny = policy("{action: DENY, rules: [{to: [{operation: {notMethods: [POST]}}]}]}", name="q")
    never = ask(mesh_of(MESH, allow, deny), "shop/till")
    assert (type(never), never.why) == (Never, "what is admitted is denied")


def test_two_rules_that_cover_all_requests_are_always():
    rules = "{to: [{operation: {methods: [GET]}}]}, {to: [{operation: {notMethods: [GET]}}]}"
    assert isinstance(ask(mesh_of(MESH, policy(f"{{rules: [{rules}]}}")), "shop/till"), Always)


def test_plaintext_gets_past_a_denial_by_identity():
    deny = policy("{action: DENY, rules: [{from: [{source: {principals: [cluster.local/ns/shop/sa/till]}}]}]}")
    mesh = mesh_of(MESH, deny)
    assert isinstance(ask(mesh, "shop/till"), Never)
    assert isinstance(ask(mesh, Kind.EXTERNAL), Always)


def test_disabled_mutual_tls_takes_identities_away():
    allow = policy("{rules: [{from: [{source: {principals: ['*']}}]}]}")
    assert isinstance(ask(mesh_of(MESH, STRICT.replace("STRICT", "DISABLE"), allow), "shop/till"), Never)


def test_a_token_that_nothing_verifies_is_never_there():
    allow = policy("{rules: [{from: [{source: {requestPrincipals: ['*']}}]}]}")
    never = ask(mesh_of(MESH, allow), "shop/till")
    assert (type(never), never.why) == (
        Never,
        "no RequestAuthentication verifies the token that its rules ask for",
    )
    assert isinstance(ask(mesh_of(MESH, TOKENS, allow), "shop/till"), OnConditions)


def test_a_token_of_an_issuer_that_nothing_verifies_is_never_there():
    allow = policy("{rules: [{from: [{source: {requestPrincipals: ['other/*']}}]}]}")
    assert isinstance(ask(mesh_of(MESH, TOKENS, allow), "shop/till"), Never)


def test_a_claim_needs_a_token_and_its_issuer():
    allow = policy("{rules: [{when: [{key: 'request.auth.claims[group]', values: [admin]}]}]}")
    found = ask(mesh_of(MESH, TOKENS, allow), "shop/till")
    assert found.witness.get(TOKEN_ISSUER) == "iss"
    assert found.words.startswith("if request.auth.claims[group] is admin")


def test_a_claim_may_have_several_values_at_once():
    rules = [f"{{key: 'request.auth.claims[group]', values: [{value}]}}" for value in ("a", "b")]
    found = ask(mesh_of(MESH, TOKENS, policy(f"{{rules: [{{when: [{', '.join(rules)}]}}]}}")), "shop/till")
    assert found == Undecidable("a claim of a token may be a list")


def test_either_value_of_a_claim_will_do():
    allow = policy("{rules: [{when: [{key: 'request.auth.claims[group]', values: [a, b]}]}]}")
    found = ask(mesh_of(MESH, TOKENS, allow), "shop/till")
    assert found.words == "if request.auth.claims[group] is a or b, unless it carries a token that is not valid"


def test_a_demand_for_no_token_is_met_where_none_is_verified():
    deny = policy("{action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]}")
    assert isinstance(ask(mesh_of(MESH, deny), "shop/till"), Never)
    found = ask(mesh_of(MESH, TOKENS, deny), "shop/till")
    assert found.witness.get(TOKEN_SUBJECT) is not None


def test_a_bad_token_is_refused_where_tokens_are_verified():
    assert ask(mesh_of(MESH, TOKENS), "shop/till").words == "unless it carries a token that is not valid"


def test_on_a_tcp_port_a_rule_about_http_admits_nothing():
    allow = policy("{rules: [{to: [{operation: {methods: [GET]}}]}]}")
    assert isinstance(ask(mesh_of(TCP, allow), "shop/till"), Never)


def test_on_a_tcp_port_a_denial_about_http_denies_all():
    deny = policy("{action: DENY, rules: [{to: [{operation: {methods: [GET]}}]}]}")
    assert isinstance(ask(mesh_of(TCP, deny), "shop/till"), Never)


def test_a_port_that_is_sniffed_is_asked_about_both_ways():
    sniffed = MESH.replace("{name: http, port: 80, targetPort: 8080}", "{name: web, port: 80, targetPort: 8080}")
    allow = policy("{rules: [{to: [{operation: {methods: [GET]}}]}]}")
    assert ask(mesh_of(sniffed, allow), "shop/till").words == "as HTTP if method is GET; as TCP never"


def test_a_rule_about_a_port_is_about_the_pods_port():
    allow = policy("{rules: [{to: [{operation: {ports: ['80']}}]}]}")
    assert isinstance(ask(mesh_of(MESH, allow), "shop/till"), Never)
    assert isinstance(ask(mesh_of(MESH, allow.replace("'80'", "'8080'")), "shop/till"), Always)


def test_a_dry_run_decides_nothing():
    mesh = mesh_of(MESH, policy("{}", annotations="{istio.io/dry-run: 'true'}"))
    assert isinstance(ask(mesh, "shop/till"), Always)


JUDGE = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: 'extensionProviders: [{name: judge, envoyExtAuthzGrpc: {service: judge, port: 1}}]'}
"""


def test_an_external_authorizer_is_a_condition():
    custom = policy("{action: CUSTOM, provider: {name: judge}, rules: [{to: [{operation: {paths: [/x*]}}]}]}")
    found = ask(mesh_of(MESH, JUDGE, custom), "shop/till")
    assert (found.words, found.authorizers) == ("if the authorizer judge agrees where it is asked", ("judge",))
    assert found.refused is None


def test_an_authorizer_that_is_not_defined_refuses():
    custom = policy("{action: CUSTOM, provider: {name: judge}, rules: [{}]}")
    assert "external authorizer" in ask(mesh_of(MESH, custom), "shop/till").why


def test_an_unknown_proxy_of_the_server_leaves_open_what_policies_do():
    unseen = MESH.replace("metadata: {name: shop, labels: {istio-injection: enabled}}", "metadata: {name: other}")
    assert isinstance(ask(mesh_of(unseen, policy("{}")), Kind.EXTERNAL), Undecidable)
    assert isinstance(ask(mesh_of(unseen, policy("{rules: [{}]}")), Kind.EXTERNAL), Undecidable)
    assert isinstance(ask(mesh_of(unseen), Kind.EXTERNAL), Always)


def test_an_unknown_proxy_of_the_client_leaves_open_who_it_is():
    caller = """
apiVersion: v1
kind: Pod
metadata: {name: far, namespace: unseen}
spec: {serviceAccountName: far, containers: [{name: app, image: app}]}
"""
    assert isinstance(ask(mesh_of(MESH, STRICT, caller), "unseen/far"), Undecidable)
    assert isinstance(ask(mesh_of(MESH, caller), "unseen/far"), Always)


@pytest.mark.parametrize("namespace", ["ambient", "none"])
def test_policies_in_ambient_mode_are_not_guessed_at(namespace):
    labels = f"labels: {{istio.io/dataplane-mode: {namespace}}}"
    found = ask(mesh_of(MESH.replace("labels: {istio-injection: enabled}", labels), policy("{}")), Kind.EXTERNAL)
    assert isinstance(found, Undecidable if namespace == "ambient" else Always)


def test_competing_policies_of_mutual_tls_leave_it_open():
    rival = STRICT.replace("STRICT", "DISABLE").replace("peers", "rival")
    assert isinstance(ask(mesh_of(MESH, STRICT, rival), "shop/till"), Undecidable)


def test_a_policy_with_flaws_decides_nothing():
    assert isinstance(ask(mesh_of(MESH, policy("{rules: [{from: 7}]}")), "shop/till"), Undecidable)


def test_a_port_that_goes_past_the_proxy_is_open():
    excluded = "annotations: {traffic.sidecar.istio.io/excludeInboundPorts: '8080'}, labels: {app: cart}"
    mesh = mesh_of(MESH.replace("labels: {app: cart}", excluded, 1), policy("{}"), STRICT)
    assert ask(mesh, Kind.EXTERNAL) == Always("the port goes past the proxy")


def test_a_port_that_no_service_leads_to_is_guarded_all_the_same():
    mesh = mesh_of(MESH.replace("{name: app, image: app}", "{name: app, image: app, ports: [{containerPort: 9}]}", 1))
    assert isinstance(ask(mesh, "shop/till", "shop/cart:9"), Always)
    assert isinstance(ask(mesh_of(MESH), "shop/till"), Always)


def test_a_udp_port_is_none_of_the_proxys_business():
    udp = MESH.replace("{name: http, port: 80, targetPort: 8080}", "{name: dns, port: 53, protocol: UDP}")
    assert ask(mesh_of(udp, STRICT), Kind.EXTERNAL, "shop/cart:53/udp") == Always("proxies leave UDP alone")


def test_an_alias_of_the_trust_domain_is_another_identity():
    config = """
apiVersion: v1
kind: ConfigMap
metadata: {name: istio, namespace: istio-system}
data: {mesh: '{trustDomain: new, trustDomainAliases: [old]}'}
"""
    allow = policy("{rules: [{from: [{source: {principals: [old/ns/shop/sa/till]}}]}]}")
    mesh = mesh_of(MESH, config, allow)
    assert isinstance(ask(mesh, "shop/till"), Always)
    assert ask(mesh, Kind.OTHERS).witness.get(PRINCIPAL) == "spiffe://old/ns/shop/sa/till"


GATEWAY = """
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: front, namespace: shop}
spec:
  selector: {istio: ingressgateway}
  servers:
  - port: {number: 443, name: https, protocol: HTTPS}
    hosts: ["*"]
    tls: %s
"""
DOOR = "istio-system/istio-ingressgateway:8443"


def test_nobody_has_an_identity_at_a_gateway_that_ends_tls_for_the_public():
    allow = policy("{rules: [{from: [{source: {principals: ['*']}}]}]}", namespace="istio-system")
    simple = GATEWAY % "{mode: SIMPLE, credentialName: c}"
    assert isinstance(ask(mesh_of(MESH, simple), "shop/till", DOOR), Always)
    assert isinstance(ask(mesh_of(MESH, simple, allow), "shop/till", DOOR), Never)


def test_a_gateway_for_the_mesh_asks_for_certificates():
    mutual = mesh_of(MESH, GATEWAY % "{mode: ISTIO_MUTUAL}")
    assert isinstance(ask(mutual, Kind.EXTERNAL, DOOR), Never)
    assert isinstance(ask(mutual, "shop/till", DOOR), Always)


def test_a_gateway_that_passes_tls_on_reads_rules_as_tcp():
    allow = policy("{rules: [{to: [{operation: {methods: [GET]}}]}]}", namespace="istio-system")
    assert isinstance(ask(mesh_of(MESH, GATEWAY % "{mode: PASSTHROUGH}", allow), Kind.EXTERNAL, DOOR), Never)


def test_certificates_of_others_are_not_guessed_at():
    assert isinstance(ask(mesh_of(MESH, GATEWAY % "{mode: MUTUAL, credentialName: c}"), "shop/till", DOOR), Undecidable)


def test_a_gateway_past_all_policies_is_open():
    mesh = mesh_of(MESH, GATEWAY % "{mode: AUTO_PASSTHROUGH}", policy("{}", namespace="istio-system"))
    assert isinstance(ask(mesh, Kind.EXTERNAL, DOOR), Always)


def test_clients_that_no_policy_tells_apart_share_a_row():
    mesh = mesh_of(MESH, STRICT)
    found = reach.reach(mesh, reach.clients(mesh), reach.servers(mesh))
    (row,) = [row for row in found.rows if isinstance(row.access, Always) and row.servers[0].name == "shop/cart:8080"]
    assert {one.name for one in row.clients} >= {"shop/cart", "shop/till"}


def test_servers_with_the_same_policies_share_a_row():
    two = MESH.replace("app: till", "app: cart").replace("metadata: {name: till", "metadata: {name: cart2")
    mesh = mesh_of(two, policy("{}"))
    found = reach.reach(mesh, reach.clients(mesh), reach.servers(mesh))
    together = [{one.name for one in row.servers} for row in found.rows]
    assert {"shop/cart2:8080", "shop/cart:8080"} in together
