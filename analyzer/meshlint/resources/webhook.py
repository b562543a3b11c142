"""MutatingWebhookConfiguration and ValidatingWebhookConfiguration (`admissionregistration.k8s.io`)."""

from dataclasses import dataclass, field

from meshlint.resources.base import LabelSelector, Resource
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class WebhookService(Record):
    """The Service that answers a webhook."""

    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class ClientConfig(Record):
    """Whom the API server calls: a Service of the cluster or a URL."""

    url: str | None = None
    service: WebhookService | None = None


@dataclass(frozen=True, slots=True)
class Webhook(Record):
    """One webhook: whom it calls, for which namespaces and objects; an absent selector selects all."""

    name: str = ""
    client_config: ClientConfig | None = None
    namespace_selector: LabelSelector | None = None
    object_selector: LabelSelector | None = None


@dataclass(frozen=True, slots=True)
class WebhookConfigurationSpec(Record):
    """A configuration of webhooks as a whole, of either kind."""

    webhooks: tuple[Webhook, ...] = field(default=())


WebhookConfiguration = Resource[WebhookConfigurationSpec]
