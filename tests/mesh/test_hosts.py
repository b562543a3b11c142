"""Host names are read and compared as Istio reads and compares them (routing R101-R109)."""

import pytest

from meshlint.mesh.hosts import (
    covers,
    half_qualified,
    home_of,
    is_internal,
    narrower,
    overlaps,
    qualify,
    specificity,
)


@pytest.mark.parametrize(
    ("host", "full"),
    [
        ("reviews", "reviews.prod.svc.cluster.local"),
        ("reviews.prod", "reviews.prod"),
        ("reviews.prod.svc", "reviews.prod.svc"),
        ("reviews.web.svc.cluster.local", "reviews.web.svc.cluster.local"),
        ("*", "*"),
        ("*.example.com", "*.example.com"),
        ("10.0.0.1", "10.0.0.1"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_only_a_name_without_a_dot_is_completed(host: str, full: str):
    assert qualify(host, "prod") == full


def test_the_domain_of_the_cluster_completes_a_name():
    assert qualify("reviews", "prod", "corp.example") == "reviews.prod.svc.corp.example"


@pytest.mark.parametrize(
    ("wide", "narrow", "answer"),
    [
        ("*.foo.com", "a.foo.com", True),
        ("*.foo.com", "a.b.foo.com", True),
        ("*.foo.com", "foo.com", False),
        ("*.foo.com", "*.b.foo.com", True),
        ("*.b.foo.com", "*.foo.com", False),
        ("*", "foo.com", True),
        ("*", "*.foo.com", True),
        ("a.foo.com", "*.foo.com", False),
        ("a.foo.com", "a.foo.com", True),
        ("a.foo.com", "A.foo.com", False),
    ],
)
def test_a_wildcard_covers_what_ends_like_it(wide: str, narrow: str, answer: bool):
    assert covers(wide, narrow) is answer


def test_overlap_does_not_depend_on_the_order():
    assert overlaps("*.foo.com", "a.foo.com")
    assert overlaps("a.foo.com", "*.foo.com")
    assert not overlaps("*.foo.com", "*.bar.com")


def test_of_two_hosts_that_overlap_the_narrower_is_what_both_mean():
    assert narrower("*.foo.com", "a.foo.com") == "a.foo.com"
    assert narrower("a.foo.com", "*") == "a.foo.com"
    assert narrower("a.foo.com", "b.foo.com") is None


def test_exact_hosts_come_before_wildcards_and_longer_ones_before_shorter():
    hosts = ["*", "*.local", "b.local", "a.local", "*.prod.local"]
    assert sorted(hosts, key=specificity) == ["a.local", "b.local", "*.prod.local", "*.local", "*"]


@pytest.mark.parametrize(
    ("host", "full"),
    [
        ("reviews.prod", "reviews.prod.svc.cluster.local"),
        ("reviews.prod.svc", "reviews.prod.svc.cluster.local"),
        ("reviews.elsewhere", None),
        ("reviews", None),
        ("*.prod", None),
        ("a.b.prod", None),
        ("reviews.prod.svc.cluster.local", None),
    ],
)
def test_half_a_name_is_recognised_by_its_namespace(host: str, full: str | None):
    assert half_qualified(host, frozenset({"prod"})) == full


@pytest.mark.parametrize(
    ("host", "home"),
    [
        ("reviews.prod.svc.cluster.local", "prod"),
        ("*.prod.svc.cluster.local", "prod"),
        ("reviews.prod", ""),
        ("api.example.com", ""),
        ("*.svc.cluster.local", ""),
    ],
)
def test_the_namespace_of_a_service_is_in_its_name(host: str, home: str):
    assert home_of(host) == home


def test_a_name_outside_the_cluster_is_no_service():
    assert is_internal("reviews.prod.svc.cluster.local")
    assert not is_internal("api.example.com")
    assert not is_internal("reviews.prod.svc.cluster.local", "corp.example")
