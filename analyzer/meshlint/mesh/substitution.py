r"""Replacing what an RE2 expression matches, as Envoy rewrites paths (R406).

RE2 and Python choose the same match and the same groups for the plain part of the syntax, and only that part is
followed here: no classes by name, no flags but a leading `(?i)`, no `\Q`, no repeated groups that are referred to.
"""

import re

from meshlint.mesh import re2

_PLAIN = re.compile(
    r"""(?:\(\?i\))?(?:
      [^\\()\[\]{}*+?|.^$]            # a literal character
    | [.^$|)]
    | \((?:\?:|\?P<[A-Za-z_]\w*>)?(?!\?)
    | \\(?:[dDwWsSbB]|[^A-Za-z0-9])
    | \[\^?\]?(?:[^\\\[\]&~|]|\\(?:[dDwWsS]|[^A-Za-z0-9]))*\]
    | [*+?]\??
    | \{\d+(?:,\d*)?\}\??
    )*""",
    re.VERBOSE,
)
_REFERENCE = re.compile(r"\\([0-9])")


def substituted(text: str, pattern: str, rewrite: str) -> str | None:
    """The text with each match replaced; None where that cannot be told for sure. Raises `BadPattern`."""
    re2.parse(pattern)
    is_plain = _PLAIN.fullmatch(pattern) is not None and pattern.isascii() and text.isascii() and "--" not in pattern
    has_references = re.search(r"\\[1-9]", rewrite) is not None
    if not is_plain or "\n" in text or (has_references and re.search(r"\)[*+{]", pattern)):
        return None
    if re.search(r"\\(?![0-9\\])", rewrite.replace("\\\\", "")) is not None:
        return None
    compiled = re.compile(pattern, re.ASCII)
    if any(int(number) > compiled.groups for number in _REFERENCE.findall(rewrite.replace("\\\\", ""))):
        return text
    return _replaced(text, compiled, rewrite)


def _replaced(text: str, pattern: re.Pattern[str], rewrite: str) -> str:
    """RE2's own loop: an empty match right behind another one does not count, which Python sees otherwise."""
    done: list[str] = []
    at, last_end = 0, -1
    while at <= len(text):
        found = pattern.search(text, at)
        if found is None:
            break
        done.append(text[at : found.start()])
        if found.start() == found.end() == last_end:
            done.append(text[at : at + 1])
            at += 1
            continue
        done.append(_written(rewrite, found))
        at = last_end = found.end()
    return "".join(done) + text[at:]


def _written(rewrite: str, found: re.Match[str]) -> str:
    def one(part: re.Match[str]) -> str:
        return "\\" if part[0] == "\\\\" else found[int(part[0][1])] or ""

    return re.sub(r"\\[0-9\\]", one, rewrite)
