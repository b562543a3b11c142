import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.mesh import re2 as ours

theirs = pytest.importorskip("re2")

_PIECES = st.sampled_from(
    [
        *"abkKsS019_-./\n é",
        *("\\d", "\\s", "\\w", "\\D", "\\W", "\\S", "\\b", "\\B", "^", "$", ".", "*", "+", "?", "*?", "+?"),
        *(
            "{2}",
            "{1,3}",
            "{0}",
            "{2,}",
            "{,2}",
            "{",
            "}",
            "{1001}",
            "(",
            "(?:",
            "(?i)",
            "(?s)",
            "(?m)",
            "(?-i)",
            "(?i:",
        ),
        *("(?P<x>", "(?<y>", ")", "|", "[a-k]", "[^a-k]", "[[:alpha:]]", "[^[:digit:]_]", "[", "[^", "]", "[:", "(?="),
        *("\\x41", "\\x{e9}", "\\n", "\\Q", "\\E", "\\.", "\\A", "\\z", "\\Z", "\\1", "\\01", "(?U)", "(?s-i:", "\\"),
    ]
)
_PATTERNS = st.lists(_PIECES, min_size=1, max_size=9).map("".join)
_TEXTS = st.text("abkKsS019_-./\n éſ", max_size=5)


def _compiled(pattern):
    options = theirs.Options()
    options.log_errors = False
    try:
        return theirs.compile(pattern, options)
    except theirs.error:
        return None


@settings(max_examples=1500, deadline=None, derandomize=True, database=None)
@given(_PATTERNS, st.lists(_TEXTS, min_size=4, max_size=8))
def test_patterns_are_refused_and_match_as_in_re2_itself(pattern, texts):
    reference = _compiled(pattern)
    assert (ours.error(pattern) is None) == (reference is not None)
    if reference is not None:
        assert [ours.matches(pattern, text) for text in texts] == [bool(reference.fullmatch(text)) for text in texts]


@pytest.mark.parametrize(
    "pattern",
    [
        *("(?=a)", "(?!a)", "(?<=a)", "(a)\\1", "a**", "*", "a|*", "(", ")", "[a", "[z-a]", "a{2,1}", "a{1001}", "\\"),
        *("(?:a{100}){100}", "(?P<>a)", "(?P<n-a>a)", "(?-)", "(?x)", "\\Z", "\\E", "[[:foo:]]", "[\\b]", "\\p{Cn}"),
        *("[[:a]x:]", "\\x{110000}", "\\x4", "[a-\\d]", "\\pX", "(?i"),
    ],
)
def test_what_re2_refuses_is_refused(pattern):
    assert _compiled(pattern) is None
    assert ours.error(pattern) is not None


def test_a_bad_pattern_says_where_it_is_bad():
    with pytest.raises(ours.BadPattern) as caught:
        ours.parse("/api/(?=v1)")
    assert (caught.value.message, caught.value.offset) == ("RE2 has no lookaround", 5)


@pytest.mark.parametrize("pattern", ["\\p{Greek}", "\\C", "(" * 200 + ")" * 200])
def test_a_pattern_that_only_meshlint_cannot_read_is_no_error(pattern):
    assert ours.error(pattern) is None
    with pytest.raises(ours.Unreadable):
        ours.parse(pattern)


@pytest.mark.parametrize("pattern", ["\\pL+", "\\p{Lu}\\p{Ll}*", "\\PL", "[^\\p{N}]", "(?i)straße", "(?i)[à-ö]+"])
@pytest.mark.parametrize("text", ["Éa", "éA", "9", "STRAßE", "strasse", "ÀÖ", "-"])
def test_letters_beyond_ascii_match_as_in_re2_itself(pattern, text):
    assert ours.matches(pattern, text) == bool(_compiled(pattern).fullmatch(text))


def test_the_whole_value_must_match():
    assert ours.matches("/a", "/a")
    assert not ours.matches("/a", "/ab")
    assert not ours.matches("/a|/b", "/bc")


def test_matching_takes_no_exponential_time():
    assert not ours.matches("(?:a*)*b|(?:a|a)*c", "a" * 5000)
