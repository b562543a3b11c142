"""What a scalar means to Kubernetes: the rules of go-yaml v2, by which sigs.k8s.io/yaml turns YAML into JSON.

They are YAML 1.1's (`yes`, `on` and `y` are booleans, `0777` is octal) but for base 60, which does not exist
(`1:30` is a string), and for timestamps, which stay strings.
"""

import base64
import binascii
import re
from collections.abc import Mapping

Scalar = str | int | float | bool | None

_WORDS: Mapping[str, Scalar] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_HINTS = frozenset("0123456789+-.~yYnNtTfFoO")
_INTEGER = re.compile(
    r"[-+]?(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)|(?P<dec>0|[1-9][0-9]*))"
)
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_POINT_FIRST = re.compile(r"\.[0-9](?:_?[0-9])*(?:[eE][-+]?[0-9]+)?")
_BASES = {"hex": 16, "bin": 2, "oct": 8, "dec": 10}
_TAG = "tag:yaml.org,2002:"


def plain(text: str) -> Scalar:
    """What an unquoted scalar means."""
    if text and text[0] not in _HINTS:
        return text
    if text in _WORDS:
        return _WORDS[text]
    return _number(text)


def tagged(text: str, tag: str, *, is_plain: bool) -> Scalar:
    """What a scalar with an explicit *tag* means; a tag that Kubernetes does not know makes a string.

    A text that does not fit its tag stays a string.
    """
    match tag.removeprefix(_TAG):
        case "int" | "bool" | "null":
            return plain(text)
        case "float":
            value = plain(text)
            return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
        case "binary":
            return _decoded(text)
        case "":
            return plain(text) if is_plain else text
        case _:
            return text


def as_key(value: Scalar) -> str:
    """The string that a scalar becomes as a key of an object."""
    match value:
        case str():
            return value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return _float_key(value)


def _number(text: str) -> Scalar:
    if text[0] == ".":
        return _float(text.replace("_", ""), text) if _POINT_FIRST.fullmatch(text) else text
    if text[0] not in "0123456789+-":
        return text
    digits = text.replace("_", "")
    if found := _INTEGER.fullmatch(digits):
        return _integer(found, text)
    return _float(digits, text) if _FLOAT.fullmatch(digits) else text


def _integer(found: re.Match[str], text: str) -> Scalar:
    base = found.lastgroup or "dec"
    digits = found[base]
    if len(digits) > 64:
        # No integer of 64 bits: what is left is a float, and only decimal digits make one.
        return _float(found[0], text) if base in ("dec", "oct") and _FLOAT.fullmatch(found[0]) else text
    value = int(digits, _BASES[base])
    is_negative = found[0].startswith("-")
    limit = 1 << 63 if is_negative else 1 << 64
    if value > limit - (0 if is_negative else 1):
        return _float(found[0], text) if _FLOAT.fullmatch(found[0]) else text
    return -value if is_negative else value


def _float(digits: str, text: str) -> Scalar:
    value = float(digits)
    return text if value in (float("inf"), float("-inf")) else value


def _decoded(text: str) -> str:
    try:
        return base64.b64decode("".join(text.split()), validate=True).decode("utf-8", "replace")
    except binascii.Error:
        return text


def _float_key(value: float) -> str:
    if value != value:  # noqa: PLR0124 - only a NaN differs from itself
        return ".nan"
    if value in (float("inf"), float("-inf")):
        return ".inf" if value > 0 else "-.inf"
    return f"{value:g}"
