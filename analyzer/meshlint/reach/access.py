"""Access: what a client may ask of a server, decided for all requests at once and never by trying some."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from meshlint import space
from meshlint.mesh.authorization import Gates, PolicyRule, gates, is_certain
from meshlint.mesh.conditions import Chain, is_many_valued
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import ALWAYS, NEVER, Exact, Predicate, Test, accepts, both, either, tests
from meshlint.reach.clients import ANONYMOUS, Client, Kind, callers
from meshlint.reach.servers import Entrance, Guarded, Opaque, Open, Peers, Server
from meshlint.reach.words import Clause, clauses, joined
from meshlint.request import METHOD, PATH, PORT, PRINCIPAL, Request
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Always:
    """Every request passes, such as `witness`. `why` says so where no policy has a say, and there is no witness then."""

    why: str = ""
    witness: Request | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """No request passes, for this reason. `node` is what refuses, None where no rule admits."""

    why: str
    node: Node | None = None


@dataclass(frozen=True, slots=True)
class OnConditions:
    """Some requests pass, such as `witness`, and some do not, such as `refused`.

    Each of `admitting` lets requests in on its own, none of `refusing` must match. `authorizers` are the external ones
    that have a say. `refused` is None where they alone refuse, or where a way of calling is closed altogether.
    """

    words: str
    admitting: tuple[Clause, ...]
    refusing: tuple[Clause, ...]
    authorizers: tuple[str, ...]
    witness: Request
    refused: Request | None


@dataclass(frozen=True, slots=True)
class Undecidable:
    """Which of the others it is cannot be decided, for this reason."""

    why: str


Access = Always | Never | OnConditions | Undecidable


def access(mesh: Mesh, server: Server, client: Client) -> Access:
    """What the client may ask of the server (S2, S20, S118-S122)."""
    match server.guard:
        case Open(why):
            return Always(why)
        case Opaque(why):
            return Undecidable(why)
        case Guarded() as guard:
            return _guarded(mesh, server, guard, client)
        case _:
            assert_never(server.guard)


def distinction(mesh: Mesh, server: Server, client: Client) -> tuple[object, ...]:
    """A key that two clients share only if the server cannot tell them apart."""
    if not isinstance(server.guard, Guarded):
        return ()
    if client.kind is not Kind.IDENTITY:
        return (client.kind,)
    asked = mesh.derived(_principal_tests, mesh, server)
    return (client.kind, client.is_certain, *(accepts(test, client.principal) for test in asked))


def _principal_tests(mesh: Mesh, server: Server) -> tuple[Test, ...]:
    if not isinstance(server.guard, Guarded):
        return ()
    found: dict[Test, None] = {}
    for entrance in server.guard.entrances:
        at = gates(mesh, server.guard.policies, entrance.chain)
        for rule in (*at.refusing, *at.asking, *(at.allowing or ())):
            found |= dict.fromkeys(test for test in tests(rule.predicate) if test.attribute == PRINCIPAL)
    return tuple(found)


def _guarded(mesh: Mesh, server: Server, guard: Guarded, client: Client) -> Access:
    unsure = next((policy for policy in guard.policies if not is_certain(mesh, policy)), None)
    if unsure is not None:
        return Undecidable(f"AuthorizationPolicy {unsure.namespace}/{unsure.name} is flawed or defined more than once")
    found = _together([(one, _through(mesh, server, one, client)) for one in guard.entrances])
    if client.kind is Kind.IDENTITY and not client.is_certain:
        bare = _together([(one, _without_identity(mesh, server, one)) for one in guard.entrances])
        if not (isinstance(found, (Always, Never)) and type(found) is type(bare)):
            return Undecidable("the input does not show whether the client has a proxy, and so an identity")
    if guard.doubt and not isinstance(found, Always):
        return Undecidable(guard.doubt)
    return found


def _through(mesh: Mesh, server: Server, entrance: Entrance, client: Client) -> Access:
    if client.kind is Kind.OUTSIDE or entrance.peers is Peers.ANONYMOUS:
        return _without_identity(mesh, server, entrance)
    return _decided(mesh, server, entrance.chain, callers(mesh, client), names_callers=client.kind is Kind.OTHERS)


def _without_identity(mesh: Mesh, server: Server, entrance: Entrance) -> Access:
    if entrance.peers is Peers.IDENTIFIED:
        return Never("it asks for a certificate of the mesh", entrance.node)  # S86, S118
    return _decided(mesh, server, entrance.chain, ANONYMOUS, names_callers=False)


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked at one entrance: requests of one caller to one port, and the gates they have to pass."""

    given: Predicate
    gates: Gates
    chain: Chain
    names_callers: bool

    @property
    def admitted(self) -> Predicate:
        """What ALLOW policies let in."""
        if self.gates.allowing is None:
            return ALWAYS
        return either(rule.predicate for rule in self.gates.allowing) if self.gates.allowing else NEVER


def _decided(mesh: Mesh, server: Server, chain: Chain, caller: Predicate, *, names_callers: bool) -> Access:
    guard = server.guard
    policies = guard.policies if isinstance(guard, Guarded) else ()
    at = gates(mesh, policies, chain)
    given = both(Exact(PORT, str(server.number)), caller)
    asked = _Question(given, at, chain, names_callers)
    if is_many_valued((asked.admitted, *_predicates(at.refusing), *_predicates(at.asking))):
        return Undecidable("a claim of a token can be a list")
    passing = _passing(asked)
    match passing:
        case space.Unknown(why):
            return Undecidable(why)
        case space.Empty():
            return _never(asked)
        case space.Some(request):
            return _allowed(mesh, asked, request)
        case _:
            assert_never(passing)


def _passing(asked: _Question) -> space.Answer:
    """A request that passes; rather one that no external authorizer is asked about."""
    refusing = _predicates(asked.gates.refusing)
    target = both(asked.given, asked.admitted)
    free = space.outside(target, (*refusing, *_predicates(asked.gates.asking)))
    return free if isinstance(free, space.Some) or not asked.gates.asking else space.outside(target, refusing)


def _never(asked: _Question) -> Never:
    if not isinstance(space.satisfiable(both(asked.given, asked.admitted)), space.Empty):
        blocking = [rule for rule in asked.gates.refusing if _meets(asked, rule.predicate)]
        return Never("what is admitted is denied", blocking[0].node if blocking else None)
    return Never("no rule admits it")


def _allowed(mesh: Mesh, asked: _Question, witness: Request) -> Access:
    """Always or on conditions, when *witness* passes."""
    refusals = [space.outside(asked.given, (asked.admitted,))]
    refusals += [space.overlap(asked.given, predicate) for predicate in _predicates(asked.gates.refusing)]
    refused = next((answer.request for answer in refusals if isinstance(answer, space.Some)), None)
    unknown = next((answer.why for answer in refusals if isinstance(answer, space.Unknown)), None)
    asking = tuple(rule for rule in asked.gates.asking if _meets(asked, rule.predicate))
    if refused is None and unknown is not None:
        return Undecidable(unknown)
    if refused is None and not asking:
        return Always(witness=_seen(asked.chain, witness))
    return _on_conditions(mesh, asked, asking, witness, refused)


def _on_conditions(
    mesh: Mesh, asked: _Question, asking: tuple[PolicyRule, ...], witness: Request, refused: Request | None
) -> OnConditions:
    refusing = _predicates(asked.gates.refusing)
    admitting = [
        clause
        for clause in _clauses(mesh, asked, asked.gates.allowing or ())
        if not isinstance(space.outside(both(asked.given, clause.predicate), refusing), space.Empty)
    ]
    denying = [
        clause
        for clause in _clauses(mesh, asked, asked.gates.refusing)
        if not isinstance(space.overlap(both(asked.given, asked.admitted), clause.predicate), space.Empty)
    ]
    authorizers = tuple(dict.fromkeys(_authorizer(rule) for rule in asking))
    return OnConditions(
        words=_words(admitting, denying, authorizers),
        admitting=tuple(admitting),
        refusing=tuple(denying),
        authorizers=authorizers,
        witness=_seen(asked.chain, witness),
        refused=_seen(asked.chain, refused) if refused is not None else None,
    )


def _clauses(mesh: Mesh, asked: _Question, found: Iterable[PolicyRule]) -> Iterable[Clause]:
    for rule in found:
        yield from clauses(mesh, rule, asked.chain, names_callers=asked.names_callers)


def _words(admitting: Sequence[Clause], denying: Sequence[Clause], authorizers: Sequence[str]) -> str:
    admitted = _alternatives(admitting)
    denied = _alternatives(denying)
    phrases = [f"if {admitted}"] if admitted else []
    phrases += [f"unless {denied}"] if denied else []
    phrases += [f"if the authorizer {name} agrees where it is asked" for name in authorizers]
    return ", ".join(phrases)


def _alternatives(found: Sequence[Clause]) -> str:
    """The clauses as a choice; empty where one of them has no condition."""
    phrases = dict.fromkeys(joined(clause.words) for clause in found)
    return "" if "" in phrases else ", or ".join(phrases)


def _authorizer(rule: PolicyRule) -> str:
    return rule.policy.spec.provider.name if rule.policy.spec.provider is not None else ""


def _meets(asked: _Question, predicate: Predicate) -> bool:
    """Whether the predicate may have some of the requests in question that are admitted."""
    return not isinstance(space.overlap(both(asked.given, asked.admitted), predicate), space.Empty)


def _predicates(found: Iterable[PolicyRule]) -> tuple[Predicate, ...]:
    return tuple(rule.predicate for rule in found)


def _seen(chain: Chain, request: Request) -> Request:
    """The request with no more than its chain shows: on a TCP chain there is no method and no path."""
    return request if chain is Chain.HTTP else request.but(METHOD, None).but(PATH, None)


def _together(ways: Sequence[tuple[Entrance, Access]]) -> Access:
    """What several entrances of one port allow, where the caller chooses among them."""
    found = [one for _, one in ways]
    unclear = next((one for one in found if isinstance(one, Undecidable)), None)
    if unclear is not None:
        return unclear
    if len(found) == 1 or all(isinstance(one, Always) for one in found) or all(isinstance(one, Never) for one in found):
        return found[0]
    return _mixed(ways)


def _mixed(ways: Sequence[tuple[Entrance, Access]]) -> Access:
    some = [one for _, one in ways if isinstance(one, OnConditions)]
    open_to_all = [one.witness for _, one in ways if isinstance(one, Always)]
    witnesses = [*(one.witness for one in some), *(one for one in open_to_all if one is not None)]
    return OnConditions(
        words=_ways(ways),
        admitting=tuple(dict.fromkeys(clause for one in some for clause in one.admitting)),
        refusing=tuple(dict.fromkeys(clause for one in some for clause in one.refusing)),
        authorizers=tuple(dict.fromkeys(name for one in some for name in one.authorizers)),
        witness=witnesses[0],
        refused=next((one.refused for one in some if one.refused is not None), None),
    )


def _ways(ways: Sequence[tuple[Entrance, Access]]) -> str:
    """The conditions of each entrance, told apart where they differ."""
    phrases = dict.fromkeys((entrance.chain, _phrase(one)) for entrance, one in ways)
    if len({phrase for _, phrase in phrases}) == 1:
        return next(phrase for _, phrase in phrases)
    return "; ".join(f"as {chain.value} {phrase}" for chain, phrase in phrases)


def _phrase(found: Access) -> str:
    match found:
        case OnConditions():
            return found.words
        case Always():
            return "always"
        case Never() | Undecidable():
            return "never"
        case _:
            assert_never(found)
