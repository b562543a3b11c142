r"""RE2's syntax, as Envoy compiles it: pattern to tree, what RE2 refuses, and whether a pattern matches a whole value.

Python's own dialect differs (`$`, `\d`, `\Z`, lookaround, backreferences), so `re` is never used on these patterns.
"""

import unicodedata
from dataclasses import dataclass, field
from functools import lru_cache

from meshlint.mesh import characters
from meshlint.mesh.automaton import (
    Assertion,
    Automaton,
    Characters,
    Choice,
    Look,
    Repeat,
    Sequence,
    TooLargeError,
    Tree,
    automaton,
)
from meshlint.mesh.characters import Ranges


class BadPattern(Exception):  # noqa: N818 - the name says what is wrong with the pattern, not with the run
    """RE2 refuses the pattern, at this offset."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset


class Unreadable(BadPattern):
    r"""The pattern is none that meshlint can read, although RE2 may take it: scripts, `\C`, extreme sizes."""


def parse(pattern: str) -> Tree:
    """The tree of a pattern. Raises `BadPattern`."""
    reading = _Reading(pattern)
    while reading.rest:
        _read_next(reading)
    if len(reading.groups) > 1:
        raise BadPattern("missing )", len(pattern))
    return reading.groups[0].tree()


def error(pattern: str) -> str | None:
    """Why RE2 refuses the pattern, None where it does not, or where meshlint cannot tell."""
    try:
        parse(pattern)
    except Unreadable:
        return None
    except BadPattern as bad:
        return bad.message
    return None


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Automaton:
    """The automaton that accepts exactly the values the pattern matches as a whole. Raises `BadPattern`."""
    try:
        return automaton(parse(pattern))
    except TooLargeError as large:
        raise Unreadable("the pattern is too large", 0) from large


def matches(pattern: str, value: str) -> bool:
    """Whether the pattern matches the whole value, as Envoy asks (R308). Raises `BadPattern`."""
    return compiled(pattern).matches(value)


_DEEPEST = 100
_MOST_TIMES = 1000


@dataclass(frozen=True, slots=True)
class _Flags:
    ignore_case: bool = False
    dot_newline: bool = False
    multi_line: bool = False


@dataclass(slots=True)
class _Group:
    """An open group: the branches before the last `|`, the branch being read, the flags to return to."""

    flags_outside: _Flags
    branches: list[Tree] = field(default_factory=list)
    branch: list[Tree] = field(default_factory=list)

    def end_branch(self) -> None:
        self.branches.append(self.branch[0] if len(self.branch) == 1 else Sequence(tuple(self.branch)))
        self.branch = []

    def tree(self) -> Tree:
        self.end_branch()
        return self.branches[0] if len(self.branches) == 1 else Choice(tuple(self.branches))


@dataclass(slots=True)
class _Reading:
    pattern: str
    at: int = 0
    flags: _Flags = field(default_factory=_Flags)
    groups: list[_Group] = field(default_factory=lambda: [_Group(_Flags())])
    repeated_at: int | None = None
    """Where the repetition operator that ends at `at` begins: another one may not follow."""

    @property
    def rest(self) -> str:
        return self.pattern[self.at :]

    def sees(self, text: str) -> bool:
        return self.pattern.startswith(text, self.at)

    def take(self) -> str:
        """The next character, the empty text at the end."""
        taken = self.pattern[self.at : self.at + 1]
        self.at += len(taken)
        return taken

    def skip(self, text: str) -> bool:
        if self.sees(text):
            self.at += len(text)
            return True
        return False

    def add(self, tree: Tree) -> None:
        self.groups[-1].branch.append(tree)

    def add_set(self, ranges: Ranges) -> None:
        self.add(Characters(ranges))

    def add_literal(self, code: int) -> None:
        self.add_set(self.folded(((code, code),)))

    def folded(self, ranges: Ranges) -> Ranges:
        return characters.fold(ranges) if self.flags.ignore_case else ranges


def _read_next(reading: _Reading) -> None:
    begin = reading.at
    repeated_at, reading.repeated_at = reading.repeated_at, None
    match reading.take():
        case "(":
            _read_group(reading)
        case ")":
            _close(reading)
        case "|":
            reading.groups[-1].end_branch()
        case "[":
            reading.add_set(_read_set(reading, begin))
        case ".":
            everything = characters.ANY if reading.flags.dot_newline else characters.complement(characters.NEWLINE)
            reading.add_set(everything)
        case "^":
            reading.add(Assertion(Look.BEGIN_LINE if reading.flags.multi_line else Look.BEGIN_TEXT))
        case "$":
            reading.add(Assertion(Look.END_LINE if reading.flags.multi_line else Look.END_TEXT))
        case "*" | "+" | "?" | "{" as operator:
            _read_repetition(reading, operator, begin, repeated_at)
        case "\\":
            _read_escape(reading, begin)
        case literal:
            reading.add_literal(ord(literal))


def _read_group(reading: _Reading) -> None:
    begin = reading.at - 1
    flags = reading.flags
    if reading.skip("?"):
        if any(reading.sees(look) for look in ("=", "!", "<=", "<!")):
            raise BadPattern("RE2 has no lookaround", begin)
        if reading.sees("P<") or reading.sees("<"):
            _read_name(reading, begin)
        elif _read_flags(reading, begin):
            return
    if len(reading.groups) > _DEEPEST:
        raise Unreadable("the groups are nested too deep", begin)
    reading.groups.append(_Group(flags))


def _read_name(reading: _Reading, begin: int) -> None:
    name_begin = reading.pattern.index("<", reading.at) + 1
    end = reading.pattern.find(">", name_begin)
    name = reading.pattern[name_begin:end]
    if end < 0 or not name or not all(_is_name_character(one) for one in name):
        raise BadPattern("bad name of a group", begin)
    reading.at = end + 1


def _is_name_character(character: str) -> bool:
    return unicodedata.category(character) in {"Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Mn", "Mc", "Nd", "Pc"}


def _read_flags(reading: _Reading, begin: int) -> bool:
    """Read what follows `(?`, and say whether it is over with that: `(?i)` opens no group, `(?i:` does."""
    turned_on: dict[str, bool] = {}
    value, is_pending = True, False
    while (flag := reading.take()) not in (":", ")"):
        if flag == "-" and value:
            value, is_pending = False, True
        elif flag and flag in "imsU":
            turned_on[flag] = value
            is_pending = False
        else:
            raise BadPattern("bad group after (?", begin)
    if is_pending:
        raise BadPattern("no flag after (?-", begin)
    reading.flags = _Flags(
        turned_on.get("i", reading.flags.ignore_case),
        turned_on.get("s", reading.flags.dot_newline),
        turned_on.get("m", reading.flags.multi_line),
    )
    return flag == ")"


def _close(reading: _Reading) -> None:
    if len(reading.groups) == 1:
        raise BadPattern("unexpected )", reading.at - 1)
    group = reading.groups.pop()
    reading.flags = group.flags_outside
    reading.add(group.tree())


def _read_repetition(reading: _Reading, operator: str, begin: int, repeated_at: int | None) -> None:
    if operator == "{":
        counts = _read_counts(reading)
        if counts is None:
            reading.add_literal(ord("{"))
            return
        low, high = counts
    else:
        low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[operator]
    reading.skip("?")
    if repeated_at is not None:
        raise BadPattern("a repetition cannot be repeated", repeated_at)
    if low > _MOST_TIMES or (high is not None and (high > _MOST_TIMES or low > high)):
        raise BadPattern("bad count of a repetition", begin)
    branch = reading.groups[-1].branch
    if not branch:
        raise BadPattern("nothing to repeat", begin)
    repeat = Repeat(branch.pop(), low, high)
    if _times_left(repeat, _MOST_TIMES) == 0:
        raise BadPattern(f"nested repetitions exceed {_MOST_TIMES}", begin)
    branch.append(repeat)
    reading.repeated_at = begin


def _read_counts(reading: _Reading) -> tuple[int, int | None] | None:
    """The counts after `{`; None where it begins no repetition, and so stands for itself."""
    end = reading.pattern.find("}", reading.at)
    first, comma, second = reading.pattern[reading.at : max(end, reading.at)].partition(",")
    if end < 0 or not _is_count(first) or (second and not _is_count(second)):
        return None
    reading.at = end + 1
    if not comma:
        return int(first), int(first)
    return int(first), int(second) if second else None


def _is_count(text: str) -> bool:
    has_leading_zero = len(text) > 1 and text.startswith("0")
    return text.isascii() and text.isdigit() and not has_leading_zero and len(text) < 10


def _times_left(tree: Tree, times: int) -> int:
    """How often the innermost part may still be repeated: RE2 bounds the product of nested counts."""
    match tree:
        case Repeat(part, low, high):
            count = low if high is None else high
            return _times_left(part, times // count if count else times)
        case Sequence(parts) | Choice(parts):
            return min((_times_left(part, times) for part in parts), default=times)
        case _:
            return times


def _read_escape(reading: _Reading, begin: int) -> None:
    match reading.pattern[reading.at : reading.at + 1]:
        case "A" | "z" | "b" | "B" as letter:
            reading.at += 1
            reading.add(Assertion(Look("\\" + letter)))
        case "C":
            raise Unreadable("\\C matches a byte, not a character", begin)
        case "Q":
            reading.at += 1
            while reading.rest and not reading.skip("\\E"):
                reading.add_literal(ord(reading.take()))
        case _:
            ranges = _read_escaped_set(reading, begin)
            if ranges is None:
                reading.add_literal(_read_escaped_character(reading, begin))
            else:
                reading.add_set(ranges)


def _read_escaped_set(reading: _Reading, begin: int) -> Ranges | None:
    r"""The set that an escape after `\` stands for, or None where it stands for one character."""
    letter = reading.pattern[reading.at : reading.at + 1]
    if letter and letter in "dswDSW":
        reading.at += 1
        ranges = reading.folded(characters.PERL[letter.lower()])
    elif letter and letter in "pP":
        reading.at += 1
        ranges, is_negated = _read_category(reading, begin)
        ranges = reading.folded(ranges)
        return characters.complement(ranges) if is_negated != (letter == "P") else ranges
    else:
        return None
    return characters.complement(ranges) if letter.isupper() else ranges


def _read_category(reading: _Reading, begin: int) -> tuple[Ranges, bool]:
    name = reading.take()
    if name == "{":
        end = reading.pattern.find("}", reading.at)
        if end < 0:
            raise BadPattern("missing } after \\p{", begin)
        name = reading.pattern[reading.at : end]
        reading.at = end + 1
    is_negated = name.startswith("^")
    name = name.removeprefix("^")
    if name == "Any":
        return characters.ANY, is_negated
    if name in characters.CATEGORIES:
        return characters.category(name), is_negated
    if len(name) > 2 and name.replace("_", "").isalpha() and name.istitle():
        raise Unreadable(f"meshlint has no table of the script {name}", begin)
    raise BadPattern("unknown character class after \\p", begin)


def _read_escaped_character(reading: _Reading, begin: int) -> int:
    letter = reading.take()
    if not letter:
        raise BadPattern("trailing \\", begin)
    simple = {"a": 7, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11}
    if letter in simple:
        return simple[letter]
    if letter.isascii() and not letter.isalnum():
        return ord(letter)
    if letter == "x":
        return _read_hexadecimal(reading, begin)
    if letter == "0" or (letter in "1234567" and _octal(reading)):
        digits = letter
        while len(digits) < 3 and _octal(reading):
            digits += reading.take()
        return int(digits, 8)
    if letter.isascii() and letter.isdigit():
        raise BadPattern("RE2 has no backreferences", begin)
    raise BadPattern(f"unknown escape \\{letter}", begin)


def _octal(reading: _Reading) -> bool:
    digit = reading.pattern[reading.at : reading.at + 1]
    return bool(digit) and digit in "01234567"


def _read_hexadecimal(reading: _Reading, begin: int) -> int:
    end = reading.at + 2
    digits = reading.pattern[reading.at : end]
    if reading.skip("{"):
        brace = reading.pattern.find("}", reading.at)
        digits = reading.pattern[reading.at : max(brace, reading.at)]
        end = brace + 1
    elif len(digits) < 2:
        digits = ""
    is_number = bool(digits) and all(digit in "0123456789abcdefABCDEF" for digit in digits)
    if not is_number or int(digits, 16) > characters.LAST:
        raise BadPattern("bad \\x escape", begin)
    reading.at = end
    return int(digits, 16)


def _read_set(reading: _Reading, begin: int) -> Ranges:
    """The set between brackets; a `]` that comes first stands for itself."""
    is_negated = reading.skip("^")
    ranges: list[tuple[int, int]] = []
    first = reading.at
    while not reading.sees("]") or reading.at == first:
        if not reading.rest:
            raise BadPattern("missing ]", begin)
        ranges.extend(_read_member(reading, begin))
    reading.at += 1
    found = characters.union(ranges)
    return characters.complement(found) if is_negated else found


def _read_member(reading: _Reading, begin: int) -> Ranges:
    at = reading.at
    if reading.sees("[:") and (end := reading.pattern.find(":]", at + 2)) >= 0:
        name = reading.pattern[at + 2 : end]
        if name.removeprefix("^") not in characters.POSIX:
            raise BadPattern("unknown character class between [: and :]", at)
        reading.at = end + 2
        ranges = reading.folded(characters.POSIX[name.removeprefix("^")])
        return characters.complement(ranges) if name.startswith("^") else ranges
    if reading.skip("\\"):
        escaped = _read_escaped_set(reading, at)
        if escaped is not None:
            return escaped
        reading.at = at
    low = high = _read_set_character(reading, begin)
    if reading.sees("-") and not reading.sees("-]") and len(reading.rest) > 1:
        reading.at += 1
        high = _read_set_character(reading, begin)
    if high < low:
        raise BadPattern("the range of characters runs backwards", at)
    return reading.folded(((low, high),))


def _read_set_character(reading: _Reading, begin: int) -> int:
    at = reading.at
    if not reading.rest:
        raise BadPattern("missing ]", begin)
    if reading.skip("\\"):
        return _read_escaped_character(reading, at)
    return ord(reading.take())
