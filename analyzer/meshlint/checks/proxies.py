"""The proxy's container beside the application's: images that nothing replaces or that are old, and the proxy's own user."""

from collections.abc import Iterator

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh.injected import injects_by_default, is_as_it_runs, is_pod, labels_of
from meshlint.mesh.injection import ENABLED, INJECT, REVISION, injectors, proxy_image, values
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.workloads import Proxy, Workload, injector, installed
from meshlint.registry import checks
from meshlint.resources.proxy_config import ProxyConfigSpec
from meshlint.resources.workload import Container, PodSpec
from meshlint.source.node import Node
from meshlint.source.parse import parse
from meshlint.source.text import Source

_SHOWN = 3


@checks("MSH703")
def image_auto_not_injected(mesh: Mesh) -> Iterator[Result]:
    """A proxy's image left to injection, where nothing injects: the pods cannot start (S160)."""
    for pods in mesh.workloads:
        for container in pods.containers:
            if container.name != "istio-proxy" or container.image != "auto" or pods.is_assumed:
                continue
            is_taken = _is_taken(mesh, pods)
            node = container.node.at("image")
            if is_taken is None:
                yield Outside(node, f"labels of namespace {pods.namespace}")
            elif not is_taken:
                yield Problem(
                    node,
                    f"nothing replaces image `auto`: the pods of `{pods.name}` are not injected",
                    label="no such image",
                    help=f"label the namespace {ENABLED}: enabled or the pods {INJECT}: 'true'",
                    aliases=("IST0147",) if is_pod(pods) else ("IST0146",),
                )


@checks("MSH704")
def proxy_image_mismatch(mesh: Mesh) -> Iterator[Result]:
    """Pods of an injected namespace whose proxy is another one than the injector puts in today."""
    images = {revision: proxy_image(one) for revision, one in values(mesh.resources).items()}
    for space in mesh.resources:
        labels = space.metadata.labels
        is_injected = labels.get(ENABLED) == "enabled" or (ENABLED not in labels and labels.get(REVISION))
        if space.ref.kind != "Namespace" or not is_injected:
            continue
        revision = "default" if ENABLED in labels else labels[REVISION]
        wanted = images.get(revision, "")
        old = (
            [found for pods in mesh.workloads_in(space.name) for found in _unlike(mesh, pods, wanted)] if wanted else []
        )
        if old:
            count = f"{len(old)} workloads run" if len(old) > 1 else "a workload runs"
            yield Problem(
                space.name_node,
                f"in namespace `{space.name}` {count} another proxy than `{wanted}`, which the injector puts in",
                label="old proxies",
                notes=tuple(Note(one.span, "this one") for one in old[:_SHOWN]),
                help="restart the pods",
            )


@checks("MSH705")
def reserved_uid(mesh: Mesh) -> Iterator[Result]:
    """An application that runs as the proxy's own user, so that its traffic goes past the proxy (S162)."""
    for pods in mesh.workloads:
        labels = pods.resource.metadata.labels
        is_control = "istio" in labels or labels.get("release") == "istio"
        if pods.proxy not in (Proxy.SIDECAR, Proxy.UNKNOWN) or is_control or pods.pod_spec is None:
            continue
        for node, what in _reserved(pods.pod_spec):
            yield Problem(
                node,
                f"{what} 1337 is the proxy's: what workload `{pods.name}` sends goes past the proxy",
                label="reserved",
                help="choose another number",
            )
            break


def _unlike(mesh: Mesh, pods: Workload, wanted: str) -> Iterator[Node]:
    """Where pods name a proxy image that is neither *wanted* nor a variant of it that they may have."""
    if pods.is_assumed or "sidecar.istio.io/proxyImage" in pods.annotations:
        return
    for container in pods.containers:
        if container.name == "istio-proxy" and container.image not in (
            "",
            "auto",
            wanted,
            *_variants(mesh, pods, wanted),
        ):
            yield container.node.at("image")


def _variants(mesh: Mesh, pods: Workload, wanted: str) -> Iterator[str]:
    """The image in the types that settings of the mesh, the namespace or the pods ask for."""
    named = [mesh.config.node.get("defaultConfig", "image", "imageType")]
    near = (pods.namespace, mesh.config.root_namespace)
    proxies = (one for one in mesh.resources if isinstance(one.spec, ProxyConfigSpec) and one.namespace in near)
    named += [one.node.get("spec", "image", "imageType") for one in proxies]
    written = parse(Source("annotation", pods.annotations.get("proxy.istio.io/config", ""))).documents
    named += [one.get("image", "imageType") for one in written]
    for node in named:
        if node is not None and isinstance(node.value, str) and node.value not in ("", "default"):
            yield f"{wanted}-{node.value}"


def _is_taken(mesh: Mesh, pods: Workload) -> bool | None:
    """Whether injection sees the pods; None where labels decide that the input does not show."""
    if is_pod(pods) and (mesh.settings.world is World.COMPLETE or is_as_it_runs(mesh, pods)):
        return False  # A pod of a cluster that still has this image has not been injected.
    space = labels_of(mesh, pods.namespace)
    hooks = [one for one in injectors(mesh.resources) if one.webhook.namespace_selector or one.webhook.object_selector]
    if space is None:
        return True if pods.labels.get(INJECT) == "true" else None
    if hooks:
        return any(one.takes(space, pods.labels) for one in hooks)
    revisions = installed(mesh.resources)
    return injector(pods.labels, space, revisions) is not None or injects_by_default(mesh)


def _reserved(spec: PodSpec) -> Iterator[tuple[Node, str]]:
    """Where pods or their containers are given the proxy's user or group."""
    apps = [one for one in spec.containers if one.name not in ("istio-proxy", "istio-operator")]
    owners: list[PodSpec | Container] = [spec, *apps]
    for owner in owners:
        context = owner.security_context
        if context is None:
            continue
        if context.run_as_user == _PROXY:
            yield context.node.at("runAsUser"), "user"
        if context.run_as_group == _PROXY:
            yield context.node.at("runAsGroup"), "group"


_PROXY = 1337
