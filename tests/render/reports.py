"""Reports made by hand: places are named by the text that stands there."""

from meshlint.finding import (
    Edit,
    Finding,
    Fix,
    Note,
    Outside,
    Problem,
    Ref,
    Report,
    Rule,
    Severity,
    Skipped,
    Suppression,
    Undecided,
    Witness,
)
from meshlint.request import AUTHORITY, METHOD, PATH, SCHEME, Request, header
from meshlint.source.node import Document, Node, Step
from meshlint.source.text import Source, Span

ROUTES = Source(
    "mesh/reviews-vs.yaml",
    """\
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: reviews
  namespace: prod
spec:
  hosts: [reviews]
  http:
  - name: all-api
    match: [{uri: {prefix: /api}}]
    route: [{destination: {host: reviews, subset: v1}}]
  - name: canary
    match: [{uri: {prefix: /api/v2}, headers: {end-user: {exact: jason}}}]
    route: [{destination: {host: reviews, subset: v3}}]
""",
)
SUBSETS = Source(
    "mesh/reviews-dr.yaml",
    """\
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: reviews, namespace: prod}
spec:
  host: reviews
  subsets:
  - {name: v1, labels: {version: v1}}
  - {name: v2, labels: {version: v2}}
""",
)
AUTHZ = Source(
    "mesh/authz.yaml",
    """\
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: open, namespace: prod}
spec:
  # meshlint: ignore[MSH502] public by design
  rules: [{}]
""",
)

UNREACHABLE = Rule(
    code="MSH101",
    name="unreachable-route",
    summary="a route that no request reaches",
    severity=Severity.WARNING,
    since="0.1.0",
    aliases=("IST0130",),
    page="# Unreachable route\n\nRoutes are tried from the top\nand the first that matches wins.\n\n## How to fix\n\nMove it up.\n",
)
NO_SUBSET = Rule(
    code="MSH202",
    name="undefined-subset",
    summary="a subset that no DestinationRule defines",
    severity=Severity.ERROR,
    since="0.1.0",
    page="Envoy answers 503 for a cluster it does not know.\n",
)
OPEN_POLICY = Rule(
    code="MSH502",
    name="allow-all",
    summary="a policy that lets everyone in",
    severity=Severity.INFO,
    since="0.1.0",
    page="An empty rule matches every request.\n",
)
OPTIONAL = Rule(
    code="MSH601", name="weak-tls", summary="old TLS", severity=Severity.ERROR, since="0.1.0", is_default=False
)
RULES = (UNREACHABLE, NO_SUBSET, OPEN_POLICY, OPTIONAL)

REVIEWS = Ref("networking.istio.io/v1", "VirtualService", "prod", "reviews")


def span(source: Source, text: str, after: str = "") -> Span:
    """The first place where *text* stands, looking behind *after*."""
    start = source.text.index(text, source.text.index(after) + len(after))
    return source.span(start, start + len(text))


def node(place: Span, *path: Step, document: Document | None = None) -> Node:
    """A node that is written at *place*."""
    return Node(place.text, place, None, path, document or Document(place.source, 0))


def problem(text: str, message: str = "something is wrong", name: str = "a.yaml", **more) -> Problem:
    """A problem with the place in *text* between `«` and `»`."""
    start, end = text.index("«"), text.index("»") - 1
    source = Source(name, text.replace("«", "").replace("»", ""))
    return Problem(node(source.span(start, end)), message, **more)


def finding(of: Problem, rule: Rule = UNREACHABLE, resource: Ref | None = REVIEWS, **more) -> Finding:
    """That problem under the default policy."""
    return Finding(rule, rule.severity, of, resource, fingerprint=f"{rule.code}:{of.node.pointer}", **more)


def report(*findings: Finding, resources: int = 1, **more) -> Report:
    """A report of these findings on the sources they are in."""
    sources = tuple(dict.fromkeys(one.problem.span.source for one in findings))
    return Report(findings, more.pop("sources", sources), resources, **more)


def shadowed() -> Finding:
    """A warning with a note in its own file, a witness and a fix."""
    match = span(ROUTES, "[{uri: {prefix: /api/v2}, headers: {end-user: {exact: jason}}}]")
    request = Request.of(
        {METHOD: "GET", SCHEME: "http", AUTHORITY: "reviews.prod", PATH: "/api/v2", header("end-user"): "jason"}
    )
    place = span(ROUTES, "  - name: all-api")
    return finding(
        Problem(
            node(match, "spec", "http", 1, "match", document=DOCUMENT),
            "no request reaches route `canary`: earlier routes take them all",
            label="unreachable",
            notes=(Note(span(ROUTES, "[{uri: {prefix: /api}}]"), "`all-api` takes every such request"),),
            fix=Fix(
                "move `canary` above `all-api`",
                (Edit(ROUTES.span(place.start, place.start), "  - {}\n"),),
                is_safe=False,
            ),
            witness=Witness(request, "reviews:v1, never v3"),
        )
    )


def undefined() -> Finding:
    """An error with notes in another file and a hint."""
    return finding(
        Problem(
            node(
                span(ROUTES, "v3", after="subset: v1"),
                "spec",
                "http",
                1,
                "route",
                0,
                "destination",
                "subset",
                document=DOCUMENT,
            ),
            "subset `v3` of host `reviews.prod.svc.cluster.local` is not defined",
            label="no such subset: Envoy answers 503",
            notes=(
                Note(span(SUBSETS, "v1", after="- {name: "), "this DestinationRule defines `v1`…"),
                Note(span(SUBSETS, "v2", after="- {name: "), "…and `v2`"),
            ),
            help="did you mean `v2`?",
        ),
        rule=NO_SUBSET,
    )


def allowed() -> Finding:
    """A finding on a security rule that a comment suppresses."""
    comment = span(AUTHZ, "# meshlint: ignore[MSH502] public by design")
    resource = Ref("security.istio.io/v1", "AuthorizationPolicy", "prod", "open")
    return finding(
        Problem(node(span(AUTHZ, "[{}]"), "spec", "rules"), "everyone may call `open`"),
        rule=OPEN_POLICY,
        resource=resource,
        suppressed=Suppression(comment, "public by design"),
    )


def reviews() -> Report:
    """All of the above, with something of each kind that a run leaves out."""
    host = node(span(ROUTES, "reviews", after="hosts: ["), "spec", "hosts", 0)
    return Report(
        findings=(allowed(), shadowed(), undefined()),
        sources=(AUTHZ, SUBSETS, ROUTES),
        resources=214,
        undecided=(Undecided(host, "RE2 has no back-references"),),
        outside=(Outside(host, "ratings"), Outside(host, "details")),
        skipped=(Skipped("charts/web/templates/vs.yaml", "is a Helm template: render it first"),),
        rules=RULES,
    )


DOCUMENT = Document(ROUTES, 0)
