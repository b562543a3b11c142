"""Sidecar resources: which pods they are for, and what they leave of the outbound traffic policy."""

from collections.abc import Iterator, Mapping

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.outbound import REGISTRY_ONLY
from meshlint.mesh.targets import is_for_all
from meshlint.mesh.workloads import MODE, Proxy, Workload
from meshlint.registry import checks
from meshlint.resources.base import Labels, selects
from meshlint.resources.sidecar import Sidecar
from meshlint.source.node import Node

_SHOWN = 3


@checks("MSH402")
def egress_open(mesh: Mesh) -> Iterator[Problem]:
    """A Sidecar that lifts a limit to registered hosts, or sets one without saying so (E6, E7, E16, R705)."""
    for sidecar in mesh.sidecars:
        policy = sidecar.spec.outbound_traffic_policy
        if policy is None:
            continue
        if not policy.mode:
            yield Problem(
                policy.node,
                "a policy without a mode means REGISTRY_ONLY, whatever the mesh says: hosts that are not registered "
                "cannot be called",
                label="REGISTRY_ONLY by omission",
                help="write the mode that is meant",
                aliases=("KIA1007",),
            )
        elif policy.mode == "ALLOW_ANY":
            limit = _limit(mesh, sidecar)
            if limit is not None:
                yield Problem(
                    policy.node.at("mode"),
                    f"{_pods(mesh, sidecar)} may call any host, while elsewhere only registered hosts may be called",
                    label="opens the way out",
                    notes=(Note(limit.span, "this limits traffic to registered hosts"),),
                    help="register the hosts that are needed by ServiceEntries instead",
                    aliases=(),
                )


@checks("MSH412")
def conflicting_sidecars(mesh: Mesh) -> Iterator[Problem]:
    """Several Sidecars for the same pods: only one of them counts, as a rule the oldest (R801)."""
    for namespace, some in mesh.derived(_by_namespace, mesh).items():
        if not _is_ambient(mesh, namespace):
            yield from _rival_defaults(mesh, [one for one in some if is_for_all(one)])
        yield from _rival_selectors(mesh, [one for one in some if not is_for_all(one)])


@checks("MSH413")
def sidecar_selector(mesh: Mesh) -> Iterator[Result]:
    """A Sidecar that is for no pods, for pods without a sidecar, or for fewer than its place suggests (R801, R805)."""
    for sidecar in mesh.sidecars:
        if is_for_all(sidecar):
            yield from _of_ambient_namespace(mesh, sidecar)
            continue
        found = mesh.selected(_labels(sidecar), sidecar.namespace)
        if not found:
            yield _selects_nothing(mesh, sidecar)
        else:
            yield from _of_pods(sidecar, found)
        if sidecar.namespace == mesh.config.root_namespace:
            yield Problem(
                sidecar.spec.node.at("workloadSelector"),
                f"in the root namespace `{sidecar.namespace}` only a Sidecar without a selector is the mesh's default: "
                "this one is for pods of that namespace alone",
                label="not for the mesh",
                help="drop the selector, or move the Sidecar to the namespace of its pods",
                aliases=("KIA1006",),
            )


def _limit(mesh: Mesh, sidecar: Sidecar) -> Node | None:
    """What would limit the Sidecar's pods if it were not there: a wider Sidecar, else the mesh's policy (R704, R801)."""
    index = mesh.derived(_by_namespace, mesh)
    root = mesh.config.root_namespace
    homes = [root] if is_for_all(sidecar) else [sidecar.namespace, root]
    for home in homes:
        for one in index.get(home, ()):
            if is_for_all(one) and one is not sidecar and not mesh.are_alternatives(one, sidecar):
                policy = one.spec.outbound_traffic_policy
                if policy is not None:
                    return policy.node if policy.mode == REGISTRY_ONLY else None
    setting = mesh.config.outbound_traffic_policy
    return setting.node if setting is not None and setting.mode == REGISTRY_ONLY else None


def _pods(mesh: Mesh, sidecar: Sidecar) -> str:
    if not is_for_all(sidecar):
        return "these pods"
    if sidecar.namespace == mesh.config.root_namespace:
        return "pods without a Sidecar of their own"
    return f"pods of namespace `{sidecar.namespace}`"


def _rival_defaults(mesh: Mesh, some: list[Sidecar]) -> Iterator[Problem]:
    """Sidecars for all pods of one namespace (R801)."""
    for sidecar in some:
        others = [one for one in some if not mesh.are_alternatives(one, sidecar)]
        if others:
            names = ", ".join(f"`{one.name}`" for one in others)
            yield Problem(
                sidecar.name_node,
                f"Sidecar {names} is for all pods of namespace `{sidecar.namespace}` as well: only the oldest one counts",
                label="one of several",
                notes=_notes(others),
                help="merge them, or give all but one a selector",
                aliases=("IST0111", "KIA0002"),
            )


def _rival_selectors(mesh: Mesh, some: list[Sidecar]) -> Iterator[Problem]:
    """Sidecars whose labels meet on one workload, or of which one's labels are among the other's (R801)."""
    for sidecar in some:
        met = {one: _meeting(mesh, sidecar, one) for one in some if not mesh.are_alternatives(one, sidecar)}
        others = [one for one, where in met.items() if where]
        if not others:
            continue
        names = ", ".join(f"`{one.name}`" for one in others)
        yield Problem(
            _selector_node(sidecar),
            f"Sidecar {names} selects {met[others[0]]} as well: only the oldest one counts",
            label="one of several",
            notes=_notes(others),
            help="make their labels exclude one another",
            aliases=("IST0110", "KIA0003"),
        )


def _meeting(mesh: Mesh, one: Sidecar, other: Sidecar) -> str:
    """The pods that both select, in words; empty where the input shows none. Gateways have no Sidecar (R805)."""
    both = {**_labels(one), **_labels(other)}
    if not (selects(_labels(one), both) and selects(_labels(other), both)):
        return ""
    for workload in mesh.selected(both, one.namespace):
        if workload.proxy not in (Proxy.AMBIENT, Proxy.GATEWAY):
            return f"workload `{workload.name}`"
    is_within = both in (_labels(one), _labels(other))
    return "its pods" if is_within and not mesh.expects(Class.WORKLOADS, one.namespace) else ""


def _notes(others: list[Sidecar]) -> tuple[Note, ...]:
    return tuple(Note(one.name_node.span, "the other one") for one in others[:_SHOWN])


def _selects_nothing(mesh: Mesh, sidecar: Sidecar) -> Result:
    node = _selector_node(sidecar)
    shown = ", ".join(f"{key}={value}" for key, value in _labels(sidecar).items())
    if not mesh.expects(Class.WORKLOADS, sidecar.namespace):
        return Outside(node, f"workload with labels {shown}")
    return Problem(
        node,
        f"no workload of namespace `{sidecar.namespace}` has labels {shown}",
        label="selects nothing",
        help="a Sidecar selects pods of its own namespace only",
        aliases=("IST0101", "KIA0004"),
    )


def _of_pods(sidecar: Sidecar, found: tuple[Workload, ...]) -> Iterator[Problem]:
    """Of the pods that a Sidecar selects, those in ambient mode and gateways do without it (R805)."""
    ambient = [one for one in found if one.proxy is Proxy.AMBIENT]
    if ambient:
        yield Problem(
            _selector_node(sidecar),
            f"workload `{ambient[0].name}` is in ambient mode: Sidecars have no effect on it",
            label="no sidecar there",
            notes=tuple(Note(one.resource.name_node.span, "in ambient mode") for one in ambient[:_SHOWN]),
            aliases=("IST0167",),
        )
    elif all(one.proxy is Proxy.GATEWAY for one in found):
        yield Problem(
            _selector_node(sidecar),
            f"workload `{found[0].name}` is a gateway: Sidecars have no effect on it",
            label="no sidecar there",
            aliases=(),
        )


def _of_ambient_namespace(mesh: Mesh, sidecar: Sidecar) -> Iterator[Problem]:
    running = mesh.workloads_in(sidecar.namespace)
    if _is_ambient(mesh, sidecar.namespace) and not any(one.proxy is Proxy.SIDECAR for one in running):
        yield Problem(
            sidecar.name_node,
            f"namespace `{sidecar.namespace}` is in ambient mode: Sidecars have no effect there",
            label="no sidecars there",
            aliases=("IST0167",),
        )


def _is_ambient(mesh: Mesh, namespace: str) -> bool:
    """Whether pods of the namespace are in ambient mode unless they say otherwise (S107)."""
    labels = mesh.namespaces.get(namespace, {})
    is_injected = labels.get("istio-injection") == "enabled" or bool(labels.get("istio.io/rev"))
    return labels.get(MODE) == "ambient" and not is_injected


def _labels(sidecar: Sidecar) -> Labels:
    return sidecar.spec.workload_selector.labels if sidecar.spec.workload_selector is not None else {}


def _selector_node(sidecar: Sidecar) -> Node:
    return sidecar.spec.node.at("workloadSelector", "labels")


def _by_namespace(mesh: Mesh) -> Mapping[str, list[Sidecar]]:
    found: dict[str, list[Sidecar]] = {}
    for one in mesh.sidecars:
        found.setdefault(one.namespace, []).append(one)
    return found
