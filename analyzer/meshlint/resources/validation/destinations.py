"""Where routes send requests: a destination on its own, and the shares of several (R402, R501)."""

from collections.abc import Iterator, Sequence

from meshlint.resources.mistake import Violation
from meshlint.resources.validation.names import (
    clash,
    host_flaw,
    invalid,
    missing,
    number,
    port_flaws,
    port_name_flaws,
    text,
)
from meshlint.resources.virtual_service import RouteDestination
from meshlint.source.node import Node


def destination_flaws(destination: Node | None) -> Iterator[Violation]:
    """A destination that names no host, no subset or no port that could be one."""
    if destination is None:
        return
    host = destination.get("host")
    if host is not None and isinstance(host.value, str):
        if host.value == "*":
            yield invalid(host, "requests go to one host, not to all")
        elif flaw := host_flaw(host.value):
            yield invalid(host, flaw)
    if text(destination.get("subset")):
        yield from port_name_flaws(destination.get("subset"))
    port = destination.get("port")
    if port is not None and isinstance(port.value, dict) and not text(port.get("name")):
        if port.get("number") is None:
            yield missing(port, "the port has no `number`", label="no `number`")
        yield from port_flaws(port.get("number"))


def share_flaws(destinations: Sequence[RouteDestination]) -> Iterator[Violation]:
    """Weights below nothing, or several destinations of which none gets anything (R402, R403)."""
    for one in destinations:
        if (one.weight or 0) < 0:
            yield invalid(one.node.at("weight"), "a weight is 0 or more")
    if len(destinations) > 1 and not any(number(one.node.get("weight")) for one in destinations):
        first = destinations[0].node
        message = "none of the destinations has a weight above 0, so none gets a request"
        hint = "give each destination a `weight`: shares are relative to their sum"
        yield clash(first.at("weight"), message, hint, "no weight", on_key=False)
