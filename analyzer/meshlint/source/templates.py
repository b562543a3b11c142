"""Whether a text is a template that is yet to be rendered (Helm, Go), and so no YAML at all."""

import re

_BLOCK_SCALAR = re.compile(r"(?:^|[\s:-])[|>][-+0-9]{0,2}[ \t]*(?:#.*)?$")
_QUOTED = re.compile(r"""(?<![^\s:,\[{-])(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')""")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_HELM = re.compile(
    r"\{\{[^}]*(?:\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|\b(?:include|template|tpl)\s)"
)


def has_action(text: str) -> bool:
    """Whether `{{` stands in *text*, which does not parse, outside comments, quotes and block scalars."""
    if "{{" not in text:
        return False
    within: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if within is not None and (not line.strip() or indent > within):
            continue
        within = indent if _BLOCK_SCALAR.search(line) else None
        if "{{" in _COMMENT.sub("", _QUOTED.sub("", line)):
            return True
    return False


def is_helm(text: str) -> bool:
    """Whether an unquoted scalar, which parses, can only be meant for Helm: it names Helm's own objects."""
    return "{{" in text and _HELM.search(text) is not None
