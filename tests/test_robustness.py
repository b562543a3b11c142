"""Whatever the input, linting ends with a report: every rule's own examples, damaged at random."""

import random
from collections.abc import Iterator

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshlint import catalogue, session
from meshlint.config import Config
from meshlint.finding import Report
from meshlint.source.text import Source

EVERYTHING = Config(extend_select=("MSH",))
ODD = (None, True, 0, -1, 1.5, 10**30, "", " ", "*", "/", "a/b/c", "é\u2028", "x" * 300, [], {}, [None], [[]], {"": ""})
"""Values that no field expects."""


def documents() -> list[object]:
    texts = [file.text for rule in catalogue.rules() for one in catalogue.examples(rule) for file in one.files]
    found: list[object] = []
    for text in texts:
        try:
            found += yaml.safe_load_all(text)
        except yaml.YAMLError:
            continue
    return found


DOCUMENTS = documents()


def lint(*texts: str) -> Report:
    return session.lint([Source(f"{index}.yaml", text) for index, text in enumerate(texts)], EVERYTHING)


def places(value: object) -> Iterator[tuple[object, object]]:
    """Every container below *value* with each of its keys."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from places(value[key])  # type: ignore[index]


def damaged(document: object, source: random.Random) -> object:
    """A copy of *document* with one place removed, duplicated, renamed or given an odd value."""
    copy = yaml.safe_load(yaml.safe_dump(document))
    found = list(places(copy))
    if not found:
        return copy
    container, key = source.choice(found)
    match source.randrange(4):
        case 0:
            del container[key]  # type: ignore[attr-defined]
        case 1:
            container[key] = source.choice(ODD)  # type: ignore[index]
        case 2:
            container[key] = [container[key], container[key]]  # type: ignore[index]
        case _:
            other, name = source.choice(found)
            container[key] = yaml.safe_load(yaml.safe_dump(other[name]))  # type: ignore[index]
    return copy


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(min_value=0, max_value=2**32))
def test_damaged_examples_never_break_a_rule(seed):
    source = random.Random(seed)
    chosen = source.sample(DOCUMENTS, k=min(12, len(DOCUMENTS)))
    for _ in range(source.randrange(1, 6)):
        chosen[source.randrange(len(chosen))] = damaged(source.choice(chosen), source)
    assert lint(yaml.safe_dump_all(chosen)).is_complete


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(min_value=0, max_value=2**32))
def test_a_text_cut_or_scrambled_anywhere_still_gives_a_report(seed):
    source = random.Random(seed)
    text = yaml.safe_dump_all(source.sample(DOCUMENTS, k=4))
    start, end = sorted(source.randrange(len(text)) for _ in range(2))
    noise = "".join(source.choice("\t\n\r\0:-{}[]&*!|>'\"#%@` \u2028\ufeff\x85é") for _ in range(source.randrange(8)))
    assert lint(text[:start] + noise + text[end:]).is_complete


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(max_size=200))
def test_any_text_at_all_gives_a_report(text):
    assert lint(text).is_complete


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "a: &a {b: *a}\nkind: VirtualService\napiVersion: networking.istio.io/v1",
        "[" * 5000,
        "{a: " * 3000,
        "- " * 3000,
        "? " * 3000,
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: 7\nspec: []",
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: [x], namespace: {}}\nspec: text",
        "apiVersion: v1\nkind: List\nitems: [1, [], {}, null, {apiVersion: v1, kind: List, items: 7}]",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: '['}",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: 'x'}",
    ],
)
def test_hostile_documents_give_a_report(text):
    assert lint(text).is_complete


def test_the_order_of_files_does_not_change_the_findings():
    texts = [yaml.safe_dump(document) for document in DOCUMENTS[:60]]

    def seen(order: list[str]) -> list[str]:
        report = session.lint([Source(f"{texts.index(text)}.yaml", text) for text in order], EVERYTHING)
        return sorted(
            f"{one.rule.code} {one.problem.span.source.name} {one.problem.message}" for one in report.findings
        )

    shuffled = texts[:]
    random.Random(1).shuffle(shuffled)
    ours, theirs = seen(texts), seen(shuffled)
    assert [one for one in ours if "MSH010" not in one] == [one for one in theirs if "MSH010" not in one]
