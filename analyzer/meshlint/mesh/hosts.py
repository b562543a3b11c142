"""Host names: short names, wildcards, and which name covers which (routing R101-R109)."""

from collections.abc import Set as AbstractSet
from ipaddress import ip_address


def is_address(host: str) -> bool:
    """Whether *host* is an IP address."""
    if not host[:1].isdigit() and ":" not in host:  # Most names are told apart without parsing them.
        return False
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether *host* is an address that only the machine itself reaches."""
    return is_address(host) and ip_address(host).is_loopback


def qualify(host: str, namespace: str, domain: str = "cluster.local") -> str:
    """The name Istio reads *host* as in an object of *namespace*: a name without a dot gains one (R101, R102)."""
    if not host or "." in host or host.startswith("*") or is_address(host):
        return host
    return f"{host}.{namespace}.svc.{domain}"


def is_wildcard(host: str) -> bool:
    """Whether *host* stands for several names (R108)."""
    return host.startswith("*")


def covers(wide: str, narrow: str) -> bool:
    """Whether every name that *narrow* stands for is one that *wide* stands for (SubsetOf of R108)."""
    if is_wildcard(wide):
        rest = wide[1:]
        if is_wildcard(narrow):
            return narrow[1:].endswith(rest)
        return narrow.endswith(rest)
    return wide == narrow


def overlaps(one: str, other: str) -> bool:
    """Whether some name is one that both stand for (Matches of R108)."""
    return covers(one, other) or covers(other, one)


def narrower(one: str, other: str) -> str | None:
    """What both stand for: the narrower of two that overlap (R215), else None."""
    if covers(one, other):
        return other
    return one if covers(other, one) else None


def specificity(host: str) -> tuple[bool, int, str]:
    """A sort key: exact names first, then longer ones, then by the alphabet (R109)."""
    return (is_wildcard(host), -len(host), host)


def is_internal(host: str, domain: str = "cluster.local") -> bool:
    """Whether *host* is the full name of a service of the cluster, or stands for some of them (R112)."""
    return host.endswith(f".svc.{domain}")


def home_of(host: str, domain: str = "cluster.local") -> str:
    """The namespace of a service's full name; empty for all other names (R112)."""
    if not is_internal(host, domain):
        return ""
    return host.removesuffix(f".svc.{domain}").rpartition(".")[2].lstrip("*")


def half_qualified(host: str, namespaces: AbstractSet[str], domain: str = "cluster.local") -> str | None:
    """The full name that `name.namespace` or `name.namespace.svc` was meant as, where that namespace exists (R102)."""
    labels = host.split(".")
    is_half = len(labels) == 2 or (len(labels) == 3 and labels[2] == "svc")
    if not is_half or is_wildcard(host) or is_address(host) or labels[1] not in namespaces or not labels[0]:
        return None
    return f"{labels[0]}.{labels[1]}.svc.{domain}"
