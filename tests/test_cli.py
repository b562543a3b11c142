"""`meshlint` as a user meets it: a process with arguments, streams, files and an exit code."""

import json
import os
from pathlib import Path

import pytest

from conftest import TWICE, Run, python
from meshlint import catalogue
from meshlint.cli.streams import Color, is_colored


class TestExitCodes:
    @pytest.mark.usefixtures("folder")
    def test_nothing_found_is_0(self, meshlint: Run):
        run = meshlint("lint", "clean")
        assert (run.returncode, run.stderr) == (0, "")
        assert "no findings in 1 resource, 1 file" in run.stdout

    @pytest.mark.usefixtures("folder")
    def test_findings_are_1(self, meshlint: Run):
        run = meshlint("lint", "twice")
        assert (run.returncode, run.stderr) == (1, "")
        assert "error[MSH002]" in run.stdout
        assert "twice/twice.yaml:5:3" in run.stdout

    @pytest.mark.parametrize(("fail_on", "code"), [("error", 1), ("info", 1), ("never", 0)])
    @pytest.mark.usefixtures("folder")
    def test_the_user_says_what_makes_a_run_fail(self, meshlint: Run, fail_on: str, code: int):
        assert meshlint("lint", "twice", "--fail-on", fail_on).returncode == code

    @pytest.mark.parametrize(
        ("arguments", "complaint"),
        [
            (["lint", "nowhere"], "nowhere"),
            (["lint", "--selct", "MSH1"], "--selct"),
            (["lint", "--select", "MSH002x", "clean"], "no rule is called 'MSH002x': did you mean 'MSH002'?"),
            (["lint", "--format", "jsno"], "no format is called 'jsno': did you mean 'json'?"),
            (["lint", "--format", "sarif="], "a file's name is missing"),
            (["lint", "--format", "full", "--format", "json"], "two formats for standard output"),
            (["lint", "--format", "json=nowhere/x.json", "clean"], "nowhere/x.json: "),
            (["lint", "--world", "whole"], "whole"),
            (["lint", "--fail-on", "fatal"], "fatal"),
            (["lint", "--istio-version", "9.9"], "'9.9' is no release of Istio"),
            (["lint", "--config", "nowhere.toml"], "nowhere.toml: "),
            (["lint", "--mesh-config", "nowhere.yaml", "clean"], "nowhere.yaml: "),
            (["lint", "--mesh-networks", "nowhere.yaml", "clean"], "nowhere.yaml: "),
            (["lnit"], "lnit"),
            (["explain"], "rule"),
            (["explain", "MSH999"], "no rule is called 'MSH999'"),
            (["rules", "--format", "xml"], "xml"),
        ],
    )
    @pytest.mark.usefixtures("folder")
    def test_what_cannot_be_done_is_2_and_said_in_one_line(self, meshlint: Run, arguments: list[str], complaint: str):
        run = meshlint(*arguments)
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr.startswith("meshlint: error: ")
        assert run.stderr.count("\n") == 1
        assert complaint.lower() in run.stderr.lower()

    def test_a_bug_is_2_and_shown_in_full_with_the_rules_name(self, folder: Path):
        program = (
            "import sys; from meshlint import registry; from meshlint.cli import main\n"
            "registry.checkers().__class__; code = 'MSH002'\n"
            "def fall(mesh): raise ZeroDivisionError('deep down')\n"
            "registry.checkers()[code] = fall; registry.known.cache_clear()\n"
            "sys.exit(main(['lint', 'clean']))"
        )
        run = python("-c", program, cwd=folder)
        assert run.returncode == 2
        assert "ZeroDivisionError: deep down" in run.stderr
        assert "while checking MSH002 duplicate-key" in run.stderr

    @pytest.mark.parametrize("text", ["", "# only a comment\n", "a: 1\n", "- 1\n"])
    def test_an_input_without_an_object_is_3(self, meshlint: Run, tmp_path: Path, text: str):
        (tmp_path / "a.yaml").write_text(text)
        run = meshlint("lint")
        assert run.returncode == 3
        assert run.stderr == "meshlint: no Kubernetes resource in the input\n"

    def test_no_input_is_3(self, meshlint: Run):
        run = meshlint("lint")
        assert run.returncode == 3
        assert "no input" in run.stderr

    @pytest.mark.parametrize("form", ["json", "sarif"])
    def test_no_input_is_a_valid_document_all_the_same(self, meshlint: Run, form: str):
        run = meshlint("lint", "--format", form)
        assert run.returncode == 3
        assert isinstance(json.loads(run.stdout), dict)

    def test_a_file_that_is_only_broken_is_a_finding(self, meshlint: Run, tmp_path: Path):
        (tmp_path / "a.yaml").write_text("a: [\n")
        assert meshlint("lint").returncode == 1


class TestInput:
    @pytest.mark.usefixtures("folder")
    def test_the_working_directory_is_the_default(self, meshlint: Run):
        summary = json.loads(meshlint("lint", "--format", "json").stdout)["summary"]
        assert (summary["files"], summary["errors"]) == (2, 1)

    def test_standard_input_is_a_dash(self, meshlint: Run):
        run = meshlint("lint", "-", "--format", "concise", given=TWICE)
        assert run.returncode == 1
        assert run.stdout.startswith("<stdin>:5:3")

    @pytest.mark.usefixtures("folder")
    def test_patterns_leave_files_out(self, meshlint: Run):
        assert meshlint("lint", "--exclude", "twice/**").returncode == 0

    def test_paths_are_shown_from_the_working_directory(self, meshlint: Run, folder: Path):
        run = meshlint("lint", "--format", "json", str(folder), cwd=folder / "twice")
        assert [one["location"]["path"] for one in json.loads(run.stdout)["findings"]] == ["twice.yaml"]

    @pytest.mark.usefixtures("folder")
    def test_the_namespace_of_homeless_objects_can_be_said(self, meshlint: Run):
        run = meshlint("lint", "--format", "json", "--namespace", "prod", "twice")
        assert json.loads(run.stdout)["findings"][0]["resource"]["namespace"] == "prod"

    def test_an_undecodable_file_is_skipped_and_said_so(self, meshlint: Run, folder: Path):
        (folder / "clean" / "bad.yaml").write_bytes(b"a: \xff\xfe\xfa\n")
        run = meshlint("lint", "--format", "json", "clean")
        assert [one["path"] for one in json.loads(run.stdout)["summary"]["skipped"]] == ["clean/bad.yaml"]


class TestSelection:
    @pytest.mark.parametrize(
        "arguments",
        [
            ["--ignore", "MSH0"],
            ["--ignore", "duplicate-key"],
            ["--extend-ignore", "MSH002"],
            ["--select", "MSH001,MSH010"],
            ["--select", "MSH001", "--select", "MSH010"],
        ],
    )
    @pytest.mark.usefixtures("folder")
    def test_rules_can_be_left_out(self, meshlint: Run, arguments: list[str]):
        assert meshlint("lint", "twice", *arguments).returncode == 0

    @pytest.mark.parametrize("arguments", [["--select", "MSH002"], ["--ignore", "MSH0", "--extend-select", "MSH002"]])
    @pytest.mark.usefixtures("folder")
    def test_rules_can_be_chosen(self, meshlint: Run, arguments: list[str]):
        assert meshlint("lint", "twice", *arguments).returncode == 1


class TestSuppression:
    @pytest.fixture
    def silenced(self, folder: Path) -> Path:
        """The folder with the error silenced."""
        text = TWICE.replace("name: ratings\n", "name: ratings  # meshlint: ignore[MSH002] until May\n")
        (folder / "twice" / "twice.yaml").write_text(text)
        return folder

    @pytest.mark.usefixtures("silenced")
    def test_a_silenced_finding_is_no_failure(self, meshlint: Run):
        run = meshlint("lint", "twice")
        assert run.returncode == 0
        assert "1 suppressed" in run.stdout
        assert "MSH002" not in run.stdout

    @pytest.mark.usefixtures("silenced")
    def test_it_can_be_shown(self, meshlint: Run):
        run = meshlint("lint", "twice", "--show-suppressed")
        assert run.returncode == 0
        assert "MSH002" in run.stdout

    @pytest.mark.usefixtures("silenced")
    def test_the_silence_can_be_broken(self, meshlint: Run):
        assert meshlint("lint", "twice", "--no-ignores").returncode == 1

    def test_a_bare_ignore_is_an_error_that_says_where(self, folder, meshlint):
        (folder / "bare.yaml").write_text("a: 1 # meshlint: ignore\n")
        run = meshlint("lint", "bare.yaml")
        assert run.returncode == 2
        assert "bare.yaml:1:6: a bare `ignore` names no rule" in run.stderr
        assert meshlint("lint", "bare.yaml", "--no-ignores").returncode == 3


class TestConfiguration:
    @pytest.mark.parametrize("name", ["meshlint.toml", ".meshlint.toml"])
    def test_a_file_is_found_above_the_paths(self, meshlint: Run, folder: Path, name: str):
        (folder / name).write_text('fail-on = "never"')
        assert meshlint("lint", "twice").returncode == 0
        assert meshlint("lint", "twice.yaml", cwd=folder / "twice").returncode == 0

    def test_pyproject_has_a_table_for_it(self, meshlint: Run, folder: Path):
        (folder / "pyproject.toml").write_text('[tool.meshlint]\nfail-on = "never"')
        assert meshlint("lint", "twice").returncode == 0

    def test_a_pyproject_without_the_table_does_not_stop_the_search(self, meshlint: Run, folder: Path):
        (folder / "twice" / "pyproject.toml").write_text('[project]\nname = "x"')
        (folder / "meshlint.toml").write_text('fail-on = "never"')
        assert meshlint("lint", "twice").returncode == 0

    def test_the_search_ends_at_the_root_of_the_repository(self, meshlint: Run, folder: Path):
        (folder / "meshlint.toml").write_text('fail-on = "never"')
        (folder / "twice" / ".git").mkdir()
        assert meshlint("lint", "twice").returncode == 1

    def test_the_common_parent_of_the_paths_counts(self, meshlint: Run, folder: Path):
        (folder / "twice" / "meshlint.toml").write_text('fail-on = "never"')
        assert meshlint("lint", "twice").returncode == 0
        assert meshlint("lint", "twice", "clean").returncode == 1

    def test_the_command_line_overrides_the_file(self, meshlint: Run, folder: Path):
        (folder / "meshlint.toml").write_text('fail-on = "never"\nignore = ["MSH002"]')
        assert meshlint("lint", "twice", "--fail-on", "error", "--ignore", "MSH010").returncode == 1
        assert meshlint("lint", "twice", "--fail-on", "error").returncode == 0

    def test_the_file_can_be_named_or_refused(self, meshlint: Run, folder: Path):
        (folder / "meshlint.toml").write_text('fail-on = "never"')
        (folder / "other.toml").write_text('fail-on = "info"')
        assert meshlint("lint", "twice", "--config", "other.toml").returncode == 1
        assert meshlint("lint", "twice", "--no-config").returncode == 1

    def test_a_mistake_in_the_file_has_its_place(self, meshlint: Run, folder: Path):
        (folder / "meshlint.toml").write_text('\nfail-no = "never"')
        run = meshlint("lint", "twice.yaml", cwd=folder / "twice")
        assert run.returncode == 2
        assert run.stderr == "meshlint: error: ../meshlint.toml:2:1: unknown key 'fail-no': did you mean 'fail-on'?\n"

    def test_a_severity_can_be_changed(self, meshlint: Run, folder: Path):
        (folder / "meshlint.toml").write_text('[rules.duplicate-key]\nseverity = "info"')
        run = meshlint("lint", "twice", "--format", "json")
        assert run.returncode == 0
        assert json.loads(run.stdout)["summary"]["infos"] == 1

    @pytest.mark.parametrize("cwd", [".", "twice", "clean"])
    @pytest.mark.parametrize("line", ['per-file-ignores = {"twice/*" = ["MSH"]}', 'exclude = ["twice/**"]'])
    def test_patterns_start_from_the_file_wherever_one_works(self, meshlint: Run, folder: Path, cwd: str, line: str):
        (folder / "meshlint.toml").write_text(line)
        assert meshlint("lint", str(folder), cwd=folder / cwd).returncode == 0

    @pytest.mark.parametrize(
        ("cwd", "pattern"),
        [(".", "twice/*.yaml"), ("twice", "./*.yaml"), ("twice", "twice.yaml"), ("clean", "../twice/")],
    )
    def test_patterns_of_the_command_line_start_from_the_working_directory(
        self, meshlint: Run, folder: Path, cwd: str, pattern: str
    ):
        (folder / "meshlint.toml").write_text("")
        assert meshlint("lint", str(folder), "--exclude", pattern, cwd=folder / cwd).returncode == 0

    def test_a_pyproject_that_is_named_has_to_have_the_table(self, meshlint: Run, folder: Path):
        (folder / "pyproject.toml").write_text("")
        run = meshlint("lint", "clean", "--config", "pyproject.toml")
        assert (run.returncode, run.stderr) == (2, "meshlint: error: pyproject.toml: no table [tool.meshlint] in it\n")

    def test_paths_in_the_file_start_from_it(self, meshlint: Run, folder: Path):
        (folder / "meshlint.toml").write_text('mesh-config = "mesh.yaml"')
        (folder / "mesh.yaml").write_text("rootNamespace: roots\n")
        assert meshlint("lint", "clean.yaml", cwd=folder / "clean").returncode == 0
        (folder / "mesh.yaml").unlink()
        assert "../mesh.yaml: " in meshlint("lint", "clean.yaml", cwd=folder / "clean").stderr


class TestOutput:
    def test_several_formats_can_be_written_at_once(self, meshlint: Run, folder: Path):
        run = meshlint("lint", "twice", "--format", "concise", "--format", "json=a.json", "--format", "sarif=a.sarif")
        assert run.returncode == 1
        assert run.stdout.startswith("twice/twice.yaml:5:3")
        assert json.loads((folder / "a.json").read_text())["summary"]["errors"] == 1
        assert json.loads((folder / "a.sarif").read_text())["runs"][0]["results"][0]["ruleId"] == "MSH002"

    @pytest.mark.parametrize("form", ["full", "concise", "json", "sarif", "github"])
    @pytest.mark.usefixtures("folder")
    def test_every_format_names_the_rule(self, meshlint: Run, form: str):
        assert "MSH002" in meshlint("lint", "twice", "--format", form).stdout

    def test_a_file_has_no_colours(self, meshlint: Run, folder: Path):
        meshlint("lint", "twice", "--color", "always", "--format", "full=a.txt")
        assert "\x1b" not in (folder / "a.txt").read_text()

    @pytest.mark.parametrize(
        ("arguments", "environment", "has_colour"),
        [
            ([], {}, False),
            (["--color", "always"], {"NO_COLOR": "1"}, True),
            (["--color", "never"], {"FORCE_COLOR": "1"}, False),
            ([], {"FORCE_COLOR": "1"}, True),
            ([], {"CLICOLOR_FORCE": "1"}, True),
            ([], {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ],
    )
    @pytest.mark.usefixtures("folder")
    def test_colours_come_when_asked_for(
        self, meshlint: Run, arguments: list[str], environment: dict[str, str], has_colour: bool
    ):
        assert ("\x1b[" in meshlint("lint", "twice", *arguments, **environment).stdout) is has_colour

    def test_a_terminal_has_colours_but_a_dumb_one(self):
        assert is_colored(Color.AUTO, {"TERM": "xterm"}, is_terminal=True)
        assert not is_colored(Color.AUTO, {"TERM": "dumb"}, is_terminal=True)
        assert not is_colored(Color.AUTO, {"NO_COLOR": "1"}, is_terminal=True)

    @pytest.mark.usefixtures("folder")
    def test_a_quiet_clean_run_says_nothing(self, meshlint: Run):
        assert meshlint("lint", "-q", "clean").stdout == ""
        assert "MSH002" in meshlint("lint", "-q", "twice").stdout
        assert json.loads(meshlint("lint", "-q", "clean", "--format", "json").stdout)["findings"] == []

    @pytest.mark.usefixtures("folder")
    def test_no_progress_is_accepted(self, meshlint: Run):
        assert meshlint("lint", "--no-progress", "clean").returncode == 0

    def test_a_reader_that_leaves_early_is_no_error(self, folder: Path):
        reading, writing = os.pipe()
        os.close(reading)
        run = python("-m", "meshlint", "lint", "twice", cwd=folder, stdout=writing)
        os.close(writing)
        assert (run.returncode, run.stderr) == (1, "")

    def test_a_terminal_that_knows_only_ascii_is_no_error(self, meshlint: Run, folder: Path):
        (folder / "twice" / "twice.yaml").write_text(TWICE.replace("ratings", "höher"), encoding="utf-8")
        run = meshlint("lint", "twice", PYTHONIOENCODING="ascii")
        assert run.returncode == 1
        assert "h\\xf6her" in run.stdout


class TestPages:
    @pytest.mark.parametrize("selector", ["MSH002", "duplicate-key"])
    def test_a_rule_is_explained_by_code_or_name(self, meshlint: Run, selector: str):
        run = meshlint("explain", selector)
        assert run.returncode == 0
        assert run.stdout.startswith("# MSH002 duplicate-key\n")

    def test_a_rule_is_explained_by_what_it_is_called_elsewhere(self, meshlint: Run):
        rule = next(rule for rule in catalogue.rules() if rule.aliases)
        assert f"# {rule.code} {rule.name}\n" in meshlint("explain", rule.aliases[0]).stdout

    def test_an_explanation_is_the_page(self, meshlint: Run):
        rule = catalogue.rules()[0]
        assert rule.page.strip() in meshlint("explain", rule.code).stdout

    def test_all_rules_are_listed_in_each_form(self, meshlint: Run):
        codes = [rule.code for rule in catalogue.rules()]
        assert [line.split()[0] for line in meshlint("rules").stdout.splitlines()] == codes
        assert [rule["code"] for rule in json.loads(meshlint("rules", "--format", "json").stdout)] == codes
        table = meshlint("rules", "--format", "markdown").stdout.splitlines()
        assert [row.split(" | ")[0] for row in table[2:]] == [f"| {code}" for code in codes]


WIDGETS = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Widget}
  versions:
    - name: v1
      served: true
      schema:
        openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}
"""


@pytest.fixture
def widgets(tmp_path: Path) -> Path:
    """A folder with an object of a kind that only `crds/` beside it knows."""
    (tmp_path / "crds").mkdir()
    (tmp_path / "crds" / "widgets.yaml").write_text(WIDGETS)
    (tmp_path / "mesh").mkdir()
    object_ = "apiVersion: shop.example.com/v1\nkind: Widget\nmetadata: {name: a}\nspec: {sise: 1}\n"
    (tmp_path / "mesh" / "widget.yaml").write_text(object_)
    return tmp_path


def test_a_kind_of_ones_own_is_unknown_until_its_definition_is_given(meshlint, widgets):
    assert "unknown kind Widget" in meshlint("lint", "mesh", cwd=widgets).stdout
    with_schemas = meshlint("lint", "mesh", "--schemas", "crds", cwd=widgets)
    assert "`sise` is not a field of `spec`" in with_schemas.stdout
    assert "unknown kind" not in with_schemas.stdout
    assert with_schemas.returncode == 1


def test_definitions_of_the_configuration_are_sought_beside_it(meshlint, widgets):
    (widgets / "meshlint.toml").write_text('schemas = "crds"\n')
    assert "`sise` is not a field" in meshlint("lint", ".", cwd=widgets / "mesh").stdout


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind: Service\n", "no CustomResourceDefinition in crds/widgets.yaml"),
        ("a: 'b\n", "crds/widgets.yaml:1:4: the quote `'` is never closed"),
        ("kind: CustomResourceDefinition\n", "crds/widgets.yaml:1:1: a CustomResourceDefinition says"),
    ],
)
def test_definitions_that_cannot_be_read_stop_the_run(meshlint, widgets, text, words):
    (widgets / "crds" / "widgets.yaml").write_text(text)
    run = meshlint("lint", "mesh", "--schemas", "crds", cwd=widgets)
    assert run.returncode == 2
    assert words in run.stderr


def test_a_folder_without_definitions_stops_the_run(meshlint, widgets):
    (widgets / "empty").mkdir()
    assert "empty: not one YAML or JSON file in it" in meshlint("lint", "--schemas", "empty", cwd=widgets).stderr
    assert "no such file or directory: gone" in meshlint("lint", "--schemas", "gone", cwd=widgets).stderr
