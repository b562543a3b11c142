"""Traffic policies that nothing uses, that nobody finds, or that trust any server."""

from collections import defaultdict
from collections.abc import Iterator

from meshlint.finding import Outside, Problem, Result
from meshlint.mesh.destinations import Rule, host_of
from meshlint.mesh.hosts import covers, is_internal, is_wildcard
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.served import is_gateway
from meshlint.mesh.services import Host
from meshlint.mesh.settings import World
from meshlint.mesh.targets import all_targets, registered
from meshlint.registry import checks
from meshlint.resources.destination_rule import ClientTLS, Subset
from meshlint.resources.envoy_filter import EnvoyFilterSpec
from meshlint.source.node import Node

_VERIFIED_SINCE = (1, 21)


@checks("MSH206")
def subset_without_labels(mesh: Mesh) -> Iterator[Result]:
    """A subset that chooses nothing and changes nothing: it is the whole host under another name (R507)."""
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        known = registered(mesh, name)
        # A subset of a gateway gives the traffic through it a name of its own, and is mostly meant as that.
        if not known or is_wildcard(name) or any(_is_of_gateway(mesh, host) for host in known):
            continue
        for subset in rule.spec.subsets:
            if not subset.labels and subset.traffic_policy is None:
                message = f"subset `{subset.name}` has no labels: it holds all workloads of host `{name}`"
                yield Problem(subset.node.at("name"), message, label="everything", help="write the labels of its pods")


@checks("MSH209")
def destination_rule_out_of_reach(mesh: Mesh) -> Iterator[Result]:
    """A rule in a namespace where no client looks it up: neither its own, nor the host's, nor the root one (R510)."""
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        homes = {host.namespace for host in registered(mesh, name) if host.name == name}
        if not homes or rule.namespace in homes | {mesh.config.root_namespace}:
            continue
        if mesh.workloads_in(rule.namespace) or not _is_for_others(mesh, rule):
            continue
        where = " or ".join(f"`{home}`" for home in sorted(homes))
        yield Problem(
            rule.spec.node.at("host"),
            f"nobody uses this rule: clients look for rules in their own namespace, in {where} and in the root one, "
            f"and namespace `{rule.namespace}` has no clients",
            label="out of reach",
            help=f"move it to namespace {where}",
        )


@checks("MSH211")
def unused_subset(mesh: Mesh) -> Iterator[Result]:
    """A subset's traffic policy acts only on requests that a route sends to the subset (R503, R519)."""
    used: defaultdict[str, set[str]] = defaultdict(set)
    for target in all_targets(mesh):
        used[target.destination.subset].add(target.host)
    patched = [one.node.span.text for one in mesh.resources if isinstance(one.spec, EnvoyFilterSpec)]
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        known = [host for host in registered(mesh, name) if host.name == name]
        if not known or is_wildcard(name) or not all(_shows_routes(mesh, host) for host in known):
            continue
        for subset in rule.spec.subsets:
            if not _policy(subset) or any(subset.name in text for text in patched):
                continue
            if not any(covers(host, name) for host in used[subset.name]):
                message = f"no route sends requests to subset `{subset.name}`, so its traffic policy has no effect"
                help_ = "route to the subset, or move the policy to the rule's own `trafficPolicy`"
                yield Problem(subset.node.at("trafficPolicy"), message, "without effect", help=help_, on_key=True)


@checks("MSH212")
def unverified_server_certificate(mesh: Mesh) -> Iterator[Result]:
    """A client that uses TLS without a certificate authority trusts any server, or none of the mesh's own (E36)."""
    for rule in mesh.destination_rules:
        name = host_of(mesh, rule)
        is_old = mesh.settings.istio_version < _VERIFIED_SINCE
        if not is_old and not is_internal(name, mesh.settings.cluster_domain):
            continue
        for tls, alias in _client_tls(rule):
            if not _has_authority(rule, tls):
                message = (
                    "the server's certificate is not verified"
                    if is_old
                    else f"the certificate of `{name}` is checked against the system's authorities, which sign no name of a cluster"
                )
                yield Problem(
                    tls.node, f"no `caCertificates`: {message}", "which authority", on_key=True, aliases=(alias,)
                )


@checks("MSH213")
def no_such_export(mesh: Mesh) -> Iterator[Result]:
    """An object exported to a namespace that is not there (R203)."""
    for node in _exports(mesh):
        for entry in node.elements:
            name = str(entry.value)
            if name in ("*", ".", "~") or name in mesh.known_namespaces:
                continue
            if mesh.settings.world is World.COMPLETE:
                yield Problem(entry, f"exported to namespace `{name}`, which does not exist", label="no such namespace")
            else:
                yield Outside(entry, f"namespace {name}")


def _exports(mesh: Mesh) -> Iterator[Node]:
    """Every `exportTo` of the input."""
    yield from (one.spec.node.at("exportTo") for one in mesh.virtual_services)
    yield from (one.spec.node.at("exportTo") for one in mesh.destination_rules)
    yield from (one.spec.node.at("exportTo") for one in mesh.service_entries)


def _is_of_gateway(mesh: Mesh, host: Host) -> bool:
    return any(is_gateway(mesh, workload) for workload in mesh.workloads_of(host))


def _is_for_others(mesh: Mesh, rule: Rule) -> bool:
    """Whether the rule is meant for clients elsewhere, or the input shows that its own namespace has none."""
    if mesh.settings.world is World.COMPLETE:
        return True
    return any(name not in (".", "~", rule.namespace) for name in rule.spec.export_to or ())


def _shows_routes(mesh: Mesh, host: Host) -> bool:
    """Whether the input is the host's own home, where routes to its subsets would be."""
    return mesh.expects(Class.HOSTS, host.namespace)


def _policy(subset: Subset) -> bool:
    return subset.traffic_policy is not None and bool(subset.traffic_policy.node.mapping)


def _client_tls(rule: Rule) -> Iterator[tuple[ClientTLS, str]]:
    """Each place at which the rule makes clients use TLS with certificates that Istio does not issue."""
    policies = [rule.spec.traffic_policy, *(subset.traffic_policy for subset in rule.spec.subsets)]
    for policy in policies:
        if policy is None:
            continue
        named = [(policy.tls, "IST0128"), *((setting.tls, "IST0129") for setting in policy.port_level_settings)]
        yield from ((tls, code) for tls, code in named if tls is not None and tls.mode in ("SIMPLE", "MUTUAL"))


def _has_authority(rule: Rule, tls: ClientTLS) -> bool:
    """Whether the client knows whom to trust; a credential counts only where a selector names the workloads (E36)."""
    is_credential = bool(tls.credential_name) and rule.spec.workload_selector is not None
    return bool(tls.ca_certificates) or is_credential or tls.insecure_skip_verify
