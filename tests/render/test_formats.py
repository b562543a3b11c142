import os
import subprocess
import sys
from pathlib import Path

import pytest

from meshlint import __version__
from meshlint.render import FORMATS, Options, render
from render.reports import reviews

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_found_by_its_name(name):
    text = render(reviews(), name)
    assert "MSH101" in text
    assert text.endswith("\n")


def test_options_reach_the_formats_that_know_them():
    options = Options(color=True, elapsed=2.5, show_suppressed=True, version="9.9.9")
    assert "2.50 s" in render(reviews(), "full", options)
    assert "\x1b[" in render(reviews(), "concise", options)
    assert "MSH502" in render(reviews(), "concise", options)
    assert '"version":"9.9.9"' in render(reviews(), "sarif", options)


def test_the_version_is_ours_unless_told():
    assert f'"version":"{__version__}"' in render(reviews(), "sarif")


def test_a_plain_report_does_not_load_sarif():
    program = (
        "import sys; from render.reports import reviews; from meshlint.render import render; "
        "[render(reviews(), name) for name in ('full', 'concise', 'json', 'github')]; "
        "print([name for name in ('sarif_om', 'attr', 'hypothesis') if name in sys.modules])"
    )
    path = os.pathsep.join([str(ROOT / "analyzer"), str(ROOT / "tests")])
    env = os.environ | {"PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
