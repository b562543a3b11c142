"""Whatever a manifest holds, it reaches a terminal or a runner as text and never as a command."""

import re
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from meshlint.finding import Note, Problem, Skipped, Undecided, Witness
from meshlint.render import FORMATS, Options
from meshlint.render.concise import concise
from meshlint.render.github import github
from meshlint.render.terminal import cells, visible
from meshlint.render.text import full
from meshlint.request import PATH, Request, header
from meshlint.source.text import Source
from render.reports import REVIEWS, finding, node, report

CHOICE = [
    "\x1b[31m",
    "\x9b",
    "\r\n",
    "\r",
    "\n::error::x",
    "%0A",
    "::",
    ",",
    "\t",
    "\u202e",
    "\u2028",
    "漢",
    "e\u0301",
    "\0",
]
TEXTS = st.lists(st.one_of(st.sampled_from(CHOICE), st.text(st.characters(), max_size=5)), max_size=8).map("".join)


@st.composite
def hostile(draw):
    """A report with anything at all in each text of a manifest's making."""
    source, other = Source(draw(TEXTS), draw(TEXTS)), Source(draw(TEXTS), draw(TEXTS))
    places = st.integers(0, len(source.text))
    start, end = sorted((draw(places), draw(places)))
    place = node(source.span(start, end))
    request = Request.of({PATH: draw(TEXTS), header(draw(TEXTS)): draw(TEXTS)})
    found = Problem(
        place,
        draw(TEXTS),
        label=draw(TEXTS),
        notes=(Note(source.span(0, end), draw(TEXTS)), Note(other.span(0, len(other.text)), draw(TEXTS))),
        help=draw(TEXTS),
        witness=Witness(request, draw(TEXTS)),
    )
    return report(
        finding(found, resource=REVIEWS),
        sources=(source, other),
        undecided=(Undecided(place, draw(TEXTS)),),
        skipped=(Skipped(draw(TEXTS), draw(TEXTS)),),
        failures=(draw(TEXTS),),
    )


def obeyed(text: str) -> set[str]:
    """What a terminal might obey: controls, overrides, line separators, halves of surrogates."""
    return {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {
        "\u200c",
        "\u200d",
    }


@given(hostile())
@settings(max_examples=150, deadline=None)
def test_no_text_reaches_the_terminal_as_a_command(of):
    assert obeyed(full(of)) <= {"\n"}
    assert obeyed(concise(of)) <= {"\n"}
    assert obeyed(re.sub(r"\x1b\[(1|1;3[1346]|0)m", "", full(of, color=True))) <= {"\n"}


@given(hostile())
@settings(max_examples=150, deadline=None)
def test_no_text_forges_a_command_to_the_runner(of):
    lines = github(of).split("\n")
    assert lines[-1] == ""
    assert [re.split(r"[ =]", line)[0] for line in lines[:-1]] == ["::warning", "::error"]
    assert obeyed(github(of)) <= {"\n"}
    # The runner reads properties up to the first `::`: title is the last of them, and ours.
    assert [re.search(r"title=([^:,]*)::", line).group(1) for line in lines[:-1]] == [
        "MSH101 unreachable-route",
        "meshlint",
    ]
    assert "::" not in lines[0][2 : lines[0].index(",title=")]


@given(hostile())
@settings(max_examples=60, deadline=None)
def test_every_format_is_encodable_whatever_the_text(of):
    for render in FORMATS.values():
        assert render(of, Options(show_suppressed=True)).encode().endswith(b"\n")


@given(st.text(st.characters()))
def test_the_cells_of_a_line_are_its_visible_text(text):
    line = text.replace("\t", "")
    assert "".join(cell.text for cell in cells(line)) == visible(line)


@given(TEXTS)
def test_visible_text_is_left_alone(text):
    assert visible(visible(text)) == visible(text)
