"""Run one request through a mesh, writing down each step: the concrete reading of routing and security."""

from dataclasses import dataclass, field, replace
from typing import assert_never

from meshlint import request as a
from meshlint.mesh.applied import choose, title
from meshlint.mesh.hops import Hop, Way, along, ended, follow
from meshlint.mesh.clusters import registered
from meshlint.mesh.delegates import VirtualService
from meshlint.mesh.hosts import is_address
from meshlint.mesh.listeners import FilterChain, Listener, conflict, listener, needs_address, pick
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, Client, FromOutside, FromPod, Origin, gateway_pods, sidecar
from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step, Trace
from meshlint.mesh.view import View, outbound_policy, sidecar_of, view
from meshlint.mesh.virtual_hosts import VirtualHost, domain_of, named, own_virtual_host, virtual_host
from meshlint.mesh.wire import Call, call
from meshlint.request import Request
