"""Microsoft's validator on our SARIF. It comes from npm; where that cannot be had, the tests say so and skip."""

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from meshlint import session
from meshlint.config import Config
from meshlint.render.sarif import sarif
from meshlint.source.text import Source
from render.reports import finding, problem, report, reviews

VERSION = "5.7.0"
PACKAGE = f"@microsoft/sarif-multitool@{VERSION}"
TOOL = "node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool"


@pytest.fixture(scope="session")
def multitool(request, tmp_path_factory):
    """The validator, installed once into pytest's cache."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    cached = request.config.cache.mkdir("sarif-multitool") / VERSION
    if not (cached / TOOL).exists():
        fresh = tmp_path_factory.mktemp("npm")
        install = [npm, "install", "--no-audit", "--no-fund", "--no-save", "--prefix", str(fresh), PACKAGE]
        done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=300)
        if not (fresh / TOOL).exists():
            pytest.skip(f"npm has no {PACKAGE} for this machine: {done.stderr[-200:]}")
        (fresh / TOOL).chmod(0o755)
        # Several test processes may install at once: the first one's folder stays, the others use theirs.
        try:
            shutil.copytree(fresh, cached)
        except FileExistsError:
            return fresh / TOOL
    return cached / TOOL


def complaints(multitool: Path, folder: Path, text: str) -> list[str]:
    """What the validator says about the log that is an error or a warning."""
    log, out = folder / "log.sarif", folder / "out.sarif"
    log.write_text(text, encoding="utf-8")
    command = [multitool, "validate", log, "--rule-kind", "Sarif;Ghas", "--output", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert out.exists(), done.stdout + done.stderr
    checked = json.loads(out.read_text(encoding="utf-8-sig"))["runs"][0]
    assert checked["invocations"][0]["executionSuccessful"], done.stdout
    # The multitool writes no level where it is the default, warning.
    found = [one for one in checked.get("results", []) if one.get("level", "warning") in {"error", "warning"}]
    return [json.dumps(one) for one in found]


@pytest.mark.parametrize("show_suppressed", [False, True])
def test_the_validator_has_no_complaint(multitool, tmp_path, show_suppressed):
    text = sarif(reviews(), version="1.2.3", show_suppressed=show_suppressed)
    assert complaints(multitool, tmp_path, text) == []


def test_the_validator_has_no_complaint_about_odd_names_and_failures(multitool, tmp_path):
    names = ("-", "git:HEAD~1:mesh/a b.yaml", "../up/x.yaml", "/abs/ü.yaml", "a#b?.yaml", "{{x}}/%2e.yaml", "\x1b.yaml")
    message = "the [click](https://evil.example) {0} {} \x1b is wrong"
    odd = report(*(finding(problem("a: «b»", message, name)) for name in names), failures=("MSH101 failed",))
    assert complaints(multitool, tmp_path, sarif(odd, version="1.2.3")) == []


def test_the_validator_has_no_complaint_about_a_clean_report(multitool, tmp_path):
    assert complaints(multitool, tmp_path, sarif(replace(reviews(), findings=()), version="1.2.3")) == []


def test_the_validator_would_complain(multitool, tmp_path):
    log = json.loads(sarif(reviews(), version="1.2.3"))
    log["runs"][0]["results"][0]["ruleIndex"] = 99
    assert complaints(multitool, tmp_path, json.dumps(log)) != []


def test_the_validator_has_no_complaint_about_the_broken_example(multitool, tmp_path):
    root = Path(__file__).parents[2]
    names = sorted(path.relative_to(root).as_posix() for path in (root / "examples/bookinfo-broken").glob("*.yaml"))
    sources = [Source(name, (root / name).read_text(encoding="utf-8")) for name in names]
    found = session.lint(sources, Config())
    assert len(found.findings) > 10
    assert complaints(multitool, tmp_path, sarif(found, version="1.2.3")) == []
