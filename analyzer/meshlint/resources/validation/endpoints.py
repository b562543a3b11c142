"""Endpoints: inline in a ServiceEntry, as a WorkloadEntry, or as the template of a WorkloadGroup."""

import re
from collections.abc import Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.proxy_config import ProxyConfig, ProxyConfigSpec
from meshlint.resources.service_entry import WorkloadEntry, WorkloadEntrySpec, WorkloadGroup, WorkloadGroupSpec
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import (
    clash,
    has,
    invalid,
    is_address,
    is_label,
    is_unix,
    label_flaws,
    missing,
    name_flaw,
    selector_flaws,
    shown,
    text,
    unix_flaw,
    warned,
)
from meshlint.source.node import Node

_LONGEST_NAME = 62


@demands(WorkloadEntrySpec)
def entry_is_reachable(entry: WorkloadEntry, _: Release) -> Iterator[Violation]:
    """A WorkloadEntry has an address, or at least a network through whose gateway it is reached."""
    node = entry.spec.node
    yield from endpoint_flaws(node)
    if node.get("address") is not None and entry.spec.address and not is_unix(entry.spec.address):
        yield from address_flaws(node.at("address"))
    if not entry.spec.address and entry.spec.network:
        message = "without an address the workload is reached through the gateway of its network only"
        yield warned(node.at("network"), message, "set `address` if it can be reached directly", on_key=True)
    elif not entry.spec.address and has(node, "address"):
        yield missing(node.at("address"), "the workload has no address", label="empty")


@demands(WorkloadGroupSpec)
def group_makes_entries(group: WorkloadGroup, _: Release) -> Iterator[Violation]:
    """The template of a WorkloadGroup is one of a WorkloadEntry, the address left open."""
    template = group.spec.node.get("template")
    if template is not None and template.value is not None:
        yield from endpoint_flaws(template)
        if text(template.get("address")) and not is_unix(text(template.get("address"))):
            yield from address_flaws(template.at("address"))
    yield from label_flaws(group.spec.node.get("metadata", "labels"))


@demands(ProxyConfigSpec)
def selector_has_labels(config: ProxyConfig, _: Release) -> Iterator[Violation]:
    """The selector of a ProxyConfig names labels as they are."""
    return selector_flaws(config.spec.node.get("selector"), "matchLabels")


@demands(ProxyConfigSpec)
def image_type_is_a_tag(config: ProxyConfig, _: Release) -> Iterator[Violation]:
    """The type of image is part of the image's tag."""
    node = config.spec.node.get("image", "imageType")
    if node is not None and text(node) and not re.fullmatch(r"[A-Za-z0-9_][-.A-Za-z0-9_]*", text(node)):
        yield invalid(node, "the type of an image is part of its tag, such as `distroless`")


def endpoint_flaws(endpoint: Node) -> Iterator[Violation]:
    """An address of a socket that is none, ports that no name fits, labels that cannot be."""
    address, ports = endpoint.get("address"), endpoint.get("ports")
    if address is not None and is_unix(text(address)):
        if flaw := unix_flaw(text(address)):
            yield invalid(address, flaw)
        if ports is not None and ports.value is not None:
            yield clash(ports, "`ports` does not go with a Unix domain socket: it has none", "leave them out")
    for name, node in (ports.mapping if ports is not None else {}).items():
        if not is_label(name) or len(name) > _LONGEST_NAME:
            message = f"{shown(name)} is no name of a port"
            hint = f"at most {_LONGEST_NAME} letters, digits and dashes, with a letter or digit at both ends"
            yield Violation("invalid-value", node, message, "no name", hint, on_key=True)
    yield from label_flaws(endpoint.get("labels"))


def address_flaws(node: Node) -> Iterator[Violation]:
    """An address of an endpoint that is neither an IP address nor a host name."""
    if not is_address(text(node)) and (flaw := name_flaw(text(node))):
        yield invalid(node, flaw if text(node) else "an address is wanted")
