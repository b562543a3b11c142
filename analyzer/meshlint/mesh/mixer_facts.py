"""What Mixer does at a server with every request, as facts: rules without condition, and quotas of the service (L34-L65)."""

from collections.abc import Iterator
from dataclasses import dataclass

from meshlint.mesh import history, mixer
from meshlint.mesh.mixer import Object
from meshlint.mesh.model import Mesh
from meshlint.mesh.served import served_ports
from meshlint.mesh.services import Host
from meshlint.mesh.steps import Fact
from meshlint.mesh.workloads import Workload
from meshlint.source.node import Node

_COUNTING = ("memquota", "redisquota")


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """What a rule gives to a handler: instances that exist."""

    node: Node
    rule: Object
    handler: Object
    instances: tuple[Object, ...]


def mixer_facts(mesh: Mesh, workload: Workload, port: int) -> tuple[Fact, ...]:
    """What Mixer does with all requests at a port of the workload's pods; nothing since it is optional.

    Rules with a condition are left out, and pieces that are defined several times.
    """
    if mesh.settings.istio_version >= history.OPTIONAL_MIXER:
        return ()
    return mesh.derived(_facts, mesh, workload, port)


def _facts(mesh: Mesh, workload: Workload, port: int) -> tuple[Fact, ...]:
    given = tuple(_given(mesh, workload.namespace))
    told = [Fact(_words(one), one.node) for one in given if one.handler.ref.kind not in _COUNTING]
    hosts = dict.fromkeys(one.host for one in served_ports(mesh, workload) if one.number == port)
    # From 1.1 on quotas are not asked for unless the install says so (L65).
    if mesh.settings.istio_version < history.IDLE_QUOTAS:
        told += [fact for host in hosts for fact in _quotas(mesh, host, given)]
    return tuple(told)


def _words(one: _Given) -> str:
    instances = ", ".join(f"{thing.name}.{thing.ref.kind}" for thing in one.instances)
    return (
        f"Mixer rule {one.rule.namespace}/{one.rule.name}: {one.handler.name}.{one.handler.ref.kind} gets {instances}"
    )


def _given(mesh: Mesh, namespace: str) -> Iterator[_Given]:
    """What rules that hold for all requests to a namespace give to handlers (L39, L40, L41)."""
    for action in mixer.actions(mesh):
        rule, handler = action.rule, action.handler
        if rule.namespace not in (mesh.config.root_namespace, namespace) or not _is_always(rule.node):
            continue
        instances = tuple(one for _, one in action.instances if one is not None and _is_one(mesh, one))
        if handler is not None and instances and _is_one(mesh, rule) and _is_one(mesh, handler):
            yield _Given(action.node, rule, handler, instances)


def _is_always(rule: Node) -> bool:
    return _text(rule, "spec", "match").strip() in ("", "true")


def _is_one(mesh: Mesh, one: Object) -> bool:
    """Whether the object is defined once; of several definitions either may count."""
    return len(mesh.alternatives(one)) == 1


def _quotas(mesh: Mesh, host: Host, given: tuple[_Given, ...]) -> Iterator[Fact]:
    """The quotas that each call of a service takes from, where the chain from binding to handler is whole (L61-L63)."""
    specs = {(one.namespace, one.name): one for one in mixer.objects(mesh, "QuotaSpec") if _is_one(mesh, one)}
    for binding in mixer.objects(mesh, "QuotaSpecBinding"):
        services = binding.node.at("spec", "services").elements
        if any(_is_service(one, binding.namespace, host) for one in services):
            for node, target in mixer.bound(binding):
                if target in specs:
                    yield from _limits(specs[target], given, node)


def _is_service(node: Node, namespace: str, host: Host) -> bool:
    return (_text(node, "name"), _text(node, "namespace") or namespace) == (host.resource.name, host.namespace)


def _limits(spec: Object, given: tuple[_Given, ...], bound: Node) -> Iterator[Fact]:
    for rule in spec.node.at("spec", "rules").elements:
        for taken in rule.at("quotas").elements if rule.get("match") is None else ():
            for one in given:
                for instance in one.instances:
                    limit = _limit(one.handler, instance) if _is_named(instance, taken) else ""
                    if limit:
                        yield Fact(f"quota {instance.name}: {limit} ({one.handler.name}.{one.handler.ref.kind})", bound)


def _is_named(instance: Object, taken: Node) -> bool:
    """Whether a quota means the instance: by its short name, whatever the case (L62)."""
    return instance.ref.kind == "quota" and instance.name.lower() == _text(taken, "quota").lower()


def _limit(handler: Object, instance: Object) -> str:
    """What an in-memory handler grants of a quota, which it knows by its full name (L61)."""
    for entry in handler.node.at("spec", "quotas").elements if handler.ref.kind == "memquota" else ():
        amount = _text(entry, "maxAmount") or _text(entry, "max_amount")
        if _text(entry, "name") == mixer.full_name(instance) and amount:
            span = _text(entry, "validDuration") or _text(entry, "valid_duration")
            return f"at most {amount}" + (f" in {span}" if span else "") + " for each set of its dimensions"
    return ""


def _text(node: Node, *steps: str) -> str:
    below = node.get(*steps)
    return str(below.value) if below is not None and isinstance(below.value, str | int) else ""
