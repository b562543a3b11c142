"""Sidecar injection: namespaces and pods that get no proxy, and labels that ask for two kinds of one."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.injected import has_proxy, injects_by_default, is_as_it_runs, is_pod, labels_of, written_at
from meshlint.mesh.injection import ENABLED, INJECT, REVISION
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean
from meshlint.mesh.workloads import MODE, NEVER_INJECTED, Proxy, Workload, injector, installed, is_gateway
from meshlint.registry import checks
from meshlint.resources.base import Labels, Resource
from meshlint.resources.record import Record
from meshlint.source.node import Node

_SHOWN = 3


@checks("MSH701")
def not_injected(mesh: Mesh) -> Iterator[Result]:
    """A namespace without any label on injection, beside others that have one (S151)."""
    labelled = [one for one in _spaces(mesh) if _chooses(one.metadata.labels)]
    by_default = injects_by_default(mesh)
    for one in _spaces(mesh):
        if one in labelled or ENABLED in one.metadata.labels or not _wants_proxies(mesh, one):
            continue
        if by_default:
            message = f"namespace `{one.name}` has no label, and its pods get a proxy: that is the injector's default"
            yield Problem(one.name_node, message, label="injected by default", aliases=("IST0148",))
        elif labelled:
            yield Problem(
                one.name_node,
                f"pods of namespace `{one.name}` get no proxy, unlike those of {_listed([x.name for x in labelled])}",
                label="not in the mesh",
                help=f"label it {ENABLED}: enabled, or {ENABLED}: disabled to say that this is meant",
                aliases=("IST0102",),
            )


@checks("MSH712")
def missing_proxy(mesh: Mesh) -> Iterator[Result]:
    """Pods that are meant to have a proxy and have none: by the labels of their namespace, or by their own (S151-S158)."""
    yield from _spaces_without_injector(mesh)
    for pods in mesh.workloads:
        space = labels_of(mesh, pods.namespace)
        if pods.is_assumed or space is None or (pods.proxy in (Proxy.SIDECAR, Proxy.GATEWAY) and not is_pod(pods)):
            continue
        if is_pod(pods) and is_as_it_runs(mesh, pods) and _is_bare_against_labels(mesh, pods, space):
            yield Problem(
                pods.resource.name_node,
                f"pod `{pods.name}` runs without a proxy, although its namespace or its labels ask for one",
                label="no proxy",
                help="only new pods are injected: delete it, so that another one takes its place",
                aliases=("IST0103",),
            )
        elif pods.proxy is Proxy.NONE:
            yield from _asks_in_vain(mesh, pods, space)


@checks("MSH702")
def multiple_injection_labels(mesh: Mesh) -> Iterator[Result]:
    """Labels that ask for a sidecar and for ambient mode, or for two control planes, at once (S107, S153)."""
    for one in _spaces(mesh):
        yield from _torn_namespace(one)
    for pods in mesh.workloads:
        if not pods.is_assumed and not is_gateway(pods.labels, pods.annotations):
            yield from _torn_pods(mesh, pods)


def _spaces(mesh: Mesh) -> tuple[Resource[Record], ...]:
    """The namespaces whose pods may be injected: the system's and the control plane's own are left out."""
    return tuple(
        one
        for one in mesh.resources
        if one.ref.kind == "Namespace" and one.name not in NEVER_INJECTED and one.name != mesh.config.root_namespace
        if one.name != "istio-system"
    )


def _chooses(labels: Labels) -> bool:
    return _chooses_sidecar(labels) or labels.get(MODE) == "ambient"


def _chooses_sidecar(labels: Labels) -> bool:
    return labels.get(ENABLED) == "enabled" or bool(labels.get(REVISION))


def _wants_proxies(mesh: Mesh, space: Resource[Record]) -> bool:
    """Whether some pods of the namespace have not chosen for themselves, or could come."""
    if MODE in space.metadata.labels:
        return False
    pods = [one for one in mesh.workloads_in(space.name) if not one.is_assumed]
    if not pods:
        return mesh.settings.world is World.COMPLETE
    return any(one.proxy in (Proxy.NONE, Proxy.SIDECAR) and not _has_chosen(one) for one in pods)


def _has_chosen(pods: Workload) -> bool:
    is_host = pods.pod_spec is not None and pods.pod_spec.host_network
    return is_host or any(key in pods.labels for key in (INJECT, REVISION, MODE)) or INJECT in pods.annotations


def _spaces_without_injector(mesh: Mesh) -> Iterator[Problem]:
    """Namespaces whose label asks for what injects nothing: a value that is none, a revision that is not there."""
    revisions = installed(mesh.resources)
    for one in _spaces(mesh):
        labels = one.metadata.labels
        value, revision = labels.get(ENABLED), labels.get(REVISION)
        if value not in (None, "enabled", "disabled"):
            yield Problem(
                one.node.at("metadata", "labels", ENABLED),
                f"pods of namespace `{one.name}` get no proxy: only `enabled` asks for it",
                label="injects nothing",
                help=did_you_mean("enabled") if value.lower() in ("enabled", "true", "enable", "yes", "on") else "",
                aliases=(),
            )
        elif value is None and revision and revisions is not None and revision not in revisions:
            yield Problem(
                one.node.at("metadata", "labels", REVISION),
                f"pods of namespace `{one.name}` get no proxy: no webhook injects for revision `{revision}`",
                label="no such revision",
                help=f"there are {_listed(sorted(revisions))}",
                aliases=(),
            )


def _is_bare_against_labels(mesh: Mesh, pods: Workload, space: Labels) -> bool:
    if has_proxy(pods) or is_gateway(pods.labels, pods.annotations) or pods.namespace in NEVER_INJECTED:
        return False
    choice = pods.labels.get(INJECT, pods.annotations.get(INJECT, "")).lower()
    is_host = pods.pod_spec is not None and pods.pod_spec.host_network
    is_root = pods.namespace in (mesh.config.root_namespace, "istio-system")
    if choice == "false" or is_host or is_root or "sidecar.istio.io/status" in pods.annotations:
        return False
    return injector(pods.labels, space, installed(mesh.resources)) is not None


def _asks_in_vain(mesh: Mesh, pods: Workload, space: Labels) -> Iterator[Problem]:
    """Pods that themselves ask for a proxy which they do not get."""
    home, label = pods.namespace, pods.labels.get(INJECT)
    node = written_at(pods, "labels", INJECT)
    if label == "true" and pods.pod_spec is not None and pods.pod_spec.host_network:
        yield _vain(pods, node, "pods on the network of their host are never injected")
    elif label == "true" and space.get(ENABLED, "enabled") != "enabled":
        yield _vain(pods, node, f"namespace `{home}` has label {ENABLED}: {space[ENABLED]}, which overrules it")
    elif label == "true" and injector(pods.labels, space, installed(mesh.resources)) is None:
        revision = space.get(REVISION) or pods.labels.get(REVISION) or "default"
        yield _vain(pods, node, f"no webhook injects for revision `{revision}`")
    elif label is None and pods.annotations.get(INJECT) == "true" and not _chooses(space):
        node = written_at(pods, "annotations", INJECT)
        yield _vain(
            pods, node, "an annotation is read only where the namespace is injected: write it as a label of the pods"
        )
    elif label is None and pods.resource.metadata.labels.get(INJECT) == "true" and not is_pod(pods):
        yield _vain(pods, pods.resource.node.at("metadata", "labels", INJECT), "it is not on the template of the pods")


def _vain(pods: Workload, node: Node, why: str) -> Problem:
    return Problem(
        node, f"workload `{pods.name}` asks for a proxy and gets none: {why}", label="injects nothing", aliases=()
    )


def _torn_namespace(one: Resource[Record]) -> Iterator[Problem]:
    labels = one.metadata.labels
    if labels.get(ENABLED, "enabled") not in ("enabled", ""):
        return
    asked = {key: labels[key] for key in (ENABLED, REVISION, MODE) if labels.get(key)}
    if asked.get(MODE) == "none":
        asked.pop(MODE)
    if len(asked) < 2:
        return
    *rest, last = asked
    wins = "default" if ENABLED in asked else asked[REVISION]
    outcome = (
        f"pods get a sidecar of revision `{wins}` and are not in ambient mode"
        if MODE in asked
        else f"the revision `{asked[REVISION]}` is ignored"
    )
    yield Problem(
        one.node.at("metadata", "labels", last),
        f"namespace `{one.name}` has labels {' and '.join(f'`{key}`' for key in asked)}: {outcome}",
        label="one too many",
        notes=tuple(Note(one.node.at("metadata", "labels", key).span, "the other label") for key in rest),
        help="keep the one that is meant",
        aliases=("IST0123", "KIA1311") if MODE in asked else ("IST0123",),
    )


def _torn_pods(mesh: Mesh, pods: Workload) -> Iterator[Problem]:
    """Pods in ambient mode by a label of theirs or their namespace's that have a sidecar all the same."""
    space = mesh.namespaces.get(pods.namespace, {})
    own, of_space = pods.labels.get(MODE), space.get(MODE)
    is_own = own == "ambient"
    if pods.proxy is not Proxy.SIDECAR or not (is_own or (own is None and of_space == "ambient")):
        return
    is_asked = pods.labels.get(INJECT) == "true" or has_proxy(pods)
    if not is_own and not is_asked and not pods.labels.get(REVISION):
        return  # Both labels are the namespace's, which is told once.
    where = "their own label" if is_own else f"the label of namespace `{pods.namespace}`"
    is_labelled = (
        not has_proxy(pods) or any(key in pods.labels for key in (INJECT, REVISION)) or _chooses_sidecar(space)
    )
    found = {"KIA1311": is_labelled, "KIA1315": is_asked, "KIA1316": of_space == "ambient"}
    yield Problem(
        pods.resource.name_node,
        f"pods of `{pods.name}` have a sidecar, so that {where} does not put them in ambient mode",
        label="sidecar and ambient mode",
        notes=(Note(written_at(pods, "labels", MODE).span, "ambient mode"),) if is_own else (),
        help=f"label the pods {MODE}: none if the sidecar is meant",
        aliases=tuple(code for code, is_so in found.items() if is_so),
    )


def _listed(names: list[str]) -> str:
    quoted = [f"`{name}`" for name in names]
    if len(quoted) > _SHOWN:
        return f"{', '.join(quoted[:_SHOWN])} and {len(quoted) - _SHOWN} more"
    return " and ".join((", ".join(quoted[:-1]), quoted[-1])) if len(quoted) > 1 else quoted[0]
