"""What a server of Istio 1.0 to 1.5 says of a call: its ServiceRoles and the tokens that its Policy wants, as steps."""

from dataclasses import replace

from meshlint import request as a
from meshlint.mesh import history
from meshlint.mesh.applied import unclear_parts
from meshlint.mesh.authorization import PolicyRule, decided
from meshlint.mesh.legacy_authentication import Origins, title
from meshlint.mesh.legacy_rbac import Enforcement, bindings_of, config_of
from meshlint.mesh.model import Mesh
from meshlint.mesh.reasons import mismatch
from meshlint.mesh.steps import Fact, Kind, Outcome, Step, Tried
from meshlint.request import Request
from meshlint.resources.legacy import ServiceRoleSpec


def by_roles(mesh: Mesh, found: Enforcement, request: Request, step: Step) -> tuple[Step, Outcome | None]:
    """The decision of the roles at a server's *step*, None for an outcome where the call gets through (L10, L23)."""
    config = found.config
    fact = Fact(f"{config.ref.kind} {config.name}: {config.spec.mode}", config.node.at("spec", "mode"))
    allowing = found.gates.allowing or ()
    answer = decided(found.gates, request)
    tried = tuple(_tried(one, request, matched=one is answer.rule) for one in allowing)
    step = replace(step, facts=(*step.facts, fact), tried=tried)
    doubt = found.doubt or ("" if answer.is_allowed else _unclear(allowing))
    if doubt:
        return replace(step, text=f"{step.text}: {doubt}"), Outcome(Kind.UNKNOWN, workloads=(step.text,), why=doubt)
    if answer.rule is not None:
        granted = tuple(
            Fact(f"ServiceRoleBinding {one.namespace}/{one.name}", one.name_node)
            for role in mesh.of(ServiceRoleSpec)
            if role.node is answer.rule.policy.node
            for one in bindings_of(mesh, role)
        )
        text = f"{step.text}  {_name(answer.rule)}: allowed"
        return replace(step, text=text, node=answer.rule.node, facts=(*step.facts, *granted)), None
    words = "no ServiceRole allows it"
    denied = Outcome(Kind.DENIED, 403, workloads=(step.text,), why=words)
    return replace(step, text=f"{step.text}  {words}", node=config.name_node), denied


def unguarded(mesh: Mesh) -> Fact:
    """Why nothing decides at a server that no policy is for (L7, L8)."""
    if mesh.settings.istio_version >= history.NO_LEGACY_SECURITY:
        return Fact("no AuthorizationPolicy: all is allowed")
    config = config_of(mesh)
    if config is None:
        idle = ", so that no ServiceRole counts" if mesh.of(ServiceRoleSpec) else ""
        return Fact(f"no RbacConfig{idle}: all is allowed")
    text = f"{config.ref.kind} {config.name} leaves the service out: all is allowed"
    return Fact(text, config.node.at("spec", "mode"))


def by_origins(found: Origins, request: Request) -> tuple[bool, str]:
    """Whether the request's token counts, and why the request is refused, if it is (L29, L31)."""
    issuer = request.get(a.TOKEN_ISSUER)
    if issuer in found.issuers:
        return True, ""
    if found.is_optional:
        return False, ""
    if issuer is None:
        return False, f"{title(found.policy)} asks for a token, the request has none"
    return False, f"{title(found.policy)} does not know the token's issuer {issuer}"


def _tried(one: PolicyRule, request: Request, *, matched: bool) -> Tried:
    return Tried(_name(one), one.node, matched, "" if matched else mismatch([one.predicate], request))


def _name(one: PolicyRule) -> str:
    return f"ServiceRole {one.policy.namespace}/{one.policy.name} rule {one.node.path[-1]}"


def _unclear(rules: tuple[PolicyRule, ...]) -> str:
    return next((f"{_name(one)}: {why}" for one in rules for why in unclear_parts(one.predicate)), "")
