import pytest

from meshlint import request as a
from meshlint.finding import Witness
from meshlint.render.witness import request_line, witness_line
from meshlint.request import Attribute, Request, claim, header, query

HTTP = {a.METHOD: "GET", a.SCHEME: "http", a.AUTHORITY: "reviews.prod", a.PATH: "/api"}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (HTTP, "GET http://reviews.prod/api"),
        (HTTP | {a.PORT: "80"}, "GET http://reviews.prod/api"),
        (HTTP | {a.PORT: "9080"}, "GET http://reviews.prod/api  on port 9080"),
        (HTTP | {a.PORT: "9080", a.AUTHORITY: "r:9080"}, "GET http://r:9080/api"),
        (HTTP | {a.PORT: "80", a.AUTHORITY: "r:9080"}, "GET http://r:9080/api  on port 80"),
        (HTTP | {a.PORT: "443", a.SCHEME: "https", a.SNI: "reviews.prod"}, "GET https://reviews.prod/api"),
        (HTTP | {a.SNI: "other"}, "GET http://reviews.prod/api  SNI other"),
        (HTTP | {header("x"): "a b"}, "GET http://reviews.prod/api  -H 'x: a b'"),
        (HTTP | {header("x"): ""}, "GET http://reviews.prod/api  -H 'x;'"),
        (HTTP | {header("x"): "it's"}, "GET http://reviews.prod/api  -H 'x: it'\"'\"'s'"),
        (HTTP | {query("b"): "2", query("a"): "1"}, "GET 'http://reviews.prod/api?a=1&b=2'"),
        ({a.PATH: "/api"}, "/api"),
        ({a.METHOD: "PUT"}, "PUT /"),
        ({a.AUTHORITY: "reviews"}, "http://reviews/"),
        ({header("x"): "1"}, "/  -H 'x: 1'"),
        ({a.SNI: "a.example", a.PORT: "443"}, "tls://a.example:443"),
        ({a.SNI: "a.example", a.DESTINATION_IP: "10.0.0.1"}, "tls://a.example  to address 10.0.0.1"),
        ({a.DESTINATION_IP: "10.0.0.1", a.PORT: "3306"}, "tcp://10.0.0.1:3306"),
        ({a.DESTINATION_IP: "fd00::1", a.PORT: "3306"}, "'tcp://[fd00::1]:3306'"),
        ({a.PORT: "3306", a.SOURCE_IP: "10.0.0.2"}, "tcp://:3306  from address 10.0.0.2"),
        (HTTP | {a.DESTINATION_IP: "10.0.0.1"}, "GET http://reviews.prod/api  to address 10.0.0.1"),
        ({a.PRINCIPAL: "spiffe://cluster.local/ns/dev/sa/default"}, "from dev/default"),
        ({a.PRINCIPAL: "spiffe://other/ns/dev/sa/default"}, "from spiffe://other/ns/dev/sa/default"),
        ({a.PRINCIPAL: "spiffe://cluster.local/ns/dev"}, "from spiffe://cluster.local/ns/dev"),
        ({claim("realm", "role"): "admin"}, "claim realm.role=admin"),
        ({a.TOKEN_ISSUER: "https://issuer"}, "token issuer https://issuer"),
        ({Attribute("mesh.network"): "n1"}, "mesh.network n1"),
        ({}, "any request"),
    ],
)
def test_a_request_is_shown_as_one_would_send_it(values, line):
    assert request_line(Request.of(values)) == line


def test_a_witness_ends_with_what_happens():
    assert witness_line(Witness(Request.of(HTTP), "403")) == "GET http://reviews.prod/api  →  403"


def test_a_witness_cannot_command_the_terminal():
    witness = Witness(Request.of({a.PATH: "/\x1b[2J", header("x"): "\r\ny: z"}), "\x07")
    assert witness_line(witness) == "'/\\x1b[2J'  -H 'x: \\r\\ny: z'  →  \\x07"
