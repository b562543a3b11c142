"""What the user says about the input as a whole."""

from dataclasses import dataclass
from datetime import date
from enum import Enum


class World(Enum):
    """How much of the mesh the input holds: whether a reference to nothing is a mistake."""

    AUTO = "auto"
    COMPLETE = "complete"
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Settings:
    """The namespace of resources that name none, the world, and the release of Istio aimed at.

    `now` is the day as of which certificates are judged; None leaves their dates alone.
    """

    namespace: str = "default"
    world: World = World.AUTO
    istio_version: tuple[int, int] = (1, 30)
    cluster_domain: str = "cluster.local"
    now: date | None = None
