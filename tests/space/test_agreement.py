"""The solver's reading of predicates and `holds` are one semantics."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint import space
from meshlint.mesh.predicate import (
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
    holds,
)
from meshlint.request import METHOD, PATH, PORT, SOURCE_IP, Request, header
from meshlint.space import Empty, Some, Unknown
from meshlint.space.shapes import assuming, normal
from meshlint.space.starts import path_start

_FLAG = header("x-flag")
_VALUES = {
    PATH: ["/", "/a", "/b", "/ab", "/a/", "/a/b", "/A", "/ab/a"],
    METHOD: ["GET", "POST", "get"],
    _FLAG: [None, "", "a", "ab", "B"],
    PORT: ["80", "443", "8080"],
    SOURCE_IP: ["10.0.0.1", "10.200.0.1", "1.2.3.4", "2001:db8::1"],
}
_REQUESTS = [
    Request.of({attribute: value for attribute, value in zip(_VALUES, values, strict=True) if value is not None})
    for values in product(*_VALUES.values())
]
_TEXTS = {
    PATH: ["/", "/a", "/ab", "/a/", "/A", "", "b"],
    METHOD: ["GET", "POST", "P", "get"],
    _FLAG: ["", "a", "ab", "b"],
    PORT: ["80", "443", "8", "0"],
}
_PATTERNS = [".*", "/a.*", ".*b", "(?i)/a+", "a?b?", "[^a]*", "/[ab]/?", "GET|POST", "[0-9]+", "(?:.*/)?b", "/a\\b.*"]
_NETWORKS = ["10.0.0.0/8", "10.0.0.0/9", "10.128.0.0/9", "1.2.3.4", "0.0.0.0/0", "::/0", "2001:db8::/32"]


def _texts(attribute):
    return st.sampled_from(_TEXTS[attribute])


_ATTRIBUTES = st.sampled_from([PATH, PATH, METHOD, _FLAG, _FLAG, PORT])
_TESTS = st.one_of(
    _ATTRIBUTES.flatmap(
        lambda attribute: st.one_of(
            st.builds(Exact, st.just(attribute), _texts(attribute), st.booleans()),
            st.builds(Prefix, st.just(attribute), _texts(attribute), st.booleans()),
            st.builds(Suffix, st.just(attribute), _texts(attribute), st.booleans()),
            st.builds(Member, st.just(attribute), st.frozensets(_texts(attribute), max_size=3)),
        )
    ),
    st.builds(Regex, _ATTRIBUTES, st.sampled_from(_PATTERNS)),
    st.builds(Present, _ATTRIBUTES),
    st.builds(Within, st.just(SOURCE_IP), st.sampled_from(_NETWORKS)),
)


def _nested(inner):
    several = st.lists(inner, max_size=3).map(tuple)
    return st.one_of(st.builds(Not, inner), st.builds(All, several), st.builds(AnyOf, several))


_PREDICATES = st.recursive(_TESTS, _nested, max_leaves=6)
_TABLES = st.lists(_PREDICATES, min_size=1, max_size=5)
_settings = settings(max_examples=120, deadline=None, derandomize=True, database=None)


def _is_outside(request, target, others):
    return holds(target, request) and not any(holds(other, request) for other in others)


@_settings
@given(_TABLES)
def test_the_space_agrees_with_trying_all_requests(table):
    for at, answer in enumerate(space.first_matches(table)):
        if isinstance(answer, Some):
            assert _is_outside(answer.request, table[at], table[:at])
        else:
            assert isinstance(answer, Empty)
            assert not any(_is_outside(request, table[at], table[:at]) for request in _REQUESTS)


@_settings
@given(_TABLES)
def test_a_table_is_answered_as_its_rows_one_by_one(table):
    for at, answer in enumerate(space.first_matches(table)):
        alone = space.outside(table[at], table[:at])
        assert alone == answer if isinstance(answer, Empty) else isinstance(alone, Some)


@_settings
@given(_TABLES)
def test_a_cover_covers_and_none_of_it_is_needless(table):
    for at, answer in enumerate(space.first_matches(table)):
        if isinstance(answer, Empty):
            cover = [table[other] for other in answer.by]
            assert space.outside(table[at], cover) == Empty(tuple(range(len(cover))))
            for needed in range(len(cover)):
                assert isinstance(space.outside(table[at], cover[:needed] + cover[needed + 1 :]), Some)


@_settings
@given(_PREDICATES)
def test_the_normal_form_is_the_same_set(predicate):
    assert all(holds(predicate, request) == holds(normal(predicate), request) for request in _REQUESTS[::7])


@_settings
@given(_PREDICATES)
def test_the_paths_of_a_set_begin_as_it_is_said(predicate):
    start = path_start(normal(predicate))
    for request in _REQUESTS:
        assert (request.get(PATH) or "").startswith(start) or not holds(predicate, request)


@_settings
@given(_PREDICATES, _TABLES, st.integers(0, 5))
def test_an_answer_stands_whether_or_not_the_unclear_holds(target, others, at):
    unclear = [*others[:at], All((Unclear("no idea"), others[0])), *others[at:]]
    answer = space.outside(target, unclear)
    for is_met in (False, True):
        settled = [assuming(normal(other), is_met=is_met) for other in unclear]
        certain = space.outside(target, settled)
        assert isinstance(answer, Unknown) or type(answer) is type(certain)
