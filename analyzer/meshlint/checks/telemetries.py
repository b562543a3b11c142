"""Telemetries: several for the same workloads, and providers that are missing, unknown or of another sort."""

from collections.abc import Iterator, Mapping, Sequence

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.registry import checks
from meshlint.resources.base import Labels, TargetRef, selects
from meshlint.resources.extension import Telemetry, TelemetryProvider
from meshlint.resources.mesh_config import ExtensionProvider
from meshlint.source.node import Node

_BUILT_IN = frozenset({"envoy", "prometheus", "stackdriver"})
"""Providers that every mesh has without defining them."""
_LOGS = frozenset({"envoyFileAccessLog", "envoyHttpAls", "envoyTcpAls", "envoyOtelAls", "stackdriver"})
_METRICS = frozenset({"prometheus", "stackdriver"})
_TRACERS = frozenset({"zipkin", "lightstep", "datadog", "stackdriver", "opencensus", "skywalking", "opentelemetry"})
_AUTHORIZERS = frozenset({"envoyExtAuthzHttp", "envoyExtAuthzGrpc"})
_SORTS: Mapping[str, frozenset[str]] = {"access logs": _LOGS, "metrics": _METRICS, "traces": _TRACERS}
_SHOWN = 3


@checks("MSH803")
def conflicting_telemetry(mesh: Mesh) -> Iterator[Problem]:
    """Several Telemetries for the same workloads on one level: only one of them counts, as a rule the oldest."""
    for some in mesh.derived(_by_namespace, mesh).values():
        yield from _rival_defaults(mesh, [one for one in some if _is_for_all(one)])
        yield from _rival_selectors(mesh, [one for one in some if _labels(one) and not _targets(one)])
        yield from _rival_targets(mesh, [one for one in some if _targets(one)])


@checks("MSH804")
def telemetry_provider(mesh: Mesh) -> Iterator[Result]:
    """A Telemetry whose logs go nowhere, or that names a provider which is not there or does something else."""
    for telemetry in mesh.telemetries:
        yield from _without_provider(mesh, telemetry)
        for sort, provider in _named(telemetry):
            yield from _misnamed(mesh, provider, sort)


def _rival_defaults(mesh: Mesh, some: Sequence[Telemetry]) -> Iterator[Problem]:
    """Telemetries for all workloads of one namespace."""
    for telemetry in some:
        others = [one for one in some if not mesh.are_alternatives(one, telemetry)]
        if others:
            are_bare = telemetry.spec.selector is None and any(one.spec.selector is None for one in others)
            yield Problem(
                telemetry.name_node,
                f"Telemetry {_names(others)} is for all workloads of namespace `{telemetry.namespace}` as well: only "
                "one of them counts",
                label="one of several",
                notes=_notes(others),
                help="merge them, or give all but one a selector",
                aliases=("IST0160",) if are_bare else (),
            )


def _rival_selectors(mesh: Mesh, some: Sequence[Telemetry]) -> Iterator[Problem]:
    """Telemetries whose labels meet on one workload, or of which one's labels are among the other's."""
    for telemetry in some:
        met = {one: _meeting(mesh, telemetry, one) for one in some if not mesh.are_alternatives(one, telemetry)}
        others = [one for one, where in met.items() if where]
        if others:
            yield Problem(
                telemetry.spec.node.at("selector", "matchLabels"),
                f"Telemetry {_names(others)} selects {met[others[0]]} as well: only one of them counts",
                label="one of several",
                notes=_notes(others),
                help="merge them, or make their labels exclude one another",
                aliases=("IST0159",),
            )


def _meeting(mesh: Mesh, one: Telemetry, other: Telemetry) -> str:
    """The workload that both select, in words; empty where the input shows none."""
    both = {**_labels(one), **_labels(other)}
    if not (selects(_labels(one), both) and selects(_labels(other), both)):
        return ""
    for workload in mesh.selected(both, one.namespace):
        return f"workload `{workload.name}`"
    is_within = both in (_labels(one), _labels(other))
    return "its workloads" if is_within and not mesh.expects(Class.WORKLOADS, one.namespace) else ""


def _rival_targets(mesh: Mesh, some: Sequence[Telemetry]) -> Iterator[Problem]:
    """Telemetries that are attached to the same gateway, class of gateways, or service."""
    for telemetry in some:
        for target in _targets(telemetry):
            rivals = [
                one
                for one in some
                if not mesh.are_alternatives(one, telemetry) and any(_is_same(target, each) for each in _targets(one))
            ]
            if rivals:
                yield Problem(
                    target.node,
                    f"Telemetry {_names(rivals)} is attached to {target.kind} `{target.name}` as well: only one of "
                    "them counts",
                    label="one of several",
                    notes=_notes(rivals),
                    help="merge them",
                    aliases=(),
                )


def _is_same(one: TargetRef, other: TargetRef) -> bool:
    return (one.group, one.kind, one.name) == (other.group, other.kind, other.name)


def _without_provider(mesh: Mesh, telemetry: Telemetry) -> Iterator[Result]:
    """Access logs for which neither the Telemetry, nor one above it, nor the mesh names a provider."""
    bare = [one for one in telemetry.spec.access_logging if not one.providers and not one.disabled]
    default = mesh.config.default_providers
    if not bare or (default is not None and default.access_logging) or any(map(_logs, _above(mesh, telemetry))):
        return
    if not mesh.is_configured:
        yield Outside(bare[0].node, "default providers of the mesh settings")
        return
    yield Problem(
        bare[0].node,
        "no provider is named for these access logs, and the mesh has no default one",
        label="no provider",
        notes=tuple(Note(one.node.span, "nor for these") for one in bare[1:_SHOWN]),
        help="name one under `providers`, such as `envoy`, or set `defaultProviders.accessLogging` in the mesh settings",
        aliases=("IST0157",),
    )


def _above(mesh: Mesh, telemetry: Telemetry) -> Iterator[Telemetry]:
    """The Telemetries from which one takes what it leaves open: that of its namespace, and that of the mesh."""
    by_namespace = mesh.derived(_by_namespace, mesh)
    root = mesh.config.root_namespace
    homes = (root,) if _is_for_all(telemetry) else (telemetry.namespace, root)
    for home in homes if not (_is_for_all(telemetry) and telemetry.namespace == root) else ():
        yield from (one for one in by_namespace.get(home, ()) if _is_for_all(one))


def _logs(telemetry: Telemetry) -> bool:
    return any(one.providers for one in telemetry.spec.access_logging)


def _named(telemetry: Telemetry) -> Iterator[tuple[str, TelemetryProvider]]:
    """The providers that a Telemetry names, each with what is sent to it."""
    spec = telemetry.spec
    yield from (("access logs", provider) for one in spec.access_logging for provider in one.providers)
    yield from (("metrics", provider) for one in spec.metrics for provider in one.providers)
    yield from (("traces", provider) for one in spec.tracing for provider in one.providers)


def _misnamed(mesh: Mesh, provider: TelemetryProvider, sort: str) -> Iterator[Result]:
    defined = {one.name: one for one in mesh.config.extension_providers}
    node, name = provider.node.at("name"), provider.name
    if name in defined:
        yield from _unfit(mesh, node, defined[name], sort)
    elif not name or name in _BUILT_IN:
        return
    elif not mesh.is_configured:
        yield Outside(node, f"provider {name} of the mesh settings")
    else:
        yield Problem(
            node,
            f"the mesh settings define no provider `{name}`: these {sort} go nowhere",
            label="no such provider",
            help=did_you_mean(nearest(name, {*defined, *_BUILT_IN})) or "define it under `extensionProviders`",
            aliases=(),
        )


def _unfit(mesh: Mesh, node: Node, provider: ExtensionProvider, sort: str) -> Iterator[Problem]:
    """A provider that takes nothing of this sort, as far as its kind is one we know."""
    known = _LOGS | _METRICS | _TRACERS | _AUTHORIZERS
    kinds = [name for name in provider.node.mapping if name in known]
    if kinds and not any(kind in _SORTS[sort] for kind in kinds):
        is_shown = mesh.is_of_the_input(provider.node)
        yield Problem(
            node,
            f"provider `{provider.name}` is of the kind `{kinds[0]}`, which takes no {sort}: they go nowhere",
            label="of another kind",
            notes=(Note(provider.node.at("name").span, "defined here"),) if is_shown else (),
            help=f"kinds that take {sort}: {', '.join(sorted(_SORTS[sort]))}",
            aliases=(),
        )


def _is_for_all(telemetry: Telemetry) -> bool:
    """Whether a Telemetry is for all workloads of its namespace, or as the root namespace's for those of the mesh."""
    return not _labels(telemetry) and not _targets(telemetry)


def _labels(telemetry: Telemetry) -> Labels:
    return telemetry.spec.selector.match_labels if telemetry.spec.selector is not None else {}


def _targets(telemetry: Telemetry) -> tuple[TargetRef, ...]:
    spec = telemetry.spec
    return spec.target_refs or ((spec.target_ref,) if spec.target_ref is not None else ())


def _names(some: Sequence[Telemetry]) -> str:
    return ", ".join(f"`{one.name}`" for one in some)


def _notes(some: Sequence[Telemetry]) -> tuple[Note, ...]:
    return tuple(Note(one.name_node.span, "the other one") for one in some[:_SHOWN])


def _by_namespace(mesh: Mesh) -> Mapping[str, list[Telemetry]]:
    found: dict[str, list[Telemetry]] = {}
    for one in mesh.telemetries:
        found.setdefault(one.namespace, []).append(one)
    return found
