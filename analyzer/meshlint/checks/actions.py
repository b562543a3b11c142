"""What routes do beside choosing a destination: rewrites that glue or double slashes, retries and faults without effect."""

from collections.abc import Iterator

from meshlint import space
from meshlint.finding import Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.mesh.paths import rewritten
from meshlint.mesh.predicate import Predicate, Prefix, both
from meshlint.mesh.routing import Match, Route
from meshlint.mesh.scope import where
from meshlint.registry import checks
from meshlint.request import PATH
from meshlint.resources.base import seconds
from meshlint.source.node import Node


@checks("MSH107")
def rewrite_doubles_slash(mesh: Mesh) -> Iterator[Result]:
    """A rewrite replaces just the text of the prefix, so that slashes double or names run together (R405)."""
    for table in mesh.route_tables:
        for route, earlier in table.with_earlier():
            uri = route.node.get("rewrite", "uri")
            text = uri.value if uri is not None else None
            if uri is None or not isinstance(text, str) or not text.startswith("/"):
                continue
            scope = mesh.derived(where, mesh, table.resource)
            before = [both(scope, one.predicate) for one in earlier]
            found = next(_misfits(route, text, scope, before), None)
            if found is not None:
                yield _misfit(uri, *found)


@checks("MSH126")
def retry_exceeds_timeout(mesh: Mesh) -> Iterator[Result]:
    """The route's timeout ends the request before all tries had the time that each is given (R409)."""
    for vs in mesh.virtual_services:
        for route in vs.spec.http:
            node = route.node.get("retries", "perTryTimeout")
            attempts = _number(route.node.get("retries", "attempts"))
            each, whole = _seconds(node), _seconds(route.node.get("timeout"))
            if node is None or not attempts or not each or not whole or attempts * each <= whole:
                continue
            yield Problem(
                node,
                f"{attempts} retries of {node.value} do not fit into the route's timeout of {route.timeout}",
                label="does not fit",
                help=f"the timeout covers the first try and all retries: {_shown((attempts + 1) * each)} would be needed",
            )


@checks("MSH127")
def fault_without_effect(mesh: Mesh) -> Iterator[Result]:
    """A fault that no request ever meets: its share is zero, or it says neither abort nor delay (R408)."""
    if mesh.settings.istio_version < (1, 1):
        return
    for vs in mesh.virtual_services:
        for route in vs.spec.http:
            fault = route.fault
            if fault is None:
                continue
            kinds = [one for one in (fault.get("abort"), fault.get("delay")) if one is not None and one.mapping]
            if not kinds:
                yield Problem(fault, "this fault has neither an abort nor a delay: it does nothing", on_key=True)
            for one in kinds:
                yield from _faultless(one, has_percent=one is fault.get("delay"))


def _misfits(route: Route, text: str, scope: Predicate, before: list[Predicate]) -> Iterator[tuple[str, str, bool]]:
    """A path, what becomes of it, and whether a slash is doubled, for entries whose prefix does not end as *text* does."""
    taken = list(before)
    for match in route.matches:
        prefix = match.prefix if match.prefix is not None else _free(match)
        own = both(scope, match.predicate)
        if prefix is not None and prefix.endswith("/") != text.endswith("/"):
            is_doubled = text.endswith("/")
            # What goes on after the prefix shows it: a segment after a bare prefix, a name after a slash.
            further = Prefix(PATH, f"{prefix}/" if is_doubled else f"{prefix}a")
            answer = space.outside(both(own, further), taken)
            if isinstance(answer, space.Some) and (is_doubled or text[-1].isalnum()):
                changed = rewritten(answer.request, route.node.get("rewrite"), match)
                path, result = answer.request.get(PATH), changed.get(PATH) if changed is not None else None
                if path is not None and result is not None:
                    yield path, result, is_doubled
        taken.append(own)


def _misfit(uri: Node, path: str, result: str, is_doubled: bool) -> Problem:
    what = "a double slash" if is_doubled else "two names in one"
    match = "the match" if is_doubled else "the rewrite"
    return Problem(
        uri,
        f"the rewrite makes {what}: `{path}` becomes `{result}`",
        label=f"as `{result}`",
        help=f"end both the prefix and the rewrite with a slash, or neither: here {match} lacks it",
    )


def _free(match: Match) -> str | None:
    """A rewrite without a condition on the path replaces the first slash (R405)."""
    return "/" if match.node.get("uri") is None else None


def _faultless(one: Node, *, has_percent: bool) -> Iterator[Problem]:
    share = one.get("percentage", "value")
    percent = one.get("percent") if has_percent else None
    if _is_some(share) or (one.get("percentage") is None and _is_some(percent)):
        return
    given = share or percent
    if given is not None:
        yield Problem(given, "this fault does nothing: it is for 0 % of the requests", label="0 %")
    else:
        message = "this fault does nothing: without `percentage` it is for no request"
        yield Problem(one, message, label="0 %", on_key=True, help="write percentage: {value: 100}")


def _is_some(node: Node | None) -> bool:
    return node is not None and isinstance(node.value, int | float) and node.value > 0


def _number(node: Node | None) -> int:
    return node.value if node is not None and isinstance(node.value, int) else 0


def _seconds(node: Node | None) -> float | None:
    return seconds(node.value) if node is not None and isinstance(node.value, str) else None


def _shown(length: float) -> str:
    return f"{length:g}s"
