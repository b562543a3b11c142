"""Mistakes that people made are found and explained; their repaired twins, and what only looks like one, are silent."""

import pytest

from meshlint import session
from meshlint.config import Config
from meshlint.finding import Finding
from meshlint.source.text import Source
from scenarios import HONEST, SCENARIOS, Scenario


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_mistake_is_found_and_explained(scenario: Scenario):
    found = _findings(scenario.mistake)
    assert tuple(one.rule.code for one in found) == scenario.codes
    said = [one.problem.message for one in found]
    assert any(all(word in message for word in scenario.words) for message in said)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_the_repaired_twin_is_silent(scenario: Scenario):
    assert [(one.rule.code, one.problem.message) for one in _findings(scenario.repaired)] == []


@pytest.mark.parametrize("text", HONEST.values(), ids=HONEST.keys())
def test_what_only_looks_like_a_mistake_is_silent(text: str):
    assert [(one.rule.code, one.problem.message) for one in _findings(text)] == []


def _findings(text: str) -> list[Finding]:
    report = session.lint((Source("mesh.yaml", text),), Config())
    return sorted(report.findings, key=lambda one: one.rule.code)
