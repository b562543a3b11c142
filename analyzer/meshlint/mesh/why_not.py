"""Why a route does not take a request: which of its conditions fail, what takes the request before it, or why it is not asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from meshlint import request as a
from meshlint.mesh.applied import called, kept
from meshlint.mesh.delegates import Rule, VirtualService, http_rules
from meshlint.mesh.hosts import covers, qualify
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, Client, FromOutside, FromPod, Origin, sidecar, static_values
from meshlint.mesh.predicate import Not, Predicate, holds, tests
from meshlint.mesh.re2 import BadPattern
from meshlint.mesh.reasons import mismatch, words
from meshlint.mesh.routing import Match, bound_gateways, parts, static
from meshlint.mesh.scope import hosts_of
from meshlint.mesh.steps import Fact, Trace, Tried
from meshlint.mesh.targets import SIDECARS
from meshlint.mesh.view import view
from meshlint.mesh.virtual_hosts import domain_of
from meshlint.request import Attribute, Request
from meshlint.source.node import Node


class Verdict(Enum):
    """What keeps a route from taking the request, if anything does."""

    TAKEN = "taken"
    EARLIER = "earlier"
    UNMET = "unmet"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """One condition of a match entry, and what keeps the request from it: empty where it holds."""

    text: str
    node: Node
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A match entry, condition by condition: all of them have to hold."""

    node: Node
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, eq=False)
class WhyNot:
    """The answer for one route. `reasons` are those for which it is not asked at all."""

    route: str
    verdict: Verdict
    text: str
    node: Node
    entries: tuple[Entry, ...] = ()
    reasons: tuple[Fact, ...] = ()


def why_not(mesh: Mesh, origin: Origin, found: Trace, rule: Rule) -> WhyNot:
    """Why *rule* does not take the request of a trace that starts at *origin*."""
    node, name = rule.route.node, rule_name(mesh, rule)
    for step in found.steps:
        for one in step.tried:
            if one.node is node:
                taker = next((other for other in step.tried if other.matched), None)
                return _asked(name, one, taker)
    end = f"the request comes to no proxy that has it: it ends as {found.outcome.kind.value}"
    reasons = tuple(_absent(mesh, origin, found, rule)) or (Fact(end),)
    return WhyNot(name, Verdict.ELSEWHERE, "no proxy asks this route about the request", node, (), reasons)


def rule_name(mesh: Mesh, rule: Rule) -> str:
    """What to call a route in a sentence: by its object, and by its name or its place there."""
    own = rule.route.name or str(http_rules(mesh, rule.vs).index(rule))
    return f"{called(rule.vs)}, route {own}"


def _asked(name: str, one: Tried, taker: Tried | None) -> WhyNot:
    entries = tuple(_entry(match, one.seen) for match in one.entries) if one.seen is not None else ()
    if one.matched:
        return WhyNot(name, Verdict.TAKEN, "this route takes the request", one.node, entries)
    if one.matched is None and taker is not None:
        return WhyNot(name, Verdict.EARLIER, f"`{taker.name}` takes the request before it", taker.node, entries)
    return WhyNot(name, Verdict.UNMET, one.why or "its conditions do not hold", one.node, entries)


def _entry(match: Match, seen: Request) -> Entry:
    return Entry(match.node, tuple(_condition(match, part, seen) for part in parts(match.predicate)))


def _condition(match: Match, part: Predicate, seen: Request) -> Condition:
    try:
        why = "" if holds(part, seen) else mismatch([part], seen)
    except BadPattern as error:
        why = f"it is not read: {error}"
    return Condition(words(part), _written(match.node, part), why)


_FIELDS = {a.PATH: "uri", a.METHOD: "method", a.SCHEME: "scheme", a.AUTHORITY: "authority", a.PORT: "port"}
_PROXY = {a.GATEWAY: "gateways", a.CLIENT_NAMESPACE: "sourceNamespace"}
_GROUPS = (("header:", "headers"), ("query:", "queryParams"), ("proxy.label:", "sourceLabels"))


def _written(entry: Node, part: Predicate) -> Node:
    """Where the condition stands in its entry, or the entry itself."""
    attribute = next((test.attribute for test in tests(part)), None)
    if attribute is None:
        return entry
    path = _path(attribute, is_negative=isinstance(part, Not))
    lowered = {key.lower(): key for key in entry.at(path[0]).mapping} if len(path) > 1 else {}
    return entry.at(path[0], lowered.get(path[1].lower(), path[1])) if len(path) > 1 else entry.at(*path)


def _path(attribute: Attribute, *, is_negative: bool) -> tuple[str, ...]:
    for prefix, group in _GROUPS:
        if attribute.startswith(prefix):
            return ("withoutHeaders" if is_negative else group, attribute.removeprefix(prefix))
    return ((_FIELDS | _PROXY).get(attribute, ""),)


def _absent(mesh: Mesh, origin: Origin, found: Trace, rule: Rule) -> Iterator[Fact]:
    """The reasons for which no proxy on the way asks the route, the nearest to the user first."""
    vs = rule.vs
    name = domain_of(found.request.get(a.AUTHORITY) or "")
    domain = mesh.settings.cluster_domain
    client: Client | None
    match origin:
        case FromPod(namespace):
            full, client, place = qualify(name, namespace, domain), sidecar(origin), SIDECARS
        case AtGateway(gateway):
            full, client, place = name, None, gateway
        case FromOutside():
            full, client, place = name, None, ""
    if not any(covers(host, one) for host in hosts_of(vs, domain) for one in (name, full, f"{name}.svc.{domain}")):
        yield Fact(f"its hosts are {', '.join(vs.spec.hosts)}: the request is for `{name}`", vs.spec.node.at("hosts"))
    bound = bound_gateways(vs)
    if place and place not in bound:
        here = "sidecars" if place == SIDECARS else f"Gateway {place}"
        yield Fact(f"it acts at {', '.join(bound)}, not at {here}", vs.spec.node.at("gateways"))
    elif client is not None:
        yield from _at_client(mesh, client, found, rule)
    yield from (fact for step in found.steps for fact in step.facts if fact.node is vs.name_node)


def _at_client(mesh: Mesh, client: Client, found: Trace, rule: Rule) -> Iterator[Fact]:
    """What keeps the route from the client's sidecar: it is not exported, not imported, or for other clients or ports."""
    vs: VirtualService = rule.vs
    if not mesh.audience_of(vs).includes(client.namespace):
        yield Fact(f"it is not exported to {client.namespace}", vs.spec.node.at("exportTo"))
        return
    seen = view(mesh, client)
    if vs not in seen.services:
        chosen = seen.sidecar
        who = f"Sidecar {chosen.namespace}/{chosen.name} does not import it" if chosen is not None else "not imported"
        yield Fact(who, chosen.name_node if chosen is not None else None)
        return
    port = int(found.request.get(a.PORT) or 0)
    proxy = Request.of(static_values(client, port))
    unmet = [static(one.predicate) for one in rule.route.matches]
    if not any(holds(one, proxy) for one in unmet):
        yield Fact(f"it is for other clients or ports: {mismatch(unmet, proxy)}", rule.route.node.at("match"))
        return
    configured = kept(mesh, client, vs, port)
    last = next((one for one in configured if one.is_catch_all), None)
    if last is not None and all(one.rule.route.node is not rule.route.node for one in configured):
        yield Fact("a route before it takes all: nothing after that is configured", last.rule.route.node)
