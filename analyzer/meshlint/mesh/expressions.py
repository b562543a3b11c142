"""The regular expressions of resources, and what RE2 says of them (R308, R312, R314)."""

from collections.abc import Iterator

from meshlint.mesh.re2 import error
from meshlint.resources.base import Resource
from meshlint.resources.mistake import Violation
from meshlint.resources.virtual_service import HTTPRoute, VirtualServiceSpec
from meshlint.source.node import Node

_LONGEST = 1024
_STRINGS = ("uri", "scheme", "method", "authority")
_FIRST_RE2 = (1, 4)


def bad_expressions(vs: Resource[VirtualServiceSpec], release: tuple[int, int]) -> Iterator[Violation]:
    """The expressions of a VirtualService that Istio refuses; before 1.4 they were not RE2's (R1008)."""
    if release < _FIRST_RE2:
        return
    for route in vs.spec.http:
        for node in _expressions(route):
            yield from _flaws(node)


def _expressions(route: HTTPRoute) -> Iterator[Node]:
    for match in route.match:
        for name in _STRINGS:
            yield from _at(match.node.get(name), "regex")
        # `*` is how Istio itself writes that something is there, whatever its value (R313, R314).
        for name, presence in (("headers", ""), ("withoutHeaders", "*"), ("queryParams", "*")):
            conditions = match.node.get(name)
            for condition in conditions.mapping.values() if conditions is not None else ():
                yield from (one for one in _at(condition, "regex") if one.value != presence or not presence)
    origins = route.node.get("corsPolicy", "allowOrigins")
    for origin in origins.elements if origins is not None else ():
        yield from (one for one in _at(origin, "regex") if one.value)
    yield from (one for one in _at(route.node.get("rewrite", "uriRegexRewrite"), "match") if one.value)


def _at(parent: Node | None, name: str) -> Iterator[Node]:
    below = parent.get(name) if parent is not None else None
    if below is not None and isinstance(below.value, str):
        yield below


def _flaws(node: Node) -> Iterator[Violation]:
    pattern = str(node.value)
    name = node.path[-1]
    if not pattern:
        message, hint = f"`{name}` is empty: the expression matches nothing but an empty value", ""
    elif len(pattern.encode("utf-8", "surrogatepass")) > _LONGEST:
        message, hint = f"`{name}` has {len(pattern)} characters, at most {_LONGEST} are taken", ""
    elif why := error(pattern):
        shown = pattern if len(pattern) <= 60 else pattern[:57] + "..."
        message, hint = f"`{shown}` is no regular expression: {why}", "expressions are those of RE2"
    else:
        return
    yield Violation("invalid-value", node, message, "no expression", hint)
