"""Where routes send requests, for whom, and which proxies may call only what is registered (R220, R230-R235, R403, R704)."""

from meshlint.mesh.model import Mesh
from meshlint.mesh.outbound import restriction
from meshlint.mesh.settings import Settings, World
from meshlint.mesh.targets import Target, all_targets, clients, imports, is_missing, places, registered
from meshlint.source.parse import parse
from meshlint.source.text import Source

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: svc, namespace: shop}\nspec: {ports: [{port: 80}]}\n"


def virtual_service(name: str, *lines: str) -> str:
    head = f"apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: {name}, namespace: shop}}\nspec:\n"
    return head + "".join(f"  {line}\n" for line in lines)


def sidecar(namespace: str, *lines: str) -> str:
    head = f"apiVersion: networking.istio.io/v1\nkind: Sidecar\nmetadata: {{name: default, namespace: {namespace}}}\nspec:\n"
    return head + "".join(f"  {line}\n" for line in lines)


def mesh_of(*texts: str, world: World = World.AUTO) -> Mesh:
    documents = parse(Source("mesh.yaml", "---\n".join((SERVICE, *texts)))).documents
    return Mesh(documents=tuple(documents), settings=Settings(world=world))


def only_target(mesh: Mesh) -> Target:
    (target,) = all_targets(mesh)
    return target


def test_destinations_mirrors_and_all_blocks_are_targets():
    http = "http: [{route: [{destination: {host: a}}], mirror: {host: b}, mirrors: [{destination: {host: c.d}}]}]"
    tcp = "tcp: [{route: [{destination: {host: e}}]}]"
    tls = "tls: [{match: [{sniHosts: [x.example]}], route: [{destination: {host: f}}]}]"
    mesh = mesh_of(virtual_service("vs", "hosts: [svc]", http, tcp, tls))
    found = [(one.block, one.host.partition(".")[0], one.is_mirror) for one in all_targets(mesh)]
    assert found == [
        ("http", "a", False),
        ("http", "b", True),
        ("http", "c", True),
        ("tls", "f", False),
        ("tcp", "e", False),
    ]


def test_a_single_destination_gets_everything_whatever_its_weight():
    one = mesh_of(virtual_service("vs", "hosts: [svc]", "http: [{route: [{destination: {host: a}, weight: 0}]}]"))
    assert not only_target(one).is_weightless
    both = "{destination: {host: a}, weight: 0}, {destination: {host: b}, weight: 7}"
    two = mesh_of(virtual_service("vs", "hosts: [svc]", f"http: [{{route: [{both}]}}]"))
    assert [target.is_weightless for target in all_targets(two)] == [True, False]


def test_a_match_keeps_a_route_to_the_gateways_it_names():
    route = "http: [{match: [{gateways: [edge/out, elsewhere]}], route: [{destination: {host: svc}}]}]"
    mesh = mesh_of(virtual_service("vs", "hosts: [svc]", "gateways: [mesh, edge/out]", route))
    assert places(mesh, only_target(mesh)) == {"edge/out"}


def test_a_delegate_acts_where_its_root_does():
    root = virtual_service("root", "hosts: [svc]", "gateways: [edge/in]", "http: [{delegate: {name: part}}]")
    mesh = mesh_of(root, virtual_service("part", "http: [{route: [{destination: {host: svc}}]}]"))
    assert places(mesh, only_target(mesh)) == {"edge/in"}


def test_a_delegate_without_a_root_acts_nowhere():
    mesh = mesh_of(virtual_service("part", "http: [{route: [{destination: {host: svc}}]}]"))
    assert places(mesh, only_target(mesh)) == frozenset()


def test_a_route_for_one_source_namespace_has_no_other_clients():
    route = "http: [{match: [{sourceNamespace: web}], route: [{destination: {host: svc}}]}]"
    mesh = mesh_of(virtual_service("vs", "hosts: [svc]", route))
    target = only_target(mesh)
    assert clients(mesh, target, registered(mesh, target.host)[0]) == ()


def test_the_clients_of_a_gateways_route_are_its_proxies():
    gateway = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: in, namespace: shop}\nspec:\n"
    route = "http: [{route: [{destination: {host: svc}}]}]"
    selector = "  selector: {istio: ingressgateway}\n"
    mesh = mesh_of(gateway + selector, virtual_service("vs", "hosts: [svc]", "gateways: [in]", route))
    target = only_target(mesh)
    assert clients(mesh, target, registered(mesh, target.host)[0]) == ("istio-system",)


def test_a_sidecar_that_imports_one_host_of_a_virtual_service_loads_all_of_it():
    route = "http: [{route: [{destination: {host: svc}}]}]"
    vs = virtual_service("vs", "hosts: [known.shop.svc.cluster.local, alt.shop.svc.cluster.local]", route)
    wide = mesh_of(vs, sidecar("web", "egress: [{hosts: ['*/known.shop.svc.cluster.local']}]"))
    narrow = mesh_of(vs, sidecar("web", "egress: [{hosts: ['./*']}]"))
    assert imports(wide, "web", wide.virtual_services[0])
    assert not imports(narrow, "web", narrow.virtual_services[0])
    assert imports(narrow, "shop", narrow.virtual_services[0])


def test_an_empty_outbound_policy_of_a_sidecar_allows_the_registry_only():
    vs = virtual_service("vs", "hosts: [svc]", "http: [{route: [{destination: {host: api.example}}]}]")
    closed = mesh_of(vs, sidecar("shop", "outboundTrafficPolicy: {}"))
    open_ = mesh_of(vs, sidecar("shop", "outboundTrafficPolicy: {mode: ALLOW_ANY}"))
    assert restriction(closed, only_target(closed)) is not None
    assert restriction(open_, only_target(open_)) is None


def test_gateways_do_not_heed_the_policy_of_a_sidecar():
    route = "http: [{route: [{destination: {host: api.example}}]}]"
    vs = virtual_service("vs", "hosts: [svc]", "gateways: [edge/in]", route)
    mesh = mesh_of(vs, sidecar("shop", "outboundTrafficPolicy: {}"))
    assert restriction(mesh, only_target(mesh)) is None


def test_a_service_is_missing_only_where_the_input_holds_its_namespace():
    mesh = mesh_of()
    assert is_missing(mesh, "other.shop.svc.cluster.local")
    assert not is_missing(mesh, "other.web.svc.cluster.local")
    assert not is_missing(mesh, "api.example.com")
    complete = mesh_of(world=World.COMPLETE)
    assert is_missing(complete, "other.web.svc.cluster.local")
    assert is_missing(complete, "api.example.com")


def test_the_api_server_is_in_every_cluster():
    assert not is_missing(mesh_of(world=World.COMPLETE), "kubernetes.default.svc.cluster.local")
