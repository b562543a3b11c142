"""Requests built from a box by hand, for `holds` to confirm: most questions need no solver."""

from collections.abc import Iterator, Sequence
from itertools import islice

from meshlint.mesh import re2
from meshlint.mesh.automaton import Assertion, Characters, Choice, Repeat, Tree
from meshlint.mesh.automaton import Sequence as Chain
from meshlint.mesh.characters import contains
from meshlint.mesh.predicate import Exact, Member, Not, Predicate, Prefix, Regex, Suffix, Test, Within, holds
from meshlint.request import METHOD, PATH, Attribute, Request
from meshlint.space.addresses import network as network_of
from meshlint.space.addresses import representatives
from meshlint.space.domains import ADDRESSES, domain
from meshlint.space.shapes import Box, Literal, attributes


def guess(box: Box, others: Sequence[Predicate]) -> Request | None:
    """A request in the box and in none of the others, if one is found without search worth the name."""
    values: dict[Attribute, str] = {}
    for attribute in attributes(box):
        offered = list(islice(candidates(attribute, box), 1))
        if not offered:
            return None
        if offered[0] is not None:
            values[attribute] = offered[0]
    for attribute in (METHOD, PATH, *attributes(others)):
        if not domain(attribute).is_optional:
            values.setdefault(attribute, domain(attribute).preferred[0])
    return _repaired(Request.of(values), box, others)


def candidates(attribute: Attribute, box: Box) -> Iterator[str | None]:
    """Values of the attribute that all the literals of the box on it accept, the most natural first."""
    literals = [one for one in box if _attribute(one) == attribute]
    place = domain(attribute)
    positive = [one for one in literals if not isinstance(one, Not)]
    offered: dict[str | None, None] = dict.fromkeys((None,) if not positive else ())
    offered.update(dict.fromkeys(_texts(positive)))
    offered.update(dict.fromkeys(place.preferred))
    for value in offered:
        if _is_proper(attribute, value) and all(_takes(one, attribute, value) for one in literals):
            yield value


_MOST_REPAIRS = 12
_MOST_TEXTS = 24


def _repaired(request: Request, box: Box, others: Sequence[Predicate]) -> Request | None:
    """The request, changed in one attribute at a time until none of the others has it."""
    seen = {request}
    for _ in range(_MOST_REPAIRS):
        blocking = next((other for other in others if holds(other, request)), None)
        if blocking is None:
            return request
        changed = next((one for one in _changes(request, box, blocking) if one not in seen), None)
        if changed is None:
            return None
        seen.add(changed)
        request = changed
    return None


def _changes(request: Request, box: Box, blocking: Predicate) -> Iterator[Request]:
    for attribute in attributes((blocking,)):
        for value in candidates(attribute, box):
            changed = request.but(attribute, value)
            if not holds(blocking, changed):
                yield changed


def _attribute(literal: Literal) -> Attribute:
    return next(attributes((literal,)))


def _takes(literal: Literal, attribute: Attribute, value: str | None) -> bool:
    return holds(literal, Request(((attribute, value),) if value is not None else ()))


def _is_proper(attribute: Attribute, value: str | None) -> bool:
    if attribute in ADDRESSES and value is not None:
        network = network_of(value)
        return network is not None and network.prefixlen == network.max_prefixlen
    return domain(attribute).has(value)


def _texts(tests: Sequence[Test]) -> Sequence[str]:
    found: list[str] = []
    for test in tests:
        match test:
            case Exact(_, text):
                found.append(text)
            case Prefix(_, text):
                found.extend((text, text + "x", text + "/x"))
            case Suffix(_, text):
                found.extend((text, "x" + text, "/x" + text))
            case Member(_, texts):
                found.extend(sorted(texts)[:_MOST_TEXTS])
            case Regex(_, pattern):
                sampled = _sample(re2.parse(pattern))
                found.extend((sampled, sampled + "x"))
            case Within(_, network):
                known = network_of(network)
                found.extend(representatives((known,)) if known is not None else ())
            case _:
                pass
    starts = [test.text for test in tests if isinstance(test, Prefix)]
    ends = [test.text for test in tests if isinstance(test, Suffix)]
    found.extend(start + end for start in starts for end in ends)
    return sorted(found, key=lambda text: -len(text)) if len(starts) > 1 else found


def _sample(tree: Tree) -> str:
    """A short text that the tree most often matches; assertions are passed over."""
    match tree:
        case Characters(ranges):
            natural = (c for c in "xabcdefghijklmnopqrstuvwyz01/-._" if contains(ranges, ord(c)))
            return next(natural, chr(ranges[0][0]) if ranges else "")
        case Chain(parts):
            return "".join(_sample(part) for part in parts)
        case Choice(parts):
            return _sample(parts[0])
        case Repeat(part, low, _):
            return _sample(part) * low
        case Assertion():
            return ""
