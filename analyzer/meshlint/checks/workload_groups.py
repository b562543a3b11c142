"""WorkloadGroups against one another."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.base import Resource
from meshlint.resources.service_entry import WorkloadGroupSpec

_Key = tuple[str, tuple[tuple[str, str], ...]]


@checks("MSH711")
def duplicate_workload_group(mesh: Mesh) -> Iterator[Result]:
    """WorkloadGroups of a namespace whose entries have the same labels, so that nothing tells them apart."""
    groups: dict[_Key, list[Resource[WorkloadGroupSpec]]] = {}
    for one in mesh.of(WorkloadGroupSpec):
        labels = one.spec.metadata.labels if one.spec.metadata is not None else {}
        if labels:
            groups.setdefault((one.namespace, tuple(sorted(labels.items()))), []).append(one)
    for found in groups.values():
        for one in found:
            others = [other for other in found if not mesh.are_alternatives(one, other)]
            if others:
                names = " and ".join(f"`{other.name}`" for other in others)
                yield Problem(
                    one.node.at("spec", "metadata", "labels"),
                    f"WorkloadGroup `{one.name}` gives its entries the same labels as {names}",
                    label="the same labels",
                    notes=tuple(
                        Note(other.node.at("spec", "metadata", "labels").span, "also here") for other in others
                    ),
                    help="no Service and no policy can tell their machines apart: add a label",
                )
