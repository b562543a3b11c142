"""Telemetry, WasmPlugin and TrafficExtension: what Istio refuses to store."""

import re
from collections.abc import Iterator

from meshlint.resources.extension import (
    Telemetry,
    TelemetrySpec,
    TrafficExtension,
    TrafficExtensionSpec,
    WasmPlugin,
    WasmPluginSpec,
)
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import clash, filled, has, invalid, missing, shown, text, warned
from meshlint.source.node import Node

_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://", re.ASCII)
_SCHEMES = frozenset({"http", "https", "file", "oci"})
_PAIRS = {")": "(", "]": "[", "}": "{"}
_CEL_TEXT = re.compile(
    r"""\b[bB]?[rR][bB]?("{3}|'{3}|"|')(?:(?!\1).)*\1"""
    r"""|[bB]?("{3}|'{3})(?:(?!\2)(?:\\.|[^\\]))*\2|[bB]?("|')(?:(?!\3)(?:\\.|[^\\\n]))*\3""",
    re.DOTALL,
)
"""A text in CEL; in a raw one a backslash is a backslash."""


@demands(TelemetrySpec)
def tags_are_set_or_removed(telemetry: Telemetry, _: Release) -> Iterator[Violation]:
    """A tag that is set has a value, and one that is removed has none."""
    for metrics in telemetry.spec.node.at("metrics").elements:
        for override in metrics.at("overrides").elements:
            for name, tag in _entries(override, "tagOverrides"):
                yield from _tag_flaws(name, tag)


def _tag_flaws(name: str, tag: Node) -> Iterator[Violation]:
    value = tag.get("value")
    if not name:
        yield Violation("invalid-value", tag, "a tag has no name", "no name", on_key=True)
    elif text(tag.get("operation")) == "REMOVE":
        if value is not None and has(tag, "value"):
            yield clash(value, f"tag {shown(name)} is removed, so it takes no `value`")
    elif not filled(tag, "value"):
        message = f"tag {shown(name)} is set without a `value`"
        yield missing(
            value if value is not None else tag, message, "a tag is removed by `operation: REMOVE`", "no value"
        )


@demands(TelemetrySpec)
def tracing_names_one_provider(telemetry: Telemetry, _: Release) -> Iterator[Violation]:
    """Of several tracings, or of several providers of one, Istio takes the first only; a custom tag has a name."""
    tracings = telemetry.spec.node.at("tracing").elements
    for tracing in tracings[1:2]:
        yield warned(tracing, "Istio reads the first item of `tracing` only", label="not read")
    for tracing in tracings:
        for provider in tracing.at("providers").elements[1:2]:
            yield warned(provider, "Istio traces with one provider only", label="not used")
        for name, tag in _entries(tracing, "customTags"):
            if not name:
                yield Violation("invalid-value", tag, "a tag has no name", "no name", on_key=True)
            elif tag.value is None:
                yield missing(tag, f"tag {shown(name)} says no value", label="no value")


@demands(TelemetrySpec)
def filters_are_expressions(telemetry: Telemetry, _: Release) -> Iterator[Violation]:
    """The filter of an access log is an expression in CEL."""
    for logging in telemetry.spec.node.at("accessLogging").elements:
        expression = logging.get("filter", "expression")
        flaw = _expression_flaw(text(expression)) if expression is not None else ""
        if expression is not None and flaw:
            yield invalid(expression, f"no expression in CEL: {flaw}")


def _entries(node: Node, name: str) -> Iterator[tuple[str, Node]]:
    below = node.get(name)
    yield from below.mapping.items() if below is not None else ()


def _expression_flaw(expression: str) -> str:
    """Why a text is certainly no expression: brackets and quotes that do not pair, or nothing at all."""
    if not expression.strip():
        return "it is empty"
    bare = _CEL_TEXT.sub('""', expression)
    if re.search(r"""(?<!")"(?!")|'""", bare):
        return "a quote is not closed"
    opened: list[str] = []
    for character in bare:
        if character in _PAIRS.values():
            opened.append(character)
        elif character in _PAIRS and (not opened or opened.pop() != _PAIRS[character]):
            return f"`{character}` closes nothing"
    return f"`{opened[-1]}` is not closed" if opened else _operator_flaw(bare.strip())


def _operator_flaw(expression: str) -> str:
    if re.search(r"(?<![=!<>])=(?!=)", expression):
        return "values are compared with `==`"
    end = re.search(r"(&&|\|\||==|!=|<=|>=|[-+*/%<>!?:.,])$", expression)
    return f"nothing follows `{end[1]}`" if end else ""


@demands(WasmPluginSpec)
def plugin_is_fetched_from_an_address(plugin: WasmPlugin, _: Release) -> Iterator[Violation]:
    """A module's address has a scheme that the proxy can fetch from, or none, which stands for an image."""
    yield from _address_flaws(plugin.spec.node.get("url"))
    yield from _environment_flaws(plugin.spec.node.at("vmConfig", "env"))


@demands(TrafficExtensionSpec)
def extension_is_fetched_from_an_address(extension: TrafficExtension, _: Release) -> Iterator[Violation]:
    """The same for the module of an extension."""
    spec = extension.spec.node
    yield from _address_flaws(spec.get("wasm", "url"))
    yield from _environment_flaws(spec.at("wasm", "vmConfig", "env"))


def _address_flaws(address: Node | None) -> Iterator[Violation]:
    scheme = _SCHEME.match(text(address))
    if address is not None and scheme is not None and scheme[1].lower() not in _SCHEMES:
        yield invalid(address, "a module is fetched by `oci://`, `http://`, `https://` or `file://`")
    elif address is not None and re.search(r"[\s\x00-\x1f]", text(address)):
        yield invalid(address, "an address has no spaces in it")


def _environment_flaws(variables: Node) -> Iterator[Violation]:
    """A variable of the host's has no value of its own."""
    for variable in variables.elements:
        value = variable.get("value")
        if text(variable.get("valueFrom")) == "HOST" and value is not None and has(variable, "value"):
            hint = "leave `value` out, or leave `valueFrom` out"
            yield clash(value, "a variable that comes from the host takes no `value`", hint)
