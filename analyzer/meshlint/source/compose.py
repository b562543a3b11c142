"""From the events of one document to its nodes, whatever the events were read from."""

from meshlint.source.defect import Defect, DefectKind, Place, Unreadable, defect_at
from meshlint.source.node import Document, Node, Step
from meshlint.source.scalars import Scalar, as_key, plain, tagged
from meshlint.source.text import Span

MAX_DEPTH = 200
"""How deep mappings and sequences may nest; deeper ones would exhaust the stack of whoever walks them."""
MAX_COPIES = 100_000
"""How many nodes the aliases of a document may stand for together."""

_SHARED_LENGTH = 40

_Entries = dict[str, Node] | list[Node]


class _Open:
    """A mapping or sequence whose end is yet to come."""

    __slots__ = ("anchor", "entries", "is_mapping", "is_merge", "key", "key_span", "merged", "name", "path", "start")

    def __init__(
        self, start: int, path: tuple[Step, ...], key: Span | None, anchor: str | None, entries: _Entries
    ) -> None:
        self.start = start
        self.path = path
        self.key = key
        self.anchor = anchor
        self.entries = entries
        self.is_mapping = isinstance(entries, dict)
        # The key that waits for its value: its name and its place.
        self.name: str | None = None
        self.key_span: Span | None = None
        self.is_merge = False
        self.merged: list[Node] = []


class Composition:
    """A document being put together. Offsets given to it count from *base*.

    Invariant: nodes are made bottom-up and never changed, so each ends where its last scalar ends.
    """

    __slots__ = (
        "_anchors",
        "_copies",
        "_end",
        "_open",
        "_shared",
        "_source",
        "_stack",
        "base",
        "defects",
        "document",
        "root",
    )

    def __init__(self, document: Document, base: int, shared: dict[str, str]) -> None:
        """*shared* holds one copy of each key and short value of the whole text."""
        self.document = document
        self.defects: list[Defect] = []
        self.root: Node | None = None
        self._source = document.source
        self.base = base
        self._shared = shared
        self._stack: list[_Open] = []
        self._open: _Open | None = None
        self._anchors: dict[str, Node | None] = {}
        self._copies = 0
        self._end = base

    def scalar(self, value: str, *, is_plain: bool, tag: str | None, anchor: str | None, start: int, end: int) -> None:
        """A scalar, as a key or as a value. *value* is its text with quotes and escapes undone."""
        meaning: Scalar = value
        if tag is not None:
            meaning = tagged(value, tag, is_plain=is_plain)
        elif is_plain:
            meaning = plain(value)
        self.known(meaning, start, end, anchor, is_merge=is_plain and value == "<<")

    def known(
        self,
        value: Scalar,
        start: int,
        end: int,
        anchor: str | None = None,
        *,
        is_merge: bool = False,
    ) -> None:
        """A scalar whose value needs no reading."""
        start += self.base
        end += self.base
        if start == end:
            start = end = self._drawn_back(start)
        self._end = end
        span = Span(self._source, start, end)
        above = self._open
        if above is not None and above.is_mapping and above.name is None:
            name = as_key(value)
            above.name = self._shared.setdefault(name, name)
            above.key_span = span
            above.is_merge = is_merge
            if anchor is not None:
                self._anchors[anchor] = Node(value, span, None, above.path, self.document)
            return
        if isinstance(value, str) and len(value) <= _SHARED_LENGTH:
            value = self._shared.setdefault(value, value)
        node = Node(value, span, *self._place(), self.document)
        if anchor is not None:
            self._anchors[anchor] = node
        self._add(node)

    def mapping(self, start: int, anchor: str | None = None) -> None:
        """A mapping begins."""
        self._push({}, start, anchor)

    def sequence(self, start: int, anchor: str | None = None) -> None:
        """A sequence begins."""
        self._push([], start, anchor)

    def close(self, end: int | None = None) -> None:
        """The innermost mapping or sequence ends: at *end*, or where its last scalar did."""
        closed = self._stack.pop()
        self._open = self._stack[-1] if self._stack else None
        if end is not None:
            self._end = self.base + end
        if closed.merged and isinstance(closed.entries, dict):
            self._merge(closed, closed.entries)
        span = Span(self._source, closed.start, max(self._end, closed.start))
        value = closed.entries if isinstance(closed.entries, dict) else tuple(closed.entries)
        node = Node(value, span, closed.key, closed.path, self.document)
        if closed.anchor is not None:
            self._anchors[closed.anchor] = node
        self._add(node)

    def alias(self, name: str, start: int, end: int) -> None:
        """An alias stands for the node that has this anchor."""
        self._end = self.base + end
        span = Span(self._source, self.base + start, self._end)
        if name not in self._anchors:
            raise self._unreadable(
                DefectKind.SYNTAX, span, f"`*{name}` refers to an anchor `&{name}` that is not defined before it"
            )
        anchored = self._anchors[name]
        if anchored is None:
            raise self._unreadable(DefectKind.RECURSIVE, span, f"`*{name}` stands within the value it refers to")
        above = self._open
        if above is not None and above.is_mapping and above.name is None:
            if isinstance(anchored.value, dict | tuple):
                raise self._unreadable(DefectKind.SYNTAX, span, "a mapping or a list is no key")
            above.name, above.key_span = as_key(anchored.value), span  # type: ignore[arg-type]  # a scalar by the test above
            return
        key, path = self._place()
        self._add(Node(self._copied(anchored, path, span).value, span, key, path, self.document))

    def written(self, start: int, end: int) -> str:
        """What the text holds from *start* to *end*."""
        return self._source.text[self.base + start : self.base + end]

    def _drawn_back(self, at: int) -> int:
        """The place of a value that is not written: libyaml may put it at the next token, lines below."""
        before = self._source.text[self._end : at]
        is_below = "\n" in before or "\r" in before
        return self._end if is_below and not before.endswith((":", "-")) else at

    def _push(self, entries: _Entries, start: int, anchor: str | None) -> None:
        start += self.base
        above = self._open
        if len(self._stack) >= MAX_DEPTH:
            span = Span(self._source, start, start + 1)
            raise self._unreadable(DefectKind.TOO_LARGE, span, f"nested more than {MAX_DEPTH} levels deep")
        if above is not None and above.is_mapping and above.name is None:
            raise self._unreadable(
                DefectKind.SYNTAX, Span(self._source, start, start + 1), "a mapping or a list is no key"
            )
        if anchor is not None:
            self._anchors[anchor] = None
        key, path = self._place()
        self._open = _Open(start, path, key, anchor, entries)
        self._stack.append(self._open)

    def _place(self) -> tuple[Span | None, tuple[Step, ...]]:
        """The key and the path of the value that comes next."""
        above = self._open
        if above is None:
            return None, ()
        if above.name is not None:
            return above.key_span, (*above.path, above.name)
        return None, (*above.path, len(above.entries))

    def _add(self, node: Node) -> None:
        above = self._open
        if above is None:
            self.root = node
            return
        entries = above.entries
        if isinstance(entries, list):
            entries.append(node)
            return
        name = above.name or ""
        above.name = None
        if above.is_merge:
            above.is_merge = False
            above.merged.append(node)
            return
        if name in entries:
            # Kubernetes's lenient reading keeps the last one.
            self._report_duplicate(name, entries.pop(name), node)
        entries[name] = node

    def _report_duplicate(self, name: str, first: Node, second: Node) -> None:
        notes = () if first.key is None else (Place(first.key, "first given here"),)
        message = f"`{name}` is given twice in one mapping"
        self.defects.append(Defect(DefectKind.DUPLICATE_KEY, second, message, notes, on_key=True))

    def _merge(self, closed: _Open, entries: dict[str, Node]) -> None:
        """Add what `<<` stands for: explicit keys win, and of several mappings the first."""
        for merged in closed.merged:
            for part in merged.elements or (merged,):
                if not isinstance(part.value, dict):
                    raise self._unreadable(DefectKind.SYNTAX, part.span, "`<<` merges mappings, and this is none")
                for name, node in part.value.items():
                    if name not in entries:
                        entries[name] = self._copied(node, (*closed.path, name), merged.span)

    def _copied(self, node: Node, path: tuple[Step, ...], span: Span) -> Node:
        """The same node under another path; *span* is the alias that asks for it."""
        self._copies += 1
        if self._copies > MAX_COPIES:
            raise self._unreadable(DefectKind.TOO_LARGE, span, f"aliases stand for more than {MAX_COPIES} values")
        if len(path) > MAX_DEPTH:
            raise self._unreadable(DefectKind.TOO_LARGE, span, f"nested more than {MAX_DEPTH} levels deep by aliases")
        value = node.value
        if isinstance(value, dict):
            copies: dict[str, Node] = {}
            for name, below in value.items():
                copies[name] = self._copied(below, (*path, name), span)
            return Node(copies, node.span, node.key, path, self.document)
        if isinstance(value, tuple):
            elements: list[Node] = []
            # A loop, for a comprehension would double the depth of the stack.
            for index, below in enumerate(value):
                elements.append(self._copied(below, (*path, index), span))
            return Node(tuple(elements), node.span, node.key, path, self.document)
        return Node(value, node.span, node.key, path, self.document)

    def _unreadable(self, kind: DefectKind, span: Span, message: str) -> Unreadable:
        return Unreadable(defect_at(kind, span, self.document, message))


def moved(node: Node, document: Document) -> Node:
    """The same value as the root of a document of its own."""
    return _moved(node, document, None, ())


def _moved(node: Node, document: Document, key: Span | None, path: tuple[Step, ...]) -> Node:
    value = node.value
    if isinstance(value, dict):
        entries: dict[str, Node] = {}
        for name, below in value.items():
            entries[name] = _moved(below, document, below.key, (*path, name))
        return Node(entries, node.span, key, path, document)
    if isinstance(value, tuple):
        elements: list[Node] = []
        for index, below in enumerate(value):
            elements.append(_moved(below, document, None, (*path, index)))
        return Node(tuple(elements), node.span, key, path, document)
    return Node(value, node.span, key, path, document)
