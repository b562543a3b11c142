"""The command `graph`, run as a user would: its views, its formats and its exit codes."""

import json
import re
import shutil
import subprocess

import networkx as nx
import pytest

from conftest import ROOT, Run

BOOKINFO = str(ROOT / "examples" / "bookinfo")
REVIEWS = "reviews.bookinfo.svc.cluster.local"
HOSTILE = """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: "a\\"];\\n--> <b>&lt;#35;\\\\", namespace: shop}
spec:
  hosts: ["end; subgraph x"]
  http:
  - match: [{uri: {prefix: '"|x| <script>'}}]
    route: [{destination: {host: "r` %% \\u202e]"}}]
"""
STRING = r'"(?:[^"\\\n]|\\.)*"'
ATTRIBUTE = rf"[a-z]+=(?:{STRING}|[a-z0-9]+)"
DOT_ROW = re.compile(
    rf"  (?:[a-z]+=(?:[A-Z]+|{STRING});"
    rf"|(?:node|edge|n\d+|n\d+ -> n\d+) \[{ATTRIBUTE}(?:, {ATTRIBUTE})*\];)"
)
LABEL = r'"(?:[-\w ./:,=()%]|#\d+;|<br>)*"'
MERMAID_ROW = re.compile(
    rf"flowchart LR|  (?:%% [\w ;,]*|n\d+(?:\[{LABEL}\]|\(\[{LABEL}\]\))|n\d+ (?:-->|-\.->)\|{LABEL}\| n\d+"
    r"|classDef \w+ [-\w:#,]+|class n\d+(?:,n\d+)* \w+|linkStyle \d+(?:,\d+)* [-\w:#]+)",
    re.ASCII,
)


@pytest.fixture
def hostile(tmp_path):
    (tmp_path / "mesh.yaml").write_text(HOSTILE)
    return str(tmp_path)


def read_back(run):
    return nx.node_link_graph(json.loads(run.stdout), edges="edges")


def is_dot(text):
    first, *rows, last, end = text.split("\n")
    assert (first, last, end) == ("digraph mesh {", "}", "")
    assert [row for row in rows if not DOT_ROW.fullmatch(row)] == []


@pytest.mark.parametrize("view", ["traffic", "refs", "policy"])
def test_each_view_is_dot_with_nothing_else_in_it(meshlint: Run, view):
    run = meshlint("graph", "--view", view, BOOKINFO)
    assert (run.returncode, run.stderr) == (0, "")
    is_dot(run.stdout)


@pytest.mark.parametrize("view", ["traffic", "refs", "policy"])
def test_each_view_is_a_mermaid_flowchart_with_nothing_else_in_it(meshlint: Run, view):
    run = meshlint("graph", "--view", view, "--format", "mermaid", BOOKINFO)
    assert (run.returncode, run.stderr) == (0, "")
    assert [row for row in run.stdout.splitlines() if not MERMAID_ROW.fullmatch(row)] == []


@pytest.mark.parametrize("view", ["traffic", "refs", "policy"])
def test_networkx_reads_the_json_of_each_view_back(meshlint: Run, view):
    run = meshlint("graph", "--view", view, "--format", "json", BOOKINFO)
    graph = read_back(run)
    document = json.loads(run.stdout)
    assert graph.graph["view"] == view
    assert graph.number_of_nodes() == len(document["nodes"])
    assert graph.number_of_edges() == len(document["edges"]) > 0


def test_traffic_has_the_shares_and_conditions_of_routes(meshlint: Run):
    graph = read_back(meshlint("graph", "--format", "json", BOOKINFO))
    found = {
        target: (edge["share"], edge["condition"])
        for _, target, edge in graph.out_edges("VirtualService bookinfo/reviews", data=True)
    }
    assert found == {
        f"Subset {REVIEWS} v1": (90.0, None),
        f"Subset {REVIEWS} v2": (10.0, None),
        f"Subset {REVIEWS} v3": (None, "end-user=tester"),
    }
    assert list(graph.successors(f"Subset {REVIEWS} v2")) == ["Deployment bookinfo/reviews-v2"]


def test_the_policy_view_leads_from_a_caller_to_what_it_may_call(meshlint: Run):
    graph = read_back(meshlint("graph", "--view", "policy", "--format", "json", BOOKINFO))
    assert nx.shortest_path(graph, "Deployment bookinfo/reviews-v1", "Deployment bookinfo/ratings-v1") == [
        "Deployment bookinfo/reviews-v1",
        "Principal cluster.local/ns/bookinfo/sa/bookinfo-reviews",
        "AuthorizationPolicy bookinfo/ratings-callers",
        "Deployment bookinfo/ratings-v1",
    ]
    assert graph.nodes["Deployment bookinfo/ratings-v1"]["notes"] == ["mTLS STRICT"]


def test_the_references_mark_what_is_not_in_the_input(meshlint: Run):
    graph = read_back(meshlint("graph", "--view", "refs", "--format", "json", BOOKINFO))
    absent = {name for name, is_absent in graph.nodes(data="absent") if is_absent}
    assert absent == {"Secret istio-system/bookinfo-certificate"}


def test_findings_stand_at_the_objects_they_are_about(meshlint: Run, tmp_path):
    (tmp_path / "mesh.yaml").write_text(
        "apiVersion: v1\nkind: Service\nmetadata: {name: reviews, namespace: shop}\n"
        "spec: {ports: [{name: http, port: 80}]}\n---\n"
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v, namespace: shop}\n"
        "spec: {hosts: [reviews], http: [{route: [{destination: {host: reveiws}}]}]}\n"
    )
    graph = read_back(meshlint("graph", "--format", "json"))
    node = graph.nodes["VirtualService shop/v"]
    assert node["severity"] == "error"
    assert "MSH201" in {finding["code"] for finding in node["findings"]}
    assert graph.nodes["Host reveiws.shop.svc.cluster.local"]["absent"]
    assert "error MSH201" in meshlint("graph").stdout


@pytest.mark.parametrize("name", ["bookinfo/reviews", REVIEWS, "virtualservice/bookinfo/reviews"])
def test_the_focus_is_a_name_with_its_neighbours_up_to_the_depth(meshlint: Run, name):
    graph = read_back(meshlint("graph", "--focus", name, "--depth", "1", "--format", "json", BOOKINFO))
    assert "VirtualService bookinfo/reviews" in graph
    assert "VirtualService bookinfo/ratings" not in graph


def test_depth_0_is_the_focus_alone(meshlint: Run):
    focus = ("--focus", "VirtualService/bookinfo/reviews", "--depth", "0")
    graph = read_back(meshlint("graph", *focus, "--format", "json", BOOKINFO))
    assert list(graph) == ["VirtualService bookinfo/reviews"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--focus", "bookinfo/reveiws"), "nothing in view is called 'bookinfo/reveiws': did you mean"),
        (("--view", "traffik"), "no view is called 'traffik': did you mean 'traffic'?"),
        (("--format", "svg"), "no format is called 'svg': there are dot, mermaid, json"),
    ],
)
def test_what_cannot_be_drawn_is_2_and_said_in_one_line(meshlint: Run, arguments, message):
    run = meshlint("graph", *arguments, BOOKINFO)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_no_input_is_3(meshlint: Run):
    run = meshlint("graph")
    assert (run.returncode, run.stdout) == (3, "")
    assert "no input" in run.stderr


@pytest.mark.parametrize("view", ["traffic", "refs"])
def test_no_name_breaks_out_of_its_label(meshlint: Run, hostile, view):
    is_dot(meshlint("graph", "--view", view, hostile).stdout)
    drawn = meshlint("graph", "--view", view, "--format", "mermaid", hostile).stdout
    assert [row for row in drawn.splitlines() if not MERMAID_ROW.fullmatch(row)] == []
    graph = read_back(meshlint("graph", "--view", view, "--format", "json", hostile))
    assert 'VirtualService shop/a"];\n--> <b>&lt;#35;\\' in graph


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_draws_hostile_names_as_they_are(meshlint: Run, hostile):
    text = meshlint("graph", hostile).stdout
    svg = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, encoding="utf-8", check=True)
    assert svg.stderr == ""
    assert "shop/a&quot;];\\n&#45;&#45;&gt; &lt;b&gt;&amp;lt;#35;\\" in svg.stdout


def test_the_same_input_is_drawn_the_same_whatever_the_hash_seed(meshlint: Run):
    drawn = {meshlint("graph", "--view", "refs", BOOKINFO, PYTHONHASHSEED=seed).stdout for seed in ("1", "2")}
    assert len(drawn) == 1
