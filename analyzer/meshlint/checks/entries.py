"""ServiceEntries on their own: the names of their ports and hosts, and what connections they let through to where."""

from collections.abc import Iterator
from difflib import get_close_matches
from ipaddress import ip_network

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.control_plane import is_enabled, proxy_variable
from meshlint.mesh.egress import chains
from meshlint.mesh.hosts import is_address, is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.mesh.services import Protocol, protocol_of
from meshlint.mesh.workloads import Proxy
from meshlint.registry import checks
from meshlint.resources.service_entry import ServiceEntry
from meshlint.source.node import Node

_AUTO_ALLOCATION = (1, 25)
_CLOUDS = ("amazonaws.com", "azurewebsites.net", "cloudfront.net", "github.io", "herokuapp.com", "windows.net")
_SUFFIXES = (
    "ac.uk",
    "co.in",
    "co.jp",
    "co.kr",
    "co.nz",
    "co.uk",
    "co.za",
    "com.au",
    "com.br",
    "com.cn",
    "com.mx",
    "org.uk",
)
_SHARED = frozenset((*_CLOUDS, *_SUFFIXES))
"""Domains under which anyone gets names: public suffixes and clouds."""


@checks("MSH403")
def egress_wildcard(mesh: Mesh) -> Iterator[Result]:
    """Names or addresses that stand for nearly everything, each connection going where the client says (E19-E24, E31)."""
    through_gateways = {chain.host for chain in chains(mesh)}
    for entry in mesh.service_entries:
        if entry.spec.resolution not in ("", "NONE") or entry.spec.location == "MESH_INTERNAL":
            continue
        for index, host in enumerate(entry.spec.hosts):
            rest = host.removeprefix("*.")
            if is_wildcard(host) and host not in through_gateways and ("." not in rest or rest in _SHARED):
                yield Problem(
                    entry.spec.node.at("hosts", index),
                    f"`{host}` stands for names that anyone can have, and connections for them go to whatever address "
                    "the client chooses",
                    label="nearly everything",
                    help="name the hosts that are needed, with resolution DNS",
                )
        for index, block in enumerate(entry.spec.addresses):
            if _is_everything(block):
                yield Problem(
                    entry.spec.node.at("addresses", index),
                    f"`{block}` stands for every address, so that connections to anywhere are let through",
                    label="everything",
                    help="list the addresses that are needed",
                )


def _is_everything(block: str) -> bool:
    """Whether a block is all addresses or half of them."""
    try:
        return ip_network(block, strict=False).prefixlen <= 1
    except ValueError:
        return False


@checks("MSH408")
def service_entry_needs_address(mesh: Mesh) -> Iterator[Result]:
    """A port for bytes without addresses: connections to all addresses on that port are taken for the host (E21, E22)."""
    for entry in mesh.service_entries:
        if entry.spec.addresses or _status_addresses(entry) or _is_for_ambient_only(mesh, entry):
            continue
        is_open = entry.spec.resolution in ("", "NONE")
        if not is_open and _has_allocated_address(mesh, entry):
            continue
        for port in entry.spec.ports:
            if protocol_of(port.protocol) not in (Protocol.TCP, Protocol.AUTO):
                continue
            spoken = f"is {port.protocol}" if port.protocol else "has no protocol"
            effect = (
                "it can be called at every address"
                if is_open
                else "connections to any address without a listener of its own go to this host"
            )
            yield Problem(
                port.node,
                f"port {port.number} {spoken} and the entry has no `addresses`: {effect}",
                label="for every address",
                help="list the host's `addresses`, or let Istio allocate one (DNS capture by the proxies)",
                aliases=("IST0134",) if port.protocol.lower() in ("", "tcp") else (),
            )


def _status_addresses(entry: ServiceEntry) -> tuple[Node, ...]:
    written = entry.node.get("status", "addresses")
    return tuple(written.elements) if written is not None else ()


def _has_allocated_address(mesh: Mesh, entry: ServiceEntry) -> bool:
    """Whether proxies resolve the host to an address that Istio allocates, and so tell it from others (E23, R710)."""
    if proxy_variable(mesh, "ISTIO_META_DNS_CAPTURE").lower() != "true":
        return False
    if proxy_variable(mesh, "ISTIO_META_DNS_AUTO_ALLOCATE").lower() == "true":
        return True
    if entry.metadata.labels.get("networking.istio.io/enable-autoallocate-ip") == "false":
        return False
    name = "PILOT_ENABLE_IP_AUTOALLOCATE"
    asked = proxy_variable(mesh, name).lower()
    return asked == "true" or is_enabled(mesh, name, unseen=mesh.settings.istio_version >= _AUTO_ALLOCATION)


def _is_for_ambient_only(mesh: Mesh, entry: ServiceEntry) -> bool:
    """Whether all clients that the input shows are in ambient mode, where allocated addresses are always used (E23)."""
    audience = mesh.audience_of(entry)
    seen = {one.proxy for one in mesh.workloads if not one.is_assumed and audience.includes(one.namespace)}
    return Proxy.AMBIENT in seen and not seen & {Proxy.SIDECAR, Proxy.UNKNOWN}


@checks("MSH409")
def service_entry_port_name(mesh: Mesh) -> Iterator[Result]:
    """The ports of an endpoint are named after the entry's; Istio refuses others (R702, R703)."""
    for entry in mesh.service_entries:
        names = [port.name for port in entry.spec.ports if port.name]
        for endpoint in entry.spec.endpoints:
            for name in endpoint.ports:
                if names and name not in names:
                    listed = ", ".join(f"`{one}`" for one in names)
                    near = get_close_matches(name, names, n=1)
                    yield Problem(
                        endpoint.node.at("ports", name),
                        f"endpoint port `{name}` is not one of the entry's ports ({listed})",
                        label="unknown port",
                        notes=(Note(entry.spec.node.at("ports").span, "the entry's ports"),),
                        help=f"did you mean `{near[0] if near else names[0]}`?" if near or len(names) == 1 else "",
                        on_key=True,
                    )


@checks("MSH414")
def unresolvable_service_entry_host(mesh: Mesh) -> Iterator[Result]:
    """A host without a dot is kept as it is, while VirtualServices complete theirs: nobody can name it (R101, R105)."""
    # Istio 1.0 refuses such a host, so there it is an invalid value.
    for entry in mesh.service_entries if mesh.settings.istio_version >= (1, 1) else ():
        for index, host in enumerate(entry.spec.hosts):
            if host and "." not in host and not is_wildcard(host) and not is_address(host):
                full = f"{host}.{entry.namespace}.svc.{mesh.settings.cluster_domain}"
                yield Problem(
                    entry.spec.node.at("hosts", index),
                    f"no VirtualService or DestinationRule can name host `{host}`: in them it means `{full}`",
                    label="a name without a dot",
                    help="give the host a name with a dot",
                )


@checks("MSH415")
def mesh_external_points_inside(mesh: Mesh) -> Iterator[Result]:
    """A host outside the mesh whose endpoint is a service of the mesh (E28, R702)."""
    services = {host.name: host for host in mesh.hosts if not host.is_service_entry}
    for entry in mesh.service_entries:
        if entry.spec.location == "MESH_INTERNAL":
            continue
        for endpoint in entry.spec.endpoints:
            if endpoint.address in services:
                hosts = ", ".join(f"`{host}`" for host in entry.spec.hosts)
                yield Problem(
                    endpoint.node.at("address"),
                    f"{hosts} is outside the mesh, yet this endpoint is a Service of the mesh",
                    label="a Service of the mesh",
                    help="a VirtualService on the mesh sends requests for a host to another service",
                )
