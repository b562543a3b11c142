"""AuthorizationPolicies at ztunnel, which sees connections only: the worked cases, in their numbers, and the statements."""

import pytest

from meshlint.mesh.authorization import attached, verdict
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Mode, ztunnel_demand
from meshlint.request import PORT, PRINCIPAL, SOURCE_IP, Request
from meshlint.source.parse import parse
from meshlint.source.text import Source

POD = """
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop, labels: {app: cart, istio.io/dataplane-mode: ambient}}
spec: {containers: [{name: app, image: cart}]}
"""
MINE = "selector: {matchLabels: {app: cart}}"


def mesh_of(*texts: str, config: str = "") -> Mesh:
    documents = tuple(document for text in texts for document in parse(Source("mesh.yaml", text)).documents)
    return Mesh(documents, mesh_config=parse(Source("config.yaml", config)).documents[0] if config else None)


def policy(spec: str, namespace: str = "shop", annotations: str = "") -> str:
    return (
        "\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\n"
        f"metadata: {{name: p, namespace: {namespace}, annotations: {{{annotations}}}}}\nspec: {spec}\n"
    )


def passes(spec: str, peer: str | None = "cluster.local/ns/shop/sa/front", *, config: str = "", **more: str) -> bool:
    """Whether a connection to port 8080 from the peer gets through under one policy."""
    mesh = mesh_of(POD, policy(spec, more.get("namespace", "shop"), more.get("annotations", "")), config=config)
    (workload,) = [one for one in mesh.workloads if not one.is_assumed]
    asked = Request.of({PORT: "8080", SOURCE_IP: "10.0.0.7"})
    asked = asked if peer is None else asked.but(PRINCIPAL, f"spiffe://{peer}")
    return verdict(mesh, attached(mesh, workload), Chain.ZTUNNEL, asked).is_allowed


CASES = [
    ("A70", f"{{action: DENY, {MINE}, rules: [{{to: [{{operation: {{methods: [DELETE]}}}}]}}]}}", None, True),
    ("A71", "{action: DENY, rules: [{to: [{operation: {methods: [PUT], ports: ['8080']}}]}]}", None, False),
    (
        "A72",
        "{action: DENY, rules: [{from: [{source: {namespaces: [x]}}], to: [{operation: {paths: [/a]}}]}]}",
        "cluster.local/ns/x/sa/y",
        True,
    ),
    (
        "A73",
        "{rules: [{from: [{source: {namespaces: [x]}}], to: [{operation: {methods: [GET]}}]}]}",
        "cluster.local/ns/x/sa/y",
        False,
    ),
    ("A74", "{action: DENY, selector: {}, rules: [{}]}", None, True),
    ("A76", "{rules: [{from: [{source: {namespaces: ['*a']}}]}]}", "cluster.local/ns/kim/sa/lee", False),
    ("A77", "{action: CUSTOM, provider: {name: opa}, rules: [{}]}", None, True),
    (
        "A79",
        f"{{{MINE}, rules: [{{from: [{{source: {{principals: [cluster.local/ns/x/sa/client]}}}}]}}]}}",
        "cluster.local/ns/shop/sa/way",
        False,
    ),
]


@pytest.mark.parametrize(("spec", "peer", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_worked_case_is_decided_as_it_says(spec: str, peer: str | None, expected: bool):
    assert passes(spec, peer) is expected


def test_no_trust_domain_stands_for_another():
    """A78."""
    spec = "{rules: [{from: [{source: {principals: [cluster.local/ns/x/sa/y]}}]}]}"
    assert not passes(spec, "td1/ns/x/sa/y", config="trustDomain: td1")
    assert passes(spec, "cluster.local/ns/x/sa/y", config="trustDomain: td1")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{action: DENY, rules: [{}]}", False),
        ("{action: AUDIT, rules: [{}]}", True),
        ("{action: DENY, targetRefs: [{kind: Service, group: '', name: cart}], rules: [{}]}", True),
        ("{action: DENY, rules: [{when: [{key: source.namespace, values: [shop]}]}]}", False),
        ("{action: DENY, rules: [{when: [{key: 'request.headers[a]', values: [b]}]}]}", True),
        ("{action: DENY, rules: [{when: [{key: remote.ip, values: [10.0.0.0/8]}]}]}", True),
        ("{action: DENY, rules: [{when: [{key: source.ip, values: [10.0.0.0/8]}]}]}", False),
        ("{action: DENY, rules: [{to: [{operation: {methods: [GET]}}, {operation: {ports: ['8080']}}]}]}", False),
        ("{action: DENY, rules: [{from: [{source: {trustDomains: [x]}}]}]}", True),
        ("{action: DENY, rules: [{from: [{source: {trustDomains: [x], namespaces: [shop]}}]}]}", False),
        ("{action: DENY, rules: [{from: [{source: {namespaces: ['sh*']}}]}]}", False),
        ("{action: DENY, rules: [{from: [{source: {serviceAccounts: [front]}}]}]}", False),
        ("{rules: [{from: [{source: {ipBlocks: [nonsense, 10.0.0.0/8]}}]}]}", True),
    ],
)
def test_what_is_left_of_rules_is_what_connections_show(spec: str, expected: bool):
    """S90-S99."""
    assert passes(spec) is expected


def test_a_policy_of_the_root_namespace_is_for_all():
    """S88."""
    assert not passes("{action: DENY, rules: [{}]}", namespace="istio-system")
    assert passes("{action: DENY, rules: [{}]}", namespace="elsewhere")


def test_a_dry_run_decides_nothing():
    """S91."""
    assert passes("{action: DENY, rules: [{}]}", annotations='istio.io/dry-run: "true"')


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{mtls: {mode: DISABLE}}", Mode.PERMISSIVE),
        ("{mtls: {mode: STRICT}}", Mode.STRICT),
        ("{selector: {matchLabels: {app: cart}}, portLevelMtls: {8080: {mode: DISABLE}}}", Mode.STRICT),
        (
            "{selector: {matchLabels: {app: cart}}, portLevelMtls: {8080: {mode: DISABLE}, 9: {mode: PERMISSIVE}}}",
            Mode.PERMISSIVE,
        ),
    ],
)
def test_the_tunnel_is_never_turned_off(spec: str, expected: Mode):
    """S109."""
    head = "apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: %s, namespace: %s}\nspec: %s\n"
    mesh = mesh_of(POD, head % ("own", "shop", spec), head % ("wide", "istio-system", "{mtls: {mode: STRICT}}"))
    (workload,) = [one for one in mesh.workloads if not one.is_assumed]
    demand = ztunnel_demand(mesh, workload, 8080)
    assert demand is not None
    assert demand.mode is expected
