"""Which pods get a sidecar, by the labels around them: the worked cases of injection, in their numbers."""

from dataclasses import dataclass, field

import pytest
import yaml

from meshlint.mesh.model import Mesh
from meshlint.mesh.workloads import Proxy, injector, installed
from meshlint.source.parse import parse
from meshlint.source.text import Source

INJECT, REV, NS = "sidecar.istio.io/inject", "istio.io/rev", "istio-injection"


@dataclass(frozen=True)
class Case:
    """Labels of a namespace and of pods in it, and the revision that injects; `stops` where istiod itself says no."""

    number: str
    namespace: dict[str, str]
    expected: str | None
    pod: dict[str, str] = field(default_factory=dict)
    annotations: dict[str, str] = field(default_factory=dict)
    revisions: tuple[str, ...] = ("default",)
    host_network: bool = False
    home: str = "shop"


BOTH = ("default", "canary")
CASES = [
    Case("I01", {NS: "enabled"}, "default"),
    Case("I02", {}, None),
    Case("I03", {NS: "enabled"}, None, {INJECT: "false"}),
    Case("I04", {}, "default", {INJECT: "true"}),
    Case("I05", {}, None, annotations={INJECT: "true"}),
    Case("I06", {NS: "enabled"}, None, annotations={INJECT: "false"}),
    Case("I07", {NS: "disabled"}, None, {INJECT: "true"}),
    Case("I08", {NS: "Enabled"}, None),
    Case("I09", {NS: "enabled", REV: "canary"}, "default", revisions=BOTH),
    Case("I10", {REV: "canary"}, None),
    Case("I11", {REV: "canary"}, "canary", revisions=BOTH),
    Case("I12", {REV: "default"}, "default"),
    Case("I13", {}, "canary", {REV: "canary"}, revisions=BOTH),
    Case("I14", {REV: "default"}, "default", {REV: "canary"}, revisions=BOTH),
    Case("I15", {NS: "enabled"}, None, host_network=True),
    Case("I16", {NS: "enabled"}, "default", {INJECT: "true"}, {INJECT: "false"}),
    Case("I17", {NS: "enabled"}, "default", {INJECT: "no"}),
    Case("I18", {}, None, {INJECT: "true", REV: "canary"}),
    Case("I19", {NS: "disabled", REV: "default"}, None),
    Case("I20", {NS: "enabled"}, None, home="kube-system"),
]
BY_ISTIOD = ("I06", "I15", "I20")
"""The cases in which the webhook calls istiod, which then injects nothing (S156)."""


def mesh_of(case: Case) -> Mesh:
    meta = {"name": "pod", "namespace": case.home, "labels": case.pod, "annotations": case.annotations}
    spec = {"hostNetwork": case.host_network, "containers": [{"name": "app", "image": "app"}]}
    things = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": case.home, "labels": case.namespace}},
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec},
    ]
    for name in case.revisions:
        hook = {"name": f"injector-{name}", "labels": {REV: name}}
        things.append(
            {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": hook}
        )
    return Mesh(parse(Source("case.yaml", yaml.safe_dump_all(things))).documents)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_pods_get_a_sidecar_as_the_worked_case_says(case: Case):
    mesh = mesh_of(case)
    (workload,) = [one for one in mesh.workloads if not one.is_assumed]
    assert workload.proxy is (Proxy.NONE if case.expected is None else Proxy.SIDECAR)
    called = injector(case.pod, case.namespace, installed(mesh.resources))
    assert called == ("default" if case.number in BY_ISTIOD else case.expected)


def test_a_revision_is_taken_to_be_installed_where_the_input_shows_no_webhook():
    """S154 with nothing known of what is installed."""
    mesh = mesh_of(Case("", {REV: "canary"}, "canary", revisions=()))
    assert [one.proxy for one in mesh.workloads if not one.is_assumed] == [Proxy.SIDECAR]


def test_the_account_of_pods_that_name_none_is_default():
    """S163."""
    (workload,) = [one for one in mesh_of(CASES[0]).workloads if not one.is_assumed]
    assert workload.principal == "ns/shop/sa/default"
