"""The classes into which networks split the IP addresses, each with an address that looks natural."""

from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

Network = IPv4Network | IPv6Network

_ALL: tuple[Network, ...] = (IPv4Network("0.0.0.0/0"), IPv6Network("::/0"))
_NATURAL: tuple[Network, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("198.51.100.0/24"),
    IPv6Network("2001:db8::/32"),
)


def network(text: str) -> Network | None:
    """The network that a block names, host bits dropped (S57); None where it names none."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def is_subnet(inner: Network, outer: Network) -> bool:
    """Whether each address of *inner* is one of *outer*; addresses of the other family never are."""
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False


def representatives(networks: Iterable[Network]) -> Iterator[str]:
    """For each set of the networks that some address is in all and only of, at least one such address."""
    distinct = sorted(set(networks), key=lambda one: (one.version, int(one.network_address), one.prefixlen))
    for natural in _NATURAL:
        yield from _somewhere(natural, distinct)
    for one in dict.fromkeys((*_ALL, *distinct)):
        yield from _somewhere(one, distinct)


def _somewhere(place: Network, networks: Sequence[Network]) -> Iterator[str]:
    """An address of *place* that is in none of the networks strictly inside it."""
    inside = [one for one in networks if one.version == place.version and _is_strictly_within(one, place)]
    free = place
    while inside:
        if free.prefixlen == free.max_prefixlen:
            return
        halves: list[Network] = list(free.subnets())
        taken = [[one for one in inside if is_subnet(one, half)] for half in halves]
        at = min(range(2), key=lambda half: (_is_full(halves[half], taken[half]), len(taken[half])))
        if _is_full(halves[at], taken[at]):
            return
        free, inside = halves[at], taken[at]
    first = 0 if free.prefixlen == free.max_prefixlen else 1
    yield str(free[first])


def _is_full(place: Network, networks: Sequence[Network]) -> bool:
    """Whether the networks, all of them inside *place*, leave no address of it free."""
    if place in networks:
        return True
    if not networks or place.prefixlen == place.max_prefixlen:
        return False
    halves: list[Network] = list(place.subnets())
    return all(_is_full(half, [one for one in networks if is_subnet(one, half)]) for half in halves)


def _is_strictly_within(inner: Network, outer: Network) -> bool:
    return inner != outer and is_subnet(inner, outer)
