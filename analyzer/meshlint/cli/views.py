"""The commands `graph` and `reach`, declared; what they do is in `run_graph` and `run_reach`."""

from pathlib import Path
from typing import Annotated

import typer

from meshlint.cli.inputs import Given, Overrides
from meshlint.mesh.settings import World


def graph(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Files and folders, `-` for standard input; the working directory by default.",
            show_default=False,
        ),
    ] = None,
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
    namespace: Annotated[str | None, typer.Option(help="The namespace of resources that name none.")] = None,
    world: Annotated[World | None, typer.Option(help="How much of the mesh the input is.")] = None,
    mesh_config: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with the mesh's configuration.")
    ] = None,
    istio_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The release of Istio aimed at, such as 1.27.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Files to leave out.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="The configuration file.")] = None,
    no_config: Annotated[bool, typer.Option("--no-config", help="Read no configuration file.")] = False,
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
            given=Given(
                paths=tuple(paths or (".",)), config_file=config, reads_config=not no_config, overrides=overrides
            ),
            view=run_graph.view(view),
            focus=focus,
            depth=depth,
            form=run_graph.form(form),
        )
    )


def reach(
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Files and folders, `-` for standard input; the working directory by default.",
            show_default=False,
        ),
    ] = None,
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
    namespace: Annotated[str | None, typer.Option(help="The namespace of resources that name none.")] = None,
    world: Annotated[World | None, typer.Option(help="How much of the mesh the input is.")] = None,
    mesh_config: Annotated[
        str | None, typer.Option(metavar="FILE", help="A file with the mesh's configuration.")
    ] = None,
    istio_version: Annotated[
        str | None, typer.Option(metavar="VERSION", help="The release of Istio aimed at, such as 1.27.")
    ] = None,
    exclude: Annotated[list[str] | None, typer.Option(metavar="PATTERN", help="Files to leave out.")] = None,
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="The configuration file.")] = None,
    no_config: Annotated[bool, typer.Option("--no-config", help="Read no configuration file.")] = False,
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
            given=Given(
                paths=tuple(paths or (".",)), config_file=config, reads_config=not no_config, overrides=overrides
            ),
            caller=caller,
            called=called,
            port=port,
            form=run_reach.form(form),
        )
    )
