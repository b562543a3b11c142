"""Policies of the Gateway API for backends: how TLS is verified, how sessions are kept and retries limited."""

from collections.abc import Iterator

from meshlint.resources.fit import milliseconds
from meshlint.resources.gateway_api import (
    BackendTLSPolicy,
    BackendTLSPolicySpec,
    BackendTrafficPolicy,
    BackendTrafficPolicySpec,
)
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.http_rules import session_flaws
from meshlint.resources.validation.names import clash, filled, invalid, missing, shown, text
from meshlint.source.node import Node

_ALTERNATIVES = (("Hostname", "hostname"), ("URI", "uri"))
_SECOND, _HOUR = 1e3, 3.6e6


@demands(BackendTLSPolicySpec)
def authorities_are_known(policy: BackendTLSPolicy, _: Release) -> Iterator[Violation]:
    """The certificate of a backend is verified with certificates that are named, or with the system's, not with both."""
    validation = policy.spec.node.get("validation")
    if validation is None or not validation.mapping:
        return
    named, known = filled(validation, "caCertificateRefs"), filled(validation, "wellKnownCACertificates")
    if named and known:
        message = "`wellKnownCACertificates` and `caCertificateRefs` are not set together"
        yield clash(validation.at("wellKnownCACertificates"), message)
    elif not named and not known:
        message = "nothing says who signs the backend's certificate"
        yield missing(validation, message, "write `caCertificateRefs` or `wellKnownCACertificates: System`")
    for name in validation.at("subjectAltNames").elements:
        yield from _alternative_flaws(name)


def _alternative_flaws(name: Node) -> Iterator[Violation]:
    kind = text(name.get("type"))
    for other, field in _ALTERNATIVES:
        if kind == other and not filled(name, field):
            yield missing(name, f"a name of type {kind} stands in `{field}`", label=f"no `{field}`")
        elif kind and kind != other and filled(name, field):
            yield clash(name.at(field), f"a name of type {kind} takes no `{field}`")


@demands(BackendTLSPolicySpec)
def targets_are_told_apart(policy: BackendTLSPolicy, _: Release) -> Iterator[Violation]:
    """A target that is named several times is named by section."""
    seen: dict[tuple[str, str, str], list[str]] = {}
    for target in policy.spec.target_refs:
        earlier = seen.setdefault((target.group, target.kind, target.name), [])
        is_open = not target.section_name or "" in earlier
        if earlier and (is_open or target.section_name in earlier):
            hint = "give each reference a `sectionName` of its own"
            yield clash(target.node, f"{shown(target.name)} is targeted twice", hint, "again", on_key=False)
        earlier.append(target.section_name)


@demands(BackendTrafficPolicySpec)
def sessions_and_retries_are_limited(policy: BackendTrafficPolicy, _: Release) -> Iterator[Violation]:
    """The settings of sessions go together, and retries are counted over a second to an hour."""
    yield from session_flaws(policy.spec.node.get("sessionPersistence"))
    budget = policy.spec.node.get("retryConstraint", "budget", "interval")
    rate = policy.spec.node.get("retryConstraint", "minRetryRate", "interval")
    for interval, least in ((budget, _SECOND), (rate, 1)):
        length = milliseconds(text(interval))
        if interval is not None and length is not None and not least <= length <= _HOUR:
            yield invalid(interval, "retries are counted over one second to one hour")
