"""Rules of AuthorizationPolicies by themselves: those that take nothing, that mean "or" for "and", or that ask nobody."""

from collections.abc import Iterator
from dataclasses import replace

from meshlint import space
from meshlint.finding import Edit, Fix, Note, Outside, Problem, Result, Undecided, Witness
from meshlint.mesh.authorization import Action, Policy, action, authorizers
from meshlint.mesh.conditions import Chain, Reading, is_many_valued, principal, rule_predicate
from meshlint.mesh.model import Mesh
from meshlint.mesh.policy_values import entries_of
from meshlint.mesh.predicate import All, AnyOf, Not, Predicate, tests
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.registry import checks
from meshlint.request import Attribute
from meshlint.resources.security import AuthorizationRule
from meshlint.source.node import Node


@checks("MSH505")
def contradictory_rule(mesh: Mesh) -> Iterator[Result]:
    """A rule, or an alternative of its `from` or `to`, that no request can meet (S33, S34)."""
    for policy in mesh.authorization_policies:
        for rule in policy.spec.rules:
            if policy.is_sound and _http(mesh, policy, rule) is not None:
                yield from _contradictions(mesh, policy, rule)


@checks("MSH506")
def policy_or_for_and(mesh: Mesh) -> Iterator[Result]:
    """Two rules that say who and what apart, so that everyone may do the one and some may do everything (S33)."""
    for policy in mesh.authorization_policies:
        if policy.is_sound and action(policy) is Action.ALLOW and len(policy.spec.rules) == 2:
            yield from _apart(mesh, policy, *policy.spec.rules)


@checks("MSH520")
def custom_provider_missing(mesh: Mesh) -> Iterator[Result]:
    """An authorizer that the mesh does not have: what the policy selects is refused (S12)."""
    for policy in mesh.authorization_policies:
        name = policy.spec.provider.name if policy.spec.provider is not None else ""
        if action(policy) is not Action.CUSTOM or not name or name in authorizers(mesh):
            continue
        node = policy.node.at("spec", "provider", "name")
        if not mesh.config.node.mapping and mesh.settings.world is not World.COMPLETE:
            yield Outside(node, f"external authorizer {name}")
        else:
            yield _no_authorizer(mesh, node, name)


def _names_nobody(mesh: Mesh, rule: AuthorizationRule) -> bool:
    """Whether a principal of the rule is no identity at all, which is a mistake of its own."""
    return any(
        isinstance(space.satisfiable(principal(entry.value, mesh.config)), space.Empty)
        for entry in entries_of(rule, "principals", "source.principal")
    )


def _contradictions(mesh: Mesh, policy: Policy, rule: AuthorizationRule) -> Iterator[Result]:
    parts = [replace(rule, from_=(one,), to=(), when=(), node=one.node) for one in rule.from_]
    parts += [replace(rule, from_=(), to=(one,), when=(), node=one.node) for one in rule.to]
    found = [one for part in parts for one in _never(mesh, policy, part, "nothing meets all of these conditions")]
    yield from found or _never(mesh, policy, rule, "no request meets all conditions of this rule")


def _never(mesh: Mesh, policy: Policy, rule: AuthorizationRule, message: str) -> Iterator[Result]:
    """The finding that no request meets the rule, or a part of one that is taken for a rule."""
    wanted = _http(mesh, policy, rule)
    if wanted is None or _is_plainly_met(wanted) or mesh.derived(_names_nobody, mesh, rule):
        return
    answer = space.Unknown(_LISTS) if is_many_valued((wanted,)) else space.satisfiable(wanted)
    if isinstance(answer, space.Unknown):
        yield Undecided(rule.node, answer.why)
    elif isinstance(answer, space.Empty):
        yield Problem(rule.node, f"{message}: they exclude one another", label="never met")


def _is_plainly_met(wanted: Predicate) -> bool:
    """Whether no two of the conditions are about one attribute, and none is about its absence: the solver is not needed."""
    parts = wanted.predicates if isinstance(wanted, All) else (wanted,)
    if any(isinstance(part, Not) for part in parts):
        return False
    asked = [frozenset(test.attribute for test in tests(part)) for part in parts]
    nested = any(isinstance(one, All) for part in parts if isinstance(part, AnyOf) for one in part.predicates)
    return not nested and sum(map(len, asked)) == len(frozenset[Attribute]().union(*asked))


_LISTS = "a claim of a token can be a list"


def _http(mesh: Mesh, policy: Policy, rule: AuthorizationRule) -> Predicate | None:
    strict = action(policy) is Action.ALLOW
    return rule_predicate(rule, Reading(policy.namespace, mesh.config, Chain.HTTP, strict=strict))


def _apart(mesh: Mesh, policy: Policy, first: AuthorizationRule, second: AuthorizationRule) -> Iterator[Result]:
    who, what = (first, second) if first.from_ else (second, first)
    is_split = who.from_ and not who.to and not who.when and what.to and not what.from_ and not what.when
    if not is_split or _is_for_anyone(what):
        return
    callers, requests = _http(mesh, policy, who), _http(mesh, policy, what)
    if callers is None or requests is None:
        return
    answer = space.outside(callers, [requests])
    if isinstance(answer, space.Unknown):
        yield Undecided(second.node, answer.why)
    elif isinstance(answer, space.Some):
        yield Problem(
            second.node,
            f"this is a second rule: the callers of rule {_number(policy, who)} may do everything, "
            f"and everyone may do what rule {_number(policy, what)} says",
            label="a rule of its own",
            notes=(Note(first.node.span, "the first rule"),),
            help="write `from` and `to` in one rule, under one dash, for both together",
            fix=_join(first.node, second.node),
            witness=Witness(answer.request, f"allowed by rule {_number(policy, who)} alone"),
        )


def _number(policy: Policy, rule: AuthorizationRule) -> int:
    return policy.spec.rules.index(rule)


_OPEN = ("health", "live", "ready", "ping", "metrics", "status", "version", "public", "static", "login", "favicon")
_OPEN_TOO = ("robots", ".well-known", "assets", "callback", "docs", "swagger", "openapi", "grpc.reflection", "probe")


def _is_for_anyone(rule: AuthorizationRule) -> bool:
    """Whether what the rule allows is such that everyone may well be meant: probes, preflights, public pages, a port."""
    for target in rule.to:
        operation = target.operation
        if operation is None or operation.methods == ("OPTIONS",) or not (operation.paths or operation.methods):
            return True
        paths = [path.lower() for path in operation.paths]
        if paths and all(path == "/" or any(word in path for word in (*_OPEN, *_OPEN_TOO)) for path in paths):
            return True
    return False


def _join(first: Node, second: Node) -> Fix | None:
    """Put both rules of a block-style list under one dash."""
    source = first.span.source
    between = source.text[first.span.end : second.span.start]
    if between.strip() != "-" or "\n" not in between or source.text[first.span.start] in "{[":
        return None
    dash = second.span.start - len(between.rpartition("-")[2]) - 1
    return Fix("make the rules one", (Edit(source.span(dash, dash + 1), " "),), is_safe=False)


def _no_authorizer(mesh: Mesh, node: Node, name: str) -> Problem:
    known = [one for one in mesh.config.extension_providers if one.name == name]
    what = f"the mesh has no extension provider `{name}`"
    if known and all(one.envoy_ext_authz_http is None and one.envoy_ext_authz_grpc is None for one in known):
        what = f"extension provider `{name}` is no external authorizer"
    elif known:
        what = f"the definition of extension provider `{name}` is broken"
    return Problem(
        node,
        f"{what}, so all requests that the policy selects are refused",
        label="no authorizer",
        notes=tuple(Note(one.node.span, "defined here") for one in known[:1] if one.node.document is not node.document),
        help=did_you_mean(nearest(name, authorizers(mesh))),
    )
