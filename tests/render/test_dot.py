"""Texts in the language of Graphviz: they are read back as they were, whatever is in them."""

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dot import read
from meshlint.render.dot import quoted
from meshlint.render.terminal import visible


def graph(label):
    return f"digraph g {{\n  n [label={quoted(label)}];\n}}\n"


@given(st.text())
def test_a_text_comes_back_as_it_is_printed(text):
    assert read(graph(text)).label("n") == visible(text)


@pytest.mark.parametrize("text", ['"', "\\", '\\"', "a\nb", "]; evil -> n", "<b>x</b>", "&lt;", "\x1b[31m", "\\N \\l"])
def test_a_hostile_text_stays_one_label(text):
    assert list(read(graph(text)).nodes) == ["n"]


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@pytest.mark.parametrize("text", ['"', "\\", '\\"', "a\nb", "]; evil -> n", "<b>x</b>", "&lt;", "\\N \\l"])
def test_graphviz_reads_it_too(text):
    run = subprocess.run(["dot", "-Tplain"], input=graph(text), capture_output=True, encoding="utf-8", check=True)
    assert sum(line.startswith("node ") for line in run.stdout.splitlines()) == 1
