"""Each demand of Istio's validator on networking kinds: a spec that does not meet it, and where; and specs that meet all."""

import textwrap

import pytest

from meshlint.resources.kinds import read
from meshlint.resources.mistake import Violation
from meshlint.resources.validation import unmet
from meshlint.source.parse import parse
from meshlint.source.text import Source

NOW = (1, 30)


def violations(kind: str, spec: str, release: tuple[int, int] = NOW) -> list[Violation]:
    version = "v1alpha3" if kind == "EnvoyFilter" else "v1beta1" if kind == "ProxyConfig" else "v1"
    head = f"apiVersion: networking.istio.io/{version}\nkind: {kind}\nmetadata: {{name: one, namespace: shop}}\nspec:\n"
    text = head + textwrap.indent(textwrap.dedent(spec).strip("\n"), "  ") + "\n"
    (document,) = parse(Source("one.yaml", text)).documents
    resource = read(document, "default")
    assert resource.is_sound
    return list(unmet(resource, release))


def told(kind: str, spec: str, release: tuple[int, int] = NOW) -> list[tuple[str, str]]:
    return [(one.kind, one.node.pointer.removeprefix("/spec")) for one in violations(kind, spec, release)]


def http(route: str) -> str:
    return "hosts: [a]\nhttp:\n- " + textwrap.indent(route, "  ").strip()


VALUE, BOTH, MISSING, WARNED = "invalid-value", "invalid-combination", "missing-field", "schema-warning"
TO = "route: [{destination: {host: a}}]"

ROUTES = [
    ("{match: [{uri: {prefix: /}}]}", MISSING, ""),
    (f"{{redirect: {{uri: /}}, {TO}}}", BOTH, "/route"),
    ("{redirect: {uri: /}, fault: {delay: {fixedDelay: 1s}}}", BOTH, "/fault"),
    ("{redirect: {uri: /}, rewrite: {uri: /}}", BOTH, "/rewrite"),
    ("{redirect: {uri: /}, directResponse: {status: 200}}", BOTH, "/directResponse"),
    (f"{{directResponse: {{status: 200}}, {TO}}}", BOTH, "/route"),
    ("{directResponse: {status: 200}, fault: {delay: {fixedDelay: 1s}}}", BOTH, "/fault"),
    ("{directResponse: {status: 200}, rewrite: {uri: /}}", BOTH, "/rewrite"),
    (f"{{delegate: {{name: d}}, {TO}}}", BOTH, "/route"),
    ("{delegate: {name: d}, redirect: {uri: /}}", BOTH, "/redirect"),
    ("{delegate: {namespace: d}}", MISSING, "/delegate"),
    (f"{{{TO}, mirror: {{host: b}}, mirrors: [{{destination: {{host: c}}}}]}}", BOTH, "/mirrors"),
    (f"{{{TO}, mirror: {{host: b}}, mirrorPercentage: {{value: 101}}}}", VALUE, "/mirrorPercentage/value"),
    (f"{{{TO}, mirror: {{host: b}}, mirrorPercent: 101}}", VALUE, "/mirrorPercent"),
    (f"{{{TO}, mirrors: [{{destination: {{host: '*'}}}}]}}", VALUE, "/mirrors/0/destination/host"),
    (
        f"{{{TO}, mirrors: [{{destination: {{host: b}}, percentage: {{value: -1}}}}]}}",
        VALUE,
        "/mirrors/0/percentage/value",
    ),
    ("{redirect: {redirectCode: 301}}", MISSING, "/redirect"),
    ("{redirect: {uri: /, redirectCode: 200}}", VALUE, "/redirect/redirectCode"),
    ("{redirect: {scheme: ftp}}", VALUE, "/redirect/scheme"),
    ("{redirect: {uri: /, port: 70000}}", VALUE, "/redirect/port"),
    ("{directResponse: {status: 1000}}", VALUE, "/directResponse/status"),
    (f"{{directResponse: {{status: 200, body: {{string: {'x' * 1048577}}}}}}}", VALUE, "/directResponse/body/string"),
    (f"{{directResponse: {{status: 200, body: {{string: {'x' * 102401}}}}}}}", WARNED, "/directResponse/body/string"),
    (f"{{{TO}, fault: {{}}}}", MISSING, "/fault"),
    (f"{{{TO}, fault: {{abort: {{httpStatus: 100}}}}}}", VALUE, "/fault/abort/httpStatus"),
    (f"{{{TO}, fault: {{abort: {{grpcStatus: NOWHERE}}}}}}", VALUE, "/fault/abort/grpcStatus"),
    (f"{{{TO}, fault: {{abort: {{http2Error: x}}}}}}", BOTH, "/fault/abort/http2Error"),
    (f"{{{TO}, fault: {{abort: {{percentage: {{value: 1}}}}}}}}", WARNED, "/fault/abort"),
    (
        f"{{{TO}, fault: {{abort: {{httpStatus: 500, percentage: {{value: 0.00001}}}}}}}}",
        VALUE,
        "/fault/abort/percentage/value",
    ),
    (
        f"{{{TO}, fault: {{delay: {{fixedDelay: 1s, percentage: {{value: 150}}}}}}}}",
        VALUE,
        "/fault/delay/percentage/value",
    ),
    (f"{{{TO}, fault: {{delay: {{fixedDelay: 1s, percent: 150}}}}}}", VALUE, "/fault/delay/percent"),
    (f"{{{TO}, fault: {{delay: {{exponentialDelay: 1s}}}}}}", BOTH, "/fault/delay/exponentialDelay"),
    (f"{{{TO}, retries: {{attempts: -1}}}}", VALUE, "/retries/attempts"),
    (f"{{{TO}, retries: {{perTryTimeout: 1s}}}}", BOTH, "/retries/perTryTimeout"),
    (f"{{{TO}, retries: {{attempts: 1, retryOn: 'reset,sometimes'}}}}", VALUE, "/retries/retryOn"),
    (f"{{{TO}, rewrite: {{}}}}", MISSING, "/rewrite"),
    (f"{{{TO}, rewrite: {{uri: /, uriRegexRewrite: {{match: a, rewrite: b}}}}}}", BOTH, "/rewrite/uriRegexRewrite"),
    (f"{{{TO}, rewrite: {{uriRegexRewrite: {{rewrite: b}}}}}}", MISSING, "/rewrite/uriRegexRewrite"),
    (
        f"{{{TO}, rewrite: {{authority: a}}, headers: {{request: {{set: {{Host: b}}}}}}}}",
        BOTH,
        "/headers/request/set/Host",
    ),
    (f"{{{TO}, headers: {{request: {{set: {{':path': b}}}}}}}}", VALUE, "/headers/request/set/:path"),
    (f"{{{TO}, headers: {{response: {{set: {{host: b}}}}}}}}", VALUE, "/headers/response/set/host"),
    (f"{{{TO}, headers: {{request: {{remove: [host]}}}}}}", VALUE, "/headers/request/remove/0"),
    (f"{{{TO}, headers: {{request: {{add: {{share: 50%}}}}}}}}", VALUE, "/headers/request/add/share"),
    (f"{{{TO}, corsPolicy: {{allowOrigins: [{{}}]}}}}", MISSING, "/corsPolicy/allowOrigins/0"),
    (f"{{{TO}, corsPolicy: {{allowMethods: [get]}}}}", VALUE, "/corsPolicy/allowMethods/0"),
    (f"{{{TO}, corsPolicy: {{allowHeaders: ['a b']}}}}", VALUE, "/corsPolicy/allowHeaders/0"),
    (f"{{{TO}, corsPolicy: {{maxAge: 1500ms}}}}", VALUE, "/corsPolicy/maxAge"),
    ("{route: [{destination: {host: a}, weight: 0}, {destination: {host: b}}]}", BOTH, "/route/0/weight"),
    ("{route: [{destination: {host: a}, weight: -1}]}", VALUE, "/route/0/weight"),
    ("{route: [{destination: {host: a_b}}]}", VALUE, "/route/0/destination/host"),
    ("{route: [{destination: {host: 10.0.0.1}}]}", VALUE, "/route/0/destination/host"),
    ("{route: [{destination: {host: ''}}]}", VALUE, "/route/0/destination/host"),
    ("{route: [{destination: {host: a, subset: v.1}}]}", VALUE, "/route/0/destination/subset"),
    ("{route: [{destination: {host: a, port: {}}}]}", MISSING, "/route/0/destination/port"),
    ("{route: [{destination: {host: a, port: {number: 65536}}}]}", VALUE, "/route/0/destination/port/number"),
    (f"{{match: [{{port: 70000}}], {TO}}}", VALUE, "/match/0/port"),
    (f"{{match: [{{sourceLabels: {{app: 'a b'}}}}], {TO}}}", VALUE, "/match/0/sourceLabels/app"),
    (f"{{match: [{{sourceLabels: {{'a b': a}}}}], {TO}}}", VALUE, "/match/0/sourceLabels/a b"),
    (f"{{match: [{{sourceNamespace: a.b}}], {TO}}}", VALUE, "/match/0/sourceNamespace"),
    (f"{{match: [{{gateways: [a/]}}], {TO}}}", VALUE, "/match/0/gateways/0"),
    (f"{{match: [{{headers: {{'a b': {{exact: x}}}}}}], {TO}}}", VALUE, "/match/0/headers/a b"),
    (f"{{match: [{{headers: {{a: {{prefix: ''}}}}}}], {TO}}}", VALUE, "/match/0/headers/a/prefix"),
    (
        f"{{match: [{{headers: {{'@request.auth.claims.sub': {{exact: x}}}}}}], {TO}}}",
        BOTH,
        "/match/0/headers/@request.auth.claims.sub",
    ),
]

OTHERS = [
    ("VirtualService", "hosts: [a]", MISSING, ""),
    ("VirtualService", f"gateways: [g]\nhttp: [{{{TO}}}]", BOTH, "/gateways"),
    ("VirtualService", f"http: [{{{TO}}}]\ntcp: [{{{TO}}}]", BOTH, "/tcp"),
    ("VirtualService", "http: [{delegate: {name: d}}]", BOTH, "/http/0/delegate"),
    ("VirtualService", f"hosts: [a..b]\nhttp: [{{{TO}}}]", VALUE, "/hosts/0"),
    ("VirtualService", f"hosts: ['*']\nhttp: [{{{TO}}}]", BOTH, "/hosts/0"),
    ("VirtualService", f"hosts: [a.b.example, '*.example']\nhttp: [{{{TO}}}]", BOTH, "/hosts/1"),
    ("VirtualService", f"hosts: [a, a]\nhttp: [{{{TO}}}]", BOTH, "/hosts/1"),
    ("VirtualService", f"hosts: [a]\ngateways: [g.shop.svc.cluster.local]\nhttp: [{{{TO}}}]", WARNED, "/gateways/0"),
    ("VirtualService", f"hosts: [a]\ngateways: [shop/a.b]\nhttp: [{{{TO}}}]", VALUE, "/gateways/0"),
    ("VirtualService", f"hosts: [a]\nexportTo: [a, '*']\nhttp: [{{{TO}}}]", BOTH, "/exportTo/1"),
    ("VirtualService", f"hosts: [a]\nexportTo: [., shop]\nhttp: [{{{TO}}}]", BOTH, "/exportTo/1"),
    ("VirtualService", f"hosts: [a]\nexportTo: ['~']\nhttp: [{{{TO}}}]", VALUE, "/exportTo/0"),
    ("VirtualService", f"hosts: [a]\nexportTo: [a.b]\nhttp: [{{{TO}}}]", VALUE, "/exportTo/0"),
    ("VirtualService", "hosts: [a]\ntcp: [{match: [{port: 1}]}]", MISSING, "/tcp/0"),
    ("VirtualService", f"hosts: [a]\ntcp: [{{match: [{{destinationSubnets: [10.0.0.0/40]}}], {TO}}}]", VALUE, "/tcp/0/match/0/destinationSubnets/0"),
    ("VirtualService", f"hosts: [a]\ntls: [{{match: [], {TO}}}]", MISSING, "/tls/0/match"),
    ("VirtualService", f"hosts: [a]\ntls: [{{match: [{{sniHosts: []}}], {TO}}}]", MISSING, "/tls/0/match/0/sniHosts"),
    ("VirtualService", f"hosts: [a.b]\ntls: [{{match: [{{sniHosts: [b.b]}}], {TO}}}]", BOTH, "/tls/0/match/0/sniHosts/0"),
    ("VirtualService", f"hosts: [a.b]\ntls: [{{match: [{{sniHosts: [1.2.3.4]}}], {TO}}}]", WARNED, "/tls/0/match/0/sniHosts/0"),
    ("DestinationRule", "host: a_b", VALUE, "/host"),
    ("DestinationRule", "host: a\ntrafficPolicy: {}", MISSING, "/trafficPolicy"),
    ("DestinationRule", "host: a\nsubsets: [{name: v_1, labels: {v: a}}]", VALUE, "/subsets/0/name"),
    ("DestinationRule", "host: a\nsubsets: [{name: v1, labels: {v: a/b}}]", VALUE, "/subsets/0/labels/v"),
    ("DestinationRule", "host: a\ntrafficPolicy: {connectionPool: {}}", MISSING, "/trafficPolicy/connectionPool"),
    ("DestinationRule", "host: a\ntrafficPolicy: {connectionPool: {tcp: {maxConnections: -1}}}", VALUE, "/trafficPolicy/connectionPool/tcp/maxConnections"),
    ("DestinationRule", "host: a\ntrafficPolicy: {connectionPool: {http: {useClientProtocol: true, h2UpgradePolicy: UPGRADE}}}", BOTH, "/trafficPolicy/connectionPool/http/useClientProtocol"),
    ("DestinationRule", "host: a\ntrafficPolicy: {outlierDetection: {maxEjectionPercent: 101}}", VALUE, "/trafficPolicy/outlierDetection/maxEjectionPercent"),
    ("DestinationRule", "host: a\ntrafficPolicy: {outlierDetection: {consecutiveLocalOriginFailures: 3}}", BOTH, "/trafficPolicy/outlierDetection/consecutiveLocalOriginFailures"),
    ("DestinationRule", "host: a\ntrafficPolicy: {loadBalancer: {consistentHash: {httpCookie: {name: ''}}}}", VALUE, "/trafficPolicy/loadBalancer/consistentHash/httpCookie/name"),
    ("DestinationRule", "host: a\ntrafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {b: 90}}]}}}", BOTH, "/trafficPolicy/loadBalancer/localityLbSetting/distribute/0/to"),
    ("DestinationRule", "host: a\ntrafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: a/b, to: {b: 100}}, {from: 'a/*', to: {b: 100}}]}}}", BOTH, "/trafficPolicy/loadBalancer/localityLbSetting/distribute/1/from"),
    ("DestinationRule", "host: a\ntrafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: a, to: {'*/b': 100}}]}}}", VALUE, "/trafficPolicy/loadBalancer/localityLbSetting/distribute/0/to/*~1b"),
    ("DestinationRule", "host: a\ntrafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failover: [{from: a, to: a}]}}}", BOTH, "/trafficPolicy/loadBalancer/localityLbSetting/failover/0/to"),
    ("DestinationRule", "host: a\ntrafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failover: [{from: a, to: b/c}]}}}", VALUE, "/trafficPolicy/loadBalancer/localityLbSetting/failover/0/to"),
    ("DestinationRule", "host: a\ntrafficPolicy: {outlierDetection: {}, loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}], failoverPriority: [x]}}}", BOTH, "/trafficPolicy/loadBalancer/localityLbSetting/failoverPriority"),
    ("DestinationRule", "host: a\ntrafficPolicy: {loadBalancer: {localityLbSetting: {failover: [{from: a, to: b}]}}}", WARNED, "/trafficPolicy/loadBalancer/localityLbSetting/failover"),
    ("DestinationRule", "host: a\ntrafficPolicy: {tls: {mode: MUTUAL, privateKey: /k}}", MISSING, "/trafficPolicy/tls"),
    ("DestinationRule", "host: a\ntrafficPolicy: {tls: {mode: SIMPLE, credentialName: c, caCertificates: /c}}", BOTH, "/trafficPolicy/tls/caCertificates"),
    ("DestinationRule", "host: a\ntrafficPolicy: {tls: {mode: SIMPLE, insecureSkipVerify: true, caCertificates: /c}}", BOTH, "/trafficPolicy/tls/caCertificates"),
    ("DestinationRule", "host: a\ntrafficPolicy: {portLevelSettings: [{tls: {mode: SIMPLE}}]}", MISSING, "/trafficPolicy/portLevelSettings/0"),
    ("DestinationRule", "host: a\ntrafficPolicy: {portLevelSettings: [{port: {number: 80}}]}", MISSING, "/trafficPolicy/portLevelSettings/0"),
    ("DestinationRule", "host: a\ntrafficPolicy: {tunnel: {protocol: GET, targetHost: a.b, targetPort: 80}}", VALUE, "/trafficPolicy/tunnel/protocol"),
    ("DestinationRule", "host: a\ntrafficPolicy: {tunnel: {targetHost: '*.b', targetPort: 80}}", VALUE, "/trafficPolicy/tunnel/targetHost"),
    ("DestinationRule", "host: a\nworkloadSelector: {matchLabels: {app: 'x*'}}", VALUE, "/workloadSelector/matchLabels/app"),
    ("DestinationRule", "host: a\nworkloadSelector: {}", WARNED, "/workloadSelector"),
    ("DestinationRule", "host: a\nexportTo: ['*']\nworkloadSelector: {matchLabels: {app: x}}", BOTH, "/exportTo/0"),
    ("Gateway", "selector: {a: b}", MISSING, ""),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: []}]", MISSING, "/servers/0/hosts"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: [short]}]", VALUE, "/servers/0/hosts/0"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['*shop.example']}]", VALUE, "/servers/0/hosts/0"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['a_b/a.example']}]", VALUE, "/servers/0/hosts/0"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: ['/a.example']}]", VALUE, "/servers/0/hosts/0"),
    ("Gateway", "servers: [{port: {number: 0, name: h, protocol: HTTP}, hosts: [a.b]}]", VALUE, "/servers/0/port/number"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTPX}, hosts: [a.b]}]", VALUE, "/servers/0/port/protocol"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: ''}, hosts: [a.b]}]", VALUE, "/servers/0/port/protocol"),
    ("Gateway", "servers: [{port: {number: 80, name: '', protocol: HTTP}, hosts: [a.b]}]", VALUE, "/servers/0/port/name"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, bind: here, hosts: [a.b]}]", VALUE, "/servers/0/bind"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, bind: 'unix:///s', hosts: [a.b]}]", BOTH, "/servers/0/port/number"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, hosts: [a.b]}, {port: {number: 81, name: h, protocol: HTTP}, hosts: [a.b]}]", BOTH, "/servers/1/port/name"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: HTTPS}, hosts: [a.b]}]", MISSING, "/servers/0"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP}, tls: {mode: SIMPLE, credentialName: c}, hosts: [a.b]}]", BOTH, "/servers/0/tls/mode"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: HTTPS}, tls: {mode: SIMPLE}, hosts: [a.b]}]", MISSING, "/servers/0/tls"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: TLS}, tls: {mode: ISTIO_MUTUAL, credentialName: c}, hosts: [a.b]}]", BOTH, "/servers/0/tls/credentialName"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: TLS}, tls: {mode: PASSTHROUGH, credentialName: c}, hosts: [a.b]}]", WARNED, "/servers/0/tls/credentialName"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: TLS}, tls: {mode: PASSTHROUGH, httpsRedirect: true}, hosts: [a.b]}]", WARNED, "/servers/0/tls/httpsRedirect"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: c, minProtocolVersion: TLSV1_0}, hosts: [a.b]}]", WARNED, "/servers/0/tls/minProtocolVersion"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: c, cipherSuites: [MINE]}, hosts: [a.b]}]", WARNED, "/servers/0/tls/cipherSuites/0"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: c, cipherSuites: [AES128-SHA, AES128-SHA]}, hosts: [a.b]}]", WARNED, "/servers/0/tls/cipherSuites/1"),
    ("ServiceEntry", "hosts: ['*']", VALUE, "/hosts/0"),
    ("ServiceEntry", "hosts: [a_b.c]", VALUE, "/hosts/0"),
    ("ServiceEntry", "hosts: ['*b.c']", WARNED, "/hosts/0"),
    ("ServiceEntry", "hosts: ['*.b.c']\nresolution: DNS", BOTH, "/hosts/0"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: DYNAMIC_DNS", BOTH, "/hosts/0"),
    ("ServiceEntry", "hosts: ['*.b']\nresolution: DYNAMIC_DNS\nports: [{number: 1, name: a, protocol: TCP}]", BOTH, "/ports/0/protocol"),
    ("ServiceEntry", "hosts: ['*.b']\nresolution: DYNAMIC_DNS\naddresses: [1.2.3.4]", BOTH, "/addresses/0"),
    ("ServiceEntry", "hosts: [a.b]\naddresses: [a.b]", VALUE, "/addresses/0"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: DNS\naddresses: [10.0.0.0/8]", BOTH, "/addresses/0"),
    ("ServiceEntry", "hosts: [a.b]\nports: [{number: 1, name: a_b}]", VALUE, "/ports/0/name"),
    ("ServiceEntry", "hosts: [a.b]\nports: [{number: 1, name: a, protocol: FTP}]", VALUE, "/ports/0/protocol"),
    ("ServiceEntry", "hosts: [a.b]\nports: [{number: 1, name: a}, {number: 1, name: b}]", BOTH, "/ports/1/number"),
    ("ServiceEntry", "hosts: [a.b, b.b]\nresolution: DNS\nports: [{number: 1, name: a, protocol: TCP}]", BOTH, "/ports/0/protocol"),
    ("ServiceEntry", "hosts: [a.b]\nendpoints: [{address: 1.2.3.4}]", BOTH, "/endpoints"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: DNS_ROUND_ROBIN\nendpoints: [{address: a}, {address: b}]", BOTH, "/endpoints/1"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: STATIC\nendpoints: [{address: a.b}]", BOTH, "/endpoints/0/address"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: DNS\nendpoints: [{address: a_b}]", VALUE, "/endpoints/0/address"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: STATIC\nendpoints: [{address: 'unix:///s'}]", BOTH, "/endpoints/0/address"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: DNS\nworkloadSelector: {labels: {a: '*'}}", VALUE, "/workloadSelector/labels/a"),
    ("ServiceEntry", "hosts: [a.b]\nworkloadSelector: {labels: {a: b}}", WARNED, "/workloadSelector"),
    ("ServiceEntry", "hosts: [a.b]\nexportTo: ['~', .]", BOTH, "/exportTo/0"),
    ("WorkloadEntry", "address: a_b", VALUE, "/address"),
    ("WorkloadEntry", "address: 'unix://s'", VALUE, "/address"),
    ("WorkloadEntry", "address: 'unix:///s/'", VALUE, "/address"),
    ("WorkloadEntry", "address: 'unix:///s'\nports: {a: 1}", BOTH, "/ports"),
    ("WorkloadEntry", "address: 1.2.3.4\nports: {a_b: 1}", VALUE, "/ports/a_b"),
    ("WorkloadEntry", "network: far", WARNED, "/network"),
    ("WorkloadEntry", "address: ''", MISSING, "/address"),
    ("WorkloadGroup", "template: {address: a_b}", VALUE, "/template/address"),
    ("ProxyConfig", "selector: {matchLabels: {'': a}}", VALUE, "/selector/matchLabels/"),
    ("Sidecar", "workloadSelector: {labels: {a: b}}", MISSING, ""),
    ("Sidecar", "egress: [{hosts: ['*/*']}]\nworkloadSelector: {}", WARNED, "/workloadSelector"),
    ("Sidecar", "egress: [{hosts: ['a/*']}, {port: {number: 1, protocol: TCP, name: a}, hosts: ['b/*']}]", BOTH, "/egress/0"),
    ("Sidecar", "egress: [{hosts: ['a/*']}, {hosts: ['b/*']}]", BOTH, "/egress/1"),
    ("Sidecar", "egress: [{port: {number: 1, name: a}, hosts: ['a/*']}, {port: {number: 1, name: b}, hosts: ['b/*']}]", BOTH, "/egress/1/port/number"),
    ("Sidecar", "egress: [{port: {name: a}, hosts: ['a/*']}]", MISSING, "/egress/0/port"),
    ("Sidecar", "egress: [{port: {number: 1}, bind: here, hosts: ['a/*']}]", VALUE, "/egress/0/bind"),
    ("Sidecar", "egress: [{port: {protocol: TCP}, bind: 'unix:///s', captureMode: IPTABLES, hosts: ['a/*']}]", BOTH, "/egress/0/captureMode"),
    ("Sidecar", "egress: [{hosts: []}]", MISSING, "/egress/0/hosts"),
    ("Sidecar", "egress: [{hosts: [a.b]}]", VALUE, "/egress/0/hosts/0"),
    ("Sidecar", "egress: [{hosts: ['*/short']}]", VALUE, "/egress/0/hosts/0"),
    ("Sidecar", "egress: [{hosts: ['*/*', 'a/*']}]", WARNED, "/egress/0/hosts/1"),
    ("Sidecar", "egress: [{hosts: ['./a.b', 'shop/a.b']}]", WARNED, "/egress/0/hosts/1"),
    ("Sidecar", "ingress: [{port: {number: 1, protocol: HTTP, name: a}, defaultEndpoint: '10.0.0.1:1'}]", VALUE, "/ingress/0/defaultEndpoint"),
    ("Sidecar", "ingress: [{port: {number: 1, protocol: HTTP, name: a}, bind: here}]", VALUE, "/ingress/0/bind"),
    ("Sidecar", "ingress: [{port: {number: 1, protocol: TCP, name: a}, connectionPool: {http: {}}}]", WARNED, "/ingress/0/connectionPool/http"),
    ("Sidecar", "ingress: [{port: {number: 1, protocol: HTTPS, name: a}, tls: {mode: SIMPLE, credentialName: c}}]", BOTH, "/ingress/0/tls/credentialName"),
    ("Sidecar", "ingress: [{port: {number: 1, protocol: HTTP, name: a}, tls: {mode: SIMPLE, serverCertificate: /a, privateKey: /b}}]", BOTH, "/ingress/0/tls"),
    ("Sidecar", "inboundConnectionPool: {tcp: {maxConnections: -1}}", VALUE, "/inboundConnectionPool/tcp/maxConnections"),
    ("Sidecar", "outboundTrafficPolicy: {egressProxy: {host: a.b, port: {number: 1}}}", BOTH, "/outboundTrafficPolicy/egressProxy"),
    ("Sidecar", "outboundTrafficPolicy: {mode: ALLOW_ANY, egressProxy: {host: a.b}}", MISSING, "/outboundTrafficPolicy/egressProxy"),
    ("EnvoyFilter", "configPatches: [{patch: {operation: ADD, value: {}}}]", MISSING, "/configPatches/0"),
    ("EnvoyFilter", "configPatches: [{applyTo: CLUSTER}]", MISSING, "/configPatches/0"),
    ("EnvoyFilter", "configPatches: [{applyTo: CLUSTER, patch: {value: {}}}]", MISSING, "/configPatches/0/patch"),
    ("EnvoyFilter", "configPatches: [{applyTo: CLUSTER, patch: {operation: ADD}}]", MISSING, "/configPatches/0/patch"),
    ("EnvoyFilter", "configPatches: [{applyTo: CLUSTER, match: {listener: {}}, patch: {operation: REMOVE}}]", BOTH, "/configPatches/0/match/listener"),
    ("EnvoyFilter", "configPatches: [{applyTo: HTTP_FILTER, match: {context: WAYPOINT}, patch: {operation: REMOVE}}]", BOTH, "/configPatches/0/match/context"),
    ("EnvoyFilter", "configPatches: [{applyTo: HTTP_FILTER, match: {waypoint: {}}, patch: {operation: REMOVE}}]", BOTH, "/configPatches/0/match/waypoint"),
    ("EnvoyFilter", "configPatches: [{applyTo: HTTP_FILTER, match: {listener: {filterChain: {filter: {}}}}, patch: {operation: REMOVE}}]", MISSING, "/configPatches/0/match/listener/filterChain/filter"),
    ("EnvoyFilter", "configPatches: [{applyTo: LISTENER, match: {listener: {filterChain: {filter: {name: a}}}}, patch: {operation: REMOVE}}]", WARNED, "/configPatches/0/match/listener/filterChain/filter"),
    ("EnvoyFilter", "configPatches: [{applyTo: NETWORK_FILTER, match: {listener: {filterChain: {filter: {name: a, subFilter: {name: b}}}}}, patch: {operation: REMOVE}}]", BOTH, "/configPatches/0/match/listener/filterChain/filter/subFilter"),
    ("EnvoyFilter", "configPatches: [{applyTo: HTTP_FILTER, match: {listener: {filterChain: {filter: {name: envoy.http_connection_manager}}}}, patch: {operation: REMOVE}}]", WARNED, "/configPatches/0/match/listener/filterChain/filter/name"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: HTTP, targetPort: 81}, hosts: [a.b]}]", BOTH, "/servers/0/port/targetPort"),
    ("EnvoyFilter", "workloadSelector: {labels: {a: '*'}}", VALUE, "/workloadSelector/labels/a"),
    ("EnvoyFilter", "targetRefs: [{kind: Service, name: a, namespace: b}]", VALUE, "/targetRefs/0/namespace"),
]  # fmt: skip

FITTING = [
    ("VirtualService", http(f"{{match: [{{uri: {{exact: ''}}, headers: {{':path': {{exact: /}}, x: {{}}}}}}], {TO}}}")),
    ("VirtualService", http("{redirect: {derivePort: FROM_REQUEST_PORT}}")),
    ("VirtualService", http("{redirect: {uri: /}, match: [{uri: {prefix: /a}}], headers: {response: {set: {x: '100%%'}}}}")),
    ("VirtualService", http("{delegate: {name: d}, timeout: 5s}")),
    ("VirtualService", http(f"{{{TO}, retries: {{attempts: 0}}}}")),
    ("VirtualService", http(f"{{{TO}, retries: {{attempts: 2, retryOn: '5xx,503, reset'}}}}")),
    ("VirtualService", http("{route: [{destination: {host: '*.a.example'}}], headers: {request: {set: {Host: b}}}}")),
    ("VirtualService", http("{route: [{destination: {host: a}, weight: 0}]}")),
    ("VirtualService", f"hosts: ['*']\ngateways: [g]\nhttp: [{{{TO}}}]"),
    ("VirtualService", f"hosts: [10.1.2.3, a.b., '*-a.b']\nhttp: [{{{TO}}}]"),
    ("VirtualService", f"http: [{{{TO}}}]"),
    ("VirtualService", f"hosts: ['*.b']\ntls: [{{match: [{{sniHosts: [a.b, '*.c.b']}}], {TO}}}]"),
    ("VirtualService", f"hosts: [a]\ngateways: [./g, other/g, g, mesh]\nexportTo: [., other]\nhttp: [{{{TO}}}]"),
    ("DestinationRule", "host: '*.local'\ntrafficPolicy: {tls: {mode: ISTIO_MUTUAL}}"),
    ("DestinationRule", "host: a\ntrafficPolicy: {tls: {mode: MUTUAL, credentialName: c}}"),
    ("DestinationRule", "host: a\ntrafficPolicy: {loadBalancer: {localityLbSetting: {distribute: [{from: 'a/z1/*', to: {'a/z1/*': 80, 'a/z2/*': 20}}, {from: 'a/z2/*', to: {'a/z2/*': 100}}]}}}"),
    ("DestinationRule", "host: a\ntrafficPolicy: {retryBudget: {percent: 20}}\nsubsets: [{name: V1, labels: {}}]"),
    ("Gateway", "servers: [{port: {number: 80, name: h, protocol: http}, tls: {httpsRedirect: true}, hosts: ['*', ./a.b, 1.2.3.4]}]"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: TLS}, tls: {}, hosts: ['*/*.a.b']}]"),
    ("Gateway", "servers: [{port: {number: 0, name: h, protocol: HTTP}, bind: 'unix://@s', hosts: [a.b]}]"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: HTTPS}, tls: {mode: MUTUAL, credentialName: c}, hosts: [a.b]}]"),
    ("Gateway", "servers: [{port: {number: 443, name: h, protocol: HTTPS}, tls: {mode: SIMPLE, credentialName: c, cipherSuites: [ALL, -X]}, hosts: [a.b]}]"),
    ("ServiceEntry", "hosts: [a.b, c.b]\nports: [{number: 1, name: a, protocol: TCP}]\naddresses: [10.0.0.0/8, '::1']"),
    ("ServiceEntry", "hosts: [a.b]\nexportTo: ['~']"),
    ("ServiceEntry", "hosts: ['*.a.b']\nresolution: DNS\nendpoints: [{address: a.b, ports: {a: 1}}]\nports: [{number: 1, name: a}]"),
    ("ServiceEntry", "hosts: ['*.a.b']\nresolution: DYNAMIC_DNS\nports: [{number: 1, name: a, protocol: TLS}]"),
    ("ServiceEntry", "hosts: [a.b]\nresolution: STATIC\nworkloadSelector: {labels: {a: b}}"),
    ("WorkloadEntry", "address: 'unix://@s'"),
    ("WorkloadEntry", "address: a.b\nports: {a: 1}"),
    ("WorkloadGroup", "template: {serviceAccount: a}\nprobe: {tcpSocket: {port: 1}}"),
    ("ProxyConfig", "selector: {matchLabels: {a: b}}\nimage: {imageType: distroless}"),
    ("Sidecar", "egress: [{port: {number: 1}, hosts: ['~/*']}, {hosts: [./*, 'istio-system/*']}]"),
    ("Sidecar", "outboundTrafficPolicy: {}"),
    ("Sidecar", "ingress: [{port: {number: 1, protocol: HTTP, name: a}, defaultEndpoint: '[::1]:80'}, {port: {number: 2}, defaultEndpoint: 'unix:///s'}]"),
    ("EnvoyFilter", "configPatches: [{applyTo: HTTP_FILTER, match: {context: WAYPOINT, waypoint: {portNumber: 80}}, patch: {operation: REMOVE}}]"),
    ("EnvoyFilter", "configPatches: [{applyTo: BOOTSTRAP, patch: {operation: MERGE, value: {a: 1}}}]"),
]  # fmt: skip


@pytest.mark.parametrize(("route", "kind", "place"), ROUTES)
def test_an_http_route_that_istio_refuses_is_told_once_and_where(route: str, kind: str, place: str):
    assert told("VirtualService", http(route)) == [(kind, f"/http/0{place}")]


@pytest.mark.parametrize(("resource", "spec", "kind", "place"), OTHERS)
def test_a_spec_that_istio_refuses_is_told_once_and_where(resource: str, spec: str, kind: str, place: str):
    assert told(resource, spec) == [(kind, place)]


@pytest.mark.parametrize(("resource", "spec"), FITTING)
def test_a_spec_that_istio_takes_is_not_told(resource: str, spec: str):
    assert [one.message for one in violations(resource, spec)] == []


@pytest.mark.parametrize("release", [(1, 0), (1, 5)])
def test_before_delegates_a_virtual_service_needs_hosts(release: tuple[int, int]):
    assert told("VirtualService", f"http: [{{{TO}}}]", release) == [(MISSING, "")]


def test_istio_1_0_names_gateways_with_dots():
    spec = f"hosts: [a]\ngateways: [shop/g, g.shop.svc.cluster.local]\nhttp: [{{{TO}}}]"
    assert told("VirtualService", spec, (1, 0)) == [(VALUE, "/gateways/0")]


def test_istio_1_0_sends_tcp_to_one_destination():
    spec = "hosts: [a]\ntcp: [{route: [{destination: {host: a}, weight: 50}, {destination: {host: b}, weight: 50}]}]"
    assert told("VirtualService", spec, (1, 0)) == [(BOTH, "/tcp/0/route/1")]
    assert told("VirtualService", spec) == []


def test_istio_1_0_needs_endpoints_and_protocols():
    spec = "hosts: [a.b]\nresolution: STATIC\nports: [{number: 1, name: a}]"
    assert told("ServiceEntry", spec, (1, 0)) == [(MISSING, "/ports/0"), (MISSING, "")]


def test_a_sidecar_of_the_root_namespace_means_the_clients_namespace_by_a_dot():
    text = "apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: a, namespace: istio-system}\n"
    (document,) = parse(Source("one.yaml", text + "spec: {egress: [{hosts: [./*, istio-system/*]}]}\n")).documents
    assert list(unmet(read(document, "default"), NOW)) == []


def test_exclusions_of_a_sidecar_came_with_1_31():
    spec = "egress: [{hosts: ['~other/*', '*/*']}]"
    assert told("Sidecar", spec, (1, 30)) == [(VALUE, "/egress/0/hosts/0")]
    assert told("Sidecar", spec, (1, 31)) == []
