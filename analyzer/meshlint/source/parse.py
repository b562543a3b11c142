"""From a text to the nodes of its documents, and what is wrong with it as YAML. Parsing never fails."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import yaml
from yaml.events import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from meshlint.source.compose import Composition, moved
from meshlint.source.defect import Defect, DefectKind, Place, Unreadable, defect_at
from meshlint.source.documents import stretches
from meshlint.source.jsontext import compositions, is_json
from meshlint.source.mistakes import Failure, Mistake, Origin, explained
from meshlint.source.node import Document, Node
from meshlint.source.recovery import MAX_LENGTH, offset_by, recovered
from meshlint.source.templates import has_action, is_helm
from meshlint.source.text import Source, Span

__all__ = ["Defect", "DefectKind", "Parsed", "Place", "opaque", "parse"]

_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader
_UNPRINTABLE = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text holds: a root node for each object, in order, and its defects.

    The objects of a `List` are documents of their own. A templated text has no documents and no defects:
    it is yet to be rendered.
    """

    documents: tuple[Node, ...]
    defects: tuple[Defect, ...]
    templated: bool


def parse(source: Source) -> Parsed:
    """The documents of *source*, whatever it holds: a broken document is a defect and costs no other one."""
    shared: dict[str, str] = {}
    found = _from_json(source, shared) if is_json(source.text) else None
    if found is not None:
        roots = [composition.root for composition in found]
        defects = [defect for composition in found for defect in composition.defects]
    else:
        roots, defects, is_templated = _from_yaml(source, shared)
        if is_templated or ("{{" in source.text and any(map(_is_helm, roots))):
            return Parsed((), (), templated=True)
    documents = tuple(node for root in roots for node in _objects(root))
    return Parsed(documents, tuple(sorted(defects, key=lambda defect: defect.span.start)), templated=False)


def opaque(source: Source) -> Iterator[Span]:
    """The places in which `#` begins no comment: scalars, less the header line of a block scalar.

    After a syntax error nothing more is known of its document.
    """
    for start, end in stretches(source.text):
        text = source.text[start:end]
        if _UNPRINTABLE.search(text):
            continue
        try:
            for token in yaml.scan(text, Loader=_LOADER):
                if isinstance(token, yaml.ScalarToken):
                    first, last = token.start_mark.index, token.end_mark.index
                    if token.style in ("|", ">"):
                        first = min(last, first + len(text[first:last].splitlines()[0]))
                    yield source.span(start + first, start + last)
        except yaml.YAMLError:
            continue


def _from_json(source: Source, shared: dict[str, str]) -> list[Composition] | None:
    try:
        return compositions(source.text, lambda index: Composition(Document(source, index), 0, shared))
    except Unreadable:
        return None


def _from_yaml(source: Source, shared: dict[str, str]) -> tuple[list[Node | None], list[Defect], bool]:
    roots: list[Node | None] = []
    defects: list[Defect] = []
    index = broken = 0
    for start, end in stretches(source.text):
        text = source.text[start:end]
        document = Document(source, index)
        composition = Composition(document, start, shared)
        mistake = _read(text, composition, document, offset_by(start))
        broken += len(text) if mistake is not None else 0
        if mistake is None:
            roots.append(composition.root)
            defects.extend(composition.defects)
        elif _is_template(source, text, mistake.defect):
            return [], [], True
        elif broken <= MAX_LENGTH and (mended := recovered(mistake, text, start, document, _attempt)) is not None:
            roots.append(mended.root)
            defects.extend(mended.defects)
        else:
            # What was read up to the mistake may be wrong at its very place because of it.
            place = mistake.defect.span.start
            defects += [mistake.defect, *(one for one in composition.defects if one.span.start != place)]
        index += mistake is not None or (composition.root is not None and composition.root.value is not None)
    return roots, defects, False


def _attempt(text: str, document: Document, origin: Origin) -> Composition | Mistake:
    """What a mended text holds, or what is still wrong with it."""
    composition = Composition(Document(Source(document.source.name, text), document.index), 0, {})
    return _read(text, composition, document, origin) or composition


def _read(text: str, composition: Composition, document: Document, origin: Origin) -> Mistake | None:
    """Feed the events of one stretch to *composition*; what stops it is returned, at its place in *document*."""
    base = composition.base
    source = composition.document.source
    if unprintable := _UNPRINTABLE.search(text):
        span = source.span(base + unprintable.start(), base + unprintable.end())
        message = f"the character U+{ord(unprintable[0]):04X} cannot stand in YAML"
        return Mistake(defect_at(DefectKind.SYNTAX, span, composition.document, message))
    try:
        _feed(yaml.parse(text, Loader=_LOADER), composition)
    except Unreadable as stop:
        return Mistake(stop.defect)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.index if error.problem_mark else len(text)
        since = error.context_mark.index if error.context_mark else None
        failure = Failure(str(error.problem or ""), at, str(error.context or ""), since)
        return explained(document, text, origin, failure)
    except yaml.YAMLError as error:
        return explained(document, text, origin, Failure(str(error), len(text), "", None))
    return None


def _feed(events: Iterator[Event], composition: Composition) -> None:
    for event in events:
        if event.start_mark is None or event.end_mark is None:
            continue
        start, end = event.start_mark.index, event.end_mark.index
        if isinstance(event, ScalarEvent):
            if event.style in ("|", ">"):
                end = start + len(composition.written(start, end).rstrip(" \t\r\n"))
            is_plain: bool = event.implicit[0]
            composition.scalar(event.value, is_plain=is_plain, tag=event.tag, anchor=event.anchor, start=start, end=end)
        elif isinstance(event, MappingStartEvent):
            composition.mapping(start, event.anchor)
        elif isinstance(event, SequenceStartEvent):
            composition.sequence(start, event.anchor)
        elif isinstance(event, MappingEndEvent | SequenceEndEvent):
            # The end of a block has no width and runs on to the next token; that of `{}` and `[]` is its bracket.
            composition.close(end if end > start else None)
        elif isinstance(event, AliasEvent) and event.anchor is not None:
            composition.alias(event.anchor, start, end)


def _objects(root: Node | None) -> Iterator[Node]:
    """The objects a document stands for: itself, or the elements of a `List`, or nothing."""
    if root is None or root.value is None:
        return
    if not _is_list(root):
        yield root
        return
    count = 0
    pending = list(reversed(root.mapping["items"].elements))
    while pending:
        element = pending.pop()
        if _is_list(element):
            pending.extend(reversed(element.mapping["items"].elements))
        elif element.value is not None:
            yield moved(element, replace(root.document, item=count))
            count += 1


def _is_list(node: Node) -> bool:
    kind, items = node.get("kind"), node.get("items")
    if kind is None or items is None or not isinstance(kind.value, str):
        return False
    return kind.value.endswith("List") and (isinstance(items.value, tuple) or items.value is None)


def _is_template(source: Source, text: str, defect: Defect) -> bool:
    start = defect.span.start
    return has_action(text) and (source.text[start - 1 : start + 1] == "{{" or defect.kind is DefectKind.SYNTAX)


def _is_helm(root: Node | None) -> bool:
    nodes = root.walk() if root is not None else ()
    return any(
        isinstance(node.value, str) and is_helm(node.value) and node.span.text[:1] not in "\"'|>" for node in nodes
    )
