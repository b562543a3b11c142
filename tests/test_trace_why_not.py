"""`trace --why-not`: what keeps a route from taking a request, condition by condition."""

import json

import pytest

from conftest import Run

MESH = """
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: reviews, namespace: shop}
spec:
  hosts: [reviews]
  http:
  - name: admin
    match:
    - uri: {prefix: /admin}
      headers: {X-Role: {exact: boss}}
    route: [{destination: {host: reviews}}]
  - name: other-clients
    match: [{sourceLabels: {app: robot}}]
    route: [{destination: {host: reviews}}]
  - route: [{destination: {host: reviews}}]
  - name: late
    match: [{uri: {exact: /late}}]
    route: [{destination: {host: reviews}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: edge, namespace: shop}
spec:
  hosts: [reviews]
  gateways: [shop/door]
  http: [{name: in, route: [{destination: {host: reviews}}]}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: elsewhere, namespace: far}
spec:
  hosts: [reviews.shop.svc.cluster.local]
  exportTo: ["."]
  http: [{name: private, route: [{destination: {host: reviews}}]}]
"""


@pytest.fixture
def why(meshlint: Run, tmp_path):
    (tmp_path / "mesh.yaml").write_text(MESH)

    def ask(route: str, *arguments: str, url: str = "http://reviews/admin/x"):
        run = meshlint("trace", url, "--from", "shop", "--why-not", route, *arguments, "mesh.yaml")
        return run.returncode, run.stdout.partition("\n→ ")[2].partition("\n")[2], run.stderr

    return ask


def test_each_condition_is_judged_at_its_own_place(why):
    _, text, _ = why("admin")
    assert "why not VirtualService shop/reviews, route admin: header `x-role` is absent" in text
    assert '✓ path begins with "/admin"' in text
    line = next(line for line in text.splitlines() if "✗" in line)
    assert '✗ header `x-role` is "boss": header `x-role` is absent' in line
    assert line.endswith(":16")


def test_the_route_that_takes_the_request_says_so(why):
    assert "why VirtualService shop/reviews, route admin: this route takes" in why("admin", "-H", "x-role: boss")[1]


def test_an_earlier_route_is_named_with_its_place(why):
    text = why("2", "-H", "x-role: boss")[1]
    assert "`admin` takes the request before it" in text
    assert "mesh.yaml:13" in text.splitlines()[0]


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        ("other-clients", "it is for other clients or ports: client's label `app` is absent"),
        ("late", "a route before it takes all: nothing after that is configured"),
        ("shop/edge", "it acts at shop/door, not at sidecars"),
        ("far/elsewhere:private", "it is not exported to shop"),
    ],
)
def test_a_route_that_nobody_asks_has_a_reason(why, route, reason):
    text = why(route)[1]
    assert "no proxy asks this route" in text
    assert f"✗ {reason}" in text


def test_a_route_for_another_host_says_for_which(why):
    assert "its hosts are reviews: the request is for `ratings`" in why("admin", url="http://ratings/")[1]


def test_the_json_has_the_conditions(meshlint: Run, tmp_path):
    (tmp_path / "mesh.yaml").write_text(MESH)
    run = meshlint(
        "trace", "http://reviews/admin", "--from", "shop", "--why-not", "admin", "--format", "json", "mesh.yaml"
    )
    (answer,) = json.loads(run.stdout)["whyNot"]
    assert answer["verdict"] == "unmet"
    assert [one["holds"] for one in answer["entries"][0]["conditions"]] == [True, True, False]


@pytest.mark.parametrize(
    ("route", "message"),
    [
        ("admn", "no route is called 'admn': did you mean `admin`?"),
        ("shop/review", "no VirtualService is called 'shop/review': did you mean `shop/reviews`?"),
        ("shop/reviews:lat", "has no route 'lat': did you mean `late`?"),
        ("99", "no route is called '99'"),
    ],
)
def test_a_name_of_no_route_is_2(why, route, message):
    code, text, error = why(route)
    assert (code, text, message in error) == (2, "", True), error


def test_the_exit_code_is_that_of_the_trace(why):
    assert why("admin")[0] == 0
    assert why("admin", "--expect", "status=404")[0] == 1
