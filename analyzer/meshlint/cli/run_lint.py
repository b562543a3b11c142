"""The command `lint`: find the configuration, read the input, run the session, write the report in each format."""

import gc
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from meshlint import files, session
from meshlint.cli import streams
from meshlint.config import FILE_NAMES, Config, FailOn, UsageError, parse, release, suggestion
from meshlint.finding import Report, Skipped
from meshlint.mesh.settings import World
from meshlint.render import FORMATS, Options, render
from meshlint.source.text import Source

NOTHING_FOUND, FOUND, INCOMPLETE, NO_INPUT = 0, 1, 2, 3
_FOR_PEOPLE = frozenset({"full", "concise"})


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the command line says in place of the configuration file; empty or None where it does not."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    extend_ignore: tuple[str, ...] = ()
    format: tuple[str, ...] = ()
    fail_on: FailOn | None = None
    namespace: str | None = None
    world: World | None = None
    mesh_config: str | None = None
    mesh_networks: str | None = None
    schemas: tuple[str, ...] = ()
    istio_version: str | None = None
    exclude: tuple[str, ...] = ()
    respects_ignores: bool = True


@dataclass(frozen=True, slots=True)
class Order:
    """All that a command line can ask of `lint`."""

    paths: tuple[str, ...]
    config_file: Path | None
    reads_config: bool
    overrides: Overrides
    color: streams.Color
    shows_suppressed: bool
    is_quiet: bool


@dataclass(frozen=True, slots=True)
class Output:
    """A format to write, to a file or to standard output."""

    format: str
    file: Path | None


def lint(order: Order) -> int:
    """Lint as ordered; the answer is the exit code."""
    started = time.perf_counter()
    config = _overridden(_configured(order), order.overrides)
    outputs = tuple(map(_output, config.format))
    if sum(output.file is None for output in outputs) > 1:
        raise UsageError("two formats for standard output: give all but one a file, as in --format sarif=FILE")
    report = _report(order, config)
    elapsed = time.perf_counter() - started
    for output in outputs:
        _write(report, output, order, elapsed)
    return _exit_code(report, config)


def _report(order: Order, config: Config) -> Report:
    # Loading makes millions of objects and no garbage; looking for some takes five times as long as loading.
    gc.disable()
    found = files.find(order.paths, config.exclude, config.root)
    read = [files.read(name) for name in found.files]
    report = session.lint(
        [one for one in read if isinstance(one, Source)],
        config,
        skipped=(*found.skipped, *(one for one in read if isinstance(one, Skipped))),
        mesh_config=_settings(config.mesh_config),
        mesh_networks=_settings(config.mesh_networks),
        definitions=[_read(name) for folder in config.schemas for name in _manifests(folder)],
    )
    gc.freeze()
    gc.enable()
    return report


def _exit_code(report: Report, config: Config) -> int:
    if not report.is_complete:
        return INCOMPLETE
    if config.fail_on.is_reached(report.counts):
        return FOUND
    if report.resources:
        return NOTHING_FOUND
    streams.remark("no Kubernetes resource in the input" if report.sources else "no input: not one YAML or JSON file")
    return NO_INPUT


def _write(report: Report, output: Output, order: Order, elapsed: float) -> None:
    is_for_people = output.format in _FOR_PEOPLE
    if output.file is None and order.is_quiet and is_for_people and not report.findings:
        return
    on_screen = output.file is None and streams.is_colored(order.color, os.environ, sys.stdout.isatty())
    options = Options(color=on_screen, elapsed=elapsed, show_suppressed=order.shows_suppressed)
    text = render(report, output.format, options)
    if output.file is None:
        streams.emit(text)
        return
    try:
        output.file.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"{output.file}: {error.strerror}") from error


def _output(text: str) -> Output:
    name, has_file, file = text.partition("=")
    if name not in FORMATS:
        known = tuple(FORMATS)
        raise UsageError(f"no format is called {name!r}{suggestion(name, known) or ': there are ' + ', '.join(known)}")
    if has_file and not file:
        raise UsageError(f"--format {text}: a file's name is missing after `=`")
    return Output(name, Path(file) if file else None)


def _overridden(config: Config, given: Overrides) -> Config:
    settings = replace(
        config.settings,
        namespace=given.namespace or config.settings.namespace,
        world=given.world or config.settings.world,
        istio_version=release(given.istio_version) if given.istio_version else config.settings.istio_version,
    )
    return replace(
        config,
        select=given.select or config.select,
        ignore=given.ignore or config.ignore,
        extend_select=(*config.extend_select, *given.extend_select),
        extend_ignore=(*config.extend_ignore, *given.extend_ignore),
        format=given.format or config.format,
        fail_on=given.fail_on or config.fail_on,
        settings=settings,
        mesh_config=given.mesh_config or config.mesh_config,
        mesh_networks=given.mesh_networks or config.mesh_networks,
        schemas=(*config.schemas, *given.schemas),
        exclude=(*config.exclude, *(_from_root(pattern, config.root) for pattern in given.exclude)),
        respects_ignores=given.respects_ignores,
    )


def _from_root(pattern: str, root: str) -> str:
    """A pattern of the command line, which starts from the working directory, as one that starts from *root*."""
    if "/" not in pattern.rstrip("/") or pattern.startswith("**/"):
        return pattern
    return Path(os.path.relpath(pattern, root)).as_posix()


def _configured(order: Order) -> Config:
    """The configuration file that is named, or found, or else the defaults."""
    here = Path.cwd().as_posix()
    if order.config_file is not None:
        config = _loaded(order.config_file)
        if config is None:
            raise UsageError(f"{_shown(order.config_file)}: no table [tool.meshlint] in it")
        return config
    found = _found(order.paths) if order.reads_config else None
    return found or Config(root=here, directory=here)


def _found(paths: Sequence[str]) -> Config | None:
    places = (folder / name for folder in _folders(paths) for name in FILE_NAMES)
    return next((config for place in places if place.is_file() and (config := _loaded(place)) is not None), None)


def _folders(paths: Sequence[str]) -> Sequence[Path]:
    """The folders that may have the configuration: from the common parent of all paths up to the root of the repository."""
    places = [Path.cwd() if path == "-" else Path(path).absolute() for path in paths]
    common = Path(os.path.commonpath([os.path.normpath(place) for place in places]))
    start = common if common.is_dir() else common.parent
    upwards = (start, *start.parents)
    root = next((depth for depth, folder in enumerate(upwards) if (folder / ".git").exists()), len(upwards))
    return upwards[: root + 1]


def _loaded(file: Path) -> Config | None:
    """What the file says, with the paths in it seen from the working directory."""
    source = _read(_shown(file))
    config = parse(source.text, source.name)
    folder = file.absolute().parent
    return config and replace(
        config,
        mesh_config=config.mesh_config and _shown(folder / config.mesh_config),
        mesh_networks=config.mesh_networks and _shown(folder / config.mesh_networks),
        schemas=tuple(_shown(folder / one) for one in config.schemas),
        root=folder.as_posix(),
        directory=Path.cwd().as_posix(),
    )


def _settings(file: str | None) -> Source | None:
    return None if file is None else _read(file)


def _manifests(folder: str) -> Sequence[str]:
    """The files of a folder without which nothing can be done."""
    found = files.find((folder,))
    for one in found.skipped:
        raise UsageError(f"{one.name}: {one.why}")
    if not found.files:
        raise UsageError(f"{folder}: not one YAML or JSON file in it")
    return found.files


def _read(file: str) -> Source:
    """A file without which nothing can be done."""
    match files.read(file):
        case Skipped(name, why):
            raise UsageError(f"{name}: {why}")
        case source:
            return source


def _shown(file: Path) -> str:
    return Path(os.path.relpath(file)).as_posix()
