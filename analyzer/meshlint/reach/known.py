"""What is left of a predicate once a part of each request is known: who calls, on which port, with or without a token."""

from collections.abc import Callable, Iterable

from meshlint.mesh.predicate import ALWAYS, NEVER, All, AnyOf, Not, Predicate, Test, Unclear, both, either

Reading = Callable[[Test], Predicate]
"""What a test comes to: always or never passed where it is known, else itself or another test."""


def left_over(predicate: Predicate, reading: Reading) -> Predicate:
    """The predicate with each test read by *reading*, and without the parts that no longer matter."""
    match predicate:
        case Not(inner):
            return _negated(left_over(inner, reading))
        case All(inner):
            return _conjunction(left_over(one, reading) for one in inner)
        case AnyOf(inner):
            return _disjunction(left_over(one, reading) for one in inner)
        case Unclear(why, known):
            return Unclear(why, known and left_over(known, reading))
        case _:
            return reading(predicate)


def settled(is_met: bool) -> Predicate:
    """The predicate of all requests or of none."""
    return ALWAYS if is_met else NEVER


def _negated(predicate: Predicate) -> Predicate:
    if predicate in (ALWAYS, NEVER):
        return settled(predicate == NEVER)
    return predicate.predicate if isinstance(predicate, Not) else Not(predicate)


def _conjunction(predicates: Iterable[Predicate]) -> Predicate:
    kept = [one for one in dict.fromkeys(predicates) if one != ALWAYS]
    return NEVER if NEVER in kept else both(*kept)


def _disjunction(predicates: Iterable[Predicate]) -> Predicate:
    kept = [one for one in dict.fromkeys(predicates) if one != NEVER]
    return ALWAYS if ALWAYS in kept else either(kept)
