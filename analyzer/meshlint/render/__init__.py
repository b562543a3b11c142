"""Reports as text: one module a format, each a pure function from `Report` to the bytes-to-be of that format.

A format's module is imported when the format is asked for, so that a plain lint does not pay for SARIF.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from meshlint import __version__
from meshlint.finding import Report


@dataclass(frozen=True, slots=True)
class Options:
    """What a user can choose about a rendering; a format ignores what it has no place for.

    `elapsed` is how many seconds the run took, None where the output must not depend on it.
    """

    color: bool = False
    elapsed: float | None = None
    show_suppressed: bool = False
    version: str = __version__


def render(report: Report, format_name: str, options: Options | None = None) -> str:
    """The report in the format of that name, one of `FORMATS`; ends with a line break unless empty."""
    return FORMATS[format_name](report, options or Options())


def _full(report: Report, options: Options) -> str:
    from meshlint.render.text import full

    return full(report, color=options.color, elapsed=options.elapsed, show_suppressed=options.show_suppressed)


def _concise(report: Report, options: Options) -> str:
    from meshlint.render.concise import concise

    return concise(report, color=options.color, elapsed=options.elapsed, show_suppressed=options.show_suppressed)


def _json(report: Report, _: Options) -> str:
    from meshlint.render.json import json

    return json(report)


def _sarif(report: Report, options: Options) -> str:
    from meshlint.render.sarif import sarif

    return sarif(report, version=options.version, show_suppressed=options.show_suppressed)


def _github(report: Report, _: Options) -> str:
    from meshlint.render.github import github

    return github(report)


FORMATS: Mapping[str, Callable[[Report, Options], str]] = {
    "full": _full,
    "concise": _concise,
    "json": _json,
    "sarif": _sarif,
    "github": _github,
}
"""The formats of `lint`, by the name that `--format` takes."""
