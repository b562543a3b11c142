"""Which kinds meshlint reads into records, and how an object of the input becomes a resource."""

from collections.abc import Mapping

from meshlint.finding import Ref
from meshlint.resources import (
    extension,
    gateway,
    gateway_api,
    legacy,
    mesh_config,
    security,
    service_entry,
    sidecar,
    virtual_service,
    webhook,
    workload,
)
from meshlint.resources.base import Metadata, Resource
from meshlint.resources.destination_rule import DestinationRuleSpec
from meshlint.resources.envoy_filter import EnvoyFilterSpec
from meshlint.resources.network_policy import NetworkPolicySpec
from meshlint.resources.proxy_config import ProxyConfigSpec
from meshlint.resources.record import Record, decode
from meshlint.source.node import Node

KINDS: Mapping[tuple[str, str], type[Record]] = {
    ("networking.istio.io", "VirtualService"): virtual_service.VirtualServiceSpec,
    ("networking.istio.io", "DestinationRule"): DestinationRuleSpec,
    ("networking.istio.io", "Gateway"): gateway.GatewaySpec,
    ("networking.istio.io", "ServiceEntry"): service_entry.ServiceEntrySpec,
    ("networking.istio.io", "WorkloadEntry"): service_entry.WorkloadEntrySpec,
    ("networking.istio.io", "WorkloadGroup"): service_entry.WorkloadGroupSpec,
    ("networking.istio.io", "Sidecar"): sidecar.SidecarSpec,
    ("networking.istio.io", "ProxyConfig"): ProxyConfigSpec,
    ("networking.istio.io", "EnvoyFilter"): EnvoyFilterSpec,
    ("security.istio.io", "AuthorizationPolicy"): security.AuthorizationPolicySpec,
    ("security.istio.io", "PeerAuthentication"): security.PeerAuthenticationSpec,
    ("security.istio.io", "RequestAuthentication"): security.RequestAuthenticationSpec,
    ("rbac.istio.io", "RbacConfig"): legacy.RbacConfigSpec,
    ("rbac.istio.io", "ClusterRbacConfig"): legacy.RbacConfigSpec,
    ("rbac.istio.io", "ServiceRole"): legacy.ServiceRoleSpec,
    ("rbac.istio.io", "ServiceRoleBinding"): legacy.ServiceRoleBindingSpec,
    ("authentication.istio.io", "Policy"): legacy.AuthenticationPolicySpec,
    ("authentication.istio.io", "MeshPolicy"): legacy.AuthenticationPolicySpec,
    ("telemetry.istio.io", "Telemetry"): extension.TelemetrySpec,
    ("extensions.istio.io", "WasmPlugin"): extension.WasmPluginSpec,
    ("extensions.istio.io", "TrafficExtension"): extension.TrafficExtensionSpec,
    ("gateway.networking.k8s.io", "Gateway"): gateway.KubernetesGatewaySpec,
    ("gateway.networking.k8s.io", "GatewayClass"): gateway.GatewayClassSpec,
    ("gateway.networking.k8s.io", "HTTPRoute"): gateway_api.HTTPRouteSpec,
    ("gateway.networking.k8s.io", "GRPCRoute"): gateway_api.GRPCRouteSpec,
    ("gateway.networking.k8s.io", "TLSRoute"): gateway_api.TLSRouteSpec,
    ("gateway.networking.k8s.io", "TCPRoute"): gateway_api.PlainRouteSpec,
    ("gateway.networking.k8s.io", "UDPRoute"): gateway_api.PlainRouteSpec,
    ("gateway.networking.k8s.io", "ListenerSet"): gateway_api.ListenerSetSpec,
    ("gateway.networking.k8s.io", "ReferenceGrant"): gateway_api.ReferenceGrantSpec,
    ("gateway.networking.k8s.io", "BackendTLSPolicy"): gateway_api.BackendTLSPolicySpec,
    ("gateway.networking.x-k8s.io", "XBackendTrafficPolicy"): gateway_api.BackendTrafficPolicySpec,
    ("install.istio.io", "IstioOperator"): mesh_config.OperatorSpec,
    ("", "Service"): workload.ServiceSpec,
    ("", "Pod"): workload.PodSpec,
    ("", "Namespace"): workload.Bare,
    ("", "ServiceAccount"): workload.Bare,
    ("", "ConfigMap"): workload.ConfigMapSpec,
    ("", "Secret"): workload.SecretSpec,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): webhook.WebhookConfigurationSpec,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): webhook.WebhookConfigurationSpec,
    ("apps", "Deployment"): workload.ControllerSpec,
    ("apps", "StatefulSet"): workload.ControllerSpec,
    ("apps", "DaemonSet"): workload.ControllerSpec,
    ("apps", "ReplicaSet"): workload.ControllerSpec,
    ("extensions", "Deployment"): workload.ControllerSpec,
    ("extensions", "DaemonSet"): workload.ControllerSpec,
    ("extensions", "ReplicaSet"): workload.ControllerSpec,
    ("batch", "Job"): workload.ControllerSpec,
    ("batch", "CronJob"): workload.CronJobSpec,
    ("networking.k8s.io", "NetworkPolicy"): NetworkPolicySpec,
    ("argoproj.io", "Rollout"): workload.ControllerSpec,
}
"""The record each kind is read into, by API group and kind."""

_WHOLE = (workload.Bare, workload.ConfigMapSpec, workload.SecretSpec, webhook.WebhookConfigurationSpec)
_CLUSTER_SCOPED = frozenset(
    {
        "Namespace",
        "Node",
        "PersistentVolume",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "ClusterRbacConfig",
        "GatewayClass",
        "MeshPolicy",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "PriorityClass",
        "StorageClass",
    }
)


def group_of(api_version: str) -> str:
    """The API group of an `apiVersion`; empty for the core group."""
    return api_version.rpartition("/")[0]


def is_object(node: Node) -> bool:
    """Whether a document has what makes it a Kubernetes object: `apiVersion` and `kind`."""
    return all(isinstance(node.at(key).value, str) and node.get(key) is not None for key in ("apiVersion", "kind"))


def read(node: Node, namespace: str) -> Resource[Record]:
    """The resource an object spells out; one without a namespace is taken to be in *namespace*.

    Kinds that meshlint knows nothing about are read as `Bare`: identity and metadata only.
    """
    flaws: list[Node] = []
    api_version, kind = str(node.at("apiVersion").value), str(node.at("kind").value)
    meta = decode(Metadata, node.at("metadata") if "metadata" in node.mapping else _empty(node), flaws)
    home = "" if kind in _CLUSTER_SCOPED else meta.namespace or namespace
    ref = Ref(api_version, kind, home, meta.name or meta.generate_name)
    cls = KINDS.get((group_of(api_version), kind), workload.Bare)
    place = node if cls in _WHOLE else node.get("spec") or _empty(node)
    spec = decode(cls, place, flaws)
    is_sound = not flaws and isinstance(place.value, Mapping) and not node.document.is_guessed
    return Resource(ref, node, meta, spec, is_sound=is_sound)


def _empty(node: Node) -> Node:
    """Stands for a part of the object that is not written; it lies where the object does."""
    return Node({}, node.span, node.key, node.path, node.document)
