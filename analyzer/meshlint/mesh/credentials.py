"""Secrets that gateways take their certificates from: where a credential's name leads, and what the Secret holds."""

import binascii
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import cast

from meshlint.mesh.model import Mesh
from meshlint.mesh.scope import proxies_of
from meshlint.resources.gateway import Gateway
from meshlint.resources.workload import Secret, SecretSpec

_CERTIFICATES = ("tls.crt", "cert")
_KEYS = ("tls.key", "key")
_MAKERS = {"Certificate": ("spec", "secretName"), "ExternalSecret": ("spec", "target", "name")}


def secret(mesh: Mesh, namespace: str, name: str) -> Secret | None:
    """The Secret of that name; None where the input has none."""
    return mesh.derived(_secrets, mesh).get((namespace, name))


def secret_names(mesh: Mesh, namespace: str) -> frozenset[str]:
    """The Secrets of a namespace, with those that objects of the input have made by operators."""
    return mesh.derived(_names, mesh).get(namespace, frozenset())


def homes(mesh: Mesh, gateway: Gateway) -> frozenset[str]:
    """The namespaces of the gateway's workloads, in which its credentials are looked for (E112)."""
    return frozenset(one.namespace for one in proxies_of(mesh, gateway))


def pair(one: Secret) -> tuple[bytes, bytes]:
    """The certificate and the private key of a Secret, in PEM; empty where it lacks them or they are no base64."""
    return _value(one, _CERTIFICATES), _value(one, _KEYS)


def _value(one: Secret, names: tuple[str, ...]) -> bytes:
    for name in names:
        if one.spec.string_data.get(name):
            return one.spec.string_data[name].encode()
        if one.spec.data.get(name):
            try:
                return b64decode(one.spec.data[name], validate=False)
            except (binascii.Error, ValueError):
                return b""
    return b""


def _secrets(mesh: Mesh) -> Mapping[tuple[str, str], Secret]:
    found = (cast("Secret", one) for one in mesh.resources if isinstance(one.spec, SecretSpec))
    return {(one.namespace, one.name): one for one in found}


def _names(mesh: Mesh) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for namespace, name in (*mesh.derived(_secrets, mesh), *_made(mesh)):
        found.setdefault(namespace, set()).add(name)
    return {namespace: frozenset(names) for namespace, names in found.items()}


def _made(mesh: Mesh) -> Iterator[tuple[str, str]]:
    """Namespace and name of each Secret that an operator makes of an object, as cert-manager does of a Certificate."""
    for one in mesh.resources:
        if one.ref.kind == "SealedSecret":
            yield one.namespace, one.name
        elif one.ref.kind in _MAKERS:
            node = one.node.get(*_MAKERS[one.ref.kind])
            name = node.value if node is not None else None
            yield one.namespace, name if isinstance(name, str) else one.name
