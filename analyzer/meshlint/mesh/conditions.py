"""What the fields of an AuthorizationPolicy's rule ask of a request: their values as predicates (security S33-S75)."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from ipaddress import ip_network

from meshlint.mesh.predicate import (
    NEVER,
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
    tests,
)
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
from meshlint.resources.mesh_config import MeshConfig
from meshlint.resources.security import AuthorizationRule, AuthorizationSource, Condition, Operation
from meshlint.source.node import Node


class Chain(Enum):
    """How the server's proxy handles a connection: as HTTP requests, as bytes (S72), or as ztunnel does (S88)."""

    HTTP = "HTTP"
    TCP = "TCP"
    ZTUNNEL = "ztunnel"


@dataclass(frozen=True, slots=True)
class Reading:
    """All that the meaning of a rule depends on besides its text.

    `namespace` is the policy's. A `strict` reading drops a rule that has a malformed value or, on a TCP chain, an
    HTTP-only condition, as Istio does for ALLOW; any other drops the value or the condition (S39, S74, S75).
    """

    namespace: str
    config: MeshConfig
    chain: Chain
    strict: bool


def rule_predicate(rule: AuthorizationRule, reading: Reading) -> Predicate | None:
    """The requests that a rule matches: some source, some operation, every condition (S33).

    None where Istio drops the whole rule (S38, S39, S74).
    """
    if any(not _is_known(condition.key) for condition in rule.when):
        return None
    if reading.strict and (_has_malformed_value(rule) or (reading.chain is Chain.TCP and http_conditions(rule))):
        return None
    parts: list[Predicate] = []
    if rule.from_:
        parts.append(either(_source(one.source, reading) for one in rule.from_))
    if rule.to:
        parts.append(either(_operation(one.operation, reading) for one in rule.to))
    parts.extend(_condition(one, reading) for one in rule.when)
    return both(*parts)


def http_conditions(rule: AuthorizationRule) -> tuple[Node, ...]:
    """Where a rule has conditions that only HTTP requests can meet (S73)."""
    return tuple(_http_nodes(rule))


def is_many_valued(predicates: Iterable[Predicate]) -> bool:
    """Whether one claim is tested in several ways: a list of values can pass them all, one value may not (S68)."""
    claims = {test for predicate in predicates for test in tests(predicate) if test.attribute.startswith("claim:")}
    return len({test.attribute for test in claims}) < len(claims)


def _http_nodes(rule: AuthorizationRule) -> Iterator[Node]:
    for origin in rule.from_:
        for name in ("requestPrincipals", "notRequestPrincipals"):
            yield from _written(origin.source.node if origin.source is not None else None, name)
    for target in rule.to:
        for name in ("hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"):
            yield from _written(target.operation.node if target.operation is not None else None, name)
    for condition in rule.when:
        if _is_http_key(condition.key):
            yield condition.node.at("key")


def _written(node: Node | None, name: str) -> Iterator[Node]:
    found = node.get(name) if node is not None else None
    if found is not None and found.elements:
        yield found


def _is_http_key(key: str) -> bool:
    return key.startswith(("request.headers", "request.auth."))


Read = Callable[[str], Predicate]
"""What one value of a field asks of a request."""


def _source(source: AuthorizationSource | None, reading: Reading) -> Predicate:
    if source is None:
        return All()
    pairs: list[tuple[tuple[str, ...], tuple[str, ...], Read]] = [
        (source.principals, source.not_principals, lambda v: principal(v, reading.config)),
        (source.namespaces, source.not_namespaces, _namespace),
        (source.service_accounts, source.not_service_accounts, lambda v: account(v, reading.namespace)),
        (source.trust_domains, source.not_trust_domains, lambda v: _trust_domain(v, reading.config)),
        (networks(source.ip_blocks), networks(source.not_ip_blocks), lambda v: Within(SOURCE_IP, v)),
        (networks(source.remote_ip_blocks), networks(source.not_remote_ip_blocks), lambda v: Within(REMOTE_IP, v)),
    ]
    if reading.chain is Chain.HTTP:
        pairs.append((source.request_principals, source.not_request_principals, _request_principal))
    return both(*alternatives(pairs))


def _operation(operation: Operation | None, reading: Reading) -> Predicate:
    if operation is None:
        return All()
    pairs: list[tuple[tuple[str, ...], tuple[str, ...], Read]] = [
        (ports_of(operation.ports), ports_of(operation.not_ports), port)
    ]
    if reading.chain is Chain.HTTP:
        pairs += [
            (operation.hosts, operation.not_hosts, lambda v: _text(v, AUTHORITY, ignore_case=True)),
            (operation.methods, operation.not_methods, lambda v: _text(v, METHOD)),
            (operation.paths, operation.not_paths, _path),
        ]
    return both(*alternatives(pairs))


def alternatives(pairs: Iterable[tuple[tuple[str, ...], tuple[str, ...], Read]]) -> Iterator[Predicate]:
    """Given values are alternatives; `not` values exclude all of theirs (S33-S35)."""
    for values, negated, read in pairs:
        if values:
            yield either(read(value) for value in values)
        if negated:
            yield Not(either(read(value) for value in negated))


def _condition(condition: Condition, reading: Reading) -> Predicate:
    if _is_http_key(condition.key) and reading.chain is Chain.TCP:
        return All()
    keep = _well_formed(condition.key)
    pair = (keep(condition.values), keep(condition.not_values), _read_of(condition.key, reading))
    return both(*alternatives([pair]))


_ADDRESSES = {"source.ip": SOURCE_IP, "remote.ip": REMOTE_IP, "destination.ip": DESTINATION_IP}
_PLAIN = frozenset(
    {"destination.port", "source.principal", "source.namespace", "source.serviceAccount", "source.trustDomain"}
    | {"connection.sni", "request.auth.principal", "request.auth.audiences", "request.auth.presenter"}
    | _ADDRESSES.keys()
)
_BITS = re.compile(r"0|[1-9][0-9]{0,2}")
_PORT = re.compile(r"0*[0-9]{1,5}")
_HEADER = re.compile(r"request\.headers\[([^\[\]]+)\]")
_CLAIM = re.compile(r"request\.auth\.claims((?:\[[^\[\]]+\])+)")
_FILTERS = "experimental.envoy.filters."
_BRACKETED = ("request.headers", "request.auth.claims", _FILTERS)
_SPLIT_CLAIMS = (("scope",), ("permission",))
_CLAIMS_OF = {"request.auth.audiences": ("aud",), "request.auth.presenter": ("azp",)}
_PSEUDO_HEADERS = {":method": METHOD, ":authority": AUTHORITY, "host": AUTHORITY}


def _is_known(key: str) -> bool:
    """Whether Istio knows the `when` key at all, its brackets aside (S67)."""
    return key in _PLAIN or key.startswith(_BRACKETED)


def _well_formed(key: str) -> Callable[[tuple[str, ...]], tuple[str, ...]]:
    """What is left of the key's values at runtime; nothing where the key's own brackets are amiss (S39)."""
    if key in _ADDRESSES:
        return networks
    if key == "destination.port":
        return ports_of
    is_read = key in _PLAIN or _HEADER.fullmatch(key) or _CLAIM.fullmatch(key) or key.startswith(_FILTERS)
    return (lambda values: values) if is_read else (lambda _: ())


def _read_of(key: str, reading: Reading) -> Read:
    """How the values of a `when` key are read (S67)."""
    plain: dict[str, Read] = {
        "destination.port": port,
        "source.principal": lambda v: principal(v, reading.config),
        "source.namespace": _namespace,
        "source.serviceAccount": lambda v: account(v, reading.namespace),
        "source.trustDomain": lambda v: _trust_domain(v, reading.config),
        "connection.sni": lambda v: _text(v, SNI, is_nonempty=True),
        "request.auth.principal": _request_principal,
    }
    if key in plain:
        return plain[key]
    if key in _ADDRESSES:
        return lambda v: Within(_ADDRESSES[key], v)
    if (named := _HEADER.fullmatch(key)) is not None:
        # The raw path is a header of its own: it has the query string, which `paths` never sees (S69).
        attribute = _PSEUDO_HEADERS.get(named[1].lower(), header(named[1]))
        return lambda v: _text(v, attribute)
    names = tuple(re.findall(r"\[([^\]]+)\]", key)) if _CLAIM.fullmatch(key) else _CLAIMS_OF.get(key, ())
    if names in _SPLIT_CLAIMS:
        return lambda v: _word(v, claim(*names))
    if names:
        return lambda v: _text(v, claim(*names), is_nonempty=True)
    return lambda _: Unclear(f"the condition `{key}`")


def _has_malformed_value(rule: AuthorizationRule) -> bool:
    """Whether an address or a port of the rule is none (S39)."""
    fields = [field for origin in rule.from_ if origin.source is not None for field in _address_fields(origin.source)]
    ports = [
        field
        for target in rule.to
        if target.operation is not None
        for field in (target.operation.ports, target.operation.not_ports)
    ]
    tested = [(_well_formed(one.key), field) for one in rule.when for field in (one.values, one.not_values)]
    checks = [(networks, field) for field in fields] + [(ports_of, field) for field in ports] + tested
    return any(len(keep(field)) != len(field) for keep, field in checks)


def _address_fields(source: AuthorizationSource) -> tuple[tuple[str, ...], ...]:
    return (source.ip_blocks, source.not_ip_blocks, source.remote_ip_blocks, source.not_remote_ip_blocks)


def networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the values that are addresses or ranges of them."""
    return tuple(value for value in values if is_network(value))


def is_network(value: str) -> bool:
    """Whether a value is an address or a range of them."""
    address, slash, bits = value.partition("/")
    if "%" in address or (slash and not _BITS.fullmatch(bits)):
        return False
    try:
        ip_network(value, strict=False)
    except ValueError:
        return False
    return True


def ports_of(values: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the values that are ports."""
    return tuple(value for value in values if _PORT.fullmatch(value) and int(value) <= 65535)


def port(value: str) -> Predicate:
    """A port as the enforcing proxy takes connections on it (S66)."""
    return Exact(PORT, str(int(value)))


def _text(value: str, attribute: Attribute, *, ignore_case: bool = False, is_nonempty: bool = False) -> Predicate:
    """A value with at most one star at one end (S41, S43, S59)."""
    if value == "*":
        return both(Present(attribute), Not(Exact(attribute, ""))) if is_nonempty else Present(attribute)
    if value.startswith("*"):
        return Suffix(attribute, value[1:], ignore_case)
    if value.endswith("*"):
        return Prefix(attribute, value[:-1], ignore_case)
    return Exact(attribute, value, ignore_case)


def _word(value: str, attribute: Attribute) -> Predicate:
    """A value of a claim that is split at its spaces: one of the words is meant (S68)."""
    if " " in value:
        return NEVER
    start, end, letter = "(?:.* )?", "(?: .*)?", "[^ ]"
    if value == "*":
        return Regex(attribute, f"{start}{letter}+{end}")
    if value.startswith("*"):
        return Regex(attribute, f"{start}{letter}*{quote(value[1:])}{end}")
    if value.endswith("*"):
        return Regex(attribute, f"{start}{quote(value[:-1])}{letter}*{end}")
    return Regex(attribute, f"{start}{quote(value)}{end}")


def _path(value: str) -> Predicate:
    if "{*}" in value or "{**}" in value:
        return Regex(PATH, _template(value))
    return _text(value, PATH)


def _template(value: str) -> str:
    """A path template as RE2 (S62)."""
    piece = r"[A-Za-z0-9\-._~%!$&'()+,;:@=]"
    parts = re.split(r"(\{\*\*?\})", value)
    texts = {"{*}": f"{piece}+", "{**}": f"(?:{piece}|/)*"}
    return "".join(texts.get(part, quote(part)) for part in parts)


def principal(value: str, config: MeshConfig) -> Predicate:
    """A principal: the scheme is added, and the mesh's trust domains stand for one another (S45, S79)."""
    return either(literal_principal(one) for one in _aliased(value, config))


def literal_principal(value: str) -> Predicate:
    """A principal of just the trust domain that it says (S45)."""
    if value == "*":
        return Present(PRINCIPAL)
    if value.startswith("*"):
        return Regex(PRINCIPAL, "spiffe://.*" + quote(value[1:]))
    if value.endswith("*"):
        return Prefix(PRINCIPAL, "spiffe://" + value[:-1])
    return Exact(PRINCIPAL, "spiffe://" + value)


def _aliased(value: str, config: MeshConfig) -> tuple[str, ...]:
    """The values that a principal of five segments stands for; any other stands for itself (S79-S81)."""
    domain, *rest = value.split("/")
    own = (config.trust_domain, *config.trust_domain_aliases)
    if (
        len(rest) != 4
        or domain == "*"
        or not (domain == "cluster.local" or any(is_same_domain(domain, one) for one in own))
    ):
        return (value,)
    written = (value,) if domain.startswith("*") else ()
    return tuple(dict.fromkeys((*written, *("/".join((one, *rest)) for one in own))))


def is_same_domain(one: str, other: str) -> bool:
    """Whether two trust domains are the same, where either may have a star at an end (S79)."""
    return _fits(one, other) or _fits(other, one)


def _fits(pattern: str, text: str) -> bool:
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _namespace(value: str) -> Predicate:
    """A namespace, each star of which is any text, slashes included (S49, S50)."""
    return Regex(PRINCIPAL, ".*/ns/" + ".*".join(quote(part) for part in value.split("*")) + "/.*")


def account(value: str, namespace: str) -> Predicate:
    """A service account of any trust domain; an unqualified one is of the policy's namespace (S52)."""
    home, _, name = value.rpartition("/")
    return Regex(PRINCIPAL, f"spiffe://[^/]+/ns/{quote(home or namespace)}/sa/{quote(name)}")


def _trust_domain(value: str, config: MeshConfig) -> Predicate:
    """A trust domain; one of the mesh's stands for all of them (S53)."""
    if value == "*":
        return Present(PRINCIPAL)
    own = (config.trust_domain, *config.trust_domain_aliases)
    domains = own if value in own else (value,)
    return either(
        Regex(PRINCIPAL, "spiffe://" + "[^/]*".join(quote(part) for part in one.split("*")) + "/.*") for one in domains
    )


def _request_principal(value: str) -> Predicate:
    """The issuer and subject of a verified token, split at the last slash (S54, S55)."""
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


def quote(text: str) -> str:
    """Literal text as RE2."""
    return "".join("\\" + char if char in r"\.+*?()|[]{}^$" else char for char in text)
