"""What a person did where a YAML parser gives up: the likely mistake, in words, at the place to mend."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from meshlint.source.defect import Defect, DefectKind, Place, defect_at
from meshlint.source.layout import Level, Line, columns, levels_before, lines_of
from meshlint.source.mending import Change, shifted
from meshlint.source.node import Document
from meshlint.source.text import Source, Span

_PROMPT = re.compile(
    r"(?:[$>%]|[\w.-]+@[\w.-]+[^\s$#]*[$#])\s+[\w./-]+(?:\s|$)|(?:sudo\s+)?(?:kubectl|istioctl|helm|cat|curl|oc)\s+[\w/<.-]"
)
_BLANKS = re.compile(r"[ \t]*")
_LINE_END = re.compile(r"[ \t]*(?:[\r\n]|\Z)")
_WORD = re.compile(r"[^\s,\[\]{}]*")
_PLAIN_WORDS = {
    "mapping values are not allowed": "a key and its value cannot stand here",
    "block sequence entries are not allowed": "a list item cannot stand here",
    "did not find expected key": "a key is expected here",
    "expected <block end>": "a key is expected here",
    "could not find expected ':'": "this is neither a list item nor a key with its value",
    "did not find expected <document start>": "the document has ended before this",
    "expected '<document start>'": "the document has ended before this",
    "did not find expected node content": "a value is expected here",
    "exceeded maximum": "nested too deep",
}


@dataclass(frozen=True, slots=True)
class Failure:
    """Where and why a YAML parser gave up; `since` is where what it was reading began."""

    problem: str
    at: int
    context: str
    since: int | None


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and the changes that would mend it; none where they do not show from the text.

    They are a guess where others would mend it too.
    """

    defect: Defect
    changes: tuple[Change, ...] = ()
    is_guess: bool = False


Origin = Callable[[int], int]
"""Where in the source an offset of the text at hand is written."""


@dataclass(frozen=True, slots=True)
class _Scene:
    document: Document
    text: str
    origin: Origin
    failure: Failure
    lines: tuple[Line, ...]
    line: Line

    @property
    def before(self) -> Line | None:
        """The line before the one where the parser gave up."""
        index = self.lines.index(self.line)
        return self.lines[index - 1] if index else None

    def mistake(self, start: int, end: int, message: str, *notes: Place, changes: tuple[Change, ...] = ()) -> Mistake:
        """The mistake from one offset of the text to another."""
        return Mistake(defect_at(DefectKind.SYNTAX, self._span(start, end), self.document, message, *notes), changes)

    def on(self, line: Line, message: str, *notes: Place, changes: tuple[Change, ...] = ()) -> Mistake:
        """The mistake of a line."""
        return self.mistake(line.first, line.end, message, *notes, changes=changes)

    def place(self, line: Line, message: str) -> Place:
        """A line as a second place."""
        return Place(self._span(line.first, line.end), message)

    def column(self, line: Line, column: int) -> int:
        """The column of the source in which a column of a line of the text at hand is written, from 0."""
        return self.document.source.position(self.origin(line.start + column)).column - 1

    def _span(self, start: int, end: int) -> Span:
        return span_between(self.document.source, self.origin, start, max(start, end))

    def line_end(self, offset: int) -> int:
        """Where the line of *offset* ends, trailing blanks left out."""
        end = _LINE_END.search(self.text, offset)
        return end.start() if end else len(self.text)

    def line_start(self, offset: int) -> int:
        """Where the line of *offset* begins."""
        return max(self.text.rfind("\n", 0, offset), self.text.rfind("\r", 0, offset)) + 1


def span_between(source: Source, origin: Origin, start: int, end: int) -> Span:
    """The span in *source* of a stretch of a text whose offsets come from *origin*."""
    first = origin(start)
    return source.span(first, max(first, origin(end - 1) + 1) if end > start else first)


def explained(document: Document, text: str, origin: Origin, failure: Failure) -> Mistake:
    """The mistake in a document whose *text*, from *origin* in the source, a parser could not read."""
    lines = lines_of(text)
    if not lines:
        span = span_between(document.source, origin, min(failure.at, len(text)), len(text))
        return Mistake(defect_at(DefectKind.SYNTAX, span, document, _in_words(failure.problem)))
    line = next((line for line in reversed(lines) if line.start <= failure.at), lines[0])
    scene = _Scene(document, text, origin, failure, lines, line)
    for guess in _GUESSES:
        if (mistake := guess(scene)) is not None:
            return mistake
    return scene.on(line, _in_words(failure.problem))


def _tab(scene: _Scene) -> Mistake | None:
    failure = scene.failure
    for offset in (failure.at, failure.since):
        if offset is None:
            continue
        start = scene.line_start(offset)
        end = start + len(_BLANKS.match(scene.text, start)[0])  # type: ignore[index]  # it matches the empty text too
        if "\t" in scene.text[start:end]:
            return scene.mistake(start, scene.line_end(end), "indented with a tab: YAML indents with spaces only")
    if "tab character" in failure.problem or scene.text[failure.at : failure.at + 1] == "\t":
        return scene.mistake(failure.at, failure.at + 1, "a tab cannot stand here: YAML wants spaces")
    return None


def _quote(scene: _Scene) -> Mistake | None:
    failure = scene.failure
    if failure.since is None or "quoted scalar" not in failure.context:
        return None
    if "end of stream" in failure.problem or "document" in failure.problem:
        quote = scene.text[failure.since]
        return scene.mistake(failure.since, scene.line_end(failure.since), f"the quote `{quote}` is never closed")
    backslash = scene.text.rfind("\\", failure.since, failure.at + 1)
    if backslash < 0:
        return None
    escape = scene.text[backslash : backslash + 2]
    message = f"`{escape}` is no escape within double quotes: write `\\{escape}` or use single quotes"
    return scene.mistake(backslash, backslash + len(escape), message)


def _quote_goes_on(scene: _Scene) -> Mistake | None:
    """Text after a closing quote: the quote was meant to close elsewhere."""
    failure = scene.failure
    before = scene.text[scene.line_start(failure.at) : failure.at].rstrip()
    if before[-1:] not in ("'", '"') or scene.text[failure.at : failure.at + 1] in ("", "\r", "\n", ":"):
        return None
    quote = before[-1]
    if "flow" in failure.context and before.count(quote) % 2 == 0:
        return None
    if before.count(quote) % 2 == 0 or before.strip() == quote:
        return scene.mistake(failure.at, scene.line_end(failure.at), "text follows the closing quote")
    for line in reversed(scene.lines):
        if line.start < scene.line.start and line.content.count(quote) % 2:
            at = scene.text.rfind(quote, 0, line.end)
            return scene.mistake(at, line.end, f"the quote `{quote}` is not closed on its line")
    return None


def _bracket(scene: _Scene) -> Mistake | None:
    failure = scene.failure
    if (
        failure.since is None
        or "flow" not in failure.context
        or scene.text[failure.since : failure.since + 1] not in ("{", "[")
    ):
        return None
    bracket = scene.text[failure.since]
    closing = "}" if bracket == "{" else "]"
    if failure.at <= scene.line_end(failure.since) and scene.text[failure.at : failure.at + 1] not in ("", "\r", "\n"):
        return scene.mistake(failure.at, scene.line_end(failure.at), f"`,` or `{closing}` is missing before this")
    return scene.mistake(failure.since, scene.line_end(failure.since), f"the bracket `{bracket}` is never closed")


def _mark(scene: _Scene) -> Mistake | None:
    """A value that begins with a character that means something to YAML."""
    failure = scene.failure
    if "tag handle" in failure.problem:
        at = failure.at
    elif "alias" in failure.context or "anchor" in failure.context or "tag" in failure.context:
        at = failure.since if failure.since is not None else failure.at
    elif "cannot start any token" in failure.problem:
        at = failure.at
    else:
        return None
    if at >= len(scene.text):
        return None
    word = _WORD.match(scene.text, at)
    end = max(word.end() if word else at, at + 1)
    return scene.mistake(
        at,
        end,
        f"`{scene.text[at:end]}` begins with `{scene.text[at]}`, which has a meaning of its own in YAML: put it in quotes",
    )


def _left_of_block(scene: _Scene) -> Mistake | None:
    """A line that seems to belong to a block of text, but is left of the block's first line."""
    start = scene.line_start(scene.failure.at)
    end = scene.line_end(start)
    written = scene.text[start:end]
    if not written or start == scene.line.start or written.lstrip()[:1] in ("#", "%", ""):
        return None
    first = end - len(written.lstrip())
    return scene.mistake(first, end, "indented less than the first line of the block of text above it")


def _block_scalar(scene: _Scene) -> Mistake | None:
    if "block scalar" not in scene.failure.context or "comment or line break" not in scene.failure.problem:
        return None
    at = scene.failure.at
    return scene.mistake(at, scene.line_end(at), "a block text begins on the line below its `|` or `>`")


def _prompt(scene: _Scene) -> Mistake | None:
    for line in _bare_lines(scene):
        written = scene.text[line.first : line.end]
        if _PROMPT.match(written):
            blanked = (Change(line.first, line.end - line.first, " " * (line.end - line.first)),)
            is_above = line is scene.lines[0]
            return scene.on(line, "a shell prompt or command, not YAML", changes=blanked if is_above else ())
    return None


def _colon(scene: _Scene) -> Mistake | None:
    """A second `: ` on one line."""
    line, failure = scene.line, scene.failure
    if "mapping values" not in failure.problem or not line.key or not line.has_value:
        return None
    written = scene.text[line.start + line.column : line.end]
    value = line.start + line.column + len(written) - len(written.partition(":")[2].lstrip())
    if failure.at <= value:
        return None
    return scene.mistake(value, line.end, "`: ` stands within an unquoted value: put the value in quotes")


def _item_beside_key(scene: _Scene) -> Mistake | None:
    line, at = scene.line, scene.failure.at
    if "block sequence entries" not in scene.failure.problem or not line.key or at <= line.start + line.column:
        return None
    return scene.mistake(at, line.end, f"a list item cannot stand on the line of its key `{line.key}`")


def _lost_dash(scene: _Scene) -> Mistake | None:
    for line in _bare_lines(scene):
        if line.start < scene.line.start or "simple key" in scene.failure.context or not line.key:
            message = f"`{line.content}` is neither a list item nor a key: lost dash?"
            return scene.on(line, message, changes=_dash_before(scene, line))
    return None


def _dash_before(scene: _Scene, line: Line) -> tuple[Change, ...]:
    """A dash for a word alone below its key; none where the word is not all that the key has."""
    index = scene.lines.index(line)
    above, below = scene.lines[index - 1] if index else None, scene.lines[index + 1 : index + 2]
    is_value = above is not None and above.key and not above.has_value and above.column <= line.indent
    is_alone = not below or not below[0].is_bare
    return (Change(line.first, 0, "- "),) if is_value and is_alone else ()


def _indentation(scene: _Scene) -> Mistake | None:
    line = scene.line
    levels = levels_before(scene.lines, line)
    closed = [level for level in levels if level.column > line.indent]
    open_ = [level for level in levels if level.column <= line.indent]
    if any(level.column == line.indent and level.is_list == bool(line.dashes) for level in open_):
        return None
    if open_ and open_[-1].column == line.indent:
        return _mixed(scene, open_[-1], open_)
    if closed:
        # It may as well belong to a column further left.
        return replace(_shallow(scene, closed[0]), is_guess=True)
    if " " in line.key:
        return scene.on(line, "`: ` stands within an unquoted text: put the text in quotes")
    if open_ and open_[-1].line.has_value and not open_[-1].is_list:
        return _deeper(scene, open_[-1])
    return None


def _deeper(scene: _Scene, level: Level) -> Mistake:
    """A key deeper than one with a value before it: one of them is out of line, and what is around them tells which."""
    line, other = scene.line, level.line
    index = scene.lines.index(other)
    above, below = scene.lines[index - 1] if index else None, scene.lines[index + 2 : index + 3]
    earlier = levels_before(scene.lines, other)
    siblings = any(one.column == line.indent and not one.is_list for one in earlier)
    items = [one for one in earlier if one.is_list and one.column == other.indent]
    if siblings and items and items[-1].line.key == other.key and line.indent == other.indent + len("- "):
        # The key with which the items before it begin.
        return _undashed(scene, other, items[-1], changes=(Change(other.first, 0, "- "),))
    if siblings:
        # There were siblings at this column before the other one left it.
        return _uneven(scene, level, at_fault=other)
    if above is not None and above.key and not above.has_value and above.column >= other.indent + bool(other.dashes):
        # The other one may have been meant for a key or for an item of what is above it.
        return replace(_uneven(scene, level, at_fault=other), changes=())
    mistake = _uneven(scene, level)
    return replace(mistake, changes=()) if below and below[0].indent == line.indent else mistake


def _undashed(scene: _Scene, line: Line, items: Level, changes: tuple[Change, ...] = ()) -> Mistake:
    indent = scene.column(line, line.indent)
    message = f"`{line.name}` is indented {indent} like the list items before it, but has no dash"
    return scene.on(line, message, scene.place(items.line, "the line before it at this indentation"), changes=changes)


def _mixed(scene: _Scene, level: Level, levels: Sequence[Level]) -> Mistake:
    line, used = scene.line, columns(scene.lines)
    indent = scene.column(line, line.indent)
    if not level.is_list:
        message = f"a list item is indented {indent}, where a key beside `{level.line.name}` is wanted"
        return scene.on(line, message, scene.place(level.line, "the line before it at this indentation"))
    owners = [other for other in levels if other.column < level.column and not other.is_list]
    if owners and owners[-1].column > 0 and used[owners[-1].column] < used[line.indent] and line.key:
        # The list's key is the one out of line: its siblings stand where its items do.
        return _uneven(scene, owners[-1])
    return _undashed(scene, line, level)


def _shallow(scene: _Scene, level: Level) -> Mistake:
    line, other = scene.line, level.line
    if not line.dashes:
        return _uneven(scene, level)
    indent, column = scene.column(line, line.indent), scene.column(other, level.column)
    if level.is_list:
        message = f"a list item is indented {indent}; the items before it are at {column}"
    else:
        message = f"a list item of `{other.name}` is indented {indent}, less than its key at {column}"
    changes = shifted(scene.lines, line, level.column)
    return scene.on(line, message, scene.place(other, "the list it seems to belong to"), changes=changes)


def _uneven(scene: _Scene, level: Level, at_fault: Line | None = None) -> Mistake:
    """Two keys that seem to be siblings stand at different columns: unless it is known, the rarer column is at fault."""
    line, other = scene.line, level.line
    used = columns(scene.lines)
    indent, column = scene.column(line, line.indent), scene.column(other, level.column)
    if at_fault is other or (at_fault is None and used[line.indent] > used[level.column]):
        message = f"`{other.name}` is indented {column}; its sibling `{line.name}` is at {indent}"
        changes = shifted(scene.lines, other, line.indent) if not other.dashes else ()
        return scene.on(other, message, scene.place(line, "its sibling"), changes=changes)
    message = f"`{line.name}` is indented {indent}; its sibling `{other.name}` is at {column}"
    changes = shifted(scene.lines, line, level.column) if line.key else ()
    return scene.on(line, message, scene.place(other, "its sibling"), changes=changes)


def _bare_lines(scene: _Scene) -> list[Line]:
    """The line where the parser gave up, if it is a word by itself, and such lines right before it, last first."""
    found = [scene.line] if scene.line.is_bare else []
    since = scene.failure.since
    index = scene.lines.index(scene.line)
    for line in reversed(scene.lines[:index]):
        if not line.is_bare:
            break
        found.append(line)
    if since is not None and "simple key" in scene.failure.context:
        found.sort(key=lambda line: not line.start <= since <= line.end)
    return found


def _in_words(problem: str) -> str:
    for part, words in _PLAIN_WORDS.items():
        if part in problem:
            return words
    return problem


_GUESSES: tuple[Callable[[_Scene], Mistake | None], ...] = (
    _tab,
    _quote,
    _prompt,
    _quote_goes_on,
    _bracket,
    _mark,
    _left_of_block,
    _block_scalar,
    _colon,
    _item_beside_key,
    _lost_dash,
    _indentation,
)
