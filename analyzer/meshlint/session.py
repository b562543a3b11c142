"""The pipeline: texts to a mesh, the mesh to problems, problems to a report. Pure: no disk, no clock, no printing."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from meshlint import policy, registry
from meshlint.config import Config, UsageError
from meshlint.finding import Outside, Problem, Report, Result, Rule, Skipped, Undecided
from meshlint.mesh.model import Mesh, Unread
from meshlint.registry import Check
from meshlint.resources import schema
from meshlint.resources.crd import Definition, NoDefinition, definition
from meshlint.resources.kinds import KINDS, group_of, is_object
from meshlint.source import comments
from meshlint.source.node import Document, Node
from meshlint.source.parse import Parsed, parse
from meshlint.source.text import Source

_INPUT_RULES = "MSH0"
_TEMPLATED = "has Helm templates in it: render the chart and lint what comes out"
_ERRORS_OF_INPUT = frozenset(f"MSH00{number}" for number in range(1, 8))


@dataclass(frozen=True, slots=True)
class Input:
    """What texts say: the mesh, and what of them nobody looked at."""

    mesh: Mesh
    sources: tuple[Source, ...]
    skipped: tuple[Skipped, ...]


def lint(
    sources: Sequence[Source],
    config: Config,
    *,
    skipped: Sequence[Skipped] = (),
    mesh_config: Source | None = None,
    mesh_networks: Source | None = None,
    definitions: Sequence[Source] = (),
    checks: Sequence[Check] | None = None,
) -> Report:
    """What is wrong with a mesh that is written in *sources*, in the user's eyes. Their order does not matter.

    *skipped* is what was left out before, *definitions* hold the CustomResourceDefinitions of the user's own kinds,
    which are no part of the mesh. *checks* are those there are; None means all that meshlint has.
    Raises UsageError for a comment that asks for silence without saying of which rule, and for unreadable definitions.
    """
    given = read(
        sources,
        config,
        skipped=skipped,
        mesh_config=mesh_config,
        mesh_networks=mesh_networks,
        definitions=definitions,
    )
    return judged(given, config, checks)


def read(
    sources: Sequence[Source],
    config: Config,
    *,
    skipped: Sequence[Skipped] = (),
    mesh_config: Source | None = None,
    mesh_networks: Source | None = None,
    definitions: Sequence[Source] = (),
) -> Input:
    """The mesh that is written in *sources*, whose order does not matter; the other arguments are those of `lint`."""
    own = _own_schemas(definitions)
    parsed = [(source, parse(source)) for source in sorted(sources, key=lambda source: (source.name, source.text))]
    mesh = Mesh(
        documents=tuple(document for _, one in parsed if not one.templated for document in one.documents),
        defects=tuple(defect for _, one in parsed if not one.templated for defect in one.defects),
        settings=config.settings,
        mesh_config=_only_document(mesh_config),
        mesh_networks=_only_document(mesh_networks),
        schemas=own,
        unread=tuple(_unread(parsed, skipped)),
    )
    left_out = sorted((*skipped, *_skipped(parsed, own)), key=lambda one: (one.name, one.why))
    return Input(mesh, tuple(source for source, _ in parsed), tuple(left_out))


def judged(given: Input, config: Config, checks: Sequence[Check] | None = None) -> Report:
    """What is wrong with a mesh that was read; *checks* are as for `lint`."""
    mesh = given.mesh
    _check_comments(given.sources, config)
    known = registry.known() if checks is None else checks
    enabled = policy.enabled((check.rule for check in known), config)
    results = _run((check for check in known if check.rule in enabled), mesh)
    problems = _once([(rule, result) for rule, result in results if isinstance(result, Problem)])
    undecided = {(result.node, result.why): result for _, result in results if isinstance(result, Undecided)}
    outside = {(result.node, result.target): result for _, result in results if isinstance(result, Outside)}
    return Report(
        findings=policy.findings(problems, mesh, config),
        sources=given.sources,
        resources=len(mesh.resources),
        undecided=tuple(sorted(undecided.values(), key=lambda one: (*_place(one.node), one.why))),
        outside=tuple(sorted(outside.values(), key=lambda one: (*_place(one.node), one.target))),
        skipped=given.skipped,
        rules=enabled,
    )


def _check_comments(sources: Sequence[Source], config: Config) -> None:
    for source in sources if config.respects_ignores else ():
        for ignore in comments.ignores(source):
            if ignore.problem is not None:
                line, column = ignore.span.first
                raise UsageError(f"{source.name}:{line}:{column}: {ignore.problem}")


def _run(checks: Iterable[Check], mesh: Mesh) -> list[tuple[Rule, Result]]:
    return [(check.rule, result) for check in checks for result in _results(check, mesh)]


def _results(check: Check, mesh: Mesh) -> Iterator[Result]:
    """What a check finds. Of an object that does not fit its schema only the rules on input itself can tell."""
    try:
        for result in check.run(mesh):
            yield result if check.rule.code.startswith(_INPUT_RULES) else _if_sound(result, mesh)
    except BaseException as bug:
        bug.add_note(f"while checking {check.rule.code} {check.rule.name}")
        raise


def _once(problems: Sequence[tuple[Rule, Problem]]) -> Iterator[tuple[Rule, Problem]]:
    """The problems, without what rules make of a value that is itself in error: that is one mistake and not two."""
    wrong = {problem.node for rule, problem in problems if rule.code in _ERRORS_OF_INPUT}
    return ((rule, one) for rule, one in problems if rule.code in _ERRORS_OF_INPUT or one.node not in wrong)


def _if_sound(result: Result, mesh: Mesh) -> Result:
    resource = mesh.resource_of(result.node.document)
    if isinstance(result, Problem) and resource is not None and not resource.is_sound:
        return Undecided(result.node, "the object does not fit its schema")
    return result


def _place(node: Node) -> tuple[str, int]:
    return node.span.source.name, node.span.start


def _skipped(parsed: Sequence[tuple[Source, Parsed]], own: schema.Own) -> Iterator[Skipped]:
    """What of the input nobody looked at: templates, documents that are no objects, objects of unknown kinds."""
    for source, one in parsed:
        if one.templated:
            yield Skipped(source.name, _TEMPLATED)
        if strangers := sum(not is_object(document) for document in one.documents):
            yield Skipped(source.name, f"{strangers} of {len(one.documents)} documents: no Kubernetes object")
        kinds = [_kind(document) for document in one.documents if is_object(document)]
        if unknown := Counter(kind for api_version, kind in kinds if not _is_known(api_version, kind, own)):
            names = ", ".join(sorted(unknown))
            yield Skipped(source.name, f"{unknown.total()} of {len(one.documents)} documents: unknown kind {names}")


def _unread(parsed: Sequence[tuple[Source, Parsed]], skipped: Sequence[Skipped]) -> Iterator[Unread]:
    """What was passed over whole: files with templates, at the first of these, and what could not be read at all."""
    for source, one in parsed:
        if one.templated:
            start = max(source.text.find("{{"), 0)
            yield Unread(_bare(source, start), _TEMPLATED)
    for left_out in sorted(skipped, key=lambda one: (one.name, one.why)):
        yield Unread(_bare(Source(left_out.name, ""), 0), left_out.why)


def _bare(source: Source, start: int) -> Node:
    """A place in a text that is no document: from *start* to the end of its line."""
    end = source.text.find("\n", start)
    return Node(None, source.span(start, end if end >= 0 else len(source.text)), None, (), Document(source, 0))


def _kind(document: Node) -> tuple[str, str]:
    return str(document.at("apiVersion").value), str(document.at("kind").value)


def _is_known(api_version: str, kind: str, own: schema.Own) -> bool:
    return (group_of(api_version), kind) in KINDS or schema.is_known(api_version, kind, own)


def _own_schemas(sources: Sequence[Source]) -> schema.Own:
    """The schemas of the kinds that the CustomResourceDefinitions in *sources* define; other objects are passed over."""
    found: list[Definition] = []
    for source in sources:
        parsed = parse(source)
        for defect in parsed.defects:
            raise _misdefined(defect.node, defect.message)
        for document in parsed.documents:
            if document.at("kind").value == "CustomResourceDefinition":
                try:
                    found.append(definition(document.plain))
                except NoDefinition as error:
                    raise _misdefined(document, str(error)) from error
    if sources and not found:
        raise UsageError(f"no CustomResourceDefinition in {', '.join(source.name for source in sources[:3])}")
    return schema.own(found)


def _misdefined(node: Node, message: str) -> UsageError:
    line, column = node.span.first
    return UsageError(f"{node.span.source.name}:{line}:{column}: {message}")


def _only_document(source: Source | None) -> Node | None:
    """The first document of a file of mesh settings; raises UsageError where it has none."""
    if source is None:
        return None
    documents = parse(source).documents
    if not documents:
        raise UsageError(f"{source.name}: no settings of a mesh in it")
    return documents[0]
