"""The rules of a VirtualService as one proxy gets them for one port, and which of them takes a request."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from meshlint.mesh import history
from meshlint.mesh.delegates import Rule, http_rules
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import Client, at_proxy, static_values
from meshlint.mesh.predicate import All, AnyOf, Not, Predicate, Unclear, holds
from meshlint.mesh.re2 import BadPattern, Unreadable
from meshlint.mesh.reasons import mismatch
from meshlint.mesh.routing import Match, dynamic, static
from meshlint.mesh.steps import Tried
from meshlint.mesh.targets import SIDECARS
from meshlint.request import PATH, Request
from meshlint.resources.base import Resource
from meshlint.resources.virtual_service import VirtualServiceSpec

VirtualService = Resource[VirtualServiceSpec]


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """A rule that is in the proxy's configuration, with the entries that are, and where it was written for."""

    rule: Rule
    matches: tuple[Match, ...]
    port: int
    place: str
    is_catch_all: bool


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Which rule takes a request, by which entry, and what was tried on the way.

    `unclear` says why it cannot be told.
    """

    kept: Kept | None
    match: Match | None
    tried: tuple[Tried, ...]
    unclear: str = ""


def kept(mesh: Mesh, client: Client, vs: VirtualService, port: int, place: str = SIDECARS) -> tuple[Kept, ...]:
    """The HTTP rules of *vs* that the proxy gets for the port, up to the first catch-all (R230-R235, R304)."""
    return mesh.derived(_kept, mesh, client, vs, port, place)


def choose(rules: tuple[Kept, ...], client: Client, request: Request) -> Chosen:
    """The first rule that the request satisfies (R301)."""
    tried: list[Tried] = []
    for position, one in enumerate(rules):
        seen = at_proxy(request, client, one.port, one.place)
        name = title(one)
        if request.get(PATH) == "*":  # R319: what asks for no path has no route.
            tried.append(Tried(name, one.rule.route.node, matched=False, why="no route takes the path `*`"))
            continue
        try:
            match = next((entry for entry in one.matches if holds(entry.predicate, seen)), None)
            why = "" if match is not None else mismatch([entry.predicate for entry in one.matches], seen)
        except Unreadable as error:
            return Chosen(None, None, tuple(tried), unclear=f"`{name}` has an expression that is not read: {error}")
        except BadPattern as error:
            return Chosen(None, None, tuple(tried), unclear=f"`{name}` has an expression that is not read: {error}")
        unclear = next((word for entry in one.matches for word in unclear_parts(entry.predicate)), "")
        if match is None and unclear:
            return Chosen(None, None, tuple(tried), unclear=f"`{name}`: {unclear}")
        tried.append(Tried(name, one.rule.route.node, match is not None, why, one.matches, seen))
        if match is not None:
            rest = [_untried(later, client, request) for later in rules[position + 1 :]]
            return Chosen(one, match, (*tried, *rest))
    return Chosen(None, None, tuple(tried))


def _untried(one: Kept, client: Client, request: Request) -> Tried:
    seen = at_proxy(request, client, one.port, one.place)
    return Tried(title(one), one.rule.route.node, None, "", one.matches, seen)


def title(one: Kept) -> str:
    """What to call a rule: its name, else its place in the list."""
    return one.rule.route.name or "/".join(str(step) for step in one.rule.route.node.path[-2:])


def called(vs: VirtualService) -> str:
    """What to call the object that routes: a VirtualService, or the route of the Gateway API that is one to Istio."""
    return f"{vs.ref.kind} {vs.namespace}/{vs.name}"


def unclear_parts(predicate: Predicate) -> tuple[str, ...]:
    """Why parts of a predicate cannot be decided."""
    match predicate:
        case Unclear(why, known):
            return (why,) if known is None else ()
        case Not(inner):
            return unclear_parts(inner)
        case All(inner) | AnyOf(inner):
            return tuple(word for one in inner for word in unclear_parts(one))
        case _:
            return ()


def _kept(mesh: Mesh, client: Client, vs: VirtualService, port: int, place: str) -> tuple[Kept, ...]:
    proxy = Request.of(static_values(client, port, place))
    found: list[Kept] = []
    for rule in http_rules(mesh, vs):
        matches = tuple(one for one in rule.route.matches if holds(static(one.predicate), proxy))
        if not matches:
            continue
        last = next((index for index, one in enumerate(matches) if _takes_all(mesh, one)), None)
        found.append(Kept(rule, matches if last is None else matches[: last + 1], port, place, last is not None))
        if last is not None:
            break
    return tuple(found)


def apart(rules: Iterable[Kept]) -> Iterator[Kept]:
    """The rules with what takes all in a rule of its own: gateways move just that behind the others (R216)."""
    for one in rules:
        if one.is_catch_all and len(one.matches) > 1:
            yield replace(one, matches=one.matches[:-1], is_catch_all=False)
            yield replace(one, matches=one.matches[-1:])
        else:
            yield one


def _takes_all(mesh: Mesh, match: Match) -> bool:
    """Whether Istio sees that the entry takes every request of this proxy and port (R303, and R1008 for Istio 1.0)."""
    uri = match.written.uri if match.written is not None else None
    if uri is not None and uri.regex is not None and mesh.settings.istio_version < history.SCOPES:
        return False
    return dynamic(match.predicate) == All() and (uri is None or uri.prefix != "")
