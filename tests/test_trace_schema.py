"""The JSON of `trace` is what its published schema says."""

import json

import jsonschema
import pytest

from conftest import ROOT, Run

BOOKINFO = str(ROOT / "examples" / "bookinfo")
SCHEMA = json.loads((ROOT / "docs" / "trace.schema.json").read_text(encoding="utf-8"))
TESTER = ("-H", "end-user: tester", "--from", "bookinfo/productpage-v1")


@pytest.mark.parametrize(
    "arguments",
    [
        ("http://reviews:9080/", *TESTER, "--format", "json", "--expect", "status=404", "--why-not", "stable"),
        ("http://reviews:9080/", "--from", "bookinfo/details-v1", "--format", "json", "--why-not", "bookinfo/ratings"),
        ("http://reviews:9080/", "--format", "json", "--both", BOOKINFO, BOOKINFO),
        ("--requests", "-"),
        ("tcp://nobody:1", "--from", "external", "--format", "json"),
    ],
)
def test_every_json_follows_the_schema(meshlint: Run, arguments):
    given = json.dumps({"id": "a", "url": "http://reviews:9080/reviews/0", "from": "bookinfo/productpage-v1"})
    run = meshlint("trace", *arguments, *(() if "--both" in arguments else (BOOKINFO,)), given=given)
    assert run.stdout, run.stderr
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    jsonschema.validate(json.loads(run.stdout), SCHEMA)


def test_the_schema_admits_nothing_undocumented():
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"version": "1", "request": {}, "outcome": {}, "steps": [], "more": 1}, SCHEMA)
