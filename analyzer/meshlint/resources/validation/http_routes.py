"""The actions of HTTP routes: which go together, and what each needs (R401-R409)."""

from collections.abc import Callable, Iterator

from meshlint.resources.fit import milliseconds
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.destinations import destination_flaws, share_flaws
from meshlint.resources.validation.names import (
    clash,
    filled,
    has,
    header_flaw,
    invalid,
    missing,
    number,
    percentage_flaws,
    port_flaws,
    shown,
    text,
    warned,
)
from meshlint.resources.virtual_service import HTTPRoute, VirtualService, VirtualServiceSpec
from meshlint.source.node import Node

_ACTIONS = {"redirect": "a redirect", "directResponse": "a direct response"}
_CONDITIONS = frozenset(
    [
        "5xx",
        "gateway-error",
        "reset",
        "reset-before-request",
        "connect-failure",
        "envoy-ratelimited",
        "retriable-4xx",
        "refused-stream",
        "retriable-status-codes",
        "retriable-headers",
        "http3-post-connect-failure",
        "cancelled",
        "deadline-exceeded",
        "internal",
        "resource-exhausted",
        "unavailable",
    ]
)
_KILOBYTE = 1024
_ONLY_IN_PLACE = ("route", "redirect", "directResponse")


@demands(VirtualServiceSpec)
def http_routes(vs: VirtualService, release: Release) -> Iterator[Violation]:
    """What is wrong with each HTTP route on its own."""
    for route in vs.spec.http:
        for demand in _ON_ROUTES:
            yield from demand(route, release)


def _route_has_one_action(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A route redirects, answers, delegates or sends on (R401)."""
    node = route.node
    if has(node, "delegate"):
        return
    action = next((name for name in _ACTIONS if has(node, name)), None)
    if action is None:
        if not filled(node, "route"):
            hint = "a route needs `route`, `redirect`, `directResponse` or `delegate`"
            yield missing(node.get("route") or node, "the route does nothing with a request", hint, "no action")
        return
    for other in ("route", "fault", "rewrite", "directResponse"):
        if other != action and (filled(node, other) if other == "route" else has(node, other)):
            message = f"`{other}` does not go with `{action}`: {_ACTIONS[action]} sends nothing on"
            yield clash(node.at(other), message, "keep the one that is meant")


def _delegating_route_does_nothing_else(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """The delegate's routes take the place of the route, and with it of its action (R222)."""
    node = route.node
    if not has(node, "delegate"):
        return
    for other in _ONLY_IN_PLACE:
        if filled(node, other) if other == "route" else has(node, other):
            message = f"`{other}` does not go with `delegate`: the delegate's routes take this one's place"
            yield clash(node.at(other), message, "keep the one that is meant")
    if not filled(node.at("delegate"), "name"):
        yield missing(node.at("delegate"), "`delegate` names no VirtualService", label="no `name`")


def _mirror_excludes_mirrors(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """One field or the other says where copies go (R401)."""
    if has(route.node, "mirror") and filled(route.node, "mirrors"):
        message = "`mirror` does not go with `mirrors`: only one of them may be set"
        yield clash(route.node.at("mirrors"), message, "add the host of `mirror` to `mirrors`")


def _destinations_are_named(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """Each destination and mirror names a host, and perhaps a subset and a port."""
    for entry in route.node.at("route").elements:
        yield from destination_flaws(entry.get("destination"))
    yield from destination_flaws(route.node.get("mirror"))
    for entry in route.node.at("mirrors").elements:
        yield from destination_flaws(entry.get("destination"))


def _shares_add_up(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """Some destination gets requests (R402)."""
    yield from share_flaws(route.route)


def _mirrored_share_is_a_percentage(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    node = route.node
    yield from percentage_flaws(node.get("mirrorPercentage"))
    for name in ("mirrorPercent", "mirror_percent"):
        if has(node, name) and number(node.at(name)) > 100:
            yield invalid(node.at(name), "a percentage goes from 0 to 100")
    for mirror in node.at("mirrors").elements:
        yield from percentage_flaws(mirror.get("percentage"))


def _redirect_goes_somewhere(route: HTTPRoute, release: Release) -> Iterator[Violation]:
    """A redirect changes something of the request's address (R404, R1015)."""
    node = route.node.get("redirect")
    if node is None or not has(route.node, "redirect"):
        return
    goals = ("uri", "authority") if release < (1, 1) else ("uri", "authority", "scheme", "port", "derivePort")
    if not any(has(node, goal) if goal.lower().endswith("port") else filled(node, goal) for goal in goals):
        listed = ", ".join(f"`{goal}`" for goal in goals[:-1])
        yield missing(node, "the redirect leads to where the request came from", f"set {listed} or `{goals[-1]}`")
    yield from port_flaws(node.get("port"))


def _redirect_code_is_one(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A redirect is answered with a 3xx status (R404)."""
    code = route.node.at("redirect").get("redirectCode")
    if code is not None and number(code) and not 300 <= number(code) <= 399:
        yield invalid(code, "the status of a redirect is a 3xx one", "301, 302, 303, 307 and 308 work")


def _redirect_scheme_is_one(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    scheme = route.node.at("redirect").get("scheme")
    if scheme is not None and text(scheme) not in ("", "http", "https"):
        yield invalid(scheme, "a redirect leads to `http` or `https`")


def _answer_has_a_status(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    node = route.node.at("directResponse").get("status") if has(route.node, "directResponse") else None
    if node is not None and isinstance(node.value, int):
        yield from _status_flaws(node)


def _answer_is_small(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """The body of an answer travels to every proxy with its configuration."""
    body = route.node.get("directResponse", "body")
    if body is None:
        return
    node = body.get("string") or body.get("bytes") or body
    size = len(text(node).encode("utf-8", "surrogatepass"))
    if node is body.get("bytes"):
        size = size * 3 // 4
    if size > _KILOBYTE * _KILOBYTE:
        message = f"the body has {size:,} bytes, at most {_KILOBYTE * _KILOBYTE:,} are taken"
        yield Violation("invalid-value", node, message, "too long")
    elif size > 100 * _KILOBYTE:
        message = f"the body has {size:,} bytes, and every proxy gets them with its configuration"
        yield warned(node, message, label="long")


def _fault_is_one(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A fault delays or aborts (R408)."""
    node = route.node.get("fault")
    if node is None or not has(route.node, "fault"):
        return
    if not has(node, "abort") and not has(node, "delay"):
        yield missing(node, "the fault neither delays nor aborts", "set `delay` or `abort`")
    yield from percentage_flaws(node.at("abort").get("percentage"))
    yield from percentage_flaws(node.at("delay").get("percentage"))
    if not 0 <= number(node.get("delay", "percent")) <= 100:
        yield invalid(node.at("delay", "percent"), "a percentage goes from 0 to 100")


def _abort_has_a_status(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """An abort answers with an HTTP or gRPC status."""
    abort = route.node.get("fault", "abort")
    if abort is None or abort.value is None:
        return
    status, code = abort.get("httpStatus"), text(abort.get("grpcStatus"))
    if status is not None and isinstance(status.value, int):
        yield from _status_flaws(status)
    if code and code not in _GRPC:
        yield invalid(abort.at("grpcStatus"), "no status of gRPC", "the names are such as UNAVAILABLE or NOT_FOUND")
    if has(abort, "http2Error"):
        yield clash(abort.at("http2Error"), "`http2Error` is not supported", "use `httpStatus`", "not supported")
    if not any(has(abort, name) for name in ("httpStatus", "grpcStatus", "http2Error")):
        yield warned(
            abort, "the abort has no status, so nothing is aborted", "set `httpStatus`", "no status", on_key=True
        )


def _delay_is_fixed(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    delay = route.node.get("fault", "delay")
    if delay is not None and has(delay, "exponentialDelay"):
        message = "`exponentialDelay` is not supported"
        yield clash(delay.at("exponentialDelay"), message, "use `fixedDelay`", "not supported")


def _retries_are_made(route: HTTPRoute, release: Release) -> Iterator[Violation]:
    """How to retry means nothing where no retry is made (R409, R1015)."""
    node = route.node.get("retries")
    if node is None or node.value is None:
        return
    attempts = number(node.get("attempts"))
    if attempts < 0 or (release < (1, 1) and attempts < 1):
        least = "at least 1" if release < (1, 1) else "0 or more"
        yield invalid(node.at("attempts"), f"the number of attempts is {least}")
    elif attempts == 0:
        for name in ("perTryTimeout", "retryOn", "retryRemoteLocalities"):
            if filled(node, name) or (name != "retryOn" and has(node, name)):
                message = f"`{name}` has no use: without `attempts` no retry is made"
                yield clash(node.at(name), message, "set `attempts`", "no retry")
                return


def _retry_conditions_are_known(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    node = route.node.get("retries", "retryOn")
    for word in text(node).split(",") if node is not None and text(node) else ():
        condition = word.strip()
        if condition not in _CONDITIONS and not (condition.isascii() and condition.isdigit() and len(condition) == 3):
            message = f"{shown(condition)} is no condition for a retry"
            hint = "such as `5xx`, `gateway-error`, `connect-failure`, `refused-stream`, `unavailable` or a status"
            yield Violation("invalid-value", node or route.node, message, "unknown condition", hint)


def _rewrite_writes_something(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A rewrite changes the path, in one way, or the authority (R406)."""
    node = route.node.get("rewrite")
    if node is None or node.value is None:
        return
    if not filled(node, "uri") and not filled(node, "authority") and not has(node, "uriRegexRewrite"):
        yield missing(node, "the rewrite changes nothing", "set `uri`, `uriRegexRewrite` or `authority`")
    if filled(node, "uri") and has(node, "uriRegexRewrite"):
        yield clash(node.at("uriRegexRewrite"), "`uriRegexRewrite` does not go with `uri`: both write the path")
    expression = node.get("uriRegexRewrite")
    if expression is not None and expression.value is not None and not filled(expression, "match"):
        yield missing(expression, "`uriRegexRewrite` has no `match`: nothing is rewritten", label="no `match`")


def _authority_is_written_once(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """The rewrite and the headers may not both set the authority (R406)."""
    request = route.node.get("headers", "request")
    written = [route.node.at("rewrite", "authority")] if text(route.node.get("rewrite", "authority")) else []
    for action in ("set", "add"):
        entries = request.get(action) if request is not None else None
        written += [below for key, below in (entries.mapping if entries else {}).items() if _is_authority(key)]
    for again in written[1:]:
        yield clash(again, "the authority is written twice", f"once is by {named_place(written[0])}")


def named_place(node: Node) -> str:
    """Where in the route a value stands."""
    steps = [str(step) for step in node.path if isinstance(step, str)]
    return f"`{'.'.join(steps[2:])}`"


def _headers_can_be_changed(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """Headers have names; pseudo headers and the host are not changed as headers (R406)."""
    holders = (route.node, *route.node.at("route").elements) if has(route.node, "route") else (route.node,)
    for headers in (holder.get("headers") for holder in holders):
        for side in ("request", "response"):
            operations = headers.get(side) if headers is not None else None
            if operations is not None:
                yield from _operation_flaws(operations, is_request=side == "request")


def _operation_flaws(operations: Node, *, is_request: bool) -> Iterator[Violation]:
    for action in ("set", "add"):
        below = operations.get(action)
        for name, value in (below.mapping if below is not None else {}).items():
            if flaw := _change_flaw(name, may_be_authority=is_request):
                yield Violation("invalid-value", value, flaw, "no header to change", on_key=True)
            if text(value).count("%") % 2:
                hint = "double it, or put the name of a variable between two"
                yield Violation("invalid-value", value, "a single `%` begins a variable of Envoy's", "single `%`", hint)
    removed = operations.get("remove")
    for entry in removed.elements if removed is not None else ():
        if isinstance(entry.value, str) and (flaw := _change_flaw(entry.value, may_be_authority=False)):
            yield Violation("invalid-value", entry, flaw, "no header to change")


def _change_flaw(name: str, *, may_be_authority: bool) -> str:
    if may_be_authority and _is_authority(name):
        return ""
    if name.lower() == "host":
        return "the host is no header to remove, nor one of a response"
    return (
        f"{shown(name)} is a pseudo header, and those cannot be changed"
        if name.startswith(":")
        else ("" if name else "the name of a header is empty")
    )


def _cors_names_origins(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """An origin that is matched against nothing admits nobody."""
    for origin in route.node.at("corsPolicy", "allowOrigins").elements if has(route.node, "corsPolicy") else ():
        if origin.value is not None and not any(filled(origin, name) for name in ("exact", "prefix", "regex")):
            yield missing(origin, "the origin is compared with nothing", "set `exact`, `prefix` or `regex`")


def _cors_names_methods(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    methods = route.node.get("corsPolicy", "allowMethods")
    for method in methods.elements if methods is not None else ():
        if isinstance(method.value, str) and method.value not in _METHODS:
            known = method.value.upper() in _METHODS
            yield invalid(method, "no method of HTTP", f"did you mean `{method.value.upper()}`?" if known else "")


def _cors_names_headers(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    for field in ("allowHeaders", "exposeHeaders"):
        headers = route.node.get("corsPolicy", field)
        for header in headers.elements if headers is not None else ():
            if isinstance(header.value, str) and header.value != "*" and (flaw := header_flaw(header.value)):
                yield Violation("invalid-value", header, flaw, "no header")


def _cors_age_is_in_seconds(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """Browsers take the age of a preflight answer in whole seconds."""
    node = route.node.get("corsPolicy", "maxAge")
    length = milliseconds(text(node))
    if node is not None and length is not None and length >= 1 and length % 1000:
        yield invalid(node, "browsers count whole seconds")


def _status_flaws(status: Node) -> Iterator[Violation]:
    if not 200 <= number(status) <= 599:
        yield invalid(status, "the status of an answer goes from 200 to 599")


def _is_authority(name: str) -> bool:
    return name.lower() in ("host", ":authority")


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"))
_GRPC = frozenset(
    [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ]
)

_ON_ROUTES: tuple[Callable[[HTTPRoute, Release], Iterator[Violation]], ...] = (
    _route_has_one_action,
    _delegating_route_does_nothing_else,
    _mirror_excludes_mirrors,
    _destinations_are_named,
    _shares_add_up,
    _mirrored_share_is_a_percentage,
    _redirect_goes_somewhere,
    _redirect_code_is_one,
    _redirect_scheme_is_one,
    _answer_has_a_status,
    _answer_is_small,
    _fault_is_one,
    _abort_has_a_status,
    _delay_is_fixed,
    _retries_are_made,
    _retry_conditions_are_known,
    _rewrite_writes_something,
    _authority_is_written_once,
    _headers_can_be_changed,
    _cors_names_origins,
    _cors_names_methods,
    _cors_names_headers,
    _cors_age_is_in_seconds,
)
