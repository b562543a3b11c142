"""The command `trace`, run as a user would: its output, its formats and its exit codes."""

import json

import pytest

from conftest import ROOT, Run

BOOKINFO = str(ROOT / "examples" / "bookinfo")
REVIEWS = ("trace", "GET", "http://reviews:9080/reviews/0")
FROM_PRODUCTPAGE = ("--from", "bookinfo/productpage-v1")
REWRITTEN = """
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {sidecar.istio.io/inject: "true"}}
spec: {containers: [{name: app, image: app}]}
---
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
  - rewrite: {uriRegexRewrite: {match: "%s", rewrite: /new}}
    route: [{destination: {host: reviews}}]
"""


def test_a_delivered_request_is_0_and_shows_each_hop_with_its_place(meshlint: Run):
    run = meshlint(*REVIEWS, "-H", "end-user: tester", *FROM_PRODUCTPAGE, BOOKINFO)
    assert run.returncode == 0
    stages = [line.split()[1] for line in run.stdout.splitlines() if line[:1].isdigit()]
    assert stages == ["client", "route", "cluster", "server"]
    assert "VirtualService bookinfo/reviews, route canary" in run.stdout
    assert "routes.yaml:" in run.stdout
    assert len({line.rfind("  ") for line in run.stdout.splitlines()[1:4]}) == 1
    assert run.stdout.splitlines()[-1].startswith("→ 200 reviews:v3 (bookinfo/reviews-v3)")


def test_a_refused_request_is_1(meshlint: Run):
    run = meshlint(*REVIEWS, "--from", "bookinfo/details-v1", BOOKINFO)
    assert run.returncode == 1
    assert run.stdout.splitlines()[-1].startswith("→ 403")


def test_a_way_is_drawn_as_a_sequence_diagram(meshlint: Run):
    drawn = meshlint(*REVIEWS, "-H", "end-user: tester", *FROM_PRODUCTPAGE, "--format", "mermaid", BOOKINFO)
    first, *lines = drawn.stdout.splitlines()
    assert first == "sequenceDiagram"
    assert any(line.strip().startswith("p0->>p1: ") for line in lines)


def test_the_json_names_the_outcome_and_the_steps(meshlint: Run):
    run = meshlint(*REVIEWS, "-H", "end-user: tester", *FROM_PRODUCTPAGE, "--format", "json", BOOKINFO)
    found = json.loads(run.stdout)
    assert found["version"] == "1"
    assert found["outcome"]["kind"] == "cluster"
    assert found["outcome"]["cluster"] == "outbound|9080|v3|reviews.bookinfo.svc.cluster.local"
    assert found["outcome"]["workloads"] == ["bookinfo/reviews-v3"]
    assert len(found["steps"]) == 4


@pytest.mark.parametrize(("wanted", "code"), [("status=403", 0), ("status=200", 1)])
def test_an_expectation_decides_the_exit_code(meshlint: Run, wanted, code):
    run = meshlint(*REVIEWS, "--from", "bookinfo/details-v1", "--expect", wanted, BOOKINFO)
    assert run.returncode == code


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trace", "GET", BOOKINFO), "no URL"),
        ((*REVIEWS, "--format", "html", BOOKINFO), "no format is called"),
    ],
)
def test_what_cannot_be_asked_is_2_and_said_in_one_line(meshlint: Run, arguments, message):
    run = meshlint(*arguments)
    assert run.returncode == 2
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_no_input_is_3(meshlint: Run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert meshlint(*REVIEWS, *FROM_PRODUCTPAGE, "empty").returncode == 3


@pytest.mark.parametrize(("expression", "code"), [("^/old", 0), ("(?U)^/old", 3)])
def test_a_rewrite_that_cannot_be_followed_cannot_be_decided(meshlint: Run, tmp_path, expression, code):
    (tmp_path / "mesh.yaml").write_text(REWRITTEN % expression)
    run = meshlint("trace", "GET", "http://reviews/old", "--from", "shop/client", "mesh.yaml")
    assert (run.returncode, "cannot be followed" in run.stdout) == (code, code == 3), run.stdout + run.stderr


def test_the_diagram_of_a_refused_request_ends_in_a_cross_and_is_1(meshlint: Run):
    run = meshlint(*REVIEWS, "--from", "bookinfo/details-v1", "--format", "mermaid", BOOKINFO)
    assert run.returncode == 1
    assert "--xcaller: 403" in run.stdout.splitlines()[-1]


def test_a_diagram_is_of_one_trace(meshlint: Run):
    run = meshlint(*REVIEWS, *FROM_PRODUCTPAGE, "--both", BOOKINFO, BOOKINFO, "--format", "mermaid")
    assert run.returncode == 2
    assert "a diagram is of one trace" in run.stderr
