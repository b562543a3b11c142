"""The fast reading of a schema and jsonschema's agree, whatever becomes of a document."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meshlint import data
from meshlint.resources import fit, schema
from resources.schema_documents import VALID, index, node_of, read, type_of

PLAIN = {kind: read(text).plain for kind, text in VALID.items()}

SCALARS = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        1,
        -1,
        70000,
        2**40,
        1.0,
        1.5,
        "",
        "x",
        "8080",
        "5s",
        "0s",
        "1h5",
        "Bad_Name",
        "STRICT",
        "a\n",
    ]
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from(["name", "x"]), SCALARS))


def holders(value: Any) -> list[Any]:
    """The value and all below it that hold others."""
    below = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] * isinstance(value, dict | list) + [holder for inner in below for holder in holders(inner)]


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, Any]:
    """A kind and a document of it in which one to three things were changed."""
    kind = draw(st.sampled_from(sorted(PLAIN)))
    document = copied(PLAIN[kind])
    for _ in range(draw(st.integers(1, 3))):
        holder = draw(st.sampled_from(holders(document)))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        if keys and draw(st.booleans()):
            key = draw(st.sampled_from(keys))
            if draw(st.booleans()):
                del holder[key]
            else:
                holder[key] = draw(VALUES)
        elif isinstance(holder, list):
            holder.append(draw(VALUES) if not holder or draw(st.booleans()) else copied(holder[0]))
        else:
            names = [name for other in holders(document) if isinstance(other, dict) for name in other]
            holder[draw(st.sampled_from([*names, "exact", "prefix", "simple", "ringHash"]))] = draw(VALUES)
    return kind, document


def copied(value: Any) -> Any:
    """A deep copy, in which nothing is shared."""
    if isinstance(value, dict):
        return {key: copied(below) for key, below in value.items()}
    return [copied(below) for below in value] if isinstance(value, list) else value


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutated())
def test_both_readings_agree_and_every_misfit_is_explained(case):
    kind, document = case
    root = node_of(document)
    api_version, name = type_of(read(VALID[kind]), kind)
    file = index()[api_version.rpartition("/")[0] or "core"][name][api_version]
    fits = schema.fits(root, api_version, name)
    assert fits == (not list(schema.mistakes(document, json.loads(data.text("schemas", file)))))
    assert fits == (not schema.violations(root, api_version, name))


@pytest.mark.parametrize(
    "file",
    sorted(
        {
            file
            for kinds in (*index().values(), *index("1.0/index.json").values())
            for files in kinds.values()
            for file in files.values()
        }
    ),
)
def test_every_keyword_of_every_schema_is_read(file):
    fits = fit.compiled(json.loads(data.text("schemas", file)))
    assert not fits(node_of("no mapping"))


def test_a_keyword_without_a_reading_is_an_error():
    with pytest.raises(ValueError, match="multipleOf"):
        fit.compiled({"type": "integer", "multipleOf": 2})


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("5s", 5000), ("1h30m", 5_400_000), ("1.5s", 1500), (".5s", 500), ("100us", 0.1), ("0", 0), ("-1s", -1000)],
)
def test_a_duration_has_a_length(text, milliseconds):
    assert fit.milliseconds(text) == pytest.approx(milliseconds)


@pytest.mark.parametrize("text", ["", "5", "s", "5 s", "1d", "5s\n", ".s", "1h 30m", "\u0665s"])
def test_what_go_does_not_read_as_a_duration_is_none(text):
    assert fit.milliseconds(text) is None


def test_a_patterns_end_is_the_texts_end():
    assert not fit.is_match("^a$", "a\n")
    assert fit.is_match(r"^[$]\$$", "$$")


def test_a_document_that_fits_never_imports_jsonschema():
    program = "import sys; from resources.schema_documents import *; from meshlint.resources import schema\n"
    program += "assert found(VALID['VirtualService']) == [] and 'jsonschema' not in sys.modules\n"
    program += "assert found('apiVersion: v1\\nkind: Service\\n') and 'jsonschema' in sys.modules\n"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})
