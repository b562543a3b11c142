"""ServiceEntries on their own: the names of their ports and hosts, and where their endpoints lead."""

from collections.abc import Iterator
from difflib import get_close_matches

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.hosts import is_address, is_wildcard
from meshlint.mesh.model import Mesh
from meshlint.registry import checks


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
