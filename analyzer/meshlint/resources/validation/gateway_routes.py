"""Routes of the Gateway API: parents, backends and rules, for all kinds alike."""

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from meshlint.resources.base import Resource
from meshlint.resources.gateway_api import (
    GRPCRoute,
    GRPCRouteSpec,
    HTTPRouteSpec,
    MethodMatch,
    ParentRef,
    PlainRouteSpec,
    TLSRoute,
    TLSRouteSpec,
)
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import clash, invalid, is_address, missing, shown, text
from meshlint.source.node import Node

_MOST_MATCHES = 128
_HOST = re.compile(r"(?:\*\.)?[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_SERVICE = re.compile(r"\.?[a-z_][a-z_0-9]*(?:\.[a-z_][a-z_0-9]*)*", re.ASCII | re.IGNORECASE)
_METHOD = re.compile(r"[A-Za-z_][A-Za-z_0-9]*", re.ASCII)


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
@demands(TLSRouteSpec)
@demands(PlainRouteSpec)
def parents_are_told_apart(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """A route that binds to one parent several times says each time to which section, or which port, of it."""
    told: set[int] = set()
    for (first, one), (second, other) in combinations(enumerate(route.spec.parent_refs), 2):
        if second in told or first in told or _identity(one) != _identity(other):
            continue
        if _is_same_section(one, other) and _is_same_port(one, other):
            told.add(second)
            hint = "give each reference a `sectionName` of its own"
            yield clash(other.node, f"the route binds to {shown(one.name)} twice", hint, "again", on_key=False)


def _identity(parent: ParentRef) -> tuple[str, str, str, str]:
    return parent.group, parent.kind, parent.namespace, parent.name


def _is_same_section(one: ParentRef, other: ParentRef) -> bool:
    """Whether the standard channel takes two references for the same: an open one is the same as every other."""
    return one.section_name == other.section_name or not (one.section_name and other.section_name)


def _is_same_port(one: ParentRef, other: ParentRef) -> bool:
    """Whether the experimental channel does, which also looks at ports."""
    is_half = bool(one.section_name) != bool(other.section_name) or bool(one.port) != bool(other.port)
    return is_half or (one.section_name, one.port or 0) == (other.section_name, other.port or 0)


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
@demands(TLSRouteSpec)
@demands(PlainRouteSpec)
def services_are_sent_to_by_port(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """A reference to a Service says which of its ports."""
    for rule in route.spec.rules:
        for backend in rule.backend_refs:
            yield from _port_missing(backend.node)
        for one in filters(rule.node):
            for field in ("requestMirror", "externalAuth"):
                backend = one.get(field, "backendRef")
                if backend is not None:
                    yield from _port_missing(backend)


def filters(rule: Node) -> Iterator[Node]:
    """All filters of a rule, those of its backends included."""
    yield from rule.at("filters").elements
    for backend in rule.at("backendRefs").elements:
        yield from backend.at("filters").elements


def _port_missing(backend: Node) -> Iterator[Violation]:
    kind = backend.get("kind")
    is_service = not text(backend.get("group")) and (kind is None or kind.value in {"Service", None})
    port = backend.get("port")
    if is_service and backend.mapping and (port is None or port.value is None):
        name = shown(text(backend.get("name")))
        yield missing(backend, f"the reference to Service {name} does not say which port", label="no `port`")


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
@demands(TLSRouteSpec)
@demands(PlainRouteSpec)
def rules_are_told_apart(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """No two rules of a route have the same name."""
    seen: set[str] = set()
    for rule in route.spec.rules:
        if rule.name and rule.name in seen:
            message = f"two rules of the route are called {shown(rule.name)}"
            yield clash(rule.node.at("name"), message, label="again", on_key=False)
        seen.add(rule.name)


@demands(HTTPRouteSpec)
@demands(GRPCRouteSpec)
def matches_are_not_too_many(route: Resource[Any], _: Release) -> Iterator[Violation]:
    """A route has no more than 128 matches in all its rules together."""
    count = sum(len(rule.matches) for rule in route.spec.rules)
    rules = route.spec.node.get("rules")
    if count > _MOST_MATCHES and rules is not None:
        message = f"the route's rules have {count} matches together, at most {_MOST_MATCHES} are taken"
        yield clash(rules, message, "split the route", "too many")


@demands(TLSRouteSpec)
def names_are_of_servers(route: TLSRoute, _: Release) -> Iterator[Violation]:
    """A client names a server by its host name: no address, and a wildcard stands for whole first labels."""
    for node in route.spec.node.at("hostnames").elements:
        name = text(node)
        if name and is_address(name):
            yield invalid(node, "a client names a server by a host name, not by an address")
        elif name and not _HOST.fullmatch(name):
            yield invalid(node, "no host name: lower-case labels with dots between, the first may be `*`")


@demands(GRPCRouteSpec)
def methods_are_of_services(route: GRPCRoute, _: Release) -> Iterator[Violation]:
    """A method match names a service or a method, as gRPC writes them."""
    for rule in route.spec.rules:
        for match in rule.matches:
            if match.method is not None:
                yield from _method_flaws(match.method)


def _method_flaws(method: MethodMatch) -> Iterator[Violation]:
    node = method.node
    service, name = node.get("service"), node.get("method")
    if service is None and name is None and node.value is not None:
        yield missing(node, "a match of a method names a `service` or a `method`", label="names nothing")
    if method.type != "Exact":
        return
    if service is not None and method.service and not _SERVICE.fullmatch(method.service):
        yield invalid(service, "no name of a gRPC service, such as `shop.Ratings`")
    if name is not None and method.method and not _METHOD.fullmatch(method.method):
        yield invalid(name, "no name of a gRPC method, such as `GetRating`")
