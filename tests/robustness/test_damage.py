"""Whatever the input, linting ends with a report: every rule's own examples, damaged at random.

`make fuzz` goes on for longer, with other seeds.
"""

import random

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshlint import session
from meshlint.source.text import Source
from robustness.damage import DOCUMENTS, EVERYTHING, WAYS, lint

HOSTILE = {
    "an alias of itself": "a: &a [*a]",
    "an alias of what is around it": "a: &a {b: *a}\nkind: VirtualService\napiVersion: networking.istio.io/v1",
    "a bomb of aliases": "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}]\n" for a, b in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)),
    "a bomb of merges": "a: &a {x: 1}\n" + "".join(f"{b}: &{b} {{<<: *{a}, {b}1: *{a}, {b}2: *{a}}}\n" for a, b in zip("abcdefghijklmno", "bcdefghijklmnop", strict=True)),
    "open brackets": "[" * 5000,
    "open braces": "{a: " * 3000,
    "dashes": "- " * 3000,
    "question marks": "? " * 3000,
    "a staircase": "".join(f"{' ' * depth}a:\n" for depth in range(1500)),
    "a crooked staircase": "".join(f"{' ' * (depth * 7 % 11)}a: {depth}\n" for depth in range(1500)),
    "a long line": "a: " + "x" * 1_000_000,
    "a long key": "x" * 1_000_000 + ": a",
    "many keys": "\n".join(f"key{number}: {number}" for number in range(20_000)),
    "NUL": "apiVersion: v1\nkind: Service\nmetadata: {name: \0}\n",
    "text for objects": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: 7\nspec: []",
    "objects for text": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: [x], namespace: {}}\nspec: text",
    "a list of anything": "apiVersion: v1\nkind: List\nitems: [1, [], {}, null, {apiVersion: v1, kind: List, items: 7}]",
    "broken settings": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: '['}",
    "no settings": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: istio, namespace: istio-system}\ndata: {mesh: 'x'}",
    "huge numbers": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: " + "9" * 5000 + "}]}",
    "a hungry pattern": "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec:\n  hosts: [a]\n  http: [{match: [{uri: {regex: '(a|a)*(a|a){900}b'}}], route: [{destination: {host: a}}]}]\n",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@settings(max_examples=75, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_damaged_input_never_breaks_a_rule(way, seed):
    assert lint(*way(seed)).is_complete


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.text(max_size=200))
def test_any_text_at_all_gives_a_report(text):
    assert lint(text).is_complete


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_documents_give_a_report(text):
    assert lint(text).is_complete


def test_a_text_cut_off_anywhere_gives_a_report():
    text = yaml.safe_dump_all(random.Random(1).sample(DOCUMENTS, k=3))
    step = max(1, len(text) // 120)
    for offset in range(0, len(text), step):
        assert lint(text[:offset]).is_complete


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
