"""What a route does to a call beside choosing where it goes: faults, preflights, retries, headers and copies (R404-R410)."""

from collections.abc import Iterator

from meshlint import request as a
from meshlint.mesh import history
from meshlint.mesh.delegates import Rule
from meshlint.mesh.model import Mesh
from meshlint.mesh.paths import new_path
from meshlint.mesh.predicate import accepts
from meshlint.mesh.re2 import BadPattern
from meshlint.mesh.routing import Match, string_test
from meshlint.mesh.steps import Fact, Kind, Outcome
from meshlint.request import Request
from meshlint.resources.record import decode
from meshlint.resources.virtual_service import Destination, StringMatch
from meshlint.source.node import Node

_REQUESTED_METHOD = a.header("access-control-request-method")
_GRPC_ANSWERS = {
    "OK": 200,
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "DEADLINE_EXCEEDED": 504,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "PERMISSION_DENIED": 403,
    "RESOURCE_EXHAUSTED": 429,
    "FAILED_PRECONDITION": 400,
    "ABORTED": 409,
    "OUT_OF_RANGE": 400,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "UNAUTHENTICATED": 401,
}
"""The HTTP status of an answer with a status of gRPC to a caller that does not speak it; 500 for all others."""


def aborted(mesh: Mesh, rule: Rule, request: Request) -> Outcome | None:
    """The answer of a fault that strikes every request; an abort without a percentage strikes none (R408)."""
    fault = rule.setting("fault")
    abort = fault.get("abort") if fault is not None else None
    if abort is None or _share(mesh, abort) < 100:
        return None
    return Outcome(Kind.DIRECT, _abort_status(abort, request), why="a fault is injected into every request")


def preflight(rule: Rule, request: Request) -> Outcome | None:
    """The proxy's own answer to a preflight that the route's CORS policy knows (R410)."""
    policy = rule.setting("corsPolicy")
    origin = request.get(a.header("origin"))
    is_preflight = request.get(a.METHOD) == "OPTIONS" and request.get(_REQUESTED_METHOD) is not None
    if policy is None or origin is None or not is_preflight:
        return None
    if _allows(policy, origin):
        return Outcome(Kind.DIRECT, 200, why="the CORS policy answers the preflight")
    unmatched = policy.get("unmatchedPreflights")
    if unmatched is not None and unmatched.value == "IGNORE":
        return Outcome(Kind.DIRECT, 200, why="the CORS policy answers the preflight, and allows nothing")
    return None


def redirected(redirect: Node, request: Request, match: Match) -> Outcome:
    """The redirect that a route answers with, and where it leads (R404, R913)."""
    code = whole(redirect.get("redirectCode")) or 301
    scheme = _text(redirect.get("scheme")) or request.get(a.SCHEME) or "http"
    host = _text(redirect.get("authority")) or request.get(a.AUTHORITY) or ""
    default = 443 if scheme == "https" else 80
    port = whole(redirect.get("port"))
    match _text(redirect.get("derivePort")):
        case "FROM_PROTOCOL_DEFAULT":
            port = default
        case "FROM_REQUEST_PORT":
            given = (request.get(a.AUTHORITY) or "").rpartition(":")[2]
            port = int(given) if given.isdecimal() else default
    if port is not None:
        host = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
        host = host if port == default else f"{host}:{port}"
    path = new_path(request.get(a.PATH) or "/", _text(redirect.get("uri")), match)
    query = (request.get(a.header(":path")) or "").partition("?")
    return Outcome(Kind.REDIRECT, code, why=f"{scheme}://{host}{path}{query[1]}{query[2]}")


def timing(mesh: Mesh, rule: Rule | None) -> Fact:
    """The timeout and the retries of a route; those of a host without VirtualService where *rule* is None (R409).

    Of Istio 1.0 nothing is known but what is written.
    """
    timeout = rule.setting("timeout") if rule is not None else None
    retries = rule.setting("retries") if rule is not None else None
    limit = f"timeout {timeout.value}" if timeout is not None else "timeout none"
    origin = ""
    if retries is None:
        if mesh.settings.istio_version < history.SCOPES:
            return Fact(limit, timeout)
        retries = mesh.config.default_http_retry_policy
        origin = " (mesh default)" if retries is not None else " (Istio default)"
    attempts = whole(retries.get("attempts")) if retries is not None else 2
    each = _text(retries.get("perTryTimeout")) if retries is not None else ""
    text = f"{limit}, {attempts or 0} {'retry' if attempts == 1 else 'retries'}{origin}"
    return Fact(text + (f" of at most {each}" if each else ""), timeout or retries)


def effects(mesh: Mesh, rule: Rule, request: Request) -> Iterator[Fact]:
    """What else becomes of the calls that a route takes, as facts: faults for some, delays, CORS, headers, rewrites."""
    fault = rule.setting("fault")
    abort, delay = (fault.get("abort"), fault.get("delay")) if fault is not None else (None, None)
    if abort is not None and 0 < _share(mesh, abort) < 100:
        yield Fact(
            f"a fault answers {_share(mesh, abort):g} % of the requests with {_abort_status(abort, request)}", abort
        )
    if delay is not None and _share(mesh, delay) > 0:
        yield Fact(f"{_share(mesh, delay):g} % of the requests are delayed by {_text(delay.get('fixedDelay'))}", delay)
    if rule.setting("corsPolicy") is not None:
        yield Fact("a CORS policy answers preflights of the origins that it allows", rule.setting("corsPolicy"))
    rewrite, headers = rule.setting("rewrite"), rule.setting("headers")
    if rewrite is not None:
        yield Fact("the request is rewritten", rewrite)
    for side in ("request", "response"):
        changes = headers.get(side) if headers is not None else None
        if changes is not None and changes.mapping:
            yield Fact(f"headers of the {side} are changed: {', '.join(sorted(changes.mapping))}", changes)
    if mesh.settings.istio_version < history.HEADERS:
        yield from _old_headers(mesh, rule)


def _old_headers(mesh: Mesh, rule: Rule) -> Iterator[Fact]:
    """What routes did to headers before they had `headers`; Istio 1.0 takes none from responses (R1004)."""
    added, removed = rule.setting("appendHeaders"), rule.setting("removeResponseHeaders")
    if added is not None and added.mapping:
        yield Fact(f"headers are added to the request: {', '.join(sorted(added.mapping))}", added)
    names = ", ".join(str(one.value) for one in removed.elements) if removed is not None else ""
    if names:
        has_effect = mesh.settings.istio_version >= history.RESPONSE_HEADERS
        text = f"headers are removed from the response: {names}"
        yield Fact(text if has_effect else f"`removeResponseHeaders` is ignored, the response keeps {names}", removed)


def copies(rule: Rule) -> Iterator[tuple[Destination, float]]:
    """Where copies of the requests go, and of how many percent (R407)."""
    single = rule.setting("mirror")
    if single is not None:
        written = rule.setting("mirrorPercentage")
        legacy = rule.setting("mirrorPercent") or rule.setting("mirror_percent")
        share = _number(written.get("value")) if written is not None else None
        share = share if share is not None else _number(legacy)
        yield decode(Destination, single, []), 100.0 if share is None else share
    several = rule.setting("mirrors")
    for one in several.elements if several is not None else ():
        to, percentage = one.get("destination"), one.get("percentage")
        share = (_number(percentage.get("value")) or 0.0) if percentage is not None else 100.0
        if to is not None:
            yield decode(Destination, to, []), share


def _allows(policy: Node, origin: str) -> bool:
    allowed, legacy = policy.get("allowOrigins"), policy.get("allowOrigin")
    if legacy is not None and any(one.value in ("*", origin) for one in legacy.elements):
        return True
    for one in allowed.elements if allowed is not None else ():
        condition = decode(StringMatch, one, [])
        if condition.exact == "*":
            return True
        try:
            test = string_test(condition, a.header("origin"))
            if accepts(test, origin):
                return True
        except BadPattern:
            continue
    return False


def _abort_status(abort: Node, request: Request) -> int | None:
    status = whole(abort.get("httpStatus"))
    grpc = abort.get("grpcStatus")
    if status is not None or grpc is None:
        return status
    if (request.get(a.header("content-type")) or "").startswith("application/grpc"):
        return 200
    return _GRPC_ANSWERS.get(str(grpc.value), 500)


def _share(mesh: Mesh, fault: Node) -> float:
    """The share of requests that a fault strikes, in percent; aborts know the old `percent` before 1.5 only (R408, R1003)."""
    percentage = fault.get("percentage")
    if percentage is not None:
        return _number(percentage.get("value")) or 0.0
    is_read = fault.get("fixedDelay") is not None or mesh.settings.istio_version < history.HEADERS
    return (_number(fault.get("percent")) or 0.0) if is_read else 0.0


def _number(node: Node | None) -> float | None:
    value = node.value if node is not None else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(node: Node | None) -> int | None:
    """The whole number that a node holds, None for anything else."""
    value = node.value if node is not None else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(node: Node | None) -> str:
    return str(node.value) if node is not None and isinstance(node.value, str) else ""
