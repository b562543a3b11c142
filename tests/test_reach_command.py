"""The command `reach`, run as a user would: its output, its formats and its exit codes."""

import json

import pytest

from conftest import ROOT, Run
from dot import read

BOOKINFO = str(ROOT / "examples" / "bookinfo")
UNSEEN = """
apiVersion: v1
kind: Pod
metadata: {name: app, namespace: shop, labels: {app: app}}
spec: {containers: [{name: app, image: app, ports: [{containerPort: 80}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: closed, namespace: shop}
spec: {}
"""
# What a name may not do to a terminal, a table, or a drawing.
HOSTILE = """
apiVersion: v1
kind: Pod
metadata: {name: "a\\e[31m\\"];\\nevil -> c0 [", namespace: "s\\u202ehop", labels: {sidecar.istio.io/inject: "true"}}
spec: {serviceAccountName: "x\\\\\\"<b>", containers: [{name: app, image: app, ports: [{containerPort: 80}]}]}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: p, namespace: "s\\u202ehop"}
spec: {rules: [{to: [{operation: {paths: ["/\\e]0;x\\a"]}}]}]}
"""


def asked(meshlint: Run, *arguments: str):
    """The JSON of a run that answers everything."""
    run = meshlint("reach", BOOKINFO, *arguments, "--format", "json")
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_the_table_shows_who_may_call_on_which_conditions(meshlint: Run):
    run = meshlint("reach", BOOKINFO)
    assert run.returncode == 0
    (ratings,) = [line for line in run.stdout.splitlines() if line.startswith("bookinfo/ratings-v1:9080")]
    assert "bookinfo/bookinfo-reviews  " in ratings
    assert "if method is GET" in ratings
    assert ratings.endswith("GET /  on port 9080  from bookinfo/bookinfo-reviews")
    assert "never:" not in run.stdout


def test_a_narrow_question_shows_the_refusals_and_what_decides(meshlint: Run):
    run = meshlint("reach", BOOKINFO, "--from", "bookinfo/details-v1", "--to", "bookinfo/ratings")
    assert "never: no rule admits it" in run.stdout
    assert "refused by  " in run.stdout
    assert "authorization.yaml:" in run.stdout


@pytest.mark.parametrize(
    ("caller", "names"),
    [
        ("bookinfo/details-v1", ["bookinfo/bookinfo-details"]),
        ("bookinfo/bookinfo-details", ["bookinfo/bookinfo-details"]),
        ("external", ["a peer without identity"]),
        ("others", ["any other identity of the mesh"]),
        ("gateway:bookinfo/bookinfo-gateway", ["istio-system/istio-ingressgateway"]),
        ("istio-egress", ["istio-egress/istio-egressgateway"]),
    ],
)
def test_from_means_workloads_accounts_namespaces_gateways_and_the_rest(meshlint: Run, caller, names):
    assert [one["name"] for one in asked(meshlint, "--from", caller)["clients"]] == names


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("--to", "bookinfo/ratings"), ["bookinfo/ratings-v1:9080"]),
        (("--to", "bookinfo/reviews-v2"), ["bookinfo/reviews-v2:9080"]),
        (("--port", "8443", "--to", "istio-egress"), ["istio-egress/istio-egressgateway:8443"]),
        (("--port", "443", "--to", "istio-system"), ["istio-system/istio-ingressgateway:8443"]),
    ],
)
def test_to_means_workloads_services_and_namespaces(meshlint: Run, arguments, names):
    assert [one["name"] for one in asked(meshlint, *arguments)["servers"]] == names


def test_the_json_answers_each_pair_once(meshlint: Run):
    found = asked(meshlint)
    assert (found["version"], found["complete"]) == ("1", True)
    everyone, pairs = {one["name"] for one in found["clients"]}, []
    for call in found["calls"]:
        alike = [one for one in found["calls"] if one["servers"] == call["servers"]]
        rest = everyone - {name for one in alike for name in one["clients"] or ()}
        pairs += [(server, name) for server in call["servers"] for name in call["clients"] or rest]
    assert len(pairs) == len(set(pairs)) == len(everyone) * len(found["servers"])
    assert len(pairs) == sum(number for name, number in found["summary"].items() if name != "skipped")


def test_the_json_names_conditions_places_and_requests(meshlint: Run):
    found = asked(meshlint, "--from", "bookinfo/reviews-v1", "--to", "bookinfo/ratings")
    (call,) = found["calls"]
    assert (call["allowed"], call["conditions"]) == ("conditionally", "if method is GET")
    (clause,) = call["admitting"]
    assert clause["policy"]["name"] == "ratings-callers"
    assert clause["location"]["path"].endswith("authorization.yaml")
    assert call["witness"] == {
        "method": "GET",
        "path": "/",
        "port": 9080,
        "principal": "spiffe://cluster.local/ns/bookinfo/sa/bookinfo-reviews",
    }
    assert call["refused"]["method"] != "GET"


def test_the_drawing_has_an_arrow_for_each_call_that_is_possible(meshlint: Run):
    drawn = read(meshlint("reach", BOOKINFO, "--format", "dot").stdout)
    arrows = {(drawn.label(source), drawn.label(target)): traits["label"] for source, target, traits in drawn.edges}
    assert arrows["bookinfo/bookinfo-reviews", "bookinfo/ratings-v1:9080"] == "if method is GET"
    assert ("bookinfo/bookinfo-details", "bookinfo/ratings-v1:9080") not in arrows


@pytest.mark.parametrize("form", ["table", "json", "dot"])
def test_what_cannot_be_decided_is_3_and_says_so(meshlint: Run, tmp_path, form):
    (tmp_path / "mesh.yaml").write_text(UNSEEN)
    run = meshlint("reach", "mesh.yaml", "--format", form)
    assert run.returncode == 3
    match form:
        case "table":
            assert run.stdout.splitlines()[-1].startswith("incomplete: ")
        case "json":
            assert json.loads(run.stdout)["complete"] is False
        case _:
            assert {traits.get("style") for _, _, traits in read(run.stdout).edges} == {"dashed"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "bookinfo/reviws-v1"), "did you mean 'bookinfo/reviews-v1'?"),
        (("--from", "gateway:no/such"), "no Gateway is called"),
        (("--to", "bookinfo/rating"), "did you mean 'bookinfo/ratings'?"),
        (("--port", "1"), "has a port 1"),
        (("--format", "html"), "no format is called"),
        (("--istio-version", "1.5"), "reach follows Istio 1.6 and later"),
    ],
)
def test_what_cannot_be_asked_is_2_and_said_in_one_line(meshlint: Run, arguments, message):
    run = meshlint("reach", BOOKINFO, *arguments)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_no_input_is_3(meshlint: Run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert meshlint("reach", "empty").returncode == 3


@pytest.mark.parametrize("form", ["table", "json", "dot"])
def test_a_hostile_name_is_shown_and_never_obeyed(meshlint: Run, tmp_path, form):
    (tmp_path / "mesh.yaml").write_text(HOSTILE)
    run = meshlint("reach", "mesh.yaml", "--format", form)
    assert run.returncode in (0, 3), run.stderr
    assert not [char for char in run.stdout if char != "\n" and (ord(char) < 32 or char == "\u202e")]
    if form == "dot":
        assert "evil" not in read(run.stdout).nodes
    if form == "json":
        assert [one["port"] for one in json.loads(run.stdout)["servers"]][:1] == [80]


def test_standard_input_is_read_too(meshlint: Run):
    run = meshlint("reach", "-", "--from", "external", "--format", "json", given=UNSEEN)
    assert json.loads(run.stdout)["calls"][0]["why"] == "the input does not show whether it has a proxy"
