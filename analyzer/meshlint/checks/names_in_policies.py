"""Names that rules of AuthorizationPolicies use: callers, namespaces, hosts and methods that nothing and nobody has."""

from collections.abc import Iterator

from meshlint.finding import Edit, Fix, Outside, Problem, Result
from meshlint.mesh.conditions import quote
from meshlint.mesh.hosts import home_of, is_address
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.policy_values import Entry, entries
from meshlint.mesh.re2 import matches
from meshlint.mesh.suggestions import did_you_mean, nearest, nearest_host
from meshlint.registry import checks
from meshlint.resources.security import AuthorizationPolicy


@checks("MSH510")
def no_such_source_namespace(mesh: Mesh) -> Iterator[Result]:
    """A rule about callers from a namespace that does not exist (S49)."""
    for policy in mesh.authorization_policies:
        for entry in entries(policy, "namespaces", "source.namespace"):
            if not mesh.derived(_has_namespace, mesh, entry.value):
                yield _no_namespace(mesh, entry)


@checks("MSH511")
def no_such_host_in_policy(mesh: Mesh) -> Iterator[Result]:
    """A rule about requests for a host of the cluster that does not exist (S59)."""
    for policy in mesh.authorization_policies:
        for entry in entries(policy, "hosts"):
            yield from _no_host(mesh, policy, entry)


@checks("MSH512")
def invalid_method(mesh: Mesh) -> Iterator[Result]:
    """A rule about a method that no request has (S60)."""
    for policy in mesh.authorization_policies:
        for entry in entries(policy, "methods"):
            if not _is_method(entry.value):
                yield _no_method(entry)


def _has_namespace(mesh: Mesh, value: str) -> bool:
    """Whether the value is a known namespace or, each star being any text, stands for one."""
    known = mesh.known_namespaces | {mesh.config.root_namespace, "default", "kube-system"}
    if "*" not in value:
        return value in known
    pattern = ".*".join(quote(part) for part in value.split("*"))
    return any(matches(pattern, f"{name}/sa") or matches(pattern, name) for name in known)


def _no_namespace(mesh: Mesh, entry: Entry) -> Result:
    if not mesh.expects(Class.NAMESPACES, entry.value):
        return Outside(entry.node, f"namespace {entry.value}")
    what = (
        f"no namespace is like `{entry.value}`" if "*" in entry.value else f"namespace `{entry.value}` does not exist"
    )
    effect = "so this excludes nobody" if entry.is_negated else "so nobody calls from there"
    return Problem(
        entry.node,
        f"{what}, {effect}",
        label="does not exist",
        help=did_you_mean(nearest(entry.value, mesh.known_namespaces)),
        aliases=() if entry.is_negated or entry.name != "namespaces" else None,
    )


def _no_host(mesh: Mesh, policy: AuthorizationPolicy, entry: Entry) -> Iterator[Result]:
    full = _full_name(mesh, policy, entry.value)
    if full is None or mesh.hosts_named(full) or _is_routed(mesh, full, entry.value):
        return
    home = home_of(full, mesh.settings.cluster_domain)
    if not mesh.expects(Class.HOSTS, home):
        yield Outside(entry.node, f"host {full}")
        return
    is_full = entry.value.partition(":")[0].lower() == full
    yield Problem(
        entry.node,
        f"no Service or ServiceEntry has host `{entry.value}`, so no request is for it",
        label="does not exist",
        help=did_you_mean(nearest_host(mesh, full)),
        aliases=() if entry.is_negated or is_full else None,
    )


def _full_name(mesh: Mesh, policy: AuthorizationPolicy, value: str) -> str | None:
    """The name of a service of the cluster that the value stands for; None where it may be any host's."""
    host = value.partition(":")[0].lower()
    if not host or "*" in value or host == "localhost" or is_address(host) or value.startswith("["):
        return None
    labels = host.split(".")
    domain = mesh.settings.cluster_domain
    if len(labels) == 1:
        is_of_all = policy.namespace == mesh.config.root_namespace
        return None if is_of_all else f"{host}.{policy.namespace}.svc.{domain}"
    if labels[1] not in mesh.known_namespaces:
        return None
    if len(labels) == 2 or host == ".".join((*labels[:2], "svc")):
        return f"{labels[0]}.{labels[1]}.svc.{domain}"
    return host if host == f"{labels[0]}.{labels[1]}.svc.{domain}" else None


def _is_routed(mesh: Mesh, full: str, value: str) -> bool:
    """Whether a VirtualService gives the name a meaning of its own."""
    return bool({full, value, value.partition(":")[0].lower()} & mesh.derived(_routed_hosts, mesh))


def _routed_hosts(mesh: Mesh) -> frozenset[str]:
    domain = mesh.settings.cluster_domain
    written = {(vs.namespace, host) for vs in mesh.virtual_services for host in vs.spec.hosts}
    return frozenset(host for _, host in written) | {f"{host}.{home}.svc.{domain}" for home, host in written}


_COMMON = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE")
_REGISTERED = (
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "PURGE",
    "QUERY",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
)
"""The methods of extensions of HTTP, and that of caches for throwing away what they hold."""


def _is_method(value: str) -> bool:
    """Whether some method is the value or, with a star at one end, like it."""
    known = (*_COMMON, *_REGISTERED)
    if value.startswith("*"):
        return any(name.endswith(value[1:]) for name in known)
    if value.endswith("*"):
        return any(name.startswith(value[:-1]) for name in known)
    return value in known


def _no_method(entry: Entry) -> Problem:
    value, upper = entry.value, entry.value.upper()
    if _is_method(upper):
        return Problem(
            entry.node,
            f"methods are compared with their case: no request has method `{value}`",
            label="wrong case",
            help=did_you_mean(upper),
            fix=Fix(f"write `{upper}`", (Edit(entry.node.span, upper),), is_safe=True),
            aliases=(),
        )
    return Problem(
        entry.node,
        f"no request has method `{value}`: it is no method of HTTP",
        label="no method",
        help=did_you_mean(nearest(upper, _COMMON)) or _GRPC,
        aliases=() if entry.is_negated else None,
    )


_GRPC = "every gRPC call is a POST: its method is the path, `/package.Service/Method`"
