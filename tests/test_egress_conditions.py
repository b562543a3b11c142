"""The conditions of an egress chain, one by one: a chain that keeps them all is silent, and what breaks one is found.

The numbers are those of the conditions; a broken chain differs from the sound one by the edits of its row.
"""

from dataclasses import dataclass

import pytest

from meshlint import session
from meshlint.config import Config
from meshlint.finding import Finding, Severity
from meshlint.mesh.settings import Settings, World
from meshlint.source.text import Source

GATEWAY_SERVICE = "way-out.exit.svc.cluster.local"
SOUND = """
apiVersion: v1
kind: Namespace
metadata: {name: exit, labels: {istio-injection: enabled}}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {istio-injection: enabled}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: way-out, namespace: exit}
spec:
  selector: {matchLabels: {istio: egressgateway}}
  template:
    metadata:
      labels: {istio: egressgateway, sidecar.istio.io/inject: "true"}
      annotations: {inject.istio.io/templates: gateway}
    spec: {containers: [{name: istio-proxy, image: auto}]}
---
apiVersion: v1
kind: Service
metadata: {name: way-out, namespace: exit}
spec:
  selector: {istio: egressgateway}
  ports: [{name: https, port: 443, targetPort: 8443}, {name: tls, port: 9443, targetPort: 9443}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: app, image: "registry.example/cart:1"}]}
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: vendor, namespace: exit}
spec:
  hosts: [api.vendor.example]
  ports: [{number: 80, name: http, protocol: HTTP}, {number: 443, name: https, protocol: HTTPS}]
  resolution: DNS
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: out, namespace: exit}
spec:
  selector: {istio: egressgateway}
  servers:
  - {port: {number: 443, name: https, protocol: HTTPS}, hosts: [api.vendor.example], tls: {mode: ISTIO_MUTUAL}}
  - {port: {number: 9443, name: tls, protocol: TLS}, hosts: [api.vendor.example], tls: {mode: PASSTHROUGH}}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: way-out, namespace: exit}
spec:
  host: way-out.exit.svc.cluster.local
  subsets:
  - name: vendor
    trafficPolicy:
      portLevelSettings: [{port: {number: 443}, tls: {mode: ISTIO_MUTUAL, sni: api.vendor.example}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: vendor, namespace: exit}
spec:
  hosts: [api.vendor.example]
  gateways: [mesh, exit/out]
  http:
  - match: [{gateways: [mesh], port: 80}]
    route: [{destination: {host: way-out.exit.svc.cluster.local, subset: vendor, port: {number: 443}}}]
  - match: [{gateways: [exit/out], port: 443}]
    route: [{destination: {host: api.vendor.example, port: {number: 443}}}]
  tls:
  - match: [{gateways: [mesh], port: 443, sniHosts: [api.vendor.example]}]
    route: [{destination: {host: way-out.exit.svc.cluster.local, port: {number: 9443}}}]
  - match: [{gateways: [exit/out], port: 9443, sniHosts: [api.vendor.example]}]
    route: [{destination: {host: api.vendor.example, port: {number: 443}}}]
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: vendor, namespace: exit}
spec:
  host: api.vendor.example
  exportTo: ["."]
  trafficPolicy:
    portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]
"""
TLS_ROUTES = SOUND[SOUND.index("  tls:\n") : SOUND.rindex("---\n")]
HOP_TLS = "portLevelSettings: [{port: {number: 443}, tls: {mode: ISTIO_MUTUAL, sni: api.vendor.example}}]"
MUTUAL_SERVER = (
    "{port: {number: 443, name: https, protocol: HTTPS}, hosts: [api.vendor.example], tls: {mode: ISTIO_MUTUAL}}"
)
PLAIN_SERVER = "{port: {number: 443, name: http, protocol: HTTP}, hosts: [api.vendor.example]}"
PLAIN_HOP = "connectionPool: {tcp: {maxConnections: 9}}"
OPEN_ENTRY = """apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: again, namespace: shop}
spec:
  hosts: [api.vendor.example]
  ports: [{number: 443, name: tcp, protocol: TCP}]
---
apiVersion: v1
"""
FIRST_HOP = "host: way-out.exit.svc.cluster.local, subset: vendor, port: {number: 443}"
KNOWN_CLIENTS = """---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: clients, namespace: exit}
spec:
  selector: {matchLabels: {istio: egressgateway}}
  rules:
  - from: [{source: {namespaces: [shop]}}]
  - when: [{key: connection.sni, values: [api.vendor.example]}]
"""
CONFINED = """---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-mesh, namespace: shop}
spec:
  podSelector: {}
  policyTypes: [Egress]
  egress:
  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}}]
    ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: istio-system}}}]
  - to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: exit}}}]
"""


@dataclass(frozen=True, slots=True)
class Break:
    """Edits of the sound chain, and the rule that tells what they break."""

    code: str
    edits: tuple[tuple[str, str], ...]

    @property
    def text(self) -> str:
        text = SOUND
        for old, new in self.edits:
            assert old in text, old
            text = text.replace(old, new, 1)
        return text


def broken(code: str, *edits: tuple[str, str]) -> Break:
    return Break(code, edits)


BREAKS = {
    "E62 the clients do not see the entry": broken(
        "MSH405", ("  resolution: DNS", '  resolution: DNS\n  exportTo: ["."]')
    ),
    "E63 the Gateway is for other pods": broken(
        "MSH301", ("  selector: {istio: egressgateway}\n  servers", "  selector: {istio: out}\n  servers")
    ),
    "E63 the server has another host": broken("MSH405", (MUTUAL_SERVER, MUTUAL_SERVER.replace("api.", "www."))),
    "E64 the Gateway's name is short": broken(
        "MSH114",
        (
            "kind: VirtualService\nmetadata: {name: vendor, namespace: exit}",
            "kind: VirtualService\nmetadata: {name: vendor, namespace: shop}",
        ),
        ("[mesh, exit/out]", "[mesh, out]"),
    ),
    "E65 sidecars do not use the routes": broken("MSH404", ("[mesh, exit/out]", "[exit/out]")),
    "E65 the gateway does not use the routes": broken("MSH405", ("[mesh, exit/out]", "[mesh]")),
    "E65 the routes are not exported": broken(
        "MSH404", ("  gateways: [mesh, exit/out]", '  exportTo: ["."]\n  gateways: [mesh, exit/out]')
    ),
    "E66 the first hop is for another port": broken("MSH404", ("[mesh], port: 80}", "[mesh], port: 8080}")),
    "E66 the first hop's host is short": broken(
        "MSH201",
        (
            "kind: VirtualService\nmetadata: {name: vendor, namespace: exit}",
            "kind: VirtualService\nmetadata: {name: vendor, namespace: shop}",
        ),
        (FIRST_HOP, FIRST_HOP.replace(".exit.svc.cluster.local", "")),
    ),
    "E66 the gateway's Service has no such port": broken("MSH203", (FIRST_HOP, FIRST_HOP.replace("443", "8443"))),
    "E67 an HTTP route for an HTTPS port": broken(
        "MSH404", ("[mesh], port: 80}", "[mesh], port: 443}"), (TLS_ROUTES, "")
    ),
    "E68 one port goes around": broken("MSH404", (TLS_ROUTES, "")),
    "E69 the second hop is for another port": broken("MSH405", ("[exit/out], port: 443}", "[exit/out], port: 80}")),
    "E69 the entry has no such port": broken(
        "MSH203",
        ("{host: api.vendor.example, port: {number: 443}}", "{host: api.vendor.example, port: {number: 8443}}"),
    ),
    "E70 the gateway's Service does not lead to the server": broken(
        "MSH203", ("{name: https, port: 443, targetPort: 8443}", "{name: http2, port: 80, targetPort: 8080}")
    ),
    "E71 the subset is not defined": broken("MSH202", ("  - name: vendor\n", "  - name: other\n")),
    "E71 clients do not see the subset": broken("MSH405", ("  subsets:\n", '  exportTo: ["."]\n  subsets:\n')),
    "E72 the hop is plain and the server is not": broken("MSH405", (HOP_TLS, PLAIN_HOP)),
    "E72 the hop is encrypted and the server is plain": broken("MSH405", (MUTUAL_SERVER, PLAIN_SERVER)),
    "E72 the hop has no server name": broken("MSH405", (", sni: api.vendor.example}", "}")),
    "E73 TLS starts for another port": broken(
        "MSH406", ("[{port: {number: 443}, tls: {mode: SIMPLE}}]", "[{port: {number: 80}, tls: {mode: SIMPLE}}]")
    ),
    "E74 TLS that clients start themselves hides nothing": broken(
        "MSH404",
        ('  exportTo: ["."]\n  trafficPolicy', "  trafficPolicy"),
        ("[mesh], port: 80}", "[mesh], port: 8080}"),
    ),
    "E75 the server ends TLS": broken(
        "MSH405",
        (
            "protocol: TLS}, hosts: [api.vendor.example], tls: {mode: PASSTHROUGH}",
            "protocol: HTTPS}, hosts: [api.vendor.example], tls: {mode: SIMPLE, credentialName: vendor}",
        ),
    ),
    "E76 the gateway does not see the entry": broken(
        "MSH201",
        (
            "kind: ServiceEntry\nmetadata: {name: vendor, namespace: exit}",
            "kind: ServiceEntry\nmetadata: {name: vendor, namespace: shop}",
        ),
        ("  resolution: DNS", '  resolution: DNS\n  exportTo: ["."]'),
    ),
    "E78 nobody is known at the gateway": broken(
        "MSH405",
        (MUTUAL_SERVER, PLAIN_SERVER),
        (HOP_TLS, PLAIN_HOP),
        (
            "  trafficPolicy:\n    portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]\n",
            "  trafficPolicy:\n    portLevelSettings: [{port: {number: 443}, tls: {mode: SIMPLE}}]\n"
            + KNOWN_CLIENTS.replace("  - when: [{key: connection.sni, values: [api.vendor.example]}]\n", ""),
        ),
    ),
    "E79 the Gateway is for the ingress pods": broken(
        "MSH405", ("  selector: {istio: egressgateway}\n  servers", "  selector: {istio: ingressgateway}\n  servers")
    ),
    "E87 the first hop holds at the gateway too": broken(
        "MSH405", ("  - match: [{gateways: [mesh], port: 80}]\n    route", "  - route")
    ),
    "E88 a plain server has another host": broken(
        "MSH405", (MUTUAL_SERVER, PLAIN_SERVER.replace("api.vendor", "api.other")), (HOP_TLS, PLAIN_HOP)
    ),
    "E89 connections do not meet the sidecar": broken(
        "MSH411",
        (
            "metadata: {labels: {app: cart}}",
            'metadata: {labels: {app: cart}, annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "80"}}',
        ),
    ),
    "E91 an entry opens the port to all addresses": broken("MSH408", ("apiVersion: v1\n", OPEN_ENTRY)),
    "E92 a share goes around": broken(
        "MSH404",
        (
            "[{destination: {" + FIRST_HOP + "}}]",
            "[{weight: 90, destination: {"
            + FIRST_HOP
            + "}}, {weight: 10, destination: {host: api.vendor.example, port: {number: 80}}}]",
        ),
    ),
}
SOUND_VARIANTS = {
    "both ways": SOUND,
    "the entry is exported to both": SOUND.replace("  resolution: DNS", "  resolution: DNS\n  exportTo: [exit, shop]"),
    "a wider server": SOUND.replace(
        MUTUAL_SERVER, MUTUAL_SERVER.replace("api.vendor", '"*.vendor').replace("example]", 'example"]')
    ),
    "policies that fit": SOUND + KNOWN_CLIENTS,
    "clients that the network confines": SOUND + CONFINED,
}


def found(text: str) -> list[Finding]:
    """What is wrong with the chain: no infos, and nothing on who guards the workloads."""
    report = session.lint((Source("chain.yaml", text),), Config(ignore=("MSH501",)))
    return [one for one in report.findings if one.severity is not Severity.INFO]


@pytest.mark.parametrize("text", SOUND_VARIANTS.values(), ids=SOUND_VARIANTS)
def test_a_sound_chain_is_silent(text: str):
    assert found(text) == []


@pytest.mark.parametrize("broke", BREAKS.values(), ids=BREAKS)
def test_a_broken_condition_is_found(broke: Break):
    assert broke.code in {one.rule.code for one in found(broke.text)}


@pytest.mark.parametrize(
    "policy",
    [
        CONFINED.replace("namespace: shop", "namespace: bank"),
        CONFINED.replace("  egress:\n", "  egress:\n  - {}\n"),
        CONFINED.replace("  egress:\n", "  egress:\n  - to: [{ipBlock: {cidr: 0.0.0.0/0}}]\n"),
    ],
    ids=["E77 nobody confines the clients", "E48 everything is admitted", "E48 public addresses are admitted"],
)
def test_clients_that_the_network_lets_out_are_found(policy: str):
    (open_way,) = found(SOUND + policy)
    assert open_way.rule.code == "MSH411"


def test_addresses_of_the_cluster_let_nobody_out():
    assert found(SOUND + CONFINED.replace("  egress:\n", "  egress:\n  - to: [{ipBlock: {cidr: 10.0.0.0/8}}]\n")) == []


def test_a_chain_for_a_host_that_nothing_registers_fails_at_the_gateway():
    start, end = (
        SOUND.index("apiVersion: networking"),
        SOUND.index("apiVersion: networking", SOUND.index("kind: ServiceEntry")),
    )
    settings = Settings(world=World.COMPLETE)
    report = session.lint((Source("chain.yaml", SOUND[:start] + SOUND[end:]),), Config(settings=settings))
    assert "MSH201" in {one.rule.code for one in report.findings}, "E85"


def test_a_request_that_the_gateway_sends_to_itself_is_the_witness():
    (loop,) = (
        one for one in found(BREAKS["E87 the first hop holds at the gateway too"].text) if one.rule.code == "MSH405"
    )
    assert loop.problem.witness is not None
    assert "back at gateway exit/way-out" in loop.problem.witness.outcome
