"""The application itself, and what the signatures of several verbs share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

import typer
import typer.core

from hosttune import __version__
from hosttune.cli.groups import grouped
from hosttune.cli.options import SHARED

Body = TypeVar("Body", bound=Callable[..., Any])


class _Verb(typer.core.TyperCommand):
    """A verb whose help may have colour: that is text of ours, while what a verb prints passes a filter."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from hosttune.terminal import streams

        with streams.passing(streams.Passing.COLOUR):
            super().format_help(ctx, formatter)


class _Group(typer.core.TyperGroup):
    """A group of verbs, the same."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from hosttune.terminal import streams

        with streams.passing(streams.Passing.COLOUR):
            super().format_help(ctx, formatter)


class Verbs(typer.Typer):
    """A command line of ours; its signatures are registered with `command` as those of a Typer are."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"cls": _Group, **given})

    def command(self, name: str | None = None, **given: Any) -> Callable[[Body], Body]:
        """Return what registers a function as a verb."""
        register = super().command(name, **{"cls": _Verb, **given})

        def verb(body: Body) -> Body:
            register(grouped(body, SHARED))
            return body

        return verb


app = Verbs(
    name="hosttune",
    help="Is this host tuned for very many TCP connections, where will it stall, and will it stay so?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,  # `hosttune hook completion` has its own
    context_settings={"help_option_names": ["-h", "--help"]},
)
profiles = Verbs(no_args_is_help=True, help="List, show and validate the profiles of the roles.")
app.add_typer(profiles, name="profile")


def _version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        print(f"hosttune {__version__}")
        raise typer.Exit


@app.callback()
def hosttune(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and leave.")
    ] = False,
) -> None:
    pass
