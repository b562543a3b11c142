"""The command `trace`: read the input, follow requests through the mesh, show their ways."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace

from meshlint.cli import streams
from meshlint.cli.expectations import missed
from meshlint.cli.inputs import Given, configured, read, what_was_read, without_garbage
from meshlint.cli.questions import Prepared, Question, Spoken, answered, explained, prepared, split, titled
from meshlint.cli.requests_file import requests_of
from meshlint.config import Config, UsageError, none_called
from meshlint.mesh.contrast import contrast
from meshlint.mesh.steps import Kind, Trace
from meshlint.render.json import Json
from meshlint.render.layout import Look
from meshlint.render.trace import trace_text
from meshlint.render.trace_both import both_json, both_text
from meshlint.render.trace_json import trace_json
from meshlint.render.trace_mermaid import trace_mermaid
from meshlint.render.why_not import why_not_fields, why_not_text
from meshlint.session import Input

_DELIVERED, _FAILED, _UNDECIDED = 0, 1, 3
_SAME, _DIFFERENT = 0, 1
_FORMS = ("full", "json", "mermaid")


@dataclass(frozen=True, slots=True)
class Order:
    """All that a command line can ask of `trace`."""

    given: Given
    words: tuple[str, ...]
    spoken: Spoken
    why_not: str | None
    both: tuple[str, str] | None
    requests: str | None
    form: str | None
    color: streams.Color


def show(order: Order) -> int:
    """Trace as ordered; the answer is the exit code."""
    if order.form is not None and order.form not in _FORMS:
        raise none_called("format", order.form, _FORMS)
    is_single = order.requests is None and order.both is None and order.why_not is None
    if order.form == "mermaid" and not is_single:
        raise UsageError("a diagram is of one trace: --format mermaid goes with no --requests, --both or --why-not")
    if order.requests is not None:
        return _show_many(order, order.requests)
    method, url, paths = split(order.words)
    asking = prepared(order.spoken.question(method, url))
    if order.both is not None:
        return _show_both(order, asking, order.both)
    return _show_one(replace(order, given=replace(order.given, paths=paths)), asking)


def _show_one(order: Order, asking: Prepared) -> int:
    source = _read(order.given, configured(order.given))
    if isinstance(source, int):
        return source
    found = answered(source.mesh, asking)
    lost = missed(source.mesh, found, asking.question.expectations)
    answers = explained(source.mesh, asking, found, order.why_not) if order.why_not is not None else ()
    if order.form == "json":
        reasons: Mapping[str, Json] = {"whyNot": [why_not_fields(one) for one in answers]} if answers else {}
        streams.emit(trace_json(found, {**_judged(asking.question, lost), **reasons}))
    elif order.form == "mermaid":
        streams.emit(trace_mermaid(found))
    else:
        streams.emit(trace_text(found, _look(order)) + why_not_text(answers, _look(order)))
    for one in lost:
        streams.remark(one)
    return _exit_code(asking.question, found, lost)


def _show_many(order: Order, file: str) -> int:
    """The traces of a file's requests; the exit code is that of the worst, where failed is worse than undecided."""
    for name, is_given in (
        ("--both", order.both),
        ("--why-not", order.why_not),
        ("a request's own options", order.spoken != Spoken()),
    ):
        if is_given:
            raise UsageError(f"--requests does not go with {name}: the file says what is asked")
    if any("://" in word for word in order.words):
        raise UsageError("--requests takes no URL: the file says what is asked")
    askings = requests_of(file)
    given = replace(order.given, paths=order.words or (".",))
    source = _read(given, configured(given))
    if isinstance(source, int):
        return source
    codes: set[int] = set()
    for asking in askings:
        question = asking.question
        found = answered(source.mesh, asking)
        lost = missed(source.mesh, found, question.expectations)
        codes.add(_exit_code(question, found, lost))
        if order.form == "full":
            streams.emit(f"{titled(question)}\n{trace_text(found, _look(order))}\n")
        else:
            streams.emit(trace_json(found, {"id": question.name, "line": question.line, **_judged(question, lost)}))
        for one in lost:
            streams.remark(f"{question.place}: {one}")
    return next(code for code in (_FAILED, _UNDECIDED, _DELIVERED) if code in codes)


def _show_both(order: Order, asking: Prepared, names: tuple[str, str]) -> int:
    if order.why_not is not None:
        raise UsageError("--both compares two traces: --why-not is about one")
    if asking.question.expectations:
        raise UsageError("--both compares two traces: --expect is about one")
    if len(order.words) > 1 + (asking.question.method is not None):
        raise UsageError(f"--both names the input: leave out {order.words[-1]!r}")
    config = configured(replace(order.given, paths=names))
    traces: list[Trace] = []
    is_whole = True
    for name in names:
        side = _read(replace(order.given, paths=(name,)), config)
        if isinstance(side, int):
            return side
        is_whole = is_whole and not side.skipped and not side.mesh.defects
        traces.append(answered(side.mesh, asking))
    found = contrast(traces[0], traces[1])
    streams.emit(both_json(found) if order.form == "json" else both_text(found, names, _look(order)))
    if not found.is_decided or not is_whole:
        streams.remark("incomplete: one side is not known in full")
        return _UNDECIDED
    return _SAME if found.is_same else _DIFFERENT


def _read(given: Given, config: Config) -> Input | int:
    """The input, or the exit code where there is no mesh in it."""
    with without_garbage():
        found = read(given, config)
    return what_was_read(found) or found


def _look(order: Order) -> Look:
    color = streams.is_colored(order.color, os.environ, sys.stdout.isatty())
    return Look(color, streams.columns(), not streams.takes_unicode())


def _judged(question: Question, lost: tuple[str, ...]) -> Mapping[str, Json]:
    """What became of the expectations; nothing where there are none."""
    return {"expect": {"holds": not lost, "missed": list(lost)}} if question.expectations else {}


def _exit_code(question: Question, found: Trace, lost: tuple[str, ...]) -> int:
    if question.expectations and not lost:
        return _DELIVERED
    if found.outcome.kind is Kind.UNKNOWN:
        return _UNDECIDED
    return _FAILED if lost or not found.outcome.kind.is_delivered else _DELIVERED
