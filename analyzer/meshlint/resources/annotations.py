"""Istio's annotations: where each belongs, in which releases it means something, and what it may say.

The facts are in `schemas/annotations.json`.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_network
from typing import Any, cast

from meshlint import data
from meshlint.resources.fit import is_duration
from meshlint.resources.releases import Span, span

ANYWHERE = "Any"
_BOOLEANS = frozenset({"1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"})
_INJECTION = frozenset({"y", "yes", "true", "on", "n", "no", "false", "off", ""})
_QUANTITY = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[KMGTPE]i|[numkMGTPE]|[eE][-+]?\d+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Value:
    """What an annotation may say: a type, and what limits it. `wildcard` is a text that stands for everything."""

    type: str
    items: str = ""
    wildcard: str = ""
    enum: tuple[str, ...] = ()
    ignores_case: bool = False
    minimum: int | None = None
    maximum: int | None = None
    shape: str = ""


@dataclass(frozen=True, slots=True)
class Annotation:
    """An annotation of Istio's. `on` names the kinds it belongs on; Istio itself writes an automatic one."""

    name: str
    known: Span
    on: tuple[str, ...]
    status: str = ""
    is_deprecated: bool = False
    is_automatic: bool = False
    value: Value | None = field(default=None)

    def belongs_on(self, kind: str) -> bool:
        """Whether it means something on an object of that kind."""
        return kind in self.on or ANYWHERE in self.on


@cache
def annotations() -> Mapping[str, Annotation]:
    """Every annotation that some release knew, by name."""
    return {name: _annotation(name, fact) for name, fact in _facts()["annotations"].items()}


@cache
def labels() -> frozenset[str]:
    """The names of Istio's labels."""
    return frozenset(_facts()["labels"])


def wanted(annotation: Annotation, text: str) -> str:
    """What *text* is not and the annotation's value has to be, in words; empty where nothing is wrong with it."""
    value = annotation.value
    if value is None or (annotation.name == "sidecar.istio.io/inject" and text.lower() in _INJECTION):
        return ""
    check = _CHECKS.get(value.type)
    return check(value, text) if check is not None else ""


def _boolean(_: Value, text: str) -> str:
    return "" if text in _BOOLEANS else "true or false"


def _enum(value: Value, text: str) -> str:
    known = [one.lower() for one in value.enum] if value.ignores_case else value.enum
    is_known = (text.lower() if value.ignores_case else text) in known
    return "" if is_known else "one of " + ", ".join(f"`{one}`" for one in value.enum)


def _integer(value: Value, text: str) -> str:
    least, most = value.minimum, value.maximum
    words = "a whole number" if least is None or most is None else f"a number from {least} to {most}"
    if not re.fullmatch(r"[-+]?\d{1,18}", text.strip(), re.ASCII):
        return words
    number = int(text)
    return "" if (least is None or number >= least) and (most is None or number <= most) else words


def _quantity(_: Value, text: str) -> str:
    return "" if _QUANTITY.fullmatch(text) else "a quantity such as `100m` or `128Mi`"


def _duration(_: Value, text: str) -> str:
    return "" if is_duration(text) else "a duration such as `5s`"


def _list(value: Value, text: str) -> str:
    is_fit = _ITEMS.get(value.items)
    if is_fit is None or not text.strip() or (value.wildcard and text.strip() == value.wildcard):
        return ""
    word, test = is_fit
    everything = f", or `{value.wildcard}`" if value.wildcard else ""
    bad = next((one for one in text.split(",") if not test(one.strip())), None)
    return "" if bad is None else f"{word}, with commas between{everything}"


def _json(value: Value, text: str) -> str:
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return "JSON"
    if value.shape == "array":
        # The injection template goes through a mapping of names just as well.
        return "" if isinstance(read, list | dict) else "a JSON list"
    below = read.values() if isinstance(read, dict) else None
    if value.shape == "object of strings":
        is_fit = below is not None and all(isinstance(one, str) for one in below)
        return "" if is_fit else "a JSON object of strings"
    is_fit = below is not None and all(isinstance(one, list) for one in below)
    return "" if is_fit else "a JSON object of lists of numbers"


def _is_port(text: str) -> bool:
    return re.fullmatch(r"\d{1,9}", text, re.ASCII) is not None and int(text) <= 65535


def _is_range(text: str) -> bool:
    if "/" not in text:
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return re.fullmatch(r"\d+", text.rpartition("/")[2], re.ASCII) is not None


_ITEMS: Mapping[str, tuple[str, Callable[[str], bool]]] = {
    "port 0-65535": ("ports", _is_port),
    "CIDR": ("ranges of addresses such as `10.0.0.0/8`", _is_range),
}
_CHECKS: Mapping[str, Callable[[Value, str], str]] = {
    "boolean": _boolean,
    "enum": _enum,
    "integer": _integer,
    "quantity": _quantity,
    "duration": _duration,
    "list": _list,
    "json": _json,
}


def _annotation(name: str, fact: Mapping[str, Any]) -> Annotation:
    return Annotation(
        name=name,
        known=span(fact["in"]),
        on=tuple(fact["on"]),
        status=fact.get("status", ""),
        is_deprecated=fact.get("deprecated", False),
        is_automatic=fact.get("automatic", False),
        value=_value(fact["value"]) if "value" in fact else None,
    )


def _value(fact: Mapping[str, Any]) -> Value:
    return Value(
        type=fact["type"],
        items=fact.get("items", ""),
        wildcard=fact.get("wildcard", ""),
        enum=tuple(fact.get("enum", ())),
        ignores_case=fact.get("ignoreCase", False),
        minimum=fact.get("minimum"),
        maximum=fact.get("maximum"),
        shape=fact.get("json", ""),
    )


@cache
def _facts() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(data.text("schemas", "annotations.json")))
