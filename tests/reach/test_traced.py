"""Requests that reach shows, sent through the example by `trace`: what passes gets to the server, what is refused is denied there."""

import pytest

from conftest import ROOT
from meshlint import reach
from meshlint import request as a
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import pod
from meshlint.mesh.steps import Kind as Ending
from meshlint.mesh.trace import trace
from meshlint.reach import Kind, Never, OnConditions
from meshlint.source.parse import parse
from meshlint.source.text import Source

FILES = sorted((ROOT / "examples" / "bookinfo").glob("*.yaml"))
SOURCES = [Source(file.name, file.read_text("utf-8")) for file in FILES]


@pytest.fixture(scope="module")
def mesh():
    return Mesh(tuple(document for one in SOURCES for document in parse(one).documents))


def calls(mesh):
    """Each pair of an application and an application's port of the example, and the answer about them."""
    found = reach.reach(mesh, reach.clients(mesh), reach.servers(mesh))
    for row in found.rows:
        for server in row.servers:
            for client in row.clients:
                if client.kind is Kind.IDENTITY and server.workload.namespace == "bookinfo":
                    yield client, server, row.access


def sent(mesh, client, server, request):
    """How trace lets the request end that the client sends to the server's Service."""
    served = server.served[0]
    asked = request.but(a.PRINCIPAL, client.principal).but(a.SCHEME, "http").but(a.PORT, str(served.port.number))
    return trace(mesh, pod(client.workloads[0]), asked.but(a.AUTHORITY, served.host.name)).outcome


def test_what_passes_gets_through(mesh):
    passing = [call for call in calls(mesh) if isinstance(call[2], OnConditions)]
    assert len(passing) == 5
    for client, server, access in passing:
        assert sent(mesh, client, server, access.witness).kind is Ending.CLUSTER


def test_what_is_refused_is_denied(mesh):
    denied = 0
    for client, server, access in calls(mesh):
        if isinstance(access, OnConditions | Never) and access.refused is not None:
            outcome = sent(mesh, client, server, access.refused)
            assert outcome.kind in (Ending.DENIED, Ending.BLACKHOLE), (client.name, server.name)
            denied += outcome.kind is Ending.DENIED
    assert denied > 10
