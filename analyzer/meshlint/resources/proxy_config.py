"""ProxyConfig: settings of the proxies of a namespace or workload (`networking.istio.io/v1beta1`)."""

from dataclasses import dataclass

from meshlint.resources.base import LabelSelector, Resource
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class ProxyConfigSpec(Record):
    """The `spec` of a ProxyConfig."""

    selector: LabelSelector | None = None


ProxyConfig = Resource[ProxyConfigSpec]
