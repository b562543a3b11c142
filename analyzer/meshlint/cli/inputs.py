"""What commands read: the configuration, found or named, and the manifests that paths stand for."""

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from meshlint import files, session
from meshlint.cli import streams
from meshlint.config import FILE_NAMES, Config, FailOn, UsageError, parse, release
from meshlint.finding import Skipped
from meshlint.mesh.settings import World
from meshlint.render.terminal import visible
from meshlint.source.text import Source

NO_INPUT = 3


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
    now: date | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """What a command line says about the input."""

    paths: tuple[str, ...]
    config_file: Path | None
    reads_config: bool
    overrides: Overrides

    @classmethod
    def of(cls, paths: Sequence[str] | None, config: Path | None, overrides: Overrides, *, no_config: bool) -> "Given":
        """The input as a command's options say it; without a path it is the working directory."""
        return cls(tuple(paths or (".",)), config, not no_config, overrides)


def configured(given: Given) -> Config:
    """The configuration under which the input is read, the command line's word included."""
    return _overridden(_configured(given), given.overrides)


def read(given: Given, config: Config) -> session.Input:
    """The input itself, as a mesh."""
    found = files.find(given.paths, config.exclude, config.root)
    texts = [files.read(name) for name in found.files]
    return session.read(
        [one for one in texts if isinstance(one, Source)],
        config,
        skipped=(*found.skipped, *(one for one in texts if isinstance(one, Skipped))),
        mesh_config=_settings(config.mesh_config),
        mesh_networks=_settings(config.mesh_networks),
        definitions=[_read(name) for folder in config.schemas for name in _manifests(folder)],
    )


def what_was_read(given: session.Input) -> int:
    """Say on standard error what of the input a view does not show; the answer is the exit code for it."""
    for one in given.skipped:
        streams.remark(f"{visible(one.name)} was skipped: {visible(one.why)}")
    if given.mesh.defects:
        streams.remark("some of the input does not parse: meshlint lint says where")
    return nothing_read(given.sources) if not given.mesh.resources else 0


def nothing_read(sources: Sequence[Source]) -> int:
    """Say that there is no object in the input; the answer is the exit code."""
    streams.remark("no Kubernetes resource in the input" if sources else "no input: not one YAML or JSON file")
    return NO_INPUT


@contextmanager
def without_garbage() -> Iterator[None]:
    """Loading makes millions of objects and no garbage; looking for some takes five times as long as loading."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _overridden(config: Config, given: Overrides) -> Config:
    settings = replace(
        config.settings,
        namespace=given.namespace or config.settings.namespace,
        world=given.world or config.settings.world,
        istio_version=release(given.istio_version) if given.istio_version else config.settings.istio_version,
        now=given.now or datetime.now(UTC).date(),
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


def _configured(given: Given) -> Config:
    """The configuration file that is named, or found, or else the defaults."""
    here = Path.cwd().as_posix()
    if given.config_file is not None:
        config = _loaded(given.config_file)
        if config is None:
            raise UsageError(f"{_shown(given.config_file)}: no table [tool.meshlint] in it")
        return config
    found = _found(given.paths) if given.reads_config else None
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
