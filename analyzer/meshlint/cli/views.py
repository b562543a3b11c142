"""The commands `graph` and `reach`, declared; what they do is in `run_graph` and `run_reach`."""

from typing import Annotated

import typer

from meshlint.cli import options as o
from meshlint.cli.inputs import Given, Overrides


def graph(
    paths: o.PathsArgument = None,
    *,
    view: Annotated[
        str,
        typer.Option(
            metavar="VIEW", help="traffic: where requests go; refs: what refers to what; policy: what guards whom."
        ),
    ] = "traffic",
    focus: Annotated[
        str | None,
        typer.Option(
            metavar="[KIND/]NS/NAME", help="Show only what is near the objects, workloads and hosts of that name."
        ),
    ] = None,
    depth: Annotated[int, typer.Option(min=0, help="How many steps from the focus are near.")] = 2,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="dot, mermaid or json.")] = "dot",
    namespace: o.NamespaceOption = None,
    world: o.WorldOption = None,
    mesh_config: o.MeshConfigOption = None,
    istio_version: o.VersionOption = None,
    exclude: o.ExcludeOption = None,
    config: o.ConfigOption = None,
    no_config: o.NoConfigOption = False,
) -> int:
    """Draw the mesh, with findings at the objects they are about."""
    from meshlint.cli import run_graph

    overrides = Overrides(
        namespace=namespace,
        world=world,
        mesh_config=mesh_config,
        istio_version=istio_version,
        exclude=tuple(exclude or ()),
    )
    return run_graph.draw(
        run_graph.Order(
            given=Given.of(paths, config, overrides, no_config=no_config),
            view=run_graph.view(view),
            focus=focus,
            depth=depth,
            form=run_graph.form(form),
        )
    )


def reach(
    paths: o.PathsArgument = None,
    *,
    caller: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="WHO",
            help="NAMESPACE/WORKLOAD or NAMESPACE/ACCOUNT, NAMESPACE, gateway:NAMESPACE/NAME, others, or external.",
        ),
    ] = None,
    called: Annotated[
        str | None,
        typer.Option("--to", metavar="WHAT", help="NAMESPACE/WORKLOAD or NAMESPACE/SERVICE, or NAMESPACE."),
    ] = None,
    port: Annotated[int | None, typer.Option(help="A port, of the pods or of a Service.")] = None,
    form: Annotated[str, typer.Option("--format", help="table, json or dot.")] = "table",
    namespace: o.NamespaceOption = None,
    world: o.WorldOption = None,
    mesh_config: o.MeshConfigOption = None,
    istio_version: o.VersionOption = None,
    exclude: o.ExcludeOption = None,
    config: o.ConfigOption = None,
    no_config: o.NoConfigOption = False,
) -> int:
    """Tell who can call what: always, on conditions or never, by the policies of each workload's port."""
    from meshlint.cli import run_reach

    overrides = Overrides(
        namespace=namespace,
        world=world,
        mesh_config=mesh_config,
        istio_version=istio_version,
        exclude=tuple(exclude or ()),
    )
    return run_reach.answer(
        run_reach.Order(
            given=Given.of(paths, config, overrides, no_config=no_config),
            caller=caller,
            called=called,
            port=port,
            form=run_reach.form(form),
        )
    )
