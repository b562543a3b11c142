"""Which virtual host of a sidecar answers to a Host header, and which rules it has (R113, R204-R214)."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.mesh import history
from meshlint.mesh.applied import Kept, called, kept
from meshlint.mesh.hosts import covers, is_address, is_wildcard, specificity
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client
from meshlint.mesh.refusals import Refusal, refusal, suspects
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.services import Host, addresses
from meshlint.mesh.translated import is_translated
from meshlint.mesh.view import View, concrete, known, sees, visible_on
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import VirtualServiceSpec

VirtualService = Resource[VirtualServiceSpec]


@dataclass(frozen=True, slots=True, eq=False)
class VirtualHost:
    """What answers to a Host header: a host of the registry, a VirtualService's literal host, or both.

    Without a VirtualService all requests go to the host itself (R214). `passed` are VirtualServices for the same host
    that count for nothing, and why.
    """

    name: str
    host: Host | None
    vs: VirtualService | None
    rules: tuple[Kept, ...]
    passed: tuple[tuple[VirtualService, str], ...] = ()


def virtual_host(mesh: Mesh, client: Client, seen: View, port: int, authority: str) -> VirtualHost | None:
    """The virtual host that takes requests for *authority* on an HTTP port; None where there is none (R704)."""
    name = domain_of(authority)
    if mesh.settings.istio_version < history.ANY_PORT and port_of(authority) not in (None, port):
        return None
    exact = sorted(_exact(mesh, client, seen, port, name), key=lambda one: _claim(seen, one))
    if exact:
        return exact[0]
    wide = [one for one in _wide(mesh, client, seen, port) if covers(one.name, name)]
    return min(wide, key=lambda one: (specificity(one.name), _claim(seen, one)), default=None)


def own_virtual_host(mesh: Mesh, client: Client, seen: View, port: int, host: Host) -> VirtualHost:
    """The virtual host of a host of the registry on a port, whatever the Host header says (R209, R443)."""
    vs, rules, passed = _attached(mesh, client, seen, port, host)
    return VirtualHost(host.name, host, vs, rules, passed)


def refused(mesh: Mesh, client: Client, seen: View, port: int) -> Refusal | None:
    """What Envoy stumbles over in the routes of an HTTP port, whichever host it is for (R404); None where it takes them."""
    return mesh.derived(_refused, mesh, client, seen, port)


def domain_of(authority: str) -> str:
    """The Host header as virtual hosts see it: in lower case, without the port (R110, R113)."""
    text = authority.lower()
    if text.startswith("["):
        return text.partition("]")[0].removeprefix("[")
    head, colon, port = text.rpartition(":")
    return head if colon and port.isdigit() and ":" not in head else text


def port_of(authority: str) -> int | None:
    """The port that a Host header names, if any."""
    rest = authority[len(domain_of(authority)) :] if not authority.startswith("[") else authority.rpartition("]")[2]
    return int(rest[1:]) if rest[:1] == ":" and rest[1:].isdecimal() else None


def named(mesh: Mesh, namespace: str, name: str) -> tuple[Host, ...]:
    """The hosts of the registry that a client in *namespace* means by a name or an address (R113)."""
    if is_address(name):
        return mesh.derived(_by_address, mesh).get(name, ())
    domain = mesh.settings.cluster_domain
    labels = name.split(".")
    given = [name.removesuffix(".") if len(labels) > 2 else name]
    if len(labels) == 1:
        given.append(f"{name}.{namespace}.svc.{domain}")
    elif len(labels) == 2:
        given.append(f"{name}.svc.{domain}")
    elif len(labels) == 3 and labels[2] == "svc":
        given.append(f"{name}.{domain}")
    table = mesh.derived(_by_name, mesh)
    return tuple(host for one in given for host in table.get(one, ()))


def spellings(host: Host, namespace: str, domain: str) -> tuple[str, ...]:
    """The names by which a client in *namespace* may call a host, its full name first (R113)."""
    if host.is_service_entry or not host.name.endswith(f".svc.{domain}"):
        return (host.name,)
    in_full = host.name.removesuffix(f".{domain}")
    half = in_full.removesuffix(".svc")
    short = (half.removesuffix(f".{host.namespace}"),) if host.namespace == namespace else ()
    return (host.name, in_full, half, *short)


def _refused(mesh: Mesh, client: Client, seen: View, port: int) -> Refusal | None:
    if mesh.settings.istio_version < history.ONE_SERVICE_A_HOST:
        twin = _twin(mesh, client, seen, port)
        if twin is not None:
            return twin
    for vs in seen.services:
        if vs in suspects(mesh) and _is_used(mesh, client, seen, port, vs):
            found = refusal(mesh, kept(mesh, client, vs, port))
            if found is not None:
                return found
    return None


def _twin(mesh: Mesh, client: Client, seen: View, port: int) -> Refusal | None:
    """A host that two VirtualServices have on the port, so that it stands twice in the routes (R1013)."""
    here = {host.name for host, one in visible_on(mesh, seen, port) if one.protocol.may_be_http}
    for name, services in seen.exact.items():
        used = [vs for vs in services if kept(mesh, client, vs, port)]
        used = [vs for vs in used if name in here or _may_be_literal(mesh, seen, vs, port)]
        if here and len(used) > 1:
            who = " and ".join(called(vs) for vs in used)
            return Refusal(f"Envoy refuses all routes of the port: {who} both have `{name}`", used[1].name_node)
    return None


def _is_used(mesh: Mesh, client: Client, seen: View, port: int, vs: VirtualService) -> bool:
    """Whether some virtual host of the port has the routes of *vs*."""
    here = [host for host, one in visible_on(mesh, seen, port) if one.protocol.may_be_http]
    if any(own_virtual_host(mesh, client, seen, port, host).vs is vs for host in here):
        return True
    names = [one.lower() for one in hosts_of(vs, mesh.settings.cluster_domain)]
    literal = [name for name in names if not any(covers(name, host.name) for host in here)]
    return bool(literal) and bool(here) and _may_be_literal(mesh, seen, vs, port)


def _by_name(mesh: Mesh) -> dict[str, tuple[Host, ...]]:
    """The hosts by their names in lower case, as virtual hosts have them (R110)."""
    found: dict[str, tuple[Host, ...]] = {}
    for host in mesh.hosts:
        found[host.name.lower()] = (*found.get(host.name.lower(), ()), host)
    return found


def _by_address(mesh: Mesh) -> dict[str, tuple[Host, ...]]:
    found: dict[str, tuple[Host, ...]] = {}
    for host in mesh.hosts:
        for one in addresses(host):
            found[one] = (*found.get(one, ()), host)
    return found


def _claim(seen: View, one: VirtualHost) -> tuple[int, int]:
    """Who gets a domain that several claim: those with a VirtualService, in its order, before all others (R212)."""
    return (1, 0) if one.vs is None else (0, seen.rank(one.vs))


def _exact(mesh: Mesh, client: Client, seen: View, port: int, name: str) -> Iterator[VirtualHost]:
    here = [host for host in _meant(mesh, seen, name) if _is_http(mesh, seen, host, port)]
    for host in here:
        yield own_virtual_host(mesh, client, seen, port, host)
    if any(host.name.lower() == name for host in here):
        return
    for vs in seen.exact.get(name, ()):
        rules = kept(mesh, client, vs, port)
        if rules and _may_be_literal(mesh, seen, vs, port):
            yield VirtualHost(name, None, vs, rules)
            return


def _meant(mesh: Mesh, seen: View, name: str) -> tuple[Host, ...]:
    """The hosts that a client means by a name, aliases resolved, each once (R112, R506)."""
    found = [host for host in named(mesh, seen.namespace, name) if host in known(mesh, seen, host.name)]
    resolved = [concrete(mesh, seen, host) for host in found]
    return tuple(dict.fromkeys(host for host in resolved if host is not None))


def _wide(mesh: Mesh, client: Client, seen: View, port: int) -> Iterator[VirtualHost]:
    """The virtual hosts with wildcards: of ServiceEntries and, where nothing in the registry fits, literal ones (R209)."""
    here = [host for host, one in visible_on(mesh, seen, port) if one.protocol.may_be_http]
    for host in here:
        if is_wildcard(host.name):
            yield own_virtual_host(mesh, client, seen, port, host)
        elif host.is_headless:
            own = own_virtual_host(mesh, client, seen, port, host)
            for name in spellings(host, seen.namespace, mesh.settings.cluster_domain):
                yield VirtualHost(f"*.{name}", host, own.vs, own.rules, own.passed)
    for name, services in seen.wide.items():
        if any(covers(name, host.name) for host in here):
            continue
        for vs in services:
            rules = kept(mesh, client, vs, port)
            if rules and _may_be_literal(mesh, seen, vs, port):
                yield VirtualHost(name, None, vs, rules)
                break


def _is_http(mesh: Mesh, seen: View, host: Host, port: int) -> bool:
    one = host.port(port)
    return one is not None and one.protocol.may_be_http and sees(mesh, seen, host, port)


def _may_be_literal(mesh: Mesh, seen: View, vs: VirtualService, port: int) -> bool:
    """Whether a host of *vs* that is not in the registry counts on the port: on 80, or beside one that is (R208)."""
    if port == 80:
        return True
    names = [one.lower() for one in hosts_of(vs, mesh.settings.cluster_domain)]
    here = [host for host, one in visible_on(mesh, seen, port) if one.protocol.may_be_http]
    return any(covers(name, host.name) for name in names for host in here)


def _attached(
    mesh: Mesh, client: Client, seen: View, port: int, host: Host
) -> tuple[VirtualService | None, tuple[Kept, ...], tuple[tuple[VirtualService, str], ...]]:
    """The VirtualService of the most specific host that has any rule here, and those passed over (R207, R209, R211)."""
    candidates = _candidates(mesh, seen, host.name)
    passed: list[tuple[VirtualService, str]] = []
    for position, vs in enumerate(candidates):
        rules = kept(mesh, client, vs, port)
        if rules:
            later = [(other, "another VirtualService has the host: they are not merged") for other in candidates]
            return vs, rules, (*passed, *later[position + 1 :])
        passed.append((vs, "none of its routes is for this client and port"))
    return None, (), tuple(passed)


def _candidates(mesh: Mesh, seen: View, name: str) -> tuple[VirtualService, ...]:
    """The VirtualServices that may be a host's: those of the closest host, once all that cover it, by age (R209)."""
    if mesh.settings.istio_version >= history.CLOSEST_WILDCARD:
        return seen.exact.get(name) or _widest(seen, name)[:1]
    found = {vs for one, some in seen.wide.items() if covers(one, name) for vs in some}
    return tuple(vs for vs in seen.services if vs in found or vs in seen.exact.get(name, ()))


def _widest(seen: View, name: str) -> tuple[VirtualService, ...]:
    """The VirtualServices of the closest wildcard that covers the host; those of the Gateway API stay literal (R915)."""
    wide = {
        one: tuple(vs for vs in some if one == name or not is_translated(vs))
        for one, some in seen.wide.items()
        if covers(one, name)
    }
    fitting = [one for one, some in wide.items() if some]
    return wide[min(fitting, key=specificity)] if fitting else ()
