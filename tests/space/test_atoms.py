import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.mesh.predicate import Exact, Prefix, Regex, Suffix, Within, accepts
from meshlint.request import AUTHORITY, PATH, PORT, SOURCE_IP, claim, header
from meshlint.space.answers import Unsupported
from meshlint.space.atoms import atoms
from meshlint.space.domains import domain

theirs = pytest.importorskip("re2")

_PATTERNS = ["/a.*", ".*b", "/[a-c]+", "(?i)/ab?", "/a\\b.*", ".*a.*", "/(?:a|b)*", "(?m)/a$", "/\\w+", "/[^a]{2,3}"]


def _values(attribute, *tests):
    return [atom.value for atom in atoms(attribute, tests)]


def test_each_class_has_a_short_and_readable_witness():
    tests = (Prefix(PATH, "/api"), Exact(PATH, "/api"), Suffix(PATH, ".js"))
    assert _values(PATH, *tests) == ["/", "/api", "/.js", "/apix", "/api.js"]


def test_an_optional_attribute_may_be_absent():
    assert _values(header("x"), Exact(header("x"), "on")) == [None, "on"]
    assert _values(AUTHORITY, Exact(AUTHORITY, "a.b")) == ["example.com", "a.b"]


def test_ports_end_at_65535():
    assert _values(PORT, Regex(PORT, "6[0-9]{4}"), Prefix(PORT, "7"), Regex(PORT, "7[0-9]{4}")) == ["80", "7", "60000"]


def test_addresses_are_split_by_networks():
    networks = [Within(SOURCE_IP, text) for text in ("10.0.0.0/8", "10.1.0.0/16", "10.0.0.0/9", "10.128.0.0/9")]
    classes = {atom.passed for atom in atoms(SOURCE_IP, tuple(networks))}
    assert classes == {0b0000, 0b0101, 0b0111, 0b1001}


def test_a_character_beyond_ascii_is_told_apart():
    name = claim("name")
    assert _values(name, Regex(name, "\\pL+"), Exact(name, "é")) == [None, "x", "é"]


def test_too_many_states_are_unsupported():
    monster = Regex(PATH, "/.*a.{14}b")
    with pytest.raises(Unsupported) as caught:
        atoms(PATH, (monster,))
    assert caught.value.tests == {monster}


def test_hundreds_of_literals_and_some_patterns_are_few_classes():
    tests = tuple(Prefix(PATH, f"/svc{at}/") for at in range(200)) + tuple(
        Regex(PATH, f"/old/[a-z]+-{at}(?:/.*)?") for at in range(40)
    )
    assert len(atoms(PATH, tests)) == 241


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.lists(st.sampled_from(_PATTERNS), min_size=1, max_size=4, unique=True),
    st.lists(st.text("abc/_-", max_size=4).map("/".__add__), max_size=20),
)
def test_the_classes_of_patterns_are_those_of_re2_itself(patterns, texts):
    tests = tuple(Regex(PATH, pattern) for pattern in patterns)
    classes = atoms(PATH, tests)
    for atom in classes:
        assert domain(PATH).has(atom.value)
        matched = [bool(theirs.fullmatch(pattern, atom.value)) for pattern in patterns]
        assert matched == [bool(atom.passed >> at & 1) for at in range(len(patterns))]
    known = {atom.passed for atom in classes}
    for text in texts:
        assert sum(1 << at for at, test in enumerate(tests) if accepts(test, text)) in known
