"""EnvoyFilters: whether what a patch changes, where and how go together."""

from collections.abc import Iterator

from meshlint.resources.envoy_filter import ConfigPatch, EnvoyFilter, EnvoyFilterSpec
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import (
    are_labels_missing,
    clash,
    has,
    invalid,
    missing,
    selector_flaws,
    text,
    warned,
)
from meshlint.source.node import Node

_LISTENERS = ("LISTENER", "FILTER_CHAIN", "LISTENER_FILTER", "NETWORK_FILTER", "HTTP_FILTER")
_ROUTES = ("ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE")
_OLD_NAMES = {
    **{
        f"envoy.{name}": f"envoy.filters.http.{name}"
        for name in (
            "buffer",
            "cors",
            "csrf",
            "ext_authz",
            "fault",
            "grpc_http1_bridge",
            "grpc_json_transcoder",
            "grpc_web",
            "gzip",
            "health_check",
            "ip_tagging",
            "lua",
            "router",
            "squash",
        )
    },
    **{
        f"envoy.{name}": f"envoy.filters.network.{name}"
        for name in (
            "client_ssl_auth",
            "http_connection_manager",
            "mongo_proxy",
            "ratelimit",
            "redis_proxy",
            "tcp_proxy",
        )
    },
    **{
        f"envoy.listener.{name}": f"envoy.filters.listener.{name}"
        for name in ("http_inspector", "original_dst", "original_src", "proxy_protocol", "tls_inspector")
    },
    "envoy.http_dynamo_filter": "envoy.filters.http.dynamo",
    "envoy.rate_limit": "envoy.filters.http.ratelimit",
}
_OBJECTS = {"listener": _LISTENERS, "routeConfiguration": _ROUTES, "cluster": ("CLUSTER",)}


@demands(EnvoyFilterSpec)
def patches_are_complete(envoy_filter: EnvoyFilter, _: Release) -> Iterator[Violation]:
    """A patch says what it changes, and how."""
    for entry in envoy_filter.spec.config_patches:
        if entry.apply_to in ("", "INVALID"):
            yield missing(entry.node.get("applyTo") or entry.node, "the patch says not what it is for", "set `applyTo`")
        patch = entry.patch
        if patch is None or patch.value is None:
            yield missing(entry.node, "the entry has no `patch`", label="no `patch`")
            continue
        operation = text(patch.get("operation"))
        if operation in ("", "INVALID"):
            yield missing(patch, "the patch has no `operation`", label="no `operation`")
        elif operation != "REMOVE" and not has(patch, "value"):
            yield missing(patch, f"a patch with operation {operation} needs a `value`", label="no `value`")


@demands(EnvoyFilterSpec)
def matches_fit_what_is_changed(envoy_filter: EnvoyFilter, _: Release) -> Iterator[Violation]:
    """A match is on objects of the class that the patch changes."""
    for entry in envoy_filter.spec.config_patches:
        for name, classes in _OBJECTS.items():
            if _is_mismatch(entry, name, classes):
                message = f"a match on `{name}` does not go with `applyTo: {entry.apply_to}`"
                yield clash(_match(entry).at(name), message, "match what the patch changes")


@demands(EnvoyFilterSpec)
def waypoints_are_matched_as_such(envoy_filter: EnvoyFilter, _: Release) -> Iterator[Violation]:
    """A match on a waypoint goes with context WAYPOINT, and this context with such a match only."""
    for entry in envoy_filter.spec.config_patches:
        match = _match(entry)
        is_waypoint = text(match.get("context")) == "WAYPOINT"
        if has(match, "waypoint") and not is_waypoint:
            message = "a match on `waypoint` needs `context: WAYPOINT`"
            yield clash(match.at("waypoint"), message, "set the context")
        elif is_waypoint and not has(match, "waypoint"):
            message = "`context: WAYPOINT` needs a match on `waypoint`"
            yield clash(match.at("context"), message, "add `waypoint`", "no `waypoint`", on_key=False)


@demands(EnvoyFilterSpec)
def filters_are_named(envoy_filter: EnvoyFilter, _: Release) -> Iterator[Violation]:
    """A match on a filter names it, where a patch changes filters."""
    for entry in envoy_filter.spec.config_patches:
        below = _match(entry).get("listener", "filterChain", "filter")
        if below is None or below.value is None or entry.apply_to not in _LISTENERS:
            continue
        if entry.apply_to in ("LISTENER", "FILTER_CHAIN"):
            message = f"a match on a filter has no effect with `applyTo: {entry.apply_to}`"
            yield warned(below, message, "apply the patch to NETWORK_FILTER or HTTP_FILTER", "no effect", on_key=True)
        yield from _name_flaws(below)
        yield from _sub_filter_flaws(entry, below)


@demands(EnvoyFilterSpec)
def workloads_are_chosen_once(envoy_filter: EnvoyFilter, _: Release) -> Iterator[Violation]:
    """A selector names labels as they are."""
    selector = envoy_filter.spec.node.get("workloadSelector")
    yield from selector_flaws(selector, "labels")
    labels = envoy_filter.spec.workload_selector.labels if envoy_filter.spec.workload_selector is not None else {}
    if selector is not None and are_labels_missing(selector, labels):
        yield warned(selector, "the selector names no labels", "leave it out to mean all workloads", on_key=True)


@demands(EnvoyFilterSpec)
def targets_are_at_home(envoy_filter: EnvoyFilter, _: Release) -> Iterator[Violation]:
    """A filter is attached to objects of its own namespace."""
    targets = envoy_filter.spec.node.get("targetRefs")
    for target in targets.elements if targets is not None else ():
        namespace = target.get("namespace")
        if namespace is not None and text(namespace):
            yield invalid(namespace, "targets are in the filter's own namespace", "leave it out")


def _sub_filter_flaws(entry: ConfigPatch, below: Node) -> Iterator[Violation]:
    sub_filter = below.get("subFilter")
    if sub_filter is None or sub_filter.value is None:
        return
    if entry.apply_to != "HTTP_FILTER":
        message = f"a match on `subFilter` does not go with `applyTo: {entry.apply_to}`"
        yield clash(sub_filter, message, "it is for HTTP_FILTER")
    yield from _name_flaws(sub_filter)


def _name_flaws(below: Node) -> Iterator[Violation]:
    """A match on a filter names it, and not by the name that Envoy gave up."""
    name = below.get("name")
    if name is None or not text(name):
        yield missing(below, "the match on a filter has no `name`", label="no `name`")
    elif text(name) in _OLD_NAMES:
        message = f"`{text(name)}` is a name that Envoy gave up"
        yield warned(name, message, f"write `{_OLD_NAMES[text(name)]}`", "old name")


def _is_mismatch(entry: ConfigPatch, name: str, classes: tuple[str, ...]) -> bool:
    known = any(entry.apply_to in one for one in _OBJECTS.values())
    return known and has(_match(entry), name) and entry.apply_to not in classes


def _match(entry: ConfigPatch) -> Node:
    return entry.match if entry.match is not None and entry.match.value is not None else entry.node.at("match")
