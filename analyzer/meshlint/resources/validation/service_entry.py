"""ServiceEntries: how their hosts, addresses, ports and endpoints go with their resolution (R703, E18)."""

from collections.abc import Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.service_entry import ServiceEntry, ServiceEntrySpec
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.endpoints import address_flaws, endpoint_flaws
from meshlint.resources.validation.exports import export_flaws
from meshlint.resources.validation.names import (
    are_labels_missing,
    clash,
    has,
    host_flaw,
    invalid,
    is_address,
    is_partial_wildcard,
    is_subnet,
    is_unix,
    missing,
    number,
    parsed,
    port_name_flaws,
    protocol_flaws,
    selector_flaws,
    strings,
    text,
    warned,
)

_BY_NAME = ("DNS", "DNS_ROUND_ROBIN")
_TCP = frozenset({"tcp", "mongo", "mysql", "redis"})
_DYNAMIC = frozenset({"http", "http2", "grpc", "tls"})


@demands(ServiceEntrySpec)
def hosts_are_names(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """A host is a name or a wildcard with something behind it (E18)."""
    for node in strings(entry.spec.node, "hosts"):
        host = text(node)
        if host == "*":
            yield invalid(node, "an entry for all hosts is refused", "name hosts, such as `*.example.com`")
        elif flaw := host_flaw(host):
            yield invalid(node, flaw)
        elif is_partial_wildcard(host):
            message = f"`{host}` is taken, yet a wildcard stands for whole labels"
            yield warned(node, message, "write `*.` and the rest of the name", "part of a label")


@demands(ServiceEntrySpec)
def hosts_can_be_resolved(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """DNS has no answer for a wildcard, and dynamic DNS is for nothing else (E18)."""
    resolution = _resolution(entry)
    for node in strings(entry.spec.node, "hosts"):
        host = text(node)
        if resolution in _BY_NAME and not entry.spec.endpoints and host.startswith("*") and host != "*":
            message = f"DNS has no address for `{host}`, and the entry has no endpoints"
            yield clash(node, message, "use resolution NONE, or list `endpoints`", "not resolvable", on_key=False)
        elif resolution == "DYNAMIC_DNS" and not host.startswith("*"):
            message = f"dynamic DNS is for wildcards, and `{host}` is none"
            yield clash(node, message, "use resolution DNS", "no wildcard", on_key=False)


@demands(ServiceEntrySpec)
def addresses_are_networks(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """Addresses are such, and blocks of them only where nothing is resolved (E18)."""
    resolution = _resolution(entry)
    for node in strings(entry.spec.node, "addresses"):
        if not is_subnet(text(node)):
            yield invalid(node, "neither an address nor a CIDR block such as `10.0.0.0/8`")
        elif "/" in text(node) and resolution not in ("NONE", "STATIC"):
            message = f"a block of addresses does not go with resolution {resolution}"
            yield clash(node, message, "use resolution NONE or STATIC", "a block", on_key=False)
        elif resolution == "DYNAMIC_DNS":
            yield clash(node, "dynamic DNS takes no addresses", "leave them out", on_key=False)


@demands(ServiceEntrySpec)
def ports_are_possible(entry: ServiceEntry, release: Release) -> Iterator[Violation]:
    """A port has a number that no other has, a name, and a protocol that Istio knows (R432, R703, R1015)."""
    known: set[float] = set()
    for port in entry.spec.ports:
        node = port.node.get("number")
        yield from port_name_flaws(port.node.get("name"))
        yield from protocol_flaws(port.node)
        if release < (1, 1) and not port.protocol:
            yield missing(port.node, "Istio 1.0 needs the protocol of a port", label="no `protocol`")
        if node is not None and isinstance(node.value, int) and number(node) in known:
            message = f"port {number(node):g} is the number of an earlier port of the entry"
            yield clash(node, message, "give each port its own number", "used before", on_key=False)
        known.add(number(node))


@demands(ServiceEntrySpec)
def several_hosts_can_be_told_apart(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """Connections in plain TCP name no host, so that one port cannot be for several (E18)."""
    resolution = _resolution(entry)
    if len(entry.spec.hosts) < 2 or resolution == "NONE":
        return
    for port in entry.spec.ports:
        if parsed(port.protocol) in _TCP:
            message = f"the port is for {len(entry.spec.hosts)} hosts, and {port.protocol} connections name none"
            yield clash(
                port.node.at("protocol"), message, "make an entry for each host", "for several hosts", on_key=False
            )


@demands(ServiceEntrySpec)
def endpoints_go_with_the_resolution(entry: ServiceEntry, release: Release) -> Iterator[Violation]:
    """NONE and dynamic DNS take no endpoints, round robin takes one, STATIC needed some (R701, R703, R1015)."""
    node, resolution = entry.spec.node.get("endpoints"), _resolution(entry)
    if resolution == "STATIC" and release < (1, 1) and not entry.spec.endpoints:
        yield missing(node or entry.spec.node, "resolution STATIC needs `endpoints` in Istio 1.0")
    if node is None or not has(entry.spec.node, "endpoints"):
        return
    if resolution == "NONE":
        said = "resolution NONE" if entry.spec.resolution else "the resolution, which is NONE by default"
        message = f"`endpoints` does not go with {said}: connections go to where the client sent them"
        yield clash(node, message, "use resolution STATIC or DNS, or leave the endpoints out")
    elif resolution == "DYNAMIC_DNS":
        yield clash(node, "`endpoints` does not go with dynamic DNS", "leave them out")
    elif resolution == "DNS_ROUND_ROBIN" and len(entry.spec.endpoints) > 1:
        message = "DNS_ROUND_ROBIN takes one endpoint at most"
        yield clash(entry.spec.endpoints[1].node, message, "use resolution DNS", "a second one", on_key=False)


@demands(ServiceEntrySpec)
def endpoints_are_possible(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """Endpoints have addresses of the kind that the resolution wants (R703)."""
    resolution = _resolution(entry)
    for endpoint in entry.spec.endpoints:
        yield from endpoint_flaws(endpoint.node)
        node = endpoint.node.get("address")
        if node is None or is_unix(endpoint.address):
            continue
        if resolution == "STATIC" and endpoint.address and not is_address(endpoint.address):
            message = f"resolution STATIC wants addresses, and `{endpoint.address}` is none"
            yield clash(node, message, "use resolution DNS for host names", "no address", on_key=False)
        elif resolution in _BY_NAME:
            yield from address_flaws(node)


@demands(ServiceEntrySpec)
def sockets_serve_one_port(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """A Unix domain socket has no ports to tell apart."""
    for endpoint in entry.spec.endpoints:
        if is_unix(endpoint.address):
            node = endpoint.node.at("address")
            if _resolution(entry) in _BY_NAME:
                yield clash(node, "a Unix domain socket goes with resolution STATIC only", on_key=False)
            elif len(entry.spec.ports) != 1:
                message = f"a Unix domain socket serves one port, and the entry has {len(entry.spec.ports)}"
                yield clash(node, message, on_key=False)


@demands(ServiceEntrySpec)
def dynamic_protocols_name_hosts(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """Dynamic DNS takes the host from the request, so its protocols are those that name one (R701, E18)."""
    for port in entry.spec.ports if _resolution(entry) == "DYNAMIC_DNS" else ():
        if parsed(port.protocol) not in _DYNAMIC:
            message = f"dynamic DNS does not go with protocol `{port.protocol or 'unset'}`: nothing names the host"
            yield clash(port.node.at("protocol"), message, "it takes HTTP, HTTP2, GRPC and TLS", on_key=False)


@demands(ServiceEntrySpec)
def exports_are_namespaces(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """To whom the entry is shown; it may be shown to nobody (R703)."""
    return export_flaws(entry.spec.node.get("exportTo"), entry.namespace, may_hide=True)


@demands(ServiceEntrySpec)
def selector_has_labels(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """A selector names labels as they are, and resolution NONE does not look for workloads."""
    selector = entry.spec.node.get("workloadSelector")
    yield from selector_flaws(selector, "labels")
    labels = entry.spec.workload_selector.labels if entry.spec.workload_selector is not None else {}
    if selector is None or selector.value is None:
        return
    if are_labels_missing(selector, labels):
        yield warned(selector, "the selector names no labels", "name the labels of the workloads", on_key=True)
    if _resolution(entry) == "NONE":
        message = "the selector has no use with resolution NONE: connections go to where the client sent them"
        yield warned(selector, message, "use resolution STATIC", "no use", on_key=True)


@demands(ServiceEntrySpec)
def subject_names_do_not_stand_alone(entry: ServiceEntry, _: Release) -> Iterator[Violation]:
    """A name of a certificate is written out."""
    for node in strings(entry.spec.node, "subjectAltNames"):
        if not text(node):
            yield invalid(node, "a name of a certificate is not empty")


def _resolution(entry: ServiceEntry) -> str:
    return entry.spec.resolution or "NONE"
