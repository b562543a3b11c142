"""WHO CAN CALL WHAT: for each client and each server of a mesh, whether its policies let requests pass, and which.

What the clients' own proxies do (Sidecar, DestinationRule) is left aside: a client can be made to call anything, and
only the server's proxy can refuse (S18).
"""

from meshlint.reach.access import Access, Always, Never, OnConditions, Undecidable
from meshlint.reach.answers import Reach, Row, reach
from meshlint.reach.clients import Client, Kind, clients
from meshlint.reach.servers import Server, servers

__all__ = [
    "Access",
    "Always",
    "Client",
    "Kind",
    "Never",
    "OnConditions",
    "Reach",
    "Row",
    "Server",
    "Undecidable",
    "clients",
    "reach",
    "servers",
]
