"""What the user's wishes make of problems: which rules run, how severe they are, and what silences a finding."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from hashlib import sha256
from json import dumps
from posixpath import join, relpath

from meshlint.config import Config, UsageError, suggestion
from meshlint.finding import Finding, Problem, Ref, Rule, Severity, Suppression
from meshlint.mesh.model import Mesh
from meshlint.resources.base import Resource
from meshlint.resources.record import Record
from meshlint.source import comments
from meshlint.source.comments import Ignore
from meshlint.source.text import Source, Span

_CODES = re.compile(r"MSH\d{0,3}")
_OURS = "meshlint.dev/ignore"
_ISTIO = "galley.istio.io/analyze-suppress"
_KIALI = "kiali.io/ignore-validations"
_UNCHOSEN = -1


def named(selector: str, rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """The rules that a selector stands for: a code, the beginning of one (`MSH1`), a name, an IST or KIA alias.

    Raises UsageError where it stands for none.
    """
    rules = tuple(rules)
    found = tuple(rule for rule in rules if is_named(rule, selector))
    if not found:
        known = tuple(word for rule in rules for word in (rule.code, rule.name, *rule.aliases))
        raise UsageError(f"no rule is called {selector!r}{suggestion(selector, known)}")
    return found


def is_named(rule: Rule, selector: str) -> bool:
    """Whether *selector* stands for the rule, perhaps among others."""
    if _CODES.fullmatch(selector):
        return rule.code.startswith(selector)
    return selector == rule.name or selector in rule.aliases


def enabled(rules: Iterable[Rule], config: Config) -> tuple[Rule, ...]:
    """The rules that run. Of two selectors that disagree the more specific one counts, of equal ones the ignoring one.

    Raises UsageError where a selector anywhere in *config* stands for no rule.
    """
    rules = tuple(rules)
    chosen = (*config.select, *config.extend_select)
    refused = (*config.ignore, *config.extend_ignore)
    per_file = (selector for selectors in config.per_file_ignores.values() for selector in selectors)
    for selector in (*chosen, *refused, *per_file, *config.severities):
        named(selector, rules)
    return tuple(rule for rule in rules if _choice(rule, chosen, config) > _specificity(rule, refused))


def severity_of(rule: Rule, config: Config) -> Severity:
    """How bad the user thinks a violation of the rule is, the rule's own severity where they do not say."""
    given = [selector for selector in config.severities if is_named(rule, selector)]
    return config.severities[max(given, key=_length)] if given else rule.severity


def findings(problems: Iterable[tuple[Rule, Problem]], mesh: Mesh, config: Config) -> tuple[Finding, ...]:
    """The problems under the user's policy, sorted by file, place and code. Silenced ones are there and say by what."""
    ordered = sorted(problems, key=lambda found: _order(*found))
    seen: Counter[str] = Counter()
    return tuple(_finding(rule, problem, mesh, config, seen) for rule, problem in ordered)


@cache
def covers(pattern: str, path: str) -> bool:
    """Whether a pattern as in `.gitignore` covers the file at *path*, itself or as part of a folder.

    `*` and `?` stay within a folder, `**` does not. A pattern without a slash before its end covers at any depth.
    """
    pattern = pattern.removeprefix("./")
    anchored = pattern.rstrip("/").removeprefix("/")
    deep = "" if "/" in pattern.rstrip("/") else "(?:.*/)?"
    body = "".join(_GLOB.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", anchored))
    return re.fullmatch(f"{deep}{body}(?:/.*)?", path) is not None


_GLOB = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def _choice(rule: Rule, chosen: tuple[str, ...], config: Config) -> int:
    by_default = 0 if rule.is_default and not config.select else _UNCHOSEN
    return max(by_default, _specificity(rule, chosen))


def _specificity(rule: Rule, selectors: Iterable[str]) -> int:
    return max((_length(selector) for selector in selectors if is_named(rule, selector)), default=_UNCHOSEN)


def _length(selector: str) -> int:
    """How much of a code a selector spells out; a name or an alias is as good as all of it."""
    return len(selector) if _CODES.fullmatch(selector) else len("MSH000")


def _order(rule: Rule, problem: Problem) -> tuple[str, int, str, int, str, str]:
    span = problem.span
    return span.source.name, span.start, rule.code, span.end, problem.node.pointer, problem.message


def _finding(rule: Rule, problem: Problem, mesh: Mesh, config: Config, seen: Counter[str]) -> Finding:
    resource = mesh.resource_of(problem.node.document)
    ref = mesh.ref_of(problem.node.document)
    fingerprint = _fingerprint(rule, problem, ref)
    seen[fingerprint] += 1
    return Finding(
        rule=rule,
        severity=severity_of(rule, config),
        problem=problem,
        resource=ref,
        fingerprint=fingerprint if seen[fingerprint] == 1 else f"{fingerprint}-{seen[fingerprint]}",
        suppressed=next(_suppressions(rule, problem, resource, mesh, config), None),
    )


def _fingerprint(rule: Rule, problem: Problem, ref: Ref | None) -> str:
    """Which finding it is, whatever moves around it: rule, resource, path and value, but no line and no API version."""
    who = [ref.api_version.rpartition("/")[0], ref.kind, ref.namespace, ref.name] if ref is not None else []
    value = sha256(dumps(problem.node.plain, sort_keys=True).encode()).hexdigest()
    return sha256(dumps([rule.code, who, problem.node.pointer, value]).encode()).hexdigest()[:20]


def _suppressions(
    rule: Rule, problem: Problem, resource: Resource[Record] | None, mesh: Mesh, config: Config
) -> Iterator[Suppression]:
    if config.respects_ignores:
        yield from _comments(rule, problem, mesh)
        if resource is not None:
            yield from _annotations(rule, resource)
    path = relpath(join(config.directory, problem.span.source.name), config.root)
    for pattern, selectors in config.per_file_ignores.items():
        if covers(pattern, path) and any(is_named(rule, selector) for selector in selectors):
            yield Suppression(None, f"per-file-ignores of {pattern}")


def _comments(rule: Rule, problem: Problem, mesh: Mesh) -> Iterator[Suppression]:
    for ignore, scope in mesh.derived(_scopes, mesh, problem.span.source):
        if comments.covers(scope, problem.node) and any(is_named(rule, selector) for selector in ignore.rules):
            yield Suppression(ignore.span, ignore.reason)


def _scopes(mesh: Mesh, source: Source) -> tuple[tuple[Ignore, Span], ...]:
    """The ignore comments of a source with what each applies to."""
    asked = [ignore for ignore in comments.ignores(source) if ignore.problem is None]
    roots = [root for root in mesh.documents if root.span.source is source] if asked else []
    scopes = [(ignore, comments.scope_of(ignore, roots)) for ignore in asked]
    return tuple((ignore, scope) for ignore, scope in scopes if scope is not None)


def _annotations(rule: Rule, resource: Resource[Record]) -> Iterator[Suppression]:
    """What the annotations of the resource silence: istioctl's and Kiali's only what stands for a code of theirs."""
    annotations = resource.metadata.annotations
    span = {key: resource.node.at("metadata", "annotations", key).span for key in (_OURS, _ISTIO, _KIALI)}
    for selectors, reason in _reasons(annotations.get(_OURS, "")):
        if any(is_named(rule, selector) for selector in selectors):
            yield Suppression(span[_OURS], reason)
    istio, kiali = (tuple(alias for alias in rule.aliases if alias.startswith(tool)) for tool in ("IST", "KIA"))
    codes = _words(annotations.get(_ISTIO, ""))
    if istio and ("*" in codes or not codes.isdisjoint(istio)):
        yield Suppression(span[_ISTIO], "")
    if kiali and _KIALI in annotations:
        codes = _words(annotations[_KIALI])
        if not codes or not codes.isdisjoint(kiali):
            yield Suppression(span[_KIALI], "")


def _reasons(text: str) -> Iterator[tuple[frozenset[str], str]]:
    for part in text.split(";"):
        selectors, _, reason = part.partition(":")
        yield _words(selectors), reason.strip()


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[^\s,]+", text))
