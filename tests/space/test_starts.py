"""How the paths of a set of requests begin, by its shape."""

import pytest

from meshlint.mesh.predicate import All, AnyOf, Exact, Not, Prefix, Regex
from meshlint.request import METHOD, PATH
from meshlint.space.starts import meet, path_start

CASES = [
    (Exact(PATH, "/a/b"), "/a/b"),
    (Prefix(PATH, "/a"), "/a"),
    (Prefix(PATH, "/a", ignore_case=True), ""),
    (Not(Prefix(PATH, "/a")), ""),
    (Exact(METHOD, "GET"), ""),
    (All((Exact(METHOD, "GET"), Prefix(PATH, "/a"), Exact(PATH, "/a/b"))), "/a/b"),
    (AnyOf((Prefix(PATH, "/api/v1"), Exact(PATH, "/api/v2"))), "/api/v"),
    (AnyOf((Prefix(PATH, "/a"), Exact(METHOD, "GET"))), ""),
    (Regex(PATH, "/d1/[0-9]+"), "/d1/"),
    (Regex(PATH, "/ab*"), "/a"),
    (Regex(PATH, "/ab?c"), "/a"),
    (Regex(PATH, "/ab{0,1}"), "/a"),
    (Regex(PATH, "/ab+"), "/ab"),
    (Regex(PATH, "/a|/b"), ""),
    (Regex(PATH, "(?i)/a"), ""),
    (Regex(PATH, r"/a\d"), "/a"),
]


@pytest.mark.parametrize(("predicate", "start"), CASES)
def test_the_start_of_the_paths_is_read_off_the_shape(predicate, start):
    assert path_start(predicate) == start


def test_starts_meet_where_one_goes_on_from_the_other():
    assert meet("/a", "/a/b")
    assert meet("/a/b", "/a")
    assert not meet("/a/b", "/a/c")
