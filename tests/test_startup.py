"""What starting costs: how much each command imports."""

from pathlib import Path

import pytest

from conftest import Run, python
from meshlint import __version__


class TestStartUp:
    def test_the_version(self, meshlint: Run):
        assert meshlint("--version").stdout == f"meshlint {__version__}\n"

    def test_without_a_command_there_is_help_and_no_success(self, meshlint: Run):
        run = meshlint()
        assert run.returncode == 2
        assert "lint" in run.stdout

    @pytest.mark.parametrize("command", [[], ["lint"], ["explain"], ["rules"]])
    def test_help_is_a_success(self, meshlint: Run, command: list[str]):
        assert meshlint(*command, "--help").returncode == 0

    def test_the_version_costs_no_imports(self, tmp_path: Path):
        assert imported("--version", cwd=tmp_path).isdisjoint(
            {"typer", "yaml", "z3", "meshlint.session", "dataclasses"}
        )

    def test_a_clean_lint_imports_nothing_heavy(self, folder: Path):
        heavy = {"z3", "networkx", "jsonschema", "sarif_om", "rich", "meshlint.render.sarif"}
        loaded = imported("lint", "clean", cwd=folder)
        assert "meshlint.session" in loaded
        assert loaded.isdisjoint(heavy)


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a run has loaded by its end."""
    program = "import sys; from meshlint.cli import main; main(sys.argv[1:]); sys.stderr.write('\\n'.join(sys.modules))"
    run = python("-c", program, *arguments, cwd=cwd)
    assert run.returncode == 0
    return set(run.stderr.split())
