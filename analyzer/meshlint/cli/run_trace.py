"""The command `trace`: read the input, follow one request through the mesh, show its way."""

import os
import sys
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum

from meshlint import request as a
from meshlint.cli import streams
from meshlint.cli.inputs import Given, configured, read, what_was_read, without_garbage
from meshlint.config import UsageError
from meshlint.mesh.asked import AskingError, asked
from meshlint.mesh.kubernetes_gateways import kubernetes_gateways_named
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromOutside, FromPod, Origin, pod
from meshlint.mesh.scope import gateways_named
from meshlint.mesh.steps import Kind, Outcome, Trace
from meshlint.mesh.trace import trace
from meshlint.mesh.virtual_hosts import domain_of, named
from meshlint.render.trace import trace_json, trace_text
from meshlint.request import Request

_DELIVERED, _FAILED, _UNDECIDED = 0, 1, 3


class Form(Enum):
    """The forms of a trace."""

    FULL = "full"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Order:
    """All that a command line can ask of `trace`."""

    given: Given
    url: str
    method: str | None
    headers: tuple[str, ...]
    origin: str | None
    sni: str | None
    address: str | None
    source_ip: str | None
    principal: str | None
    claims: tuple[str, ...]
    expect: str | None
    form: Form
    color: streams.Color


def split(words: list[str]) -> tuple[str | None, str, tuple[str, ...]]:
    """The method, the URL and the paths among the arguments: the method stands before the URL, if at all."""
    place = next((index for index, word in enumerate(words[:2]) if "://" in word), None)
    if place is None:
        raise UsageError("no URL: write it as in meshlint trace GET http://reviews:9080/api PATH")
    return (words[0] if place else None), words[place], tuple(words[place + 1 :]) or (".",)


def form(name: str) -> Form:
    """The form of that name; raises UsageError for one that there is not."""
    known = [one.value for one in Form]
    if name not in known:
        raise UsageError(f"no format is called {name!r}: there are {', '.join(known)}")
    return Form(name)


def show(order: Order) -> int:
    """Trace as ordered; the answer is the exit code."""
    request = _request(order)
    config = configured(order.given)
    with without_garbage():
        given = read(order.given, config)
    if nothing := what_was_read(given):
        return nothing
    found = trace(given.mesh, _origin(given.mesh, order, request), request)
    if order.form is Form.JSON:
        streams.emit(trace_json(found))
    else:
        color = streams.is_colored(order.color, os.environ, sys.stdout.isatty())
        streams.emit(trace_text(found, color=color))
    return _exit_code(order, found)


def _request(order: Order) -> Request:
    others = [(a.SNI, order.sni), (a.DESTINATION_IP, order.address), (a.SOURCE_IP, order.source_ip)]
    principal = order.principal
    if principal is not None and not principal.startswith("spiffe://"):
        principal = f"spiffe://{principal}"
    others.append((a.PRINCIPAL, principal))
    try:
        return asked(order.url, method=order.method, headers=order.headers, claims=order.claims, others=others)
    except AskingError as error:
        raise UsageError(str(error)) from error


def _origin(mesh: Mesh, order: Order, request: Request) -> Origin:
    """Whom `--from` means; without it a pod of the host's namespace, or whoever comes from outside."""
    text = order.origin
    if text is None:
        host = next(iter(named(mesh, mesh.settings.namespace, domain_of(request.get(a.AUTHORITY) or ""))), None)
        return FromOutside() if host is None else FromPod(host.namespace)
    if text == "external":
        return FromOutside()
    if text.startswith("gateway:"):
        name = text.removeprefix("gateway:")
        full = name if "/" in name else f"{mesh.settings.namespace}/{name}"
        if not gateways_named(mesh, full) and not kubernetes_gateways_named(mesh, full):
            known = [f"{one.namespace}/{one.name}" for one in (*mesh.gateways, *mesh.kubernetes_gateways)]
            raise UsageError(f"no Gateway is called {full!r}{_suggestion(full, known)}")
        return AtGateway(full)
    namespace, slash, name = text.partition("/")
    return _pod(mesh, namespace, name) if slash and name else FromPod(namespace)


def _pod(mesh: Mesh, namespace: str, name: str) -> Origin:
    """The workload of that name, else the first of those that run the application or serve the host of that name."""
    here = mesh.workloads_in(namespace)
    alike = [one for one in here if one.name == name] or [one for one in here if one.labels.get("app") == name]
    alike = alike or [one for host in named(mesh, namespace, name) for one in mesh.workloads_of(host)]
    if not alike:
        known = [f"{one.namespace}/{one.name}" for one in mesh.workloads]
        raise UsageError(f"no workload is called {f'{namespace}/{name}'!r}{_suggestion(f'{namespace}/{name}', known)}")
    return pod(alike[0])


def _suggestion(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, 1)
    return f": did you mean {close[0]!r}?" if close else ""


def _exit_code(order: Order, found: Trace) -> int:
    outcome = found.outcome
    if outcome.kind is Kind.UNKNOWN:
        return _UNDECIDED
    if order.expect is None:
        return _DELIVERED if outcome.kind.is_delivered else _FAILED
    missed = [one for one in order.expect.split(",") if not _is_met(one.strip(), outcome)]
    for one in missed:
        streams.remark(f"expected {one.strip()}")
    return _FAILED if missed else _DELIVERED


def _is_met(expectation: str, outcome: Outcome) -> bool:
    """Whether `status=CODE`, `kind=KIND` or `to=HOST[:SUBSET]` holds of an outcome."""
    name, _, value = expectation.partition("=")
    match name:
        case "status":
            return str(outcome.status) == value
        case "kind":
            return outcome.kind.value == value
        case "to":
            clusters = [one.cluster for one in outcome.weights] or [outcome.cluster]
            return any(_leads_to(one, value) for one in clusters)
        case _:
            raise UsageError(f"--expect {expectation}: there are status=CODE, kind=KIND and to=HOST[:SUBSET]")


def _leads_to(cluster: str, wanted: str) -> bool:
    host, colon, subset = wanted.partition(":")
    *_, found, name = ("", "", *cluster.split("|"))
    return (name == host or name.startswith(f"{host}.")) and (not colon or found == subset)
