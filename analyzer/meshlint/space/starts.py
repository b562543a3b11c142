"""How the paths of a set of requests begin: what tells most routes of a long list apart without looking further."""

import re
from collections.abc import Iterable
from functools import lru_cache

from meshlint.mesh.predicate import All, AnyOf, Exact, Predicate, Prefix, Regex
from meshlint.request import PATH

_PLAIN = re.compile(r"[\w/~%:@,;=<>&!'\"# -]*")


@lru_cache(maxsize=16384)
def path_start(predicate: Predicate) -> str:
    """A text with which the path of each request in the normal predicate begins; empty where nothing is known."""
    match predicate:
        case Exact(attribute, text, False) | Prefix(attribute, text, False) if attribute == PATH:
            return text
        case Regex(attribute, pattern) if attribute == PATH:
            return _literal_start(pattern)
        case All(inner):
            return max((path_start(one) for one in inner), key=len, default="")
        case AnyOf(inner):
            return _common([path_start(one) for one in inner])
        case _:
            return ""


def start_of(box: Iterable[Predicate]) -> str:
    """The start of the paths in all of the literals."""
    return max((path_start(one) for one in box), key=len, default="")


def meet(one: str, other: str) -> bool:
    """Whether some path may begin with both."""
    return one.startswith(other) or other.startswith(one)


def _common(texts: list[str]) -> str:
    """The longest text with which all of the texts begin."""
    first, last = min(texts, default=""), max(texts, default="")
    length = next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), len(first))
    return first[:length]


def _literal_start(pattern: str) -> str:
    """The plain text before anything with a meaning; a character that is repeated or optional is none of it."""
    if "|" in pattern:
        return ""
    plain = _PLAIN.match(pattern)
    text = plain.group() if plain is not None else ""
    return text[:-1] if pattern[len(text) : len(text) + 1] in ("*", "?", "{") else text
