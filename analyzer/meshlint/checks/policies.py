"""AuthorizationPolicies against one another: those that undo what others decide, or add nothing to it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from meshlint import space
from meshlint.finding import Note, Problem, Result, Undecided
from meshlint.mesh.authorization import (
    Action,
    Policy,
    PolicyRule,
    action,
    is_certain,
    reaches_as_far,
    rules,
    rules_of,
    selector,
    target_refs,
    targets,
)
from meshlint.mesh.conditions import Chain, http_conditions, is_many_valued
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import ALWAYS, Predicate
from meshlint.mesh.served import served_ports
from meshlint.mesh.services import Protocol
from meshlint.mesh.workloads import Proxy
from meshlint.registry import checks
from meshlint.source.node import Node

_SHOWN = 3


@checks("MSH502")
def allows_everyone(mesh: Mesh) -> Iterator[Result]:
    """An ALLOW rule that takes every request makes those beside it pointless (S3, S8)."""
    for policy in mesh.authorization_policies:
        if action(policy) is not Action.ALLOW or not _is_in_force(mesh, policy):
            continue
        wide = [rule for rule in rules_of(mesh, policy, Chain.HTTP) if _is_everything(rule)]
        if not wide:
            continue
        beside = [rule for one in _under(mesh, policy) for rule in rules_of(mesh, one, Chain.HTTP)]
        narrow = [rule for rule in beside if not _is_everything(rule)]
        if narrow:
            for rule in wide:
                yield Problem(
                    rule.node,
                    f"rule allows every request, so {_other_rules(narrow)} restrict{_s(narrow)} nothing",
                    label="takes everything",
                    notes=tuple(Note(one.node.span, "restricts nothing") for one in narrow[:_SHOWN]),
                    help="ALLOW rules add up: take this one away, or limit its sources",
                )


@checks("MSH504")
def ineffective_policy(mesh: Mesh) -> Iterator[Result]:
    """A rule without which every request would fare the same (S3, S178)."""
    gone: set[Node] = set()
    for policy in reversed(mesh.authorization_policies):
        if action(policy) in (Action.ALLOW, Action.DENY) and policy.spec.rules and _is_in_force(mesh, policy):
            yield from _ineffective(mesh, policy, gone)


def _is_in_force(mesh: Mesh, policy: Policy) -> bool:
    """Whether the policy decides somewhere, and only at proxies that read its rules as Envoy does (S93-S99)."""
    if not is_certain(mesh, policy):
        return False
    proxies = {workload.proxy for workload in targets(mesh, policy)}
    return bool(proxies) and Proxy.AMBIENT not in proxies


def _is_everything(rule: PolicyRule) -> bool:
    return isinstance(_outside(ALWAYS, [rule.predicate]), space.Empty)


def _outside(target: Predicate, others: list[Predicate]) -> space.Answer:
    if is_many_valued((target, *others)):
        return space.Unknown("a claim of a token can be a list")
    return space.outside(target, others)


def _under(mesh: Mesh, policy: Policy) -> list[Policy]:
    """The ALLOW policies that nowhere decide without this one, itself included."""
    return [
        one
        for one in mesh.authorization_policies
        if one is policy
        or (action(one) is Action.ALLOW and is_certain(mesh, one) and reaches_as_far(mesh, policy, one))
    ]


def _over(mesh: Mesh, policy: Policy) -> list[Policy]:
    """The policies that decide wherever this one does, itself included."""
    index = mesh.derived(_by_scope, mesh)
    homes = dict.fromkeys((mesh.config.root_namespace, policy.namespace))
    labels = [None, *selector(policy).items()]
    near = (one for home in homes for label in labels for one in index.get((home, label), ()))
    return [policy, *(one for one in near if one is not policy and reaches_as_far(mesh, one, policy))]


def _by_scope(mesh: Mesh) -> Mapping[tuple[str, tuple[str, str] | None], list[Policy]]:
    """The policies by namespace and one label of their selector."""
    found: dict[tuple[str, tuple[str, str] | None], list[Policy]] = {}
    for policy in mesh.authorization_policies:
        if is_certain(mesh, policy) and not target_refs(policy):
            label = min(selector(policy).items(), default=None)
            found.setdefault((policy.namespace, label), []).append(policy)
    return found


@dataclass(frozen=True, slots=True)
class _Dead:
    """A rule that changes nothing, and the rules that see to it."""

    rule: PolicyRule
    by: tuple[PolicyRule, ...]


def _ineffective(mesh: Mesh, policy: Policy, gone: set[Node]) -> Iterator[Result]:
    others = _over(mesh, policy)
    chains = mesh.derived(_chains, mesh, policy)
    dead: list[_Dead] = []
    count = len(policy.spec.rules)
    for index in reversed(range(count)):
        answer = _covered(mesh, policy, policy.spec.rules[index].node, others, chains, gone=gone)
        if isinstance(answer, Undecided):
            yield answer
        elif answer is not None:
            dead.append(answer)
            gone.add(answer.rule.node)
    if dead and not (len(dead) == count and _is_shut_by_deny(policy, others, dead)):
        yield from _dead_problems(policy, dead[::-1], is_whole=len(dead) == count)


def _covered(
    mesh: Mesh, policy: Policy, node: Node, others: list[Policy], chains: tuple[Chain, ...], *, gone: set[Node]
) -> _Dead | Undecided | None:
    """Whether the rule changes nothing on all of the chains on which it exists."""
    by: dict[PolicyRule, None] = {}
    found: PolicyRule | None = None
    for chain in chains:
        rule = next((one for one in rules_of(mesh, policy, chain) if one.node is node), None)
        if rule is None:
            continue
        found = rule
        covers = [one for one in _covers(mesh, policy, others, chain) if one.node is not node and one.node not in gone]
        if not covers or (not _is_everything(rule) and any(_is_open(one) for one in covers)):
            return None
        answer = _outside(rule.predicate, [one.predicate for one in covers])
        if isinstance(answer, space.Unknown):
            return Undecided(node, answer.why)
        if isinstance(answer, space.Some) or not answer.by:
            return None  # A rule that takes no request at all is a mistake of another kind.
        by |= dict.fromkeys(covers[index] for index in answer.by)
    return _Dead(found, tuple(by)) if found is not None else None


def _covers(mesh: Mesh, policy: Policy, others: list[Policy], chain: Chain) -> tuple[PolicyRule, ...]:
    """The rules that can stand in for one of the policy's: others of its action, and DENY rules for an ALLOW rule."""
    denying = tuple(rule for rule in rules(mesh, others, Action.DENY, chain) if _is_meant(rule, chain))
    return (*rules(mesh, others, Action.ALLOW, chain), *denying) if action(policy) is Action.ALLOW else denying


def _is_meant(rule: PolicyRule, chain: Chain) -> bool:
    """Whether the rule says what it does on the chain: without its HTTP conditions it does too much (S75)."""
    return chain is Chain.HTTP or not http_conditions(rule.written)


def _is_open(rule: PolicyRule) -> bool:
    return action(rule.policy) is Action.ALLOW and _is_everything(rule)


def _is_shut_by_deny(policy: Policy, others: list[Policy], dead: list[_Dead]) -> bool:
    """Whether DENY takes all that the only ALLOW policy admits, so that the policy still shuts out everyone."""
    if action(policy) is Action.DENY or any(one is not policy and action(one) is Action.ALLOW for one in others):
        return False
    return all(action(rule.policy) is Action.DENY for one in dead for rule in one.by)


def _chains(mesh: Mesh, policy: Policy) -> tuple[Chain, ...]:
    """How connections to the policy's workloads are handled, as their hosts declare; both ways where none does."""
    found: set[Chain] = set()
    for workload in targets(mesh, policy):
        protocols = {served.port.protocol for served in served_ports(mesh, workload)}
        if workload.proxy is Proxy.GATEWAY or not protocols or Protocol.AUTO in protocols:
            return (Chain.HTTP, Chain.TCP)
        found |= {Chain.HTTP for one in protocols if one.may_be_http}
        found |= {Chain.TCP for one in protocols if one.may_be_tcp}
    return tuple(chain for chain in Chain if chain in found)


def _dead_problems(policy: Policy, dead: list[_Dead], *, is_whole: bool) -> Iterator[Problem]:
    word = "denied" if action(policy) is Action.DENY else "decided"
    if is_whole:
        by = tuple(dict.fromkeys(rule for one in dead for rule in one.by if rule.policy is not policy))
        message = f"policy `{policy.name}` changes no decision: {_named(by)} already {_verb(by)} all that it matches"
        yield Problem(policy.name_node, message, label="changes nothing", notes=_by_notes(by, word))
        return
    for one in dead:
        message = f"rule changes no decision: {_named(one.by)} already {_verb(one.by)} all that it matches"
        yield Problem(one.rule.node, message, label="changes nothing", notes=_by_notes(one.by, word))


def _by_notes(by: Iterable[PolicyRule], word: str) -> tuple[Note, ...]:
    return tuple(Note(rule.node.span, f"already {word} here") for rule in tuple(by)[:_SHOWN])


def _verb(by: tuple[PolicyRule, ...]) -> str:
    actions = {action(rule.policy) for rule in by}
    words = {frozenset({Action.ALLOW}): "allow", frozenset({Action.DENY}): "deny"}
    word = words.get(frozenset(actions), "decide")
    if len({rule.policy for rule in by}) > 1:
        return word
    return {"allow": "allows", "deny": "denies", "decide": "decides"}[word]


def _named(by: tuple[PolicyRule, ...]) -> str:
    names = [f"`{name}`" for name in dict.fromkeys(rule.policy.name for rule in by)]
    return _listed(names)


def _other_rules(narrow: list[PolicyRule]) -> str:
    names = _named(tuple(narrow))
    return f"{len(narrow)} other rules ({names})" if len(narrow) > 1 else f"the other rule ({names})"


def _s(narrow: list[PolicyRule]) -> str:
    return "" if len(narrow) > 1 else "s"


def _listed(names: list[str]) -> str:
    if len(names) > _SHOWN:
        return f"{', '.join(names[:_SHOWN])} and {len(names) - _SHOWN} more"
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]
