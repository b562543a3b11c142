"""What a page can say, and what the catalogue answers where one does not say it."""

import pytest

from meshlint.catalogue import CatalogueError, Mark, read_examples, read_rule
from meshlint.finding import Severity
from meshlint.mesh.settings import World

PAGE = """---
summary: a route that nobody reaches
severity: warning
since: 0.1.0
aliases: [IST0130, KIA1101]
references: [the reference of routes]
default: false
---

Why it matters.
"""


def test_a_rule_is_its_pages_name_and_front_matter():
    rule = read_rule("MSH101-unreachable-route.md", PAGE)
    assert (rule.code, rule.name, rule.severity) == ("MSH101", "unreachable-route", Severity.WARNING)
    assert rule.summary == "a route that nobody reaches"
    assert rule.aliases == ("IST0130", "KIA1101")
    assert rule.references == ("the reference of routes",)
    assert (rule.since, rule.is_default) == ("0.1.0", False)
    assert rule.page == "Why it matters.\n"


def test_a_rule_is_on_by_default_where_its_page_does_not_say():
    assert read_rule("MSH101-x.md", PAGE.replace("default: false\n", "")).is_default


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("unreachable-route.md", "", "", "called like"),
        ("MSH1-x.md", "", "", "called like"),
        ("MSH101-x.md", "---\nsummary", "summary", "front matter between"),
        ("MSH101-x.md", "severity: warning", "severity: fatal", "error, warning, info"),
        ("MSH101-x.md", "severity: warning\n", "", "error, warning, info"),
        ("MSH101-x.md", "a route that nobody reaches", '" "', "`summary` is a text"),
        ("MSH101-x.md", "0.1.0", "0.1", "`since` is a text"),
        ("MSH101-x.md", "IST0130", "0130", "`aliases` is a list of texts"),
        ("MSH101-x.md", "IST0130", "IST130", "'IST130' is no alias"),
        ("MSH101-x.md", "default: false", "default: off-ish", "`default` is true or false"),
        ("MSH101-x.md", "since:", "sinse:", "no key 'sinse'"),
        ("MSH101-x.md", "aliases: [", "aliases: {", "no YAML"),
    ],
)
def test_a_page_that_is_wrong_is_named_with_what_is_wrong(name: str, old: str, new: str, complaint: str):
    with pytest.raises(CatalogueError, match=f"^{name}: .*{complaint}"):
        read_rule(name, PAGE.replace(old, new, 1) if old else PAGE)


def test_marks_are_cut_from_the_example_and_remembered():
    (example,) = read_examples("p", "```yaml bad\na: 1\nb: 2  # error\nc: 3 # error MSH003 MSH004\n```\n", "MSH101")
    assert example.files[0].text == "a: 1\nb: 2\nc: 3\n"
    assert example.marks == (
        Mark("example.yaml", 2, "MSH101"),
        Mark("example.yaml", 3, "MSH003"),
        Mark("example.yaml", 3, "MSH004"),
    )


def test_an_ordinary_comment_about_an_error_is_no_mark():
    (example,) = read_examples("p", "```yaml good\na: 1  # error is what this avoids\n```\n", "MSH101")
    assert example.files[0].text == "a: 1  # error is what this avoids\n"


def test_fences_with_files_in_a_row_are_one_example():
    text = "```yaml bad file=a.yaml\na: 1 # error\n```\nand\n```yaml bad file=b.yaml\nb: 1\n```\n"
    (example,) = read_examples("p", text, "MSH101")
    assert [file.name for file in example.files] == ["a.yaml", "b.yaml"]
    assert example.marks == (Mark("a.yaml", 1, "MSH101"),)


def test_fences_without_files_are_examples_of_their_own():
    assert len(read_examples("p", "```yaml good\na: 1\n```\n```yaml good\nb: 1\n```\n", "MSH101")) == 2


def test_a_file_that_comes_again_begins_the_next_example():
    fence = "```yaml good file=a.yaml\na: 1\n```\n"
    assert len(read_examples("p", fence + fence, "MSH101")) == 2


def test_a_heading_ends_an_example_and_names_the_next():
    fence = "```yaml good file={}.yaml\n# no heading\n```\n"
    first, second = read_examples("p", f"# One\n{fence.format('a')}\n## Two words\n{fence.format('b')}", "MSH101")
    assert (first.heading, second.heading) == ("One", "Two words")


def test_a_fixed_fence_belongs_to_the_bad_one_before_it():
    (example,) = read_examples("p", "```yaml bad\na: 1 # error\n```\n```yaml fixed\na: 2\n```\n", "MSH101")
    assert [file.text for file in example.fixed] == ["a: 2\n"]


def test_files_that_the_fixed_example_does_not_show_stay_as_they_are():
    bad = "```yaml bad file=a.yaml\na: 1 # error\n```\n```yaml bad file=b.yaml\nb: 1\n```\n"
    (example,) = read_examples("p", bad + "```yaml fixed file=a.yaml\na: 2\n```\n", "MSH101")
    assert [file.text for file in example.fixed] == ["a: 2\n", "b: 1\n"]


def test_options_of_a_fence_set_the_scene():
    text = "```yaml good world=complete version=1.0 namespace=prod\na: 1\n```\n"
    (example,) = read_examples("p", text, "MSH101")
    assert example.settings.world is World.COMPLETE
    assert example.settings.istio_version == (1, 0)
    assert example.settings.namespace == "prod"


def test_a_mesh_config_fence_is_no_file_of_the_input():
    text = "```yaml good mesh-config\nrootNamespace: x\n```\n```yaml good file=a.yaml\na: 1\n```\n"
    (example,) = read_examples("p", text, "MSH101")
    assert [file.name for file in example.files] == ["a.yaml"]
    assert example.mesh_config is not None
    assert example.mesh_config.text == "rootNamespace: x\n"


def test_fences_of_other_kinds_are_only_to_be_read():
    assert read_examples("p", "```yaml\na: 1\n```\n```sh\n# error\n```\n", "MSH101") == ()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```yaml bad\na: 1\n```\n", "has `# error` marks"),
        ("```yaml good\na: 1 # error\n```\n", "others have none"),
        ("```yaml fixed\na: 1\n```\n", "follows a `bad` one"),
        ("```yaml good\na: 1\n```\n```yaml fixed\na: 1\n```\n", "follows a `bad` one"),
        ("```yaml good wrld=complete\na: 1\n```\n", "no option 'wrld'"),
        ("```yaml good world=whole\na: 1\n```\n", "whole"),
        ("```yaml good version=new\na: 1\n```\n", "no release such as"),
    ],
)
def test_an_example_that_makes_no_sense_is_refused(text: str, complaint: str):
    with pytest.raises(CatalogueError, match=f"^page.md: .*{complaint}"):
        read_examples("page.md", text, "MSH101")
