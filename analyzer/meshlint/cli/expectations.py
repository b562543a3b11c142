"""What `--expect` says, and whether a trace comes to it."""

import re
from dataclasses import dataclass
from typing import assert_never

from meshlint.config import UsageError, suggestion
from meshlint.mesh.model import Mesh
from meshlint.mesh.steps import Kind, Stage, Trace

_SHARE = re.compile(r"(?P<to>[^@]+)@(?P<number>[0-9]{1,3}(?:\.[0-9]+)?) ?%")
_CLOSE = 0.0005
_NAMES = ("status", "kind", "to", "workload", "denied-by")
_FORMS = "status=CODE, kind=KIND, to=HOST[:SUBSET][@SHARE%], workload=NAMESPACE/NAME and denied-by=POLICY"


@dataclass(frozen=True, slots=True)
class Status:
    """The answer has this status; None for a connection that ends without one."""

    code: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Ending:
    """The request ends in this way."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Some of the requests go to the host, of its subset where one is named; just *share* of them where it is given."""

    host: str
    subset: str | None
    share: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Server:
    """The workload is one of those that take the request."""

    workload: str
    text: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A policy of that name, with or without its namespace, denies the request."""

    policy: str
    text: str


Expectation = Status | Ending | Destination | Server | Refusal


def expectations(text: str) -> tuple[Expectation, ...]:
    """What a text such as `status=200,to=reviews:v1` asks for; raises UsageError."""
    return tuple(_expectation(one.strip()) for one in text.split(","))


def missed(mesh: Mesh, found: Trace, wanted: tuple[Expectation, ...]) -> tuple[str, ...]:
    """The expectations that the trace does not meet, each with what it comes to instead."""
    reasons = ((one.text, _failing(mesh, found, one)) for one in wanted)
    return tuple(f"expected {text}: {why}" for text, why in reasons if why)


def _expectation(text: str) -> Expectation:
    name, equals, value = text.partition("=")
    if name not in _NAMES or not equals or not value:
        hint = suggestion(name, _NAMES) if name not in _NAMES else ""
        raise UsageError(f"--expect {text!r}{hint or f': there are {_FORMS}'}")
    match name:
        case "status":
            return Status(_code(text, value), text)
        case "kind":
            return Ending(_kind(text, value), text)
        case "workload":
            return Server(value, text)
        case "denied-by":
            return Refusal(value, text)
    share = _SHARE.fullmatch(value)
    if share is None and "@" in value:
        raise UsageError(f"--expect {text!r}: a share is written as in to=reviews:v1@90%")
    host, colon, subset = (share["to"] if share is not None else value).partition(":")
    return Destination(
        host, subset if colon else None, float(share["number"]) / 100 if share is not None else None, text
    )


def _code(text: str, value: str) -> int | None:
    if value == "none":
        return None
    if not re.fullmatch("[1-5][0-9][0-9]", value):
        raise UsageError(f"--expect {text!r}: a status has three digits, or is `none`")
    return int(value)


def _kind(text: str, value: str) -> Kind:
    known = tuple(kind.value for kind in Kind)
    if value not in known:
        raise UsageError(f"--expect {text!r}{suggestion(value, known) or ': there are ' + ', '.join(known)}")
    return Kind(value)


def _failing(mesh: Mesh, found: Trace, wanted: Expectation) -> str:
    """What the trace comes to in place of what is wanted; empty where it comes to that."""
    outcome = found.outcome
    match wanted:
        case Status(code):
            return "" if outcome.status == code else f"it is {'none' if outcome.status is None else outcome.status}"
        case Ending(kind):
            return "" if outcome.kind is kind else f"it is {outcome.kind.value}"
        case Destination():
            return _elsewhere(found, wanted)
        case Server(workload):
            listed = ", ".join(outcome.workloads) or "none"
            is_there = outcome.kind.is_delivered and workload in outcome.workloads
            return "" if is_there else f"it is {listed}" if outcome.kind.is_delivered else "none takes it"
        case Refusal(policy):
            names = _deniers(mesh, found)
            is_named = any(policy in (name, name.partition("/")[2]) for name in names)
            return "" if is_named else f"it is {', '.join(names)}" if names else "no policy denies it"
        case _:
            assert_never(wanted)


def _elsewhere(found: Trace, wanted: Destination) -> str:
    outcome = found.outcome
    shares = [(one.cluster, one.share) for one in outcome.weights] or [(outcome.cluster, 1.0)]
    total = sum(share for cluster, share in shares if _leads_to(cluster, wanted))
    if total > 0 and (wanted.share is None or abs(total - wanted.share) < _CLOSE):
        return ""
    if wanted.share is not None and total > 0:
        return f"it is {total * 100:.4g}%"
    return f"it is {', '.join(cluster for cluster, _ in shares if cluster) or 'nowhere'}"


def _leads_to(cluster: str, wanted: Destination) -> bool:
    if cluster == wanted.host:
        return True
    parts = cluster.split("|")
    if len(parts) < 4:
        return False
    subset, name = parts[-2:]
    is_host = name == wanted.host or name.startswith(f"{wanted.host}.")
    return is_host and (wanted.subset is None or subset == wanted.subset)


def _deniers(mesh: Mesh, found: Trace) -> tuple[str, ...]:
    """The AuthorizationPolicy that decides where the last server refuses, as `namespace/name`."""
    if found.outcome.kind is not Kind.DENIED:
        return ()
    nodes = [step.node for step in found.steps if step.stage is Stage.SERVER]
    decisive = nodes[-1] if nodes else None
    owner = mesh.resource_of(decisive.document) if decisive is not None else None
    return (f"{owner.namespace}/{owner.name}",) if owner is not None else ()
