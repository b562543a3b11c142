"""The user's wishes: which rules run, how severe they are, what is silenced, and what a finding is known by."""

import pytest

from meshlint.config import Config, UsageError
from meshlint.finding import Finding, Problem, Rule, Severity
from meshlint.mesh.model import Mesh
from meshlint.policy import covers, enabled, findings, named, severity_of
from meshlint.source.parse import parse
from meshlint.source.text import Source


def rule(code: str, name: str, *aliases: str, is_default: bool = True) -> Rule:
    return Rule(code, name, "what it finds", Severity.WARNING, "0.1.0", aliases, is_default=is_default)


DEAD = rule("MSH101", "unreachable-route", "IST0130")
HOST = rule("MSH201", "no-such-host", "IST0101", "KIA1101")
SUBSET = rule("MSH202", "no-such-subset", "IST0101", "KIA1107")
ALPHA = rule("MSH018", "alpha-annotation", is_default=False)
RULES = (ALPHA, DEAD, HOST, SUBSET)


class TestSelection:
    def test_without_a_word_the_default_rules_run(self):
        assert enabled(RULES, Config()) == (DEAD, HOST, SUBSET)

    @pytest.mark.parametrize(
        ("selector", "chosen"),
        [
            ("MSH", RULES),
            ("MSH2", (HOST, SUBSET)),
            ("MSH202", (SUBSET,)),
            ("unreachable-route", (DEAD,)),
            ("IST0101", (HOST, SUBSET)),
            ("KIA1107", (SUBSET,)),
        ],
    )
    def test_a_selector_is_a_code_a_prefix_a_name_or_an_alias(self, selector: str, chosen: tuple[Rule, ...]):
        assert named(selector, RULES) == chosen
        assert enabled(RULES, Config(select=(selector,))) == chosen

    def test_extending_keeps_the_defaults(self):
        assert enabled(RULES, Config(extend_select=("MSH018",))) == RULES
        assert enabled(RULES, Config(extend_select=("MSH",))) == RULES

    def test_ignoring_takes_away(self):
        assert enabled(RULES, Config(ignore=("MSH2",))) == (DEAD,)
        assert enabled(RULES, Config(extend_ignore=("no-such-host",))) == (DEAD, SUBSET)

    def test_the_more_specific_selector_counts(self):
        assert enabled(RULES, Config(select=("MSH202",), ignore=("MSH2",))) == (SUBSET,)
        assert enabled(RULES, Config(select=("MSH2",), ignore=("MSH202",))) == (HOST,)

    def test_of_equally_specific_selectors_the_ignoring_one_counts(self):
        assert enabled(RULES, Config(select=("MSH2",), ignore=("MSH2",))) == ()
        assert enabled(RULES, Config(select=("MSH201",), ignore=("no-such-host",))) == ()

    @pytest.mark.parametrize(
        "config",
        [
            Config(select=("no-such-hots",)),
            Config(extend_select=("no-such-hots",)),
            Config(ignore=("no-such-hots",)),
            Config(extend_ignore=("no-such-hots",)),
            Config(per_file_ignores={"*": ("no-such-hots",)}),
            Config(severities={"no-such-hots": Severity.INFO}),
        ],
    )
    def test_an_unknown_selector_is_an_error_wherever_it_stands(self, config: Config):
        with pytest.raises(UsageError, match=r"no rule is called 'no-such-hots': did you mean 'no-such-host'\?"):
            enabled(RULES, config)

    def test_a_prefix_of_nothing_is_unknown(self):
        with pytest.raises(UsageError, match="no rule is called 'MSH9'"):
            named("MSH9", RULES)


class TestSeverity:
    def test_a_rule_has_its_own_severity(self):
        assert severity_of(DEAD, Config()) is Severity.WARNING

    @pytest.mark.parametrize("selector", ["unreachable-route", "MSH101", "MSH1"])
    def test_the_user_can_say_otherwise(self, selector: str):
        assert severity_of(DEAD, Config(severities={selector: Severity.INFO})) is Severity.INFO

    def test_the_more_specific_word_counts(self):
        said = {"MSH101": Severity.ERROR, "MSH": Severity.INFO}
        assert severity_of(DEAD, Config(severities=said)) is Severity.ERROR
        assert severity_of(HOST, Config(severities=said)) is Severity.INFO


OBJECT = """
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  annotations: {annotations}
spec:
  hosts: [reviews]
  http:
  - route:
    - destination:
        host: reviews
"""


def mesh_of(*sources: Source) -> Mesh:
    return Mesh(tuple(document for source in sources for document in parse(source).documents))


def found(text: str, one: Rule = SUBSET, config: Config | None = None) -> Finding:
    """The finding of a rule at the destination's host."""
    mesh = mesh_of(Source("a.yaml", text))
    node = mesh.documents[0].at("spec", "http", 0, "route", 0, "destination", "host")
    (finding,) = findings([(one, Problem(node, "no such thing"))], mesh, config or Config())
    return finding


def annotated(annotations: str) -> str:
    return OBJECT.replace("{annotations}", annotations)


class TestAnnotations:
    def test_nothing_is_silenced_without_one(self):
        assert found(annotated("{}")).suppressed is None

    @pytest.mark.parametrize("selector", ["MSH202", "MSH2", "no-such-subset", "IST0101", "MSH101, MSH202"])
    def test_ours_names_rules_and_a_reason(self, selector: str):
        silenced = found(annotated(f'{{meshlint.dev/ignore: "{selector}: kept for rollback"}}')).suppressed
        assert silenced is not None
        assert silenced.reason == "kept for rollback"
        assert silenced.span is not None
        assert silenced.span.text == f'"{selector}: kept for rollback"'

    def test_ours_can_name_several_with_a_reason_each(self):
        text = annotated('{meshlint.dev/ignore: "MSH101: one; MSH202: two"}')
        assert [found(text, one).suppressed.reason for one in (DEAD, SUBSET)] == ["one", "two"]
        assert found(text, HOST).suppressed is None

    @pytest.mark.parametrize("codes", ["IST0101", "IST0130,IST0101", '"*"'])
    def test_istioctls_silences_the_rules_that_stand_for_its_codes(self, codes: str):
        text = annotated(
            f"{{galley.istio.io/analyze-suppress: {codes if codes[0] == chr(34) else chr(34) + codes + chr(34)}}}"
        )
        assert found(text).suppressed is not None
        assert found(text, ALPHA).suppressed is None

    def test_istioctls_silences_no_other_code(self):
        assert found(annotated("{galley.istio.io/analyze-suppress: IST0130}")).suppressed is None

    @pytest.mark.parametrize("codes", ["KIA1107", '"KIA1102, KIA1107"', '""'])
    def test_kialis_silences_the_rules_that_stand_for_its_codes(self, codes: str):
        text = annotated(f"{{kiali.io/ignore-validations: {codes}}}")
        assert found(text).suppressed is not None
        assert found(text, DEAD).suppressed is None

    def test_kialis_silences_no_other_code(self):
        assert found(annotated("{kiali.io/ignore-validations: KIA1101}")).suppressed is None

    def test_the_user_can_look_past_them(self):
        text = annotated('{meshlint.dev/ignore: "MSH202: x"}')
        assert found(text, config=Config(respects_ignores=False)).suppressed is None


class TestComments:
    def test_one_at_the_end_of_the_line_silences_the_line(self):
        text = annotated("{}").replace("host: reviews\n", "host: reviews  # meshlint: ignore[MSH202] for now\n")
        silenced = found(text).suppressed
        assert silenced is not None
        assert silenced.reason == "for now"
        assert found(text, HOST).suppressed is None

    def test_one_on_another_line_does_not(self):
        text = annotated("{}").replace("hosts: [reviews]\n", "hosts: [reviews]  # meshlint: ignore[MSH202]\n")
        assert found(text).suppressed is None

    @pytest.mark.parametrize("selector", ["MSH202", "MSH2", "no-such-subset", "KIA1107", "MSH101,MSH202"])
    def test_one_above_a_node_silences_all_of_the_node(self, selector: str):
        text = annotated("{}").replace("  http:\n", f"  # meshlint: ignore[{selector}] below\n  http:\n")
        assert found(text).suppressed is not None

    def test_one_above_another_node_does_not(self):
        text = annotated("{}").replace("  hosts:", "  # meshlint: ignore[MSH202] only the hosts\n  hosts:")
        assert found(text).suppressed is None

    def test_one_for_the_file_silences_the_file(self):
        assert found("# meshlint: ignore-file[MSH2] generated\n" + annotated("{}")).suppressed is not None
        assert found("# meshlint: ignore-file[MSH1] generated\n" + annotated("{}")).suppressed is None

    def test_a_finding_on_a_key_is_silenced_at_its_line(self):
        text = annotated("{}").replace("  http:\n", "  http:  # meshlint: ignore[MSH202] all of it\n")
        mesh = mesh_of(Source("a.yaml", text))
        problem = Problem(mesh.documents[0].at("spec", "http"), "odd", on_key=True)
        (finding,) = findings([(SUBSET, problem)], mesh, Config())
        assert finding.suppressed is not None

    def test_the_user_can_look_past_them(self):
        text = "# meshlint: ignore-file[MSH2] generated\n" + annotated("{}")
        assert found(text, config=Config(respects_ignores=False)).suppressed is None


class TestFiles:
    @pytest.mark.parametrize("pattern", ["a.yaml", "*.yaml", "**/*.yaml", "./a.yaml", "/a.yaml"])
    def test_a_pattern_silences_rules_in_the_files_it_covers(self, pattern: str):
        silenced = found(annotated("{}"), config=Config(per_file_ignores={pattern: ("MSH2",)})).suppressed
        assert silenced is not None
        assert pattern in silenced.reason

    def test_it_silences_neither_other_rules_nor_other_files(self):
        assert found(annotated("{}"), config=Config(per_file_ignores={"a.yaml": ("MSH1",)})).suppressed is None
        assert found(annotated("{}"), config=Config(per_file_ignores={"b.yaml": ("MSH2",)})).suppressed is None

    @pytest.mark.parametrize(
        ("root", "directory", "pattern"),
        [
            ("/w", "/w/deploy", "deploy/*"),
            ("/w/deploy", "/w/deploy/x", "x/a.yaml"),
            ("/w/x", "/w/deploy", "../deploy/*"),
        ],
    )
    def test_patterns_start_from_the_configuration(self, root: str, directory: str, pattern: str):
        config = Config(per_file_ignores={pattern: ("MSH2",)}, root=root, directory=directory)
        assert found(annotated("{}"), config=config).suppressed is not None

    @pytest.mark.parametrize(
        ("pattern", "path", "is_covered"),
        [
            ("samples/**", "samples/a/b.yaml", True),
            ("samples", "x/samples/b.yaml", True),
            ("samples/", "samples/b.yaml", True),
            ("/samples", "x/samples/b.yaml", False),
            ("x/*.yaml", "x/y/b.yaml", False),
            ("x/**/b.yaml", "x/b.yaml", True),
            ("x/**/b.yaml", "x/y/z/b.yaml", True),
            ("b?.yaml", "b1.yaml", True),
            ("b.yaml", "bxyaml", False),
            ("*.yaml", "a.yml", False),
        ],
    )
    def test_patterns_read_as_in_gitignore(self, pattern: str, path: str, is_covered: bool):
        assert covers(pattern, path) is is_covered


class TestFindings:
    def test_they_are_sorted_by_file_place_and_code(self):
        mesh = mesh_of(Source("b.yaml", annotated("{}")), Source("a.yaml", annotated("{}")))
        second, first = (document.at("spec", "hosts") for document in mesh.documents)
        problems = [(SUBSET, Problem(second, "x")), (HOST, Problem(second, "x")), (DEAD, Problem(first, "x"))]
        problems += [(SUBSET, Problem(mesh.documents[1].at("kind"), "x"))]
        places = [(f.problem.span.source.name, f.rule.code) for f in findings(problems, mesh, Config())]
        assert places == [("a.yaml", "MSH202"), ("a.yaml", "MSH101"), ("b.yaml", "MSH201"), ("b.yaml", "MSH202")]

    def test_they_know_their_resource(self):
        assert str(found(annotated("{}")).resource) == "VirtualService default/reviews"

    def test_a_fingerprint_outlives_moves_and_new_versions_of_the_api(self):
        before = found(annotated("{}")).fingerprint
        moved = "# a comment\n\n" + annotated("{}").replace("istio.io/v1", "istio.io/v1beta1")
        assert found(moved).fingerprint == before

    def test_a_fingerprint_tells_values_rules_and_objects_apart(self):
        text = annotated("{}")
        prints = {
            found(text).fingerprint,
            found(text, HOST).fingerprint,
            found(text.replace("host: reviews", "host: ratings")).fingerprint,
            found(text.replace("name: reviews", "name: ratings")).fingerprint,
        }
        assert len(prints) == 4

    def test_equal_findings_have_fingerprints_of_their_own(self):
        text = annotated("{}")
        mesh = mesh_of(Source("a.yaml", text), Source("b.yaml", text))
        problems = [(SUBSET, Problem(document.at("spec", "hosts"), "x")) for document in mesh.documents]
        first, second = findings(problems, mesh, Config())
        assert second.fingerprint == f"{first.fingerprint}-2"
        assert [f.fingerprint for f in findings(problems[::-1], mesh, Config())] == [
            first.fingerprint,
            second.fingerprint,
        ]
