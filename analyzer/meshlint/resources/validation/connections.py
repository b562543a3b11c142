"""How proxies connect to others: pools, outlier detection, balancing and TLS, of DestinationRules and Sidecars."""

from collections.abc import Iterable, Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.validation.names import (
    clash,
    filled,
    has,
    invalid,
    is_address,
    missing,
    name_flaw,
    number,
    percent_flaws,
    port_flaws,
    shown,
    text,
    warned,
)
from meshlint.source.node import Node

_LIMITS = {
    "http": (
        "http1MaxPendingRequests",
        "http2MaxRequests",
        "maxRequestsPerConnection",
        "maxRetries",
        "maxConcurrentStreams",
    ),
    "tcp": ("maxConnections",),
}
_CERTIFICATES = ("clientCertificate", "privateKey", "caCertificates", "caCrl")


def pool_flaws(pool: Node | None) -> Iterator[Violation]:
    """A connection pool without limits, or with impossible ones."""
    if pool is None or pool.value is None:
        return
    if not has(pool, "http") and not has(pool, "tcp"):
        yield missing(pool, "the connection pool limits nothing", "set `http` or `tcp`", "empty")
    for block, limits in _LIMITS.items():
        for limit in limits:
            node = pool.get(block, limit)
            if node is not None and number(node) < 0:
                yield invalid(node, "a limit is 0 or more")
    http = pool.get("http")
    if http is not None and text(http.get("h2UpgradePolicy")) == "UPGRADE" and filled(http, "useClientProtocol"):
        message = "`useClientProtocol` does not go with `h2UpgradePolicy: UPGRADE`: both choose the protocol"
        yield clash(http.at("useClientProtocol"), message, "keep the one that is meant")


def outlier_flaws(outlier: Node | None) -> Iterator[Violation]:
    """Percentages that are none, and failures that are counted only when told apart."""
    if outlier is None or outlier.value is None:
        return
    yield from percent_flaws(outlier.get("maxEjectionPercent"))
    yield from percent_flaws(outlier.get("minHealthPercent"))
    node = outlier.get("consecutiveLocalOriginFailures")
    if node is not None and number(node) > 0 and not filled(outlier, "splitExternalLocalOriginErrors"):
        message = "`consecutiveLocalOriginFailures` needs `splitExternalLocalOriginErrors: true`"
        yield clash(node, message, "without it failures of both origins are counted as one", "not told apart")


def balancer_flaws(balancer: Node | None, outlier: Node | None) -> Iterator[Violation]:
    """Balancing by a nameless cookie, or between localities that do not add up."""
    if balancer is None or balancer.value is None:
        return
    cookie = balancer.get("consistentHash", "httpCookie")
    if cookie is not None and cookie.get("name") is not None and not text(cookie.get("name")):
        yield invalid(cookie.at("name"), "a cookie has a name")
    locality = balancer.get("localityLbSetting")
    if locality is not None and locality.value is not None:
        yield from locality_flaws(locality)
        if outlier is None or outlier.value is None:
            yield from _failover_flaws(locality)


def locality_flaws(locality: Node) -> Iterator[Violation]:
    """Settings of localities: one way to choose, shares that make 100, regions that differ."""
    for one, other in (("distribute", "failover"), ("failover", "failoverPriority")):
        if filled(locality, one) and filled(locality, other):
            message = f"`{other}` does not go with `{one}`: only one of them may be set"
            yield clash(locality.at(other), message, "keep the one that is meant")
    sources = [one for one in (entry.get("from") for entry in _entries(locality, "distribute")) if one is not None]
    yield from _place_flaws((text(one), one) for one in sources)
    for entry in _entries(locality, "distribute"):
        yield from _share_flaws(entry)
    for entry in _entries(locality, "failover"):
        yield from _region_flaws(entry)


def client_tls_flaws(tls: Node | None) -> Iterator[Violation]:
    """Certificates that the client's mode needs, or that it takes from elsewhere."""
    if tls is None or tls.value is None:
        return
    mode = text(tls.get("mode"))
    yield from _unverified_flaws(tls, mode)
    if mode in ("SIMPLE", "MUTUAL") and filled(tls, "credentialName"):
        for name in _CERTIFICATES:
            if filled(tls, name):
                message = f"`{name}` does not go with `credentialName`: the certificates come from the Secret"
                yield clash(tls.at(name), message, "keep the one that is meant")
    elif mode == "MUTUAL":
        for name, what in (("clientCertificate", "certificate"), ("privateKey", "private key")):
            if not filled(tls, name):
                message = f"mutual TLS needs a {what}: neither `{name}` nor `credentialName` is set"
                yield missing(tls, message, label=f"no `{name}`")


def tunnel_flaws(tunnel: Node | None) -> Iterator[Violation]:
    """A tunnel that leads to no host, or by an unknown method."""
    if tunnel is None or tunnel.value is None:
        return
    protocol, host = tunnel.get("protocol"), tunnel.get("targetHost")
    if protocol is not None and text(protocol) not in ("", "CONNECT", "POST"):
        yield invalid(protocol, "a tunnel is opened by `CONNECT` or `POST`")
    if host is not None and isinstance(host.value, str) and not is_address(host.value) and name_flaw(host.value):
        yield invalid(host, name_flaw(host.value))
    yield from port_flaws(tunnel.get("targetPort"))


def _unverified_flaws(tls: Node, mode: str) -> Iterator[Violation]:
    """What would verify the server has no use where it is not verified."""
    if tls.get("insecureSkipVerify") is None or tls.at("insecureSkipVerify").value is not True:
        return
    names = {
        "SIMPLE": ("caCertificates", "credentialName", "subjectAltNames"),
        "MUTUAL": ("caCertificates", "subjectAltNames"),
    }
    for name in names.get(mode, ()):
        if filled(tls, name):
            message = f"`{name}` does not go with `insecureSkipVerify`: the server is not verified"
            yield clash(tls.at(name), message, "leave out the one that is not meant")


def _failover_flaws(locality: Node) -> Iterator[Violation]:
    for name in ("failover", "failoverPriority"):
        if filled(locality, name):
            message = f"`{name}` has no effect without `outlierDetection`, which tells that endpoints fail"
            yield warned(locality.at(name), message, "add `outlierDetection`", "without effect", on_key=True)
            return


def _share_flaws(entry: Node) -> Iterator[Violation]:
    shares = entry.get("to")
    if shares is None or not shares.mapping:
        return
    yield from _place_flaws(shares.mapping.items())
    for share in shares.mapping.values():
        if isinstance(share.value, int) and not 1 <= number(share) <= 100:
            yield invalid(share, "the share of a locality goes from 1 to 100")
    total = sum(number(share) for share in shares.mapping.values())
    if total != 100:
        message = f"the shares of the localities add up to {total:g}, not to 100"
        yield clash(shares, message, "", "not 100")


def _place_flaws(places: Iterable[tuple[str, Node]]) -> Iterator[Violation]:
    """Localities of a list are written `region/zone/sub-zone`, `*` at the end at most, and none is part of another."""
    before: list[tuple[str, ...]] = []
    for name, node in places:
        parts = tuple(name.split("/"))
        is_key = node.path[-1] == name and node.key is not None
        if "" in parts or "*" in name.removesuffix("*"):
            message = f"{shown(name)} is no locality: `region/zone/sub-zone` is, or `*` in place of the last"
            yield Violation("invalid-value", node, message, "no locality", on_key=is_key)
            continue
        known = parts[:-1] if parts[-1] == "*" else parts
        if any(known[: len(one)] == one or one[: len(known)] == known for one in before):
            yield clash(node, f"locality {shown(name)} overlaps one before it", label="overlaps", on_key=is_key)
        before.append(known)


def _region_flaws(entry: Node) -> Iterator[Violation]:
    source, target = entry.get("from"), entry.get("to")
    for node in (source, target):
        if node is not None and any(mark in text(node) for mark in "/*"):
            yield invalid(node, "failover goes from region to region", "write the region alone, without zone or `*`")
    if target is not None and text(target) and text(source) == text(target):
        message = f"failover leads from region {shown(text(target))} to itself"
        yield clash(target, message, "name another region", "the same region", on_key=False)


def _entries(parent: Node, field: str) -> tuple[Node, ...]:
    node = parent.get(field)
    return node.elements if node is not None else ()
