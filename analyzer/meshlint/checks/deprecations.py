"""Fields and values that Istio still reads and has replaced: what to write in their place."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from meshlint.finding import Edit, Fix, Note, Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.base import Resource
from meshlint.resources.extension import TelemetrySpec
from meshlint.resources.kinds import group_of
from meshlint.resources.record import Record
from meshlint.resources.releases import Release, istio_kinds, named
from meshlint.source.node import Node

Rewrite = Callable[[Node, Node], tuple[Edit, ...]]
"""The edits that replace a field, given the mapping it stands in and its value; none where that is not safe."""


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A field that was replaced: `after` is the end of its path, `since` the release that deprecated it.

    With a `value` it is that value of the field which was replaced, and not the field.
    """

    kind: str
    after: tuple[str, ...]
    since: Release
    replacement: str
    rewrite: Rewrite | None = None
    value: str = ""


@checks("MSH013")
def deprecated_field(mesh: Mesh) -> Iterator[Result]:
    """A field that the targeted release reads but has replaced."""
    release = mesh.settings.istio_version
    for resource in mesh.resources:
        group = group_of(resource.ref.api_version)
        if group == "networking.istio.io":
            yield from _old_fields(resource, release)
        elif isinstance(resource.spec, TelemetrySpec) and release >= _LIGHTSTEP_SINCE:
            yield from _old_tracers(mesh, resource, resource.spec)
        elif resource.ref.kind == "CustomResourceDefinition":
            yield from _left_over(resource, release)


def _wrapped(name: str, inner: str) -> Rewrite:
    """Replaces a field by *name*, which holds the value one level down, under *inner*."""

    def edits(owner: Node, node: Node) -> tuple[Edit, ...]:
        is_plain = isinstance(node.value, int | float | str) and "\n" not in node.span.text
        if node.key is None or not is_plain or name in owner.mapping:
            return ()
        return (Edit(node.key, name), Edit(node.span, f"{{{inner}: {node.span.text}}}"))

    return edits


def _listed(name: str, inner: str) -> Rewrite:
    """Replaces a list of texts by *name*, whose elements hold the texts under *inner*."""

    def edits(owner: Node, node: Node) -> tuple[Edit, ...]:
        elements = node.elements
        is_plain = all(isinstance(one.value, str) and "\n" not in one.span.text for one in elements)
        if node.key is None or not elements or not is_plain or name in owner.mapping:
            return ()
        return (
            Edit(node.key, name),
            *(Edit(one.span, f"{{{inner}: {one.span.text}}}") for one in elements),
        )

    return edits


def _in_place(text: str) -> Rewrite:
    """Replaces the value."""
    return lambda _, node: (Edit(node.span, text),)


_PERCENTAGE = "`percentage: {value: …}`"
_MIRROR = "`mirrorPercentage: {value: …}`"
_DEPRECATIONS: Sequence[Deprecation] = (
    Deprecation("VirtualService", ("delay", "percent"), (1, 1), _PERCENTAGE, _wrapped("percentage", "value")),
    Deprecation("VirtualService", ("mirrorPercent",), (1, 5), _MIRROR, _wrapped("mirrorPercentage", "value")),
    Deprecation("VirtualService", ("mirror_percent",), (1, 5), _MIRROR, _wrapped("mirrorPercentage", "value")),
    Deprecation(
        "VirtualService",
        ("corsPolicy", "allowOrigin"),
        (1, 5),
        "`allowOrigins`, a list of string matches",
        _listed("allowOrigins", "exact"),
    ),
    Deprecation(
        "DestinationRule",
        ("outlierDetection", "consecutiveErrors"),
        (1, 5),
        "`consecutive5xxErrors` or `consecutiveGatewayErrors`",
    ),
    Deprecation(
        "DestinationRule",
        ("consistentHash", "minimumRingSize"),
        (1, 14),
        "`ringHash: {minimumRingSize: …}`",
        _wrapped("ringHash", "minimumRingSize"),
    ),
    Deprecation(
        "DestinationRule",
        ("loadBalancer", "simple"),
        (1, 14),
        "`LEAST_REQUEST`",
        _in_place("LEAST_REQUEST"),
        value="LEAST_CONN",
    ),
    Deprecation(
        "DestinationRule",
        ("loadBalancer", "warmupDurationSecs"),
        (1, 22),
        "`warmup: {duration: …}`",
        _wrapped("warmup", "duration"),
    ),
    Deprecation("Sidecar", ("port", "targetPort"), (1, 17), "`defaultEndpoint`"),
    Deprecation(
        "Sidecar",
        ("outboundTrafficPolicy", "egressProxy"),
        (1, 14),
        "a ServiceEntry, or a VirtualService that sends the host to a proxy",
    ),
)


def _old_fields(resource: Resource[Record], release: Release) -> Iterator[Problem]:
    # Most objects have none of these fields: the text says so faster than the tree.
    written = resource.node.span.text
    known = [
        one
        for one in _DEPRECATIONS
        if one.kind == resource.ref.kind and release >= one.since and (one.value or one.after[-1]) in written
    ]
    for node in resource.node.walk() if known else ():
        for one in known:
            if _names(node)[-len(one.after) :] == one.after and (not one.value or node.value == one.value):
                yield _problem(resource, node, one)


def _names(node: Node) -> tuple[str, ...]:
    """The field names on the way to a node, places in lists left out; nothing for an element of a list."""
    if not node.path or not isinstance(node.path[-1], str):
        return ()
    return tuple(step for step in node.path if isinstance(step, str))


def _problem(resource: Resource[Record], node: Node, deprecation: Deprecation) -> Problem:
    name = deprecation.value or deprecation.after[-1]
    owner = resource.node.at(*node.path[:-1])
    edits = deprecation.rewrite(owner, node) if deprecation.rewrite is not None else ()
    return Problem(
        node,
        f"`{name}` is deprecated since Istio {named(deprecation.since)}: write {deprecation.replacement}",
        label="deprecated",
        fix=Fix(f"write {deprecation.replacement}", edits, is_safe=True) if edits else None,
        on_key=not deprecation.value,
        aliases=("IST0002",),
    )


_LIGHTSTEP_SINCE: Release = (1, 20)


def _old_tracers(mesh: Mesh, resource: Resource[Record], spec: TelemetrySpec) -> Iterator[Problem]:
    """Tracing with a provider of the mesh settings whose kind was replaced by OpenTelemetry."""
    tracers = {one.name: one.node for one in mesh.config.extension_providers if one.node.get("lightstep") is not None}
    for provider in (one for tracing in spec.tracing for one in tracing.providers):
        if provider.name in tracers and resource.is_sound:
            tracer = tracers[provider.name]
            yield Problem(
                provider.node.at("name"),
                f"provider `{provider.name}` is of the deprecated kind `lightstep`",
                label="deprecated",
                help="send traces with a provider of the kind `opentelemetry`",
                notes=(Note(tracer.at("name").span, "defined here"),) if mesh.is_of_the_input(tracer) else (),
            )


def _left_over(definition: Resource[Record], release: Release) -> Iterator[Problem]:
    """The CustomResourceDefinition of a kind that Istio no longer has."""
    spec = definition.node.at("spec")
    kind = spec.at("names", "kind")
    versions = istio_kinds().get(str(spec.at("group").value), {}).get(str(kind.value), {})
    if versions and all(when.is_over(release) for when in versions.values()):
        last = max(when.last for when in versions.values() if when.last is not None)
        message = f"Istio {named(release)} reads no {kind.value}: it was last part of {named(last)}"
        yield Problem(kind, message, label="left over", help="remove the definition and its objects")
