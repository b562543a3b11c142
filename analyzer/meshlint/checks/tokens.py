"""Tokens: requests without one that pass, routes by claims that nobody verified, and where keys come from."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise

from meshlint import space
from meshlint.finding import Note, Outside, Problem, Result, Undecided, Witness
from meshlint.mesh.authorization import Action, Policy, action, attached, gates, is_certain
from meshlint.mesh.conditions import Chain
from meshlint.mesh.model import Mesh
from meshlint.mesh.policy_values import entries
from meshlint.mesh.predicate import ALWAYS, Not, Predicate, Present, both
from meshlint.mesh.routing import bound_gateways, gateway_name
from meshlint.mesh.scope import gateways_named
from meshlint.mesh.served import is_gateway
from meshlint.mesh.settings import World
from meshlint.mesh.tokens import authenticators
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.registry import checks
from meshlint.request import TOKEN_ISSUER, TOKEN_SUBJECT
from meshlint.resources.base import Resource
from meshlint.resources.security import JWTRule, RequestAuthentication
from meshlint.resources.virtual_service import VirtualServiceSpec
from meshlint.source.node import Node

_CLAIMS = "@request.auth.claims"


@checks("MSH119")
def claim_route_without_authentication(mesh: Mesh) -> Iterator[Result]:
    """A route by a token's claim at a gateway that verifies no tokens: nobody has claims there (S138)."""
    for vs in mesh.virtual_services:
        for place, node in _claims(vs).items():
            for gateway in gateways_named(mesh, place):
                pods = mesh.selected(gateway.spec.selector) if gateway.spec.selector else ()
                for pod in pods:
                    if not any(one.spec.jwt_rules for one in authenticators(mesh, pod)):
                        yield _unverified(mesh, pod, place, node)


@checks("MSH514")
def token_not_required(mesh: Mesh) -> Iterator[Result]:
    """Tokens that are verified where they are there, and that no policy asks for (S139)."""
    chosen = mesh.derived(_verifying, mesh)
    for one in mesh.request_authentications:
        if any(rule.issuer for rule in one.spec.jwt_rules) and one.is_sound and len(mesh.alternatives(one)) == 1:
            yield from _optional(mesh, one, chosen.get(one, ()))


@checks("MSH519")
def jwks_fetch_unrestricted(mesh: Mesh) -> Iterator[Result]:
    """The control plane fetches keys from wherever RequestAuthentications say (S144)."""
    fetching = [one for one in mesh.request_authentications if any(not rule.jwks for rule in one.spec.jwt_rules)]
    if not fetching:
        return
    for resource in mesh.resources:
        is_istiod = resource.ref.kind == "Deployment" and resource.metadata.labels.get("app") == "istiod"
        if is_istiod and not _is_restricted(resource.node):
            yield Problem(
                resource.name_node,
                f"istiod fetches keys from any address: `{_SETTING}` is not set",
                label="unrestricted",
                notes=(Note(fetching[0].name_node.span, "keys are fetched for this one"),),
                help=f"set `{_SETTING}` to the ranges that no key is to be fetched from, such as 169.254.0.0/16",
            )


@checks("MSH521")
def conflicting_request_authentication(mesh: Mesh) -> Iterator[Result]:
    """Two ways to verify one issuer's tokens at one place: a token that passes either is taken (S138, S141)."""
    told: set[Node] = set()
    for found in dict.fromkeys(tuple(mesh.derived(authenticators, mesh, one)) for one in mesh.workloads):
        by_issuer: defaultdict[str, list[tuple[RequestAuthentication, JWTRule]]] = defaultdict(list)
        for one in found:
            for rule in one.spec.jwt_rules:
                by_issuer[rule.issuer].append((one, rule))
        for issuer, rules in by_issuer.items():
            for (first, earlier), (second, later) in pairwise(rules):
                difference = _difference(earlier, later)
                if issuer and difference and later.node not in told and not mesh.are_alternatives(first, second):
                    told.add(later.node)
                    yield _conflict(first, earlier, later, difference)


def _claims(vs: Resource[VirtualServiceSpec]) -> Mapping[str, Node]:
    """The gateways at which routes ask for claims, and the first match of each that does."""
    found: dict[str, Node] = {}
    for route in vs.spec.http:
        for match in route.match:
            keys = [("headers", key) for key in match.headers] + [
                ("withoutHeaders", key) for key in match.without_headers
            ]
            asked = [match.node.at(*steps) for steps in keys if steps[1].startswith(_CLAIMS)]
            places = [gateway_name(name, vs.namespace) for name in match.gateways] or bound_gateways(vs)
            for place in places if asked else ():
                found.setdefault(place, asked[0])
    return found


def _unverified(mesh: Mesh, pod: Workload, place: str, node: Node) -> Result:
    homes = {pod.namespace, mesh.config.root_namespace}
    near = [one for one in (*mesh.request_authentications, *mesh.authorization_policies) if one.namespace in homes]
    if not near and mesh.settings.world is not World.COMPLETE:
        return Outside(node, f"RequestAuthentications for gateway {place}")
    return Problem(
        node,
        f"no RequestAuthentication applies to `{pod.name}`, the pods of gateway `{place}`, so no request has this claim",
        label="never there",
        on_key=True,
    )


def _verifying(mesh: Mesh) -> Mapping[RequestAuthentication, tuple[Workload, ...]]:
    """The workloads at whose proxies each RequestAuthentication verifies tokens."""
    found: defaultdict[RequestAuthentication, list[Workload]] = defaultdict(list)
    for workload in mesh.workloads:
        for one in mesh.derived(authenticators, mesh, workload):
            found[one].append(workload)
    return {one: tuple(pods) for one, pods in found.items()}


def _optional(mesh: Mesh, one: RequestAuthentication, pods: tuple[Workload, ...]) -> Iterator[Result]:
    """The RequestAuthentication, if none of its workloads has a policy that asks for tokens."""
    witness: space.Some | None = None
    for pod in pods:
        if pod.proxy in (Proxy.NONE, Proxy.AMBIENT) or _is_asked_elsewhere(mesh, pod):
            return
        answer = mesh.derived(_without_token, mesh, attached(mesh, pod))
        if isinstance(answer, space.Unknown):
            yield Undecided(one.name_node, answer.why)
        if not isinstance(answer, space.Some):
            return
        witness = answer
    if witness is None:
        return
    if all(pod.is_assumed for pod in pods) and mesh.settings.world is not World.COMPLETE:
        yield Outside(one.name_node, "policies that ask for a token")
        return
    yield Problem(
        one.name_node,
        f"no policy asks for the tokens that `{one.name}` verifies, so requests without any pass",
        label="tokens are optional",
        help='deny what comes without: a DENY rule with `notRequestPrincipals: ["*"]`',
        witness=Witness(witness.request, "passes without a token"),
    )


def _is_asked_elsewhere(mesh: Mesh, pod: Workload) -> bool:
    """Whether a gateway leaves the demand to others: to routes by claims, or to the policies of what is behind it."""
    return is_gateway(mesh, pod) and mesh.derived(_asks_anywhere, mesh)


def _asks_anywhere(mesh: Mesh) -> bool:
    return any(_claims(vs) for vs in mesh.virtual_services) or any(
        _asks(policy) or action(policy) is Action.CUSTOM for policy in mesh.authorization_policies
    )


def _asks(policy: Policy) -> bool:
    """Whether some rule of the policy is about tokens."""
    conditions = (one.key for rule in policy.spec.rules for one in rule.when)
    return any(key.startswith("request.auth.") for key in conditions) or any(entries(policy, "requestPrincipals"))


_NO_TOKEN = both(Not(Present(TOKEN_ISSUER)), Not(Present(TOKEN_SUBJECT)))


def _without_token(mesh: Mesh, policies: tuple[Policy, ...]) -> space.Answer:
    """A request without a token that the policies let pass; none where they ask for tokens in any way."""
    if any(_asks(one) or action(one) is Action.CUSTOM or not is_certain(mesh, one) for one in policies):
        return space.Empty()
    found = gates(mesh, policies, Chain.HTTP)
    refusing = [rule.predicate for rule in found.refusing]
    allowing: list[Predicate] = [ALWAYS] if found.allowing is None else [rule.predicate for rule in found.allowing]
    unknown: space.Answer = space.Empty()
    for predicate in allowing:
        answer = space.outside(both(_NO_TOKEN, predicate), refusing)
        if isinstance(answer, space.Some):
            return answer
        if isinstance(answer, space.Unknown):
            unknown = answer
    return unknown


_SETTING = "BLOCKED_CIDRS_IN_JWKS_URIS"


def _is_restricted(deployment: Node) -> bool:
    """Whether a container of the control plane is told from where not to fetch."""
    containers = deployment.at("spec", "template", "spec", "containers").elements
    variables = (one for container in containers for one in container.at("env").elements)
    return any(
        one.at("name").value == _SETTING
        and (one.get("value") or one.get("valueFrom")) is not None
        and one.at("value").value != ""
        for one in variables
    )


def _difference(earlier: JWTRule, later: JWTRule) -> str:
    """In what the ways to verify differ that makes two of them more than one; empty where it is in nothing."""
    if any(_written(earlier, name) != _written(later, name) for name in ("fromHeaders", "fromParams", "fromCookies")):
        return ""
    if sorted(earlier.audiences) != sorted(later.audiences):
        return "audiences"
    if (earlier.jwks_uri, earlier.jwks) != (later.jwks_uri, later.jwks):
        return "keys"
    return ""


def _written(rule: JWTRule, name: str) -> object:
    node = rule.node.get(name)
    return node.plain if node is not None else None


def _conflict(first: RequestAuthentication, earlier: JWTRule, later: JWTRule, difference: str) -> Problem:
    return Problem(
        later.node.at("issuer"),
        f"`{first.name}` verifies tokens of `{later.issuer}` with other {difference} at the same workloads, "
        "so a token that passes either is taken",
        label=f"other {difference}",
        notes=(Note(earlier.node.at("issuer").span, "verified here as well"),),
        aliases=(),
    )
