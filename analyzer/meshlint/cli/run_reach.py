"""The command `reach`: read the input, ask who can call what, write the answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from meshlint import reach
from meshlint.cli import streams
from meshlint.cli.inputs import Given, configured, read, what_was_read, without_garbage
from meshlint.config import UsageError, suggestion
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import gateway_pods
from meshlint.mesh.scope import gateways_named
from meshlint.reach import Client, Kind, Reach, Server
from meshlint.render.reach import table
from meshlint.render.reach_json import reach_json
from meshlint.session import Input

_UNDECIDED = 3
_OLDEST = (1, 6)
_WORDS = {"others": Kind.OTHERS, "external": Kind.EXTERNAL}
_GATEWAY = "gateway:"


class Form(Enum):
    """The forms of the answers."""

    TABLE = "table"
    JSON = "json"
    DOT = "dot"


@dataclass(frozen=True, slots=True)
class Order:
    """All that a command line can ask of `reach`; None asks for all."""

    given: Given
    caller: str | None
    called: str | None
    port: int | None
    form: Form


def form(name: str) -> Form:
    """The form of that name; raises UsageError for one that there is not."""
    known = [one.value for one in Form]
    if name not in known:
        raise UsageError(f"no format is called {name!r}: there are {', '.join(known)}")
    return Form(name)


def answer(order: Order) -> int:
    """Answer as ordered; the answer is the exit code."""
    config = configured(order.given)
    if config.settings.istio_version < _OLDEST:
        raise UsageError("reach follows Istio 1.6 and later: before, other policies had a say as well")
    with without_garbage():
        given = read(order.given, config)
        if nothing := what_was_read(given):
            return nothing
        callers, called = _callers(given.mesh, order.caller), _called(given.mesh, order.called, order.port)
        found = reach.reach(given.mesh, callers, called)
        streams.emit(_written(found, order, given))
    return 0 if found.is_decided else _UNDECIDED


def _written(found: Reach, order: Order, given: Input) -> str:
    match order.form:
        case Form.TABLE:
            return table(found, is_narrow=order.caller is not None or order.called is not None)
        case Form.JSON:
            return reach_json(found, given.skipped)
        case Form.DOT:
            from meshlint.render.reach_dot import reach_dot  # It draws with what `graph` draws with.

            return reach_dot(found)
        case _:
            assert_never(order.form)


def _callers(mesh: Mesh, wanted: str | None) -> Sequence[Client]:
    """The clients that `--from` means; whom a gateway lets in come with its own identity (S78)."""
    everyone = reach.clients(mesh)
    if wanted is None:
        return everyone
    if wanted.startswith(_GATEWAY):
        return _at_gateway(mesh, wanted.removeprefix(_GATEWAY))
    found = [client for client in everyone if client.kind is _WORDS.get(wanted) or wanted in _names(client)]
    if not found:
        known = (*_WORDS, *dict.fromkeys(name for client in everyone for name in _names(client)))
        raise UsageError(f"no client is called {wanted!r}{suggestion(wanted, known)}")
    return found


def _at_gateway(mesh: Mesh, name: str) -> Sequence[Client]:
    full = name if "/" in name else f"{mesh.settings.namespace}/{name}"
    if not gateways_named(mesh, full):
        known = tuple(f"{one.namespace}/{one.name}" for one in mesh.gateways)
        raise UsageError(f"no Gateway is called {full!r}{suggestion(full, known)}")
    pods = {one.workload for one in gateway_pods(mesh, full)}
    found = [client for client in reach.clients(mesh) if client.kind.is_named and not pods.isdisjoint(client.workloads)]
    if not found:
        raise UsageError(f"the input does not show the pods of Gateway {full!r}, and so not their identity")
    return found


def _names(client: Client) -> list[str]:
    """The account's name, those of its workloads, and the namespace that stands for all in it."""
    own = [client.name, client.namespace] if client.kind.is_named else []
    return [*own, *(f"{one.namespace}/{one.name}" for one in client.workloads)]


def _called(mesh: Mesh, wanted: str | None, port: int | None) -> Sequence[Server]:
    every = reach.servers(mesh)
    found = [one for one in every if wanted is None or wanted in _names_of(one)]
    if wanted is not None and not found:
        known = tuple(dict.fromkeys(name for one in every for name in _names_of(one)))
        raise UsageError(f"no workload with a port is called {wanted!r}{suggestion(wanted, known)}")
    open_here = [one for one in found if port is None or port in _ports(one)]
    if port is not None and not open_here:
        raise UsageError(f"no workload that is asked about has a port {port}")
    return open_here


def _names_of(server: Server) -> list[str]:
    """The workload's name, those of the Services that lead to it, and the namespace that stands for all in it."""
    services = [f"{one.host.namespace}/{one.host.resource.name}" for one in server.served]
    return [f"{server.workload.namespace}/{server.workload.name}", *services, server.workload.namespace]


def _ports(server: Server) -> list[int | None]:
    return [server.number, *(one.port.number for one in server.served)]
