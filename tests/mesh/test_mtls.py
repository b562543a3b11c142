"""What servers ask for: the semantics' worked cases of PeerAuthentications, in the numbers they have there."""

from dataclasses import dataclass

import pytest

from meshlint.mesh.model import Mesh
from meshlint.mesh.mtls import Mode, demand, is_captured, namespace_demand
from meshlint.source.parse import parse
from meshlint.source.text import Source

CART = "{app: cart}"


def pod(namespace: str = "shop", annotations: str = "") -> str:
    """A pod of `cart`."""
    return (
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: cart, namespace: {namespace}, labels: {CART}, "
        f"annotations: {{{annotations}}}}}\nspec: {{containers: [{{name: app, image: cart}}]}}\n"
    )


def peer(mode: str, name: str = "default", namespace: str = "shop", labels: str = "", ports: str = "") -> str:
    """A PeerAuthentication."""
    selector = f"selector: {{matchLabels: {labels}}}, " if labels else ""
    exceptions = f", portLevelMtls: {{{ports}}}" if ports else ""
    return (
        f"apiVersion: security.istio.io/v1\nkind: PeerAuthentication\n"
        f"metadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{selector}mtls: {{mode: {mode}}}{exceptions}}}\n"
    )


def mesh_of(*texts: str) -> Mesh:
    return Mesh(tuple(document for text in texts for document in parse(Source("mesh.yaml", text)).documents))


def asked(mesh: Mesh, port: int) -> Mode | None:
    (workload,) = [one for one in mesh.workloads if not one.is_assumed]
    found = demand(mesh, workload, port)
    return found.mode if found is not None else None


@dataclass(frozen=True)
class Case:
    """A worked case: its number in the semantics, the policies, and the mode on a container port."""

    number: str
    policies: tuple[str, ...]
    mode: Mode | None
    port: int = 8080
    namespace: str = "shop"


MESH_STRICT = peer("STRICT", namespace="istio-system")
CASES = [
    Case("M01", (), Mode.PERMISSIVE),
    Case("M02", (MESH_STRICT,), Mode.STRICT),
    Case("M03", (MESH_STRICT, peer("UNSET")), Mode.STRICT),
    Case("M04", (MESH_STRICT, peer("PERMISSIVE")), Mode.PERMISSIVE),
    Case("M05", (peer("STRICT", namespace="istio-system", labels=CART),), Mode.PERMISSIVE),
    Case("M06", (peer("STRICT", namespace="istio-system", labels=CART),), Mode.PERMISSIVE, namespace="istio-system"),
    # Which one is older no manifest says.
    Case("M07", (peer("STRICT", "a"), peer("PERMISSIVE", "b")), None),
    Case(
        "M08",
        (peer("STRICT", "a", labels=CART), peer("STRICT", "b", "shop", CART, "9090: {mode: DISABLE}")),
        None,
        9090,
    ),
    Case("M09", (peer("STRICT", "b", "shop", CART, "9090: {mode: DISABLE}"),), Mode.DISABLE, 9090),
    Case("M10", (MESH_STRICT, peer("UNSET", "b", "shop", CART, "9090: {mode: UNSET}")), Mode.STRICT, 9090),
    Case("M12", (peer("DISABLE"), peer("STRICT", "w", labels=CART)), Mode.STRICT),
    Case("M15", (peer("DISABLE"),), Mode.DISABLE),
    Case("M24", (peer("STRICT"), peer("PERMISSIVE", "w", labels=CART)), Mode.PERMISSIVE),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
def test_a_server_asks_for_what_the_worked_case_says(case: Case):
    assert asked(mesh_of(pod(case.namespace), *case.policies), case.port) is case.mode


def created(text: str, when: str) -> str:
    """The policy with its time of creation."""
    return text.replace("metadata: {", f"metadata: {{creationTimestamp: '2026-01-0{when}T00:00:00Z', ")


@pytest.mark.parametrize(("first", "second", "expected"), [("2", "1", Mode.PERMISSIVE), ("1", "2", Mode.STRICT)])
def test_the_oldest_of_rivals_counts_where_their_age_is_known(first: str, second: str, expected: Mode):
    """M07."""
    rivals = (created(peer("STRICT", "a"), first), created(peer("PERMISSIVE", "b"), second))
    assert asked(mesh_of(pod(), *rivals), 8080) is expected


def test_the_ports_of_a_younger_rival_count_for_nothing():
    """M08."""
    older = created(peer("STRICT", "a", labels=CART), "1")
    younger = created(peer("STRICT", "b", "shop", CART, "9090: {mode: DISABLE}"), "2")
    assert asked(mesh_of(pod(), older, younger), 9090) is Mode.STRICT


def test_rivals_that_agree_leave_no_doubt():
    rivals = (peer("STRICT", "a", labels=CART), peer("STRICT", "b", "shop", CART, "9090: {mode: DISABLE}"))
    assert asked(mesh_of(pod(), *rivals), 8080) is Mode.STRICT


def test_ports_of_a_policy_without_labels_count_for_nothing():
    assert asked(mesh_of(pod(), peer("STRICT", ports="9090: {mode: DISABLE}")), 9090) is Mode.STRICT


def test_a_policy_for_other_pods_counts_for_nothing():
    assert asked(mesh_of(pod(), peer("STRICT", labels="{app: stock}")), 8080) is Mode.PERMISSIVE


def test_a_demand_names_the_mode_that_decides():
    mesh = mesh_of(pod(), MESH_STRICT, peer("UNSET"))
    found = namespace_demand(mesh, "shop")
    assert found is not None
    assert found.node is not None
    assert found.node.document is mesh.documents[1].document
    assert found.namespace == "istio-system"


@pytest.mark.parametrize(
    ("annotations", "port", "expected"),
    [
        ("", 8080, True),
        ('traffic.sidecar.istio.io/excludeInboundPorts: "8080, 9090"', 9090, False),
        ('traffic.sidecar.istio.io/excludeInboundPorts: "8080, 9090"', 7070, True),
        ('traffic.sidecar.istio.io/includeInboundPorts: "8080"', 9090, False),
        ('traffic.sidecar.istio.io/includeInboundPorts: "8080"', 8080, True),
        ('traffic.sidecar.istio.io/includeInboundPorts: "*"', 9090, True),
        ('traffic.sidecar.istio.io/includeInboundPorts: ""', 9090, False),
        ("", 15021, False),
        ("", 15090, False),
    ],
)
def test_ports_may_by_pass_the_proxy(annotations: str, port: int, expected: bool):
    mesh = mesh_of(pod(annotations=annotations))
    (workload,) = [one for one in mesh.workloads if not one.is_assumed]
    assert is_captured(workload, port) is expected
