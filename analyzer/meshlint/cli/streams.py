"""Standard output and error: what may go wrong with them, and whether they take colours."""

import io
import os
import shutil
import sys
from collections.abc import Mapping
from enum import Enum


class Color(Enum):
    """The user's word on colours."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


def prepare() -> None:
    """Let no character be a reason to fail: what the terminal's encoding lacks is shown escaped."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def emit(text: str) -> None:
    """Write to standard output; a reader who has left early is no error."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more at exit; it finds nobody who could be gone.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def complain(message: str) -> None:
    """Tell the user what they cannot have; a name in the message may come from a repository, so nothing in it is obeyed."""
    from meshlint.render.terminal import visible

    sys.stderr.write(f"meshlint: error: {visible(message)}\n")


def remark(message: str) -> None:
    """Tell the user something that belongs to no report."""
    sys.stderr.write(f"meshlint: {message}\n")


def takes_unicode() -> bool:
    """Whether standard output can show the arrows and marks of reports for people."""
    try:
        "→✓✗·—…".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def columns() -> int | None:
    """How wide standard output is; None where it is no terminal, which has no width."""
    if sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return None


def is_colored(wish: Color, environment: Mapping[str, str], is_terminal: bool) -> bool:
    """Whether to colour: the user's word first, then NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE and TERM, then the stream."""
    if wish is not Color.AUTO:
        return wish is Color.ALWAYS
    if environment.get("NO_COLOR"):
        return False
    if any(environment.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    return is_terminal and environment.get("TERM") != "dumb"
