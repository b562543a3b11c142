"""The pages of `rules/`: what each says about its rule, and the examples it shows.

A page is the one source of a rule's identity, documentation and first tests: nothing about a rule stands elsewhere.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import yaml

from meshlint import data
from meshlint.finding import Rule, Severity
from meshlint.mesh.settings import Settings, World
from meshlint.source.text import Source

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PAGE_NAME = re.compile(r"(MSH\d{3})-([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\.md")
_FRONT_MATTER = re.compile(r"---\n(.*?\n)---\n(.*)", re.DOTALL)
_ALIAS = re.compile(r"(IST|KIA)\d{4}")
_KEYS = frozenset({"summary", "severity", "since", "aliases", "references", "default"})
_PART = re.compile(
    r"^#+[ \t]+(?P<heading>.+?)[ \t]*$|^```(?P<words>[^\n`]*)\n(?P<text>.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL
)
_KIND = re.compile(r"yaml[ \t]+(bad|good|fixed)\b(.*)")
_MARK = re.compile(r"[ \t]*#[ \t]*error((?:[ \t]+MSH\d{3})*)[ \t]*$")


class CatalogueError(Exception):
    """A page does not say what a page has to say; the message begins with the page's name."""


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """A place where an example promises a finding: file, line and the code of the rule."""

    file: str
    line: int
    code: str


@dataclass(frozen=True, slots=True)
class Example:
    """Input that a page shows, without its marks, and what meshlint makes of it.

    One without marks is good: no rule finds anything in it. `fixed` is the same input with the rule's
    fixes applied, empty where the page does not show it.
    """

    heading: str
    files: tuple[Source, ...]
    marks: tuple[Mark, ...] = ()
    fixed: tuple[Source, ...] = ()
    settings: Settings = field(default_factory=Settings)
    mesh_config: Source | None = None
    mesh_networks: Source | None = None


@cache
def rules() -> tuple[Rule, ...]:
    """Every rule there is, by code."""
    pages = sorted(data.folder("rules").glob("*.md"), key=lambda page: page.name)
    return tuple(read_rule(page.name, page.read_text(encoding="utf-8")) for page in pages)


def examples(rule: Rule) -> tuple[Example, ...]:
    """The examples on a rule's page, in the page's order."""
    return read_examples(f"{rule.code}-{rule.name}.md", rule.page, rule.code)


def read_rule(page_name: str, text: str) -> Rule:
    """The rule that the page of that name with that text describes; its code and name are the page's name."""
    named = _PAGE_NAME.fullmatch(page_name)
    parts = _FRONT_MATTER.fullmatch(text)
    if named is None:
        raise CatalogueError(f"{page_name}: a page is called like `MSH101-unreachable-route.md`")
    if parts is None:
        raise CatalogueError(f"{page_name}: the page does not begin with front matter between `---` lines")
    matter = _front_matter(page_name, parts[1])
    return Rule(
        code=named[1],
        name=named[2],
        summary=_text(page_name, matter, "summary"),
        severity=_severity(page_name, matter),
        since=_text(page_name, matter, "since"),
        aliases=_aliases(page_name, matter),
        references=_texts(page_name, matter, "references"),
        is_default=_is_default(page_name, matter),
        page=parts[2].lstrip("\n"),
    )


def read_examples(page_name: str, text: str, code: str) -> tuple[Example, ...]:
    """The examples in a Markdown text. A bare `# error` mark stands for *code*.

    A fence `yaml bad` or `yaml good` is an example. Fences in a row that say `file=NAME` are the files of
    one. `yaml fixed` after a bad one is what its fixes make of it; of several files, it shows those that change.
    `world=`, `version=`, `now=` and `namespace=` are the options of that name; `mesh-config` and `mesh-networks` make the
    fence that file of the mesh.
    """
    found: list[Example] = []
    group: list[_Fence] = []
    for fence in _fences(page_name, text):
        if group and not fence.continues(group):
            _add(found, page_name, group, code)
            group = []
        group.append(fence)
    if group:
        _add(found, page_name, group, code)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Fence:
    heading: str
    kind: str
    options: Mapping[str, str]
    text: str

    @property
    def file(self) -> str:
        return self.options.get("file", f"{self.role or 'example'}.yaml")

    @property
    def role(self) -> str:
        return next((role for role in ("mesh-config", "mesh-networks") if role in self.options), "")

    def continues(self, group: "list[_Fence]") -> bool:
        """Whether this is one more file of the example that *group* began."""
        last = group[-1]
        is_named = all(one.role or "file" in one.options for one in (self, last))
        return (
            is_named
            and (self.heading, self.kind) == (last.heading, last.kind)
            and self.file not in {one.file for one in group}
        )


def _fences(page_name: str, text: str) -> list[_Fence]:
    fences: list[_Fence] = []
    heading = ""
    for part in _PART.finditer(text):
        if part["heading"]:
            heading = part["heading"]
        elif kind := _KIND.fullmatch(part["words"]):
            fences.append(_Fence(heading, kind[1], _options(page_name, kind[2]), part["text"]))
    return fences


def _options(page_name: str, words: str) -> dict[str, str]:
    options = {key: value for key, _, value in (word.partition("=") for word in words.split())}
    unknown = options.keys() - {"file", "world", "version", "namespace", "now", "mesh-config", "mesh-networks"}
    if unknown:
        raise CatalogueError(f"{page_name}: a fence has no option {min(unknown)!r}")
    return options


def _add(found: list[Example], page_name: str, group: list[_Fence], code: str) -> None:
    kind, heading = group[0].kind, group[0].heading
    read = [(fence, *_without_marks(fence, code)) for fence in group]
    marks = tuple(mark for _, _, marked in read for mark in marked)
    if (kind == "bad") != bool(marks):
        raise CatalogueError(f"{page_name}: under {heading!r}: a `bad` example has `# error` marks, others have none")
    sources = {fence.role or fence.file: source for fence, source, _ in read}
    if kind == "fixed":
        found.append(_with_fixed(page_name, found.pop() if found else None, heading, tuple(sources.values())))
        return
    roles = {role: sources.pop(role, None) for role in ("mesh-config", "mesh-networks")}
    found.append(
        Example(
            heading=heading,
            files=tuple(sources.values()),
            marks=marks,
            settings=_settings(page_name, group),
            mesh_config=roles["mesh-config"],
            mesh_networks=roles["mesh-networks"],
        )
    )


def _with_fixed(page_name: str, bad: Example | None, heading: str, changed: tuple[Source, ...]) -> Example:
    if bad is None or not bad.marks or bad.heading != heading or bad.fixed:
        raise CatalogueError(f"{page_name}: under {heading!r}: a `fixed` example follows a `bad` one")
    by_name = {source.name: source for source in changed}
    if by_name.keys() - {source.name for source in bad.files}:
        raise CatalogueError(f"{page_name}: under {heading!r}: the `fixed` example has a file that the `bad` one lacks")
    fixed = tuple(by_name.get(source.name, source) for source in bad.files)
    return Example(bad.heading, bad.files, bad.marks, fixed, bad.settings, bad.mesh_config, bad.mesh_networks)


def _without_marks(fence: _Fence, code: str) -> tuple[Source, list[Mark]]:
    marks: list[Mark] = []
    lines = fence.text.split("\n")
    for index, line in enumerate(lines):
        if mark := _MARK.search(line):
            lines[index] = line[: mark.start()]
            marks += (Mark(fence.file, index + 1, marked) for marked in mark[1].split() or [code])
    return Source(fence.file, "\n".join(lines)), marks


def _settings(page_name: str, group: list[_Fence]) -> Settings:
    options = {key: value for fence in group for key, value in fence.options.items()}
    default = Settings()
    try:
        return Settings(
            namespace=options.get("namespace", default.namespace),
            world=World(options.get("world", default.world.value)),
            istio_version=_version(options["version"]) if "version" in options else default.istio_version,
            now=date.fromisoformat(options["now"]) if "now" in options else default.now,
        )
    except ValueError as error:
        raise CatalogueError(f"{page_name}: {error}") from error


def _version(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)\.(\d+)", text)
    if match is None:
        raise ValueError(f"{text!r} is no release such as 1.27")
    return int(match[1]), int(match[2])


def _front_matter(page_name: str, text: str) -> Mapping[str, object]:
    try:
        matter = yaml.load(text, Loader=_LOADER)  # noqa: S506, both loaders are safe ones
    except yaml.YAMLError as error:
        raise CatalogueError(f"{page_name}: the front matter is no YAML: {error}") from error
    if not isinstance(matter, dict):
        raise CatalogueError(f"{page_name}: the front matter is no mapping")
    unknown = matter.keys() - _KEYS
    if unknown:
        raise CatalogueError(f"{page_name}: the front matter has no key {min(map(str, unknown))!r}")
    return matter


def _text(page_name: str, matter: Mapping[str, object], key: str) -> str:
    value = matter.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CatalogueError(f"{page_name}: `{key}` is a text and not empty")
    return value.strip()


def _texts(page_name: str, matter: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = matter.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise CatalogueError(f"{page_name}: `{key}` is a list of texts")
    return tuple(values)


def _severity(page_name: str, matter: Mapping[str, object]) -> Severity:
    try:
        return Severity(matter.get("severity"))
    except ValueError as error:
        raise CatalogueError(f"{page_name}: `severity` is one of error, warning, info") from error


def _aliases(page_name: str, matter: Mapping[str, object]) -> tuple[str, ...]:
    aliases = _texts(page_name, matter, "aliases")
    for alias in aliases:
        if not _ALIAS.fullmatch(alias):
            raise CatalogueError(f"{page_name}: {alias!r} is no alias such as IST0130 or KIA1101")
    return aliases


def _is_default(page_name: str, matter: Mapping[str, object]) -> bool:
    value = matter.get("default", True)
    if not isinstance(value, bool):
        raise CatalogueError(f"{page_name}: `default` is true or false")
    return value
