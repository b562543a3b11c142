"""`trace --both`: one request in an old and a new input."""

import json
import shutil

import pytest

from conftest import ROOT, Run

BOOKINFO = ROOT / "examples" / "bookinfo"
ASKED = ("trace", "http://reviews:9080/reviews/0", "-H", "end-user: tester", "--from", "bookinfo/productpage-v1")


@pytest.fixture
def changed(tmp_path):
    """A copy of the example, changed by a function of its routes."""

    def change(old: str, new: str, name: str = "routes.yaml") -> str:
        shutil.copytree(BOOKINFO, tmp_path / "new")
        file = tmp_path / "new" / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))
        return "new"

    return change


def test_the_same_way_is_0_and_shown_once(meshlint: Run, changed):
    run = meshlint(*ASKED, "--both", str(BOOKINFO), changed("kind: VirtualService", "\nkind: VirtualService"))
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("1 client") == 1
    assert run.stdout.endswith("same: the request takes the same way in both\n")


def test_another_outcome_is_1_and_the_first_step_that_differs_is_named(meshlint: Run, changed):
    run = meshlint(*ASKED, "--both", str(BOOKINFO), changed("exact: tester", "exact: nobody"))
    assert run.returncode == 1
    assert "first difference: step 2" in run.stdout
    assert "different outcome" in run.stdout
    assert "- 200 reviews:v3 (bookinfo/reviews-v3)" in run.stdout


def test_the_json_has_both_traces_and_where_they_part(meshlint: Run, changed):
    run = meshlint(*ASKED, "--format", "json", "--both", str(BOOKINFO), changed("exact: tester", "exact: nobody"))
    found = json.loads(run.stdout)
    assert (found["same"], found["difference"]) == (False, {"outcome": True, "step": 1})
    assert found["old"]["outcome"]["cluster"] == "outbound|9080|v3|reviews.bookinfo.svc.cluster.local"
    assert found["new"]["outcome"]["cluster"] != found["old"]["outcome"]["cluster"]


def test_a_side_that_is_not_read_in_full_never_reads_as_the_same(meshlint: Run, changed):
    folder = changed("namespace: bookinfo", "namespace: [bookinfo", "ratings.yaml")
    run = meshlint(*ASKED, "--both", str(BOOKINFO), folder)
    assert (run.returncode, "incomplete" in run.stderr) == (3, True)


def test_a_side_without_input_is_3(meshlint: Run, tmp_path):
    (tmp_path / "empty").mkdir()
    assert meshlint(*ASKED, "--both", str(BOOKINFO), "empty").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--expect", "status=200"), "--expect is about one"), (("more",), "leave out 'more'")],
)
def test_what_does_not_go_with_two_inputs_is_2(meshlint: Run, arguments, message):
    run = meshlint(*ASKED, *arguments, "--both", str(BOOKINFO), str(BOOKINFO))
    assert (run.returncode, message in run.stderr) == (2, True), run.stderr
