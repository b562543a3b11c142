"""AuthorizationPolicy, PeerAuthentication and RequestAuthentication: what Istio refuses to store (S171)."""

import json
import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from meshlint.resources.mistake import Violation
from meshlint.resources.security import (
    AuthorizationPolicy,
    AuthorizationPolicySpec,
    JWTRule,
    PeerAuthentication,
    PeerAuthenticationSpec,
    RequestAuthentication,
    RequestAuthenticationSpec,
)
from meshlint.resources.validation import Release, demands
from meshlint.resources.validation.names import clash, filled, has, invalid, is_subnet, missing, shown, text
from meshlint.source.node import Node

_DRY_RUN = "istio.io/dry-run"
_NEGATABLE = ("principals", "requestPrincipals", "namespaces", "serviceAccounts", "trustDomains")
_IDENTITIES = frozenset(form for name in _NEGATABLE for form in (name, f"not{name[0].upper()}{name[1:]}"))
_NEEDS_PEER = frozenset({"source.namespace", "source.serviceAccount", "source.trustDomain", "source.principal"})
_KEYS = frozenset(
    {
        *("source.ip", "remote.ip", "source.namespace", "source.serviceAccount", "source.principal"),
        *("source.trustDomain", "request.auth.principal", "request.auth.audiences", "request.auth.presenter"),
        *("destination.ip", "destination.port", "connection.sni"),
    }
)
_MAPS = ("request.headers", "request.auth.claims", "experimental.envoy.filters.")
_ADDRESS_KEYS = frozenset({"source.ip", "remote.ip", "destination.ip"})
_MAP_KEY = re.compile(r"[^\[]+\[.+\]", re.DOTALL)
_LITERAL = re.compile(r"[a-zA-Z0-9\-._~%!$&'()+,;:@=]+", re.ASCII)
_ONE, _ANY = "{*}", "{**}"


@demands(AuthorizationPolicySpec)
def has_rules_to_trigger(policy: AuthorizationPolicy, _: Release) -> Iterator[Violation]:
    """A DENY or CUSTOM policy without rules would never do anything (S9)."""
    action = policy.spec.action
    if action in {"DENY", "CUSTOM"} and not has(policy.spec.node, "rules"):
        hint = "`rules: [{}]` takes every request"
        yield missing(policy.spec.node, f"a {action} policy without `rules` takes no request", hint, "no `rules`")


@demands(AuthorizationPolicySpec)
def asks_a_provider_or_not(policy: AuthorizationPolicy, _: Release) -> Iterator[Violation]:
    """CUSTOM names the authorizer to ask, no other action does (S15); CUSTOM and AUDIT have no dry run (S16)."""
    spec = policy.spec
    provider = spec.node.get("provider")
    if spec.action == "CUSTOM" and not (spec.provider is not None and spec.provider.name):
        message = "a CUSTOM policy names the authorizer to ask in `provider.name`"
        yield missing(provider or spec.node, message, "one of `extensionProviders` in the mesh settings", "no provider")
    elif spec.action != "CUSTOM" and provider is not None and has(spec.node, "provider"):
        yield clash(provider, f"only a CUSTOM policy has a `provider`, this one is {spec.action or 'ALLOW'}")
    trial = policy.node.get("metadata", "annotations", _DRY_RUN)
    if trial is not None and spec.action in {"CUSTOM", "AUDIT"}:
        yield clash(trial, f"there is no dry run of a {spec.action} policy, only of ALLOW and DENY")


@demands(AuthorizationPolicySpec)
def sources_say_something(policy: AuthorizationPolicy, _: Release) -> Iterator[Violation]:
    """An item of `from` has a source, a source has fields, and its fields have values (S37, S44)."""
    for rule in policy.spec.rules:
        for item in rule.from_:
            source = item.source.node if item.source is not None else None
            yield from _emptiness(item.node, source, "source", "from")
            if source is not None:
                yield from _source_flaws(source)


@demands(AuthorizationPolicySpec)
def custom_asks_before_identities_are_known(policy: AuthorizationPolicy, _: Release) -> Iterator[Violation]:
    """CUSTOM is decided before tokens are verified, and knows no identities (S15)."""
    if policy.spec.action != "CUSTOM":
        return
    hint = "write `ipBlocks`, `remoteIpBlocks`, or conditions on the operation"
    for rule in policy.spec.rules:
        for item in rule.from_:
            for name, below in (item.source.node.mapping if item.source is not None else {}).items():
                if name in _IDENTITIES and below.elements:
                    yield clash(below, f"a CUSTOM policy cannot use `{name}`", hint, "not with CUSTOM")
        for condition in rule.when:
            if condition.key in _NEEDS_PEER or condition.key.startswith("request.auth."):
                key = condition.node.at("key")
                message = f"a CUSTOM policy cannot use {shown(condition.key)}"
                yield clash(key, message, label="not with CUSTOM", on_key=False)


@demands(AuthorizationPolicySpec)
def operations_say_something(policy: AuthorizationPolicy, _: Release) -> Iterator[Violation]:
    """An item of `to` has an operation, an operation has fields, and its fields have values (S37, S44, S64, S66)."""
    for rule in policy.spec.rules:
        for item in rule.to:
            operation = item.operation.node if item.operation is not None else None
            yield from _emptiness(item.node, operation, "operation", "to")
            for name, below in (operation.mapping if operation is not None else {}).items():
                yield from _empty_texts(below)
                for element in below.elements:
                    if name in {"ports", "notPorts"}:
                        yield from _port_flaws(element)
                    elif name in {"paths", "notPaths"}:
                        yield from _path_flaws(element)


@demands(AuthorizationPolicySpec)
def conditions_ask_for_what_exists(policy: AuthorizationPolicy, _: Release) -> Iterator[Violation]:
    """The key of a condition is one that Istio knows, and it is compared with some value (S36, S38, S67)."""
    for rule in policy.spec.rules:
        for condition in rule.when:
            node = condition.node
            key = node.get("key")
            if key is None:
                continue
            flaw = _key_flaw(condition.key)
            if flaw:
                yield invalid(key, flaw, "" if not condition.key else _KEYS_HINT)
            elif not (node.at("values").elements or node.at("notValues").elements):
                message = f"the condition on {shown(condition.key)} compares it with nothing"
                yield missing(node, message, "write `values` or `notValues`", "no values")
            else:
                for name in ("values", "notValues"):
                    yield from _value_flaws(condition.key, node.at(name))


@demands(PeerAuthenticationSpec)
def ports_are_numbers(authentication: PeerAuthentication, _: Release) -> Iterator[Violation]:
    """Modes are those of ports, which are numbers (S116)."""
    spec = authentication.spec
    ports = spec.node.get("portLevelMtls")
    if ports is None or ports.value is None:
        return
    for port, mode in ports.mapping.items():
        if not re.fullmatch(r"\+?\d{1,9}", port, re.ASCII) or not 0 < int(port) <= 65535:
            message = f"{shown(port)} is no port: ports go from 1 to 65535"
            yield Violation("invalid-value", mode, message, "no port", on_key=True)


@demands(RequestAuthenticationSpec)
def tokens_can_be_verified(authentication: RequestAuthentication, _: Release) -> Iterator[Violation]:
    """Each issuer's keys can be found: by address, inline, or by discovery from the issuer (S144)."""
    for rule in authentication.spec.jwt_rules:
        if not rule.issuer and not rule.jwks_uri and not rule.jwks:
            message = "the rule says neither `issuer` nor `jwksUri`: there are no keys to verify a token with"
            yield missing(rule.node, message, label="no keys")
        yield from _keys_flaws(rule)


def _keys_flaws(rule: JWTRule) -> Iterator[Violation]:
    for name in ("jwksUri", "jwks_uri"):
        node = rule.node.get(name)
        if node is not None and text(node) and not _is_web_address(text(node)):
            yield invalid(node, "keys are fetched from an address that begins with `http://` or `https://`")
    node = rule.node.get("jwks")
    if node is not None and rule.jwks and not _is_key_set(rule.jwks):
        yield invalid(node, "no set of keys (JWKS)", 'it is JSON of the form `{"keys": [{"kty": "RSA", …}]}`')


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _is_key_set(jwks: str) -> bool:
    try:
        read = json.loads(jwks)
    except (ValueError, RecursionError):
        return False
    keys = read.get("keys", [read]) if isinstance(read, dict) else None
    return isinstance(keys, list) and all(isinstance(key, dict) and isinstance(key.get("kty"), str) for key in keys)


def _emptiness(item: Node, content: Node | None, name: str, where: str) -> Iterator[Violation]:
    """An item of `from` or `to` that says nothing: it would take every request."""
    if content is None:
        yield missing(item, f"an item of `{where}` without `{name}` says nothing", label=f"no `{name}`")
    elif not any(filled(content, field) for field in content.mapping):
        hint = f"leave `{where}` out to take every request"
        yield missing(content, f"`{name}` is empty, so it says nothing", hint, "empty")


def _source_flaws(source: Node) -> Iterator[Violation]:
    for name, below in source.mapping.items():
        yield from _empty_texts(below)
        plain = name.removeprefix("not")
        plain = plain[:1].lower() + plain[1:]
        check = _SOURCES.get(plain)
        for element in below.elements if check is not None else ():
            flaw = check(text(element)) if text(element) and check is not None else ""
            if flaw:
                yield invalid(element, flaw)
    accounts = next((source.at(one) for one in ("serviceAccounts", "notServiceAccounts") if has(source, one)), None)
    others = [name for name in ("principals", "notPrincipals", "namespaces", "notNamespaces") if has(source, name)]
    if accounts is not None and others:
        message = f"`{accounts.path[-1]}` and `{others[0]}` are not set together"
        yield clash(accounts, message, "a service account says its namespace itself: `namespace/name`")


def _empty_texts(values: Node) -> Iterator[Violation]:
    for element in values.elements:
        if element.value == "":
            yield invalid(element, "an empty value matches nothing and is refused")


def _port_flaws(port: Node) -> Iterator[Violation]:
    number = text(port)
    if number and not _is_port(number):
        yield invalid(port, "no port: ports go from 0 to 65535")


def _is_port(number: str) -> bool:
    return re.fullmatch(r"[0-9]{1,9}", number) is not None and int(number) <= 65535


def _path_flaws(path: Node) -> Iterator[Violation]:
    """A template whose operators are no whole segments, or are mixed with characters it cannot hold (S64)."""
    written = text(path)
    is_template = _ONE in written or _ANY in written
    is_over = False
    for segment in written.strip("/").split("/"):
        if segment in {_ONE, _ANY}:
            if is_over:
                yield invalid(path, f"nothing but literal segments may follow `{_ANY}`")
                return
            is_over = segment == _ANY
        elif "{" in segment or "}" in segment:
            yield invalid(path, f"braces are for `{_ONE}` and `{_ANY}` only, each a whole segment")
            return
        elif is_template and not _LITERAL.fullmatch(segment):
            why = "an empty segment" if not segment else f"{shown(segment)} has characters that a template cannot hold"
            yield invalid(path, f"in a path with `{_ONE}` or `{_ANY}`: {why}")
            return


def _key_flaw(key: str) -> str:
    if not key:
        return "a condition names what it is about"
    if key in _KEYS:
        return ""
    for start in _MAPS:
        if key.startswith(start):
            return "" if _MAP_KEY.fullmatch(key) else f"it is written `{start.rstrip('.')}…[name]`"
    return "no attribute that Istio knows"


_KEYS_HINT = "such as `request.headers[name]`, `request.auth.claims[name]`, `source.ip`, `source.namespace`"


def _value_flaws(key: str, values: Node) -> Iterator[Violation]:
    yield from _empty_texts(values)
    check = _CONDITIONS.get(key)
    for element in values.elements if check is not None else ():
        flaw = check(text(element)) if text(element) and check is not None else ""
        if flaw:
            yield invalid(element, flaw)


def _address_flaw(value: str) -> str:
    return "" if is_subnet(value) else "neither an IP address nor a range of them"


def _number_flaw(value: str) -> str:
    return "" if _is_port(value) else "no port: ports go from 0 to 65535"


def _account_flaw(value: str) -> str:
    if value.count("/") > 1:
        return "a service account is `name` or `namespace/name`"
    return "service accounts take no wildcards" if "*" in value else ""


def _trust_domain_flaw(value: str) -> str:
    if "/" in value:
        return "a trust domain has no `/`"
    inner = value[1:-1] if value != "*" else ""
    many = value.count("*") > 1
    return "one `*`, at the beginning or the end" if many or "*" in inner else ""


_SOURCES: dict[str, Callable[[str], str]] = {
    "ipBlocks": _address_flaw,
    "remoteIpBlocks": _address_flaw,
    "serviceAccounts": _account_flaw,
    "trustDomains": _trust_domain_flaw,
}
_CONDITIONS: dict[str, Callable[[str], str]] = {
    **dict.fromkeys(_ADDRESS_KEYS, _address_flaw),
    "destination.port": _number_flaw,
    "source.serviceAccount": _account_flaw,
    "source.trustDomain": _trust_domain_flaw,
}
