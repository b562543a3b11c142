"""Tokens at a server's proxy: whether it verifies them, what it then knows of a request, what it sends on (S138-S150)."""

from dataclasses import dataclass

from meshlint import request as a
from meshlint.mesh.authorization import selects_pods
from meshlint.mesh.model import Mesh
from meshlint.mesh.workloads import Workload
from meshlint.request import LIST_MARK, Request
from meshlint.resources.security import JWTRule, RequestAuthentication

_ORIGIN, _PREFLIGHT = a.header("origin"), a.header("access-control-request-method")


@dataclass(frozen=True, slots=True)
class Verified:
    """The request with what its token proves at the proxy, or why the proxy answers 401."""

    request: Request
    refused: str = ""


def verified(given: tuple[RequestAuthentication, ...], request: Request) -> Verified:
    """The request with its token as far as some of the proxy's RequestAuthentications verifies it (S138-S142, S146).

    A request's token is genuine, and sits where the rules of its issuer look; a token of another issuer is taken for
    the bearer token of the Authorization header.
    """
    issuer, rules = request.get(a.TOKEN_ISSUER), _rules(given)
    if issuer is None or not rules or _is_preflight(request):
        return Verified(without_token(request))
    own = [rule for rule in rules if rule.issuer == issuer]
    if not own:
        if not any(_reads_bearer(rule) for rule in rules):
            return Verified(without_token(request))
        return Verified(request, f"no RequestAuthentication knows the token's issuer {issuer}")
    aimed = request.get(a.claim("aud"))
    # A token without any audience that the asker names is taken to have a fitting one.
    if aimed is None or any(not rule.audiences or set(rule.audiences) & set(aimed.split(LIST_MARK)) for rule in own):
        return Verified(request)
    return Verified(request, f"no RequestAuthentication lists the token's audience {aimed.replace(LIST_MARK, ', ')}")


def forwarded(given: tuple[RequestAuthentication, ...], request: Request) -> Request:
    """The request as the proxy sends it on: a token that it verifies goes no further unless a rule says so (S143)."""
    issuer = request.get(a.TOKEN_ISSUER)
    own = [rule for rule in _rules(given) if rule.issuer == issuer]
    if issuer is None or not own or _is_preflight(request) or any(rule.forward_original_token for rule in own):
        return request
    return without_token(request)


def authenticators(mesh: Mesh, workload: Workload) -> tuple[RequestAuthentication, ...]:
    """The RequestAuthentications at the workload's own proxy, whose rules are united (S138)."""
    homes = (mesh.config.root_namespace, workload.namespace)
    return tuple(
        one for one in mesh.request_authentications if one.namespace in homes and _is_attached(mesh, one, workload)
    )


def without_token(request: Request) -> Request:
    """The request as one that has no token to a proxy."""
    return Request(
        tuple(
            (name, value)
            for name, value in request.values
            if name not in (a.TOKEN_ISSUER, a.TOKEN_SUBJECT) and not name.startswith("claim:")
        )
    )


def _rules(given: tuple[RequestAuthentication, ...]) -> list[JWTRule]:
    return [rule for one in given for rule in one.spec.jwt_rules]


def _is_attached(mesh: Mesh, one: RequestAuthentication, workload: Workload) -> bool:
    refs = one.spec.target_refs or ((one.spec.target_ref,) if one.spec.target_ref is not None else ())
    labels = one.spec.selector.match_labels if one.spec.selector is not None else {}
    return selects_pods(mesh, one.namespace, refs, labels, workload)


def _reads_bearer(rule: JWTRule) -> bool:
    """Whether the rule looks at the Authorization header: by default, or since it says so (S142)."""
    places = (rule.from_headers, rule.from_params, rule.from_cookies)
    return not any(places) or any(one.name.lower() == "authorization" for one in rule.from_headers)


def _is_preflight(request: Request) -> bool:
    """Whether a browser asks for permission, which the verification of tokens lets pass (S146)."""
    return request.get(a.METHOD) == "OPTIONS" and bool(request.get(_ORIGIN)) and bool(request.get(_PREFLIGHT))
