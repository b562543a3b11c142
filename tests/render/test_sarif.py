import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from meshlint.finding import Edit, Fix, Note, Problem, Skipped, Suppression
from meshlint.render.sarif import sarif
from meshlint.source.text import Source
from render.reports import OPTIONAL, ROUTES, SUBSETS, finding, node, problem, report, reviews, shadowed, span
from render.snapshots import assert_matches

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "tests/schemas/sarif-2.1.0.json").read_text(encoding="utf-8"))


def run(of, **more):
    return json.loads(sarif(of, version="1.2.3", **more))["runs"][0]


def uri(name):
    result = run(report(finding(problem("a: «b»", name=name))))["results"][0]
    return result["locations"][0]["physicalLocation"]["artifactLocation"]


def test_the_log_is_as_reviewed():
    log = json.loads(sarif(reviews(), version="1.2.3", show_suppressed=True))
    assert_matches("reviews.sarif", json.dumps(log, indent=2) + "\n")


@pytest.mark.parametrize(
    "of",
    [
        report(),
        reviews(),
        replace(reviews(), failures=("MSH101 failed",)),
        report(finding(problem("a: «b»", name="../ü #.yaml", message="{0} [x](1)"), resource=None)),
    ],
)
def test_the_log_is_valid_against_the_official_schema(of):
    log = json.loads(sarif(of, version="1.2.3", show_suppressed=True))
    jsonschema.Draft202012Validator(SCHEMA).validate(log)


def test_the_bytes_do_not_depend_on_the_hash_seed():
    program = (
        "from render.reports import reviews; from meshlint.render.sarif import sarif; "
        "print(sarif(reviews(), version='1', show_suppressed=True))"
    )
    path = os.pathsep.join([str(ROOT / "analyzer"), str(ROOT / "tests")])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": path},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert b'"results":[{' in next(iter(outputs))


def test_the_log_is_compact_sorted_and_ascii():
    text = sarif(reviews(), version="1.2.3")
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) + "\n"
    assert text.isascii()


def test_the_level_is_written_even_where_it_is_the_default():
    results = run(reviews(), show_suppressed=True)["results"]
    assert [result["level"] for result in results] == ["note", "warning", "error"]
    rules = run(reviews())["tool"]["driver"]["rules"]
    assert [rule["defaultConfiguration"]["level"] for rule in rules] == ["warning", "error", "note", "error"]


def test_all_rules_that_ran_are_listed_by_code_and_results_point_at_theirs():
    log = run(replace(reviews(), rules=tuple(reversed(reviews().rules))))
    codes = [rule["id"] for rule in log["tool"]["driver"]["rules"]]
    assert codes == ["MSH101", "MSH202", "MSH502", "MSH601"]
    assert [codes[result["ruleIndex"]] for result in log["results"]] == ["MSH101", "MSH202"]


def test_a_rule_that_is_not_among_those_that_ran_is_listed_for_its_finding():
    log = run(report(finding(problem("a: «b»"), rule=OPTIONAL)))
    assert [rule["id"] for rule in log["tool"]["driver"]["rules"]] == ["MSH601"]
    assert log["tool"]["driver"]["rules"][0]["defaultConfiguration"] == {"enabled": False, "level": "error"}


def test_only_security_rules_have_a_security_severity():
    rules = run(reviews())["tool"]["driver"]["rules"]
    ranked = {rule["id"]: rule["properties"].get("security-severity") for rule in rules}
    assert ranked == {"MSH101": None, "MSH202": None, "MSH502": "2.0", "MSH601": "8.0"}


def test_a_message_links_to_each_related_location():
    result = run(report(shadowed()))["results"][0]
    assert "See [`all-api` takes every such request](1)." in result["message"]["text"]
    assert [place["id"] for place in result["relatedLocations"]] == [1]


def test_a_message_cannot_smuggle_in_a_link():
    note = Note(span(ROUTES, "hosts"), "x](2) [y](1) \\")
    found = finding(problem("a: «b»", message="[click](https://evil.example)", notes=(note,)))
    text = run(report(found))["results"][0]["message"]["text"]
    assert text == "[click] (https://evil.example). See [x\\](2) \\[y\\](1) \\\\](1)."


def test_a_witness_is_a_code_flow_from_the_deciding_place_to_the_finding():
    (flow,) = run(report(shadowed()))["results"][0]["codeFlows"]
    assert flow["message"]["text"].startswith("GET http://reviews.prod/api/v2  -H 'end-user: jason'")
    (thread,) = flow["threadFlows"]
    lines = [step["location"]["physicalLocation"]["region"]["startLine"] for step in thread["locations"]]
    assert lines == [10, 13]


def test_a_fix_in_two_files_has_a_change_for_each():
    edits = (
        Edit(span(ROUTES, "v3"), "v2"),
        Edit(span(SUBSETS, "v1"), ""),
        Edit(span(ROUTES, "reviews"), "ratings"),
    )
    found = Problem(node(span(ROUTES, "v3")), "wrong", fix=Fix("rename", edits, is_safe=True))
    (fix,) = run(report(finding(found)))["results"][0]["fixes"]
    assert fix["properties"] == {"safe": True}
    routes, subsets = fix["artifactChanges"]
    assert routes["artifactLocation"] == {"uri": "mesh/reviews-vs.yaml", "uriBaseId": "SRCROOT"}
    assert [one["insertedContent"]["text"] for one in routes["replacements"]] == ["v2", "ratings"]
    assert "insertedContent" not in subsets["replacements"][0]


def test_suppressed_findings_are_left_out_unless_asked_for():
    assert [result["ruleId"] for result in run(reviews())["results"]] == ["MSH101", "MSH202"]
    (suppression,) = run(reviews(), show_suppressed=True)["results"][0]["suppressions"]
    assert (suppression["kind"], suppression["justification"]) == ("inSource", "public by design")


def test_a_suppression_that_is_not_written_in_the_source_is_external():
    baselined = finding(problem("a: «b»"), suppressed=Suppression(None, "baseline"))
    assert run(report(baselined), show_suppressed=True)["results"][0]["suppressions"] == [
        {"kind": "external", "justification": "baseline"}
    ]


def test_skipped_inputs_and_failures_are_notifications():
    skipped = Skipped("a b.yaml", "is not YAML")
    (invocation,) = run(report(failures=("MSH101 failed",), skipped=(skipped,)))["invocations"]
    assert invocation["executionSuccessful"] is False
    failure, skip = invocation["toolExecutionNotifications"]
    assert (failure["level"], failure["message"]["text"]) == ("error", "MSH101 failed.")
    assert (skip["level"], skip["message"]["text"]) == ("warning", "skipped: is not YAML.")
    assert skip["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "a%20b.yaml"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mesh/a b#.yaml", {"uri": "mesh/a%20b%23.yaml", "uriBaseId": "SRCROOT"}),
        ("git:HEAD:é.yaml", {"uri": "git%3AHEAD%3A%C3%A9.yaml", "uriBaseId": "SRCROOT"}),
        ("../a.yaml", {"uri": "../a.yaml"}),
        ("/abs/a.yaml", {"uri": "file:///abs/a.yaml"}),
    ],
)
def test_an_artifact_is_named_relative_to_the_root_where_it_lies_in_it(name, expected):
    assert uri(name) == expected


def test_regions_have_all_four_numbers_in_code_points():
    log = run(report(finding(problem("a: 😀 «b:\n  é»\n"))))
    assert log["columnKind"] == "unicodeCodePoints"
    region = log["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 6, "endLine": 2, "endColumn": 4}


def test_the_fingerprint_is_the_findings_own():
    assert run(report(shadowed()))["results"][0]["partialFingerprints"] == {"meshlint/v1": shadowed().fingerprint}


def test_the_description_is_the_pages_first_prose():
    rule = run(reviews())["tool"]["driver"]["rules"][0]
    assert rule["name"] == "UnreachableRoute"
    assert rule["fullDescription"]["text"] == "Routes are tried from the top and the first that matches wins."
    assert rule["help"]["markdown"].startswith("# Unreachable route\n")


def test_another_command_has_its_own_category():
    assert run(report(), automation_id="meshlint/diff/")["automationDetails"] == {"id": "meshlint/diff/"}


def test_a_source_without_text_has_a_region_too():
    found = Problem(node(Source("empty.yaml", "").span(0, 0)), "empty")
    region = run(report(finding(found)))["results"][0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1}
