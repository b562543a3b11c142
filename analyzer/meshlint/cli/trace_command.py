"""The command `trace` and its options, declared; what it does is in `run_trace`."""

from typing import Annotated

import typer

from meshlint.cli import options as o
from meshlint.cli.inputs import Given, Overrides
from meshlint.cli.streams import Color

Texts = list[str] | None
Words = Annotated[
    Texts,
    typer.Argument(
        metavar="[METHOD] URL [PATH]...",
        help="What is asked: a URL with http, https, grpc, tls or tcp; then files and folders.",
        show_default=False,
    ),
]
Header = Annotated[Texts, typer.Option("--header", "-H", metavar="NAME: VALUE", help="A header; repeatable.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="WHO", help="NAMESPACE/WORKLOAD, gateway:NAMESPACE/NAME, or external: who sends it."
    ),
]
Sni = Annotated[str | None, typer.Option(help="The server name of a TLS connection, if not the URL's.")]
Address = Annotated[str | None, typer.Option(metavar="IP", help="The address that is dialed.")]
SourceIp = Annotated[str | None, typer.Option(metavar="IP", help="The address that the call comes from.")]
Principal = Annotated[str | None, typer.Option(help="The client's identity, in place of its workload's.")]
Jwt = Annotated[Texts, typer.Option("--jwt", metavar="CLAIM=VALUE", help="A claim of a valid token; repeatable.")]
Expect = Annotated[
    str | None, typer.Option(help="What has to come of it, such as status=200,to=reviews:v1; else the exit code is 1.")
]
WhyNot = Annotated[
    str | None,
    typer.Option(
        metavar="ROUTE",
        help="Why a route does not take it: the route's name or index, or NAMESPACE/NAME[:ROUTE] of a VirtualService.",
    ),
]
Both = Annotated[
    tuple[str, str] | None,
    typer.Option(metavar="OLD NEW", help="Trace it in two inputs, and show what differs.", show_default=False),
]
Requests = Annotated[
    str | None,
    typer.Option("--requests", metavar="FILE", help="Many requests: JSON lines, or a list in YAML; `-` is stdin."),
]
Format = Annotated[
    str | None,
    typer.Option("--format", help="full (default), json (default with --requests) or mermaid."),
]


def trace(
    words: Words = None,
    *,
    headers: Header = None,
    origin: From = None,
    sni: Sni = None,
    address: Address = None,
    source_ip: SourceIp = None,
    principal: Principal = None,
    claims: Jwt = None,
    expect: Expect = None,
    why_not: WhyNot = None,
    both: Both = None,
    requests: Requests = None,
    form: Format = None,
    namespace: o.NamespaceOption = None,
    world: o.WorldOption = None,
    mesh_config: o.MeshConfigOption = None,
    istio_version: o.VersionOption = None,
    exclude: o.ExcludeOption = None,
    config: o.ConfigOption = None,
    no_config: o.NoConfigOption = False,
    color: o.ColorOption = Color.AUTO,
) -> int:
    """Follow one request through the mesh: who routes it where, by which rule, and what becomes of it."""
    from meshlint.cli import run_trace
    from meshlint.cli.questions import Spoken

    spoken = Spoken(tuple(headers or ()), origin, sni, address, source_ip, principal, tuple(claims or ()), expect)
    overrides = Overrides(
        namespace=namespace,
        world=world,
        mesh_config=mesh_config,
        istio_version=istio_version,
        exclude=tuple(exclude or ()),
    )
    given = Given(paths=(), config_file=config, reads_config=not no_config, overrides=overrides)
    order = run_trace.Order(given, tuple(words or ()), spoken, why_not, both, requests, form, color)
    return run_trace.show(order)
