"""The way of a packet through Istio 1.0: five calls in the shop of `fixtures/trace/packets-eye`, and what decides on their way."""

from pathlib import Path

import pytest

from meshlint.mesh.asked import asked
from meshlint.mesh.model import Mesh
from meshlint.mesh.origin import AtGateway, pod
from meshlint.mesh.settings import Settings
from meshlint.mesh.steps import Kind, Stage
from meshlint.mesh.trace import trace
from meshlint.source.parse import parse
from meshlint.source.text import Source

SHOP = sorted((Path(__file__).parents[1] / "fixtures" / "trace" / "packets-eye").glob("*.yaml"))


@pytest.fixture(scope="module")
def shop():
    documents = [one for path in SHOP for one in parse(Source(path.name, path.read_text("utf-8"))).documents]
    return Mesh(tuple(documents), settings=Settings(istio_version=(1, 0)))


def called(shop, url, who="storefront", **given):
    workload = next(one for one in shop.workloads if one.name == who)
    return trace(shop, pod(workload), asked(url, **given))


def decisive(found, stage):
    return [one.node.document.source.name for one in found.steps if one.stage is stage and one.node is not None]


def facts(found):
    return [one.text for step in found.steps for one in step.facts]


def test_nothing_in_the_shop_is_refused_by_istio_1_0(shop):
    assert shop.violations == ()


def test_a_request_from_outside_comes_through_the_ingress_gateway(shop):
    found = trace(shop, AtGateway("shop/door"), asked("http://shop.example/basket"))
    assert found.outcome.cluster == "outbound|7070||storefront.shop.svc.cluster.local"
    assert found.outcome.workloads == ("shop/storefront",)
    assert decisive(found, Stage.ROUTE) == ["routes.yaml"]
    assert trace(shop, AtGateway("shop/door"), asked("http://shop.example/other")).outcome.status == 404


def test_a_call_goes_to_one_version_and_its_copy_to_the_other(shop):
    found = called(shop, "http://catalog:7070/")
    assert found.outcome.cluster == "outbound|7070|blue|catalog.shop.svc.cluster.local"
    assert "copies 100 % of the requests to outbound|7070|green|catalog.shop.svc.cluster.local" in facts(found)


def test_a_call_is_shared_by_two_versions(shop):
    found = called(shop, "http://prices:7070/")
    assert [(one.cluster.split("|")[2], one.share) for one in found.outcome.weights] == [("blue", 0.5), ("green", 0.5)]
    assert found.outcome.workloads == ("shop/prices-blue", "shop/prices-green")


def test_a_fault_delays_a_call_or_answers_it(shop):
    found = called(shop, "http://stock:7070/")
    assert "100 % of the requests are delayed by 3s" in facts(found)
    assert found.outcome.workloads == ("shop/stock",)
    drill = called(shop, "http://stock:7070/", headers=("x-drill: outage",))
    assert (drill.outcome.kind, drill.outcome.status) == (Kind.DIRECT, 418)


def test_a_call_to_the_outside_leaves_through_the_egress_gateway(shop):
    found = called(shop, "https://courier.example/")
    assert found.outcome.cluster == "outbound|443||outside.courier.example"
    clients = [one.text for one in found.steps if one.stage is Stage.CLIENT]
    assert clients[1:] == ["gateway istio-system/istio-egressgateway, port 443"]
    assert "its endpoint is istio-egressgateway.istio-system.svc.cluster.local of the mesh" in facts(found)


@pytest.mark.parametrize(
    ("who", "method", "status", "why"),
    [
        ("storefront", "GET", 200, "ServiceRole shop/reads-catalog rule 0: allowed"),
        ("storefront", "DELETE", 403, "no ServiceRole allows it"),
        ("stock", "GET", 403, "no ServiceRole allows it"),
    ],
)
def test_roles_decide_who_may_call_the_catalog(shop, who, method, status, why):
    found = called(shop, "http://catalog:7070/", who, method=method)
    server = next(one for one in found.steps if one.stage is Stage.SERVER)
    assert found.outcome.status == status
    assert why in server.text
    assert server.node.document.source.name == "security.yaml"


def test_without_a_configuration_roles_decide_nothing(shop):
    others = tuple(one for one in shop.documents if one.at("kind").value != "RbacConfig")
    found = called(Mesh(others, settings=shop.settings), "http://catalog:7070/", "stock", method="DELETE")
    assert found.outcome.status == 200
    assert "no RbacConfig, so that no ServiceRole counts: all is allowed" in facts(found)


QUOTA = "quota lookups: at most 20 in 5s for each set of its dimensions (counter.memquota)"
LOG = "Mixer rule istio-system/visits: console.stdio gets visit.logentry"


def test_mixer_logs_all_calls_and_counts_those_of_the_service_that_is_bound(shop):
    assert {QUOTA, LOG} <= set(facts(called(shop, "http://catalog:7070/")))
    assert QUOTA not in facts(called(shop, "http://prices:7070/"))
    assert LOG in facts(called(shop, "http://prices:7070/"))


@pytest.mark.parametrize(
    ("old", "new", "kept"),
    [
        ('match: "true"', "match: request.size > 9", False),
        ("instances: [lookups.quota]", "instances: [other.quota]", False),
        ("name: lookups.quota.istio-system", "name: lookups", False),
        ("quotaSpecs: [{name: lookups}]", "quotaSpecs: [{name: lookups, namespace: shop}]", False),
        ("handler: counter.memquota", "handler: counter.memquota.istio-system", True),
    ],
)
def test_a_quota_counts_only_where_its_chain_is_whole(old, new, kept):
    texts = [(path.name, path.read_text("utf-8")) for path in SHOP]
    assert any(old in text for _, text in texts)
    sources = [Source(name, text.replace(old, new)) for name, text in texts]
    changed = Mesh(
        tuple(one for source in sources for one in parse(source).documents), settings=Settings(istio_version=(1, 0))
    )
    assert (QUOTA in facts(called(changed, "http://catalog:7070/"))) is kept


def test_nothing_is_said_of_mixer_where_it_may_not_be(shop):
    later = Mesh(shop.documents, settings=Settings(istio_version=(1, 5)))
    assert not [text for text in facts(called(later, "http://catalog:7070/")) if "Mixer" in text or "quota" in text]
