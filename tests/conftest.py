"""What tests of several files share."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
Run = Callable[..., subprocess.CompletedProcess[str]]


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
