"""Kubernetes kinds: Service, Namespace, ServiceAccount, ConfigMap, pods and all that stands for pods."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshlint.resources.base import Labels, LabelSelector, Metadata, Resource
from meshlint.resources.record import Record


@dataclass(frozen=True, slots=True)
class ServicePort(Record):
    """A port of a Service."""

    name: str = ""
    port: int | None = None
    protocol: str = ""
    app_protocol: str | None = None
    target_port: int | str | None = None


@dataclass(frozen=True, slots=True)
class ServiceSpec(Record):
    """The `spec` of a Service."""

    type: str = ""
    selector: Labels = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ip: str = field(default="", metadata={"json": ("clusterIP",)})
    cluster_ips: tuple[str, ...] = field(default=(), metadata={"json": ("clusterIPs",)})
    external_name: str = ""


@dataclass(frozen=True, slots=True)
class ContainerPort(Record):
    """A port that a container declares."""

    name: str = ""
    container_port: int | None = None
    protocol: str = ""


@dataclass(frozen=True, slots=True)
class SecurityContext(Record):
    """As whom the processes of a pod or of a container run."""

    run_as_user: int | None = None
    run_as_group: int | None = None


@dataclass(frozen=True, slots=True)
class Container(Record):
    """A container of a pod."""

    name: str = ""
    image: str = ""
    ports: tuple[ContainerPort, ...] = ()
    security_context: SecurityContext | None = None


@dataclass(frozen=True, slots=True)
class PodSpec(Record):
    """The `spec` of a pod or of a pod template."""

    service_account_name: str = field(default="", metadata={"json": ("serviceAccountName", "serviceAccount")})
    host_network: bool = False
    containers: tuple[Container, ...] = ()
    init_containers: tuple[Container, ...] = ()
    security_context: SecurityContext | None = None


@dataclass(frozen=True, slots=True)
class PodTemplate(Record):
    """What a controller makes pods of."""

    metadata: Metadata | None = None
    spec: PodSpec | None = None


@dataclass(frozen=True, slots=True)
class ControllerSpec(Record):
    """The `spec` of a Deployment, StatefulSet, DaemonSet, ReplicaSet, Job or Rollout."""

    selector: LabelSelector | None = None
    template: PodTemplate | None = None


@dataclass(frozen=True, slots=True)
class JobTemplate(Record):
    """What a CronJob makes jobs of."""

    spec: ControllerSpec | None = None


@dataclass(frozen=True, slots=True)
class CronJobSpec(Record):
    """The `spec` of a CronJob."""

    job_template: JobTemplate | None = None


@dataclass(frozen=True, slots=True)
class ConfigMapSpec(Record):
    """A ConfigMap as a whole; `data` holds texts."""

    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SecretSpec(Record):
    """A Secret as a whole: `data` in base64, `string_data` as it is."""

    type: str = ""
    data: Mapping[str, str] = field(default_factory=dict)
    string_data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bare(Record):
    """A kind of which only identity and metadata matter."""


Service = Resource[ServiceSpec]
Pod = Resource[PodSpec]
Controller = Resource[ControllerSpec]
CronJob = Resource[CronJobSpec]
ConfigMap = Resource[ConfigMapSpec]
Secret = Resource[SecretSpec]
