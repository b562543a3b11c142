"""Who sees what: `exportTo` (routing R203, R512, R516)."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Audience:
    """The namespaces whose proxies see an object; None stands for all of them."""

    namespaces: frozenset[str] | None = None

    def includes(self, namespace: str) -> bool:
        """Whether proxies in *namespace* see the object."""
        return self.namespaces is None or namespace in self.namespaces

    def meets(self, other: "Audience") -> bool:
        """Whether some namespace sees both objects."""
        if self.namespaces is None or other.namespaces is None:
            return self.namespaces != frozenset() and other.namespaces != frozenset()
        return bool(self.namespaces & other.namespaces)

    def common(self, other: "Audience") -> "Audience":
        """The namespaces that see both objects."""
        if self.namespaces is None:
            return other
        return self if other.namespaces is None else Audience(self.namespaces & other.namespaces)

    def is_private(self, namespace: str) -> bool:
        """Whether only *namespace*, the object's own, sees it."""
        return self.namespaces == frozenset({namespace})

    def __str__(self) -> str:
        """The audience in words, to stand after "clients"."""
        if self.namespaces is None:
            return "in every namespace"
        names = [f"`{name}`" for name in sorted(self.namespaces)]
        if not names:
            return "in no namespace"
        return f"in namespace {names[0]}" if len(names) == 1 else f"in namespaces {', '.join(names)}"


EVERYONE = Audience()


def audience(export_to: Iterable[str] | None, namespace: str, default: Iterable[str] = ()) -> Audience:
    """Who sees an object of *namespace* with this `exportTo`; an unset one takes the mesh's *default* (R203)."""
    wanted = tuple(export_to or ()) or tuple(default) or ("*",)
    if "*" in wanted:
        return EVERYONE
    return Audience(frozenset(namespace if name == "." else name for name in wanted if name != "~"))
