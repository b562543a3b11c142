import subprocess
import sys
from pathlib import Path

import pytest

from meshlint import space
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
    holds,
)
from meshlint.request import AUTHORITY, METHOD, PATH, PORT, PRINCIPAL, SOURCE_IP, Request, header
from meshlint.space import Empty, Some, Unknown

_FLAG = header("x-flag")
_SHOP = Regex(PATH, "/shop/[a-z]+/.*")


def test_an_exact_path_under_an_earlier_prefix_is_covered():
    assert space.outside(Exact(PATH, "/api/v1"), [Exact(METHOD, "GET"), Prefix(PATH, "/api")]) == Empty((1,))


def test_a_prefix_that_a_regex_covers_only_the_solver_sees():
    assert space.outside(Prefix(PATH, "/shop/cart/"), [_SHOP]) == Empty((0,))


def test_two_predicates_may_cover_a_third_only_together():
    others = [Exact(METHOD, "PUT"), both(_SHOP, Present(_FLAG)), both(_SHOP, Not(Present(_FLAG)))]
    assert space.outside(Prefix(PATH, "/shop/cart/"), others) == Empty((1, 2))


def test_the_earliest_of_the_single_covers_is_named():
    halves = [both(_SHOP, Present(_FLAG)), both(_SHOP, Not(Present(_FLAG)))]
    assert space.outside(Prefix(PATH, "/shop/cart/"), [*halves, _SHOP, Prefix(PATH, "/shop")]) == Empty((2,))
    assert space.outside(Prefix(PATH, "/shop/cart/"), [*halves, Prefix(PATH, "/shop"), _SHOP]) == Empty((2,))


def test_the_witness_is_outside_of_the_others():
    answer = space.outside(Prefix(PATH, "/api"), [Exact(PATH, "/api"), Prefix(PATH, "/api/")])
    assert answer == Some(Request.of({METHOD: "GET", PATH: "/apix"}))


def test_a_witness_has_a_method_and_a_path_and_nothing_that_is_not_asked():
    assert space.satisfiable(Exact(_FLAG, "on")) == Some(Request.of({METHOD: "GET", PATH: "/", _FLAG: "on"}))


def test_a_header_that_is_both_absent_and_present_is_nowhere():
    assert space.overlap(Present(_FLAG), Not(Present(_FLAG))) == Empty()


def test_an_empty_target_is_covered_by_nobody():
    nothing = both(Regex(PATH, "/a+"), Regex(PATH, "/b+"))
    assert space.outside(nothing, [Prefix(PATH, "/a")]) == Empty()
    assert space.outside(nothing, [ALWAYS]) == Empty()


@pytest.mark.parametrize(
    "predicate",
    [
        Exact(PATH, "no-slash"),
        Exact(PATH, "/a?b"),
        Exact(PORT, "080"),
        Exact(PORT, "65536"),
        Regex(PORT, "7[0-9]{4}"),
        Not(Prefix(PATH, "/")),
        Not(Present(AUTHORITY)),
        Exact(METHOD, ""),
        Prefix(PRINCIPAL, "spiffe://spiffe://"),
        Exact(_FLAG, " padded"),
        Within(SOURCE_IP, "nonsense"),
        NEVER,
    ],
)
def test_no_real_request_has_such_a_value(predicate):
    assert space.satisfiable(predicate) == Empty()


def test_a_namespace_pattern_ending_in_sa_covers_every_identity():
    # S50: the star may swallow the slash, and each identity goes on with `/sa/`.
    assert space.implies(Present(PRINCIPAL), Regex(PRINCIPAL, ".*/ns/.*sa/.*")) == Empty((0,))
    assert isinstance(space.implies(Present(PRINCIPAL), Regex(PRINCIPAL, ".*/ns/.*b/.*")), Some)


def test_two_halves_of_a_network_cover_it():
    halves = [Within(SOURCE_IP, "10.0.0.0/9"), Within(SOURCE_IP, "10.128.0.0/9")]
    assert space.outside(Within(SOURCE_IP, "10.0.0.0/8"), halves) == Empty((0, 1))
    assert space.outside(Within(SOURCE_IP, "10.0.0.0/7"), halves) == Some(
        Request.of({METHOD: "GET", PATH: "/", SOURCE_IP: "11.0.0.1"})
    )


def test_single_methods_never_cover_all():
    answer = space.outside(ALWAYS, [Member(METHOD, frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"}))])
    assert answer == Some(Request.of({METHOD: "OPTIONS", PATH: "/"}))


def test_case_is_ignored_where_the_test_ignores_it():
    folded = Exact(AUTHORITY, "Example.com", ignore_case=True)
    assert space.implies(Exact(AUTHORITY, "EXAMPLE.com"), folded) == Empty((0,))
    assert isinstance(space.difference(folded, Exact(AUTHORITY, "example.com")), Some)
    assert space.overlap(folded, Suffix(AUTHORITY, ".org")) == Empty()


def test_what_is_unclear_is_unknown():
    assert space.satisfiable(Unclear("no idea")) == Unknown("no idea")
    assert space.outside(Prefix(PATH, "/a"), [both(Prefix(PATH, "/"), Unclear("no idea"))]) == Unknown("no idea")
    assert isinstance(space.satisfiable(Regex(_FLAG, "\\p{Greek}")), Unknown)
    assert isinstance(space.satisfiable(Regex(_FLAG, "(bad")), Unknown)


def test_what_does_not_depend_on_the_unclear_is_decided():
    unclear = Unclear("no idea")
    assert space.outside(both(Prefix(PATH, "/a/b"), unclear), [Prefix(PATH, "/a")]) == Empty((0,))
    assert space.outside(unclear, [ALWAYS]) == Empty((0,))
    assert space.satisfiable(AnyOf((unclear, Exact(METHOD, "PUT")))) == Some(Request.of({METHOD: "PUT", PATH: "/"}))


def test_a_regex_with_too_many_states_is_unknown_where_it_matters():
    monster = Regex(PATH, "/.*a.{14}b")
    assert isinstance(space.implies(Regex(PATH, "/.*a.{14}(?:b|b)"), monster), Unknown)
    assert space.outside(both(monster, Prefix(PATH, "/a")), [Prefix(PATH, "/")]) == Empty((0,))


def test_an_ordered_list_is_answered_as_one_by_one():
    table = [
        Prefix(PATH, "/a"),
        both(Exact(METHOD, "GET"), Regex(PATH, "/[ab].*")),
        Not(Exact(METHOD, "GET")),
        Regex(PATH, "/b.*"),
        ALWAYS,
        Exact(PATH, "/never"),
    ]
    answers = space.first_matches(table)
    assert answers == tuple(space.outside(one, table[:at]) for at, one in enumerate(table))
    assert [type(answer) for answer in answers] == [Some, Some, Some, Empty, Some, Empty]
    assert answers[3].by == (1, 2)


def test_the_second_answer_is_remembered():
    space.outside(_SHOP, (Prefix(PATH, "/shop/x"),))
    assert space.outside(_SHOP, [Prefix(PATH, "/shop/x")]) is space.outside(_SHOP, (Prefix(PATH, "/shop/x"),))


def test_an_ordinary_table_needs_no_solver():
    code = """
import sys
from meshlint import space
from meshlint.mesh.predicate import *
from meshlint.request import *
table = [both(Prefix(PATH, f"/v{at}/"), Exact(METHOD, "GET")) for at in range(30)]
table += [Exact(PATH, "/v1/x"), Regex(PATH, "/v[0-9]+/.*"), Prefix(PATH, "/"), Prefix(PATH, "/api")]
kinds = [type(answer).__name__ for answer in space.first_matches(table)]
assert kinds == ["Some"] * 33 + ["Empty"], kinds
assert "z3" not in sys.modules
"""
    root = Path(__file__).parents[2] / "analyzer"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(root)})


@pytest.mark.parametrize(
    ("weights", "nearest"),
    [
        ((50, 50), (50, 50)),
        ((33, 33, 33), (33, 33, 34)),
        ((50, 60), (50, 50)),
        ((0, 90), (0, 100)),
        ((90, 5, 0), (90, 10, 0)),
        ((200, 1), (99, 1)),
        ((5,), (100,)),
        ((0, 0), None),
        ((), None),
    ],
)
def test_weights_are_mended_with_the_least_change(weights, nearest):
    assert space.nearest_weights(weights) == nearest


def test_positive_weights_become_zero_only_where_the_total_forces_it():
    assert space.nearest_weights((5, 5, 5), 4) == (2, 1, 1)
    assert space.nearest_weights((5, 5, 5), 2) == (2, 0, 0)


def test_a_witness_is_in_the_target_by_the_concrete_reading():
    target = All((Regex(AUTHORITY, "[a-z]+[.]svc(?::[0-9]+)?"), Not(Exact(METHOD, "GET")), Suffix(PATH, ".js")))
    answer = space.satisfiable(target)
    assert isinstance(answer, Some)
    assert holds(target, answer.request)
