import json as reader
from dataclasses import replace

from meshlint.finding import Suppression, Witness
from meshlint.render.json import json
from meshlint.request import METHOD, PATH, PORT, PRINCIPAL, SNI, TOKEN_SUBJECT, Attribute, Request, claim, query
from render.reports import finding, problem, report, reviews
from render.snapshots import assert_matches


def test_the_contract_is_kept_field_for_field():
    assert_matches("reviews.json", json(reviews()))


def test_keys_come_in_the_documented_order():
    log = reader.loads(json(reviews()))
    assert list(log) == ["version", "complete", "findings", "summary"]
    assert " ".join(log["findings"][0]) == (
        "code rule severity message aliases resource location pointer related witness fix suppressed"
    )


def test_a_finding_in_no_resource_has_null_for_it():
    log = reader.loads(json(report(finding(problem("a: «b»"), resource=None))))
    assert log["findings"][0]["resource"] is None


def test_columns_count_code_points_and_the_end_is_the_position_after():
    log = reader.loads(json(report(finding(problem("a: 😀 «b:\n  é»\n")))))
    assert log["findings"][0]["location"] == {
        "path": "a.yaml",
        "line": 1,
        "column": 6,
        "endLine": 2,
        "endColumn": 4,
    }


def test_a_witness_has_only_what_the_request_has_under_readable_names():
    request = Request.of(
        {
            METHOD: "GET",
            PATH: "/",
            PORT: "9080",
            SNI: "a.b",
            PRINCIPAL: "spiffe://cluster.local/ns/a/sa/b",
            TOKEN_SUBJECT: "me",
            query("q"): "1",
            claim("realm", "role"): "admin",
            Attribute("mesh.network"): "n1",
        }
    )
    log = reader.loads(json(report(finding(problem("a: «b»", witness=Witness(request, "denied"))))))
    assert log["findings"][0]["witness"] == {
        "request": {
            "method": "GET",
            "path": "/",
            "port": 9080,
            "sni": "a.b",
            "principal": "spiffe://cluster.local/ns/a/sa/b",
            "tokenSubject": "me",
            "query": {"q": "1"},
            "claims": {"realm.role": "admin"},
            "mesh.network": "n1",
        },
        "outcome": "denied",
    }


def test_a_suppression_outside_the_input_has_no_location():
    baselined = finding(problem("a: «b»"), suppressed=Suppression(None, "baseline"))
    log = reader.loads(json(report(baselined)))
    assert log["findings"][0]["suppressed"] == {"reason": "baseline", "location": None}
    assert (log["summary"]["warnings"], log["summary"]["suppressed"]) == (0, 1)


def test_a_failure_makes_the_report_incomplete():
    assert reader.loads(json(replace(reviews(), failures=("MSH101 failed",))))["complete"] is False


def test_the_output_is_ascii_so_that_no_terminal_obeys_it():
    text = json(report(finding(problem("a: «b»", message="\x9b31m \u202e \udc80"))))
    assert text.isascii()
    assert reader.loads(text)["findings"][0]["message"] == "\x9b31m \u202e \udc80"
