"""Ambient mode in traces: ztunnel and waypoints as hops, who is seen behind them, and what goes past them."""

import pytest

from meshlint.mesh.ambient import enrolment
from meshlint.mesh.asked import asked
from meshlint.mesh.authorization import attached
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, FromOutside, Origin, pod
from meshlint.mesh.services import Host
from meshlint.mesh.settings import Settings, World
from meshlint.mesh.steps import Kind, Trace
from meshlint.mesh.trace import trace
from meshlint.mesh.waypoints import Flaw, policies_at, waypoint_of, waypoints
from meshlint.source.parse import parse
from meshlint.source.text import Source


def space(name: str, labels: str) -> str:
    return f"\n---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{{labels}}}}}\n"


def workload(name: str, namespace: str, labels: str = "", ports: int = 8080) -> str:
    return (
        f"\n---\napiVersion: v1\nkind: Pod\n"
        f"metadata: {{name: {name}, namespace: {namespace}, labels: {{app: {name}, {labels}}}}}\n"
        f"spec: {{serviceAccountName: {name}, containers: [{{name: app, image: a, ports: [{{containerPort: {ports}}}]}}]}}\n"
    )


def service(name: str, namespace: str, labels: str = "", more: str = "") -> str:
    return (
        f"\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}\n"
        f"spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: 8080}}]{more}}}\n"
    )


def thing(kind: str, name: str, namespace: str, spec: str, labels: str = "") -> str:
    group = {
        "Gateway": "gateway.networking.k8s.io/v1",
        "HTTPRoute": "gateway.networking.k8s.io/v1",
        "AuthorizationPolicy": "security.istio.io/v1",
        "PeerAuthentication": "security.istio.io/v1",
    }.get(kind, "networking.istio.io/v1")
    meta = f"{{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}"
    return f"\n---\napiVersion: {group}\nkind: {kind}\nmetadata: {meta}\nspec: {spec}\n"


def waypoint(name: str = "way", namespace: str = "shop", labels: str = "", allowed: str = "") -> str:
    listener = f"{{name: mesh, port: 15008, protocol: HBONE{allowed}}}"
    spec = f"{{gatewayClassName: istio-waypoint, listeners: [{listener}]}}"
    return thing("Gateway", name, namespace, spec, labels)


AMBIENT = "istio.io/dataplane-mode: ambient"
SHOP = space("shop", AMBIENT) + workload("cart", "shop") + workload("other", "shop") + service("other", "shop")
USED = "istio.io/use-waypoint: way"
CLIENT = space("user", AMBIENT) + workload("front", "user")
ME, WAY = "cluster.local/ns/user/sa/front", "cluster.local/ns/shop/sa/way"


def mesh_of(*texts: str, world: World = World.AUTO) -> Mesh:
    return Mesh(parse(Source("mesh.yaml", "".join(texts))).documents, settings=Settings(world=world))


def named(mesh: Mesh, name: str) -> Origin:
    return pod(next(one for one in mesh.workloads if one.name == name))


def called(*texts: str, origin: str = "front", url: str = "http://cart.shop/", method: str = "GET") -> Trace:
    mesh = mesh_of(*texts)
    return trace(mesh, named(mesh, origin), asked(url, method=method))


def words(found: Trace) -> str:
    return "\n".join([*(step.text for step in found.steps), *(fact.text for one in found.steps for fact in one.facts)])


def policy(spec: str, namespace: str = "shop", name: str = "p") -> str:
    return thing("AuthorizationPolicy", name, namespace, spec)


def only(peer: str, target: str = "") -> str:
    return policy(f"{{{target} rules: [{{from: [{{source: {{principals: [{peer}]}}}}]}}]}}")


FOR_CART = "targetRefs: [{kind: Service, group: '', name: cart}],"
TO_OTHER = thing("VirtualService", "v", "shop", "{hosts: [cart], http: [{route: [{destination: {host: other}}]}]}")


def test_without_a_waypoint_no_route_holds():
    """R219, S103."""
    found = called(SHOP, CLIENT, service("cart", "shop"), TO_OTHER)
    assert (found.outcome.kind, found.outcome.workloads) == (Kind.CLUSTER, ("shop/cart",))
    assert "user/front  ztunnel" in found.steps[0].text


def test_a_waypoint_follows_the_routes_of_the_host():
    """R219."""
    found = called(SHOP, CLIENT, waypoint(), service("cart", "shop", USED), TO_OTHER)
    assert found.outcome.workloads == ("shop/other",)
    assert "waypoint shop/way, port 80" in words(found)


def test_routes_of_other_namespaces_are_not_the_waypoints():
    """R219."""
    vs = TO_OTHER.replace("namespace: shop", "namespace: user").replace("[cart]", "[cart.shop.svc.cluster.local]")
    found = called(SHOP, CLIENT, waypoint(), service("cart", "shop", USED), vs)
    assert found.outcome.workloads == ("shop/cart",)


def test_entries_on_the_clients_labels_are_dropped_at_a_waypoint():
    """R219."""
    vs = TO_OTHER.replace("{route", "{match: [{sourceLabels: {app: front}}], route")
    found = called(SHOP, CLIENT, waypoint(), service("cart", "shop", USED), vs)
    assert found.outcome.workloads == ("shop/cart",)


def test_a_route_of_the_gateway_api_is_followed_at_the_waypoint():
    rules = "[{backendRefs: [{name: other, port: 80}]}]"
    route = thing(
        "HTTPRoute", "r", "shop", f"{{parentRefs: [{{kind: Service, group: '', name: cart}}], rules: {rules}}}"
    )
    found = called(SHOP, CLIENT, waypoint(), service("cart", "shop", USED), route)
    assert found.outcome.workloads == ("shop/other",)


def test_a_policy_for_the_service_sees_requests_and_the_client():
    """S30, S101."""
    spec = f"{{{FOR_CART} rules: [{{from: [{{source: {{principals: [{ME}]}}}}], to: [{{operation: {{methods: [GET]}}}}]}}]}}"
    mesh = (SHOP, CLIENT, waypoint(), service("cart", "shop", USED), policy(spec))
    assert called(*mesh).outcome.kind is Kind.CLUSTER
    refused = called(*mesh, method="POST").outcome
    assert (refused.kind, refused.status, refused.workloads) == (Kind.DENIED, 403, ("waypoint shop/way",))


def test_ztunnel_sees_the_waypoint_and_not_the_client():
    """S78, S102."""
    parts = (SHOP, CLIENT, waypoint(), service("cart", "shop", USED))
    assert called(*parts, only(ME)).outcome.kind is Kind.DENIED
    assert called(*parts, only(WAY)).outcome.kind is Kind.CLUSTER
    assert called(SHOP, CLIENT, service("cart", "shop"), only(ME)).outcome.kind is Kind.CLUSTER


def test_ztunnel_ends_the_connection_that_it_denies():
    found = called(SHOP, CLIENT, service("cart", "shop"), policy("{action: DENY, rules: [{}]}"))
    assert (found.outcome.kind, found.outcome.status) == (Kind.DENIED, None)
    assert found.outcome.workloads == ("shop/cart",)


def test_a_waypoint_takes_neither_selectors_nor_policies_of_the_whole_mesh():
    """A67, S30."""
    shut = policy("{action: DENY, selector: {matchLabels: {app: way}}, rules: [{}]}")
    mesh = mesh_of(SHOP, waypoint(), service("cart", "shop", USED), shut, policy("{}", "istio-system"))
    (one,) = waypoints(mesh)
    assert policies_at(mesh, one, host_of(mesh, "cart.shop")) == ()


@pytest.mark.parametrize(
    ("namespace", "ref", "expected"),
    [
        ("shop", "{kind: Service, group: '', name: cart}", True),
        ("shop", "{kind: Service, group: '', name: other}", False),
        ("user", "{kind: Service, group: '', name: cart}", False),
        ("shop", "{kind: Gateway, group: gateway.networking.k8s.io, name: way}", True),
        ("shop", "{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}", False),
        ("istio-system", "{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}", True),
        ("istio-system", "{kind: GatewayClass, group: gateway.networking.k8s.io, name: other}", False),
    ],
)
def test_a_policy_is_at_a_waypoint_by_its_targets(namespace: str, ref: str, expected: bool):
    """A68, A69, S30, S31."""
    spec = policy(f"{{action: DENY, targetRefs: [{ref}], rules: [{{}}]}}", namespace)
    mesh = mesh_of(SHOP, waypoint(), service("cart", "shop", USED), spec)
    (one,) = waypoints(mesh)
    assert bool(policies_at(mesh, one, host_of(mesh, "cart.shop"))) is expected


def host_of(mesh: Mesh, name: str) -> Host:
    return next(one for one in mesh.hosts if one.name == f"{name}.svc.cluster.local")


def test_the_own_label_comes_before_the_namespaces_and_none_opts_out():
    """S104."""
    spaces = space("shop", f"{AMBIENT}, istio.io/use-waypoint: wide")
    parts = (spaces, waypoint("way"), waypoint("wide"))
    for label, expected in (("", "shop/wide"), (USED, "shop/way"), ("istio.io/use-waypoint: none", None)):
        mesh = mesh_of(*parts, service("cart", "shop", label))
        found = waypoint_of(mesh, host_of(mesh, "cart.shop"))
        assert (found.name if found is not None else None) == expected


def test_nothing_takes_the_place_of_a_waypoint_that_is_missing():
    """S104."""
    spaces = space("shop", f"{AMBIENT}, istio.io/use-waypoint: wide")
    mesh = mesh_of(spaces, waypoint("wide"), service("cart", "shop", USED), world=World.COMPLETE)
    found = waypoint_of(mesh, host_of(mesh, "cart.shop"))
    assert found is not None
    assert (found.waypoint, found.flaw) == (None, Flaw.MISSING)


@pytest.mark.parametrize(
    ("kind", "service_flaw", "pod_flaw"),
    [
        ("service", None, Flaw.KIND),
        ("workload", Flaw.KIND, None),
        ("all", None, None),
        ("none", Flaw.KIND, Flaw.KIND),
    ],
)
def test_a_waypoint_is_for_services_or_for_pods(kind: str, service_flaw: Flaw | None, pod_flaw: Flaw | None):
    """S105."""
    pods = space("shop", AMBIENT) + workload("cart", "shop", USED)
    mesh = mesh_of(pods, waypoint(labels=f"istio.io/waypoint-for: {kind}"), service("cart", "shop", USED))
    host, own = waypoint_of(mesh, host_of(mesh, "cart.shop")), waypoint_of(mesh, mesh.workloads_in("shop")[0])
    assert host is not None
    assert own is not None
    assert (host.flaw, own.flaw) == (service_flaw, pod_flaw)


@pytest.mark.parametrize(
    ("allowed", "flaw"),
    [("", Flaw.NAMESPACE), (", allowedRoutes: {namespaces: {from: All}}", None)],
)
def test_a_waypoint_of_another_namespace_has_to_admit_it(allowed: str, flaw: Flaw | None):
    """S106."""
    label = f"{USED}, istio.io/use-waypoint-namespace: infra"
    mesh = mesh_of(
        SHOP, space("infra", ""), waypoint(namespace="infra", allowed=allowed), service("cart", "shop", label)
    )
    found = waypoint_of(mesh, host_of(mesh, "cart.shop"))
    assert found is not None
    assert (found.name, found.flaw) == ("infra/way", flaw)


def test_a_waypoint_that_the_input_does_not_show_leaves_the_end_open():
    found = called(SHOP, CLIENT, service("cart", "shop", f"{USED}, istio.io/use-waypoint-namespace: far"))
    assert found.outcome.kind is Kind.UNKNOWN
    assert "far/way" in found.outcome.why


SIDECAR = space("user", "istio-injection: enabled") + workload("front", "user")


def test_a_sidecar_goes_past_the_waypoint_with_its_own_routes_and_identity():
    """S103, S108."""
    shut = policy(f"{{action: DENY, {FOR_CART} rules: [{{}}]}}", name="at-way")
    found = called(SHOP, SIDECAR, waypoint(), service("cart", "shop", USED), shut, only(ME))
    assert found.outcome.workloads == ("shop/cart",)
    assert "HBONE" in words(found)


STRICT = thing("PeerAuthentication", "strict", "shop", "{mtls: {mode: STRICT}}")
INJECTED = space("shop", "istio-injection: enabled") + workload("cart", "shop")


def test_strict_refuses_those_without_identity():
    """S109."""
    mesh = mesh_of(SHOP, service("cart", "shop"), STRICT)
    assert trace(mesh, FromOutside(), asked("http://cart.shop/")).outcome.kind is Kind.TLS_MISMATCH
    assert called(SHOP, CLIENT, service("cart", "shop"), STRICT).outcome.kind is Kind.CLUSTER


def test_whether_a_sidecar_takes_the_tunnel_is_asked_only_where_it_matters():
    """Appendix E, point 2."""
    assert called(INJECTED, CLIENT, service("cart", "shop")).outcome.kind is Kind.CLUSTER
    found = called(INJECTED, CLIENT, service("cart", "shop"), STRICT)
    assert found.outcome.kind is Kind.UNKNOWN
    assert "HBONE" in found.outcome.why


ENTRY = thing(
    "Gateway",
    "gw",
    "istio-system",
    "{selector: {istio: ingressgateway}, servers: [{hosts: ['*'], port: {number: 80, protocol: HTTP, name: http}}]}",
).replace("gateway.networking.k8s.io/v1", "networking.istio.io/v1") + thing(
    "VirtualService",
    "in",
    "shop",
    "{hosts: [shop.example], gateways: [istio-system/gw], http: [{route: [{destination: {host: cart}}]}]}",
)


@pytest.mark.parametrize(
    ("label", "kind"), [("", Kind.CLUSTER), (', istio.io/ingress-use-waypoint: "true"', Kind.DENIED)]
)
def test_an_ingress_gateway_goes_past_the_waypoint_unless_the_service_says_otherwise(label: str, kind: Kind):
    """S103."""
    shut = policy(f"{{action: DENY, {FOR_CART} rules: [{{}}]}}")
    mesh = mesh_of(SHOP, waypoint(), service("cart", "shop", USED + label), shut, ENTRY)
    assert trace(mesh, AtGateway("istio-system/gw"), asked("http://shop.example/")).outcome.kind is kind


def test_clients_of_a_headless_service_meet_the_waypoint_of_pods_alone():
    """S103."""
    pods = space("shop", AMBIENT) + workload("cart", "shop", "istio.io/use-waypoint: pods")
    both = waypoint() + waypoint("pods", labels="istio.io/waypoint-for: workload")
    found = called(pods, CLIENT, both, service("cart", "shop", USED, ", clusterIP: None"))
    assert "waypoint shop/pods" in words(found)
    assert "waypoint shop/way" not in words(found)


def test_what_nobody_knows_passes_ztunnel():
    """E46."""
    assert called(SHOP, CLIENT, url="http://example.com/").outcome.kind is Kind.PASSTHROUGH


def test_a_service_entry_has_a_waypoint_with_policies_of_its_own():
    """S30, S104."""
    entry = thing(
        "ServiceEntry",
        "out",
        "shop",
        "{hosts: [api.example], resolution: DNS, ports: [{number: 80, name: http, protocol: HTTP}]}",
        USED,
    )
    shut = policy(
        "{action: DENY, targetRefs: [{kind: ServiceEntry, group: networking.istio.io, name: out}], rules: [{}]}"
    )
    found = called(SHOP, CLIENT, waypoint(), entry, shut, url="http://api.example/")
    assert (found.outcome.kind, found.outcome.workloads) == (Kind.DENIED, ("waypoint shop/way",))


@pytest.mark.parametrize(
    ("labels", "pods", "expected"),
    [
        (AMBIENT, "", True),
        ("", AMBIENT, True),
        (AMBIENT, "istio.io/dataplane-mode: none", False),
        (f"{AMBIENT}, istio-injection: enabled", "", False),
        ("", "", False),
    ],
)
def test_labels_decide_who_is_in_ambient_mode(labels: str, pods: str, expected: bool):
    """S107."""
    mesh = mesh_of(space("shop", labels), workload("cart", "shop", pods))
    found = enrolment(mesh, mesh.workloads_in("shop")[0])
    assert found.is_ambient is expected
    assert found.why


def test_a_waypoint_knows_the_subsets_of_its_own_or_the_hosts_namespace():
    """R219 with R505."""
    vs = thing(
        "VirtualService", "v", "shop", "{hosts: [cart], http: [{route: [{destination: {host: cart, subset: v1}}]}]}"
    )
    rule = "{host: cart.shop.svc.cluster.local, subsets: [{name: v1, labels: {app: cart}}]}"
    parts = (SHOP, CLIENT, waypoint(), service("cart", "shop", USED), vs)
    assert called(*parts, thing("DestinationRule", "d", "shop", rule)).outcome.workloads == ("shop/cart",)
    assert called(*parts, thing("DestinationRule", "d", "user", rule)).outcome.kind is Kind.NO_CLUSTER


def test_connections_follow_the_tcp_routes_of_the_host():
    """R219."""
    vs = thing("VirtualService", "v", "shop", "{hosts: [cart], tcp: [{route: [{destination: {host: other}}]}]}")
    tcp = service("cart", "shop", USED).replace("name: http", "name: tcp")
    assert called(SHOP, CLIENT, waypoint(), tcp, vs, url="tcp://cart.shop:80").outcome.workloads == ("shop/other",)


def test_an_identity_has_no_at_sign_in_its_trust_domain():
    """S164."""
    texts = SHOP + CLIENT + service("cart", "shop") + only("me.example.org/ns/user/sa/front")
    config = parse(Source("config.yaml", "trustDomain: me@example.org")).documents[0]
    mesh = Mesh(parse(Source("mesh.yaml", texts)).documents, mesh_config=config)
    assert trace(mesh, named(mesh, "front"), asked("http://cart.shop/")).outcome.kind is Kind.CLUSTER


def test_a_policy_for_all_waypoints_is_at_the_pods_of_each():
    """S30, S31: the pods of a waypoint may be in the input themselves."""
    ref = "{kind: GatewayClass, group: gateway.networking.k8s.io, name: istio-waypoint}"
    shut = policy(f"{{action: DENY, targetRefs: [{ref}], rules: [{{}}]}}", "istio-system")
    pods = workload("way", "shop", "gateway.networking.k8s.io/gateway-name: way")
    mesh = mesh_of(SHOP, waypoint(), pods, shut)
    (own,) = [one for one in mesh.workloads_in("shop") if one.name == "way"]
    assert [one.name for one in attached(mesh, own)] == ["p"]
