"""What the control plane's own objects say of injection: webhooks, values, the proxy's image."""

import pytest

from meshlint.mesh.injection import injectors, is_by_default, proxy_image, values
from meshlint.mesh.model import Mesh
from meshlint.mesh.workloads import Proxy
from meshlint.source.parse import parse
from meshlint.source.text import Source

VALUES = """\
apiVersion: v1
kind: ConfigMap
metadata: {{name: {name}, namespace: istio-system}}
data: {{values: '{values}'}}
"""
HOOK = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: injector}
webhooks:
- name: namespace.sidecar-injector.istio.io
  namespaceSelector:
    matchLabels: {istio-injection: enabled}
  objectSelector:
    matchExpressions: [{key: sidecar.istio.io/inject, operator: NotIn, values: ["false"]}]
- name: cert-manager.example
"""
POD = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {LABELS}}
---
apiVersion: v1
kind: Pod
metadata: {name: cart, namespace: shop}
spec: {containers: [{name: app, image: app}]}
---
"""


def mesh(text: str) -> Mesh:
    return Mesh(parse(Source("mesh.yaml", text)).documents)


def test_a_webhook_takes_what_both_of_its_selectors_take():
    (hook,) = injectors(mesh(HOOK).resources)
    assert hook.takes({"istio-injection": "enabled"}, {})
    assert not hook.takes({}, {})
    assert not hook.takes({"istio-injection": "enabled"}, {"sidecar.istio.io/inject": "false"})


@pytest.mark.parametrize(
    ("text", "image"),
    [
        ('{"global": {"hub": "hub", "tag": "1.30", "proxy": {"image": "proxyv2"}}}', "hub/proxyv2:1.30"),
        ('{"global": {"hub": "hub", "tag": 1.30, "proxy": {"image": "proxyv2"}}}', "hub/proxyv2:1.30"),
        ('{"global": {"hub": "hub", "tag": "1.30", "proxy": {"image": "own/proxy:2"}}}', "own/proxy:2"),
        ('{"global": {"hub": "hub", "proxy": {"image": "proxyv2"}}}', ""),
        ("{}", ""),
    ],
)
def test_the_image_is_the_injectors_own_or_made_of_hub_and_tag(text: str, image: str):
    found = values(mesh(VALUES.format(name="istio-sidecar-injector", values=text)).resources)
    assert proxy_image(found["default"]) == image


def test_values_belong_to_the_revision_in_the_name():
    assert set(values(mesh(VALUES.format(name="istio-sidecar-injector-canary", values="{}")).resources)) == {"canary"}


@pytest.mark.parametrize("broken", ["", "[", "{", "null"])
def test_values_that_do_not_parse_say_nothing(broken: str):
    resources = mesh(VALUES.format(name="istio-sidecar-injector", values=broken)).resources
    assert not is_by_default(resources)
    assert all(proxy_image(one) == "" for one in values(resources).values())


@pytest.mark.parametrize(
    ("labels", "proxy"),
    [
        ("", Proxy.SIDECAR),
        ("istio-injection: disabled", Proxy.NONE),
        ("istio.io/dataplane-mode: ambient", Proxy.AMBIENT),
    ],
)
def test_by_default_namespaces_without_a_label_are_injected(labels: str, proxy: Proxy):
    by_default = '{"sidecarInjectorWebhook": {"enableNamespacesByDefault": true}}'
    config = VALUES.format(name="istio-sidecar-injector", values=by_default)
    (cart,) = (one for one in mesh(POD.replace("LABELS", labels) + config).workloads if not one.is_assumed)
    assert cart.proxy is proxy
