"""Identities in AuthorizationPolicies and WorkloadGroups: accounts that nobody runs as, trust domains that nobody has."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.finding import Outside, Problem, Result
from meshlint.mesh.conditions import is_same_domain, principal
from meshlint.mesh.model import Class, Mesh
from meshlint.mesh.policy_values import Entry, entries
from meshlint.mesh.predicate import holds
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.registry import checks
from meshlint.request import PRINCIPAL, Request
from meshlint.resources.security import AuthorizationPolicy
from meshlint.resources.service_entry import WorkloadGroupSpec
from meshlint.source.node import Node

_SCHEME = "spiffe://"


@checks("MSH509")
def no_such_principal(mesh: Mesh) -> Iterator[Result]:
    """An identity that no workload can have (S45, S52, S79-S81)."""
    for policy in mesh.authorization_policies:
        for entry in entries(policy, "principals", "source.principal"):
            yield from _principal(mesh, entry)
        for entry in entries(policy, "serviceAccounts", "source.serviceAccount"):
            yield from _account(mesh, policy, entry)
    for resource in mesh.resources:
        if isinstance(resource.spec, WorkloadGroupSpec):
            yield from _of_group(mesh, resource.namespace, resource.node, resource.spec)


def _principal(mesh: Mesh, entry: Entry) -> Iterator[Result]:
    if entry.value.startswith(_SCHEME):
        yield _problem(
            entry,
            f"`{_SCHEME}` is put before principals, so no identity is like this one",
            f"write `{entry.value.removeprefix(_SCHEME)}`",
            "KIA0108",
        )
    elif not mesh.derived(_is_someone, mesh, entry.value):
        yield from _unknown_domain(mesh, entry) if _has_foreign_domain(mesh, entry.value) else _nobody(mesh, entry)


def _is_someone(mesh: Mesh, value: str) -> bool:
    """Whether some account of the input has an identity like the value."""
    known = mesh.derived(_identities, mesh)
    if value == "*" or _SCHEME + value in known:
        return True
    wanted = principal(value, mesh.config)
    return any(holds(wanted, Request.of({PRINCIPAL: identity})) for identity in known)


def _identities(mesh: Mesh) -> frozenset[str]:
    domains = (mesh.config.certified_domain, *mesh.config.trust_domain_aliases)
    return frozenset(f"{_SCHEME}{domain}/ns/{home}/sa/{name}" for domain in domains for home, name in _accounts(mesh))


def _accounts(mesh: Mesh) -> frozenset[tuple[str, str]]:
    """The accounts of the input, and the one that each namespace has by itself."""
    return mesh.accounts | {(home, "default") for home in mesh.known_namespaces}


def _has_foreign_domain(mesh: Mesh, value: str) -> bool:
    """Whether the principal names a trust domain that is none of the mesh's and is not replaced by them (S79, S80)."""
    domain, slash, rest = value.partition("/")
    if not slash or domain.startswith("*"):
        return False
    if domain == "cluster.local" and rest.count("/") == 3:
        return False
    own = (mesh.config.trust_domain, mesh.config.certified_domain, *mesh.config.trust_domain_aliases)
    return not any(is_same_domain(domain, one) for one in own)


def _unknown_domain(mesh: Mesh, entry: Entry) -> Iterator[Result]:
    domain = entry.value.partition("/")[0]
    if mesh.settings.world is not World.COMPLETE and not mesh.config.node.mapping:
        yield Outside(entry.node, f"trust domain {domain}")
        return
    own = mesh.config.trust_domain
    yield _problem(
        entry,
        f"trust domain `{domain}` is not `{own}`, the mesh's, nor an alias of it, so nobody has this identity",
        did_you_mean(nearest(domain, (own, *mesh.config.trust_domain_aliases))),
        "KIA0108",
    )


def _nobody(mesh: Mesh, entry: Entry) -> Iterator[Result]:
    value = entry.value
    if "/" not in value and "*" not in value:
        yield _problem(
            entry,
            f"`{value}` is no principal, so no identity is like it",
            f"write `{mesh.config.trust_domain}/ns/NAMESPACE/sa/{value}`, or use `serviceAccounts`",
            "KIA0106",
        )
        return
    home = _namespace(value)
    if not mesh.expects(Class.ACCOUNTS, home):
        yield Outside(entry.node, f"identity {value}")
        return
    what = "no service account has an identity like" if "*" in value else "no service account has the identity"
    yield _problem(entry, f"{what} `{value}`", did_you_mean(_similar(mesh, value)), "KIA0106")


def _namespace(value: str) -> str:
    """The one namespace that a principal speaks of; empty where there is none or it has a star."""
    home = value.partition("/ns/")[2].partition("/")[0]
    return "" if "*" in home else home


def _similar(mesh: Mesh, value: str) -> str:
    domain = value.partition("/")[0]
    return nearest(value, (f"{domain}/ns/{home}/sa/{name}" for home, name in _accounts(mesh)))


def _problem(entry: Entry, message: str, hint: str, alias: str) -> Problem:
    return Problem(
        entry.node,
        message,
        label="nobody",
        help=hint,
        aliases=() if entry.is_negated or "." in entry.name else (alias,),
    )


@dataclass(frozen=True, slots=True)
class _Account:
    """A service account, and where it is named."""

    namespace: str
    name: str
    node: Node


def _account(mesh: Mesh, policy: AuthorizationPolicy, entry: Entry) -> Iterator[Result]:
    home, _, name = entry.value.rpartition("/")
    place = home or policy.namespace
    if (place, name) in _accounts(mesh):
        return
    yield from _missing(mesh, _Account(place, name, entry.node), "so nobody calls as it")


def _of_group(mesh: Mesh, home: str, group: Node, spec: WorkloadGroupSpec) -> Iterator[Result]:
    """The account that the machines of a WorkloadGroup run as."""
    account = spec.template.service_account if spec.template is not None else ""
    if account and (home, account) not in _accounts(mesh):
        node = group.at("spec", "template", "serviceAccount")
        wanted = _Account(home, account, node)
        yield from _missing(mesh, wanted, "so its machines get no identity", "KIA1701")


def _missing(mesh: Mesh, account: _Account, effect: str, *aliases: str) -> Iterator[Result]:
    if not mesh.expects(Class.ACCOUNTS, account.namespace):
        yield Outside(account.node, f"service account {account.namespace}/{account.name}")
        return
    near = nearest(account.name, (one for home, one in _accounts(mesh) if home == account.namespace))
    yield Problem(
        account.node,
        f"namespace `{account.namespace}` has no service account `{account.name}`, {effect}",
        label="does not exist",
        help=did_you_mean(near),
        aliases=aliases,
    )
