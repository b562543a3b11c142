"""What the demands on security policies and extensions must not do: cascade, stumble, or refuse what Istio takes."""

import json

import pytest

from meshlint import session
from meshlint.config import Config
from meshlint.source.text import Source


def codes(text):
    report = session.lint([Source("one.yaml", text)], Config())
    return sorted(finding.rule.code for finding in report.findings if finding.rule.code < "MSH009")


def policy(spec):
    return f"apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: one, namespace: shop}}\nspec: {spec}\n"


def telemetry(expression):
    filtered = "{filter: {expression: " + json.dumps(expression) + "}}"
    head = "apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: {name: one, namespace: shop}\n"
    return f"{head}spec: {{accessLogging: [{filtered}]}}\n"


@pytest.mark.parametrize(
    "spec",
    [
        "{action: DENY, rules: [{}]}",
        "{action: AUDIT}",
        "{action: CUSTOM, provider: {name: opa}, rules: [{to: [{operation: {paths: [/a]}}]}]}",
        "{rules: [{from: [{source: {notPrincipals: ['*']}}]}]}",
        "{action: AUDIT, targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: waypoint}]}",
        "{rules: [{when: [{key: 'request.auth.claims[a][b]', notValues: [c]}]}]}",
        "{rules: [{from: [{source: {remoteIpBlocks: ['fd00::/8', 10.0.0.7]}}]}]}",
    ],
)
def test_a_policy_that_istio_takes_is_taken(spec):
    assert codes(policy(spec)) == []


@pytest.mark.parametrize(
    ("spec", "code"),
    [
        ("{action: DENY}", "MSH005"),
        ("{action: CUSTOM, provider: {name: opa}}", "MSH005"),
        ("{action: CUSTOM, provider: {}, rules: [{}]}", "MSH005"),
        ("{provider: {name: opa}, rules: [{}]}", "MSH007"),
        ("{rules: [{from: [{}]}]}", "MSH005"),
        ("{rules: [{to: [{operation: {ports: ['http']}}]}]}", "MSH006"),
        ("{rules: [{when: [{key: source.nonsense, values: [a]}]}]}", "MSH006"),
        ("{rules: [{when: [{key: source.ip}]}]}", "MSH005"),
        ("{selector: {matchLabels: {app: a}}, targetRefs: [{kind: Service, name: a}]}", "MSH007"),
    ],
)
def test_one_mistake_is_one_finding(spec, code):
    assert codes(policy(spec)) == [code]


@pytest.mark.parametrize(
    "spec", ["null", "[]", "3", "{rules: {}}", "{rules: [null]}", "{rules: [{from: [null], when: [3]}]}"]
)
def test_a_policy_of_another_shape_is_read_without_stumbling(spec):
    assert isinstance(codes(policy(spec)), list)


@pytest.mark.parametrize(
    "expression",
    [
        "a",
        "!(a in [1, 2])",
        "m['k'] == \"it's\"",
        "a ? b : -1.5e3",
        "size(x) != 0 && r'\\d' != b'='",
        "r'\\' == '\\\\'",
        '"""a " ( b""" == \'c\'',
        "[{1: 2}][0][1] == 2",
    ],
)
def test_an_expression_in_cel_is_taken(expression):
    assert codes(telemetry(expression)) == []


@pytest.mark.parametrize("expression", [" ", "(a", "a)", "(a]", "a = b", "a &&", "'a"])
def test_what_is_no_expression_in_cel_is_refused(expression):
    assert codes(telemetry(expression)) == ["MSH006"]
