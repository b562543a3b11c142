"""What each release of Istio has: the facts in `schemas/`, the tool that writes them, and how they are read."""

import importlib.util
import json
from pathlib import Path

import pytest

from meshlint import data, registry, session
from meshlint.checks import annotations as annotation_checks
from meshlint.checks import versions
from meshlint.config import Config
from meshlint.mesh.settings import Settings
from meshlint.resources.annotations import annotations, labels, wanted
from meshlint.resources.releases import Span, gateway_kinds, istio_kinds, maturity, served, span
from meshlint.source.text import Source

ROOT = Path(__file__).resolve().parent.parent
NEWEST = (1, 30)
RELEASES = [(1, minor) for minor in range(31)]

SPEC = importlib.util.spec_from_file_location("make_releases", ROOT / "tools" / "make_releases.py")
make_releases = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(make_releases)


def findings(text, code, release=NEWEST):
    checks = [check for check in registry.known() if check.rule.code == code]
    config = Config(extend_select=(code,), settings=Settings(istio_version=release))
    return session.lint([Source("mesh.yaml", text)], config, checks=checks).findings


def every_version():
    return [
        (group, kind, version, when)
        for group, kinds in istio_kinds().items()
        for kind, spans in kinds.items()
        for version, when in spans.items()
        if group != "install.istio.io"
    ]


def document(group, kind, version):
    return f"apiVersion: {group}/{version}\nkind: {kind}\nmetadata: {{name: one}}\nspec: {{}}\n"


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_exactly_the_versions_that_a_release_does_not_serve_are_reported(release):
    known = every_version()
    text = "---\n".join(document(group, kind, version) for group, kind, version, _ in known)
    reported = {finding.problem.node.document.index for finding in findings(text, "MSH011", release)}
    assert reported == {index for index, (_, _, _, when) in enumerate(known) if release not in when}


@pytest.mark.parametrize("release", RELEASES, ids=str)
def test_a_fix_of_a_version_leads_to_one_that_is_served_and_not_old(release):
    known = every_version()
    text = "---\n".join(document(group, kind, version) for group, kind, version, _ in known)
    for finding in (*findings(text, "MSH011", release), *findings(text, "MSH012", release)):
        fix = finding.problem.fix
        if fix is not None:
            group, _, version = fix.edits[0].text.rpartition("/")
            kind = finding.resource.kind
            assert served(group, kind, release)[0] == version


def test_every_removed_kind_has_a_hint_what_to_do_instead():
    for group, kind, version, when in every_version():
        if when.is_over(NEWEST):
            (finding,) = findings(document(group, kind, version), "MSH011")
            assert finding.problem.help, kind


def test_every_replacement_is_for_a_kind_that_there_was():
    for name in versions._REPLACEMENTS:
        group, _, kind = name.partition("/")
        assert kind in istio_kinds()[group]


def test_every_replacement_is_for_a_deprecated_annotation():
    for name in annotation_checks._REPLACEMENTS:
        assert annotations()[name].is_deprecated


@pytest.mark.parametrize(
    ("older", "newer"),
    [("v1alpha3", "v1beta1"), ("v1beta1", "v1"), ("v1alpha2", "v1alpha3"), ("nonsense", "v1"), ("v1", "v2")],
)
def test_a_more_mature_version_comes_later(older, newer):
    assert maturity(older) < maturity(newer)


def test_a_range_holds_its_ends():
    assert span("1.2-1.10") == Span((1, 2), (1, 10))
    assert (1, 2) in span("1.2-1.10")
    assert (1, 10) in span("1.2-1.10")
    assert (1, 11) not in span("1.2-1.10")
    assert span("1.2-1.10").is_over((1, 11))
    assert (1, 99) in span("1.2")


def test_the_newest_release_serves_the_versions_that_have_schemas():
    index = json.loads(data.text("schemas", "index.json"))
    for group, kinds in istio_kinds().items():
        for kind in kinds:
            expected = {f"{group}/{version}" for version in served(group, kind, NEWEST)}
            assert expected <= set(index.get(group, {}).get(kind, {}))


def test_the_gateway_api_has_the_versions_that_have_schemas():
    index = json.loads(data.text("schemas", "index.json"))["gateway.networking.k8s.io"]
    for kind, bundle in gateway_kinds().items():
        assert {f"gateway.networking.k8s.io/{version}" for version in bundle.served} <= set(index[kind])


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("sidecar.istio.io/interceptionMode", ["REDIRECT", "TPROXY", "NONE"], ["redirect", ""]),
        ("status.sidecar.istio.io/port", ["0", "15020", "65535"], ["65536", "-1", "a", ""]),
        ("readiness.status.sidecar.istio.io/periodSeconds", ["2", "4294967295"], ["4294967296", "2s"]),
        ("prometheus.istio.io/merge-metrics", ["true", "F", "0"], ["yes", "on", ""]),
        ("sidecar.istio.io/inject", ["true", "yes", "off"], ["enabled"]),
        ("sidecar.istio.io/proxyCPU", ["100m", "0.5", "2e3", "1"], ["100mm", "1 Gi", "one", ""]),
        ("traffic.sidecar.istio.io/excludeInboundPorts", ["", "80", "80, 443"], ["*", "80,", "http", "70000"]),
        ("traffic.sidecar.istio.io/includeInboundPorts", ["", "*", "80,443"], ["*,80"]),
        ("traffic.sidecar.istio.io/includeOutboundIPRanges", ["*", "10.1.2.3/8,::/0"], ["10.0.0.1", "a/8", "*,::/0"]),
        ("sidecar.istio.io/statsFlushInterval", ["5s", "1m30s"], ["5", "soon"]),
        ("traffic.istio.io/nodeSelector", ['{"a": "b"}'], ['{"a": 1}', "a: b", "[]"]),
        ("sidecar.istio.io/statsHistogramBuckets", ['{"istio": [1, 5]}'], ['{"istio": 1}', "{"]),
        ("networking.istio.io/traffic-distribution", ["PreferClose", "prefersamezone"], ["Close"]),
        ("sidecar.istio.io/logLevel", ["debug", "anything"], []),
    ],
)
def test_an_annotation_takes_the_values_of_its_type(name, right, wrong):
    annotation = annotations()[name]
    assert [text for text in right if wanted(annotation, text)] == []
    assert [text for text in wrong if not wanted(annotation, text)] == []


def test_a_value_that_is_nested_too_deep_is_no_json():
    assert wanted(annotations()["sidecar.istio.io/userVolume"], "[" * 200_000) == "JSON"


def test_injection_is_also_a_label():
    assert {"sidecar.istio.io/inject", "istio-injection"} <= labels()


def test_the_tool_writes_ranges_without_patch_numbers():
    facts = {
        "meta": {"releases": ["1.0.0", "1.1.0", "1.2.0"]},
        "kinds": {
            "config.istio.io/dogstatsd": {"versions": {"v1alpha2": ["1.1.0", "1.1.0"]}},
            "networking.istio.io/Sidecar": {"versions": {"v1alpha3": ["1.1.0", "1.2.0"]}},
        },
    }
    assert make_releases.istio(facts) == {
        "config.istio.io": {"dogstatsd": {"v1alpha2": "1.0-1.1"}},
        "networking.istio.io": {"Sidecar": {"v1alpha3": "1.1"}},
    }


def test_the_tool_joins_the_channels_of_the_gateway_api(tmp_path):
    def crd(name, kind, *served_versions):
        listed = ", ".join(
            f"{{name: {one}, served: {str(one in served_versions).lower()}, storage: {str(one == 'v1').lower()}}}"
            for one in ("v1", "v1alpha2")
        )
        path = tmp_path / f"{name}.yaml"
        path.write_text(
            "kind: CustomResourceDefinition\n"
            "metadata: {annotations: {gateway.networking.k8s.io/bundle-version: v1.9.0}}\n"
            f"spec: {{group: gateway.networking.k8s.io, names: {{kind: {kind}}}, versions: [{listed}]}}\n"
        )
        return str(path)

    channels = [crd("standard", "TLSRoute", "v1"), crd("experimental", "TLSRoute", "v1", "v1alpha2")]
    assert make_releases.gateway(channels) == {
        "bundle": "1.9.0",
        "kinds": {"TLSRoute": {"served": ["v1", "v1alpha2"], "stored": "v1"}},
    }


def test_the_tool_keeps_of_an_annotation_what_says_something():
    listed = {"resources": ["Pod"], "status": None, "deprecated": False, "first": "1.3.0", "removed_after": "1.9.0"}
    facts = {"annotations": {"b.istio.io/b": listed}, "unlisted": {"a.istio.io/a": {"resources": ["Gateway"]}}}
    assert make_releases.annotation_facts(facts) == {
        "a.istio.io/a": {"in": "1.0", "on": ["Gateway"]},
        "b.istio.io/b": {"in": "1.3-1.9", "on": ["Pod"]},
    }


def test_what_the_tool_shows_is_json_with_short_lines():
    facts = json.loads(data.text("schemas", "annotations.json"))
    assert json.loads(make_releases.shown(facts, 0)) == facts
    assert make_releases.shown(facts, 0) + "\n" == data.text("schemas", "annotations.json")
