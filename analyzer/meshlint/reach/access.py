"""Access: what a client may ask of a server, decided for all requests at once and never by trying some."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from meshlint import space
from meshlint.mesh.authorization import Action, PolicyRule, action, is_certain, verdict
from meshlint.mesh.conditions import is_many_valued
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import ALWAYS, Predicate, both
from meshlint.reach.clients import Client, Kind, identity_doubt
from meshlint.reach.guards import Entrance, Guard, Guarded, Opaque, Open, Peers, Tokens
from meshlint.reach.questions import (
    Caller,
    Question,
    all_rules,
    asks_of_tokens,
    find,
    mixes_paths,
    open_tests,
    question,
)
from meshlint.reach.words import Clause, clauses
from meshlint.request import Request
from meshlint.source.node import Node


@dataclass(frozen=True, slots=True)
class Always:
    """Every request passes, such as `witness`. `why` says so where no policy has a say, and there is no witness then."""

    why: str = ""
    witness: Request | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """No request passes, for this reason. `node` is what refuses; `refused` such a request, if it gets as far as policies."""

    why: str
    node: Node | None = None
    refused: Request | None = None


@dataclass(frozen=True, slots=True)
class OnConditions:
    """Some requests pass, such as `witness`, and some do not, such as `refused`.

    Each of `admitting` lets requests in on its own, none of `refusing` must match. `authorizers` are the external ones
    that have a say. `refused` is None where only they or a token's signature can refuse.
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


def access(mesh: Mesh, guard: Guard, port: int | None, client: Client) -> Access:
    """What the client may ask of a guarded port (S2, S20, S118-S122)."""
    match guard:
        case Open(why):
            return Always(why)
        case Opaque(why):
            return Undecidable(why)
        case Guarded():
            return _guarded(mesh, guard, port or 0, client)
        case _:
            assert_never(guard)


def _guarded(mesh: Mesh, guard: Guarded, port: int, client: Client) -> Access:
    unsure = next((policy for policy in guard.policies if not is_certain(mesh, policy)), None)
    if unsure is not None:
        return Undecidable(f"AuthorizationPolicy {unsure.namespace}/{unsure.name} is flawed or defined more than once")
    caller = Caller(None if client.kind is Kind.EXTERNAL else client)
    found = _at_all_entrances(mesh, guard, port, caller)
    doubt = identity_doubt(client, at_ztunnel=guard.at_ztunnel)
    if doubt and not _is_the_same(found, _at_all_entrances(mesh, guard, port, Caller(None))):
        return Undecidable(doubt)
    # Without a proxy all is open, but a ztunnel may refuse what a sidecar lets pass (S93).
    if guard.doubt and (guard.policies or not isinstance(found, Always)):
        return Undecidable(guard.doubt)
    return found


def _is_the_same(one: Access, other: Access) -> bool:
    return isinstance(one, Always | Never) and type(one) is type(other)


def _at_all_entrances(mesh: Mesh, guard: Guarded, port: int, caller: Caller) -> Access:
    """What the entrances of a port allow, where the caller chooses among them."""
    ways = [(entrance, _through(mesh, guard, entrance, port, caller)) for entrance in guard.entrances]
    found = [one for _, one in ways]
    unclear = next((one for one in found if isinstance(one, Undecidable)), None)
    if unclear is not None:
        return unclear
    if len(found) == 1 or all(isinstance(one, Always) for one in found) or all(isinstance(one, Never) for one in found):
        return found[0]
    return _mixed(ways)


def _through(mesh: Mesh, guard: Guarded, entrance: Entrance, port: int, caller: Caller) -> Access:
    if entrance.peers is Peers.ANONYMOUS:
        caller = Caller(None)
    if entrance.peers is Peers.IDENTIFIED and caller.client is None:
        return Never("it takes no connection without a certificate of the mesh", entrance.node)  # S86, S118
    return _decided(question(mesh, guard, entrance, port, caller))


def _decided(asked: Question) -> Access:
    tokens = asked.guard.tokens
    if tokens.doubt and asks_of_tokens(rule.predicate for rule in all_rules(asked.whole)):
        return Undecidable(tokens.doubt)
    if mixes_paths(asked):
        return Undecidable("its policies ask about the path with its query and without")
    passing = _passing(asked)
    match passing:
        case space.Unknown(why):
            return Undecidable(why)
        case space.Empty():
            return _LISTS if _may_be_lists(asked) else _never(asked)
        case space.Some(request):
            return _allowed(asked, request)
        case _:
            assert_never(passing)


_LISTS = Undecidable("a claim of a token may be a list")  # S68


def _may_be_lists(asked: Question) -> bool:
    """Whether a claim is asked about in ways that one value cannot meet together, and a list of values can (S68)."""
    return is_many_valued(open_tests(asked))


def _passing(asked: Question) -> space.Answer:
    """A request that passes; rather one that no external authorizer is asked about."""
    asking = tuple(rule.predicate for rule in asked.gates.asking)
    free = find(asked, asked.admitted, (*asked.refusing, *asking))
    return free if isinstance(free, space.Some) or not asking else find(asked, asked.admitted, asked.refusing)


def _never(asked: Question) -> Never:
    some = find(asked, ALWAYS)
    refused = _confirmed(asked, some.request, is_allowed=False) if isinstance(some, space.Some) else None
    admitted = find(asked, asked.admitted)
    if isinstance(admitted, space.Some):
        rule = next((one for one in asked.gates.refusing if _is_met(asked, asked.admitted, one.predicate)), None)
        why = "what is admitted is denied"
        if rule is not None and action(rule.policy) is Action.CUSTOM:
            why = "its external authorizer is undefined, or not the only one"  # S12, S13
        return Never(why, rule.node if rule is not None else None, refused)
    if _lacks_tokens(asked):
        return Never("no RequestAuthentication verifies the token that its rules ask for", _allow_node(asked), refused)
    return Never("no rule admits it", _allow_node(asked), refused)


def _lacks_tokens(asked: Question) -> bool:
    """Whether rules would admit the caller if only something verified the token that they ask for (S56)."""
    if asked.verifies_tokens or not asks_of_tokens(rule.predicate for rule in asked.whole.allowing or ()):
        return False
    guard = replace(asked.guard, tokens=Tokens(frozenset({""})))
    trusting = question(asked.mesh, guard, asked.entrance, asked.port, asked.caller)
    return isinstance(find(trusting, trusting.admitted), space.Some)


def _allow_node(asked: Question) -> Node | None:
    """Where an ALLOW policy is named, since it is there that a rule is missing."""
    return next((one.name_node for one in asked.guard.policies if action(one) is Action.ALLOW), None)


def _allowed(asked: Question, witness: Request) -> Access:
    """Always or on conditions, when *witness* passes."""
    _confirmed(asked, witness, is_allowed=True)
    refusals = [find(asked, ALWAYS, (asked.admitted,)), *(find(asked, predicate) for predicate in asked.refusing)]
    refused = next((answer.request for answer in refusals if isinstance(answer, space.Some)), None)
    unknown = next((answer.why for answer in refusals if isinstance(answer, space.Unknown)), None)
    if refused is not None:
        _confirmed(asked, refused, is_allowed=False)
    elif unknown is not None:
        return Undecidable(unknown)
    elif _may_be_lists(asked):
        return _LISTS
    asking = tuple(rule for rule in asked.gates.asking if _is_met(asked, asked.admitted, rule.predicate))
    if refused is None and not asking and not asked.verifies_tokens:
        return Always(witness=witness)
    return _on_conditions(asked, asking, witness, refused)


def _on_conditions(
    asked: Question, asking: tuple[PolicyRule, ...], witness: Request, refused: Request | None
) -> OnConditions:
    is_loose = _may_be_lists(asked)
    admitting = [
        clause
        for clause, left in _clauses(asked, asked.gates.allowing or ())
        if is_loose or not isinstance(find(asked, left, asked.refusing), space.Empty)
    ]
    denying = [
        clause
        for clause, left in _clauses(asked, asked.gates.refusing)
        if is_loose or _is_met(asked, asked.admitted, left)
    ]
    authorizers = tuple(dict.fromkeys(_authorizer(rule) for rule in asking))
    return OnConditions(
        words=", ".join(_phrases(asked, admitting, denying, authorizers)),
        admitting=tuple(admitting),
        refusing=tuple(denying),
        authorizers=authorizers,
        witness=witness,
        refused=refused,
    )


def _clauses(asked: Question, rules: Iterable[PolicyRule]) -> Iterator[tuple[Clause, Predicate]]:
    """The alternatives of rules, each with what it still asks of the requests in question."""
    written = {rule.node: rule for rule in all_rules(asked.whole)}
    for rule in rules:
        for clause in clauses(asked.mesh, written[rule.node], asked.entrance.chain):
            yield clause, asked.left_over(clause.predicate)


def _phrases(
    asked: Question, admitting: Sequence[Clause], denying: Sequence[Clause], authorizers: Sequence[str]
) -> Iterator[str]:
    admitted, denied = _alternatives(asked, admitting), _alternatives(asked, denying)
    if admitted:
        yield f"if {admitted}"
    if denied:
        yield f"unless {denied}"
    yield from (f"if the authorizer {name} agrees where it is asked" for name in authorizers)
    if asked.verifies_tokens:
        yield "unless it carries a token that is not valid"


def _alternatives(asked: Question, found: Sequence[Clause]) -> str:
    """The clauses as a choice; empty where one of them has no condition."""
    phrases = dict.fromkeys(" and ".join(_conditions(asked, clause)) for clause in found)
    return "" if "" in phrases else ", or ".join(phrases)


def _conditions(asked: Question, clause: Clause) -> Iterator[str]:
    """What the clause asks that is not known already: who calls, say, or on which port."""
    for one in clause.conditions:
        if asked.left_over(one.predicate) != ALWAYS:
            yield one.words


def _authorizer(rule: PolicyRule) -> str:
    return rule.policy.spec.provider.name if rule.policy.spec.provider is not None else ""


def _is_met(asked: Question, target: Predicate, predicate: Predicate) -> bool:
    """Whether the predicate may have some of the requests in question that are in *target*."""
    if predicate == ALWAYS:
        return True
    return not isinstance(find(asked, both(target, predicate)), space.Empty)


def _confirmed(asked: Question, request: Request, *, is_allowed: bool) -> Request:
    """The request, once the policies' reading of single requests says the same."""
    found = verdict(asked.mesh, asked.guard.policies, asked.entrance.chain, request)
    if found.is_allowed is not is_allowed:
        raise space.DisagreementError(f"{request} is {'refused' if is_allowed else 'allowed'} by the policies")
    return request


def _mixed(ways: Sequence[tuple[Entrance, Access]]) -> OnConditions:
    some = [one for _, one in ways if isinstance(one, OnConditions)]
    open_to_all = [one.witness for _, one in ways if isinstance(one, Always)]
    witnesses = [*(one.witness for one in some), *(one for one in open_to_all if one is not None)]
    refusals = [one.refused for _, one in ways if isinstance(one, OnConditions | Never)]
    return OnConditions(
        words=_ways(ways),
        admitting=tuple(dict.fromkeys(clause for one in some for clause in one.admitting)),
        refusing=tuple(dict.fromkeys(clause for one in some for clause in one.refusing)),
        authorizers=tuple(dict.fromkeys(name for one in some for name in one.authorizers)),
        witness=witnesses[0],
        refused=next((one for one in refusals if one is not None), None),
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
