"""The application itself, and what the signatures of several verbs share."""

from __future__ import annotations

import copy
from collections import UserDict
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import typer
import typer.core
import typer.main
from typer.models import CommandInfo

from hosttune import __version__
from hosttune.cli import plain
from hosttune.cli.groups import grouped
from hosttune.cli.options import SHARED
from hosttune.commands import completing
from hosttune.terminal import colour

Body = TypeVar("Body", bound=Callable[..., Any])


def _chosen(when: str | None) -> None:
    if when is not None:
        colour.choose(when)


_Color = Annotated[
    str | None,
    typer.Option(
        "--color",
        callback=_chosen,
        is_eager=True,
        help=f"{', '.join(colour.WHEN[:-1])} or {colour.WHEN[-1]}.",
        metavar="WHEN",
        autocompletion=completing.choice(*colour.WHEN),
    ),
]


class _Verb(typer.core.TyperCommand):
    """A verb whose help may have colour: that is text of ours, while what a verb prints passes a filter."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for parameter in self.params:
            plain.spare(parameter)

    def get_help_option(self, ctx: Any) -> Any:
        return plain.spare(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from hosttune.terminal import streams

        with streams.passing(streams.Passing.COLOUR), colour.of_help():
            super().format_help(ctx, formatter)


class _Built(UserDict[str, Any]):
    """Verbs by their names, each built from its signature when it is asked for: one is run, and the others are not."""

    def __getitem__(self, name: str) -> Any:
        command = self.data[name]
        if isinstance(command, CommandInfo):
            command = copy.copy(command)  # the next run builds it anew
            command.callback = grouped(command.callback or (lambda: None), SHARED, {"color": _Color})
            command = typer.main.get_command_from_info(
                command, pretty_exceptions_short=False, rich_markup_mode=typer.core.DEFAULT_MARKUP_MODE
            )
            self.data[name] = command
        return command


class _Group(typer.core.TyperGroup):
    """A group of verbs, the same; a subclass has the signatures of one."""

    verbs: Sequence[CommandInfo] = ()

    def __init__(self, *, commands: Mapping[str, Any], **given: Any) -> None:
        super().__init__(**given)
        for parameter in self.params:
            plain.spare(parameter)
        self.commands: Any = _Built({_name(verb): verb for verb in self.verbs} | dict(commands))

    def get_help_option(self, ctx: Any) -> Any:
        return plain.spare(super().get_help_option(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from hosttune.terminal import streams

        with streams.passing(streams.Passing.COLOUR), colour.of_help():
            super().format_help(ctx, formatter)


class Verbs(typer.Typer):
    """A command line of ours; its signatures are registered with `command` as those of a Typer are."""

    def __init__(self, **given: Any) -> None:
        self._verbs: list[CommandInfo] = []
        super().__init__(**{"cls": type("_Group", (_Group,), {"verbs": self._verbs}), **given})

    def command(self, name: str | None = None, **given: Any) -> Callable[[Body], Body]:
        """Return what registers a function as a verb."""
        register = super().command(name, **{"cls": _Verb, **given})

        def verb(body: Body) -> Body:
            register(body)
            # typer builds all that are registered before it runs one: some 25 ms
            self._verbs.append(self.registered_commands.pop())
            return body

        return verb


def _name(verb: CommandInfo) -> str:
    return verb.name or typer.main.get_command_name(verb.callback.__name__ if verb.callback else "")


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
    color: _Color = None,
) -> None:
    pass
