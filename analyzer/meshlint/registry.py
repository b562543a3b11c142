"""Which function checks which rule: a checker registers itself by `@checks(CODE)`, and that is all it takes."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from meshlint import catalogue
from meshlint.finding import Result, Rule
from meshlint.mesh.model import Mesh

Checker = Callable[[Mesh], Iterator[Result]]
"""What a rule finds in a mesh, in any order."""

_REGISTERED: dict[str, Checker] = {}


@dataclass(frozen=True, slots=True)
class Check:
    """A rule together with the function that finds its violations."""

    rule: Rule
    run: Checker


def checks(code: str) -> Callable[[Checker], Checker]:
    """Make a function the checker of the rule with that code; each rule has one."""

    def register(checker: Checker) -> Checker:
        if code in _REGISTERED:
            raise ValueError(f"{code} is checked by {_REGISTERED[code].__qualname__} and {checker.__qualname__}")
        _REGISTERED[code] = checker
        return checker

    return register


@cache
def checkers() -> Mapping[str, Checker]:
    """The checker of each code, from every module of `meshlint.checks`."""
    package = importlib.import_module("meshlint.checks")
    for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_REGISTERED.items()))


@cache
def known() -> tuple[Check, ...]:
    """Each rule that has a page and a checker, by code; a test sees to it that none has only one of them."""
    found = checkers()
    return tuple(Check(rule, found[rule.code]) for rule in catalogue.rules() if rule.code in found)
