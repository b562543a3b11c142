"""The input as a whole: what of it nobody looked into."""

from collections.abc import Iterator, Sequence

from meshlint.finding import Note, Problem
from meshlint.mesh.model import Mesh, Unread
from meshlint.registry import checks


@checks("MSH020")
def unread_input(mesh: Mesh) -> Iterator[Problem]:
    """Files that were passed over, once a folder and reason: what is in them is missing from all other findings."""
    groups: dict[tuple[str, str], list[Unread]] = {}
    for one in mesh.unread:
        folder = one.node.span.source.name.rpartition("/")[0]
        groups.setdefault((folder, one.why), []).append(one)
    for (_, why), some in groups.items():
        yield _problem(some, why)


def _problem(some: Sequence[Unread], why: str) -> Problem:
    first, *others = some
    more = f", nor {len(others)} more of the folder" if others else ""
    return Problem(
        first.node,
        f"not read{more}: {why}",
        label="not read",
        notes=tuple(Note(one.node.span, "not read either") for one in others),
    )
