"""The command line: arguments to calls of the session, reports to streams and exit codes.

This module is what `meshlint --version` pays for, so it imports next to nothing.
"""

import sys
from collections.abc import Sequence

from meshlint import __version__

USAGE_OR_INTERNAL = 2
_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run meshlint with these arguments, those of the process by default; the answer is the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if list(arguments) == ["--version"]:
        print(f"meshlint {__version__}")  # noqa: T201
        return 0
    from meshlint.cli import app

    try:
        return app.run(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception:  # noqa: BLE001 - the outermost edge: a bug is shown in full, and its exit code is not a finding's
        import traceback

        traceback.print_exc()
        return USAGE_OR_INTERNAL
