"""What the rules of ServiceRoles and the subjects of their bindings ask of a request, as predicates (legacy L12-L20)."""

import re
from collections.abc import Callable, Iterable, Iterator

from meshlint.mesh.conditions import is_network, quote
from meshlint.mesh.legacy_authentication import is_by_origin
from meshlint.mesh.model import Mesh
from meshlint.mesh.predicate import (
    ALWAYS,
    Exact,
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
from meshlint.mesh.services import Host
from meshlint.mesh.workloads import Workload
from meshlint.request import (
    DESTINATION_IP,
    METHOD,
    PORT,
    PRINCIPAL,
    SOURCE_IP,
    TOKEN_ISSUER,
    TOKEN_SUBJECT,
    Attribute,
    claim,
    header,
)
from meshlint.resources.legacy import AccessRule, Constraint, ServiceRoleBinding, Subject

_BRACKETS = re.compile(r"([a-z.]+)\[([^\[\]]+)\]")
_RULE_FIELDS = frozenset({"services", "paths", "methods", "constraints"})
_SUBJECT_FIELDS = frozenset({"user", "group", "properties"})
_WHOLE_PATH = header(":path")


def permitted(rule: AccessRule, host: Host, workload: Workload) -> Predicate | None:
    """The requests for a service that an access rule is about; None where it is not about the service (L12-L16)."""
    if not any(fits(pattern, host.name) for pattern in rule.services):
        return None
    static = [_static(one, host, workload) for one in rule.constraints]
    if any(answer is False for answer in static):
        return None
    parts = [_unknown_fields(rule.node.mapping, _RULE_FIELDS)]
    if rule.methods:
        parts.append(either(_text(one, METHOD) for one in rule.methods))
    if rule.paths:
        # The raw path is meant, with the query string (L14).
        parts.append(either(_text(one, _WHOLE_PATH) for one in rule.paths))
    parts += [_constraint(one) for one, answer in zip(rule.constraints, static, strict=True) if answer is None]
    return both(*parts)


def subjects(mesh: Mesh, bindings: Iterable[ServiceRoleBinding], workload: Workload, port: int) -> Predicate:
    """The requests of all who are bound (L17-L20)."""
    by_origin = is_by_origin(mesh, workload, port)
    return either(_subject(one, by_origin=by_origin) for binding in bindings for one in binding.spec.subjects)


def fits(pattern: str, text: str) -> bool:
    """Whether a value with a star at one end at most is fitting: exact, prefix, suffix or all (L12)."""
    if pattern == "*":
        return True
    if pattern.startswith("*"):
        return text.endswith(pattern[1:])
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _unknown_fields(written: Iterable[str], known: frozenset[str]) -> Predicate:
    """What later releases added is not followed."""
    foreign = sorted(set(written) - known)
    return Unclear(f"the field `{foreign[0]}` of a role or binding") if foreign else ALWAYS


def _static(one: Constraint, host: Host, workload: Workload) -> bool | None:
    """Whether a constraint that is compared while configuration is made holds; None for any other (L16)."""
    known = {
        "destination.name": host.name.partition(".")[0],
        "destination.namespace": host.namespace,
        "destination.user": workload.service_account,
    }
    if one.key in known:
        return any(fits(value, known[one.key]) for value in one.values)
    named = _BRACKETS.fullmatch(one.key)
    if named is None or named[1] != "destination.labels":
        return None
    label = workload.labels.get(named[2])
    return label is not None and any(fits(value, label) for value in one.values)


def _constraint(one: Constraint) -> Predicate:
    """A constraint on the request; one whose key is not supported is left out, which makes the rule wider (L16)."""
    if one.key == "destination.ip":
        return either(Within(DESTINATION_IP, value) for value in one.values if is_network(value))
    if one.key == "destination.port":
        return either(Exact(PORT, value) for value in one.values)
    named = _BRACKETS.fullmatch(one.key)
    if named is not None and named[1] == "request.headers":
        return either(_text(value, header(named[2])) for value in one.values)
    return ALWAYS


def _subject(one: Subject, *, by_origin: bool) -> Predicate:
    if not one.user and not one.properties:
        return Unclear("a subject with neither user nor properties (L19)")
    parts = [_unknown_fields(one.node.mapping, _SUBJECT_FIELDS)]
    if one.user:
        parts.append(_principal(one.user, by_origin=by_origin))
    parts += _properties(one, by_origin=by_origin)
    return both(*parts)


def _properties(one: Subject, *, by_origin: bool) -> Iterator[Predicate]:
    """All properties together; keys that are not supported and bad addresses are left out (L18)."""
    readings: dict[str, Callable[[str], Predicate]] = {
        "source.ip": lambda value: Within(SOURCE_IP, value) if is_network(value) else ALWAYS,
        "source.namespace": lambda value: _of_namespace(value, by_origin=by_origin),
        "source.principal": lambda value: ALWAYS if one.user else _principal(value, by_origin=by_origin),
        "source.user": lambda _: Unclear("the property `source.user`"),
        "request.auth.principal": _token,
        "request.auth.audiences": lambda value: _text(value, claim("aud")),
        "request.auth.presenter": lambda value: _text(value, claim("azp")),
    }
    brackets: dict[str, Callable[[str], Attribute]] = {"request.auth.claims": claim, "request.headers": header}
    for key, value in one.properties.items():
        named = _BRACKETS.fullmatch(key)
        if key in readings:
            yield readings[key](value)
        elif named is not None and named[1] in brackets:
            yield _text(value, brackets[named[1]](named[2]))


def _principal(value: str, *, by_origin: bool) -> Predicate:
    """The caller's principal without its scheme; a star is anyone, certificate or not (L17)."""
    if value == "*":
        return ALWAYS
    if by_origin:
        return Unclear("the principal is that of a token (principalBinding USE_ORIGIN)")
    if value.startswith("*"):
        return Regex(PRINCIPAL, "spiffe://.*" + quote(value[1:]))
    if value.endswith("*"):
        return Prefix(PRINCIPAL, "spiffe://" + value[:-1])
    return Exact(PRINCIPAL, "spiffe://" + value)


def _of_namespace(value: str, *, by_origin: bool) -> Predicate:
    """A namespace stands in an expression as it is, dots unquoted (L18)."""
    if by_origin:
        return Unclear("the principal is that of a token (principalBinding USE_ORIGIN)")
    return Regex(PRINCIPAL, f".*/ns/{value}/.*")


def _token(value: str) -> Predicate:
    """The issuer and subject of a token, as `issuer/subject`."""
    issuer, slash, subject = value.rpartition("/")
    if value == "*":
        return both(Present(TOKEN_ISSUER), Present(TOKEN_SUBJECT))
    if not slash or "*" in value:
        return Unclear(f"`{value}` as the principal of a token")
    return both(Exact(TOKEN_ISSUER, issuer), Exact(TOKEN_SUBJECT, subject))


def _text(value: str, attribute: Attribute) -> Predicate:
    """A value with at most one star at one end (L13)."""
    if value == "*":
        return Present(attribute)
    if value.startswith("*"):
        return Suffix(attribute, value[1:])
    return Prefix(attribute, value[:-1]) if value.endswith("*") else Exact(attribute, value)
