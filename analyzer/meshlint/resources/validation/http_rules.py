"""Rules of HTTPRoutes and GRPCRoutes: their matches, filters, redirects and timeouts."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from meshlint.resources.base import Resource
from meshlint.resources.fit import milliseconds
from meshlint.resources.gateway_api import GRPCRouteSpec, HTTPMatch, HTTPRoute, HTTPRouteSpec
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.gateway_routes import filters
from meshlint.resources.validation.names import clash, has, invalid, missing, number, shown, text
from meshlint.source.node import Node

_FIELDS: Mapping[str, str] = {
    "RequestHeaderModifier": "requestHeaderModifier",
    "ResponseHeaderModifier": "responseHeaderModifier",
    "RequestMirror": "requestMirror",
    "RequestRedirect": "requestRedirect",
    "URLRewrite": "urlRewrite",
    "ExtensionRef": "extensionRef",
    "CORS": "cors",
    "ExternalAuth": "externalAuth",
}
"""The field that says what a filter of each type does."""
_ONCE = frozenset({"RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "CORS"})
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+", re.ASCII)
_PREFIX = "ReplacePrefixMatch"
_MODIFIERS: Mapping[str, str] = {"ReplaceFullPath": "replaceFullPath", _PREFIX: "replacePrefixMatch"}


@demands(HTTPRouteSpec)
def paths_are_plain(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A path that is compared as it stands is absolute and normal: no `//`, `/./`, `/../`, `%2f` or `#`."""
    for rule in route.spec.rules:
        for match in rule.matches:
            if match.path is not None and match.path.type in {"Exact", "PathPrefix"}:
                node = match.path.node.get("value")
                flaw = _path_flaw(match.path.value)
                if node is not None and flaw:
                    yield invalid(node, flaw)


def _path_flaw(path: str) -> str:
    if not path.startswith("/"):
        return "a path begins with `/`"
    for bad in ("//", "/./", "/../", "%2f", "%2F", "#"):
        if bad in path:
            return f"no request has {shown(bad)} in its path once it is normal"
    for bad in ("/..", "/."):
        if path.endswith(bad):
            return f"no path ends with {shown(bad)} once it is normal"
    return "" if _PATH.fullmatch(path) else "it has characters that a path writes as `%` and two digits"


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
def filters_say_what_they_do(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """A filter has the field that its type names, and none of another type."""
    for rule in route.spec.rules:
        for one in filters(rule.node):
            kind = text(one.get("type"))
            own = _FIELDS.get(kind)
            if own is None:
                continue
            if not has(one, own):
                yield missing(one, f"a filter of type {kind} says what it does in `{own}`", label=f"no `{own}`")
            for field in _FIELDS.values():
                if field != own and has(one, field):
                    yield clash(one.at(field), f"a filter of type {kind} takes no `{field}`")


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
def filters_are_given_once(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """Of most types a rule or backend has one filter at most, and it redirects or rewrites, but not both."""
    for rule in route.spec.rules:
        for holder in (rule.node, *rule.node.at("backendRefs").elements):
            given = holder.at("filters").elements
            seen: Counter[str] = Counter()
            for one in given:
                kind = text(one.get("type"))
                seen[kind] += 1
                if kind in _ONCE and seen[kind] == 2:
                    yield clash(one, f"there is a filter of type {kind} already", label="again", on_key=False)
            if seen["RequestRedirect"] and seen["URLRewrite"]:
                last = next(
                    one for one in reversed(given) if text(one.get("type")) in {"RequestRedirect", "URLRewrite"}
                )
                yield clash(last, "a request is redirected or rewritten, not both", on_key=False)


@demands(HTTPRouteSpec)
def redirects_go_nowhere_else(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A rule that redirects has no backends; one that replaces the matched prefix matches by one prefix."""
    for rule in route.spec.rules:
        redirect = next(
            (one.at("requestRedirect") for one in rule.node.at("filters").elements if has(one, "requestRedirect")), None
        )
        if redirect is not None and rule.backend_refs:
            yield clash(redirect, "a rule that redirects sends nothing to `backendRefs`", "leave one of them out")
        for one in filters(rule.node):
            for field in ("requestRedirect", "urlRewrite"):
                path = one.get(field, "path")
                is_prefix = path is not None and text(path.get("type")) == _PREFIX and has(path, "replacePrefixMatch")
                if path is not None and is_prefix and not _is_one_prefix(rule.matches, rule.node):
                    message = f"`{_PREFIX}` needs a rule with one match, and that by `PathPrefix`"
                    yield clash(path, message, "split the rule, or replace the whole path")


def _is_one_prefix(matches: tuple[HTTPMatch, ...], rule: Node) -> bool:
    """Whether a rule matches by one prefix; a rule without `matches` does, and a match without `path`."""
    if not matches:
        return not has(rule, "matches")
    path = matches[0].path
    return len(matches) == 1 and (path is None or path.type == "PathPrefix")


@demands(HTTPRouteSpec)
def new_paths_are_told(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """A new path stands in the field that its type names."""
    for rule in route.spec.rules:
        for one in filters(rule.node):
            for field in ("requestRedirect", "urlRewrite"):
                path = one.get(field, "path")
                if path is not None:
                    yield from _modifier_flaws(path)


def _modifier_flaws(path: Node) -> Iterator[Violation]:
    kind = text(path.get("type"))
    own = _MODIFIERS.get(kind)
    if own is None:
        return
    if not has(path, own):
        yield missing(path, f"a path of type {kind} is told in `{own}`", label=f"no `{own}`")
    for other in _MODIFIERS.values():
        if other != own and has(path, other):
            yield clash(path.at(other), f"a path of type {kind} takes no `{other}`")


@demands(HTTPRouteSpec)
def stars_stand_alone(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """In a list of what a browser may send, `*` stands for everything, so it stands alone."""
    for rule in route.spec.rules:
        for one in filters(rule.node):
            for field in ("allowHeaders", "allowMethods", "allowOrigins"):
                values = one.get("cors", field)
                given = values.elements if values is not None else ()
                star = next((value for value in given if value.value == "*"), None)
                if star is not None and len(given) > 1:
                    yield clash(star, f"`*` in `{field}` stands for everything and alone", on_key=False)


@demands(HTTPRouteSpec)
def attempts_fit_into_the_whole(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """The time for one attempt is no longer than that for the whole request, unless that has no limit."""
    for rule in route.spec.rules:
        whole, attempt = rule.node.get("timeouts", "request"), rule.node.get("timeouts", "backendRequest")
        limit, part = milliseconds(text(whole)), milliseconds(text(attempt))
        if attempt is not None and limit and part is not None and part > limit:
            message = f"one attempt may take {text(attempt)}, the whole request only {text(whole)}"
            yield clash(attempt, message, label="longer than the whole", on_key=False)


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
def shares_are_parts(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """No more than all requests are mirrored."""
    for rule in route.spec.rules:
        for one in filters(rule.node):
            fraction = one.get("requestMirror", "fraction")
            if fraction is None or not fraction.mapping:
                continue
            whole = number(fraction.get("denominator")) if has(fraction, "denominator") else 100
            numerator = fraction.get("numerator")
            if numerator is not None and number(numerator) > whole:
                yield invalid(numerator, f"more than all requests: the denominator is {whole:g}")


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
def sessions_are_kept_by_what_is_told(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """Settings of a cookie are for sessions that a cookie keeps, and a permanent one expires some time."""
    for rule in route.spec.rules:
        yield from session_flaws(rule.node.get("sessionPersistence"))


def session_flaws(session: Node | None) -> Iterator[Violation]:
    """Settings of a cookie without one, or a cookie that never expires."""
    cookie = session.get("cookieConfig") if session is not None else None
    if session is None or cookie is None or cookie.value is None:
        return
    if text(session.get("type")) not in {"", "Cookie"}:
        yield clash(cookie, f"`cookieConfig` is for sessions of type Cookie, this one is {text(session.get('type'))}")
    if text(cookie.get("lifetimeType")) == "Permanent" and not has(session, "absoluteTimeout"):
        yield missing(cookie, "a permanent cookie needs an `absoluteTimeout`", label="never expires")


@demands(HTTPRouteSpec)
def authorizers_speak_one_protocol(route: HTTPRoute, _: Release) -> Iterator[Violation]:
    """An external authorizer is set up in the field that its protocol names."""
    for rule in route.spec.rules:
        for one in filters(rule.node):
            authorizer = one.get("externalAuth")
            protocol = text(authorizer.get("protocol")) if authorizer is not None else ""
            if authorizer is None or protocol not in {"GRPC", "HTTP"}:
                continue
            own, other = ("grpc", "http") if protocol == "GRPC" else ("http", "grpc")
            if not has(authorizer, own):
                message = f"an authorizer of protocol {protocol} is set up in `{own}`"
                yield missing(authorizer, message, label=f"no `{own}`")
            if has(authorizer, other):
                yield clash(authorizer.at(other), f"an authorizer of protocol {protocol} takes no `{other}`")
