"""Which block of a VirtualService's routes a port uses: `http`, `tls` or `tcp` (R434, R456)."""

from meshlint.mesh.services import Protocol, protocol_of
from meshlint.resources.gateway import Server

_BLOCKS = {Protocol.HTTP: "http", Protocol.TLS: "tls", Protocol.TCP: "tcp"}


def uses(protocol: Protocol, block: str) -> bool:
    """Whether a port of that protocol certainly uses the block."""
    return _BLOCKS.get(protocol) == block


def may_use(protocol: Protocol, block: str) -> bool:
    """Whether some connection to a port of that protocol uses the block: detection finds HTTP or takes bytes (R434)."""
    return uses(protocol, block) or (protocol is Protocol.AUTO and block in ("http", "tcp"))


def block_of(server: Server) -> str:
    """The block of routes that a Gateway's server uses; none where it only redirects (R456, R610)."""
    protocol = server.port.protocol.upper() if server.port is not None else ""
    tls = server.tls
    if tls is not None and tls.https_redirect:
        return ""
    if protocol in ("HTTPS", "TLS") and (tls is None or tls.mode in ("", "PASSTHROUGH", "AUTO_PASSTHROUGH")):
        return "tls"
    if protocol == "HTTPS" or protocol_of(protocol) is Protocol.HTTP:
        return "http"
    return "tcp"
