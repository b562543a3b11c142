"""Finding and reading files: the only reader of the disk. Nothing here knows what a manifest is."""

import codecs
import glob
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from meshlint.config import UsageError
from meshlint.finding import Skipped
from meshlint.policy import covers
from meshlint.source.text import Source

MAX_BYTES = 64 * 1024 * 1024
"""Larger files are skipped: no manifest is that large."""
STDIN = "-"

_SUFFIXES = frozenset((".yaml", ".yml", ".json"))
_PASSED_BY = frozenset(("node_modules", "__pycache__", "venv"))
_MAGIC = frozenset("*?[")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Found:
    """The files that paths stand for, by the names people know them by, and what was passed over."""

    files: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def find(paths: Sequence[str], exclude: Sequence[str] = (), root: str = ".") -> Found:
    """The files that *paths* name: files as they are, folders with the manifests in them, patterns, `-`.

    Each file comes once, whatever links lead to it. *exclude* are patterns as in `.gitignore`, seen from
    the folder *root*; they do not apply to a file that is named outright. Raises UsageError for a path
    that does not exist.
    """
    names: list[str] = []
    skipped: list[Skipped] = []
    for path in paths:
        for name in _expanded(path):
            if name == STDIN:
                names.append(name)
            elif Path(name).is_dir():
                names.extend(_walk(name, lambda path: _is_excluded(path, exclude, root), skipped))
            else:
                names.append(_display(name))
    return Found(tuple(_once(_regular(sorted(set(names)), skipped))), tuple(sorted(set(skipped), key=str)))


def read(name: str, stdin: BinaryIO | None = None) -> Source | Skipped:
    """The text of a file, decoded, or why it was not read. `-` is the standard input."""
    if name == STDIN:
        stream = stdin if stdin is not None else sys.stdin.buffer
        return decoded("<stdin>", stream.read(MAX_BYTES + 1))
    try:
        with Path(name).open("rb") as stream:
            return decoded(name, stream.read(MAX_BYTES + 1))
    except OSError as error:
        return Skipped(name, _reason(error))


def decoded(name: str, content: bytes) -> Source | Skipped:
    """The text of *content*: UTF-8, or UTF-16 by its byte order mark or its zero bytes. The mark is left out."""
    if len(content) > MAX_BYTES:
        return Skipped(name, f"larger than {MAX_BYTES // 1024 // 1024} MiB")
    encoding, mark = _encoding(content)
    try:
        return Source(name, content[len(mark) :].decode(encoding))
    except UnicodeDecodeError as error:
        return Skipped(name, f"not {encoding.upper()}: byte {error.start + len(mark)} cannot be decoded")


def _encoding(content: bytes) -> tuple[str, bytes]:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding, mark
    # Without a mark, the first characters of a manifest are ASCII and tell by their zero bytes (YAML 1.2, 5.2).
    zeros = [byte == 0 for byte in content[:4]]
    if zeros == [False, True, False, True]:
        return "utf-16-le", b""
    if zeros == [True, False, True, False]:
        return "utf-16-be", b""
    return "utf-8", b""


def _expanded(path: str) -> Iterator[str]:
    """What a path stands for: itself, or what matches it where no such file is there."""
    if path == STDIN or os.path.lexists(path):
        yield path
        return
    # `Path.glob` refuses absolute patterns.
    matches = sorted(glob.glob(path, recursive=True)) if _MAGIC & set(path) else []  # noqa: PTH207
    if not matches:
        raise UsageError(f"no such file or directory: {path}")
    yield from matches


def _walk(top: str, is_excluded: Callable[[str], bool], skipped: list[Skipped]) -> Iterator[str]:
    """The manifests below a folder. A folder that links lead to twice is walked once."""
    seen: set[tuple[int, int]] = set()
    pending = [top]
    while pending:
        folder = pending.pop()
        try:
            status = Path(folder).stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            skipped.append(Skipped(_display(folder), _reason(error)))
            continue
        for entry in entries:
            name = _display(entry.path)
            if is_excluded(name):
                continue
            if _is_folder(entry):
                if not (entry.name.startswith(".") or entry.name in _PASSED_BY):
                    pending.append(entry.path)
            elif Path(entry.name).suffix.lower() in _SUFFIXES and not entry.name.startswith("."):
                yield name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False  # A link that leads to itself; reading it as a file says so.


def _regular(names: Sequence[str], skipped: list[Skipped]) -> Iterator[str]:
    """Those of *names* that can be read; the others are noted in *skipped*."""
    for name in names:
        why = None if name == STDIN else _unreadable(name)
        if why is None:
            yield name
        else:
            skipped.append(Skipped(name, why))


def _unreadable(name: str) -> str | None:
    try:
        status = Path(name).stat()
    except OSError as error:
        return _reason(error)
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if status.st_size > MAX_BYTES:
        return f"larger than {MAX_BYTES // 1024 // 1024} MiB"
    return None


def _once(names: Iterator[str]) -> Iterator[str]:
    """Each file once: the first of the names that lead to it."""
    seen: set[str] = set()
    for name in names:
        real = name if name == STDIN else os.path.realpath(name)
        if real not in seen:
            seen.add(real)
            yield name


def _is_excluded(name: str, exclude: Sequence[str], root: str) -> bool:
    path = os.path.relpath(name, root).replace(os.sep, "/") if exclude else name
    return any(covers(pattern, path) for pattern in exclude)


def _display(path: str) -> str:
    """The path relative to the working directory, with `/`; an absolute one that leads outside it stays so."""
    whole = Path(os.path.normpath(path))
    here = Path.cwd()
    return (whole.relative_to(here) if whole.is_relative_to(here) else whole).as_posix()


def _reason(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
