"""Since which release Istio does what the rest of `mesh` takes for granted (routing section 10, legacy sections 10 and 11).

Each constant is the first release that has it; what came before is said where the constant is used.
"""

from meshlint.resources.releases import Release

SCOPES: Release = (1, 1)
"""`exportTo`, Sidecar and the outbound traffic policy; before, all is seen by all and the unknown is closed (R1001, R1002, L73, L74)."""

INTERSECTED_HOSTS: Release = (1, 1)
"""The virtual hosts of gateways are what servers and VirtualServices share; before, they are the VirtualService's (R1012)."""

ALL_OF_TCP: Release = (1, 1)
"""Every VirtualService for a host adds `tcp` and `tls` routes; before, the oldest alone counts (R1014)."""

RESPONSE_HEADERS: Release = (1, 1)
"""`removeResponseHeaders` is more than a word (R1004)."""

ONE_SERVICE_A_HOST: Release = (1, 2)
"""Of several VirtualServices for a host of a sidecar one counts; before, Envoy refuses them together (R1013)."""

UNKNOWN_HOSTS: Release = (1, 2)
"""The outbound traffic policy decides for unknown hosts on an HTTP port too; before, they get 404 (R1009)."""

NORMALISED_PATHS: Release = (1, 2)
"""Proxies normalise paths."""

DETECTION: Release = (1, 3)
"""Protocols are detected; before, a port that names none is TCP (R1009)."""

SIDECAR_POLICY: Release = (1, 3)
"""A Sidecar has an outbound traffic policy of its own."""

RE2: Release = (1, 4)
"""Expressions are RE2; before, they are ECMAScript's (R1008)."""

PORT_NUMBERS: Release = (1, 4)
"""Destinations have no port by name any more; before, one leads nowhere (R1008)."""

AUTHORIZATION_POLICIES: Release = (1, 4)
"""AuthorizationPolicies are enforced (L96)."""

PEER_AUTHENTICATION: Release = (1, 5)
"""PeerAuthentications and RequestAuthentications, and with them automatic mutual TLS (L97, S124)."""

NO_LEGACY_SECURITY: Release = (1, 6)
"""ServiceRoles and Policies of `authentication.istio.io` are not enforced any more (section 7 and L92)."""

CLUSTER_RBAC: Release = (1, 1)
"""ClusterRbacConfig takes the place of RbacConfig (section 7)."""

IDLE_QUOTAS: Release = (1, 1)
"""Mixer is asked about quotas only where the install says so (L65)."""

OPTIONAL_MIXER: Release = (1, 5)
"""Nothing in manifests shows whether there is a Mixer."""

HEADERS: Release = (1, 5)
"""`appendHeaders` and its kin, and the old percentage of an abort, are gone (R1003, R1004)."""

ANY_PORT_AT_GATEWAYS: Release = (1, 6)
"""A port in the Host header is nothing to gateways; before, it has to be the server's (R1011)."""

APP_PROTOCOL: Release = (1, 6)
"""`appProtocol` says how a port is spoken to."""

TARGET_PORTS: Release = (1, 11)
"""Gateways listen on the target port of their Service's port; before, on the port that the server names (R1010)."""

ANY_PORT: Release = (1, 15)
"""A port in the Host header is nothing to sidecars (R113)."""

RELATIVE_WEIGHTS: Release = (1, 15)
"""Weights are relative to their sum; before, they have to add up to 100 (R402)."""

CLOSEST_WILDCARD: Release = (1, 21)
"""The VirtualService with the closest host is a host's; before, the oldest of all that cover it (R209)."""

ALIASES: Release = (1, 21)
"""A Service of type ExternalName stands for the host that it names (R112)."""

APART_BY_AUDIENCE: Release = (1, 24)
"""DestinationRules are merged with those of the same `exportTo` only (R516)."""
