"""Sidecar injection as the control plane's own objects show it: its webhooks, its values, the image it puts in (S151-S160)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meshlint.resources.base import Labels, LabelSelector, Resource
from meshlint.resources.record import Record
from meshlint.resources.webhook import Webhook, WebhookConfiguration, WebhookConfigurationSpec
from meshlint.resources.workload import ConfigMapSpec
from meshlint.source.node import Node
from meshlint.source.parse import parse
from meshlint.source.text import Source

INJECT = "sidecar.istio.io/inject"
ENABLED = "istio-injection"
REVISION = "istio.io/rev"
_VALUES = "istio-sidecar-injector"


@dataclass(frozen=True, slots=True, eq=False)
class Injector:
    """A webhook by which Istio injects proxies, and the object that it is part of."""

    configuration: WebhookConfiguration
    webhook: Webhook

    def takes(self, namespace: Labels, pod: Labels) -> bool:
        """Whether it is called for pods with these labels in a namespace with those."""
        return _selects(self.webhook.namespace_selector, namespace) and _selects(self.webhook.object_selector, pod)


def injectors(resources: Iterable[Resource[Record]]) -> tuple[Injector, ...]:
    """Istio's injection webhooks among *resources*."""
    return tuple(
        Injector(WebhookConfiguration(one.ref, one.node, one.metadata, one.spec, is_sound=one.is_sound), webhook)
        for one in resources
        if isinstance(one.spec, WebhookConfigurationSpec) and one.ref.kind == "MutatingWebhookConfiguration"
        for webhook in one.spec.webhooks
        if webhook.name.endswith("istio.io") or REVISION in one.metadata.labels or _mentions_revision(webhook)
    )


def values(resources: Iterable[Resource[Record]]) -> Mapping[str, Node]:
    """The injector's values by revision, from ConfigMaps `istio-sidecar-injector` and `istio-sidecar-injector-REVISION`."""
    found: dict[str, Node] = {}
    for one in resources:
        if not isinstance(one.spec, ConfigMapSpec) or "values" not in one.spec.data:
            continue
        if one.name == _VALUES or one.name.startswith(f"{_VALUES}-"):
            documents = parse(Source("values", one.spec.data["values"])).documents
            if documents:
                found[one.name.removeprefix(_VALUES).removeprefix("-") or "default"] = documents[0]
    return found


def is_by_default(resources: Iterable[Resource[Record]]) -> bool:
    """Whether namespaces without a label are injected, too (S151)."""
    path = ("sidecarInjectorWebhook", "enableNamespacesByDefault")
    return any((found := one.get(*path)) is not None and found.value is True for one in values(resources).values())


def proxy_image(one: Node) -> str:
    """The image that an injector with these values puts in; empty where they do not say."""
    image = _text(one, "global", "proxy", "image")
    hub, tag = _text(one, "global", "hub"), _text(one, "global", "tag")
    if "/" in image:
        return image
    return f"{hub}/{image}:{tag}" if image and hub and tag else ""


def _text(one: Node, *path: str) -> str:
    found = one.get(*path)
    return (
        found.span.text.strip("\"'")
        if found is not None and not isinstance(found.value, str | None)
        else _string(found)
    )


def _string(found: Node | None) -> str:
    return found.value if found is not None and isinstance(found.value, str) else ""


def _selects(selector: LabelSelector | None, labels: Labels) -> bool:
    return selector is None or selector.selects(labels)


def _mentions_revision(webhook: Webhook) -> bool:
    selectors = (one for one in (webhook.namespace_selector, webhook.object_selector) if one is not None)
    return any(
        REVISION in one.match_labels or any(part.key == REVISION for part in one.match_expressions) for one in selectors
    )
