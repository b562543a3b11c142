"""VirtualServices as a whole: hosts, gateways, and what a delegate may hold (R222, R321)."""

from collections.abc import Iterator
from itertools import combinations

from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.exports import export_flaws
from meshlint.resources.validation.names import (
    clash,
    covers,
    host_flaw,
    invalid,
    is_address,
    is_label,
    missing,
    name_flaw,
    shown,
    strings,
    text,
    warned,
)
from meshlint.resources.virtual_service import VirtualService, VirtualServiceSpec
from meshlint.source.node import Node

_MESH = "mesh"
_CLAIMS = "@request.auth.claims"


@demands(VirtualServiceSpec)
def has_routes(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """A VirtualService routes something (R321)."""
    if not vs.spec.routes:
        hint = "a VirtualService needs `http`, `tls` or `tcp` routes"
        yield missing(vs.spec.node, "the VirtualService has no routes", hint, "no routes")


@demands(VirtualServiceSpec)
def has_hosts_or_delegates(vs: VirtualService, release: Release) -> Iterator[Violation]:
    """Without hosts it is a delegate, which came with 1.6 and holds HTTP routes only (R220, R222)."""
    node = vs.spec.node
    if vs.spec.hosts:
        return
    if release < (1, 6):
        yield missing(node.get("hosts") or node, "the VirtualService has no hosts", label="no `hosts`")
        return
    for field in ("gateways", "tls", "tcp"):
        if node.at(field).elements:
            message = f"a VirtualService without `hosts` is a delegate, and a delegate has no `{field}`"
            yield clash(node.at(field), message, "set `hosts`, or leave it to the VirtualService that delegates")
    for route in vs.spec.http:
        if route.delegate is not None:
            message = "a delegate cannot delegate: it has no `hosts`, and only a VirtualService with hosts may"
            yield clash(route.delegate.node, message, "name the last delegate in the first VirtualService")


@demands(VirtualServiceSpec)
def hosts_are_names(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """A host is a name, a wildcard or an address; `*` is none for the mesh (R321)."""
    for node in strings(vs.spec.node, "hosts"):
        host = text(node)
        flaw = host_flaw(host)
        if flaw and not is_address(host):
            yield invalid(node, flaw)
        elif host == "*" and is_for_mesh(vs.spec):
            message = "host `*` takes every request of the mesh, which Istio refuses"
            hint = "name gateways in `gateways`, without `mesh`, or name hosts"
            yield clash(node, message, hint, "all hosts", on_key=False)


@demands(VirtualServiceSpec)
def hosts_do_not_overlap(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """Each host of the list has requests of its own (R321)."""
    hosts = [(text(node), node) for node in strings(vs.spec.node, "hosts")]
    if len(hosts) < 2 or any(host_flaw(host) and not is_address(host) for host, _where in hosts):
        return
    told: set[int] = set()
    for (first, (one, _where)), (second, (other, node)) in combinations(enumerate(hosts), 2):
        if second not in told and first not in told and (covers(one, other) or covers(other, one)):
            told.add(second)
            both = f"{shown(other)} is in the list twice" if one == other else f"{shown(other)} overlaps {shown(one)}"
            yield clash(node, both, "leave one of them out", "overlaps", on_key=False)


@demands(VirtualServiceSpec)
def gateways_are_references(vs: VirtualService, release: Release) -> Iterator[Violation]:
    """A gateway is named as `namespace/name` or `name`, in the list and in matches (R111, R1010)."""
    yield from gateway_flaws(vs.spec.node.get("gateways"), release)
    for block in ("http", "tls", "tcp"):
        for route in vs.spec.node.at(block).elements:
            for match in route.at("match").elements:
                yield from gateway_flaws(match.get("gateways"), release)


@demands(VirtualServiceSpec)
def claims_are_for_gateways(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """Only gateways route by the claims of a token (R315)."""
    if not vs.spec.hosts or any(name != _MESH for name in vs.spec.gateways):
        return
    for route in vs.spec.http:
        for match in route.match:
            for field in ("headers", "withoutHeaders"):
                below = match.node.get(field)
                for name, node in (below.mapping if below is not None else {}).items():
                    if name.startswith(_CLAIMS):
                        message = f"{shown(name)} is a claim of a token: only gateways route by claims"
                        yield clash(node, message, "name a gateway in `gateways`", "no gateway")


@demands(VirtualServiceSpec)
def exports_are_namespaces(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """To whom the VirtualService is shown (R203)."""
    return export_flaws(vs.spec.node.get("exportTo"), vs.namespace)


def is_for_mesh(spec: VirtualServiceSpec) -> bool:
    """Whether sidecars use the VirtualService (R201)."""
    return not spec.gateways or _MESH in spec.gateways


def gateway_flaws(gateways: Node | None, release: Release) -> Iterator[Violation]:
    """Names of gateways that cannot be any, and those in the form of Istio 1.0 (R111)."""
    for node in gateways.elements if gateways is not None else ():
        if not isinstance(node.value, str) or node.value == _MESH:
            continue
        namespace, slash, name = node.value.partition("/")
        if slash:
            yield from _reference_flaws(node, namespace, name, release)
        elif flaw := name_flaw(node.value):
            yield invalid(node, flaw)
        elif "." in node.value and release >= (1, 1):
            new = "/".join(reversed(node.value.split(".")[:2]))
            message = f"{shown(node.value)} names the gateway in the way of Istio 1.0"
            yield warned(node, message, f"write `{new}`", "old form")


def _reference_flaws(node: Node, namespace: str, name: str, release: Release) -> Iterator[Violation]:
    if release < (1, 1):
        yield invalid(node, "Istio 1.0 does not know this form", f"write `{name}.{namespace}.svc.cluster.local`")
    elif not namespace or not name:
        yield invalid(node, "a gateway is written as `namespace/name`, or as `name`")
    elif (namespace != "." and not is_label(namespace)) or not is_label(name):
        yield invalid(node, "the namespace and the name of a gateway are letters, digits and dashes")
