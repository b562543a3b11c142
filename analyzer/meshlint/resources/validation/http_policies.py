"""What HTTP routes do besides sending on: faults, retries, rewrites, headers, CORS (R312, R406, R408-R410)."""

from collections.abc import Callable, Iterator

from meshlint.resources.fit import milliseconds
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import (
    clash,
    filled,
    has,
    header_flaw,
    invalid,
    missing,
    number,
    percent_flaws,
    percentage_flaws,
    shown,
    status_flaws,
    text,
    warned,
)
from meshlint.resources.virtual_service import HTTPRoute, VirtualService, VirtualServiceSpec
from meshlint.source.node import Node

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


@demands(VirtualServiceSpec)
def http_policies(vs: VirtualService, release: Release) -> Iterator[Violation]:
    """What is wrong with how each HTTP route treats requests."""
    for route in vs.spec.http:
        for demand in _ON_ROUTES:
            yield from demand(route, release)


def _fault_is_one(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A fault delays or aborts (R408)."""
    node = route.node.get("fault")
    if node is None or not has(route.node, "fault"):
        return
    if not has(node, "abort") and not has(node, "delay"):
        yield missing(node, "the fault neither delays nor aborts", "set `delay` or `abort`")
    yield from percentage_flaws(node.at("abort").get("percentage"))
    yield from percentage_flaws(node.at("delay").get("percentage"))
    yield from percent_flaws(node.get("delay", "percent"))


def _abort_has_a_status(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """An abort answers with an HTTP or gRPC status."""
    abort = route.node.get("fault", "abort")
    if abort is None or abort.value is None:
        return
    status, code = abort.get("httpStatus"), text(abort.get("grpcStatus"))
    if status is not None and isinstance(status.value, int):
        yield from status_flaws(status)
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
        yield clash(again, "the authority is written twice", f"once is by {_place(written[0])}")


def _place(node: Node) -> str:
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


def _is_authority(name: str) -> bool:
    return name.lower() in ("host", ":authority")


_ON_ROUTES: tuple[Callable[[HTTPRoute, Release], Iterator[Violation]], ...] = (
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
