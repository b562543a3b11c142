"""`explain` and `rules`: what the catalogue says, as text."""

from enum import Enum
from json import dumps
from typing import assert_never

from meshlint import catalogue, policy
from meshlint.finding import Rule


class Listing(Enum):
    """The forms of the list of rules."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def explained(selector: str) -> str:
    """The pages of the rules that a code, a name or an alias stands for."""
    return "\n".join(map(_page, policy.named(selector, catalogue.rules())))


def listed(form: Listing) -> str:
    """All rules, one a line or one an object."""
    match form:
        case Listing.TABLE:
            return _table(catalogue.rules())
        case Listing.JSON:
            return dumps([_fields(rule) for rule in catalogue.rules()], indent=2, ensure_ascii=False) + "\n"
        case Listing.MARKDOWN:
            rows = (f"| {r.code} | {r.name} | {r.severity.value} | {r.summary} |\n" for r in catalogue.rules())
            return "| code | name | severity | what |\n|---|---|---|---|\n" + "".join(rows)
        case _:
            assert_never(form)


def _page(rule: Rule) -> str:
    facts = [f"severity: {rule.severity.value}", f"since: {rule.since}"]
    facts += [f"reported elsewhere as: {', '.join(rule.aliases)}"] if rule.aliases else []
    facts += [] if rule.is_default else [f"off by default: --extend-select {rule.code} turns it on"]
    references = "\n".join(["", "See also:", "", *(f"- {link}" for link in rule.references), ""])
    head = f"# {rule.code} {rule.name}\n\n{rule.summary}\n\n" + "".join(f"- {fact}\n" for fact in facts)
    return f"{head}\n{rule.page.strip()}\n{references if rule.references else ''}"


def _table(rules: tuple[Rule, ...]) -> str:
    width = max((len(rule.name) for rule in rules), default=0)
    return "".join(
        f"{rule.code}  {rule.name:{width}}  {rule.severity.value:7}  "
        f"{'' if rule.is_default else '(off by default) '}{rule.summary}\n"
        for rule in rules
    )


def _fields(rule: Rule) -> dict[str, object]:
    return {
        "code": rule.code,
        "name": rule.name,
        "summary": rule.summary,
        "severity": rule.severity.value,
        "default": rule.is_default,
        "since": rule.since,
        "aliases": list(rule.aliases),
        "references": list(rule.references),
    }
