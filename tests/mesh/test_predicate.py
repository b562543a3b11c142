import pytest

from meshlint.mesh import predicate as predicate_module
from meshlint.mesh.predicate import (
    ALWAYS,
    NEVER,
    All,
    AnyOf,
    Exact,
    Member,
    Not,
    Prefix,
    Present,
    Regex,
    Suffix,
    Unclear,
    Within,
    both,
    either,
    holds,
)
from meshlint.request import AUTHORITY, PATH, SOURCE_IP, Request, header

_FLAG = header("X-Flag")
_REQUEST = Request.of({PATH: "/Api/v1", AUTHORITY: "example.com", SOURCE_IP: "10.1.2.3", _FLAG: ""})


@pytest.mark.parametrize(
    "predicate",
    [
        Exact(PATH, "/Api/v1"),
        Exact(PATH, "/api/V1", ignore_case=True),
        Prefix(PATH, "/api", ignore_case=True),
        Suffix(AUTHORITY, ".com"),
        Regex(PATH, "/[A-Z][a-z]+/v[0-9]"),
        Present(_FLAG),
        Exact(header("x-flag"), ""),
        Member(PATH, frozenset({"/", "/Api/v1"})),
        Within(SOURCE_IP, "10.9.9.9/8"),
        ALWAYS,
        Not(NEVER),
        AnyOf((NEVER, Prefix(PATH, "/"))),
    ],
)
def test_a_request_is_in_what_describes_it(predicate):
    assert holds(predicate, _REQUEST)


@pytest.mark.parametrize(
    "predicate",
    [
        Exact(PATH, "/api/v1"),
        Exact(header("other"), ""),
        Regex(header("other"), ".*"),
        Within(SOURCE_IP, "::/0"),
        Within(AUTHORITY, "10.0.0.0/8"),
        Unclear("why"),
        All((ALWAYS, NEVER)),
    ],
)
def test_a_request_is_not_in_what_does_not_describe_it(predicate):
    assert not holds(predicate, _REQUEST)


def test_folding_leaves_letters_beyond_ascii_alone():
    assert not holds(Exact(PATH, "/É", ignore_case=True), Request.of({PATH: "/é"}))


def test_joining_does_not_nest():
    a, b, c = Present(PATH), Present(AUTHORITY), Present(_FLAG)
    assert both(both(a, b), c) == All((a, b, c))
    assert either([either([a, b]), c]) == AnyOf((a, b, c))
    assert both(a) == either([a]) == a


def test_the_tests_of_a_predicate_come_from_left_to_right():
    a, b = Present(PATH), Present(AUTHORITY)
    assert list(predicate_module.tests(All((a, Not(AnyOf((b, a))), Unclear("why"))))) == [a, b, a]
