"""Writes `schemas/releases.json` and `schemas/annotations.json` anew from lists of facts that a maintainer downloads.

    python tools/make_releases.py kinds.json annotations.json labels.json gateway-api-crds.yaml ...

- `kinds.json`: what the CustomResourceDefinitions of each release X.Y.0 of Istio shipped:
  `{"meta": {"releases": ["1.0.0", …]}, "kinds": {"GROUP/KIND": {"versions": {"VERSION": ["first", "last"]}}}}`.
- `annotations.json`: what Istio's API says of its annotations in each release:
  `{"annotations": {"NAME": {"resources", "status", "deprecated", "automatic", "value", "first", "removed_after"}}}`,
  and under `unlisted` those that only the code knows, which have `resources` alone.
- `labels.json`: the same for labels, of which the names are taken.
- The other files hold the CustomResourceDefinitions of one release of the Gateway API, a file for each channel.

The output holds facts only. A range is `FIRST` where the newest release that was looked at still has it, else
`FIRST-LAST`.
"""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
WIDTH = 120
BUNDLE = "gateway.networking.k8s.io/bundle-version"
IN_1_0_3 = frozenset({"config.istio.io/cloudwatch", "config.istio.io/dogstatsd"})
"""Kinds that 1.0.0 lacked and 1.0.3 had: for us they are of 1.0."""


def main(kinds: str, annotations: str, labels: str, *gateway_api: str) -> None:
    """Write both files."""
    releases = {"istio": istio(json.loads(Path(kinds).read_text())), "gatewayApi": gateway(gateway_api)}
    write("releases.json", releases)
    labels_known = json.loads(Path(labels).read_text())
    names = sorted({*labels_known["labels"], *labels_known["unlisted"]})
    facts = annotation_facts(json.loads(Path(annotations).read_text()))
    write("annotations.json", {"annotations": facts, "labels": names})


def istio(facts: Mapping[str, Any]) -> dict[str, Any]:
    """In which releases each version of each kind was served, by group, kind and version."""
    newest = facts["meta"]["releases"][-1]
    groups: dict[str, Any] = {}
    for name, kind in sorted(facts["kinds"].items()):
        group, _, short = name.partition("/")
        ranges = {
            version: span("1.0.0" if name in IN_1_0_3 else first, None if last == newest else last)
            for version, (first, last) in kind["versions"].items()
        }
        groups.setdefault(group, {})[short] = dict(sorted(ranges.items()))
    return groups


def gateway(paths: Iterable[str]) -> dict[str, Any]:
    """The versions that some channel of the Gateway API serves, and the one that is stored, by kind."""
    kinds: dict[str, Any] = {}
    bundle = ""
    for path in paths:
        for crd in yaml.load_all(Path(path).read_text(), Loader=yaml.CSafeLoader):
            if crd and crd["kind"] == "CustomResourceDefinition" and crd["spec"]["group"] == BUNDLE.partition("/")[0]:
                bundle = crd["metadata"]["annotations"][BUNDLE].removeprefix("v")
                kind = kinds.setdefault(crd["spec"]["names"]["kind"], {"served": set(), "stored": ""})
                kind["served"] |= {one["name"] for one in crd["spec"]["versions"] if one["served"]}
                kind["stored"] = next(one["name"] for one in crd["spec"]["versions"] if one["storage"])
    listed = {name: {"served": sorted(one["served"]), "stored": one["stored"]} for name, one in sorted(kinds.items())}
    return {"bundle": bundle, "kinds": listed}


def annotation_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of each annotation, less what says nothing."""
    listed = {name: annotation(one) for name, one in facts["annotations"].items()}
    unlisted = {name: {"in": "1.0", "on": one["resources"]} for name, one in facts["unlisted"].items()}
    return dict(sorted({**unlisted, **listed}.items()))


def annotation(fact: Mapping[str, Any]) -> dict[str, Any]:
    """One annotation: the releases that list it, where it belongs, and what it may say."""
    said: dict[str, Any] = {"in": span(fact["first"], fact.get("removed_after")), "on": fact["resources"]}
    said |= {"status": fact["status"]} if fact["status"] else {}
    said |= {flag: True for flag in ("deprecated", "automatic") if fact.get(flag)}
    return said | ({"value": fact["value"]} if "value" in fact else {})


def span(first: str, last: str | None) -> str:
    """A range of releases, without patch numbers."""
    return short(first) if last is None else f"{short(first)}-{short(last)}"


def short(release: str) -> str:
    """A release without its patch number."""
    return release.rpartition(".")[0]


def write(name: str, facts: Mapping[str, Any]) -> None:
    """Write facts so that each line holds one."""
    (SCHEMAS / name).write_text(shown(facts, 0) + "\n")


def shown(value: object, depth: int) -> str:
    """JSON that is one line where it fits, one line an entry where it does not."""
    line = json.dumps(value, separators=(",", ":"))
    if not isinstance(value, dict) or (depth and len(line) + depth <= WIDTH):
        return line
    entries = (f"{' ' * (depth + 1)}{json.dumps(key)}:{shown(below, depth + 1)}" for key, below in value.items())
    return "{\n" + ",\n".join(entries) + "\n" + " " * depth + "}"


if __name__ == "__main__":
    main(*sys.argv[1:])
