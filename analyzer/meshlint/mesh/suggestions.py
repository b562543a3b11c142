"""What a name was probably meant as: the nearest among those there are."""

from collections.abc import Iterable
from difflib import get_close_matches

from meshlint.mesh.hosts import home_of
from meshlint.mesh.model import Mesh

_SIMILAR = 0.75


def nearest(name: str, known: Iterable[str]) -> str:
    """The most similar of the *known* names; empty where none is similar enough to be meant."""
    found = get_close_matches(name, sorted(known), n=1, cutoff=_SIMILAR)
    return found[0] if found else ""


def nearest_host(mesh: Mesh, host: str) -> str:
    """The registry's host that *host* was probably meant as: of its own namespace, else of its name elsewhere.

    Names outside the cluster are compared as a whole. Empty where nothing is near.
    """
    domain = mesh.settings.cluster_domain
    home = home_of(host, domain)
    if not home:
        return nearest(host, (one for one in mesh.derived(_names, mesh).get("", {})))
    name = host.partition(".")[0]
    by_namespace = mesh.derived(_names, mesh)
    near = nearest(name, by_namespace.get(home, {}))
    if near:
        return by_namespace[home][near]
    return next((names[name] for _, names in sorted(by_namespace.items()) if name in names), "")


def did_you_mean(name: str) -> str:
    """The hint that offers *name*, empty where there is none to offer."""
    return f"did you mean `{name}`?" if name else ""


def _names(mesh: Mesh) -> dict[str, dict[str, str]]:
    """Full names by namespace and by what stands before it; those outside the cluster under no namespace."""
    found: dict[str, dict[str, str]] = {}
    for host in mesh.hosts:
        home = home_of(host.name, mesh.settings.cluster_domain)
        short = host.name.partition(".")[0] if home else host.name
        found.setdefault(home, {}).setdefault(short, host.name)
    return found
