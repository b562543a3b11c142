from concurrent.futures import ThreadPoolExecutor

import pytest

from meshlint.mesh.predicate import Not, Predicate, Prefix, Present, Regex, both
from meshlint.request import PATH, Request, header
from meshlint.space import _z3
from meshlint.space.answers import DisagreementError, Some
from meshlint.space.questions import _presentable, _Reading

_FLAG = header("x-flag")
_SHOP = Regex(PATH, "/shop/[a-z]+/.*")
_TABLE: list[Predicate] = [both(_SHOP, Present(_FLAG)), both(_SHOP, Not(Present(_FLAG))), Prefix(PATH, "/shop/x/")]


def _verdicts():
    queries = [_z3.Query(one, range(at)) for at, one in enumerate(_TABLE)]
    return list(_z3.decide(_z3.scope(_TABLE), _TABLE, queries))


def test_solvers_in_threads_do_not_disturb_one_another():
    expected = _verdicts()
    assert expected[2] == _z3.Covered((0, 1))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: _verdicts(), range(12))) == [expected] * 12


def test_a_question_beyond_the_limit_of_steps_is_given_up(monkeypatch):
    monkeypatch.setattr(_z3, "STEPS", 1)
    assert _z3.Exhausted() in _verdicts()


def test_a_request_that_holds_refuses_never_leaves_the_space():
    reading = _Reading(frozenset({PATH}), Prefix(PATH, "/a"), Prefix(PATH, "/a"), "/a")
    with pytest.raises(DisagreementError):
        _presentable(Some(Request.of({PATH: "/b"})), [reading])
