"""Routes of the Gateway API: parents that do not take them, backends that are not there, order that is not the written one."""

from collections.abc import Iterator

from meshlint import space
from meshlint.finding import Note, Outside, Problem, Result, Undecided, Witness
from meshlint.mesh.backends import HOSTNAME, SERVICE, Backend, Flaw, backends
from meshlint.mesh.kubernetes_gateways import Listening, Parent, listenings_of
from meshlint.mesh.kubernetes_matches import SEGMENTS
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.parents import Attachment, Route, Verdict, attachments, hostnames, routes
from meshlint.mesh.predicate import both
from meshlint.mesh.routing import Route as Branch
from meshlint.mesh.routing import RouteTable
from meshlint.mesh.scope import where
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.mesh.translated import translated_tables
from meshlint.registry import checks
from meshlint.resources.gateway_api import BackendRef, Filter, GRPCRule, HTTPRule, ParentRef, PlainRule, Target
from meshlint.source.node import Node
from meshlint.space.order import lost_rules

_OF_KIALI = frozenset({"HTTPRoute", "GRPCRoute"})
_GATEWAY_KINDS = frozenset({"Gateway", "ListenerSet"})
_GROUPS = {"Service": '""', "ServiceEntry": "networking.istio.io", "Gateway": "gateway.networking.k8s.io"}


@checks("MSH130")
def no_such_parent(mesh: Mesh) -> Iterator[Result]:
    """A parent that is not there, or that does not take the route: its rules count for nothing there (R902, R903)."""
    for route in routes(mesh):
        for one in attachments(mesh, route):
            if one.is_accepted or one.verdict is Verdict.FOREIGN or not one.ref.name:
                continue
            if one.verdict is Verdict.NO_PARENT:
                yield _missing_parent(mesh, one)
            elif one.verdict is Verdict.UNKNOWN_KIND:
                yield from _unknown_parent(one)
            else:
                yield from _refused(mesh, one)


@checks("MSH131")
def no_such_backend(mesh: Mesh) -> Iterator[Result]:
    """A backend that is not there, without its port, or of a kind that Istio sends nothing to: 500s (R908, R909)."""
    for route in routes(mesh):
        for one in _backends(mesh, route):
            if one.flaw is None:
                if (one.ref.group, one.ref.kind) in (SERVICE, HOSTNAME) and not mesh.hosts_named(one.host):
                    yield Outside(one.ref.node.at("name"), f"host {one.host}")
            elif one.flaw is not Flaw.NOT_GRANTED and not _is_told_by_others(mesh, route, one):
                yield _missing_backend(mesh, route, one, one.flaw)


@checks("MSH132")
def reference_not_granted(mesh: Mesh) -> Iterator[Result]:
    """A backend in another namespace that no ReferenceGrant there opens to the route: its share gets 500s (R910)."""
    for route in routes(mesh):
        for one in _backends(mesh, route):
            if one.flaw is Flaw.NOT_GRANTED:
                yield _ungranted(mesh, route, one.ref)


@checks("MSH133")
def regex_below_prefix(mesh: Mesh) -> Iterator[Result]:
    """An expression for paths that is written above a prefix, and tried below it: the prefix takes requests of it (R905)."""
    told = {(lost.node.document, lost.node.path) for lost in lost_rules(mesh)}
    for table in translated_tables(mesh):
        for position, route in enumerate(table.routes if table.block == "http" else ()):
            own = route.node
            if _kind(route) != "regex" or any((own.document, own.path[:depth]) in told for depth in (3, len(own.path))):
                continue
            found = _overtaken(mesh, table, route, table.routes[:position])
            if found is not None:
                told.add((own.document, own.path))
                yield found


def _missing_parent(mesh: Mesh, one: Attachment) -> Result:
    """A parent that the input does not have: a mistake only where it would have it."""
    ref, home = one.ref, one.ref.namespace or one.route.namespace
    node = ref.node.at("name")
    kind = Class.GATEWAYS if ref.kind in _GATEWAY_KINDS else Class.HOSTS
    if not mesh.expects(kind, home):
        return Outside(node, f"{ref.kind} {home}/{ref.name}")
    message = f"there is no {ref.kind} `{home}/{ref.name}`: the rules of this route count for nothing there"
    return Problem(node, message, "no such parent", help=_parent_hint(mesh, ref, home), aliases=_aliases(one))


def _parent_hint(mesh: Mesh, ref: ParentRef, home: str) -> str:
    there = [one for one in mesh.resources if one.ref.kind == ref.kind and _is_of(one.ref.api_version, ref.group)]
    elsewhere = sorted(one.namespace for one in there if one.name == ref.name)
    if elsewhere:
        return f"there is one in namespace `{elsewhere[0]}`: say so by `namespace: {elsewhere[0]}`"
    return did_you_mean(nearest(ref.name, {one.name for one in there if one.namespace == home}))


def _is_of(api_version: str, group: str) -> bool:
    return api_version.rpartition("/")[0] == group


def _unknown_parent(one: Attachment) -> Iterator[Problem]:
    """A kind that no route has as its parent; kinds of other groups may be another controller's."""
    ref = one.ref
    if ref.group not in _GROUPS.values() and ref.group:
        return
    group = _GROUPS.get(ref.kind)
    node = ref.node.get("kind") or ref.node.at("group")
    written = f"`{ref.kind}` of group `{ref.group}`"
    help_ = (
        f"a {ref.kind} needs `group: {group}`"
        if group is not None
        else "parents are Gateways, or Services for the mesh"
    )
    yield Problem(node, f"no route has a parent of kind {written}", "no parent", help=help_, aliases=())


def _refused(mesh: Mesh, one: Attachment) -> Iterator[Result]:
    """A parent that is there and does not take the route, and what would have to change."""
    ref, home = one.ref, one.ref.namespace or one.route.namespace
    here = listenings_of(mesh, Parent(ref.kind, home, ref.name)) or ()
    if any(len(mesh.alternatives(each.owner)) > 1 for each in here):
        return
    if not one.is_certain:
        yield Outside(ref.node.at("name"), f"the labels of namespace {one.route.namespace}")
        return
    name = f"{ref.kind} `{home}/{ref.name}`"
    node, why, help_ = _reason(one, here, name)
    message = f"{why}: the rules of this route count for nothing there"
    notes = tuple(Note(each.listener.node.at("name").span, "a listener of it") for each in here)
    yield Problem(node, message, "not taken", notes, help_, aliases=_aliases(one))


def _reason(one: Attachment, here: tuple[Listening, ...], name: str) -> tuple[Node, str, str]:
    """Where and why the listeners refuse the route, and a hint."""
    ref, route = one.ref, one.route
    match one.verdict:
        case Verdict.NO_PORT:
            ports = ", ".join(str(port) for port in sorted({each.listener.port or 0 for each in here}))
            return ref.node.at("port"), f"no listener of {name} has port {ref.port}", f"its ports are {ports}"
        case Verdict.NO_SECTION:
            known = {each.listener.name for each in here}
            hint = did_you_mean(nearest(ref.section_name, known)) or f"its listeners are {', '.join(sorted(known))}"
            return ref.node.at("sectionName"), f"no listener of {name} is called `{ref.section_name}`", hint
        case Verdict.NO_HOSTNAME:
            wanted = ", ".join(sorted({each.hostname for each in here}))
            node = route.spec.node.at("hostnames")
            own = ", ".join(hostnames(route))
            return node, f"no listener of {name} has a hostname in common with {own}", f"the listeners are for {wanted}"
        case Verdict.NAMESPACE:
            why = f"no listener of {name} allows routes from namespace `{route.namespace}`"
            return ref.node.at("name"), why, "open it by `allowedRoutes.namespaces` of a listener"
        case _:
            why = f"no listener of {name} allows routes of kind {route.ref.kind}"
            return ref.node.at("name"), why, "its `protocol` and `allowedRoutes.kinds` say which kinds a listener takes"


def _aliases(one: Attachment) -> tuple[str, ...]:
    """What Kiali reports too: Gateways that are missing or closed, for routes of HTTP and gRPC."""
    is_asked = one.verdict in (Verdict.NO_PARENT, Verdict.NAMESPACE) and one.ref.kind == "Gateway"
    return ("KIA1401",) if is_asked and one.route.ref.kind in _OF_KIALI else ()


def _backends(mesh: Mesh, route: Route) -> Iterator[Backend]:
    """What the route sends requests or copies to; a weight of 0 sends none. Routes of other controllers have none here."""
    parents = attachments(mesh, route)
    if parents and all(one.verdict is Verdict.FOREIGN for one in parents):
        return
    in_mesh = bool(parents) and all(one.ref.kind not in _GATEWAY_KINDS for one in parents)
    for rule in route.spec.rules:
        refs = [ref for ref in _refs(rule) if ref.name and not (isinstance(ref, BackendRef) and ref.weight == 0)]
        yield from backends(mesh, route, refs, in_mesh=in_mesh)


def _refs(rule: HTTPRule | GRPCRule | PlainRule) -> Iterator[Target]:
    for ref in rule.backend_refs:
        yield ref
        yield from _copies(ref.filters)
    if not isinstance(rule, PlainRule):
        yield from _copies(rule.filters)


def _copies(filters: tuple[Filter, ...]) -> Iterator[Target]:
    for one in filters:
        if one.request_mirror is not None and one.request_mirror.backend_ref is not None:
            yield one.request_mirror.backend_ref


def _is_told_by_others(mesh: Mesh, route: Route, one: Backend) -> bool:
    """Whether the schema says the same, or the kind may be known to whoever makes the route's parents work."""
    if one.flaw is Flaw.NO_PORT:
        return (one.ref.group, one.ref.kind) == SERVICE
    return one.flaw is Flaw.UNKNOWN_KIND and not any(parent.is_accepted for parent in attachments(mesh, route))


def _missing_backend(mesh: Mesh, route: Route, one: Backend, flaw: Flaw) -> Problem:
    ref, home = one.ref, one.ref.namespace or route.namespace
    loss = "Istio drops all rules of this route" if flaw.is_hard else "its share of the requests gets a 500"
    aliases = ("KIA1402",) if flaw in (Flaw.MISSING, Flaw.DOTTED) and route.ref.kind in _OF_KIALI else ()
    match flaw:
        case Flaw.MISSING:
            known = {host.resource.name for host in mesh.hosts if host.namespace == home}
            node, why = ref.node.at("name"), f"there is no {ref.kind} `{ref.name}` in namespace `{home}`"
            help_ = did_you_mean(nearest(ref.name, known))
        case Flaw.PORT_MISSING:
            ports = sorted({port.number for host in mesh.hosts_named(one.host) for port in host.ports})
            node, why = ref.node.at("port"), f"`{one.host}` has no port {one.port}"
            help_ = f"its ports are {', '.join(map(str, ports))}" if ports else ""
        case Flaw.NO_PORT:
            node, why, help_ = ref.node.at("name"), "a backend needs a port", "write its `port`, as the Service has it"
        case Flaw.DOTTED:
            node, why = ref.node.at("name"), f"`{ref.name}` is a host name, where a Service is named"
            help_ = f"write `name: {ref.name.partition('.')[0]}`, and its `namespace` if that is another one"
        case Flaw.HOSTNAME_IN_NAMESPACE:
            node, why, help_ = ref.node.at("namespace"), "a Hostname lies in no namespace", "leave the namespace out"
        case _:
            node = ref.node.get("kind") or ref.node.at("group")
            why = f"Istio sends no requests to kind `{ref.kind}` of group `{ref.group}`"
            help_ = f'a {ref.kind} needs `group: ""`' if ref.kind == "Service" else ""
    return Problem(node, f"{why}: {loss}", "no such backend", help=help_, aliases=aliases)


def _ungranted(mesh: Mesh, route: Route, ref: Target) -> Result:
    """A reference that no grant of the input allows; grants lie beside what they open."""
    node, home = ref.node.at("namespace"), ref.namespace
    if not mesh.expects(Class.HOSTS, home):
        return Outside(node, f"ReferenceGrants of namespace {home}")
    message = (
        f"no ReferenceGrant in namespace `{home}` allows {route.ref.kind}s of namespace `{route.namespace}` to refer to "
        f"{ref.kind} `{ref.name}`: its share of the requests gets a 500"
    )
    grants = (one for one in mesh.reference_grants if one.namespace == home)
    notes = tuple(Note(one.name_node.span, "a ReferenceGrant there, for others") for one in grants)
    help_ = f"a ReferenceGrant in `{home}` names `{route.ref.kind}` and `{route.namespace}` under `from`, `{ref.kind}` under `to`"
    aliases = ("KIA1402",) if route.ref.kind in _OF_KIALI else ()
    return Problem(node, message, "not granted", notes, help_, aliases=aliases)


def _overtaken(mesh: Mesh, table: RouteTable, route: Branch, earlier: tuple[Branch, ...]) -> Result | None:
    """What becomes of an expression where a prefix before it is written after it, in a later rule of the same object."""
    scope = mesh.derived(where, mesh, table.resource)
    for taker in earlier:
        if _kind(taker) not in ("prefix", SEGMENTS) or not _is_written_below(taker, route):
            continue
        answer = space.satisfiable(both(scope, both(route.predicate, taker.predicate)))
        if isinstance(answer, space.Unknown):
            return Undecided(route.node, answer.why)
        if isinstance(answer, space.Some):
            return Problem(
                route.node,
                "Istio tries this expression after every prefix, and a rule written below takes requests of it",
                label="not tried first",
                notes=(Note(taker.node.span, "this prefix is tried before it"),),
                help="ask for more in the prefix's rule, or give the prefixes that the expression means",
                witness=Witness(answer.request, "taken by the prefix, not by the expression"),
            )
    return None


def _kind(route: Branch) -> str:
    """How the route's one match asks for the path; empty where it does not."""
    uri = route.matches[0].node.get("uri") if route.matches else None
    return next(iter(uri.mapping), "") if uri is not None else ""


def _is_written_below(taker: Branch, route: Branch) -> bool:
    """Whether a later rule of the same object, with a place in the list that its author gave it, is the taker."""
    own, other = route.node, taker.node
    return (
        own.document is other.document and str(own.path[:2]) == str(other.path[:2]) and own.path[2:3] < other.path[2:3]
    )
