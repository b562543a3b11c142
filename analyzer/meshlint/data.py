"""Where the pages of `rules/` and the files of `schemas/` are, in an installed wheel and in a checkout alike."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The data folder called *name*: inside the package, else at the root of the checkout.

    Raises FileNotFoundError where the installation lacks it.
    """
    for candidate in (_PACKAGE / name, _PACKAGE.parents[1] / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"this installation of meshlint has no folder {name!r}")


def text(folder_name: str, relative: str) -> str:
    """What the file *relative* of a data folder says."""
    return (folder(folder_name) / relative).read_text(encoding="utf-8")
