"""Which kinds and versions each release of Istio serves, and which those of the Gateway API are: `schemas/releases.json`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from meshlint import data

Release = tuple[int, int]
"""A release of Istio, as major and minor number."""

_VERSION = re.compile(r"v(\d+)(?:(alpha|beta)(\d+))?")
_STAGES = {"alpha": 0, "beta": 1, None: 2}


@dataclass(frozen=True, slots=True)
class Span:
    """The releases from the first to the last that have something; no last where the newest one has it."""

    first: Release
    last: Release | None = None

    def __contains__(self, release: object) -> bool:
        """Whether that release has it."""
        return isinstance(release, tuple) and self.first <= release and (self.last is None or release <= self.last)

    def is_over(self, release: Release) -> bool:
        """Whether it was gone before that release."""
        return self.last is not None and release > self.last


@dataclass(frozen=True, slots=True)
class Bundle:
    """The versions of a Gateway API kind that some channel of the release we know serves, and the stored one."""

    served: tuple[str, ...]
    stored: str


@cache
def istio_kinds() -> Mapping[str, Mapping[str, Mapping[str, Span]]]:
    """When each version of each of Istio's kinds was served: by group, kind and version."""
    return {
        group: {kind: {version: span(text) for version, text in versions.items()} for kind, versions in kinds.items()}
        for group, kinds in _facts()["istio"].items()
    }


@cache
def gateway_kinds() -> Mapping[str, Bundle]:
    """The kinds of the Gateway API, as the release that `gateway_release` names has them."""
    kinds = _facts()["gatewayApi"]["kinds"]
    return {kind: Bundle(tuple(one["served"]), one["stored"]) for kind, one in kinds.items()}


def gateway_release() -> str:
    """The release of the Gateway API that the newest Istio is built with."""
    return cast("str", _facts()["gatewayApi"]["bundle"])


def served(group: str, kind: str, release: Release) -> tuple[str, ...]:
    """The versions of one of Istio's kinds that a release serves, the most mature one first."""
    versions = istio_kinds().get(group, {}).get(kind, {})
    return tuple(sorted((one for one, when in versions.items() if release in when), key=maturity, reverse=True))


def maturity(version: str) -> tuple[int, int, int]:
    """Orders versions as Kubernetes does: `v1alpha3`, `v1beta1`, `v1`; what is no version comes first."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (0, 0, 0)
    return (_STAGES[match[2]], int(match[1]), int(match[3] or 0))


def span(text: str) -> Span:
    """Reads a range of releases such as `1.5` or `1.5-1.22`."""
    first, _, last = text.partition("-")
    return Span(_release(first), _release(last) if last else None)


def named(release: Release) -> str:
    """A release as people write it."""
    return f"{release[0]}.{release[1]}"


def _release(text: str) -> Release:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


@cache
def _facts() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", json.loads(data.text("schemas", "releases.json")))
