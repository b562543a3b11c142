"""The control plane's webhooks: two that take the same pods, and those that call nobody."""

import ipaddress
from collections.abc import Iterator
from itertools import combinations, product
from urllib.parse import urlsplit

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.injection import ENABLED, INJECT, REVISION, Injector, injectors
from meshlint.mesh.model import Class, Mesh
from meshlint.registry import checks
from meshlint.resources.base import Labels
from meshlint.resources.webhook import Webhook, WebhookConfigurationSpec

_SHOWN = 3


@checks("MSH706")
def webhook_conflict(mesh: Mesh) -> Iterator[Result]:
    """Injection webhooks that are called for the same pods, and those whose Service is not there (S151)."""
    found = injectors(mesh.resources)
    for one, others in _rivals(found).items():
        names = " and ".join(f"`{other.webhook.name}`" for other in others[:_SHOWN])
        where = " and ".join(dict.fromkeys(f"`{other.configuration.name}`" for other in others[:_SHOWN]))
        yield Problem(
            one.webhook.node.at("name"),
            f"webhook `{one.webhook.name}` takes pods that {names} of {where} {'takes' if len(others) == 1 else 'take'}, too",
            label="injects a second time",
            notes=tuple(Note(other.webhook.node.at("name").span, "takes the same pods") for other in others[:_SHOWN]),
            help="let the selectors of one of them leave out what the other takes",
        )
    for one in found:
        yield from _missing_service(mesh, one.webhook)


@checks("MSH707")
def external_control_plane(mesh: Mesh) -> Iterator[Result]:
    """A webhook of the control plane that calls neither a Service nor a URL that can be one."""
    for one in _webhooks(mesh):
        config = one.client_config
        if config is None or (not config.url and config.service is None):
            node = one.node.at("clientConfig", "url")
            yield Problem(
                node, f"webhook `{one.name}` calls nobody: it names no Service and no URL", label="calls nobody"
            )
        elif config.url and _host_of(config.url) is None:
            node = config.node.at("url")
            yield Problem(node, f"webhook `{one.name}` calls nobody: {config.url!r} is no URL", label="no URL")


@checks("MSH713")
def control_plane_by_address(mesh: Mesh) -> Iterator[Result]:
    """A webhook of the control plane whose URL names an address in place of a host."""
    for one in _webhooks(mesh):
        url = one.client_config.url if one.client_config is not None else None
        host = _host_of(url) if url else None
        if host is not None and _is_address(host) and one.client_config is not None:
            yield Problem(
                one.client_config.node.at("url"),
                f"webhook `{one.name}` calls the control plane at address {host}",
                label="an address",
                help="certificates and moves of the control plane want the name of a host",
            )


def _rivals(found: tuple[Injector, ...]) -> dict[Injector, list[Injector]]:
    """For each webhook the others that some pod would be given to as well."""
    revisions = sorted({name for one in found for name in _revisions(one)})
    spaces = tuple(_labels(ENABLED, ("enabled", "disabled"), revisions))
    pods = tuple(_labels(INJECT, ("true", "false"), revisions))
    taken = {
        one: (
            {index for index, labels in enumerate(spaces) if any(one.takes(labels, pod) for pod in pods)},
            {index for index, labels in enumerate(pods) if any(one.takes(space, labels) for space in spaces)},
        )
        for one in found
    }
    rivals: dict[Injector, list[Injector]] = {}
    for one, other in combinations(found, 2):
        if all(mine & theirs for mine, theirs in zip(taken[one], taken[other], strict=True)):
            rivals.setdefault(one, []).append(other)
            rivals.setdefault(other, []).append(one)
    return rivals


def _labels(key: str, values: tuple[str, ...], revisions: list[str]) -> Iterator[Labels]:
    for value, revision in product((None, *values), (None, *revisions)):
        yield {name: text for name, text in ((key, value), (REVISION, revision)) if text is not None}


def _revisions(one: Injector) -> Iterator[str]:
    if REVISION in one.configuration.metadata.labels:
        yield one.configuration.metadata.labels[REVISION]
    for selector in (one.webhook.namespace_selector, one.webhook.object_selector):
        if selector is not None:
            yield from (text for key, text in selector.match_labels.items() if key == REVISION)
            yield from (text for part in selector.match_expressions if part.key == REVISION for text in part.values)


def _missing_service(mesh: Mesh, one: Webhook) -> Iterator[Result]:
    service = one.client_config.service if one.client_config is not None else None
    if service is None or not service.name:
        return
    full = f"{service.name}.{service.namespace}.svc.{mesh.settings.cluster_domain}"
    if any(host.name == full for host in mesh.hosts_named(full)):
        return
    node = service.node.at("name")
    if mesh.expects(Class.HOSTS, service.namespace):
        yield Problem(
            node,
            f"webhook `{one.name}` calls Service `{service.name}` of namespace `{service.namespace}`, which does not exist",
            label="no such Service",
        )
    else:
        yield Outside(node, f"Service {service.namespace}/{service.name}")


def _webhooks(mesh: Mesh) -> Iterator[Webhook]:
    """The webhooks by which an external control plane is called: those that inject and those that validate."""
    for one in mesh.resources:
        if isinstance(one.spec, WebhookConfigurationSpec):
            is_validating = one.ref.kind == "ValidatingWebhookConfiguration"
            prefixes = ("istiod-default-validator", "istio-validator") if is_validating else ("istio-sidecar-injector",)
            if one.name.startswith(prefixes):
                yield from one.spec.webhooks


def _host_of(url: str) -> str | None:
    """The host of an https URL; None for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme == "https" else None


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
