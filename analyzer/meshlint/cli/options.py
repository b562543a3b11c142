"""Options that several commands have, declared once."""

from pathlib import Path
from typing import Annotated

import typer

from meshlint.cli.streams import Color
from meshlint.mesh.settings import World

PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Files and folders, `-` for standard input; the working directory by default.",
        show_default=False,
    ),
]
NamespaceOption = Annotated[
    str | None, typer.Option("--namespace", help="The namespace of resources that name none; `default` by default.")
]
WorldOption = Annotated[
    World | None,
    typer.Option(
        "--world",
        help="How much of the mesh the input is: all of it, a part, or seen from the input (auto, the default).",
    ),
]
MeshConfigOption = Annotated[
    str | None, typer.Option("--mesh-config", metavar="FILE", help="A file with the mesh's configuration.")
]
MeshNetworksOption = Annotated[
    str | None, typer.Option("--mesh-networks", metavar="FILE", help="A file with the mesh's networks.")
]
SchemasOption = Annotated[
    list[str] | None,
    typer.Option(
        "--schemas",
        metavar="DIR",
        help="CustomResourceDefinitions of kinds of your own, to check against; repeatable.",
    ),
]
VersionOption = Annotated[
    str | None,
    typer.Option(
        "--istio-version",
        metavar="VERSION",
        help="The release of Istio aimed at, such as 1.27; the newest known by default.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="PATTERN", help="Files to leave out, as in .gitignore; repeatable."),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The configuration file, in place of the one found."),
]
NoConfigOption = Annotated[bool, typer.Option("--no-config", help="Read no configuration file.")]
ColorOption = Annotated[Color, typer.Option("--color", help="Whether to use colours.")]
