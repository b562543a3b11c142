"""The commands and their options, declared; what they do is in the modules beside this one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from meshlint import __version__
from meshlint.cli import USAGE_OR_INTERNAL, pages, run_lint, streams, views
from meshlint.cli import options as o
from meshlint.cli.inputs import Given, Overrides
from meshlint.cli.pages import Listing
from meshlint.cli.streams import Color
from meshlint.cli.trace_command import trace
from meshlint.config import FailOn, UsageError

_UsageError: type[Exception] = typer.BadParameter.__mro__[1]  # Typer exports this one alone of its usage errors.

app = typer.Typer(
    name="meshlint",
    help="A static linter for Istio service-mesh manifests.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name; the answer is the exit code."""
    streams.prepare()
    try:
        code = app(list(arguments) or ["--help"], prog_name="meshlint", standalone_mode=False)
    except UsageError as error:
        streams.complain(str(error))
        return USAGE_OR_INTERNAL
    except _UsageError as error:
        streams.complain(_message(error))
        return USAGE_OR_INTERNAL
    if not arguments:
        return USAGE_OR_INTERNAL
    return code if isinstance(code, int) else 0


def _message(error: Exception) -> str:
    """What Typer has to say, in our form: it begins in lower case and ends without a full stop."""
    message = str(getattr(error, "format_message", error.__str__)()).strip().rstrip(".")
    return message[:1].lower() + message[1:]


def _version(wanted: bool) -> None:
    if wanted:
        streams.emit(f"meshlint {__version__}\n")
        raise typer.Exit


Selectors = list[str] | None
Version = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")]


@app.callback()
def _meshlint(_version: Version = False) -> None:
    """A static linter for Istio service-mesh manifests."""


@app.command()
def lint(
    paths: o.PathsArgument = None,
    *,
    select: Annotated[
        Selectors,
        typer.Option(help="Rules to run: codes, names, prefixes such as MSH1, IST and KIA codes; comma-separated."),
    ] = None,
    ignore: Annotated[Selectors, typer.Option(help="Rules not to run.")] = None,
    extend_select: Annotated[Selectors, typer.Option(help="Rules to run besides; MSH turns on every rule.")] = None,
    extend_ignore: Annotated[Selectors, typer.Option(help="Rules not to run besides.")] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            metavar="FORMAT[=FILE]",
            help="full (default), concise, json, sarif or github; repeatable, at most one without a file.",
        ),
    ] = None,
    fail_on: Annotated[
        FailOn | None, typer.Option(help="The mildest severity that makes the exit code 1; error by default.")
    ] = None,
    namespace: o.NamespaceOption = None,
    world: o.WorldOption = None,
    mesh_config: o.MeshConfigOption = None,
    mesh_networks: o.MeshNetworksOption = None,
    schemas: o.SchemasOption = None,
    istio_version: o.VersionOption = None,
    exclude: o.ExcludeOption = None,
    now: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="The day as of which certificates are judged; today."),
    ] = None,
    show_suppressed: Annotated[bool, typer.Option("--show-suppressed", help="Show suppressed findings too.")] = False,
    no_ignores: Annotated[
        bool, typer.Option("--no-ignores", help="Take no notice of comments and annotations that silence findings.")
    ] = False,
    config: o.ConfigOption = None,
    no_config: o.NoConfigOption = False,
    color: o.ColorOption = Color.AUTO,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print nothing for people where nothing is found.")
    ] = False,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="Show no progress; there is none to show.")
    ] = False,
) -> int:
    """Find mistakes in Istio manifests."""
    del no_progress
    return run_lint.lint(
        run_lint.Order(
            given=Given.of(
                paths,
                config,
                Overrides(
                    select=_words(select),
                    ignore=_words(ignore),
                    extend_select=_words(extend_select),
                    extend_ignore=_words(extend_ignore),
                    format=tuple(formats or ()),
                    fail_on=fail_on,
                    namespace=namespace,
                    world=world,
                    mesh_config=mesh_config,
                    mesh_networks=mesh_networks,
                    schemas=tuple(schemas or ()),
                    istio_version=istio_version,
                    exclude=tuple(exclude or ()),
                    respects_ignores=not no_ignores,
                    now=now.date() if now is not None else None,
                ),
                no_config=no_config,
            ),
            color=color,
            shows_suppressed=show_suppressed,
            is_quiet=quiet,
        )
    )


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(help="A code, a name, or an IST or KIA code.", show_default=False)],
) -> int:
    """Show what a rule means, with examples."""
    streams.emit(pages.explained(rule))
    return 0


@app.command()
def rules(form: Annotated[Listing, typer.Option("--format", help="The form of the list.")] = Listing.TABLE) -> int:
    """List all rules."""
    streams.emit(pages.listed(form))
    return 0


app.command()(trace)


app.command()(views.graph)
app.command()(views.reach)


def _words(given: Selectors) -> tuple[str, ...]:
    return tuple(word.strip() for one in given or () for word in one.split(",") if word.strip())
