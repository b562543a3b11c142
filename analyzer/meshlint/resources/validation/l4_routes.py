"""TCP and TLS routes, and what all matches share (R321, R450-R455)."""

from collections.abc import Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.destinations import destination_flaws, share_flaws
from meshlint.resources.validation.names import (
    clash,
    covers,
    has,
    header_flaw,
    host_flaw,
    invalid,
    is_address,
    is_subnet,
    label_flaws,
    missing,
    namespace_flaws,
    port_flaws,
    shown,
    text,
    warned,
)
from meshlint.resources.virtual_service import L4Route, VirtualService, VirtualServiceSpec
from meshlint.source.node import Node

_CLAIMS = "@request.auth.claims"


@demands(VirtualServiceSpec)
def l4_routes_send_somewhere(vs: VirtualService, release: Release) -> Iterator[Violation]:
    """A TCP or TLS route has destinations, of which some get connections (R402, R1007)."""
    for block, route in _l4_routes(vs):
        if not route.route:
            node = route.node.get("route") or route.node
            yield missing(node, f"the {block} route sends connections nowhere", "set `route`", "no destination")
        if release < (1, 1) and len(route.route) > 1:
            message = "Istio 1.0 sends the connections of a route to one destination"
            yield clash(route.route[1].node, message, "", "a second destination", on_key=False)
        for entry in route.route:
            yield from destination_flaws(entry.node.get("destination"))
        yield from share_flaws(route.route)


@demands(VirtualServiceSpec)
def tls_routes_match_names(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """A TLS route says for which server names it is (R321)."""
    for route in vs.spec.tls:
        if not route.match and has(route.node, "match"):
            message = "the TLS route matches nothing: it needs the names of servers"
            yield missing(route.node.at("match"), message, "add `sniHosts`", "no match")
        for match in route.match:
            if not match.sni_hosts and has(match.node, "sniHosts"):
                yield missing(match.node.at("sniHosts"), "the match names no server", "name a host", "no name")


@demands(VirtualServiceSpec)
def server_names_are_hosts_of_the_service(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """Each server name of a match is one of the VirtualService's hosts (R321)."""
    for route in vs.spec.tls:
        for match in route.match:
            names = match.node.get("sniHosts")
            for node in names.elements if names is not None else ():
                if isinstance(node.value, str):
                    yield from _server_name_flaws(node, node.value, vs.spec.hosts)


def _server_name_flaws(node: Node, name: str, hosts: tuple[str, ...]) -> Iterator[Violation]:
    flaw = host_flaw(name)
    if flaw and is_address(name):
        message = f"{shown(name)} is an address: clients name servers by host names only"
        yield warned(node, message, "match `destinationSubnets` in a `tcp` route instead", "an address")
    elif flaw:
        yield invalid(node, flaw)
    elif hosts and not any(covers(host, name) for host in hosts):
        listed = ", ".join(shown(host) for host in hosts)
        message = f"server name {shown(name)} is covered by none of the hosts ({listed})"
        yield clash(node, message, "add it to `hosts`", "not a host of this", on_key=False)


@demands(VirtualServiceSpec)
def subnets_are_networks(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """A subnet is an address or a CIDR block."""
    for _block, route in _l4_routes(vs):
        for match in route.match:
            subnets = match.node.get("destinationSubnets")
            source = match.node.get("sourceSubnet")
            for node in (*(subnets.elements if subnets is not None else ()), *((source,) if source else ())):
                if text(node) and not is_subnet(text(node)):
                    yield invalid(node, "neither an address nor a CIDR block such as `10.0.0.0/8`")


@demands(VirtualServiceSpec)
def matches_are_possible(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """Ports, labels and namespaces in matches are ones that there can be."""
    for route in vs.spec.routes:
        for match in route.match:
            node = match.node.get("port")
            if match.port:
                yield from port_flaws(node)
            yield from label_flaws(match.node.get("sourceLabels"))
            yield from namespace_flaws(match.node.get("sourceNamespace"))


@demands(VirtualServiceSpec)
def matched_headers_have_names(vs: VirtualService, _: Release) -> Iterator[Violation]:
    """Conditions are on headers that there can be, and on something about them (R312)."""
    for route in vs.spec.http:
        for match in route.match:
            yield from _condition_flaws(match.node.get("headers"), is_header=True)
            yield from _condition_flaws(match.node.get("withoutHeaders"), is_header=True)
            yield from _condition_flaws(match.node.get("queryParams"), is_header=False)


def _condition_flaws(conditions: Node | None, *, is_header: bool) -> Iterator[Violation]:
    for name, node in (conditions.mapping if conditions is not None else {}).items():
        if is_header and not name.startswith(_CLAIMS) and (flaw := header_flaw(name)):
            yield Violation("invalid-value", node, flaw, "no header", on_key=True)
        if is_header and conditions is not None and conditions.path[-1] == "headers":
            yield from _empty_condition_flaws(node, name)


def _empty_condition_flaws(node: Node, name: str) -> Iterator[Violation]:
    """In `headers` Istio refuses conditions that compare with nothing (R312)."""
    hint = "write `{}` for a header that is there, with whatever value"
    if node.value is None:
        message = f"the condition on header {shown(name)} is empty"
        yield Violation("missing-field", node, message, "no condition", hint, on_key=True)
    prefix = node.get("prefix")
    if prefix is not None and prefix.value == "":
        yield invalid(prefix, "every value begins with nothing", hint)


def _l4_routes(vs: VirtualService) -> Iterator[tuple[str, L4Route]]:
    for route in vs.spec.tls:
        yield "TLS", route
    for route in vs.spec.tcp:
        yield "TCP", route
