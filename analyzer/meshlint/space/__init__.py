"""ALL REQUESTS: questions about sets of requests, each answered with a request, a proof, or the reason why not.

Cheap proofs by shape and guesses that `holds` confirms come first; only what they leave is split into finite classes
and given to Z3, which nothing outside this package knows of.
"""

from collections.abc import Sequence
from functools import lru_cache

from meshlint.mesh.predicate import All, Predicate
from meshlint.space import _weights
from meshlint.space.answers import Answer, DisagreementError, Empty, Some, Unknown
from meshlint.space.questions import answers

__all__ = [
    "Answer",
    "DisagreementError",
    "Empty",
    "Some",
    "Unknown",
    "difference",
    "first_matches",
    "implies",
    "nearest_weights",
    "outside",
    "overlap",
    "satisfiable",
]


def outside(target: Predicate, others: Sequence[Predicate]) -> Answer:
    """A request that is in *target* and in none of the *others*."""
    return _outside(target, tuple(others))


def satisfiable(predicate: Predicate) -> Answer:
    """A request that is in the predicate."""
    return _outside(predicate, ())


def overlap(a: Predicate, b: Predicate) -> Answer:
    """A request that is in both."""
    return _outside(All((a, b)), ())


def difference(a: Predicate, b: Predicate) -> Answer:
    """A request that is in *a* and not in *b*."""
    return _outside(a, (b,))


def implies(a: Predicate, b: Predicate) -> Answer:
    """Empty where each request in *a* is in *b*; else a request against it."""
    return _outside(a, (b,))


def first_matches(predicates: Sequence[Predicate]) -> tuple[Answer, ...]:
    """For each predicate of an ordered list, a request that it is the first to match: outside of all earlier ones."""
    return _first_matches(tuple(predicates))


def nearest_weights(weights: Sequence[int], total: int = 100) -> tuple[int, ...] | None:
    """The weights nearest to these that add up to *total*, None where there are none.

    Zero stays zero, and positive stays positive where the total allows. Fewest weights change, then by the least
    amount, then rather the last ones.
    """
    return _weights.nearest(weights, total)


@lru_cache(maxsize=4096)
def _outside(target: Predicate, others: tuple[Predicate, ...]) -> Answer:
    return answers((*others, target), (len(others),))[0]


@lru_cache(maxsize=512)
def _first_matches(predicates: tuple[Predicate, ...]) -> tuple[Answer, ...]:
    return answers(predicates, tuple(range(len(predicates))))
