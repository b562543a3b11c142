"""The configuration file: what it can say, and how it is told that it cannot say something."""

import pytest

from meshlint.config import NEWEST, Config, FailOn, UsageError, parse, release
from meshlint.finding import Severity
from meshlint.mesh.settings import World

FULL = """
select = ["MSH1"]
ignore = ["MSH507"]
extend-select = ["MSH010"]
extend-ignore = ["no-such-host"]
fail-on = "warning"
format = ["concise", "sarif=out.sarif"]
exclude = ["**/charts/*/templates/**"]
namespace = "prod"
world = "partial"
istio-version = "1.27"
mesh-config = "mesh.yaml"
mesh-networks = "networks.yaml"
per-file-ignores = { "samples/**" = ["MSH5"] }
[rules.unreachable-route]
severity = "error"
"""


def test_every_key_is_read():
    config = parse(FULL, "meshlint.toml")
    assert config is not None
    assert (config.select, config.ignore) == (("MSH1",), ("MSH507",))
    assert (config.extend_select, config.extend_ignore) == (("MSH010",), ("no-such-host",))
    assert config.fail_on is FailOn.WARNING
    assert config.format == ("concise", "sarif=out.sarif")
    assert config.exclude == ("**/charts/*/templates/**",)
    assert (config.settings.namespace, config.settings.world) == ("prod", World.PARTIAL)
    assert config.settings.istio_version == (1, 27)
    assert (config.mesh_config, config.mesh_networks) == ("mesh.yaml", "networks.yaml")
    assert config.per_file_ignores == {"samples/**": ("MSH5",)}
    assert config.severities == {"unreachable-route": Severity.ERROR}


def test_an_empty_file_says_nothing():
    assert parse("", "meshlint.toml") == Config()


def test_a_single_format_needs_no_list():
    config = parse('format = "json"', "meshlint.toml")
    assert config is not None
    assert config.format == ("json",)


def test_a_pyproject_has_a_table_of_its_own():
    config = parse('[project]\nname = "x"\n[tool.meshlint]\nnamespace = "prod"\n', "a/pyproject.toml")
    assert config is not None
    assert config.settings.namespace == "prod"


def test_a_pyproject_without_the_table_is_no_configuration():
    assert parse('[tool.other]\nx = 1\n[project]\nname = "x"', "pyproject.toml") is None


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('\n  fail-one = "error"', "meshlint.toml:2:3: unknown key 'fail-one': did you mean 'fail-on'?"),
        ("x-y-z = 1", "meshlint.toml:1:1: unknown key 'x-y-z'"),
        ('select = "MSH1"', "meshlint.toml:1:1: 'select' is a list of strings, not a string"),
        ("select = [1]", "meshlint.toml:1:1: 'select' is a list of strings, not a list with something else in it"),
        ("namespace = true", "meshlint.toml:1:1: 'namespace' is a string, not a boolean"),
        ('namespace = ""', "meshlint.toml:1:1: 'namespace' is a string, not an empty one"),
        ("istio-version = 1.2", "meshlint.toml:1:1: 'istio-version' is a string, not a number"),
        ('istio-version = "1.99"', "meshlint.toml:1:1: '1.99' is no release of Istio between 1.0 and"),
        ('world = "whole"', "meshlint.toml:1:1: 'world' is one of auto, complete, partial, not 'whole'"),
        ("fail-on = []", "meshlint.toml:1:1: 'fail-on' is one of error, warning, info, never, not []"),
        ('rules = "x"', "meshlint.toml:1:1: 'rules' is a table, not a string"),
        ('[rules.a]\nseverity = "bad"', "meshlint.toml:2:1: 'severity' is one of error, warning, info, not 'bad'"),
        ('[rules.a]\nseverty = "error"', "meshlint.toml:2:1: unknown key 'severty': did you mean 'severity'?"),
        ("[rules.a]\n", "meshlint.toml:1:2: a table of a rule says its `severity`"),
        ("rules.a.severity = 1", "meshlint.toml:1:1: 'severity' is one of"),
        ("rules = { a = { severity = 1 } }", "meshlint.toml:1:17: 'severity' is one of"),
        ('per-file-ignores = { "x.yaml" = 1 }', "meshlint.toml:1:22: 'x.yaml' is a list of strings, not a number"),
        ('\n[per-file-ignores]\n"x" = ""', "meshlint.toml:3:1: 'x' is a list of strings, not an empty one"),
        ("a = [", "meshlint.toml:"),
        ("a b = 1", "meshlint.toml:1:3: "),
    ],
)
def test_a_mistake_has_a_place_and_a_hint(text: str, complaint: str):
    with pytest.raises(UsageError) as error:
        parse(text, "meshlint.toml")
    assert str(error.value).startswith(complaint)


def test_a_mistake_in_a_pyproject_is_found_in_its_own_table():
    text = "[tool.other]\nselect = 1\n[tool.meshlint]\nselect = 1\n"
    with pytest.raises(UsageError, match=r"^pyproject.toml:4:1: 'select' is a list"):
        parse(text, "pyproject.toml")


def test_a_table_of_meshlint_that_is_none_is_refused():
    with pytest.raises(UsageError, match=r"^pyproject.toml:2:1: 'tool.meshlint' is a table, not a number"):
        parse("[tool]\nmeshlint = 1", "pyproject.toml")


@pytest.mark.parametrize(
    ("text", "version"), [("1.0", (1, 0)), ("1.27", (1, 27)), ("1.27.3", (1, 27)), ("1.30", NEWEST)]
)
def test_releases_from_the_first_to_the_newest_are_known(text: str, version: tuple[int, int]):
    assert release(text) == version


@pytest.mark.parametrize("text", ["0.8", "1.31", "2.0", "1", "v1.27", "latest", "1.2.3.4"])
def test_other_words_are_no_releases(text: str):
    with pytest.raises(UsageError, match="no release of Istio between"):
        release(text)


@pytest.mark.parametrize(
    ("fail_on", "severity", "fails"),
    [
        (FailOn.ERROR, Severity.ERROR, True),
        (FailOn.ERROR, Severity.WARNING, False),
        (FailOn.WARNING, Severity.WARNING, True),
        (FailOn.WARNING, Severity.INFO, False),
        (FailOn.INFO, Severity.INFO, True),
        (FailOn.NEVER, Severity.ERROR, False),
    ],
)
def test_a_run_fails_on_the_severity_asked_for_and_worse(fail_on: FailOn, severity: Severity, fails: bool):
    counts = {one: int(one is severity) for one in Severity}
    assert fail_on.is_reached(counts) is fails
