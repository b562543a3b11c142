"""The generated mesh is what it claims to be: clean, or with just the mistakes that were asked for, and the same every time."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_generated_mesh_is_clean_under_all_rules(tmp_path: Path):
    generate(tmp_path, "--services", "90")
    run = lint(tmp_path)
    assert json.loads(run.stdout)["findings"] == []
    assert run.returncode == 0


def test_each_planted_mistake_is_found_once(tmp_path: Path):
    generate(tmp_path, "--services", "90", "--mistakes", "9")
    found = Counter(finding["code"] for finding in json.loads(lint(tmp_path).stdout)["findings"])
    assert found == {"MSH201": 3, "MSH202": 2, "MSH108": 2, "MSH101": 2}


def test_the_same_arguments_give_the_same_bytes(tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        generate(folder, "--services", "45", "--mistakes", "3")
    assert contents(one) == contents(other)
    assert len(contents(one)) == 1 + 2 + 5 + 1


def test_the_generated_mesh_has_seven_objects_for_each_service(tmp_path: Path):
    said = generate(tmp_path, "--services", "80")
    assert f"{80 * 7 + 2 * 7 + 6} resources" in said


def test_the_generated_policies_are_clean_and_decided(tmp_path: Path):
    command = [sys.executable, str(ROOT / "benchmarks" / "generate_policies.py"), str(tmp_path), "--workloads", "60"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "60 workloads, 120 AuthorizationPolicies\n"
    report = json.loads(lint(tmp_path).stdout)
    assert (report["findings"], report["summary"]["undecided"]) == ([], 0)


def generate(folder: Path, *arguments: str) -> str:
    command = [sys.executable, str(ROOT / "benchmarks" / "generate_mesh.py"), str(folder), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "meshlint", "lint", "--select", "MSH", "--format", "json", str(folder)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "analyzer")},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.yaml")}
