"""Which hosts workloads are told to call: addresses in the environment and the arguments of their containers."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Host, HostPort
from meshlint.mesh.workloads import Workload
from meshlint.source.node import Node

_ADDRESS = re.compile(
    r"(?:^|[=,\s\"'])(?:[a-z][a-z0-9+]*://(?:[^/@\s]*@)?)([a-z0-9.-]+)(?::(\d{1,5}))?(?=[/?\s,;\"']|$)"
)
_PAIR = re.compile(r"(?:--?[\w.-]+=)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?):(\d{1,5})")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """An address that a workload is given at `node`: a port of a host of the registry."""

    node: Node
    host: Host
    port: HostPort


def calls(mesh: Mesh, workload: Workload) -> tuple[Call, ...]:
    """The hosts inside the mesh that the workload's own settings name by URL or as `host:port`."""
    return mesh.derived(_calls, mesh, workload)


def _calls(mesh: Mesh, workload: Workload) -> tuple[Call, ...]:
    found: dict[tuple[str, int], Call] = {}
    for container in workload.containers:
        for node in _texts(container.node):
            for name, port in _addresses(str(node.value)):
                for host in _meant(mesh, name, workload.namespace):
                    at = host.port(port)
                    if at is not None:
                        found.setdefault((host.name, port), Call(node, host, at))
    return tuple(found.values())


def _texts(container: Node) -> Iterator[Node]:
    places = [one.get("value") for one in container.at("env").elements]
    for name in ("args", "command"):
        listed = container.get(name)
        places += listed.elements if listed is not None else ()
    yield from (one for one in places if one is not None and isinstance(one.value, str))


def _addresses(text: str) -> Iterator[tuple[str, int]]:
    for found in _ADDRESS.finditer(text):
        scheme = text[found.start() : found.start(1)].strip("=,\"' \t\n").partition(":")[0]
        number = int(found[2]) if found[2] else _PORTS.get(scheme)
        if number is not None:
            yield found[1], number
    pair = _PAIR.fullmatch(text)
    if pair is not None:
        yield pair[1], int(pair[2])


def _meant(mesh: Mesh, name: str, namespace: str) -> tuple[Host, ...]:
    """The Services that a name stands for in a pod of the namespace, by the search path of its resolver."""
    domain = mesh.settings.cluster_domain
    for full in (name, f"{name}.{namespace}.svc.{domain}", f"{name}.svc.{domain}", f"{name}.{domain}"):
        found = tuple(host for host in mesh.hosts_named(full) if host.name == full)
        if found:
            return tuple(host for host in found if not host.is_external and not host.is_external_name)
    return ()
