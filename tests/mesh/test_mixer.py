"""Mixer's expressions and references (L35-L45)."""

import pytest

from meshlint.mesh import mixer
from meshlint.mesh.mixer_expressions import ExpressionError, type_of
from meshlint.mesh.mixer_vocabulary import ATTRIBUTES, ValueType
from meshlint.mesh.model import Mesh
from meshlint.mesh.settings import Settings
from meshlint.source.parse import parse
from meshlint.source.text import Source

TYPED = {
    '"info"': ValueType.STRING,
    "`info`": ValueType.STRING,
    '"0ms"': ValueType.DURATION,
    "404": ValueType.INT64,
    "0.5": ValueType.DOUBLE,
    "true": ValueType.BOOL,
    "source.ip": ValueType.IP_ADDRESS,
    'source.labels["app"] | "unknown"': ValueType.STRING,
    'response.duration | "0ms"': ValueType.DURATION,
    "response.code | 200 == 404 && connection.mtls": ValueType.BOOL,
    'source.ip == ip("10.0.0.1")': ValueType.BOOL,
    'match(request.path, "/api*")': ValueType.BOOL,
    'request.path.startsWith("/api")': ValueType.BOOL,
    '"^/a".matches(request.path)': ValueType.BOOL,
    '(source.name + "-") + destination.name': ValueType.STRING,
    'conditional(connection.mtls, "mutual", "none")': ValueType.STRING,
    "emptyStringMap()": ValueType.STRING_MAP,
    'request.headers["x-user"].endsWith("@example.com")': ValueType.BOOL,
}
WRONG = {
    "info": "no attribute `info`",
    "response.code > 10": "no operator `>`",
    "!connection.mtls": "no operator `!`",
    'response.code == "404"': "INT64 and STRING",
    'source.name | "10s"': "STRING and DURATION",
    'source.name["x"]': "no elements",
    "match(request.path)": "takes STRING, STRING",
    "matches(request.path)": "no function",
    'request.path.contains("x")': "no method",
    '"open': "cannot be read",
    "source.name ==": "ends too early",
    "(source.name": "`)` is missing",
    "source.name source.name": "one word too many",
    "source.name && connection.mtls": "STRING and BOOL",
    "response.code + 1": "joins STRING",
}


@pytest.mark.parametrize(("text", "wanted"), TYPED.items())
def test_an_expression_has_the_type_of_what_it_makes(text, wanted):
    assert type_of(text, ATTRIBUTES) is wanted


@pytest.mark.parametrize(("text", "why"), WRONG.items())
def test_a_wrong_expression_is_told_why(text, why):
    with pytest.raises(ExpressionError, match=why.replace("(", r"\(").replace(")", r"\)").replace("|", r"\|")):
        type_of(text, ATTRIBUTES)


def _mesh(*objects):
    text = "---\n".join(
        f"apiVersion: config.istio.io/v1alpha2\nkind: {kind}\nmetadata: {{name: {name}, namespace: {home}}}\nspec: {spec}\n"
        for kind, name, home, spec in objects
    )
    return Mesh(parse(Source("mesh", text)).documents, settings=Settings(istio_version=(1, 0)))


RESOLUTION = [
    ("istio-system", "handler.fluentd", ("fluentd", "handler", "istio-system"), True),
    ("default", "handler.fluentd", ("fluentd", "handler", "istio-system"), False),
    ("default", "handler.fluentd.istio-system", ("fluentd", "handler", "istio-system"), True),
    ("istio-system", "mine.other", ("handler", "mine", "other"), True),
    ("istio-system", "handler", ("fluentd", "handler", "istio-system"), False),
    ("istio-system", "handler", ("handler", "handler", "istio-system"), True),
    ("istio-system", "a.b.c.d", ("fluentd", "handler", "istio-system"), False),
]


@pytest.mark.parametrize(("home", "reference", "handler", "is_found"), RESOLUTION)
def test_a_reference_to_a_handler_is_resolved_from_the_rules_namespace(home, reference, handler, is_found):
    kind, name, space = handler
    rule = ("rule", "r", home, f"{{actions: [{{handler: {reference}, instances: [x.logentry]}}]}}")
    (action,) = mixer.actions(_mesh((kind, name, space, "{}"), rule))
    assert (action.handler is not None) is is_found


def test_instances_are_looked_for_in_the_world_of_their_handler():
    entry = ("logentry", "x", "istio-system", "{}")
    rule = ("rule", "r", "istio-system", "{actions: [{handler: h, instances: [x.logentry]}]}")
    (action,) = mixer.actions(_mesh(("handler", "h", "istio-system", "{}"), entry, rule))
    assert action.handler is not None
    assert [found for _, found in action.instances] == [None]


def test_manifests_of_the_input_add_attributes():
    manifest = ("attributemanifest", "own", "default", "{attributes: {my.word: {valueType: BOOL}}}")
    assert mixer.attributes(_mesh(manifest))["my.word"] is ValueType.BOOL
