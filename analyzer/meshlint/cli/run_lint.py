"""The command `lint`: find the configuration, read the input, run the session, write the report in each format."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from meshlint import session
from meshlint.cli import streams
from meshlint.cli.inputs import Given, configured, nothing_read, read, without_garbage
from meshlint.config import Config, UsageError, none_called
from meshlint.finding import Report
from meshlint.render import FORMATS, Options, render

NOTHING_FOUND, FOUND, INCOMPLETE = 0, 1, 2
_FOR_PEOPLE = frozenset({"full", "concise"})


@dataclass(frozen=True, slots=True)
class Order:
    """All that a command line can ask of `lint`."""

    given: Given
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
    config = configured(order.given)
    outputs = tuple(map(_output, config.format))
    if sum(output.file is None for output in outputs) > 1:
        raise UsageError("two formats for standard output: give all but one a file, as in --format sarif=FILE")
    with without_garbage():
        report = session.judged(read(order.given, config), config)
    elapsed = time.perf_counter() - started
    for output in outputs:
        _write(report, output, order, elapsed)
    return _exit_code(report, config)


def _exit_code(report: Report, config: Config) -> int:
    if not report.is_complete:
        return INCOMPLETE
    if config.fail_on.is_reached(report.counts):
        return FOUND
    if report.resources:
        return NOTHING_FOUND
    return nothing_read(report.sources)


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
        raise none_called("format", name, tuple(FORMATS))
    if has_file and not file:
        raise UsageError(f"--format {text}: a file's name is missing after `=`")
    return Output(name, Path(file) if file else None)
