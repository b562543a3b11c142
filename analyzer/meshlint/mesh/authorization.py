"""AuthorizationPolicies as predicates: what each rule takes, and which policies decide for a workload (security.md)."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_network

from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import (
    All,
    Exact,
    Not,
    Predicate,
    Prefix,
    Present,
    Regex,
    Suffix,
    Unclear,
    Within,
    both,
    either,
)
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.request import (
    AUTHORITY,
    DESTINATION_IP,
    METHOD,
    PATH,
    PORT,
    PRINCIPAL,
    REMOTE_IP,
    SNI,
    SOURCE_IP,
    TOKEN_ISSUER,
    TOKEN_SUBJECT,
    Attribute,
    claim,
    header,
)
from meshlint.resources.base import Resource, TargetRef, selects
from meshlint.resources.mesh_config import MeshConfig
from meshlint.resources.security import (
    AuthorizationPolicySpec,
    AuthorizationRule,
    AuthorizationSource,
    Condition,
    Operation,
)
from meshlint.source.node import Node

Policy = Resource[AuthorizationPolicySpec]


class Action(Enum):
    """What a policy does with the requests that it matches (S5, S9-S11)."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    AUDIT = "AUDIT"
    CUSTOM = "CUSTOM"


class Chain(Enum):
    """How the server's proxy handles a connection: as HTTP requests or as bytes (S72)."""

    HTTP = "HTTP"
    TCP = "TCP"


@dataclass(frozen=True, slots=True, eq=False)
class PolicyRule:
    """One rule of a policy, as the requests that it matches on one kind of chain."""

    policy: Policy
    node: Node
    predicate: Predicate


@dataclass(frozen=True, slots=True)
class HTTPCondition:
    """A condition that only HTTP requests have (S73), and where it stands."""

    node: Node


def action(policy: Policy) -> Action:
    """The policy's action; an absent or unknown one is ALLOW (S5)."""
    name = policy.spec.action
    return Action(name) if name in Action.__members__ else Action.ALLOW


def is_enforced(policy: Policy) -> bool:
    """Whether the policy decides anything: dry runs do not (S16)."""
    return policy.metadata.annotations.get("istio.io/dry-run", "") not in ("1", "t", "T", "TRUE", "true", "True")


def attached(mesh: Mesh, workload: Workload) -> tuple[Policy, ...]:
    """The enforced policies that decide at the workload's own proxy (S21-S31)."""
    return mesh.derived(_attached, mesh, workload)


def targets(mesh: Mesh, policy: Policy) -> tuple[Workload, ...]:
    """The workloads at whose proxies the policy decides."""
    root = mesh.config.root_namespace
    pool = mesh.workloads if policy.namespace == root else mesh.workloads_in(policy.namespace)
    return tuple(workload for workload in pool if policy in attached(mesh, workload))


def rules(mesh: Mesh, policies: Iterable[Policy], wanted: Action, chain: Chain) -> tuple[PolicyRule, ...]:
    """The rules of all *policies* with the wanted action, poured into one set (S3)."""
    return tuple(rule for policy in policies if action(policy) is wanted for rule in rules_of(mesh, policy, chain))


def rules_of(mesh: Mesh, policy: Policy, chain: Chain) -> tuple[PolicyRule, ...]:
    """The policy's rules on one kind of chain; those that Istio drops there are left out (S74)."""
    return mesh.derived(_rules_of, mesh, policy, chain)


def http_conditions(rule: AuthorizationRule) -> tuple[HTTPCondition, ...]:
    """The conditions of a rule that only HTTP requests have (S73)."""
    return tuple(HTTPCondition(node) for node in _http_nodes(rule))


def rule_predicate(rule: AuthorizationRule, policy: Policy, config: MeshConfig, chain: Chain) -> Predicate:
    """The requests that a rule matches: some source, some operation, every condition (S33).

    On a TCP chain HTTP-only conditions are erased, as Istio does for all but ALLOW (S75).
    """
    reading = _Reading(policy.namespace, config, chain)
    parts: list[Predicate] = []
    if rule.from_:
        parts.append(either(_source(one.source, reading) for one in rule.from_))
    if rule.to:
        parts.append(either(_operation(one.operation, reading) for one in rule.to))
    parts.extend(_condition(one, reading) for one in rule.when)
    return both(*parts)


@dataclass(frozen=True, slots=True)
class _Reading:
    namespace: str
    config: MeshConfig
    chain: Chain

    @property
    def is_http(self) -> bool:
        return self.chain is Chain.HTTP


def _attached(mesh: Mesh, workload: Workload) -> tuple[Policy, ...]:
    if workload.proxy is Proxy.NONE:
        return ()
    homes = {mesh.config.root_namespace, workload.namespace}
    return tuple(
        policy
        for policy in mesh.authorization_policies
        if policy.namespace in homes and is_enforced(policy) and _selects(policy, workload)
    )


def _selects(policy: Policy, workload: Workload) -> bool:
    refs = policy.spec.target_refs or ((policy.spec.target_ref,) if policy.spec.target_ref is not None else ())
    if refs:
        return policy.namespace == workload.namespace and any(_is_target(ref, workload) for ref in refs)
    selector = policy.spec.selector
    return selector is None or selects(selector.match_labels, workload.labels)


def _is_target(ref: TargetRef, workload: Workload) -> bool:
    """Only pods of a Gateway API gateway take policies by targetRef (S27, S28)."""
    gateway = workload.labels.get("gateway.networking.k8s.io/gateway-name")
    return gateway is not None and ref.kind == "Gateway" and ref.name == gateway


def _rules_of(mesh: Mesh, policy: Policy, chain: Chain) -> tuple[PolicyRule, ...]:
    is_allow = action(policy) is Action.ALLOW
    return tuple(
        PolicyRule(policy, rule.node, rule_predicate(rule, policy, mesh.config, chain))
        for rule in policy.spec.rules
        if not (chain is Chain.TCP and is_allow and http_conditions(rule))
    )


def _http_nodes(rule: AuthorizationRule) -> Iterator[Node]:
    for origin in rule.from_:
        for name in ("requestPrincipals", "notRequestPrincipals"):
            yield from _written(origin.source.node if origin.source is not None else None, name)
    for target in rule.to:
        for name in ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"):
            yield from _written(target.operation.node if target.operation is not None else None, name)
    for condition in rule.when:
        if condition.key.startswith(("request.headers", "request.auth.")):
            yield condition.node.at("key")


def _written(node: Node | None, name: str) -> Iterator[Node]:
    found = node.get(name) if node is not None else None
    if found is not None and found.elements:
        yield found


def _source(source: AuthorizationSource | None, reading: _Reading) -> Predicate:
    if source is None:
        return All()
    pairs: list[tuple[tuple[str, ...], tuple[str, ...], Callable[[str], Predicate]]] = [
        (source.principals, source.not_principals, lambda v: _principal(v, reading.config)),
        (source.namespaces, source.not_namespaces, _namespace),
        (source.service_accounts, source.not_service_accounts, lambda v: _account(v, reading.namespace)),
        (source.trust_domains, source.not_trust_domains, lambda v: _trust_domain(v, reading.config)),
        (source.ip_blocks, source.not_ip_blocks, lambda v: _address(v, SOURCE_IP)),
        (source.remote_ip_blocks, source.not_remote_ip_blocks, lambda v: _address(v, REMOTE_IP)),
    ]
    if reading.is_http:
        pairs.append((source.request_principals, source.not_request_principals, _request_principal))
    return both(*_conditions(pairs))


def _operation(operation: Operation | None, reading: _Reading) -> Predicate:
    if operation is None:
        return All()
    pairs: list[tuple[tuple[str, ...], tuple[str, ...], Callable[[str], Predicate]]] = [
        (operation.ports, operation.not_ports, _port)
    ]
    if reading.is_http:
        pairs += [
            (operation.hosts, operation.not_hosts, lambda v: _generic(v, AUTHORITY, ignore_case=True)),
            (operation.methods, operation.not_methods, lambda v: _generic(v, METHOD)),
            (operation.paths, operation.not_paths, _path),
        ]
    return both(*_conditions(pairs))


def _conditions(
    pairs: Iterable[tuple[tuple[str, ...], tuple[str, ...], Callable[[str], Predicate]]],
) -> Iterator[Predicate]:
    """Given values are alternatives; `not` values exclude all of theirs (S33-S35)."""
    for values, negated, read in pairs:
        if values:
            yield either(read(value) for value in values)
        if negated:
            yield Not(either(read(value) for value in negated))


def _condition(condition: Condition, reading: _Reading) -> Predicate:
    read = _key(condition.key, reading)
    if read is None:
        return All()
    return both(*_conditions([(condition.values, condition.not_values, read)]))


def _key(key: str, reading: _Reading) -> Callable[[str], Predicate] | None:
    """How the values of a `when` key are read (S67); None where a TCP chain erases the condition (S75)."""
    plain: dict[str, Callable[[str], Predicate]] = {
        "source.ip": lambda v: _address(v, SOURCE_IP),
        "remote.ip": lambda v: _address(v, REMOTE_IP),
        "destination.ip": lambda v: _address(v, DESTINATION_IP),
        "destination.port": _port,
        "source.principal": lambda v: _principal(v, reading.config),
        "source.namespace": _namespace,
        "source.serviceAccount": lambda v: _account(v, reading.namespace),
        "source.trustDomain": lambda v: _trust_domain(v, reading.config),
        "connection.sni": lambda v: _generic(v, SNI, is_nonempty=True),
    }
    if key in plain:
        return plain[key]
    if key.startswith(("request.headers", "request.auth.")):
        return _http_key(key) if reading.is_http else None
    return lambda _: Unclear(f"the condition `{key}`")


def _http_key(key: str) -> Callable[[str], Predicate]:
    names = re.findall(r"\[([^\]]+)\]", key)
    if key.startswith("request.headers[") and len(names) == 1 and names[0].lower() != ":path":
        return lambda v: _generic(v, header(names[0]))
    if key.startswith("request.auth.claims[") and names:
        return lambda v: _generic(v, claim(*names), is_nonempty=True)
    if key == "request.auth.principal":
        return _request_principal
    known = {"request.auth.audiences": ("aud",), "request.auth.presenter": ("azp",)}
    if key in known:
        return lambda v: _generic(v, claim(*known[key]), is_nonempty=True)
    return lambda _: Unclear(f"the condition `{key}`")


def _generic(value: str, attribute: Attribute, *, ignore_case: bool = False, is_nonempty: bool = False) -> Predicate:
    """A value with at most one star at one end (S41, S43, S59)."""
    if value == "*":
        return both(Present(attribute), Not(Exact(attribute, ""))) if is_nonempty else Present(attribute)
    if value.startswith("*"):
        return Suffix(attribute, value[1:], ignore_case)
    if value.endswith("*"):
        return Prefix(attribute, value[:-1], ignore_case)
    return Exact(attribute, value, ignore_case)


def _path(value: str) -> Predicate:
    if "{*}" in value or "{**}" in value:
        return Regex(PATH, _template(value))
    return _generic(value, PATH)


def _template(value: str) -> str:
    """A path template as RE2 (S62)."""
    piece = r"[A-Za-z0-9\-._~%!$&'()+,;:@=]"
    parts = re.split(r"(\{\*\*?\})", value)
    texts = {"{*}": f"{piece}+", "{**}": f"(?:{piece}|/)*"}
    return "".join(texts.get(part, _quote(part)) for part in parts)


def _principal(value: str, config: MeshConfig) -> Predicate:
    """A principal: the scheme is added, and the mesh's trust domains stand for one another (S45, S79)."""
    return either(_one_principal(one) for one in _aliased(value, config))


def _one_principal(value: str) -> Predicate:
    if value == "*":
        return Present(PRINCIPAL)
    if value.startswith("*"):
        return Regex(PRINCIPAL, "spiffe://.*" + _quote(value[1:]))
    if value.endswith("*"):
        return Prefix(PRINCIPAL, "spiffe://" + value[:-1])
    return Exact(PRINCIPAL, "spiffe://" + value)


def _aliased(value: str, config: MeshConfig) -> tuple[str, ...]:
    domain, *rest = value.split("/")
    own = (config.trust_domain, *config.trust_domain_aliases)
    if len(rest) != 4 or domain.startswith("*") or domain not in (*own, "cluster.local"):
        return (value,)
    return tuple(dict.fromkeys("/".join((one, *rest)) for one in own))


def _namespace(value: str) -> Predicate:
    """A namespace, each star of which is any text, slashes included (S49, S50)."""
    return Regex(PRINCIPAL, ".*/ns/" + ".*".join(_quote(part) for part in value.split("*")) + "/.*")


def _account(value: str, namespace: str) -> Predicate:
    """A service account of any trust domain; an unqualified one is of the policy's namespace (S52)."""
    home, _, name = value.rpartition("/")
    return Regex(PRINCIPAL, f"spiffe://[^/]+/ns/{_quote(home or namespace)}/sa/{_quote(name)}")


def _trust_domain(value: str, config: MeshConfig) -> Predicate:
    if value == "*":
        return Present(PRINCIPAL)
    own = (config.trust_domain, *config.trust_domain_aliases)
    domains = own if value in own else (value,)
    return either(
        Regex(PRINCIPAL, "spiffe://" + "[^/]*".join(_quote(part) for part in one.split("*")) + "/.*")
        for one in domains
    )


def _request_principal(value: str) -> Predicate:
    """The issuer and subject of a verified token, split at the last slash (S54)."""
    some_issuer = both(Present(TOKEN_ISSUER), Not(Exact(TOKEN_ISSUER, "")))
    some_subject = both(Present(TOKEN_SUBJECT), Not(Exact(TOKEN_SUBJECT, "")))
    if value == "*":
        return both(some_issuer, some_subject)
    issuer, slash, subject = value.rpartition("/")
    if not slash:
        if value.startswith("*"):
            return both(Present(TOKEN_ISSUER), Suffix(TOKEN_SUBJECT, value[1:]))
        if value.endswith("*"):
            return both(Prefix(TOKEN_ISSUER, value[:-1]), Present(TOKEN_SUBJECT))
        return both(Exact(TOKEN_ISSUER, value), Exact(TOKEN_SUBJECT, ""))
    if value.startswith("*"):
        first: Predicate = Present(TOKEN_ISSUER) if issuer == "*" else Suffix(TOKEN_ISSUER, issuer[1:])
        return both(first, Exact(TOKEN_SUBJECT, subject))
    second = some_subject if subject == "*" else _subject(subject)
    return both(Exact(TOKEN_ISSUER, issuer), second)


def _subject(value: str) -> Predicate:
    return Prefix(TOKEN_SUBJECT, value[:-1]) if value.endswith("*") else Exact(TOKEN_SUBJECT, value)


def _address(value: str, attribute: Attribute) -> Predicate:
    try:
        ip_network(value, strict=False)
    except ValueError:
        return Unclear(f"`{value}` is no address")
    return Within(attribute, value)


def _port(value: str) -> Predicate:
    return Exact(PORT, str(int(value))) if value.isascii() and value.isdigit() else Unclear(f"`{value}` is no port")


def _quote(text: str) -> str:
    """Literal text as RE2."""
    return "".join("\\" + char if char in r"\.+*?()|[]{}^$" else char for char in text)
