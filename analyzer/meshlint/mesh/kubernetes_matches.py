"""Matches of HTTPRoutes and GRPCRoutes as the conditions of VirtualServices, and the order that they give (R905, R907)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meshlint.mesh.spelled import Spelled, spelled
from meshlint.resources.gateway_api import (
    GRPCMatch,
    GRPCRule,
    HTTPMatch,
    HTTPRule,
    MethodMatch,
    NameMatch,
    PathMatch,
)
from meshlint.source.node import Node

SEGMENTS = "pathSeparatedPrefix"
"""The condition on a path that Envoy has and VirtualServices have not: a prefix that ends where a segment does."""


@dataclass(frozen=True, slots=True, eq=False)
class Condition:
    """A match: the condition on the path as one kind and text, and the others; `node` is its place."""

    path: tuple[str, str] | None
    method: str
    headers: Mapping[str, Spelled]
    query: Mapping[str, Spelled]
    node: Node

    @property
    def uri(self) -> Spelled:
        """The condition on the path as VirtualServices have it."""
        return {self.path[0]: self.path[1]} if self.path is not None else None


def conditions(rule: HTTPRule | GRPCRule) -> tuple[Condition, ...]:
    """The matches of a rule; one that has none takes everything, for an HTTPRoute by the prefix `/` (R907)."""
    if isinstance(rule, HTTPRule):
        return tuple(_of_http(one) for one in rule.matches) or (Condition(("prefix", "/"), "", {}, {}, rule.node),)
    return tuple(_of_grpc(one) for one in rule.matches) or (Condition(None, "", {}, {}, rule.node),)


def rank(one: Condition) -> tuple[int, ...]:
    """The key by which routes are sorted, smaller ones first; equal ones stay in their order (R905)."""
    if one.path is None:
        kind, length = 0, 0
    else:
        kind, length = _kind_rank(one.path[0]), len(one.path[1])
    return (-kind, -length, 0 if one.method else 1, -len(one.headers), -len(one.query))


def _kind_rank(kind: str) -> int:
    return {"regex": 1, "prefix": 2, SEGMENTS: 2, "exact": 3}[kind]


def _of_http(match: HTTPMatch) -> Condition:
    path = _path(match.path) if match.path is not None else ("prefix", "/")
    return Condition(path, match.method, _named(match.headers), _named(match.query_params), match.node)


def _path(path: PathMatch) -> tuple[str, str]:
    match path.type:
        case "Exact":
            return "exact", path.value
        case "RegularExpression":
            return "regex", path.value
        case _:
            return _segments(path.value)


def _segments(prefix: str) -> tuple[str, str]:
    """A prefix whose slash at the end does not count; `/` is every path's."""
    kept = prefix.removesuffix("/")
    return (SEGMENTS, kept) if kept else ("prefix", "/")


def _of_grpc(match: GRPCMatch) -> Condition:
    path = _method_path(match.method) if match.method is not None else None
    return Condition(path, "", _named(match.headers), {}, match.node)


def _method_path(by: MethodMatch) -> tuple[str, str] | None:
    """The path of a gRPC call, `/SERVICE/METHOD` (R907)."""
    service, method = by.service, by.method
    if not service and not method:
        return None
    if not service:
        return "regex", f"/[^/]+/{method}"
    if by.type == "RegularExpression":
        return "regex", f"/{service}/{method or '.+'}"
    return ("exact", f"/{service}/{method}") if method else _segments(f"/{service}/")


def _named(matches: Iterable[NameMatch]) -> dict[str, Spelled]:
    """Conditions on headers or parameters by name; of two for one name the first counts."""
    found: dict[str, Spelled] = {}
    for one in matches:
        kind = "regex" if one.type == "RegularExpression" else "exact"
        found.setdefault(one.name, spelled({kind: one.value}, one.node))
    return found
