"""Versions of kinds: what the targeted release of Istio or the Gateway API does not serve, or serves for old times' sake."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from meshlint.finding import Edit, Fix, Note, Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.base import Resource
from meshlint.resources.record import Record
from meshlint.resources.releases import (
    Release,
    gateway_kinds,
    gateway_release,
    istio_kinds,
    maturity,
    named,
    served,
)

GATEWAY_API = "gateway.networking.k8s.io"
_BUNDLE = f"{GATEWAY_API}/bundle-version"
_INSTALLATION = "install.istio.io"
"""Its one kind is a file for `istioctl`, which reads it in releases whose API server does not."""

_POLICY = "write an AuthorizationPolicy of `security.istio.io`"
_MIXER = "Mixer is gone"
_REPLACEMENTS: Mapping[str, str] = {
    "authentication.istio.io/Policy": "write a PeerAuthentication for `peers` and a RequestAuthentication for `origins`",
    "authentication.istio.io/MeshPolicy": "write a PeerAuthentication without selector in the root namespace",
    "rbac.istio.io/ServiceRole": _POLICY,
    "rbac.istio.io/ServiceRoleBinding": _POLICY,
    "rbac.istio.io/AuthorizationPolicy": _POLICY,
    "rbac.istio.io/RbacConfig": "AuthorizationPolicies of `security.istio.io` are in force without being turned on",
    "rbac.istio.io/ClusterRbacConfig": "AuthorizationPolicies of `security.istio.io` are in force without being turned on",
    "config.istio.io/logentry": f"{_MIXER}: log with a Telemetry's `accessLogging` and a provider of the mesh settings",
    "config.istio.io/fluentd": f"{_MIXER}: log with a Telemetry's `accessLogging` and a provider of the mesh settings",
    "config.istio.io/stdio": f"{_MIXER}: log with a Telemetry's `accessLogging` and a provider of the mesh settings",
    "config.istio.io/metric": f"{_MIXER}: set metrics with a Telemetry's `metrics`",
    "config.istio.io/prometheus": f"{_MIXER}: set metrics with a Telemetry's `metrics`",
    "config.istio.io/tracespan": f"{_MIXER}: trace with a Telemetry's `tracing`",
    "config.istio.io/zipkin": f"{_MIXER}: trace with a Telemetry's `tracing`",
    "config.istio.io/quota": f"{_MIXER}: limit rates in Envoy",
    "config.istio.io/memquota": f"{_MIXER}: limit rates in Envoy",
    "config.istio.io/redisquota": f"{_MIXER}: limit rates in Envoy",
    "config.istio.io/QuotaSpec": f"{_MIXER}: limit rates in Envoy",
    "config.istio.io/QuotaSpecBinding": f"{_MIXER}: limit rates in Envoy",
    "config.istio.io/denier": f"{_MIXER}: {_POLICY} with `action: DENY`",
    "config.istio.io/listchecker": f"{_MIXER}: {_POLICY}",
    "config.istio.io/opa": f"{_MIXER}: {_POLICY} with `action: CUSTOM`",
}
"""What to write in place of a kind that was removed."""
_SUCCESSORS: Mapping[str, str] = {
    "config.istio.io": f"{_MIXER}: Telemetry configures logs, metrics and traces, AuthorizationPolicy access, Envoy rate limits",
}
"""The same for the kinds of a group that have no entry of their own."""

_HANDLERS_SINCE = (1, 2)
"""From here on an adapter's settings stand in a `handler`, a template's in an `instance`."""


_BUILT_WITH = (1, 30)
"""The release of Istio whose Gateway API we know; of others we do not say what is not served."""
_V1BETA1_SINCE = (1, 16)
_V1_SINCE = (1, 20)
"""From here on Istio reads that version of the Gateway API's kinds."""
_V1BETA1_KINDS = ("Gateway", "GatewayClass", "HTTPRoute", "ReferenceGrant")
_V1_KINDS = ("Gateway", "GatewayClass", "HTTPRoute", "GRPCRoute")
"""The kinds that Istio reads in version v1beta1, and in v1."""


@dataclass(frozen=True, slots=True)
class _Least:
    """The oldest release of the Gateway API from which Istio, since some release, reads a kind."""

    since: Release
    bundle: tuple[int, int]


_LEAST: Mapping[str, _Least] = {
    "GRPCRoute": _Least((1, 22), (1, 1)),
    "BackendTLSPolicy": _Least((1, 28), (1, 4)),
    "TLSRoute": _Least((1, 30), (1, 5)),
    "TCPRoute": _Least((1, 30), (1, 6)),
}


@checks("MSH011")
def unserved_version(mesh: Mesh) -> Iterator[Result]:
    """An object in a version that the targeted release does not serve, or of a kind that it does not have."""
    release = mesh.settings.istio_version
    for resource in mesh.resources:
        group, _, version = resource.ref.api_version.rpartition("/")
        if group in istio_kinds() and group != _INSTALLATION:
            yield from _unserved(resource, group, version, release)
        elif group == GATEWAY_API and release >= _BUILT_WITH:
            yield from _unserved_gateway(mesh, resource, version)
        elif resource.ref.kind == "CustomResourceDefinition":
            yield from _old_definition(resource, release)


@checks("MSH012")
def deprecated_version(mesh: Mesh) -> Iterator[Result]:
    """An object in a version that a more mature one has replaced."""
    release = mesh.settings.istio_version
    for resource in mesh.resources:
        group, _, version = resource.ref.api_version.rpartition("/")
        newer = _newer(group, resource.ref.kind, version, release)
        if newer:
            yield Problem(
                resource.node.at("apiVersion"),
                f"`{resource.ref.api_version}` of {resource.ref.kind} is an old version: Istio {named(release)} "
                f"also serves `{group}/{newer}`",
                label="old version",
                fix=_rename(resource, f"{group}/{newer}", is_safe=version != "v1alpha2"),
            )
        elif resource.ref.kind == "CustomResourceDefinition" and release >= _V1_SINCE:
            yield from _lacks_v1(resource)


def _unserved(resource: Resource[Record], group: str, version: str, release: Release) -> Iterator[Problem]:
    kinds = istio_kinds()[group]
    kind = resource.ref.kind
    versions = served(group, kind, release)
    if version in versions:
        return
    if kind not in kinds:
        yield from _no_kind(resource, group, release)
    elif versions:
        since = kinds[kind][version].first if version in kinds[kind] else None
        came = f", which came with {named(since)}" if since is not None and since > release else ""
        yield Problem(
            resource.node.at("apiVersion"),
            f"Istio {named(release)} does not serve `{resource.ref.api_version}` of {kind}{came}",
            label="not served",
            help=f"it serves {_listed([f'{group}/{one}' for one in versions])}",
            fix=_rename(resource, f"{group}/{versions[0]}", is_safe=version in kinds[kind]),
        )
    else:
        yield _no_longer_or_not_yet(resource, group, release)


def _no_longer_or_not_yet(resource: Resource[Record], group: str, release: Release) -> Problem:
    kind = resource.ref.kind
    spans = istio_kinds()[group][kind].values()
    if all(one.is_over(release) for one in spans):
        last = max(one.last for one in spans if one.last is not None)
        return Problem(
            resource.node.at("apiVersion"),
            f"Istio {named(release)} does not serve `{resource.ref.api_version}`: {kind} was last part of {named(last)}",
            label="removed",
            help=_replacement(group, kind, release),
        )
    first = min(one.first for one in spans)
    return Problem(
        resource.node.at("apiVersion"),
        f"Istio {named(release)} does not serve `{resource.ref.api_version}`: {kind} came with {named(first)}",
        label="not there yet",
    )


def _no_kind(resource: Resource[Record], group: str, release: Release) -> Iterator[Problem]:
    """A kind that no release had; Mixer's groups were open to kinds of other people's adapters."""
    kind, kinds = resource.ref.kind, istio_kinds()[group]
    if any(release in when for versions in kinds.values() for when in versions.values()):
        if group in _SUCCESSORS:
            return
        near = get_close_matches(kind, kinds, 1) or [one for one in kinds if one.lower() == kind.lower()]
        yield Problem(
            resource.node.at("kind"),
            f"`{group}` has no kind `{kind}`",
            label="no such kind",
            help=f"did you mean `{near[0]}`?" if near else f"its kinds are {_listed(list(kinds))}",
        )
    else:
        yield Problem(
            resource.node.at("apiVersion"),
            f"Istio {named(release)} does not serve `{resource.ref.api_version}`: nothing of `{group}` is left",
            label="removed",
            help=_replacement(group, kind, release),
        )


def _replacement(group: str, kind: str, release: Release) -> str:
    if group == "config.istio.io" and release >= _HANDLERS_SINCE and served(group, "handler", release):
        return "name the adapter in a `handler`, or the template in an `instance`"
    return _REPLACEMENTS.get(f"{group}/{kind}", _SUCCESSORS.get(group, ""))


def _unserved_gateway(mesh: Mesh, resource: Resource[Record], version: str) -> Iterator[Problem]:
    kind = resource.ref.kind
    known = gateway_kinds().get(kind)
    is_served = known is None or version in known.served or (kind, version) in mesh.derived(_defined, mesh)
    if known is not None and not is_served:
        yield Problem(
            resource.node.at("apiVersion"),
            f"Gateway API {gateway_release()} does not serve `{resource.ref.api_version}` of {resource.ref.kind}",
            label="not served",
            help=f"it serves {_listed([f'{GATEWAY_API}/{one}' for one in known.served])}",
            fix=_rename(resource, f"{GATEWAY_API}/{known.stored}", is_safe=False),
        )


def _defined(mesh: Mesh) -> frozenset[tuple[str, str]]:
    """The kinds and versions of the Gateway API that definitions in the input serve."""
    return frozenset(
        (_defined_kind(one), str(version.at("name").value))
        for one in mesh.resources
        if one.ref.kind == "CustomResourceDefinition"
        for version in one.node.at("spec", "versions").elements
        if version.at("served").value is True
    )


def _newer(group: str, kind: str, version: str, release: Release) -> str:
    """The version to write in place of one that is served; empty where there is none."""
    if group == GATEWAY_API:
        known = gateway_kinds().get(kind)
        is_old = known is not None and version in known.served and maturity(known.stored) > maturity(version)
        since = _V1_SINCE if kind in _V1_KINDS else _BUILT_WITH
        return known.stored if known is not None and is_old and release >= since else ""
    versions = served(group, kind, release)
    is_old = version in versions and versions[0] == "v1" and version != "v1"
    return "v1" if is_old else ""


def _rename(resource: Resource[Record], version: str, *, is_safe: bool) -> Fix | None:
    node = resource.node.at("apiVersion")
    if resource.ref.api_version not in node.span.text:
        return None
    text = node.span.text.replace(resource.ref.api_version, version)
    return Fix(f"write `{version}`", (Edit(node.span, text),), is_safe)


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}" if len(quoted) > 1 else "".join(quoted)


def _old_definition(definition: Resource[Record], release: Release) -> Iterator[Problem]:
    """A CustomResourceDefinition of the Gateway API of which Istio reads no objects."""
    kind = _defined_kind(definition)
    least = _LEAST.get(kind)
    bundle = _bundle(definition)
    if least is not None and bundle is not None and release >= least.since and bundle < least.bundle:
        yield Problem(
            definition.node.at("metadata", "annotations", _BUNDLE),
            f"Istio {named(release)} ignores each {kind} of Gateway API {_written_bundle(definition)}: "
            f"it wants {named(least.bundle)} or later",
            label="too old",
        )
    elif kind in _V1BETA1_KINDS and release >= _V1BETA1_SINCE:
        yield from _lacks(definition, kind, "v1beta1", f"Istio {named(release)} reads")


def _lacks_v1(definition: Resource[Record]) -> Iterator[Problem]:
    kind = _defined_kind(definition)
    if kind in _V1_KINDS:
        yield from _lacks(definition, kind, "v1", "later releases of Istio read")


def _lacks(definition: Resource[Record], kind: str, version: str, who: str) -> Iterator[Problem]:
    versions = definition.node.at("spec", "versions")
    there = {str(one.at("name").value) for one in versions.elements if one.at("served").value is True}
    if versions.elements and version not in there:
        yield Problem(
            versions,
            f"the definition of {kind} does not serve `{version}`, in which {who} it",
            label=f"no `{version}`",
            on_key=True,
            notes=tuple(
                Note(one.at("name").span, "served") for one in versions.elements if one.at("served").value is True
            ),
        )


def _defined_kind(definition: Resource[Record]) -> str:
    """The Gateway API's kind that a CustomResourceDefinition defines; empty for one of other people."""
    spec = definition.node.at("spec")
    return str(spec.at("names", "kind").value) if spec.at("group").value == GATEWAY_API else ""


def _bundle(definition: Resource[Record]) -> tuple[int, int] | None:
    match = re.match(r"v?(\d+)\.(\d+)\.\d+", _written_bundle(definition))
    return (int(match[1]), int(match[2])) if match else None


def _written_bundle(definition: Resource[Record]) -> str:
    return definition.metadata.annotations.get(_BUNDLE, "")
