"""Whom a proxy sees at the other end: the peer's address, the client's that stands behind it (S57, S58, S71)."""

from ipaddress import ip_address

from meshlint import request as a
from meshlint.mesh.model import Mesh
from meshlint.mesh.workloads import Workload
from meshlint.request import Request

FORWARDED_FOR = a.header("x-forwarded-for")


def at_sidecar(request: Request, *, is_http: bool) -> Request:
    """The request with the addresses that a server's sidecar sees: it trusts the header, whoever wrote it (S58).

    What comes from a trusted asker as the remote address stays as it is. The pod's own address is not known (S71).
    """
    said = _addresses(request)[-1:] if is_http else []
    remote = request.get(a.REMOTE_IP) or next(iter(said), request.get(a.SOURCE_IP))
    return request.but(a.REMOTE_IP, remote).but(a.DESTINATION_IP, None)


def at_gateway(mesh: Mesh, workload: Workload, request: Request, *, is_http: bool) -> Request:
    """The request with the addresses that a gateway sees: so many proxies before it are trusted, by default none (S58)."""
    seen = request.but(a.DESTINATION_IP, None)
    if request.get(a.REMOTE_IP) is not None:
        return seen
    trusted = _trusted_proxies(mesh, workload) if is_http else 0
    if trusted is None:
        return seen
    said = _addresses(request)
    if 0 < trusted <= len(said):
        return seen.but(a.REMOTE_IP, said[-trusted])
    return seen.but(a.REMOTE_IP, request.get(a.SOURCE_IP))


def sent_on(request: Request) -> Request:
    """The request as a gateway sends it on: the peer is now the gateway, and the one before it joins the header."""
    source, said = request.get(a.SOURCE_IP), request.get(FORWARDED_FOR)
    chain = (f"{said},{source}" if said else source) if source is not None else None
    return request.but(FORWARDED_FOR, chain).but(a.SOURCE_IP, None).but(a.PRINCIPAL, None)


def _addresses(request: Request) -> list[str]:
    return [one.strip() for one in (request.get(FORWARDED_FOR) or "").split(",") if _is_address(one.strip())]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _trusted_proxies(mesh: Mesh, workload: Workload) -> int | None:
    """How many proxies before the gateway are trusted; None where its pods say so themselves, in a text of their own."""
    if "proxy.istio.io/config" in workload.annotations:
        return None
    config = mesh.config.default_config
    node = config.get("gatewayTopology", "numTrustedProxies") if config is not None else None
    return node.value if node is not None and isinstance(node.value, int) else 0
