"""WasmPlugins and TrafficExtensions: whether what they are matched to ever passes the proxies they are for."""

from collections.abc import Iterator
from typing import cast

from meshlint.finding import Note, Problem
from meshlint.mesh.gateway_classes import controllers
from meshlint.mesh.kubernetes_gateways import pods_of
from meshlint.mesh.model import Mesh
from meshlint.mesh.served import is_gateway, served_ports
from meshlint.mesh.workloads import Workload
from meshlint.registry import checks
from meshlint.resources.base import Resource, TargetRef, selects
from meshlint.resources.extension import TrafficExtensionSpec, TrafficSelector, WasmPluginSpec

Extension = Resource[WasmPluginSpec] | Resource[TrafficExtensionSpec]
_SHOWN = 3


@checks("MSH805")
def wasm_plugin_target(mesh: Mesh) -> Iterator[Problem]:
    """An extension that is matched to traffic which the proxies that it is for do not have."""
    for one in mesh.resources:
        if not isinstance(one.spec, WasmPluginSpec | TrafficExtensionSpec):
            continue
        extension = cast("Extension", one)
        chosen = _chosen(mesh, extension)
        if _is_for_gateways(mesh, extension, chosen):
            yield from _at_gateways(extension)
        else:
            yield from _unserved_ports(mesh, extension, chosen)


def _chosen(mesh: Mesh, extension: Extension) -> tuple[Workload, ...]:
    """The workloads that an extension selects by labels or reaches through Gateways; none where it is for whole namespaces."""
    refs = _refs(extension)
    if refs:
        names = {ref.name for ref in refs if ref.kind == "Gateway"}
        gateways = [
            one for one in mesh.kubernetes_gateways if one.namespace == extension.namespace and one.name in names
        ]
        return tuple(pod for gateway in gateways for pod in pods_of(mesh, gateway))
    selector = extension.spec.selector
    if selector is None or not selector.match_labels:
        return ()
    is_wide = extension.namespace == mesh.config.root_namespace
    pool = mesh.workloads if is_wide else mesh.workloads_in(extension.namespace)
    return tuple(one for one in pool if selects(selector.match_labels, one.labels))


def _refs(extension: Extension) -> tuple[TargetRef, ...]:
    match extension.spec:
        case WasmPluginSpec() as spec:
            return spec.target_refs or ((spec.target_ref,) if spec.target_ref is not None else ())
        case TrafficExtensionSpec() as spec:
            return spec.target_refs


def _is_for_gateways(mesh: Mesh, extension: Extension, chosen: tuple[Workload, ...]) -> bool:
    """Whether all that the extension is for are gateways at the edge of the mesh: no sidecars and no waypoints."""
    refs = _refs(extension)
    if not refs:
        return bool(chosen) and all(is_gateway(mesh, one) for one in chosen)
    known = mesh.derived(controllers, mesh.resources)
    classes = {
        one.name: one.spec.gateway_class_name
        for one in mesh.kubernetes_gateways
        if one.namespace == extension.namespace
    }
    for ref in refs:
        name = classes.get(ref.name, "") if ref.kind == "Gateway" else ref.name if ref.kind == "GatewayClass" else ""
        if name not in known or not known[name].is_ingress:
            return False
    return True


def _at_gateways(extension: Extension) -> Iterator[Problem]:
    matches = extension.spec.match
    if matches and all(one.mode == "SERVER" for one in matches):
        yield Problem(
            matches[0].node.at("mode"),
            "all traffic of a gateway counts as a client's: at gateways this matches nothing",
            label="matches nothing",
            help="write `CLIENT`, or leave the mode out",
        )


def _unserved_ports(mesh: Mesh, extension: Extension, chosen: tuple[Workload, ...]) -> Iterator[Problem]:
    """Matches of what servers take, by ports that none of the workloads has."""
    matches = extension.spec.match
    if not matches or not chosen or not all(one.mode == "SERVER" and _numbers(one) for one in matches):
        return
    served = [_served(mesh, one) for one in chosen]
    if not all(served):
        return
    known = frozenset(number for numbers in served for number in numbers)
    if all(not (_numbers(one) & known) for one in matches):
        yield Problem(
            matches[0].node.at("ports"),
            f"no workload that the extension is for serves {_listed(matches[0])}",
            label="matches nothing",
            notes=tuple(Note(one.resource.name_node.span, "it is for this workload") for one in chosen[:_SHOWN]),
            help=f"they serve {', '.join(map(str, sorted(known)))}; the port is that of the pods, not of a Service",
        )


def _numbers(match: TrafficSelector) -> frozenset[int]:
    return frozenset(port.number for port in match.ports if port.number is not None)


def _served(mesh: Mesh, workload: Workload) -> frozenset[int]:
    """The ports of a workload by number; none where the input does not tell all of them."""
    hosts = served_ports(mesh, workload)
    if not hosts or any(one.number is None for one in hosts):
        return frozenset()
    behind = {one.number for one in hosts if one.number is not None}
    return frozenset(behind | set(workload.container_ports.values()))


def _listed(match: TrafficSelector) -> str:
    numbers = sorted(_numbers(match))
    return f"port {numbers[0]}" if len(numbers) == 1 else f"ports {', '.join(map(str, numbers))}"
