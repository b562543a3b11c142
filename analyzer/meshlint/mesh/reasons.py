"""Why a request is not in a predicate, in words."""

from collections.abc import Iterable, Mapping

from meshlint import request as a
from meshlint.mesh.predicate import (
    All,
    AnyOf,
    Exact,
    Member,
    Not,
    Predicate,
    Prefix,
    Present,
    Regex,
    Suffix,
    Test,
    Unclear,
    Within,
    holds,
)
from meshlint.request import Attribute, Request

_NAMES: Mapping[Attribute, str] = {
    a.AUTHORITY: "host",
    a.SOURCE_IP: "source address",
    a.REMOTE_IP: "client address",
    a.DESTINATION_IP: "destination address",
    a.PRINCIPAL: "principal",
    a.TOKEN_ISSUER: "token issuer",
    a.TOKEN_SUBJECT: "token subject",
    a.CLIENT_NAMESPACE: "client's namespace",
    a.GATEWAY: "gateway",
    a.SNI: "SNI",
}
_GROUPS = {"header:": "header", "query:": "query parameter", "claim:": "claim", "proxy.label:": "client's label"}


def mismatch(predicates: Iterable[Predicate], request: Request) -> str:
    """For each of the alternatives the first thing that keeps the request out of it."""
    reasons = dict.fromkeys(_reason(predicate, request) for predicate in predicates)
    return "; ".join(reason for reason in reasons if reason)


def attribute_name(attribute: Attribute) -> str:
    """What people call the attribute."""
    for prefix, word in _GROUPS.items():
        if attribute.startswith(prefix):
            return f"{word} `{attribute.removeprefix(prefix).replace(chr(0), '.')}`"
    return _NAMES.get(attribute, str(attribute))


def _reason(predicate: Predicate, request: Request) -> str:
    match predicate:
        case All(inner):
            return next((_reason(one, request) for one in inner if not holds(one, request)), "")
        case AnyOf(()):
            return "nothing matches"
        case AnyOf(inner):
            return " and ".join(dict.fromkeys(_reason(one, request) for one in inner))
        case Not(inner):
            return f"excluded: {words(inner)}"
        case Unclear(why, known):
            return why if known is None else _reason(known, request)
        case _:
            return _of_test(predicate, request)


def _of_test(test: Test, request: Request) -> str:
    name, value = attribute_name(test.attribute), request.get(test.attribute)
    if value is None:
        return f"{name} is absent"
    return f'{name} "{value}" {_demand(test, is_negative=True)}'


def words(predicate: Predicate) -> str:
    """The condition as people say it: `path begins with "/api"`."""
    match predicate:
        case All(inner):
            return " and ".join(words(one) for one in inner)
        case AnyOf(inner):
            return " or ".join(words(one) for one in inner)
        case Not(inner):
            return f"not {words(inner)}"
        case Unclear(why):
            return why
        case _:
            return f"{attribute_name(predicate.attribute)} {_demand(predicate, is_negative=False)}"


def _demand(test: Test, *, is_negative: bool) -> str:
    match test:
        case Exact(_, text, _):
            return f'is {"not " if is_negative else ""}"{text}"'
        case Prefix(_, text, _):
            return f'{"does not begin" if is_negative else "begins"} with "{text}"'
        case Suffix(_, text, _):
            return f'{"does not end" if is_negative else "ends"} with "{text}"'
        case Regex(_, pattern):
            return f"{'does not match' if is_negative else 'matches'} {pattern}"
        case Present():
            return f"is {'absent' if is_negative else 'present'}"
        case Member(_, texts):
            return f"is {'none' if is_negative else 'one'} of {', '.join(sorted(texts))}"
        case Within(_, network):
            return f"is {'not ' if is_negative else ''}in {network}"
