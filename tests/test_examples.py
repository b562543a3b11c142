"""The meshes under `examples/`: one is clean, the other has exactly the mistakes that its README lists."""

import json
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CLEAN = "examples/bookinfo"
BROKEN = "examples/bookinfo-broken"
ROW = re.compile(r"^\| `(?P<file>[^`]+)` \| (?P<line>\d+) \| (?P<rule>MSH\d{3}) \| (?P<what>.+) \|$", re.MULTILINE)
CONSOLE = re.compile(r"^```console\n\$ (.+)\n((?:(?!```).*\n)+)```$", re.MULTILINE)
MARK = re.compile(r"# planted: (?P<rule>MSH\d{3})$")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    file: str
    line: int
    code: str


def test_the_clean_mesh_has_no_finding_under_all_rules():
    run = lint("--select", "MSH", "--format", "json", CLEAN)
    report = json.loads(run.stdout)
    assert report["findings"] == []
    assert report["complete"] is True
    assert report["summary"]["undecided"] == 0
    assert run.returncode == 0


def test_the_clean_mesh_stays_clean_as_a_complete_world():
    # Without MSH3: certificates are not kept with the manifests.
    run = lint("--select", "MSH0,MSH1,MSH2,MSH4,MSH5,MSH6", "--world", "complete", "--format", "json", CLEAN)
    assert json.loads(run.stdout)["findings"] == []
    assert run.returncode == 0


def test_every_object_of_the_clean_mesh_is_read():
    written = sum(len(re.findall(r"^kind:", text(path), re.MULTILINE)) for path in manifests(CLEAN))
    summary = json.loads(lint("--format", "json", CLEAN).stdout)["summary"]
    # A NetworkPolicy is Kubernetes' own: whether it counts as a resource is the reader's business.
    assert summary["resources"] in {written, written - 1}
    assert summary["files"] == len(manifests(CLEAN))


def test_the_broken_mesh_has_exactly_the_planted_mistakes():
    run = lint("--select", "MSH", "--format", "json", BROKEN)
    assert sorted(reported(run.stdout)) == sorted(listed())
    assert run.returncode == 1


def test_the_broken_mesh_reads_the_same_without_any_option():
    run = lint("--format", "json", BROKEN)
    assert sorted(reported(run.stdout)) == sorted(listed())
    assert run.returncode == 1


def test_the_marks_in_the_broken_files_stand_where_the_table_says():
    marked = [
        Place(path.name, number, found["rule"])
        for path in manifests(BROKEN)
        for number, line in enumerate(text(path).splitlines(), start=1)
        if (found := MARK.search(line))
    ]
    assert sorted(marked) == sorted(listed())
    assert len(marked) >= 10


def test_a_finding_shows_its_line_in_the_text_output():
    shown = lint("--format", "full", BROKEN).stdout
    for place in listed():
        assert f"[{place.code}]" in shown
        assert f"{BROKEN}/{place.file}:{place.line}:" in shown


def test_each_command_of_the_readme_with_an_output_gives_just_that_output():
    blocks = CONSOLE.findall(text(ROOT / "README.md"))
    assert blocks
    for command, output in blocks:
        name, *arguments = shlex.split(command)
        assert (name, meshlint(*arguments).stdout) == ("meshlint", output)


def lint(*arguments: str) -> subprocess.CompletedProcess[str]:
    return meshlint("lint", *arguments)


def meshlint(*arguments: str) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        [sys.executable, "-m", "meshlint", *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT / "analyzer")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "Traceback" not in run.stderr, run.stderr
    return run


def reported(output: str) -> list[Place]:
    return [
        Place(Path(finding["location"]["path"]).name, finding["location"]["line"], finding["code"])
        for finding in json.loads(output)["findings"]
    ]


def listed() -> list[Place]:
    rows = ROW.finditer(text(ROOT / BROKEN / "README.md"))
    return [Place(row["file"], int(row["line"]), row["rule"]) for row in rows]


def manifests(folder: str) -> list[Path]:
    return sorted((ROOT / folder).glob("*.yaml"))


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
