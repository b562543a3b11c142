"""Mixer's expressions: read as Go reads them, and typed over the attributes (L42-L45)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from meshlint.mesh.mixer_vocabulary import ValueType

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>"(?:[^"\\]|\\.)*"|`[^`]*`)
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z_$][\w$-]*(?:\.[A-Za-z_$][\w$-]*)*)
    |(?P<method>\.[A-Za-z]\w*)
    |(?P<sign>\|\||&&|==|!=|<=|>=|[|+()\[\],!<>*/%-]))""",
    re.VERBOSE,
)
_DURATION = re.compile(r"[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|ms|s|m|h))+)")
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", ">", "<=", ">="), ("+", "-", "|"), ("*", "/", "%"))
_UNKNOWN = frozenset({"<", ">", "<=", ">=", "-", "*", "/", "%", "!"})
_STRING, _BOOL = ValueType.STRING, ValueType.BOOL
_FUNCTIONS: Mapping[str, tuple[tuple[ValueType, ...], ValueType]] = {
    "match": ((_STRING, _STRING), _BOOL),
    "ip": ((_STRING,), ValueType.IP_ADDRESS),
    "timestamp": ((_STRING,), ValueType.TIMESTAMP),
    "dnsName": ((_STRING,), ValueType.DNS_NAME),
    "email": ((_STRING,), ValueType.EMAIL_ADDRESS),
    "uri": ((_STRING,), ValueType.URI),
    "emptyStringMap": ((), ValueType.STRING_MAP),
    "conditionalString": ((_BOOL, _STRING, _STRING), _STRING),
}
_METHODS = frozenset({"matches", "startsWith", "endsWith"})


class ExpressionError(Exception):
    """What is wrong with an expression, in words."""


@dataclass(slots=True)
class _Reading:
    """The tokens of an expression, and how far they are read."""

    tokens: list[tuple[str, str]]
    known: Mapping[str, ValueType]
    at: int = 0

    def peek(self) -> str:
        return self.tokens[self.at][1] if self.at < len(self.tokens) else ""

    def take(self) -> tuple[str, str]:
        if self.at >= len(self.tokens):
            raise ExpressionError("it ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def want(self, sign: str) -> None:
        if self.peek() != sign:
            raise ExpressionError(
                f"`{sign}` is missing" + (f" before `{self.peek()}`" if self.peek() else " at its end")
            )
        self.at += 1


def type_of(text: str, known: Mapping[str, ValueType]) -> ValueType:
    """The type of an expression over the *known* attributes; raises ExpressionError where it has none."""
    reading = _Reading(_tokens(text), known)
    found = _binary(reading, 0)
    if reading.peek():
        raise ExpressionError(f"`{reading.peek()}` is one word too many")
    return found


def _tokens(text: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    at = 0
    while text[at:].strip():
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise ExpressionError(f"`{text[at:].strip()[:12]}` cannot be read")
        found.append((token.lastgroup, token[token.lastgroup]))
        at = token.end()
    return found


def _binary(reading: _Reading, level: int) -> ValueType:
    """What the operators of a level and those above it make; they bind as in Go."""
    if level == len(_LEVELS):
        return _postfix(reading)
    left = _binary(reading, level + 1)
    while reading.peek() in _LEVELS[level]:
        _, sign = reading.take()
        left = _joined(sign, left, _binary(reading, level + 1))
    return left


def _joined(sign: str, left: ValueType, right: ValueType) -> ValueType:
    if sign in _UNKNOWN:
        raise ExpressionError(f"there is no operator `{sign}`")
    if left is not right:
        raise ExpressionError(f"`{sign}` stands between {left.value} and {right.value}, which have to be one type")
    if sign in ("&&", "||") and left is not _BOOL:
        raise ExpressionError(f"`{sign}` joins BOOL, and not {left.value}")
    if sign == "+" and left is not _STRING:
        raise ExpressionError(f"`+` joins STRING, and not {left.value}")
    return left if sign in ("|", "+") else _BOOL


def _postfix(reading: _Reading) -> ValueType:
    found = _primary(reading)
    while True:
        kind = reading.tokens[reading.at][0] if reading.at < len(reading.tokens) else ""
        if reading.peek() == "[":
            reading.take()
            key = _binary(reading, 0)
            reading.want("]")
            if found is not ValueType.STRING_MAP or key is not _STRING:
                raise ExpressionError(f"a {found.value} has no elements by {key.value}")
            found = _STRING
        elif kind == "method":
            found = _called(reading, reading.take()[1][1:], found)
        else:
            return found


def _primary(reading: _Reading) -> ValueType:
    kind, word = reading.take()
    match kind:
        case "text":
            return ValueType.DURATION if _DURATION.fullmatch(word[1:-1]) else _STRING
        case "number":
            return ValueType.DOUBLE if "." in word else ValueType.INT64
        case "name":
            return _named(reading, word)
        case _:
            if word != "(":
                raise ExpressionError(
                    f"there is no operator `{word}`" if word in _UNKNOWN else f"`{word}` is out of place"
                )
            found = _binary(reading, 0)
            reading.want(")")
            return found


def _named(reading: _Reading, word: str) -> ValueType:
    if reading.peek() == "(":
        receiver, dot, method = word.rpartition(".")
        return _called(reading, method, _attribute(reading, receiver)) if dot else _function(reading, word)
    return _BOOL if word in ("true", "false") else _attribute(reading, word)


def _attribute(reading: _Reading, name: str) -> ValueType:
    if name not in reading.known:
        raise ExpressionError(f"there is no attribute `{name}`")
    return reading.known[name]


def _called(reading: _Reading, method: str, receiver: ValueType) -> ValueType:
    if method not in _METHODS:
        raise ExpressionError(f"there is no method `{method}`")
    if [receiver, *_arguments(reading)] != [_STRING, _STRING]:
        raise ExpressionError(f"`{method}` is of a STRING and takes one STRING")
    return _BOOL


def _function(reading: _Reading, name: str) -> ValueType:
    given = _arguments(reading)
    if name == "conditional":
        if len(given) != 3 or given[0] is not _BOOL or given[1] is not given[2]:
            raise ExpressionError("`conditional` takes a BOOL and two values of one type")
        return given[1]
    if name not in _FUNCTIONS:
        raise ExpressionError(f"there is no function `{name}`")
    wanted, result = _FUNCTIONS[name]
    if tuple(given) != wanted:
        listed = ", ".join(one.value for one in wanted) or "nothing"
        raise ExpressionError(f"`{name}` takes {listed}")
    return result


def _arguments(reading: _Reading) -> list[ValueType]:
    reading.want("(")
    found: list[ValueType] = []
    while reading.peek() != ")":
        if found:
            reading.want(",")
        found.append(_binary(reading, 0))
    reading.want(")")
    return found
