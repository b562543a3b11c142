"""Mixer, which Istio had up to 1.7: quotas that grant nothing."""

from collections.abc import Iterator

from meshlint.finding import Problem, Result
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.source.node import Node


@checks("MSH904")
def mixer_zero_quota(mesh: Mesh) -> Iterator[Result]:
    """An in-memory quota without an amount has none to give, so that every request is refused (L47)."""
    if mesh.settings.istio_version > _LAST_RELEASE:
        return
    for resource in mesh.resources:
        if resource.ref.kind == "memquota" and resource.ref.api_version.startswith("config.istio.io/"):
            for quota in resource.node.at("spec", "quotas").elements:
                yield from _zero(quota)


_LAST_RELEASE = (1, 7)


def _zero(quota: Node) -> Iterator[Problem]:
    amount = quota.get("maxAmount") or quota.get("max_amount")
    if isinstance(quota.value, tuple) or not quota.mapping or (amount is not None and _is_positive(amount)):
        return
    name = quota.at("name").value if quota.get("name") is not None else "a quota"
    written = "has no `maxAmount`, which makes it 0" if amount is None else "has a `maxAmount` of 0"
    yield Problem(amount or quota, f"quota `{name}` {written}: every request is refused", label="grants nothing")


def _is_positive(amount: Node) -> bool:
    """Whether the amount is more than nothing, or no number at all, which is a mistake of another kind."""
    text = str(amount.value)
    return not text.removeprefix("-").isdigit() or int(text) > 0
