"""What Istio's validator demands beyond its schemas: small functions on one resource, each with a message of its own.

A module holds the demands on a family of kinds. What depends on other resources is a check, not a demand.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, TypeVar

from meshlint.resources.base import Resource
from meshlint.resources.mistake import Violation
from meshlint.resources.record import Record

Release = tuple[int, int]
"""A release of Istio, as major and minor number."""
Demand = Callable[[Resource[Any], Release], Iterator[Violation]]
"""What one demand finds in a resource, for the release that is aimed at."""

D = TypeVar("D", bound=Demand)
_DEMANDS: dict[type[Record], list[Demand]] = {}


def demands(spec: type[Record]) -> Callable[[D], D]:
    """Make a function a demand on all resources whose content is a *spec*."""

    def register(demand: D) -> D:
        _DEMANDS.setdefault(spec, []).append(demand)
        return demand

    return register


def unmet(resource: Resource[Record], release: Release) -> Iterator[Violation]:
    """Every demand that the resource does not meet; of one that does not even fit its kind, none is asked."""
    if resource.is_sound:
        for demand in _known().get(type(resource.spec), ()):
            yield from demand(resource, release)


@cache
def _known() -> dict[type[Record], list[Demand]]:
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        importlib.import_module(f"{__name__}.{module.name}")
    return _DEMANDS
