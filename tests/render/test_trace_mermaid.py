import re

from meshlint.mesh.steps import Fact, Kind, Outcome, Stage, Step, Trace
from meshlint.render.trace_mermaid import escaped, trace_mermaid
from meshlint.request import Request

_WORD = r"(?:[A-Za-z0-9 ./_|=()-]|#[0-9]+;)+"
GRAMMAR = re.compile(
    rf"sequenceDiagram\n  participant caller\n(?:  participant p\d+ as {_WORD}\n)*"
    rf"(?:  (?:caller|p\d+)->>p\d+: {_WORD}\n|  Note over (?:caller|p\d+): {_WORD}\n)*"
    rf"  (?:caller|p\d+)(?:-->>|--x)caller: {_WORD}\n"
)
STEPS = (
    Step(Stage.CLIENT, "shop/web  sidecar outbound, port 80", None, (Fact("Sidecar shop/default applies"),)),
    Step(Stage.ROUTE, "VirtualService shop/reviews, route a"),
    Step(Stage.CLUSTER, "outbound|80|v1|reviews.shop.svc.cluster.local"),
    Step(Stage.SERVER, "shop/reviews  no rule denies it"),
)


def diagram(steps: tuple[Step, ...], kind: Kind = Kind.CLUSTER) -> str:
    return trace_mermaid(Trace(Request(), steps, Outcome(kind, 200, "outbound|80|v1|reviews.shop.svc.cluster.local")))


def test_each_proxy_and_server_takes_part_and_decisions_are_notes_at_them():
    text = diagram(STEPS)
    assert "  participant p0 as shop/web\n  participant p1 as shop/reviews\n" in text
    assert "  Note over p0: VirtualService shop/reviews#44; route a\n" in text
    assert "  p0->>p1: shop/reviews  no rule denies it\n" in text
    assert text.endswith("  p1-->>caller: 200 reviews#58;v1\n")
    assert GRAMMAR.fullmatch(text), text


def test_what_fails_ends_in_a_cross():
    assert "--xcaller: 200 denied" in diagram(STEPS, Kind.DENIED)


def test_a_hostile_name_is_only_a_name():
    evil = 'x"\nend\nclick p0 "javascript:1" %%{init: {}}%% <script>;#35;'
    text = diagram((Step(Stage.CLIENT, evil), Step(Stage.ROUTE, evil), Step(Stage.SERVER, evil + "\u202e" + evil)))
    assert GRAMMAR.fullmatch(text), text
    assert "<" not in text
    assert "javascript:" not in text


def test_a_trace_without_steps_is_a_diagram():
    assert GRAMMAR.fullmatch(diagram((), Kind.UNKNOWN))


def test_long_texts_are_cut_and_empty_ones_are_shown():
    assert escaped("") == "-"
    assert len(escaped("a" * 1000)) < 200
