"""Fields that Istio still reads and has replaced: what to write in their place."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Deprecation:
    """A field that was replaced: `after` is the end of its path, `since` the release that deprecated it."""

    kind: str
    after: tuple[str, ...]
    since: tuple[int, int]
    replacement: str


_DEPRECATIONS = (
    Deprecation("VirtualService", ("fault", "delay", "percent"), (1, 1), "`percentage: {value: …}`"),
    Deprecation("VirtualService", ("mirrorPercent",), (1, 5), "`mirrorPercentage: {value: …}`"),
    Deprecation("VirtualService", ("mirror_percent",), (1, 5), "`mirrorPercentage: {value: …}`"),
    Deprecation("VirtualService", ("corsPolicy", "allowOrigin"), (1, 5), "`allowOrigins`, a list of string matches"),
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
    ),
    Deprecation("DestinationRule", ("loadBalancer", "warmupDurationSecs"), (1, 22), "`warmup: {duration: …}`"),
    Deprecation("Gateway", ("port", "targetPort"), (1, 17), "the target port of the gateway's Service"),
    Deprecation("Sidecar", ("port", "targetPort"), (1, 17), "`defaultEndpoint`"),
    Deprecation(
        "Sidecar",
        ("outboundTrafficPolicy", "egressProxy"),
        (1, 14),
        "a ServiceEntry, or a VirtualService that sends the host to a proxy",
    ),
)


@checks("MSH013")
def deprecated_field(mesh: Mesh) -> Iterator[Result]:
    """A field that the targeted release reads but has replaced."""
    for resource in mesh.resources:
        known = [one for one in _DEPRECATIONS if one.kind == resource.ref.kind and _is_old(mesh, one)]
        if not known or not resource.ref.api_version.startswith("networking.istio.io/"):
            continue
        written = resource.node.span.text
        known = [one for one in known if one.after[-1] in written or "*" in written]
        if known:
            for node in resource.node.walk():
                yield from (_problem(node, one) for one in known if _names(node)[-len(one.after) :] == one.after)


def _is_old(mesh: Mesh, deprecation: Deprecation) -> bool:
    return mesh.settings.istio_version >= deprecation.since


def _names(node: Node) -> tuple[str, ...]:
    """The field names on the way to a node, places in lists left out; nothing for an element of a list."""
    if not node.path or not isinstance(node.path[-1], str):
        return ()
    return tuple(step for step in node.path if isinstance(step, str))


def _problem(node: Node, deprecation: Deprecation) -> Problem:
    name = deprecation.after[-1]
    since = ".".join(map(str, deprecation.since))
    return Problem(
        node,
        f"`{name}` is deprecated since Istio {since}: write {deprecation.replacement}",
        label="deprecated",
        on_key=True,
    )
