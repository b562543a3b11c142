"""The server's side: whether its proxy takes the connection, and what its policies say (S1-S20, S110-S148)."""

from dataclasses import dataclass, replace
from enum import Enum

from meshlint import request as a
from meshlint.mesh.applied import unclear_parts
from meshlint.mesh.authorization import Policy, action, attached, is_open, rules_of, verdict
from meshlint.mesh.conditions import Chain
from meshlint.mesh.legacy_authentication import Origins, is_in_force, origins, peers
from meshlint.mesh.legacy_rbac import Enforcement, enforcement
from meshlint.mesh.legacy_reception import by_origins, by_roles, unguarded
from meshlint.mesh.mixer_facts import mixer_facts
from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Demand, Mode, demand, is_automatic, is_captured, namespace_demand, ztunnel_demand
from meshlint.mesh.origin import Client
from meshlint.mesh.peers import at_gateway, at_sidecar
from meshlint.mesh.reasons import mismatch
from meshlint.mesh.services import Host, Protocol, protocol_of
from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step, Tried
from meshlint.mesh.tokens import Verified, authenticators, verified, without_token
from meshlint.mesh.view import sidecar_of
from meshlint.mesh.wire import Bytes, Call
from meshlint.mesh.workloads import Proxy, Workload
from meshlint.request import Request
from meshlint.resources.destination_rule import ClientTLS
from meshlint.resources.security import RequestAuthentication
from meshlint.source.node import Node

_RIVALS = "several PeerAuthentications compete and manifests do not show which is older"


class Secured(Enum):
    """How a client's proxy sends: as it comes, with the mesh's certificates, or by a TLS of its own (S124-S132).

    HBONE is the mesh's tunnel in ambient mode (S108); whether a proxy uses it manifests do not always show.
    """

    PLAIN = "plaintext"
    MUTUAL = "mTLS"
    TLS = "TLS without the mesh's certificates"
    OWN = "TLS with a certificate of its own"
    HBONE = "HBONE"
    UNSURE = "HBONE or plaintext"

    @property
    def shows_identity(self) -> bool:
        """Whether the server sees who the client is, or may see it."""
        return self in (Secured.MUTUAL, Secured.HBONE, Secured.UNSURE)


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A call at a workload's port: how it is secured, and whose identity it brings, if any."""

    call: Call
    secured: Secured
    principal: str | None
    port: int
    protocol: Protocol
    sni: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reception:
    """What the server makes of a call: the step, and the outcome that ends it, None where the call gets through."""

    step: Step
    outcome: Outcome | None


def secured(mesh: Mesh, tls: ClientTLS | None, host: Host | None, workload: Workload | None, port: int) -> Secured:
    """How a client with a proxy sends to an endpoint: as its rule says, else by auto mTLS (S124-S135)."""
    mode = tls.mode if tls is not None else ""
    if workload is not None and workload.proxy is Proxy.AMBIENT:
        return Secured.HBONE if mode in ("", "ISTIO_MUTUAL") else Secured.UNSURE
    match mode:
        case "DISABLE":
            return Secured.PLAIN
        case "ISTIO_MUTUAL":
            return Secured.MUTUAL
        case "SIMPLE":
            return Secured.TLS
        case "MUTUAL":
            return Secured.OWN
    if workload is None or not is_automatic(mesh) or (host is not None and _is_foreign(host)):
        return Secured.PLAIN
    if workload.proxy in (Proxy.NONE, Proxy.GATEWAY):
        return Secured.PLAIN
    if host is not None and host.is_headless:  # S127: one cluster for all endpoints, whatever each of them asks for.
        if any(one.proxy in (Proxy.NONE, Proxy.GATEWAY) for one in mesh.workloads_of(host)):
            return Secured.PLAIN
        wide = namespace_demand(mesh, workload.namespace)
        return Secured.PLAIN if wide is not None and wide.mode is Mode.DISABLE else Secured.MUTUAL
    asked = (namespace_demand(mesh, workload.namespace), demand(mesh, workload, port))
    return Secured.PLAIN if any(one is not None and one.mode is Mode.DISABLE for one in asked) else Secured.MUTUAL


def secured_by_ztunnel(workload: Workload) -> Secured:
    """How ztunnel sends to an endpoint: through the tunnel where the other side has one, else as it comes (S108)."""
    if workload.proxy is Proxy.AMBIENT:
        return Secured.HBONE
    if workload.proxy in (Proxy.NONE, Proxy.GATEWAY):
        return Secured.PLAIN
    return Secured.MUTUAL if workload.labels.get("networking.istio.io/tunnel") == "http" else Secured.UNSURE


def receive(mesh: Mesh, workload: Workload, arrival: Arrival) -> Reception:
    """What the workload's proxy does with a call: mutual TLS first, then the policies."""
    if arrival.secured is Secured.UNSURE:
        return _either_way(mesh, workload, arrival)
    name = f"{workload.namespace}/{workload.name}"
    if workload.proxy is Proxy.AMBIENT:
        return _at_ztunnel(mesh, workload, arrival, name)
    facts = [Fact("the input does not show whether the pods have a sidecar: taken to have one")]
    facts = facts if workload.proxy is Proxy.UNKNOWN else []
    if workload.proxy is Proxy.NONE or not is_captured(workload, arrival.port):
        why = "no sidecar" if workload.proxy is Proxy.NONE else f"port {arrival.port} goes past the sidecar"
        return _bare(name, arrival, why)
    listening = _ingress(mesh, workload, arrival.port)
    if listening is not None:
        protocol, fact = listening
        arrival = replace(arrival, protocol=protocol)
        facts.append(fact)
    failed, handshake = _handshake(mesh, workload, arrival)
    facts.append(handshake)
    if failed is not None:
        return Reception(Step(Stage.SERVER, f"{name}: {failed.why}", handshake.node, tuple(facts)), failed)
    facts += mixer_facts(mesh, workload, arrival.port)
    return authorize(mesh, workload, arrival, name, tuple(facts))


@dataclass(frozen=True, slots=True, eq=False)
class Guard:
    """What decides on calls at a proxy: its policies, as they read on the kind of chain, and who verifies tokens.

    Up to Istio 1.5 a Policy of `authentication.istio.io` may want tokens, and roles may stand in for policies.
    `gateway` are the pods that take calls from outside, None at other proxies.
    """

    chain: Chain
    policies: tuple[Policy, ...]
    authenticators: tuple[RequestAuthentication, ...]
    origins: Origins | None = None
    roles: Enforcement | None = None
    gateway: Workload | None = None


def authorize(mesh: Mesh, workload: Workload, arrival: Arrival, name: str, facts: tuple[Fact, ...]) -> Reception:
    """What the workload's own tokens and policies or roles say of a call that its proxy has taken (S1, S2, L23)."""
    chain, verifiers = _chain(workload, arrival), authenticators(mesh, workload)
    wanted = origins(mesh, workload, arrival.port) if not verifiers else None
    roles = enforcement(mesh, workload, arrival.port, chain)
    gateway = workload if workload.proxy is Proxy.GATEWAY else None
    guard = Guard(chain, attached(mesh, workload), verifiers, wanted, roles, gateway)
    return judge(mesh, guard, arrival, name, facts)


def judge(mesh: Mesh, guard: Guard, arrival: Arrival, name: str, facts: tuple[Fact, ...]) -> Reception:
    """What tokens and AuthorizationPolicies say of a call that a proxy called *name* has taken (S1, S2, S138-S140)."""
    chain, policies = guard.chain, guard.policies
    is_http = chain is Chain.HTTP
    token = _verified(guard, _as_seen(mesh, guard, arrival))
    request = token.request
    if token.refused:
        return Reception(
            Step(Stage.SERVER, f"{name}: {token.refused}", None, facts),
            Outcome(Kind.DENIED, 401, workloads=(name,), why=token.refused),
        )
    doubt = _doubt(mesh, policies, chain) or _open(mesh, policies, chain, request)
    if doubt:
        outcome = Outcome(Kind.UNKNOWN, workloads=(name,), why=doubt)
        return Reception(Step(Stage.SERVER, f"{name}: {doubt}", None, facts), outcome)
    if guard.roles is not None:
        return Reception(*by_roles(mesh, guard.roles, request, Step(Stage.SERVER, name, None, facts)))
    if not policies:
        return Reception(Step(Stage.SERVER, name, None, (*facts, unguarded(mesh))), None)
    found = verdict(mesh, policies, chain, request)
    tried = tuple(
        _tried(mesh, policy, chain, request, found.rule.policy if found.rule else None) for policy in policies
    )
    asked = tuple(
        Fact(f"{_title(rule.policy)} asks the authorizer `{_provider(rule.policy)}`: taken to agree", rule.node)
        for rule in found.asked
    )
    node: Node | None
    if found.rule is not None:
        number = rules_of(mesh, found.rule.policy, chain).index(found.rule)
        words = f"{_title(found.rule.policy)} rule {number}: {action(found.rule.policy).value}"
        node = found.rule.node
    else:
        words, node = (
            ("no rule denies it", None) if found.is_allowed else ("no ALLOW rule allows it", policies[0].name_node)
        )
    step = Step(Stage.SERVER, f"{name}  {words}", node, (*facts, *asked), tried)
    if found.is_allowed:
        return Reception(step, None)
    return Reception(step, Outcome(Kind.DENIED, 403 if is_http else None, workloads=(name,), why=words))


def _is_foreign(host: Host) -> bool:
    """Whether auto mTLS leaves the host alone: it is outside the mesh (S125)."""
    return host.is_service_entry and host.is_external


def _ingress(mesh: Mesh, workload: Workload, port: int) -> tuple[Protocol, Fact] | None:
    """How a Sidecar's own listeners take connections to a port, instead of what Services say of it (R806)."""
    chosen = sidecar_of(mesh, Client(workload.namespace, tuple(sorted(workload.labels.items()))))
    if chosen is None or not chosen.spec.ingress:
        return None
    who = f"Sidecar {chosen.namespace}/{chosen.name}"
    for one in chosen.spec.ingress:
        if one.port is not None and one.port.number == port:
            endpoint = one.default_endpoint or f"port {port} of the pod"
            return protocol_of(one.port.protocol), Fact(
                f"{who}: the listener on port {port} leads to {endpoint}", one.node
            )
    return Protocol.AUTO, Fact(f"{who} has no listener for port {port}: it is passed through", chosen.name_node)


def _bare(name: str, arrival: Arrival, why: str) -> Reception:
    """A call to an application without a proxy before it (S20, S122, S130)."""
    if arrival.secured is Secured.MUTUAL:
        said = f"{why}, and the client insists on mTLS"
        outcome = Outcome(Kind.TLS_MISMATCH, 503 if arrival.call.is_http else None, workloads=(name,), why=said)
        return Reception(Step(Stage.SERVER, f"{name}: {said}"), outcome)
    return Reception(Step(Stage.SERVER, f"{name}: {why}, no policy is enforced"), None)


def _chain(workload: Workload, arrival: Arrival) -> Chain:
    if workload.proxy is Proxy.AMBIENT:
        return Chain.ZTUNNEL
    is_encrypted = arrival.secured in (Secured.TLS, Secured.OWN)
    is_http = arrival.call.is_http and arrival.protocol.may_be_http and not is_encrypted
    return Chain.HTTP if is_http else Chain.TCP


def _at_ztunnel(mesh: Mesh, workload: Workload, arrival: Arrival, name: str) -> Reception:
    """A call to pods in ambient mode: mutual TLS is the tunnel, and policies see the connection alone (S88-S100, S109)."""
    asked = ztunnel_demand(mesh, workload, arrival.port)
    title = f"{name}  ztunnel"
    if asked is None:
        return Reception(
            Step(Stage.SERVER, f"{title}: {_RIVALS}"), Outcome(Kind.UNKNOWN, workloads=(name,), why=_RIVALS)
        )
    sent = arrival.secured.value if arrival.principal is not None else "plaintext"
    is_refused = asked.mode is Mode.STRICT and arrival.principal is None
    source = "PeerAuthentication" if asked.node is not None else "no PeerAuthentication:"
    said = f"{source} {asked.mode.value}, the client sends {sent}: {'fails' if is_refused else 'ok'}"
    fact = Fact(said, asked.node)
    if is_refused:
        why = f"asks for {asked.mode.value}, gets {sent}"
        outcome = Outcome(Kind.TLS_MISMATCH, 503 if arrival.call.is_http else None, workloads=(name,), why=why)
        return Reception(Step(Stage.SERVER, f"{title}: {why}", asked.node, (fact,)), outcome)
    found = authorize(mesh, workload, arrival, title, (fact,))
    return replace(found, outcome=replace(found.outcome, workloads=(name,)) if found.outcome is not None else None)


def _either_way(mesh: Mesh, workload: Workload, arrival: Arrival) -> Reception:
    """A call whose sender may or may not use the tunnel: what is so both ways is so."""
    tunnel = Secured.HBONE if workload.proxy is Proxy.AMBIENT else Secured.MUTUAL
    safe = receive(mesh, workload, replace(arrival, secured=tunnel))
    plain = receive(mesh, workload, replace(arrival, secured=Secured.PLAIN, principal=None))
    fact = Fact("manifests do not show whether the client uses HBONE here, or plaintext")
    if (safe.outcome is None) == (plain.outcome is None):
        return replace(plain, step=replace(plain.step, facts=(*plain.step.facts, fact)))
    name = f"{workload.namespace}/{workload.name}"
    ends = [one.why if (one := reception.outcome) is not None else "passes" for reception in (safe, plain)]
    why = f"manifests do not show whether the client uses HBONE: with it the call {_words(ends[0])}, else {_words(ends[1])}"
    step = Step(Stage.SERVER, f"{name}: {why}", (plain if plain.outcome is not None else safe).step.node)
    return Reception(step, Outcome(Kind.UNKNOWN, workloads=(name,), why=why))


def _words(end: str) -> str:
    return end if end == "passes" else f"fails ({end})"


def _handshake(mesh: Mesh, workload: Workload, arrival: Arrival) -> tuple[Outcome | None, Fact]:
    """Whether the server takes what the client sends, by the truth table of S118-S132."""
    asked = demand(mesh, workload, arrival.port)
    name = f"{workload.namespace}/{workload.name}"
    if asked is None:
        why = (peers(mesh, workload, arrival.port).doubt if is_in_force(mesh) else "") or _RIVALS
        return Outcome(Kind.UNKNOWN, workloads=(name,), why=why), Fact(why)
    source = _source(mesh, asked)
    sent = arrival.secured
    if sent is Secured.PLAIN and arrival.call.carries is Bytes.TLS:
        sent = Secured.TLS  # The application's own.
    if sent is Secured.OWN and asked.mode is Mode.STRICT:
        why = "the input does not show whether the client's own certificate is one of the mesh"
        return Outcome(Kind.UNKNOWN, workloads=(name,), why=why), Fact(why, asked.node)
    is_foreign = sent in (Secured.TLS, Secured.OWN)
    is_opaque = arrival.protocol is not Protocol.HTTP
    match asked.mode:
        case Mode.STRICT:
            fails = sent is not Secured.MUTUAL
        case Mode.PERMISSIVE:
            fails = is_foreign and not is_opaque
        case Mode.DISABLE:
            fails = sent is Secured.MUTUAL or (is_foreign and not is_opaque)
    fact = Fact(f"{source} {asked.mode.value}, the client sends {sent.value}: {'fails' if fails else 'ok'}", asked.node)
    if not fails:
        return None, fact
    why = f"asks for {asked.mode.value}, gets {sent.value}"
    return Outcome(Kind.TLS_MISMATCH, 503 if arrival.call.is_http else None, workloads=(name,), why=why), fact


def _source(mesh: Mesh, asked: Demand) -> str:
    """The kind of what asks for a mode, or that nothing does."""
    decisive = mesh.resource_of(asked.node.document) if asked.node is not None else None
    if decisive is not None:
        return decisive.ref.kind
    return "no Policy, as the default install:" if is_in_force(mesh) else "no PeerAuthentication:"


def _as_seen(mesh: Mesh, guard: Guard, arrival: Arrival) -> Request:
    """The request with what the server itself knows: its port, the peer's identity, SNI and address."""
    seen = arrival.call.request.but(a.PORT, str(arrival.port)).but(a.PRINCIPAL, arrival.principal or None)
    seen = seen.but(a.SNI, arrival.sni)
    is_http = guard.chain is Chain.HTTP
    if guard.gateway is not None:
        return at_gateway(mesh, guard.gateway, seen, is_http=is_http)
    return at_sidecar(seen, is_http=is_http)


def _verified(guard: Guard, request: Request) -> Verified:
    """The request with its token as far as something verifies it, or why it gets a 401 (S138-S140, L31)."""
    if guard.chain is not Chain.HTTP:
        return Verified(request)
    if guard.origins is None:
        return verified(guard.authenticators, request)
    counts, refused = by_origins(guard.origins, request)
    return Verified(request if counts else without_token(request), refused)


def _open(mesh: Mesh, policies: tuple[Policy, ...], chain: Chain, request: Request) -> str:
    """Why the verdict is open: it hangs on an address that is not known."""
    unknown = {one for one in (a.SOURCE_IP, a.REMOTE_IP, a.DESTINATION_IP) if request.get(one) is None}
    if not is_open(mesh, policies, chain, request, unknown):
        return ""
    return "the policies ask for addresses that are not known here"


def _doubt(mesh: Mesh, policies: tuple[Policy, ...], chain: Chain) -> str:
    """Why policies cannot be decided: several definitions of one, or a condition that nobody can read."""
    for policy in policies:
        if len(mesh.alternatives(policy)) > 1:
            return f"{_title(policy)} is defined several times"
        for rule in rules_of(mesh, policy, chain):
            for why in unclear_parts(rule.predicate):
                return f"{_title(policy)}: {why}"
    return ""


def _tried(mesh: Mesh, policy: Policy, chain: Chain, request: Request, decisive: Policy | None) -> Tried:
    own = [rule.predicate for rule in rules_of(mesh, policy, chain)]
    why = "" if decisive is policy else mismatch(own, request) or ("it has no rule" if not own else "")
    return Tried(f"{_title(policy)} ({action(policy).value})", policy.name_node, decisive is policy, why)


def _title(policy: Policy) -> str:
    return f"AuthorizationPolicy {policy.namespace}/{policy.name}"


def _provider(policy: Policy) -> str:
    return policy.spec.provider.name if policy.spec.provider is not None else ""
