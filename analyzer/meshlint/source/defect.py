"""What is wrong with a text as YAML: plain data for the layer above to report."""

from dataclasses import dataclass
from enum import Enum

from meshlint.source.node import Document, Node
from meshlint.source.text import Span


class DefectKind(Enum):
    """In which way a document is not what Kubernetes can read."""

    SYNTAX = "syntax"
    DUPLICATE_KEY = "duplicate-key"
    RECURSIVE = "recursive"
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True)
class Place:
    """A second place that belongs to a defect, and what it has to do with it."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong with a document as YAML, at the place a person would mend.

    All kinds but a duplicate key cost the document: it is not among the parsed ones.
    `on_key` says that the place is the node's key.
    """

    kind: DefectKind
    node: Node
    message: str
    notes: tuple[Place, ...] = ()
    on_key: bool = False

    @property
    def span(self) -> Span:
        """The place to show."""
        return self.node.key if self.on_key and self.node.key is not None else self.node.span


class Unreadable(Exception):  # noqa: N818 - it ends the reading of one document and is caught by `parse`
    """A document cannot be read on from here; carries the defect."""

    def __init__(self, defect: Defect) -> None:
        super().__init__(defect.message)
        self.defect = defect


def defect_at(kind: DefectKind, span: Span, document: Document, message: str, *notes: Place) -> Defect:
    """The defect of a document at a place that has no value."""
    return Defect(kind, Node(None, span, None, (), document), message, notes)
