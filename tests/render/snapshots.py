"""Expected outputs in files; MESHLINT_UPDATE=1 rewrites them."""

import os
from pathlib import Path

EXPECTED = Path(__file__).parent / "expected"


def assert_matches(name: str, text: str) -> None:
    """The text is what `expected/<name>` says, to the byte."""
    path = EXPECTED / name
    if os.environ.get("MESHLINT_UPDATE") == "1":
        path.write_bytes(text.encode())
    assert text.encode() == path.read_bytes()
