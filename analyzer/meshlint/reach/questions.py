"""Questions: the requests of one class of callers at one entrance, and what the space says of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from meshlint import space
from meshlint.mesh.authorization import Gates, PolicyRule, gates
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import (
    ALWAYS,
    NEVER,
    Exact,
    Member,
    Not,
    Predicate,
    Present,
    Test,
    accepts,
    both,
    either,
    tests,
)
from meshlint.reach.clients import Client, Kind, identities, named, trust_domain
from meshlint.reach.guards import Entrance, Guarded
from meshlint.reach.known import left_over, settled
from meshlint.request import (
    METHOD,
    PATH,
    PORT,
    PRINCIPAL,
    REMOTE_IP,
    SNI,
    SOURCE_IP,
    TOKEN_ISSUER,
    TOKEN_SUBJECT,
    Attribute,
    Request,
    header,
)


@dataclass(frozen=True, slots=True, eq=False)
class Caller:
    """Whose requests are in question: a client with its certificate, or whoever shows none where *client* is None."""

    client: Client | None

    @property
    def principal(self) -> str | None:
        """The one identity of the caller, None where there is none or more than one."""
        return self.client.principal if self.client is not None and self.client.kind.is_named else None

    @property
    def is_stranger(self) -> bool:
        """Whether it stands for all identities that the input does not show."""
        return self.client is not None and self.client.kind is Kind.OTHERS


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One caller at one entrance of one port: the gates as far as they are still open, and what is given of each request.

    `whole` are the gates as written.
    """

    mesh: Mesh
    guard: Guarded
    entrance: Entrance
    port: int
    caller: Caller
    whole: Gates
    gates: Gates
    given: Predicate

    @property
    def verifies_tokens(self) -> bool:
        """Whether a token can make a difference (S56, S148)."""
        return self.entrance.chain is Chain.HTTP and bool(self.guard.tokens.issuers)

    @property
    def admitted(self) -> Predicate:
        """What ALLOW policies let in (S2)."""
        return ALWAYS if self.gates.allowing is None else _any(self.gates.allowing)

    @property
    def refusing(self) -> tuple[Predicate, ...]:
        """What is refused whatever is let in."""
        return tuple(rule.predicate for rule in self.gates.refusing)

    def left_over(self, predicate: Predicate) -> Predicate:
        """What the predicate still asks of the requests in question."""
        return left_over(predicate, lambda test: _read(self, test))


def question(mesh: Mesh, guard: Guarded, entrance: Entrance, port: int, caller: Caller) -> Question:
    """What is open about a caller at an entrance of a port."""
    whole = gates(mesh, guard.policies, entrance.chain)
    asked = Question(mesh, guard, entrance, port, caller, whole, whole, ALWAYS)
    allowing = whole.allowing
    narrowed = Gates(
        refusing=tuple(_narrowed(asked, whole.refusing)),
        asking=tuple(_narrowed(asked, whole.asking)),
        allowing=None if allowing is None else tuple(_narrowed(asked, allowing)),
    )
    asked = replace(asked, gates=narrowed)
    return replace(asked, given=both(*_given(asked)))


def find(asked: Question, target: Predicate, others: Sequence[Predicate] = ()) -> space.Answer:
    """A request in question that is in *target* and in none of the *others*, as the server sees it."""
    answer = _found(asked, both(asked.given, target), others)
    return space.Some(_in_full(asked, answer.request)) if isinstance(answer, space.Some) else answer


def all_rules(found: Gates) -> tuple[PolicyRule, ...]:
    """Every rule of the gates, whatever it does."""
    return (*found.refusing, *found.asking, *(found.allowing or ()))


def asks_of_tokens(predicates: Iterable[Predicate]) -> bool:
    """Whether a token makes a difference to any of the predicates."""
    return any(is_of_token(test.attribute) for one in predicates for test in tests(one))


def is_of_token(attribute: Attribute) -> bool:
    """Whether the attribute is one of a verified token."""
    return attribute in (TOKEN_ISSUER, TOKEN_SUBJECT) or attribute.startswith("claim:")


def open_tests(asked: Question) -> frozenset[Test]:
    """The tests that requests in question may pass or fail."""
    return frozenset(test for rule in all_rules(asked.gates) for test in tests(rule.predicate))


def mixes_paths(asked: Question) -> bool:
    """Whether the path is asked about with its query and without, which the space takes for two things (S69)."""
    return {PATH, header(":path")} <= {test.attribute for test in open_tests(asked)}


def _narrowed(asked: Question, rules: Iterable[PolicyRule]) -> Iterator[PolicyRule]:
    for rule in rules:
        predicate = asked.left_over(rule.predicate)
        if predicate != NEVER:
            yield replace(rule, predicate=predicate)


def _any(rules: Iterable[PolicyRule]) -> Predicate:
    predicates = [rule.predicate for rule in rules]
    return ALWAYS if ALWAYS in predicates else either(predicates)


def _read(asked: Question, test: Test) -> Predicate:
    """What a test comes to for the requests in question."""
    if test.attribute == PORT:
        return settled(accepts(test, str(asked.port)))
    if test.attribute == PRINCIPAL:
        return _read_principal(asked, test)
    if is_of_token(test.attribute):
        return test if asked.verifies_tokens else NEVER  # S56
    if test.attribute == SNI and asked.entrance.hides_sni and asked.caller.client is None:
        return NEVER
    if test.attribute == REMOTE_IP and asked.entrance.chain is Chain.TCP:
        return replace(test, attribute=SOURCE_IP)  # S58
    return test


def _read_principal(asked: Question, test: Test) -> Predicate:
    if asked.caller.client is None:
        return NEVER  # S35, S77
    if asked.caller.principal is not None:
        return settled(accepts(test, asked.caller.principal))
    if isinstance(test, Present):
        return ALWAYS
    if isinstance(test, Exact) and not test.ignore_case and not _is_stranger(asked.mesh, test.text):
        return NEVER
    return test


def _is_stranger(mesh: Mesh, principal: str) -> bool:
    return principal not in named(mesh) and accepts(identities(mesh), principal)


def _given(asked: Question) -> Iterator[Predicate]:
    """What holds of each request in question and is not known in advance."""
    attributes = {test.attribute for test in open_tests(asked)}
    if PRINCIPAL in attributes:
        yield identities(asked.mesh)
    yield from (Present(one) for one in (REMOTE_IP, SOURCE_IP) if one in attributes)  # Every connection has them.
    claims = {attribute for attribute in attributes if is_of_token(attribute)} | {TOKEN_SUBJECT}
    if claims & attributes and "" not in asked.guard.tokens.issuers:
        without = both(Not(Present(TOKEN_ISSUER)), *(Not(Present(one)) for one in sorted(claims - {TOKEN_ISSUER})))
        yield either([without, Member(TOKEN_ISSUER, asked.guard.tokens.issuers)])  # S139, S140


_FEW = 12


def _found(asked: Question, target: Predicate, others: Sequence[Predicate]) -> space.Answer:
    """The space's answer; a stranger that turns out to be known is excluded, and the question asked again.

    Leaving out all known identities from the start would be right as well, and far too much for large meshes.
    """
    excluded: frozenset[str] = frozenset()
    while True:
        strangers = Not(Member(PRINCIPAL, excluded)) if excluded else ALWAYS
        answer = space.outside(both(target, strangers), others)
        principal = answer.request.get(PRINCIPAL) if isinstance(answer, space.Some) else None
        if principal is None or principal not in named(asked.mesh):
            return answer
        excluded |= {principal}
        if len(excluded) == _FEW:
            excluded = frozenset(named(asked.mesh))


def _in_full(asked: Question, request: Request) -> Request:
    """The request with what is known of it, and no more than its chain shows."""
    seen = request.but(PORT, str(asked.port))
    if asked.caller.client is None:
        seen = seen.but(PRINCIPAL, None)
    elif asked.caller.principal is not None:
        seen = seen.but(PRINCIPAL, asked.caller.principal)
    elif seen.get(PRINCIPAL) is None:
        seen = seen.but(PRINCIPAL, _some_stranger(asked.mesh))
    if asked.entrance.chain is Chain.HTTP:
        return seen
    return seen.but(METHOD, None).but(PATH, None).but(REMOTE_IP, seen.get(SOURCE_IP))


def _some_stranger(mesh: Mesh) -> str:
    return mesh.derived(_stranger, mesh)


def _stranger(mesh: Mesh) -> str:
    """An identity of the mesh that the input does not show."""
    name = "other"
    while f"spiffe://{trust_domain(mesh)}/ns/{name}/sa/{name}" in named(mesh):
        name += "-one"
    return f"spiffe://{trust_domain(mesh)}/ns/{name}/sa/{name}"
