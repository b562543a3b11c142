"""Conditions as they are written, in few words: what stands beside an arrow of a drawing."""

from collections.abc import Iterable, Iterator

from meshlint.resources import gateway_api
from meshlint.resources.security import AuthorizationRule, AuthorizationSource, Operation
from meshlint.resources.virtual_service import HTTPMatch, HTTPRoute, L4Match, L4Route, StringMatch

_NAMED = 3


def route_condition(route: HTTPRoute | L4Route) -> str:
    """Which requests a VirtualService's route is for; empty for all."""
    return _alternatives(_match(match) for match in route.match)


def rule_condition(rule: gateway_api.HTTPRule | gateway_api.GRPCRule | gateway_api.PlainRule) -> str:
    """Which requests a rule of a Gateway API route is for; empty for all."""
    match rule:
        case gateway_api.HTTPRule():
            return _alternatives(" ".join(_http(one)) for one in rule.matches)
        case gateway_api.GRPCRule():
            return _alternatives(" ".join(_grpc(one)) for one in rule.matches)
        case gateway_api.PlainRule():
            return ""


def policy_condition(rule: AuthorizationRule, source: AuthorizationSource | None, skipped: str) -> str:
    """What an authorization rule asks for besides the field *skipped* of the *source*; empty for nothing."""
    asked = _alternatives(" ".join(_operation(to.operation)) if to.operation is not None else "" for to in rule.to)
    parts = [*_source(source, skipped), asked, *_when(rule)]
    return ", ".join(part for part in parts if part)


def _alternatives(each: Iterable[str]) -> str:
    """The alternatives, or the first of many; one of them that asks for nothing makes the others vain."""
    found = list(dict.fromkeys(each))
    if not all(found):
        return ""
    more = [f"{len(found) - _NAMED} more"] if len(found) > _NAMED else []
    return " or ".join((*found[:_NAMED], *more))


def _match(match: HTTPMatch | L4Match) -> str:
    return " ".join((*(_l7(match) if isinstance(match, HTTPMatch) else _l4(match)), *_both(match)))


def _l7(match: HTTPMatch) -> Iterator[str]:
    if match.method is not None:
        yield _text("method", match.method)
    if match.uri is not None:
        yield _text("", match.uri)
    for word, condition in (("scheme", match.scheme), ("host", match.authority)):
        if condition is not None:
            yield _text(word, condition)
    for name, condition in match.headers.items():
        yield _text(name, condition)
    for name, condition in match.without_headers.items():
        yield f"not({_text(name, condition)})"
    for name, condition in match.query_params.items():
        yield _text(f"?{name}", condition)


def _l4(match: L4Match) -> Iterator[str]:
    if match.sni_hosts:
        yield f"SNI {_list(match.sni_hosts)}"
    if match.destination_subnets:
        yield f"to {_list(match.destination_subnets)}"


def _both(match: HTTPMatch | L4Match) -> Iterator[str]:
    if match.port:
        yield f"port {match.port}"
    if match.source_namespace:
        yield f"from {match.source_namespace}"
    if match.source_labels:
        yield "from " + _list(tuple(f"{key}={value}" for key, value in match.source_labels.items()))
    if match.gateways:
        yield f"at {_list(match.gateways)}"


def _text(name: str, condition: StringMatch) -> str:
    lead = f"{name}=" if name else ""
    if condition.exact is not None:
        return f"{lead}{condition.exact}"
    if condition.prefix is not None:
        return f"{lead}{condition.prefix}*"
    if condition.regex is not None:
        return f"{name}~{condition.regex}"
    return name or "any path"


def _http(match: gateway_api.HTTPMatch) -> Iterator[str]:
    if match.method:
        yield match.method
    if match.path is not None and (match.path.type, match.path.value) != ("PathPrefix", "/"):
        yield _valued("", match.path.type, match.path.value)
    yield from (_valued(one.name, one.type, one.value) for one in match.headers)
    yield from (_valued(f"?{one.name}", one.type, one.value) for one in match.query_params)


def _grpc(match: gateway_api.GRPCMatch) -> Iterator[str]:
    if match.method is not None:
        name = f"{match.method.service or '*'}/{match.method.method or '*'}"
        yield _valued("", match.method.type, name)
    yield from (_valued(one.name, one.type, one.value) for one in match.headers)


def _valued(name: str, form: str, value: str) -> str:
    if form == "RegularExpression":
        return f"{name}~{value}"
    lead = f"{name}=" if name else ""
    return f"{lead}{value.rstrip('/')}/*" if form == "PathPrefix" else f"{lead}{value}"


def _operation(to: Operation) -> Iterator[str]:
    for word, values, others in (
        ("", to.methods, to.not_methods),
        ("", to.paths, to.not_paths),
        ("host ", to.hosts, to.not_hosts),
        ("port ", to.ports, to.not_ports),
    ):
        if values:
            yield f"{word}{_list(values)}"
        if others:
            yield f"not {word}{_list(others)}"


def _source(source: AuthorizationSource | None, skipped: str) -> Iterator[str]:
    if source is None:
        return
    for name, word, values, others in (
        ("principals", "principal", source.principals, source.not_principals),
        ("namespaces", "namespace", source.namespaces, source.not_namespaces),
        ("service_accounts", "account", source.service_accounts, source.not_service_accounts),
        ("", "token of", source.request_principals, source.not_request_principals),
        ("", "trust domain", source.trust_domains, source.not_trust_domains),
        ("", "address", source.ip_blocks, source.not_ip_blocks),
        ("", "client address", source.remote_ip_blocks, source.not_remote_ip_blocks),
    ):
        if values and name != skipped:
            yield f"{word} {_list(values)}"
        if others:
            yield f"not {word} {_list(others)}"


def _when(rule: AuthorizationRule) -> Iterator[str]:
    for one in rule.when:
        if one.values:
            yield f"{one.key}={_list(one.values)}"
        if one.not_values:
            yield f"not {one.key}={_list(one.not_values)}"


def _list(values: tuple[str, ...]) -> str:
    shown = ",".join(values[:_NAMED])
    return f"{shown},…" if len(values) > _NAMED else shown
