"""The user's file: what it can say, and where in it a mistake stands.

`meshlint.toml`, `.meshlint.toml` and the table `[tool.meshlint]` of a `pyproject.toml` have the same keys.
"""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from typing import TypeVar

from meshlint.finding import Severity
from meshlint.mesh.settings import Settings, World

NEWEST = Settings().istio_version
"""The newest release of Istio that meshlint knows."""

FILE_NAMES = ("meshlint.toml", ".meshlint.toml", "pyproject.toml")
"""The files that can hold a configuration, the first of a folder that does wins."""


class UsageError(Exception):
    """What the user asked for cannot be done as asked; the message says why, and where where there is a place."""


class FailOn(Enum):
    """The mildest severity that makes a run fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"

    def is_reached(self, counts: Mapping[Severity, int]) -> bool:
        """Whether so many findings of each severity make a run fail."""
        if self is FailOn.NEVER:
            return False
        return any(counts[severity] for severity in Severity if severity.rank <= Severity(self.value).rank)


@dataclass(frozen=True, slots=True)
class Config:
    """What the user decides about a run: the file's word, overridden by the command line.

    Without `select`, the rules run that are on by default. `respects_ignores` is False where comments and
    annotations in the input are not to silence anything. The file's patterns start from the folder `root`, the
    names of sources from the folder `directory`.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    extend_ignore: tuple[str, ...] = ()
    fail_on: FailOn = FailOn.ERROR
    format: tuple[str, ...] = ("full",)
    exclude: tuple[str, ...] = ()
    settings: Settings = field(default_factory=Settings)
    mesh_config: str | None = None
    mesh_networks: str | None = None
    schemas: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    severities: Mapping[str, Severity] = field(default_factory=dict)
    respects_ignores: bool = True
    root: str = "/"
    directory: str = "/"


def parse(text: str, name: str) -> Config | None:
    """The configuration that a file spells out; None for a `pyproject.toml` without a table for meshlint."""
    try:
        table: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(_syntax(name, error)) from error
    path = ("tool", "meshlint") if name.rpartition("/")[2] == "pyproject.toml" else ()
    for step in path:
        table = table.get(step) if isinstance(table, dict) else None
    if table is None:
        return None
    return _config(_Table(name, text, path, _mapping(table, _Table(name, text, path, {}), "")))


def release(text: str) -> tuple[int, int]:
    """The release of Istio that *text* names, such as `1.27`; raises UsageError for one meshlint does not know."""
    match = re.fullmatch(r"(\d{1,3})\.(\d{1,3})(?:\.\d{1,3})?", text)
    version = (int(match[1]), int(match[2])) if match else None
    if version is None or not (1, 0) <= version <= NEWEST:
        raise UsageError(f"{text!r} is no release of Istio between 1.0 and {NEWEST[0]}.{NEWEST[1]}")
    return version


def suggestion(word: str, known: tuple[str, ...]) -> str:
    """The words that ask whether the nearest known one was meant; empty where none is near."""
    near = get_close_matches(word, known, n=1)
    return f": did you mean {near[0]!r}?" if near else ""


def none_called(what: str, word: str, known: tuple[str, ...]) -> UsageError:
    """The error for a word that is none of the known ones: the nearest, else all there are."""
    return UsageError(f"no {what} is called {word!r}{suggestion(word, known) or ': there are ' + ', '.join(known)}")


E = TypeVar("E", bound=Enum)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of the file and the way to it."""

    name: str
    text: str
    path: tuple[str, ...]
    values: Mapping[str, object]

    def error(self, key: str, message: str) -> UsageError:
        line, column = _position(self.text, (*self.path, key) if key else self.path)
        return UsageError(f"{self.name}:{line}:{column}: {message}")

    def only(self, known: tuple[str, ...]) -> None:
        """Refuse any key that is not *known*."""
        for key in self.values:
            if key not in known:
                raise self.error(key, f"unknown key {key!r}{suggestion(key, known)}")

    def read(self, key: str, default: T, reader: "Callable[[object, _Table, str], T]") -> T:
        return reader(self.values[key], self, key) if key in self.values else default

    def below(self, key: str) -> "_Table":
        return _Table(self.name, self.text, (*self.path, key), self.read(key, {}, _mapping))


_KEYS = (
    "select",
    "ignore",
    "extend-select",
    "extend-ignore",
    "fail-on",
    "format",
    "exclude",
    "namespace",
    "world",
    "istio-version",
    "mesh-config",
    "mesh-networks",
    "schemas",
    "per-file-ignores",
    "rules",
)


def _config(table: _Table) -> Config:
    table.only(_KEYS)
    per_file, severities = table.below("per-file-ignores"), table.below("rules")
    return Config(
        select=table.read("select", (), _texts),
        ignore=table.read("ignore", (), _texts),
        extend_select=table.read("extend-select", (), _texts),
        extend_ignore=table.read("extend-ignore", (), _texts),
        fail_on=table.read("fail-on", FailOn.ERROR, _choice(FailOn)),
        format=table.read("format", ("full",), _text_or_texts),
        exclude=table.read("exclude", (), _texts),
        settings=_settings(table),
        mesh_config=table.read("mesh-config", None, _text),
        mesh_networks=table.read("mesh-networks", None, _text),
        schemas=table.read("schemas", (), _text_or_texts),
        per_file_ignores={pattern: per_file.read(pattern, (), _texts) for pattern in per_file.values},
        severities={rule: _rule_severity(severities.below(rule)) for rule in severities.values},
    )


def _settings(table: _Table) -> Settings:
    default = Settings()
    return Settings(
        namespace=table.read("namespace", default.namespace, _text),
        world=table.read("world", default.world, _choice(World)),
        istio_version=table.read("istio-version", default.istio_version, _release),
    )


def _rule_severity(table: _Table) -> Severity:
    table.only(("severity",))
    if "severity" not in table.values:
        raise table.error("", "a table of a rule says its `severity`")
    return _choice(Severity)(table.values["severity"], table, "severity")


def _mapping(value: object, table: _Table, key: str) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    raise table.error(key, f"{key or 'tool.meshlint'!r} is a table, not {_kind(value)}")


def _text(value: object, table: _Table, key: str) -> str:
    if isinstance(value, str) and value:
        return value
    raise table.error(key, f"{key!r} is a string, not {_kind(value)}")


def _texts(value: object, table: _Table, key: str) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(one, str) and one for one in value):
        return tuple(value)
    raise table.error(key, f"{key!r} is a list of strings, not {_kind(value)}")


def _text_or_texts(value: object, table: _Table, key: str) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) and value else _texts(value, table, key)


def _release(value: object, table: _Table, key: str) -> tuple[int, int]:
    try:
        return release(_text(value, table, key))
    except UsageError as error:
        # A wrong type has its place already.
        raise error if str(error).startswith(f"{table.name}:") else table.error(key, str(error)) from error


def _choice(kind: type[E]) -> Callable[[object, _Table, str], E]:
    words = tuple(str(one.value) for one in kind)

    def read(value: object, table: _Table, key: str) -> E:
        if isinstance(value, str) and value in words:
            return kind(value)
        raise table.error(key, f"{key!r} is one of {', '.join(words)}, not {value!r}")

    return read


def _kind(value: object) -> str:
    match value:
        case "":
            return "an empty one"
        case bool():
            return "a boolean"
        case str():
            return "a string"
        case int() | float():
            return "a number"
        case list():
            return "a list with something else in it"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def _syntax(name: str, error: tomllib.TOMLDecodeError) -> str:
    """Put the place, which the message has at its end, in front as everywhere else."""
    message = str(error)
    if found := re.search(r" \(at line (\d+), column (\d+)\)$", message):
        return f"{name}:{found[1]}:{found[2]}: {message[: found.start()]}"
    return f"{name}: {message}"


_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"^\s*\[\[?\s*({_DOTTED})\s*\]")
_ENTRY = re.compile(rf"(?:^|(?<=[{{,]))\s*({_DOTTED})\s*=")


def _position(text: str, path: tuple[str, ...]) -> tuple[int, int]:
    """Where the key at *path* is written, or the nearest table around it: `tomllib` keeps no places."""
    best = (1, 1)
    found: tuple[str, ...] = ()
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        for here, column in _keys(line, table, path):
            if len(here) > len(found) and here == path[: len(here)]:
                best, found = (number, column), here
        table = _steps(header[1]) if (header := _HEADER.match(line)) else table
    return best


def _keys(line: str, table: tuple[str, ...], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """The keys a line has, with their columns; those within an inline table on the way to *path* are its keys."""
    if header := _HEADER.match(line):
        yield _steps(header[1]), header.start(1) + 1
        return
    around = table
    for entry in _ENTRY.finditer(line):
        inner, outer = ((*where, *_steps(entry[1])) for where in (around, table))
        around = inner if inner == path[: len(inner)] else around
        yield (inner if around == inner else outer), entry.start(1) + 1


def _steps(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))
