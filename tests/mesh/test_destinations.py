"""Which DestinationRules a client uses and what they say: the worked cases A49-A54, A57 and their neighbours."""

from meshlint.mesh.destinations import Effective, clients_that_differ, effective
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import Settings
from meshlint.source.parse import parse
from meshlint.source.text import Source

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: svc, namespace: prod}\nspec: {ports: [{port: 80}]}\n"
NAME = "svc.prod.svc.cluster.local"
POLICY = "trafficPolicy: {connectionPool: {tcp: {maxConnections: 1}}}"
V1 = "subsets: [{name: v1, labels: {version: v1}}]"
V2 = "subsets: [{name: v2, labels: {version: v2}}]"


def rule(name: str, namespace: str, host: str, *lines: str) -> str:
    head = (
        f"apiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {{name: {name}, namespace: {namespace}}}"
    )
    body = "".join(f"  {line}\n" for line in (f'host: "{host}"', *lines))
    return f"{head}\nspec:\n{body}"


def mesh_of(*rules: str, version: tuple[int, int] = (1, 30)) -> Mesh:
    documents = parse(Source("mesh.yaml", "---\n".join((SERVICE, *rules)))).documents
    return Mesh(documents=tuple(documents), settings=Settings(istio_version=version))


def seen_by(client: str, mesh: Mesh) -> Effective:
    return effective(mesh, client, mesh.hosts_named(NAME)[0])


def test_a_rule_of_the_clients_namespace_hides_the_services_subsets():
    mesh = mesh_of(rule("near", "client", NAME, POLICY), rule("far", "prod", "svc", V1))
    assert seen_by("client", mesh).defines("v1") is False
    assert seen_by("other", mesh).defines("v1") is True


def test_a_near_wildcard_beats_a_far_exact_rule():
    mesh = mesh_of(rule("near", "client", "*.local", POLICY), rule("far", "prod", "svc", V1))
    assert seen_by("client", mesh).defines("v1") is False


def test_in_one_namespace_the_exact_rule_beats_the_wildcard():
    mesh = mesh_of(rule("wide", "prod", "*.local", POLICY), rule("exact", "prod", "svc", V1))
    assert [one.name for one in seen_by("other", mesh).rules] == ["exact"]


def test_a_private_rule_is_unseen_from_the_root_namespace():
    mesh = mesh_of(rule("own", "prod", "svc", 'exportTo: ["."]', V1))
    assert seen_by("istio-system", mesh).defines("v1") is False
    assert seen_by("prod", mesh).defines("v1") is True


def test_the_most_specific_rule_is_chosen_before_it_is_asked_who_sees_it():
    hidden = rule("exact", "prod", "svc", "exportTo: [web]", V1)
    mesh = mesh_of(hidden, rule("wide", "prod", "*.local", V2))
    assert seen_by("other", mesh).rules == ()
    assert seen_by("web", mesh).defines("v1") is True


def test_clients_in_the_root_namespace_use_public_rules_there_last():
    mesh = mesh_of(rule("root", "istio-system", NAME, V2), rule("far", "prod", "svc", V1))
    assert seen_by("istio-system", mesh).defines("v1") is True
    alone = mesh_of(rule("root", "istio-system", NAME, V2))
    assert seen_by("istio-system", alone).defines("v2") is True
    assert seen_by("other", alone).defines("v2") is True


def test_a_rule_in_a_third_namespace_is_never_used():
    mesh = mesh_of(rule("config", "config", NAME, V1))
    assert seen_by("other", mesh).rules == ()


def test_rules_with_equal_exports_are_merged():
    mesh = mesh_of(rule("a", "prod", "svc", V1), rule("b", "prod", "svc", V2))
    seen = seen_by("other", mesh)
    assert (seen.defines("v1"), seen.defines("v2")) == (True, True)


def test_a_star_is_not_merged_with_an_absent_export():
    mesh = mesh_of(rule("a", "prod", "svc", V1), rule("b", "prod", "svc", 'exportTo: ["*"]', V2))
    seen = seen_by("other", mesh)
    assert (seen.defines("v1"), seen.defines("v2"), seen.defines("v3")) == (None, None, False)


def test_a_rule_with_a_selector_ends_the_search_for_all_pods_of_its_namespace():
    chosen = rule("near", "c", NAME, "workloadSelector: {matchLabels: {app: a}}", POLICY)
    mesh = mesh_of(chosen, rule("far", "prod", "svc", V1))
    assert seen_by("c", mesh).defines("v1") is False
    assert seen_by("other", mesh).defines("v1") is True


def test_a_rule_with_a_selector_is_private_whatever_it_exports():
    chosen = rule("far", "prod", "svc", "workloadSelector: {matchLabels: {app: a}}", 'exportTo: ["*"]', V1)
    assert seen_by("other", mesh_of(chosen)).rules == ()


def test_of_a_rule_with_two_definitions_nothing_certain_is_known():
    mesh = mesh_of(rule("near", "client", NAME, POLICY), rule("near", "client", "cart.prod.svc.cluster.local", POLICY))
    assert seen_by("client", mesh).defines("v1") is None


def test_a_setting_for_a_port_replaces_the_whole_policy():
    port = "{port: {number: 443}, loadBalancer: {simple: RANDOM}}"
    mesh = mesh_of(rule("a", "prod", "svc", f"trafficPolicy: {{tls: {{mode: SIMPLE}}, portLevelSettings: [{port}]}}"))
    seen = seen_by("other", mesh)
    other = seen.tls(80)
    assert seen.tls(443) is None
    assert other is not None
    assert other.mode == "SIMPLE"


def test_a_subsets_policy_overrides_the_hosts_field_by_field():
    subsets = "subsets: [{name: v1, trafficPolicy: {tls: {mode: DISABLE}}}, {name: v2, trafficPolicy: {tunnel: {}}}]"
    mesh = mesh_of(rule("a", "prod", "svc", "trafficPolicy: {tls: {mode: SIMPLE}}", subsets))
    modes = [tls.mode for name in ("v1", "v2", "") if (tls := seen_by("other", mesh).tls(80, name)) is not None]
    assert modes == ["DISABLE", "SIMPLE", "SIMPLE"]


def test_in_istio_1_0_rules_of_all_namespaces_apply_to_all_clients():
    mesh = mesh_of(rule("a", "x", NAME, V1), rule("b", "y", NAME, V2), version=(1, 0))
    seen = seen_by("other", mesh)
    assert (seen.defines("v1"), seen.defines("v2")) == (True, True)


def test_namespaces_with_rules_for_a_host_may_differ_from_the_others():
    mesh = mesh_of(rule("near", "client", "*.local", POLICY), rule("far", "prod", "svc", V1))
    assert clients_that_differ(mesh, mesh.hosts_named(NAME)[0]) == ("client", "prod")
