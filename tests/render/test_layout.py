from meshlint.render.layout import Look, Row, laid_out
from meshlint.render.terminal import Style
from meshlint.source.node import Node
from meshlint.source.parse import parse
from meshlint.source.text import Source


def node(name: str = "mesh.yaml") -> Node:
    return parse(Source(name, "\nkind: Service\n")).documents[0]


def test_places_line_up_and_the_same_file_is_named_once_in_a_step():
    here = node()
    text = laid_out((Row("1 client", here, strong=8), Row("  a fact that is longer", here)), Look())
    assert text == "1 client                 mesh.yaml:2\n  a fact that is longer  :2\n"


def test_each_step_names_its_file_anew():
    here = node()
    text = laid_out((Row("1 client", here, strong=8), Row("2 route", here, strong=7)), Look())
    assert text.count("mesh.yaml:2") == 2


def test_wide_characters_take_two_columns():
    lines = laid_out((Row("路由", node()), Row("abcd", node())), Look()).splitlines()
    assert lines == ["路由  mesh.yaml:2", "abcd  :2"]


def test_a_narrow_terminal_breaks_lines_and_keeps_words_whole():
    text = laid_out((Row("1 client   " + "word " * 20 + "x" * 60, node(), strong=8),), Look(columns=60))
    lines = text.splitlines()
    assert all(len(line) <= 60 for line in lines[:-1])
    assert lines[0].endswith("  mesh.yaml:2")
    assert lines[-1].strip() == "x" * 60


def test_without_unicode_the_marks_are_ascii():
    assert laid_out((Row("→ ✓ ✗ · — …"),), Look(is_ascii=True)) == "-> + x - -- ...\n"


def test_no_text_of_a_manifest_is_obeyed():
    text = laid_out((Row("\x1b[31mred\n\u202eevil", node("a\nb.yaml")),), Look(color=True))
    assert "\x1b[31m" not in text
    assert "\u202e" not in text
    assert text.count("\n") == 1


def test_colour_is_for_what_is_strong_and_places_still_line_up():
    row, other = Row("1 client  x", node(), strong=8), Row("          y", node())
    plain, painted = laid_out((row, other), Look()), laid_out((row, other), Look(color=True))
    assert painted.startswith("\x1b[1m1 client\x1b[0m  x")
    assert painted.replace("\x1b[1m", "").replace("\x1b[0m", "") == plain
    assert laid_out((Row("→ 403", style=Style.ERROR),), Look(color=True)) == "\x1b[1;31m→ 403\x1b[0m\n"
