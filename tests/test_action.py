"""The GitHub Action's script in a simulated runner: inputs are values whatever they contain, and the files are as a runner expects."""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
SCRIPT = ROOT / "action" / "run.sh"
HOSTILE = [
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned #",
    "' ; touch pwned ; '",
    '" ; touch pwned ; "',
    "x\nstatus=0\nsarif=/etc/passwd",
    "--config=/etc/passwd",
    "a b\tc * ?",
    "${IFS}touch${IFS}pwned",
    "::set-output name=status::0",
]


@dataclass(frozen=True, slots=True)
class Runner:
    """A runner's temporary folders and the program that stands for the installed meshlint."""

    folder: Path
    program: Path

    def step(self, name: str, **env: str) -> subprocess.CompletedProcess[str]:
        (self.folder / "temp").mkdir(exist_ok=True)
        return subprocess.run(
            ["bash", str(SCRIPT), name],
            cwd=self.folder,
            env={
                "PATH": os.environ["PATH"],
                "RUNNER_TEMP": str(self.folder / "temp"),
                "GITHUB_ACTION_PATH": str(ROOT),
                "GITHUB_OUTPUT": str(self.folder / "output"),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
                "MESHLINT": str(self.program),
                **env,
            },
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    def outputs(self) -> list[str]:
        return (self.folder / "output").read_text(encoding="utf-8").splitlines()

    def summary(self) -> str:
        return (self.folder / "summary").read_text(encoding="utf-8")

    def arguments(self) -> list[str]:
        return (self.folder / "arguments").read_bytes().decode().split("\0")[:-1]


@pytest.fixture
def recorder(tmp_path: Path) -> Runner:
    """A runner whose program writes down the arguments it was given, and exits as EXIT says."""
    return runner(tmp_path, 'printf \'%s\\0\' "$@" >arguments\nexit "${EXIT:-0}"\n')


@pytest.fixture
def real(tmp_path: Path) -> Runner:
    """A runner whose program is this checkout's meshlint, run on this checkout."""
    where = f"cd {shlex.quote(str(ROOT))} && PYTHONPATH=analyzer exec {shlex.quote(sys.executable)}"
    return runner(tmp_path, f'{where} -m meshlint "$@"\n')


def runner(folder: Path, body: str) -> Runner:
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{body}", encoding="utf-8")
    program.chmod(0o755)
    return Runner(folder, program)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize(
    ("variable", "option"),
    [
        ("MESHLINT_SELECT", "--select="),
        ("MESHLINT_IGNORE", "--ignore="),
        ("MESHLINT_FAIL_ON", "--fail-on="),
        ("MESHLINT_ISTIO_VERSION", "--istio-version="),
    ],
)
def test_an_option_reaches_the_program_as_one_value(recorder: Runner, variable: str, option: str, text: str):
    run = recorder.step("lint", **{variable: text})
    assert run.returncode == 0, run.stderr
    assert option + text in recorder.arguments()
    assert recorder.arguments()[-2:] == ["--", "."]
    assert recorder.outputs() == ["status=0"]
    assert not (recorder.folder / "pwned").exists()


@pytest.mark.parametrize("text", HOSTILE)
def test_each_line_of_the_paths_is_one_path(recorder: Runner, text: str):
    run = recorder.step("lint", MESHLINT_PATHS=f"mesh/one.yaml\n\n{text}\n")
    assert run.returncode == 0, run.stderr
    arguments = recorder.arguments()
    assert arguments[arguments.index("--") + 1 :] == ["mesh/one.yaml", *text.split("\n")]
    assert recorder.outputs() == ["status=0"]
    assert not (recorder.folder / "pwned").exists()


def test_inputs_that_are_not_given_are_left_to_meshlint(recorder: Runner):
    recorder.step("lint", MESHLINT_SELECT="", MESHLINT_FAIL_ON="", MESHLINT_ISTIO_VERSION="", MESHLINT_PATHS="")
    options = [argument.split("=")[0] for argument in recorder.arguments()]
    assert options == ["lint", "--no-progress", "--format", "--format", "--format", "--format", "--", "."]


@pytest.mark.parametrize("code", ["1", "2", "3"])
def test_findings_do_not_stop_the_step_but_the_job(recorder: Runner, code: str):
    assert recorder.step("lint", EXIT=code).returncode == 0
    assert recorder.outputs() == [f"status={code}"]
    assert recorder.step("finish", MESHLINT_STATUS=code).returncode == int(code)


@pytest.mark.parametrize("code", ["2", "3"])
def test_a_run_that_failed_does_not_read_as_clean(recorder: Runner, code: str):
    recorder.step("lint", EXIT=code)
    assert "Incomplete" in recorder.summary()


def test_a_missing_status_fails_the_job(recorder: Runner):
    assert recorder.step("finish").returncode != 0
    assert recorder.step("finish", MESHLINT_STATUS="").returncode != 0


def test_what_the_program_prints_is_no_workflow_command(tmp_path: Path):
    printed = "::error::from a manifest"
    lines = runner(tmp_path, f"echo '{printed}'\n").step("lint").stdout.splitlines()
    opened = lines.index(next(line for line in lines if line.startswith("::stop-commands::")))
    token = lines[opened].removeprefix("::stop-commands::")
    assert opened < lines.index(printed) < lines.index(f"::{token}::")
    assert len(token) == 32


def test_no_finding_can_leave_the_code_block_of_the_summary(tmp_path: Path):
    body = 'for a; do case $a in --format=concise=*) printf "%s\\n" "\\`\\`\\`" "<img src=x>" >"${a#*=concise=}" ;; esac; done\n'
    box = runner(tmp_path, body)
    box.step("lint")
    quoted = [line for line in box.summary().splitlines() if "```" in line or "<img" in line]
    assert quoted == ["    ```", "    <img src=x>"]


def test_the_broken_example_gives_sarif_annotations_and_a_summary(real: Runner):
    run = real.step("lint", MESHLINT_PATHS="examples/bookinfo-broken", MESHLINT_FAIL_ON="error")
    assert run.returncode == 0, run.stderr
    sarif = real.folder / "temp" / "meshlint" / "meshlint.sarif"
    assert real.outputs() == ["status=1", f"sarif={sarif}"]
    assert '"MSH202"' in sarif.read_text(encoding="utf-8")
    assert "MSH202" in real.summary()
    assert "::error" in real.step("annotate").stdout


def test_no_step_interpolates_an_expression_into_its_command():
    for step in action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")


def test_every_input_is_used_and_has_a_default():
    described = action()
    used = (ROOT / "action.yml").read_text(encoding="utf-8").partition("\nruns:")[2]
    for name, description in described["inputs"].items():
        assert f"inputs.{name}" in used, name
        assert "default" in description, name


def test_the_upload_does_not_depend_on_a_clean_run():
    steps = {step["id"]: step for step in action()["runs"]["steps"] if "id" in step}
    assert steps["upload"]["continue-on-error"] is True
    assert "status" not in steps["upload"]["if"]


def action():
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
