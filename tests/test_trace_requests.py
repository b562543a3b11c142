"""`trace --requests` and `--expect`: many requests from a file, and what has to come of them."""

import json

import pytest

from conftest import ROOT, Run

BOOKINFO = str(ROOT / "examples" / "bookinfo")
URL = "http://reviews:9080/reviews/0"
TESTER = {"id": "tester", "url": URL, "headers": {"end-user": "tester"}, "from": "bookinfo/productpage-v1"}
REFUSED = {"url": URL, "from": "bookinfo/details-v1"}
YAML = """
- url: http://reviews:9080/reviews/0
  from: bookinfo/productpage-v1
  headers: ["end-user: tester"]
  expect: to=reviews:v3
- {method: POST, url: "http://reviews:9080/", from: bookinfo/details-v1, expect: "status=403,denied-by=reviews-callers"}
"""


def test_each_line_of_a_file_gives_one_trace_with_its_number_and_id(meshlint: Run, tmp_path):
    (tmp_path / "asked.jsonl").write_text(f"{json.dumps(TESTER)}\n\n{json.dumps(REFUSED)}\n")
    run = meshlint("trace", "--requests", "asked.jsonl", BOOKINFO)
    traces = [json.loads(line) for line in run.stdout.splitlines()]
    assert [(one["id"], one["line"], one["outcome"]["status"]) for one in traces] == [
        ("tester", 1, 200),
        (None, 3, 403),
    ]
    assert run.returncode == 1


def test_a_yaml_list_is_read_and_its_expectations_decide(meshlint: Run, tmp_path):
    (tmp_path / "asked.yaml").write_text(YAML)
    run = meshlint("trace", "--requests", "asked.yaml", BOOKINFO)
    assert [json.loads(line)["expect"]["holds"] for line in run.stdout.splitlines()] == [True, True], run.stderr
    assert run.returncode == 0


def test_a_missed_expectation_is_named_with_its_place(meshlint: Run, tmp_path):
    (tmp_path / "asked.yaml").write_text(YAML.replace("status=403", "status=200"))
    run = meshlint("trace", "--requests", "asked.yaml", BOOKINFO)
    assert run.returncode == 1
    assert "asked.yaml:6:3: expected status=200: it is 403" in run.stderr


def test_requests_come_from_standard_input_and_as_text(meshlint: Run):
    run = meshlint("trace", "--requests", "-", "--format", "full", BOOKINFO, given=json.dumps(TESTER))
    assert run.returncode == 0
    assert run.stdout.startswith("tester\n1 client ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"url": "http://a/"}\n{"url": }\n', "asked.jsonl:2:"),
        ('{"url": "http://a/"}\n{"uri": "http://a/"}\n', "asked.jsonl:2:2: no request has 'uri': did you mean 'url'?"),
        ('{"url": "nonsense"}', "asked.jsonl:1:1: 'nonsense' is no URL"),
        ('{"url": ["x"]}', "asked.jsonl:1:9: `url` takes a text"),
        ('{"method": "GET"}', "asked.jsonl:1:1: a request needs a `url`"),
        ('{"url": "http://a/", "expect": "stauts=200"}', "did you mean 'status'?"),
        ('{"url": "http://a/", "headers": "x"}', "`headers` is a mapping of names to values"),
        ('{"url": "http://a/", "from": "bookinfo/productpage-v2"}', "asked.jsonl:1:1: no workload is called"),
        ("- just text\n", "asked.jsonl:1:3: no request"),
        ("", "not one request in it"),
    ],
)
def test_a_bad_line_is_2_and_told_with_its_position(meshlint: Run, tmp_path, text, message):
    (tmp_path / "asked.jsonl").write_text(text)
    run = meshlint("trace", "--requests", "asked.jsonl", BOOKINFO)
    assert run.returncode == 2, run.stdout
    assert message in run.stderr
    assert run.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((URL, BOOKINFO), "takes no URL"),
        (("--from", "external", BOOKINFO), "does not go with a request's own options"),
        (("--both", BOOKINFO, BOOKINFO), "does not go with --both"),
    ],
)
def test_what_the_file_says_is_not_said_twice(meshlint: Run, tmp_path, arguments, message):
    (tmp_path / "asked.jsonl").write_text(json.dumps(TESTER))
    run = meshlint("trace", "--requests", "asked.jsonl", *arguments)
    assert (run.returncode, message in run.stderr) == (2, True), run.stderr


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("status=200,to=reviews:v3", 0),
        ("to=reviews.bookinfo.svc.cluster.local:v3@100%", 0),
        ("to=reviews:v3@50%", 1),
        ("to=reviews:v1", 1),
        ("to=review", 1),
        ("kind=cluster, workload=bookinfo/reviews-v3", 0),
        ("workload=bookinfo/reviews-v1", 1),
        ("denied-by=reviews-callers", 1),
        ("status=none", 1),
    ],
)
def test_each_expectation_holds_or_fails(meshlint: Run, wanted, code):
    arguments = ("-H", "end-user: tester", "--from", "bookinfo/productpage-v1", "--expect", wanted)
    run = meshlint("trace", URL, *arguments, BOOKINFO)
    assert run.returncode == code, run.stderr
    assert ("meshlint: expected" in run.stderr) == bool(code)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("kind=clustr", "did you mean 'cluster'?"),
        ("status=2000", "three digits"),
        ("to=reviews@half", "a share is written as"),
        ("status", "there are status=CODE"),
        ("", "there are status=CODE"),
    ],
)
def test_an_expectation_that_says_nothing_is_2(meshlint: Run, wanted, message):
    run = meshlint("trace", URL, "--expect", wanted, BOOKINFO)
    assert (run.returncode, message in run.stderr) == (2, True), run.stderr
