"""Certificates of gateways: Secrets that are missing or broken, and one certificate for unlike servers."""

from collections.abc import Iterator
from datetime import date

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.credentials import homes, pair, secret, secret_names
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.registry import checks
from meshlint.resources.certificate import certificate, public_key
from meshlint.resources.gateway import Gateway, Server
from meshlint.resources.workload import Secret
from meshlint.source.node import Node


@checks("MSH305")
def duplicate_certificate(mesh: Mesh) -> Iterator[Result]:
    """Servers for unlike hosts with one certificate: browsers use one connection for both, and get a 404 (R614)."""
    groups: dict[tuple[object, int | None], list[tuple[Gateway, Server, Node]]] = {}
    for gateway in mesh.gateways:
        for server in gateway.spec.servers:
            found = _certificate_of(mesh, gateway, server)
            if found is not None:
                node, identity = found
                groups.setdefault((identity, _port(server)), []).append((gateway, server, node))
    for group in groups.values():
        for gateway, server, node in group:
            others = [one for one in group if _is_apart(mesh, (gateway, server), (one[0], one[1]))]
            if others:
                yield Problem(
                    node,
                    "another server of these workloads has the same certificate for other hosts: browsers use one "
                    "connection for all of them, and the others' requests get a 404 here",
                    label="used twice",
                    notes=tuple(
                        Note(other[2].span, f"Gateway `{other[0].namespace}/{other[0].name}`") for other in others
                    ),
                    help="serve all hosts of the certificate by one server, or give each its own certificate",
                )


@checks("MSH306")
def no_such_credential(mesh: Mesh) -> Iterator[Result]:
    """A Secret that is not in the namespace of the gateway's workloads: the server has no certificate (E112)."""
    for gateway, node, name in _credentials(mesh):
        spaces = homes(mesh, gateway)
        if not spaces or any(name in secret_names(mesh, space) for space in spaces):
            continue
        near = [nearest(name, secret_names(mesh, space)) for space in spaces]
        elsewhere = secret(mesh, gateway.namespace, name)
        where = ", ".join(f"`{space}`" for space in sorted(spaces))
        if mesh.settings.world is not World.COMPLETE and elsewhere is None and not any(near):
            yield Outside(node, f"Secret {name}")
            continue
        notes = (Note(elsewhere.name_node.span, "it is here"),) if elsewhere is not None else ()
        hint = (
            "the Secret has to be where the gateway's pods are" if notes else did_you_mean(next(filter(None, near), ""))
        )
        yield Problem(node, f"there is no Secret `{name}` in namespace {where}", "no such Secret", notes, hint)


@checks("MSH307")
def invalid_credential(mesh: Mesh) -> Iterator[Result]:
    """A Secret from which no certificate and key can be taken, or whose certificate is not in force (E112)."""
    for gateway, node, name in _credentials(mesh):
        for space in sorted(homes(mesh, gateway)):
            found = secret(mesh, space, name)
            flaw = _flaw(found, mesh.settings.now) if found is not None else ""
            if found is not None and flaw:
                yield Problem(
                    node, f"Secret `{name}` {flaw}", "cannot be used", (Note(found.name_node.span, "the Secret"),)
                )


def _credentials(mesh: Mesh) -> Iterator[tuple[Gateway, Node, str]]:
    """The names of Secrets that servers take certificates from."""
    for gateway in mesh.gateways:
        for server in gateway.spec.servers:
            tls = server.tls
            if tls is None or tls.mode in ("PASSTHROUGH", "AUTO_PASSTHROUGH", "ISTIO_MUTUAL"):
                continue
            if tls.credential_name and "://" not in tls.credential_name:
                yield gateway, tls.node.at("credentialName"), tls.credential_name
            for index, name in enumerate(tls.credential_names):
                yield gateway, tls.node.at("credentialNames", index), name


def _flaw(one: Secret, now: date | None) -> str:
    chain, private = pair(one)
    if not chain or not private:
        lacking = "certificate" if not chain else "private key"
        return f"has no {lacking}: it needs `tls.crt` and `tls.key`"
    found = certificate(chain)
    if found is None:
        return "holds no certificate that can be read"
    if now is not None and now > found.last_day:
        return f"has a certificate that expired on {found.last_day}"
    if now is not None and now < found.first_day:
        return f"has a certificate that is not in force before {found.first_day}"
    key = public_key(private)
    if key is None:
        return "holds no private key that can be read"
    return "" if key == found.key else "has a private key that does not fit its certificate"


def _certificate_of(mesh: Mesh, gateway: Gateway, server: Server) -> tuple[Node, object] | None:
    """Where a server that ends HTTPS says its certificate, and what tells two of them apart: bytes, else the name."""
    tls = server.tls
    if tls is None or server.port is None or server.port.protocol.upper() != "HTTPS":
        return None
    if tls.credential_name:
        for space in homes(mesh, gateway):
            found = secret(mesh, space, tls.credential_name)
            chain = pair(found)[0].strip() if found is not None else b""
            if certificate(chain) is not None:
                return tls.node.at("credentialName"), chain
        return tls.node.at("credentialName"), tls.credential_name
    if tls.server_certificate and tls.private_key:
        return tls.node.at("serverCertificate"), (tls.server_certificate, tls.private_key)
    return None


def _port(server: Server) -> int | None:
    return server.port.number if server.port is not None else None


def _is_apart(mesh: Mesh, one: tuple[Gateway, Server], other: tuple[Gateway, Server]) -> bool:
    """Whether the workloads of one server have another one for unlike hosts; definitions of one object are alternatives."""
    if one[1] is other[1] or (one[0] is not other[0] and mesh.are_alternatives(one[0], other[0])):
        return False
    if not one[0].spec.selector.items() <= other[0].spec.selector.items():
        return False
    mine, theirs = ({entry.rpartition("/")[2] for entry in server.hosts} for server in (one[1], other[1]))
    return not mine & theirs
