"""CustomResourceDefinitions: what their kinds look like, and that none of them breaks the reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshlint.resources import crd, schema
from resources.schema_documents import node_of, read

WIDGET = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com}
spec:
  group: shop.example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          required: [spec]
          properties:
            spec:
              type: object
              required: [size, colour]
              properties:
                size: {type: integer, minimum: 1}
                colour: {type: string, default: red, enum: [red, blue]}
                handles: {type: array, items: {type: string, pattern: "^[[:alpha:]]+$"}}
    - name: v1alpha1
      served: false
      storage: false
"""
OLD = """\
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
spec:
  group: shop.example.com
  version: v1
  names: {kind: Widget}
  validation:
    openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {size: {type: integer}}}}}
"""


def defined(text: str) -> schema.Own:
    return schema.own([crd.definition(read(text).plain)])


def found(widget: str, text: str = WIDGET) -> list[tuple[str, str]]:
    root = read("apiVersion: shop.example.com/v1\nkind: Widget\nmetadata: {name: a}\n" + widget)
    violations = schema.violations(root, "shop.example.com/v1", "Widget", own=defined(text))
    return [(one.kind, one.node.pointer) for one in violations]


def test_a_kind_of_ones_own_is_checked_like_any_other():
    assert found("spec: {size: 2, colour: blue}\n") == []
    assert found("spec: {size: 0}\n") == [("invalid-value", "/spec/size")]
    assert found("spec: {size: 1, color: red}\n") == [("unknown-field", "/spec/color")]
    assert found("spec: {size: 1, handles: left}\n") == [("wrong-type", "/spec/handles")]
    assert found("") == [("missing-field", "/kind")]


def test_a_field_with_a_default_is_never_missing():
    assert found("spec: {size: 1}\n") == []
    assert found("spec: {colour: red}\n") == [("missing-field", "/spec")]


def test_a_pattern_that_python_reads_otherwise_than_go_is_left_out():
    assert found("spec: {size: 1, handles: ['1']}\n") == []


def test_a_version_that_is_not_served_is_no_version():
    assert [version for version, _ in defined(WIDGET)] == ["shop.example.com/v1"]


def test_an_old_definition_takes_unknown_fields_unless_it_says_otherwise():
    assert found("spec: {size: 1, other: 2}\n", OLD) == []
    assert found("spec: {size: x}\n", OLD) == [("wrong-type", "/spec/size")]
    strict = OLD.replace("  version: v1\n", "  version: v1\n  preserveUnknownFields: false\n")
    assert found("spec: {size: 1, other: 2}\n", strict) == [("unknown-field", "/spec/other")]


def test_a_kind_without_a_schema_takes_whatever_is_written():
    assert found("spec: 1\nother: []\n", WIDGET.partition("      schema:")[0]) == []


def test_a_definition_of_ones_own_goes_before_the_one_meshlint_has():
    text = WIDGET.replace("shop.example.com", "networking.istio.io").replace("kind: Widget", "kind: VirtualService")
    root = read("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: a}\nspec: {size: 1}\n")
    assert schema.violations(root, "networking.istio.io/v1", "VirtualService", own=defined(text)) == ()
    assert schema.violations(root, "networking.istio.io/v1", "VirtualService") != ()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  group: shop.example.com\n", "", "`spec.group` and `spec.names.kind`"),
        ("names: {kind: Widget, ", "names: {", "`spec.group` and `spec.names.kind`"),
        ("served: true", "served: false", "no version that is served"),
        ("    - name: v1\n", "    - name: 1\n", "no version that is served"),
    ],
)
def test_what_is_no_definition_says_why(old, new, words):
    with pytest.raises(crd.NoDefinition, match=words):
        crd.definition(read(WIDGET.replace(old, new)).plain)


ODD = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "(", "string", "object", "array"]))
OPENAPI = st.recursive(
    ODD,
    lambda below: st.one_of(
        st.lists(below, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "type",
                    "properties",
                    "items",
                    "required",
                    "oneOf",
                    "allOf",
                    "not",
                    "enum",
                    "pattern",
                    "format",
                    "minimum",
                    "maxLength",
                    "minItems",
                    "nullable",
                    "additionalProperties",
                    "default",
                    "x-kubernetes-int-or-string",
                    "x-kubernetes-list-type",
                    "x-kubernetes-list-map-keys",
                    "x-kubernetes-validations",
                    "rule",
                    "x-kubernetes-preserve-unknown-fields",
                ]
            ),
            below,
            max_size=5,
        ),
    ),
    max_leaves=25,
)


@given(OPENAPI, OPENAPI)
def test_any_schema_at_all_can_be_read_and_asked(openapi, document):
    whole = {"type": "object", "properties": {"spec": openapi}}
    version = {"name": "v1", "served": True, "schema": {"openAPIV3Schema": whole}}
    own = schema.own([crd.definition({"spec": {"group": "g", "names": {"kind": "K"}, "versions": [version]}})])
    root = node_of({"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "a"}, "spec": document})
    assert schema.fits(root, "g/v1", "K", own=own) == (not schema.violations(root, "g/v1", "K", own=own))
