"""The input itself: YAML that does not parse, objects that do not fit their kind, objects defined twice."""

from collections.abc import Iterator

from meshlint.finding import Note, Problem, Result
from meshlint.mesh.expressions import bad_expressions
from meshlint.mesh.model import Mesh
from meshlint.registry import checks
from meshlint.resources.mistake import Flaw, Violation
from meshlint.source.defect import Defect, DefectKind


@checks("MSH001")
def syntax_error(mesh: Mesh) -> Iterator[Result]:
    """A document that cannot be read as YAML; the others of its file are."""
    return _defects(mesh, frozenset(DefectKind) - {DefectKind.DUPLICATE_KEY})


@checks("MSH002")
def duplicate_key(mesh: Mesh) -> Iterator[Result]:
    """The same key twice in one mapping."""
    return _defects(mesh, frozenset({DefectKind.DUPLICATE_KEY}))


@checks("MSH003")
def unknown_field(mesh: Mesh) -> Iterator[Result]:
    """A field that the kind does not have."""
    return _violations(mesh, "unknown-field")


@checks("MSH004")
def wrong_type(mesh: Mesh) -> Iterator[Result]:
    """A value of another type than its field takes."""
    return _violations(mesh, "wrong-type")


@checks("MSH005")
def missing_field(mesh: Mesh) -> Iterator[Result]:
    """A required field that is not there."""
    return _violations(mesh, "missing-field")


@checks("MSH006")
def invalid_value(mesh: Mesh) -> Iterator[Result]:
    """A value that its field does not take."""
    yield from _violations(mesh, "invalid-value")
    for vs in mesh.virtual_services:
        for found in bad_expressions(vs, mesh.settings.istio_version) if vs.is_sound else ():
            yield _told(found)


@checks("MSH007")
def invalid_combination(mesh: Mesh) -> Iterator[Result]:
    """Fields that exclude one another, or elements that may not be alike."""
    return _violations(mesh, "invalid-combination")


@checks("MSH008")
def schema_warning(mesh: Mesh) -> Iterator[Result]:
    """What Istio's validator takes, and warns about."""
    return _violations(mesh, "schema-warning")


@checks("MSH010")
def duplicate_resource(mesh: Mesh) -> Iterator[Result]:
    """The same object defined in several places: alternatives, of which the mesh can have one."""
    for resource in mesh.resources:
        definitions = mesh.alternatives(resource)
        if len(definitions) > 1 and resource is definitions[1] and resource.metadata.name:
            others = [one for one in definitions if one is not resource]
            yield Problem(
                resource.name_node,
                f"{resource.ref} is defined {len(definitions)} times in the input",
                label="defined again",
                notes=tuple(Note(one.name_node.span, "and here") for one in others),
            )


def _defects(mesh: Mesh, kinds: frozenset[DefectKind]) -> Iterator[Problem]:
    for defect in mesh.defects:
        if defect.kind in kinds:
            yield _problem(defect)


def _problem(defect: Defect) -> Problem:
    notes = tuple(Note(place.span, place.message) for place in defect.notes)
    return Problem(defect.node, defect.message, notes=notes, on_key=defect.on_key)


def _violations(mesh: Mesh, kind: Flaw) -> Iterator[Problem]:
    for found in mesh.violations:
        if found.kind == kind:
            yield _told(found)


def _told(found: Violation) -> Problem:
    return Problem(
        found.node,
        found.message,
        label=found.label,
        help=found.help,
        fix=found.fix,
        on_key=found.on_key,
        aliases=_aliases(found),
    )


def _aliases(found: Violation) -> tuple[str, ...] | None:
    """Its own codes, else those of the rule; the schema's own clashes have the one for schemas only."""
    if found.aliases is None and found.kind == "invalid-combination":
        return ("IST0106",)
    return found.aliases
