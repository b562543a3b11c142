"""From a manifest to the screen or the runner's log, nothing becomes a command."""

import re

import pytest

HOSTILE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: "a\\e]0;owned\\a\\n::error::x"
  namespace: "\\u009b31m\\r\\n::set-output name=x::y"
spec:
  hosts: ["\\e[2J\\n::warning file=x::y"]
  "\\e[31mred\\n::stop-commands::z": 1
  http:
  - name: "\\u202e\\n::add-mask::q"
    route: "\\e[8m"
"""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
COMMAND = re.compile(r"::(error|warning|notice) [^:\n]*::")


@pytest.fixture
def hostile(tmp_path):
    (tmp_path / "::error::name\n.yaml").write_text(HOSTILE)
    (tmp_path / "\x1b[31m.yaml").write_text(HOSTILE + "  - [")
    return tmp_path


@pytest.mark.parametrize("format_name", ["full", "concise"])
def test_no_escape_reaches_a_terminal(meshlint, hostile, format_name):
    run = meshlint("lint", "--format", format_name, "--color", "never", "--extend-select", "MSH", cwd=hostile)
    assert run.returncode == 1
    assert CONTROL.search(run.stdout + run.stderr) is None


def test_with_colours_only_our_own_escapes_reach_a_terminal(meshlint, hostile):
    run = meshlint("lint", "--color", "always", "--extend-select", "MSH", cwd=hostile)
    assert CONTROL.search(re.sub(r"\x1b\[[0-9;]*m", "", run.stdout)) is None
    assert "\x1b[8m" not in run.stdout


def test_no_workflow_command_but_our_own_reaches_a_runner(meshlint, hostile):
    run = meshlint("lint", "--format", "github", "--extend-select", "MSH", cwd=hostile)
    assert run.returncode == 1
    lines = [line for line in run.stdout.splitlines() if "::" in line]
    assert lines
    for line in lines:
        command = COMMAND.match(line)
        assert command is not None, line
        assert "::" not in line[: command.end() - 2].partition(" ")[2]


def test_a_message_on_standard_error_is_no_command_either(meshlint, hostile):
    run = meshlint("lint", "\x1b[31m\n::error::gone", cwd=hostile)
    assert run.returncode == 2
    assert CONTROL.search(run.stderr) is None
    assert "\n::error" not in run.stderr
