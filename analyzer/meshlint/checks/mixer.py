"""Mixer, which Istio had up to 1.7: references, expressions, unused pieces, and quotas that grant nothing."""

from collections.abc import Iterator, Mapping

from meshlint.finding import Note, Outside, Problem, Result
from meshlint.mesh import mixer
from meshlint.mesh.hosts import qualify
from meshlint.mesh.mixer import Object
from meshlint.mesh.mixer_expressions import ExpressionError, type_of
from meshlint.mesh.mixer_vocabulary import ADAPTERS, TEMPLATES, ValueType
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import World
from meshlint.mesh.suggestions import did_you_mean, nearest
from meshlint.mesh.targets import is_missing
from meshlint.registry import checks
from meshlint.source.node import Node

_LIMITERS = ("memquota", "redisquota")


@checks("MSH901")
def mixer_reference(mesh: Mesh) -> Iterator[Result]:
    """A reference to a handler, an instance, a quota or a service that is not there: that part is dropped (L35-L39, L61)."""
    if not mixer.is_there(mesh):
        return
    for action in mixer.actions(mesh):
        yield from _of_action(mesh, action)
    for limiter in mixer.objects(mesh, *_LIMITERS):
        yield from _of_limiter(mesh, limiter)
    yield from _of_specs(mesh)
    yield from _of_bindings(mesh)


@checks("MSH902")
def mixer_expression(mesh: Mesh) -> Iterator[Result]:
    """An expression that does not parse, names no attribute, or is of another type than its place wants (L41-L45)."""
    if not mixer.is_there(mesh):
        return
    known = mixer.attributes(mesh)
    for rule in mixer.objects(mesh, "rule"):
        match = rule.node.get("spec", "match")
        if match is not None and isinstance(match.value, str) and match.value.strip():
            yield from _expression(match, match.value, known, ValueType.BOOL)
    for instance in mixer.objects(mesh, *TEMPLATES):
        for node, wanted in _fields(instance):
            if isinstance(node.value, str):
                yield from _expression(node, node.value, known, wanted)


@checks("MSH903")
def mixer_unused(mesh: Mesh) -> Iterator[Result]:
    """A handler, an instance or a quota that no rule or binding uses, and a rule without actions (L39, L61)."""
    if not mixer.is_there(mesh):
        return
    for rule in mixer.objects(mesh, "rule"):
        if not rule.node.at("spec", "actions").elements:
            yield Problem(rule.name_node, "this rule has no actions: Mixer drops it", label="without effect")
    actions = mixer.actions(mesh)
    used = {action.handler for action in actions} | {one for action in actions for _, one in action.instances}
    kinds = ((mixer.handlers(mesh), "handler"), (mixer.instances(mesh), "instance"))
    for one, what in ((one, what) for some, what in kinds for one in some if one not in used):
        yield from _unused(mesh, one, f"no rule uses this {what}", is_told=bool(actions))
    bindings = mixer.objects(mesh, "QuotaSpecBinding")
    bound = {target for binding in bindings for _, target in mixer.bound(binding)}
    for spec in mixer.objects(mesh, "QuotaSpec"):
        if (spec.namespace, spec.name) not in bound:
            yield from _unused(
                mesh, spec, "no QuotaSpecBinding binds this QuotaSpec to a service", is_told=bool(bindings)
            )


@checks("MSH904")
def mixer_zero_quota(mesh: Mesh) -> Iterator[Result]:
    """An in-memory quota without an amount has none to give, so that every request is refused (L47)."""
    for limiter in mixer.objects(mesh, "memquota") if mixer.is_there(mesh) else ():
        for quota in limiter.node.at("spec", "quotas").elements:
            yield from _zero(quota)


def _of_action(mesh: Mesh, action: mixer.Action) -> Iterator[Result]:
    """What of an action is dropped: all of it without a handler, an instance that is missing or does not fit."""
    if action.handler is None and action.node.get("handler") is not None:
        yield _missing(mesh, action.rule, action.handler_node, "handler", mixer.handlers(mesh))
    if not action.instances and action.node.get("handler") is not None:
        yield Problem(action.node, "this action has no instances: Mixer drops it", label="without effect")
    for node, instance in action.instances:
        if instance is None:
            yield _missing(mesh, action.rule, node, "instance", mixer.instances(mesh))
        elif action.handler is not None:
            yield from _misfit(action.handler, node, instance)


def _misfit(handler: Object, node: Node, instance: Object) -> Iterator[Problem]:
    """An instance that the handler's adapter does not take, or for which a limiter has no quota."""
    kind, template = handler.ref.kind, instance.ref.kind
    if kind in ADAPTERS and template in TEMPLATES and template not in ADAPTERS[kind]:
        takes = ", ".join(f"`{one}`" for one in sorted(ADAPTERS[kind]))
        message = f"a `{kind}` does not take instances of `{template}`: this one is dropped"
        yield Problem(node, message, "not taken", (Note(handler.name_node.span, "the handler"),), f"it takes {takes}")
    elif kind in _LIMITERS and template == "quota":
        names = [name for _, name in _limits(handler)]
        if mixer.full_name(instance) not in names:
            message = f"the handler has no quota `{mixer.full_name(instance)}`, so this one is never limited"
            notes = (Note(handler.node.at("spec", "quotas").span, "its quotas"),)
            hint = did_you_mean(nearest(mixer.full_name(instance), names))
            yield Problem(node, message, "no limit", notes, hint)


def _of_limiter(mesh: Mesh, limiter: Object) -> Iterator[Result]:
    known = {mixer.full_name(one) for one in mixer.objects(mesh, "quota")}
    for node, name in _limits(limiter):
        if name not in known:
            yield _judged(mesh, node, f"there is no quota instance `{name}`", sorted(known), is_told=bool(known))


def _of_specs(mesh: Mesh) -> Iterator[Result]:
    """Quotas that a QuotaSpec charges and that no rule hands to a handler: the full amount is granted (L62)."""
    served = {
        instance.name.lower()
        for action in mixer.actions(mesh)
        for _, instance in action.instances
        if instance is not None and instance.ref.kind == "quota" and action.handler is not None
    }
    for spec in mixer.objects(mesh, "QuotaSpec"):
        for rule in spec.node.at("spec", "rules").elements:
            for charge in rule.at("quotas").elements:
                node = charge.get("quota")
                if node is not None and isinstance(node.value, str) and node.value.lower() not in served:
                    message = f"no rule hands quota `{node.value}` to a handler: all requests are granted"
                    yield _judged(mesh, node, message, sorted(served), is_told=bool(served))


def _of_bindings(mesh: Mesh) -> Iterator[Result]:
    specs = {(one.namespace, one.name) for one in mixer.objects(mesh, "QuotaSpec")}
    for binding in mixer.objects(mesh, "QuotaSpecBinding"):
        for node, target in mixer.bound(binding):
            if target not in specs:
                near = sorted(name for home, name in specs if home == target[0])
                yield _judged(mesh, node, f"there is no QuotaSpec `{'/'.join(target)}`", near, is_told=bool(specs))
        for one in binding.node.at("spec", "services").elements:
            name = one.get("name")
            space = one.get("namespace")
            if name is None or not isinstance(name.value, str) or one.get("domain") is not None:
                continue
            host = qualify(
                name.value, str(space.value) if space is not None else binding.namespace, mesh.settings.cluster_domain
            )
            if not mesh.hosts_named(host) and "." not in name.value and "*" not in name.value:
                if is_missing(mesh, host) and not mesh.defects:
                    yield Problem(name, f"there is no service `{host}`", label="no such service")
                else:
                    yield Outside(name, f"service {host}")


def _missing(mesh: Mesh, rule: Object, node: Node, what: str, known: tuple[Object, ...]) -> Result:
    names = sorted({f"{one.name}.{one.ref.kind}" for one in known if one.namespace == rule.namespace})
    elsewhere = sorted(mixer.full_name(one) for one in known if mixer.full_name(one).startswith(f"{node.value}."))
    message = f"there is no {what} `{node.value}` for a rule in namespace `{rule.namespace}`"
    return _judged(mesh, node, message, elsewhere or names, is_told=bool(known), is_sure=bool(elsewhere))


def _judged(mesh: Mesh, node: Node, message: str, near: list[str], *, is_told: bool, is_sure: bool = False) -> Result:
    """A problem where the input shows such objects or is all of the mesh; what does not parse may have held it."""
    if mesh.settings.world is World.COMPLETE or (is_told and not mesh.defects and mesh.settings.world is World.AUTO):
        hint = did_you_mean(near[0]) if is_sure else did_you_mean(nearest(str(node.value), near))
        return Problem(node, message, label="no such object", help=hint)
    return Outside(node, str(node.value))


def _unused(mesh: Mesh, one: Object, message: str, *, is_told: bool) -> Iterator[Result]:
    if mesh.settings.world is World.COMPLETE or (is_told and not mesh.defects and mesh.settings.world is World.AUTO):
        yield Problem(one.name_node, message, label="unused")
    else:
        yield Outside(one.name_node, "what uses it")


def _limits(limiter: Object) -> Iterator[tuple[Node, str]]:
    """The quotas of a limiter, by the full names of their instances (L47)."""
    for quota in limiter.node.at("spec", "quotas").elements:
        name = quota.get("name")
        if name is not None and isinstance(name.value, str):
            yield name, name.value


def _fields(instance: Object) -> Iterator[tuple[Node, ValueType | None]]:
    """The expressions of an instance with the types that their fields want; bindings of outputs aside (L57)."""
    wanted = TEMPLATES[instance.ref.kind]
    for node in instance.node.at("spec").mapping.values():
        for one in node.walk():
            names = [_camel(str(step)) for step in one.path]
            if "attributeBindings" in names or one.mapping or one.elements:
                continue
            yield one, wanted.get(names[-1]) if len(names) == 2 or instance.ref.kind == "authorization" else None


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def _expression(node: Node, text: str, known: Mapping[str, ValueType], wanted: ValueType | None) -> Iterator[Problem]:

    try:
        found = type_of(text, known)
    except ExpressionError as error:
        hint = _expression_hint(text, list(known))
        yield Problem(node, f"this expression is wrong: {error}", label="is dropped", help=hint)
        return
    if wanted is not None and found is not wanted:
        yield Problem(node, f"this expression is {found.value}, and {wanted.value} is wanted", label="is dropped")


def _expression_hint(text: str, known: list[str]) -> str:
    """A plain word is read as an attribute; a text has quotes inside those of YAML (L43)."""
    if text.replace("_", "").replace("-", "").isalnum():
        return f"a text is quoted twice: '\"{text}\"'"
    return did_you_mean(nearest(text, known))


def _zero(quota: Node) -> Iterator[Problem]:
    amount = quota.get("maxAmount") or quota.get("max_amount")
    if isinstance(quota.value, tuple) or not quota.mapping or (amount is not None and _is_positive(amount)):
        return
    name = quota.at("name").value if quota.get("name") is not None else "a quota"
    written = "has no `maxAmount`, which makes it 0" if amount is None else "has a `maxAmount` of 0"
    yield Problem(amount or quota, f"quota `{name}` {written}: every request is refused", label="grants nothing")


def _is_positive(amount: Node) -> bool:
    """Whether the amount is more than nothing, or no number at all, which is a mistake of another kind."""
    text = str(amount.value)
    return not text.removeprefix("-").isdigit() or int(text) > 0
