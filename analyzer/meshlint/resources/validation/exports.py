"""`exportTo`: the namespaces to which a resource is shown (R203)."""

from collections.abc import Iterator

from meshlint.resources.mistake import Violation
from meshlint.resources.validation.names import clash, invalid, is_label, shown
from meshlint.source.node import Node

_NOBODY = "~"
_EVERYBODY = "*"


def export_flaws(export_to: Node | None, namespace: str, *, may_hide: bool = False) -> Iterator[Violation]:
    """Entries that are no namespaces, stand twice, or do not go together; ServiceEntries *may_hide* from all."""
    entries = [one for one in (export_to.elements if export_to is not None else ()) if isinstance(one.value, str)]
    known: dict[str, Node] = {}
    for node in entries:
        name = str(node.value)
        yield from _entry_flaws(node, may_hide=may_hide)
        meant = namespace if name == "." else name
        if meant in known:
            here = f"{shown(name)} and {shown(known[meant].value)} are the same namespace"
            message = f"{shown(name)} is in the list twice" if name == known[meant].value else here
            yield clash(node, message, "leave it out", "said before", on_key=False)
        known.setdefault(meant, node)
    for lonely, who in ((_EVERYBODY, "everybody"), (_NOBODY, "nobody")):
        if lonely in known and len(known) > 1 and (may_hide or lonely == _EVERYBODY):
            message = f"`{lonely}` means {who}, and does not go with other entries"
            yield clash(known[lonely], message, "keep what is meant", on_key=False)


def _entry_flaws(node: Node, *, may_hide: bool) -> Iterator[Violation]:
    name = str(node.value)
    if name in (".", _EVERYBODY) or (name == _NOBODY and may_hide):
        return
    if name == _NOBODY:
        yield invalid(node, "only a ServiceEntry may be shown to nobody", "write `.` for its own namespace")
    elif not is_label(name):
        yield invalid(node, "neither `.`, nor `*`, nor the name of a namespace")
