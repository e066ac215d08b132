"""The application itself, and what the signatures of several verbs share."""

from __future__ import annotations

import copy
import inspect
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
from hosttune.terminal import colour, usage

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


class _Told:
    """What verbs and groups share: help of ours, and values that typer need not convert."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for parameter in getattr(self, "params"):  # noqa: B009
            plain.spare(parameter)

    def get_help_option(self, ctx: Any) -> Any:
        return plain.spare(super().get_help_option(ctx))  # type: ignore[misc]  # typer's, which stands behind it

    def get_help(self, ctx: Any) -> str:
        """Return the help, which typer then prints."""
        from hosttune.terminal import helping

        return helping.of(self, ctx)


class _Verb(_Told, typer.core.TyperCommand):
    """A verb."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb, once its options do not contradict each other."""
        usage.apart(ctx)
        return super().invoke(ctx)


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


class _Group(_Told, typer.core.TyperGroup):
    """A group of verbs, the same; a subclass has the signatures of one."""

    verbs: Sequence[CommandInfo] = ()

    def __init__(self, *, commands: Mapping[str, Any], **given: Any) -> None:
        super().__init__(**given)
        self.commands: Any = _Built({_name(verb): verb for verb in self.verbs} | dict(commands))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take `help VERB` as `VERB --help`; a group alone is wrong use, with its verbs on standard output."""
        if ctx.parent is None and args[:1] == ["help"]:
            args = [*args[1:], "--help"]
        elif not args and not ctx.resilient_parsing:
            from hosttune.terminal import helping

            helping.alone(self, ctx, self.told())
        return list(super().parse_args(ctx, args))

    def told(self) -> dict[str, str]:
        """Return what the help of each verb says, without building one."""
        told = {}
        for name, command in self.commands.data.items():
            body = command.callback if isinstance(command, CommandInfo) else None
            if not command.hidden:
                told[name] = inspect.getdoc(body) or "" if body else command.help or ""
        return told


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
    pretty_exceptions_enable=False,
    add_completion=False,  # `hosttune hook completion` has its own
    context_settings={"help_option_names": ["-h", "--help"]},
)
profiles = Verbs(help="List, show and validate profiles.")
app.add_typer(profiles, name="profile")


def _version(context: typer.Context, wanted: bool) -> None:
    if wanted and not context.resilient_parsing:
        print(f"hosttune {__version__}")
        raise typer.Exit


@app.callback()
def hosttune(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    color: _Color = None,
) -> None:
    pass
