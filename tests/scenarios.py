"""Mistakes that people made, as incidents and questions tell of them, with their repaired twins; and what only looks like one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scenario:
    """What was written and what should have been, which rules speak up, and what one of them says."""

    name: str
    mistake: str
    repaired: str
    codes: tuple[str, ...]
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The test's id."""
        return self.name


def _service(name: str, namespace: str = "shop", port: str = "{name: http, port: 8080}") -> str:
    return f"""---
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{port}]}}
"""


def _pods(name: str, version: str = "v1", namespace: str = "shop") -> str:
    return f"""---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}-{version}, namespace: {namespace}}}
spec:
  selector: {{matchLabels: {{app: {name}, version: {version}}}}}
  template:
    metadata: {{labels: {{app: {name}, version: {version}}}}}
    spec: {{containers: [{{name: app, image: "example/app:1"}}]}}
"""


def _virtual_service(spec: str, name: str = "tea", namespace: str = "shop") -> str:
    return f"""---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: {namespace}}}
spec:
{spec}
"""


def _rule(spec: str, name: str = "tea", namespace: str = "shop") -> str:
    return f"""---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {{name: {name}, namespace: {namespace}}}
spec:
{spec}
"""


def _gateway(name: str, servers: str) -> str:
    return f"""---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: {name}, namespace: shop}}
spec:
  selector: {{istio: door}}
  servers:
{servers}
"""


def _http(hosts: str, port: int = 80) -> str:
    return f"  - {{port: {{number: {port}, name: http, protocol: HTTP}}, hosts: [{hosts}]}}"


def _secure(hosts: str, secret: str, port: int = 443) -> str:
    tls = f"{{mode: SIMPLE, credentialName: {secret}}}"
    return f"  - {{port: {{number: {port}, name: https, protocol: HTTPS}}, hosts: [{hosts}], tls: {tls}}}"


TEA = _service("tea") + _pods("tea", "v1") + _pods("tea", "v2")
MILK = _service("milk") + _pods("milk")
VERSIONS = _rule("""  host: tea
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}""")
TO_V1 = "[{destination: {host: tea, subset: v1}}]"
TO_V2 = "[{destination: {host: tea, subset: v2}}]"
TO_TEA = "[{destination: {host: tea, port: {number: 8080}}}]"
TO_MILK = "[{destination: {host: milk, port: {number: 8080}}}]"


def _routes(*rules: str, hosts: str = "tea", gateways: str = "") -> str:
    """The spec of a VirtualService with the http rules."""
    bound = f"\n  gateways: [{gateways}]" if gateways else ""
    return f"  hosts: [{hosts}]{bound}\n  http:\n" + "\n".join(f"  - {rule}" for rule in rules)


_ANY = "{match: [{uri: {prefix: /}}], route: " + TO_V1 + "}"
_CANARY = '{match: [{headers: {x-new: {exact: "yes"}}, uri: {prefix: /}}], route: ' + TO_V2 + "}"
_REST = "{route: " + TO_V1 + "}"


def _path(kind: str, path: str, to: str) -> str:
    return f"{{match: [{{uri: {{{kind}: {path}}}}}], route: {to}}}"


SUBSETS = TEA + VERSIONS
DOOR = _gateway("door", _http("tea.example.com"))
AT_DOOR = "tea.example.com"

SCENARIOS = (
    Scenario(
        "S1 a canary's header is asked for after the route for all",
        SUBSETS + _virtual_service(_routes(_ANY, _CANARY)),
        SUBSETS + _virtual_service(_routes(_CANARY, _ANY)),
        ("MSH125",),
        ("route 1", "matches everything"),
    ),
    Scenario(
        "S2 a dash too many makes alternatives",
        SUBSETS
        + _virtual_service(_routes("{match: [{port: 8080}, {uri: {exact: /cart}}], route: " + TO_V1 + "}", _REST)),
        SUBSETS
        + _virtual_service(_routes("{match: [{port: 8080, uri: {exact: /cart}}], route: " + TO_V1 + "}", _REST)),
        ("MSH104",),
        ("alternatives",),
    ),
    Scenario(
        "S4 two VirtualServices for one host of the mesh",
        TEA
        + _virtual_service(_routes(_path("prefix", "/x", TO_TEA)), "one")
        + _virtual_service(_routes(_path("prefix", "/y", TO_TEA), hosts="tea.shop.svc.cluster.local"), "two"),
        TEA + _virtual_service(_routes(_path("prefix", "/x", TO_TEA), _path("prefix", "/y", TO_TEA)), "one"),
        ("MSH112", "MSH112"),
        ("tea.shop.svc.cluster.local",),
    ),
    Scenario(
        "S5 two VirtualServices at a gateway whose prefixes overlap",
        TEA
        + MILK
        + DOOR
        + _virtual_service(_routes(_path("prefix", "/api", TO_TEA), hosts=AT_DOOR, gateways="door"), "one")
        + _virtual_service(_routes(_path("prefix", "/api/v1", TO_MILK), hosts=AT_DOOR, gateways="door"), "two"),
        TEA
        + MILK
        + DOOR
        + _virtual_service(_routes(_path("prefix", "/api", TO_TEA), hosts=AT_DOOR, gateways="door"), "one")
        + _virtual_service(_routes(_path("prefix", "/web", TO_MILK), hosts=AT_DOOR, gateways="door"), "two"),
        ("MSH113", "MSH113"),
        (),
    ),
    Scenario(
        "S7 a subset that no rule has",
        SUBSETS + _virtual_service(_routes("{route: [{destination: {host: tea, subset: v3}}]}")),
        SUBSETS
        + _virtual_service(
            _routes(
                "{route: [{destination: {host: tea, subset: v2}}]}",
            )
        ),
        ("MSH202",),
        ("v3",),
    ),
    Scenario(
        "S9 a rule of the clients' namespace hides the subsets",
        SUBSETS
        + _rule(
            "  host: tea.shop.svc.cluster.local\n  trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}",
            "own",
            "desk",
        )
        + _pods("clerk", namespace="desk")
        + _virtual_service(_routes(_path("prefix", "/new", TO_V2), _REST)),
        SUBSETS + _pods("clerk", namespace="desk") + _virtual_service(_routes(_path("prefix", "/new", TO_V2), _REST)),
        ("MSH202", "MSH202", "MSH210"),
        ("desk",),
    ),
    Scenario(
        "S10 a rule in a third namespace",
        TEA
        + _rule(
            "  host: tea.shop.svc.cluster.local\n  exportTo: ['*']\n  trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}",
            "far",
            "config",
        ),
        TEA
        + _rule(
            "  host: tea.shop.svc.cluster.local\n  exportTo: ['*']\n  trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}",
            "far",
        ),
        ("MSH209",),
        (),
    ),
    Scenario(
        "S11 two rules for one host with policies of their own",
        TEA
        + _rule(
            "  host: tea\n  trafficPolicy: {portLevelSettings: [{port: {number: 8080}, loadBalancer: {simple: RANDOM}}]}",
            "one",
        )
        + _rule(
            "  host: tea\n  trafficPolicy: {portLevelSettings: [{port: {number: 8080}, connectionPool: {tcp: {maxConnections: 9}}}]}",
            "two",
        ),
        TEA
        + VERSIONS
        + _virtual_service(_routes(_path("prefix", "/new", TO_V2), _REST))
        + _rule("  host: tea\n  trafficPolicy: {loadBalancer: {simple: RANDOM}}", "balance"),
        ("MSH208", "MSH208"),
        (),
    ),
    Scenario(
        "S24 a prefix eats its sibling",
        TEA + MILK + _virtual_service(_routes(_path("prefix", "/cup", TO_TEA), _path("prefix", "/cup-large", TO_MILK))),
        TEA
        + MILK
        + _virtual_service(
            _routes(
                "{match: [{uri: {exact: /cup}}, {uri: {prefix: /cup/}}], route: " + TO_TEA + "}",
                _path("prefix", "/cup-large", TO_MILK),
            )
        ),
        ("MSH101",),
        ("route 1",),
    ),
    Scenario(
        "S25 a rewrite doubles the slash",
        TEA + _virtual_service(_routes("{match: [{uri: {prefix: /pot}}], rewrite: {uri: /}, route: " + TO_TEA + "}")),
        TEA + _virtual_service(_routes("{match: [{uri: {prefix: /pot/}}], rewrite: {uri: /}, route: " + TO_TEA + "}")),
        ("MSH107",),
        ("//",),
    ),
    Scenario(
        "S26 routes without an action or a weight spoil the gateway",
        TEA
        + DOOR
        + _virtual_service(
            _routes("{fault: {abort: {httpStatus: 404, percentage: {value: 100}}}}", hosts=AT_DOOR, gateways="door")
        ),
        TEA
        + DOOR
        + _virtual_service(
            _routes(
                "{fault: {abort: {httpStatus: 404, percentage: {value: 100}}}, route: " + TO_TEA + "}",
                hosts=AT_DOOR,
                gateways="door",
            )
        ),
        ("MSH005",),
        (),
    ),
    Scenario(
        "S27 two Gateways with bytes on one port",
        _gateway("one", "  - {port: {number: 8443, name: tcp, protocol: TCP}, hosts: [a.example.com]}")
        + _gateway("two", "  - {port: {number: 8443, name: tcp, protocol: TCP}, hosts: [b.example.com]}"),
        _gateway("one", "  - {port: {number: 8443, name: tcp, protocol: TCP}, hosts: [a.example.com]}")
        + _gateway("two", "  - {port: {number: 8444, name: tcp, protocol: TCP}, hosts: [b.example.com]}"),
        ("MSH304", "MSH304"),
        ("8443",),
    ),
    Scenario(
        "S29 one certificate for two Gateways",
        _gateway("one", _secure("a.example.com", "wide")) + _gateway("two", _secure("b.example.com", "wide")),
        _gateway("one", _secure("'*.example.com'", "wide")),
        ("MSH305", "MSH305"),
        (),
    ),
    Scenario(
        "S28 HTTP beside bytes on one port of two Gateways",
        _gateway("one", "  - {port: {number: 8000, name: tcp, protocol: TCP}, hosts: ['*']}")
        + _gateway("two", _http("b.example.com", 8000)),
        _gateway("one", "  - {port: {number: 8000, name: tcp, protocol: TCP}, bind: 10.0.0.1, hosts: ['*']}")
        + _gateway("two", _http("b.example.com", 8000)),
        ("MSH304", "MSH304"),
        ("8000", "younger"),
    ),
    Scenario(
        "S30 a host that no bound Gateway has",
        TEA
        + _gateway("one", _http("'*.x.example'"))
        + _gateway("two", _http("'*.z.example'"))
        + _virtual_service(_routes("{route: " + TO_TEA + "}", hosts="a.y.example", gateways="one, two")),
        TEA
        + _gateway("one", _http("'*.x.example'"))
        + _gateway("two", _http("'*.z.example'"))
        + _virtual_service(_routes("{route: " + TO_TEA + "}", hosts="a.z.example", gateways="one, two")),
        ("MSH115",),
        ("a.y.example",),
    ),
    Scenario(
        "S34 a typo in a port's name makes it a port for bytes",
        _service("tea", port="{name: htp-web, port: 8080}")
        + _pods("tea")
        + _virtual_service(_routes(_path("prefix", "/new", TO_TEA))),
        _service("tea", port="{name: http-web, port: 8080}")
        + _pods("tea")
        + _virtual_service(_routes(_path("prefix", "/new", TO_TEA))),
        ("MSH214",),
        ("htp-web",),
    ),
    Scenario(
        "S35 a port of HTTP takes the port of TLS everywhere",
        TEA + _service("web", port="{name: http-web, port: 443}") + _pods("web"),
        TEA + _service("web", port="{name: https-web, port: 443}") + _pods("web"),
        ("MSH219",),
        ("443",),
    ),
    Scenario(
        "S36 a Sidecar hides the host of a route",
        TEA
        + _service("milk", "farm")
        + _pods("milk", namespace="farm")
        + "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default, namespace: shop}\nspec: {egress: [{hosts: ['./*', 'istio-system/*']}]}\n"
        + _virtual_service(
            _routes(
                "{timeout: 2s, route: [{destination: {host: milk.farm.svc.cluster.local}}]}",
                hosts="milk.farm.svc.cluster.local",
            )
            + "\n  exportTo: ['.']"
        ),
        TEA
        + _service("milk", "farm")
        + _pods("milk", namespace="farm")
        + "---\napiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {name: default, namespace: shop}\nspec: {egress: [{hosts: ['./*', 'istio-system/*', farm/milk.farm.svc.cluster.local]}]}\n"
        + _virtual_service(
            _routes(
                "{timeout: 2s, route: [{destination: {host: milk.farm.svc.cluster.local}}]}",
                hosts="milk.farm.svc.cluster.local",
            )
            + "\n  exportTo: ['.']"
        ),
        ("MSH410",),
        ("milk.farm.svc.cluster.local",),
    ),
    Scenario(
        "S38 a delegate's match conflicts with the root's",
        TEA
        + DOOR
        + _virtual_service(
            _routes("{match: [{uri: {prefix: /a}}], delegate: {name: part}}", hosts=AT_DOOR, gateways="door")
        )
        + _virtual_service("  http: [" + _path("prefix", "/b", TO_TEA) + "]", "part"),
        TEA
        + DOOR
        + _virtual_service(
            _routes("{match: [{uri: {prefix: /a}}], delegate: {name: part}}", hosts=AT_DOOR, gateways="door")
        )
        + _virtual_service("  http: [" + _path("prefix", "/a/b", TO_TEA) + "]", "part"),
        ("MSH117",),
        ("conflicts",),
    ),
    Scenario(
        "S39 a gateway's route ignores the subset rule of the mesh",
        SUBSETS
        + DOOR
        + _virtual_service(_routes(_REST))
        + _virtual_service(_routes("{route: " + TO_TEA + "}", hosts=AT_DOOR, gateways="door"), "outer"),
        SUBSETS
        + DOOR
        + _virtual_service(_routes(_REST))
        + _virtual_service(_routes(_REST, hosts=AT_DOOR, gateways="door"), "outer"),
        ("MSH120",),
        (),
    ),
    Scenario(
        "S40 a weight with a zero too many",
        SUBSETS
        + _virtual_service(
            _routes(
                "{route: [{destination: {host: tea, subset: v1}, weight: 90}, {destination: {host: tea, subset: v2}, weight: 100}]}"
            )
        ),
        SUBSETS
        + _virtual_service(
            _routes(
                "{route: [{destination: {host: tea, subset: v1}, weight: 90}, {destination: {host: tea, subset: v2}, weight: 10}]}"
            )
        ),
        ("MSH108",),
        ("52.6 %",),
    ),
    Scenario(
        "S42 a subset's policy that nothing uses",
        TEA
        + _rule(
            "  host: tea\n  subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}}]"
        ),
        TEA
        + _rule(
            "  host: tea\n  subsets: [{name: v1, labels: {version: v1}, trafficPolicy: {connectionPool: {tcp: {maxConnections: 9}}}}]"
        )
        + _virtual_service(_routes(_REST)),
        ("MSH211",),
        ("v1",),
    ),
)

HONEST = {
    "S6 a route for all in another VirtualService of the gateway": TEA
    + MILK
    + DOOR
    + _virtual_service(_routes(_path("prefix", "/", TO_TEA), hosts=AT_DOOR, gateways="door"), "one")
    + _virtual_service(_routes(_path("prefix", "/api", TO_MILK), hosts=AT_DOOR, gateways="door"), "two"),
    "S11 subsets in one rule and a policy in another": TEA
    + VERSIONS
    + _rule("  host: tea\n  trafficPolicy: {loadBalancer: {simple: RANDOM}}", "balance")
    + _virtual_service(_routes(_path("prefix", "/new", TO_V2), _REST)),
    "S31 a wildcard and a name below it": _gateway("wide", _http("'*.example.com'"))
    + _gateway("narrow", _http("tea.example.com")),
    "S31 one host on two ports": _gateway("one", _secure("tea.example.com", "a"))
    + _gateway("two", _secure("tea.example.com", "b", 8443)),
    "S30 a host that one of the bound gateways admits": TEA
    + _gateway("one", _http("'*.x.example'"))
    + _gateway("two", _http("shop/*.z.example"))
    + _virtual_service(_routes("{route: " + TO_TEA + "}", hosts="a.z.example", gateways="one, two")),
    "a canary by weight and by header": SUBSETS
    + _virtual_service(
        _routes(
            '{match: [{headers: {x-new: {exact: "yes"}}}], route: ' + TO_V2 + "}",
            "{route: [{destination: {host: tea, subset: v1}, weight: 95}, {destination: {host: tea, subset: v2}, weight: 5}]}",
        )
    ),
    "a service that another repository owns": _virtual_service(
        _routes(
            "{route: [{destination: {host: ledger.bank.svc.cluster.local, subset: v7}}]}",
            hosts="ledger.bank.svc.cluster.local",
        )
    ),
    "a Gateway in a namespace outside the input": TEA
    + _virtual_service(_routes("{route: " + TO_TEA + "}", hosts=AT_DOOR, gateways="edge/door")),
}
