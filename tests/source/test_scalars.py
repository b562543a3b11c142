"""Scalars as Kubernetes reads them. The expected values are what sigs.k8s.io/yaml 1.6 makes of the same text."""

import math

import pytest

from meshlint.source.parse import parse
from meshlint.source.scalars import plain
from meshlint.source.text import Source


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("y", "Y", "yes", "Yes", "on", "ON", "true", "TRUE")),
        *((word, False) for word in ("n", "N", "no", "NO", "off", "Off", "false", "False")),
        *((word, None) for word in ("", "~", "null", "Null", "NULL")),
        *((word, word) for word in ("tRUE", "nULL", "Infinity", "NaN", "=", "<<", ".", "+", "-.", "_1", "yEs")),
        ("0777", 511),
        ("+0777", 511),
        ("0o777", 511),
        ("0O777", 511),
        ("-0o7", -7),
        ("0x1F", 31),
        ("0X1f", 31),
        ("-0x1", -1),
        ("0b11", 3),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1__0", 10),
        ("1_", 1),
        ("00", 0),
        ("+1", 1),
        ("08", 8.0),
        ("09.5", 9.5),
        ("1e3", 1000.0),
        ("1E3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5", -0.5),
        (".5e2", 50.0),
        (".5_", ".5_"),
        ("._1", "._1"),
        ("1_0.5", 10.5),
        ("1:30", "1:30"),
        ("001:db8", "001:db8"),
        ("0x", "0x"),
        ("0b2", "0b2"),
        ("0o8", "0o8"),
        ("1e", "1e"),
        ("1e400", "1e400"),
        ("0x1p3", "0x1p3"),
        ("2001-01-01", "2001-01-01"),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", float(2**64)),
        ("-9223372036854775808", -(2**63)),
        ("-9223372036854775809", float(-(2**63))),
        ("9" * 100, float("9" * 100)),
        ("0x" + "f" * 100, "0x" + "f" * 100),
    ],
)
def test_a_plain_scalar_is_read_as_kubernetes_reads_it(text: str, value: object):
    read = plain(text)
    assert read == value
    assert type(read) is type(value)


def test_infinity_and_not_a_number_are_floats():
    assert plain(".inf") == math.inf
    assert plain("-.Inf") == -math.inf
    assert math.isnan(plain(".NaN"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!!str 5", "5"),
        ("!!str", ""),
        ("! 5", "5"),
        ("!!int '5'", 5),
        ("!!float 1", 1.0),
        ("!!bool yes", True),
        ("!!null ''", None),
        ("!!binary aGVsbG8=", "hello"),
        ("!!binary '*'", "*"),
        ("!!timestamp 2001-01-01", "2001-01-01"),
        ("!unknown 5", "5"),
        ("!unknown {a: 1}", {"a": 1}),
        ("'yes'", "yes"),
        ('"1"', "1"),
        ("|\n  1\n", "1\n"),
    ],
)
def test_tags_and_quotes_are_honoured(text: str, value: object):
    assert parse(Source("x", f"v: {text}\n")).documents[0].plain == {"v": value}


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("8080", "8080"),
        ("0x10", "16"),
        ("1_000", "1000"),
        ("yes", "true"),
        ("off", "false"),
        ("~", "null"),
        ("1.10", "1.1"),
        ("1e3", "1000"),
        ("1e20", "1e+20"),
        ("0.00001", "1e-05"),
        (".inf", ".inf"),
        ("-.inf", "-.inf"),
        (".nan", ".nan"),
        ("2001-01-01", "2001-01-01"),
        ("'yes'", "yes"),
    ],
)
def test_keys_become_strings(written: str, key: str):
    assert parse(Source("x", f"{written}: 1\n")).documents[0].plain == {key: 1}
