"""Istio's annotations: unknown, in the wrong place, with a wrong value, deprecated, or only on trial."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from meshlint.finding import Edit, Fix, Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.annotations import ANYWHERE, Annotation, annotations, labels, wanted
from meshlint.resources.base import Resource
from meshlint.resources.kinds import group_of
from meshlint.resources.record import Record
from meshlint.resources.releases import Release, istio_kinds, named
from meshlint.resources.schema import violations
from meshlint.source.node import Node
from meshlint.source.parse import parse
from meshlint.source.text import Source

_INGRESS_CLASS = "kubernetes.io/ingress.class"
_EXEMPT = frozenset({"sidecar.istio.io/status", "gateway.istio.io/controller-version", "istio.io/rev"})
"""Written by Istio wherever it sees fit."""
_TEMPLATED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Rollout"})
_KUBERNETES = frozenset({"Namespace", "Service", "Pod", "CronJob", "Ingress"}) | _TEMPLATED
_GROUPS = frozenset({"", "apps", "batch", "extensions", "networking.k8s.io", "argoproj.io"})
"""The groups these kinds are of: a `Service` of other people's is something else."""
_OLDEST_LIST: Release = (1, 3)
"""Of earlier releases no list of annotations is known; they are taken to have had those of this one."""
_SAID_SINCE: Release = (1, 20)
"""Which annotations are deprecated is known of the newest release only: of older ones nothing is said."""
_CONFIG = "proxy.istio.io/config"
_REPLACEMENTS: Mapping[str, tuple[Release, str]] = {
    "sidecar.istio.io/inject": ((1, 16), "write a label of the same name"),
    "traffic.sidecar.istio.io/kubevirtInterfaces": ((1, 25), "write `istio.io/reroute-virtual-interfaces`"),
    "sidecar.istio.io/discoveryAddress": (_SAID_SINCE, f"write `discoveryAddress` in `{_CONFIG}`"),
    "sidecar.istio.io/extraStatTags": (_SAID_SINCE, f"write `extraStatTags` in `{_CONFIG}`"),
    "sidecar.istio.io/statsCompression": ((1, 26), f"write `statsCompression` in `{_CONFIG}`"),
    "sidecar.istio.io/statsInclusionPrefixes": (_SAID_SINCE, f"write `proxyStatsMatcher` in `{_CONFIG}`"),
    "sidecar.istio.io/statsInclusionSuffixes": (_SAID_SINCE, f"write `proxyStatsMatcher` in `{_CONFIG}`"),
    "sidecar.istio.io/statsInclusionRegexps": (_SAID_SINCE, f"write `proxyStatsMatcher` in `{_CONFIG}`"),
}
"""Since when an annotation is deprecated, and what to do instead."""
_WRITTEN_BY_CNI = frozenset(
    {
        "sidecar.istio.io/interceptionMode",
        "traffic.sidecar.istio.io/excludeInboundPorts",
        "traffic.sidecar.istio.io/includeInboundPorts",
        "traffic.sidecar.istio.io/includeOutboundIPRanges",
    }
)
"""Injection adds these to a pod where the CNI plugin, and no init container, redirects its traffic."""

_GATEWAY_TEMPLATE = ("inject.istio.io/templates", "gateway")
"""How every gateway of Istio's own charts is injected: nobody can do without it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Written:
    """An annotation of Istio's as somebody wrote it, on an object or on a template of objects of that kind."""

    resource: Resource[Record]
    kind: str
    name: str
    node: Node
    fact: Annotation | None
    is_known: bool


@checks("MSH014")
def unknown_annotation(mesh: Mesh) -> Iterator[Result]:
    """An annotation under Istio's name that the targeted release does not know."""
    release = mesh.settings.istio_version
    for one in mesh.derived(_written, mesh):
        if not one.is_known and not (one.fact is not None and one.fact.is_automatic):
            yield _unknown(one, release)


@checks("MSH015")
def misplaced_annotation(mesh: Mesh) -> Iterator[Result]:
    """An annotation of Istio's on a kind of object for which it means nothing."""
    for one in mesh.derived(_written, mesh):
        if one.fact is not None and one.is_known and not one.fact.belongs_on(one.kind):
            yield Problem(
                one.node,
                f"annotation `{one.name}` means nothing on {_article(one.kind)}",
                label="misplaced",
                help=_right_place(one, one.fact),
                on_key=True,
            )


@checks("MSH016")
def invalid_annotation(mesh: Mesh) -> Iterator[Result]:
    """An annotation of Istio's whose value Istio cannot read."""
    for one in mesh.derived(_written, mesh):
        fact, text = one.fact, one.node.value
        if fact is None or not one.is_known or not isinstance(text, str):
            continue
        if ANYWHERE in fact.on or not fact.belongs_on(one.kind):
            continue
        if one.name == _CONFIG:
            yield from _unfit_settings(one, text)
        elif words := wanted(fact, text):
            yield Problem(one.node, f"annotation `{one.name}` wants {words}", label="invalid value")


@checks("MSH017")
def deprecated_annotation(mesh: Mesh) -> Iterator[Result]:
    """An annotation that Istio still reads and has replaced."""
    release = mesh.settings.istio_version
    for one in mesh.derived(_written, mesh):
        if one.fact is None or not one.is_known or not one.fact.is_deprecated:
            continue
        since, instead = _REPLACEMENTS.get(one.name, (_SAID_SINCE, ""))
        if release >= since and not (one.name == "sidecar.istio.io/inject" and _has_label(one)):
            yield Problem(
                one.node,
                f"annotation `{one.name}` is deprecated",
                label="deprecated",
                help=instead,
                on_key=True,
            )


@checks("MSH018")
def alpha_annotation(mesh: Mesh) -> Iterator[Result]:
    """An annotation that Istio may change or drop at any time."""
    for one in mesh.derived(_written, mesh):
        fact = one.fact
        if fact is None or not one.is_known or fact.status != "Alpha" or fact.is_automatic:
            continue
        is_cnis = one.kind == "Pod" and one.name in _WRITTEN_BY_CNI and _is_redirected_by_cni(one.resource)
        if not is_cnis and (one.name, one.node.value) != _GATEWAY_TEMPLATE:
            yield Problem(one.node, f"annotation `{one.name}` is alpha", label="alpha", on_key=True)


def _written(mesh: Mesh) -> tuple[_Written, ...]:
    """Every annotation of the input that bears Istio's name, on the kinds for which annotations mean something."""
    release = max(mesh.settings.istio_version, _OLDEST_LIST)
    return tuple(
        _Written(resource, kind, name, node, annotations().get(name), _is_known(name, release))
        for resource in mesh.resources
        for kind, place in _places(resource)
        for name, node in place.mapping.items()
        if _is_istios(name, kind)
    )


def _places(resource: Resource[Record]) -> Iterator[tuple[str, Node]]:
    """The annotations of an object and of the templates in it, with the kind of what bears them."""
    kind, root = resource.ref.kind, resource.node
    group = group_of(resource.ref.api_version)
    is_kubernetes = kind in _KUBERNETES and group in _GROUPS
    if is_kubernetes or group in istio_kinds():
        yield from _at(kind, root, "metadata")
    if is_kubernetes and kind in _TEMPLATED:
        yield from _at("Pod", root, "spec", "template", "metadata")
    elif is_kubernetes and kind == "CronJob":
        yield from _at("Job", root, "spec", "jobTemplate", "metadata")
        yield from _at("Pod", root, "spec", "jobTemplate", "spec", "template", "metadata")


def _at(kind: str, root: Node, *steps: str) -> Iterator[tuple[str, Node]]:
    place = root.get(*steps, "annotations")
    if place is not None:
        yield kind, place


def _is_istios(name: str, kind: str) -> bool:
    domain = name.partition("/")[0]
    if name == _INGRESS_CLASS:
        # Other people's tools read it on other kinds.
        return kind in {"Namespace", "Service", "Pod", "Deployment"}
    return (domain == "istio.io" or domain.endswith(".istio.io") or name == "istio-injection") and name not in _EXEMPT


def _is_known(name: str, release: Release) -> bool:
    fact = annotations().get(name)
    return fact is not None and release in fact.known


def _unknown(one: _Written, release: Release) -> Problem:
    message = f"Istio {named(release)} knows no annotation `{one.name}`{_history(one.fact, release)}"
    if one.name in labels():
        return _unknown_problem(one, message, "it is a label: write it under `labels`")
    near = _nearest(one.name, release)
    if not near:
        return _unknown_problem(one, message)
    key = one.node.key
    is_free = near not in one.resource.node.at(*one.node.path[:-1]).mapping
    edits = (Edit(key, key.text.replace(one.name, near)),) if key is not None and is_free else ()
    fix = Fix(f"rename it to `{near}`", edits, is_safe=False) if edits else None
    return _unknown_problem(one, message, f"did you mean `{near}`?", fix)


def _history(fact: Annotation | None, release: Release) -> str:
    """When there was such an annotation, or when there will be one."""
    if fact is None:
        return ""
    if fact.known.last is not None and fact.known.is_over(release):
        return f": it was last known to {named(fact.known.last)}"
    return f": it came with {named(fact.known.first)}"


def _nearest(name: str, release: Release) -> str:
    """The known annotation that was meant: one of that name under another prefix, else one spelt alike."""
    known = [one for one in annotations() if _is_known(one, release)]
    short = name.rpartition("/")[2]
    namesakes = [one for one in known if one.rpartition("/")[2] == short and len(short) > len("config")]
    near = get_close_matches(name, namesakes, 1, 0.6) or get_close_matches(name, known, 1, 0.8)
    return near[0] if near else ""


def _unknown_problem(one: _Written, message: str, hint: str = "", fix: Fix | None = None) -> Problem:
    return Problem(one.node, message, label="unknown", help=hint, fix=fix, on_key=True)


def _right_place(one: _Written, fact: Annotation) -> str:
    if "Pod" in fact.on and one.kind in _TEMPLATED:
        return "annotations of pods stand in `spec.template.metadata.annotations`"
    kinds = " or ".join(_article(kind) for kind in fact.on)
    return f"it belongs on {kinds}"


def _article(kind: str) -> str:
    return f"{'an' if kind[:1] in 'AEIO' else 'a'} {kind}"


def _unfit_settings(one: _Written, text: str) -> Iterator[Problem]:
    """What is wrong with the proxy's settings, which are a YAML text of their own."""
    parsed = parse(Source("settings", text))
    flaws = [(defect.node, defect.message) for defect in parsed.defects]
    flaws += [
        (found.node, found.message)
        for document in parsed.documents
        for found in violations(document, "meshlint/v1", "ProxyConfig")
    ]
    for node, message in flaws[:1]:
        line = node.span.first.line
        where = f" (line {line} of it)" if "\n" in text.strip() else ""
        yield Problem(one.node, f"annotation `{one.name}` does not hold a proxy's settings: {message}{where}")


def _has_label(one: _Written) -> bool:
    """Whether a label of the same name stands beside the annotation."""
    beside = one.resource.node.at(*one.node.path[:-2]).get("labels", one.name)
    return beside is not None


def _is_redirected_by_cni(pod: Resource[Record]) -> bool:
    containers = pod.node.at("spec").get("initContainers")
    return containers is None or all(one.at("name").value != "istio-init" for one in containers.elements)
