"""What tests of several files share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]

# A property is true or not, however busy the machine is, and the same examples are tried by everybody.
settings.register_profile("steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

CLEAN = """\
apiVersion: v1
kind: Service
metadata:
  name: reviews
spec:
  ports:
    - name: http
      port: 80
"""
TWICE = CLEAN.replace("  name: reviews\n", "  name: reviews\n  name: ratings\n")
"""A Service with a key that stands twice: one error, MSH002, on line 5."""


@pytest.fixture
def meshlint(tmp_path: Path) -> Run:
    """Run `meshlint` as a user would, in the test's own folder."""
    kept = {key: value for key, value in os.environ.items() if "COLOR" not in key}

    def run(*arguments: str, given: str = "", cwd: Path = tmp_path, **environment: str):
        return subprocess.run(
            [sys.executable, "-m", "meshlint", *arguments],
            cwd=cwd,
            env={**kept, "PYTHONPATH": str(ROOT / "analyzer"), **environment},
            input=given,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a clean file and one with an error."""
    (tmp_path / ".git").mkdir()
    for name, text in (("clean", CLEAN.replace("reviews", "details")), ("twice", TWICE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.yaml").write_text(text)
    return tmp_path


def python(*arguments: str, cwd: Path, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT / "analyzer")},
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
