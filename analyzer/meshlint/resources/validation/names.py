"""What Istio's validator takes for names: hosts, labels, addresses, ports, header names, percentages."""

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from meshlint.resources.base import Labels
from meshlint.resources.fit import is_set
from meshlint.resources.mistake import Violation
from meshlint.source.node import Node

_LABEL = re.compile(r"[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?", re.ASCII)
_QUALIFIED = re.compile(r"(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_HEADER = re.compile(r":?[-_A-Za-z0-9]+", re.ASCII)
_NUMBER = re.compile(r"[-+]?[0-9]+", re.ASCII)
_LONGEST_LABEL = 63
_LONGEST_HOST = 255
_UNIX = "unix://"
_PROTOCOLS = frozenset(
    "tcp udp grpc grpc-web http http_proxy http2 https tls mongo redis mysql hbone".split()  # noqa: SIM905
)
_LISTED_PROTOCOLS = "the protocols are HTTP, HTTP2, GRPC, GRPC-WEB, HTTPS, TLS, TCP, MONGO, MYSQL and REDIS"
_LABEL_HINT = "at most 63 letters, digits, dashes, dots and underscores, with a letter or digit at both ends"
_HTTP = frozenset({"http", "http2", "http_proxy", "grpc", "grpc-web"})
_TLS = frozenset({"https", "tls"})


def has(node: Node, name: str) -> bool:
    """Whether a field is written with a value, be it an empty one."""
    return is_set(node.mapping, name)


def filled(node: Node, name: str) -> bool:
    """Whether a field is written with a value other than that which stands for nothing."""
    below = node.get(name)
    return below is not None and bool(below.value)


def text(node: Node | None) -> str:
    """The string that a node holds; empty for anything else."""
    return node.value if node is not None and isinstance(node.value, str) else ""


def strings(parent: Node, field: str) -> list[Node]:
    """The nodes of a list of strings; where its dash was lost, the one value; other values are left out."""
    node = parent.get(field)
    candidates = () if node is None else (node.elements or (node,))
    return [one for one in candidates if isinstance(one.value, str)]


def number(node: Node | None) -> float:
    """The number that a node holds; 0 for anything else."""
    value = node.value if node is not None else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else 0


def shown(value: object) -> str:
    """A value as messages quote it: one line, and not all of a long one."""
    line = " ".join(str(value).split())
    return f"`{line if len(line) <= 60 else line[:57] + '...'}`"


def named(node: Node) -> str:
    """The name of the field that a node is the value of, with the one that it is in, and places in lists after it."""
    fields = [index for index, step in enumerate(node.path) if isinstance(step, str)]
    start = max(fields, default=0)
    if start - 1 in fields and node.path[start - 1] != "spec":
        start -= 1
    first, *rest = node.path[start:] or ("document",)
    return f"`{first}{''.join(f'[{step}]' if isinstance(step, int) else f'.{step}' for step in rest)}`"


def invalid(node: Node, why: str, hint: str = "") -> Violation:
    """A value that its field does not take; *why* follows its name and text."""
    is_plain = isinstance(node.value, str | int | float) and not isinstance(node.value, bool)
    state = "is empty" if node.value == "" else f"is {shown(node.value)}"
    message = f"{named(node)} {state}: {why}" if is_plain else f"{named(node)}: {why}"
    return Violation("invalid-value", node, message, "invalid value", hint)


def clash(node: Node, message: str, hint: str = "", label: str = "not together", *, on_key: bool = True) -> Violation:
    """Fields that exclude one another, or that need one another."""
    return Violation("invalid-combination", node, message, label, hint, on_key=on_key and node.key is not None)


def missing(node: Node, message: str, hint: str = "", label: str = "incomplete") -> Violation:
    """Something required that is not there; the node is what lacks it."""
    return Violation("missing-field", node, message, label, hint, on_key=node.key is not None)


def warned(node: Node, message: str, hint: str = "", label: str = "", *, on_key: bool = False) -> Violation:
    """What Istio takes with a warning."""
    return Violation(
        "schema-warning",
        node,
        message,
        label or "taken with a warning",
        hint,
        on_key=on_key and node.key is not None,
        aliases=("IST0133",),
    )


def is_label(name: str) -> bool:
    """Whether a name is one label of a host name, in either case of letters."""
    return len(name) <= _LONGEST_LABEL and _LABEL.fullmatch(name) is not None


def is_address(name: str) -> bool:
    """Whether a name is an IP address."""
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def is_subnet(name: str) -> bool:
    """Whether a name is an IP address or a CIDR block; bits behind the mask may be set."""
    base, slash, size = name.partition("/")
    if not slash:
        return is_address(name)
    try:
        ip_network(name, strict=False)
    except ValueError:
        return False
    return is_address(base) and size.isascii() and size.isdigit()


def host_flaw(host: str) -> str:
    """Why a name is no host, wildcards in the first label allowed; empty where it is one (R106, R108)."""
    first, dot, rest = host.partition(".")
    if not host or len(host) > _LONGEST_HOST:
        return _length_flaw(host)
    bare = first.removeprefix("*-") if first.startswith("*-") else first.removeprefix("*")
    if first != "*" and not is_label(bare):
        return _label_flaw(first)
    return _labels_flaw(rest) if dot else ""


def name_flaw(host: str) -> str:
    """Why a name is no host name without wildcards; empty where it is one."""
    if not host or len(host) > _LONGEST_HOST:
        return _length_flaw(host)
    return "a wildcard does not do here" if host.startswith("*") else _labels_flaw(host)


def is_partial_wildcard(host: str) -> bool:
    """Whether a wildcard stands for part of a label, as in `*shop.example`."""
    return host.startswith("*") and host != "*" and not host.startswith("*.")


def covers(wide: str, narrow: str) -> bool:
    """Whether each name that *narrow* stands for is one that *wide* stands for (SubsetOf of R108)."""
    return narrow.removeprefix("*").endswith(wide[1:]) if wide.startswith("*") else wide == narrow


def parsed(protocol: str) -> str:
    """A protocol in lower case, as Istio compares it (R432)."""
    return protocol.lower()


def is_http(protocol: str) -> bool:
    """Whether a port of that protocol carries HTTP in plain text."""
    return parsed(protocol) in _HTTP


def is_tls(protocol: str) -> bool:
    """Whether a port of that protocol carries TLS."""
    return parsed(protocol) in _TLS


def protocol_flaws(port: Node, *, is_required: bool = False) -> Iterator[Violation]:
    """The protocol of a port that Istio does not know (R432)."""
    node = port.get("protocol")
    if text(node) and parsed(text(node)) not in _PROTOCOLS and node is not None:
        yield invalid(node, "no protocol that Istio knows", _LISTED_PROTOCOLS)
    elif is_required and node is not None and node.value == "":
        yield invalid(node, "a protocol is required", _LISTED_PROTOCOLS)


def port_flaws(port: Node | None) -> Iterator[Violation]:
    """A port number that no port has; the schemas let all 32-bit numbers pass."""
    if port is not None and isinstance(port.value, int | float) and not 0 < number(port) <= 65535:
        yield invalid(port, "ports go from 1 to 65535")


def port_name_flaws(name: Node | None) -> Iterator[Violation]:
    """A port name that is not one label."""
    if name is not None and isinstance(name.value, str) and not is_label(name.value):
        yield invalid(name, _label_flaw(name.value))


def namespace_flaws(name: Node | None) -> Iterator[Violation]:
    """A namespace's name that is not one label."""
    if text(name) and not is_label(text(name)) and name is not None:
        yield invalid(name, f"no name of a namespace: {_label_flaw(text(name))}")


def label_flaws(node: Node | None) -> Iterator[Violation]:
    """Labels of workloads that Kubernetes could not carry."""
    for key, below in (node.mapping if node is not None else {}).items():
        prefix, slash, name = key.rpartition("/")
        if not _is_qualified(name) or (slash and name_flaw(prefix)):
            yield Violation(
                "invalid-value", below, f"{shown(key)} is no name of a label", "no label", _LABEL_HINT, on_key=True
            )
        if isinstance(below.value, str) and below.value and not _is_qualified(below.value):
            yield Violation(
                "invalid-value", below, f"{shown(below.value)} is no value of a label", "no value", _LABEL_HINT
            )


def is_unix(address: str) -> bool:
    """Whether an address is a Unix domain socket's."""
    return address.startswith(_UNIX)


def unix_flaw(address: str) -> str:
    """Why an address of a Unix domain socket is none; empty where it is one."""
    path = address.removeprefix(_UNIX)
    if not path.startswith(("/", "@")):
        return "the path of a socket is absolute, or an abstract name that begins with `@`"
    return "the path of a socket is a file, not a folder" if path.endswith("/") else ""


def header_flaw(name: str) -> str:
    """Why no header has that name; empty where one may."""
    if not name:
        return "the name of a header is empty"
    if not _HEADER.fullmatch(name):
        return f"{shown(name)} is no name of a header: letters, digits, `-` and `_` make one"
    return ""


def status_flaws(status: Node) -> Iterator[Violation]:
    """A status that no answer has."""
    if not 200 <= number(status) <= 599:
        yield invalid(status, "the status of an answer goes from 200 to 599")


def percentage_flaws(percentage: Node | None) -> Iterator[Violation]:
    """A share of requests outside of 0 to 100 per cent, or finer than Envoy counts."""
    node = percentage.get("value") if percentage is not None else None
    value = number(node)
    if node is not None and (not 0 <= value <= 100 or 0 < value < 0.0001):
        yield invalid(node, "a percentage is 0, or goes from 0.0001 to 100")


def percent_flaws(node: Node | None) -> Iterator[Violation]:
    """A whole percentage outside of 0 to 100."""
    if node is not None and not 0 <= number(node) <= 100:
        yield invalid(node, "a percentage goes from 0 to 100")


def selector_flaws(selector: Node | None, field: str) -> Iterator[Violation]:
    """A workload selector with a wildcard or a nameless label in it."""
    for key, below in (selector.at(field).mapping if selector is not None and has(selector, field) else {}).items():
        if not key:
            yield Violation("invalid-value", below, "a label of the selector has no name", "no name", on_key=True)
        elif "*" in key or "*" in text(below):
            message = "a selector takes no wildcards: it compares labels as they are"
            yield Violation("invalid-value", below, message, "wildcard", "leave the selector out for all workloads")


def are_labels_missing(selector: Node | None, labels: Labels) -> bool:
    """Whether a selector is written that names no label, and so selects every workload."""
    return selector is not None and selector.value is not None and not labels


def _is_qualified(name: str) -> bool:
    return len(name) <= _LONGEST_LABEL and _QUALIFIED.fullmatch(name) is not None


def _labels_flaw(host: str) -> str:
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return "its last label is a number"
    # A dot at the end is how full names are written that nothing may be added to.
    checked = labels[:-1] if labels[-1] == "" and len(labels) > 1 else labels
    return next((_label_flaw(label) for label in checked if not is_label(label)), "")


def _label_flaw(label: str) -> str:
    if not label:
        return "it is empty between two dots"
    if len(label) > _LONGEST_LABEL:
        return f"{shown(label)} has {len(label)} characters, at most {_LONGEST_LABEL} fit between dots"
    return f"{shown(label)} has to be letters, digits and dashes, with a letter or digit at both ends"


def _length_flaw(host: str) -> str:
    return f"it has {len(host)} characters, at most {_LONGEST_HOST} fit" if host else "a host is wanted"
