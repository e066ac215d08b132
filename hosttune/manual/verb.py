"""A verb as a value: what the command line itself knows of it, for help and man pages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hosttune.manual import examples, exits, groups


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option with its names, or an argument that has none; `metavar` is "" for a flag, `default` where none is."""

    names: Sequence[str]
    metavar: str
    help: str
    default: str = ""
    required: bool = False

    @property
    def long(self) -> str:
        """Return the first long name without its dashes."""
        return next((name.lstrip("-") for name in self.names if name.startswith("--")), "")


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb by its whole name, such as `hosttune hook man`, with its help; `verbs` are those of a group."""

    name: str
    help: str
    arguments: Sequence[Parameter] = ()
    options: Sequence[Parameter] = ()
    verbs: Sequence[Verb] = ()

    @property
    def page(self) -> str:
        """Return the name of its man page."""
        return self.name.replace(" ", "-")

    @property
    def words(self) -> str:
        """Return its name without that of the program."""
        return self.name.partition(" ")[2]

    @property
    def paragraphs(self) -> list[str]:
        """Return what is said of it, each paragraph as one line; the first is a sentence."""
        return paragraphs(self.help)

    @property
    def panels(self) -> Mapping[str, Sequence[Parameter]]:
        """Return its options by what they are for."""
        named = {each.long: each for each in self.options}
        return {title: [named[name] for name in row] for title, row in groups.panels(named).items()}

    @property
    def exits(self) -> Mapping[int, str]:
        """Return its exit codes and what they mean; none for a group."""
        return exits.of(self.words) if not (self.verbs and self.words) else {}

    @property
    def examples(self) -> Sequence[examples.Example]:
        """Return what a person may ask, each with the command."""
        return examples.of(self.words)


def paragraphs(help: str) -> list[str]:
    """Return the paragraphs of a text, each as one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", help) if part.strip()]


def verb(command: Any, name: str, above: Any = None, deep: bool = True) -> Verb:
    """Return what a command of typer says of itself, and of those below it; hidden ones are left out.

    Those below are built only if `deep`.
    """
    context = command.context_class(command, info_name=name, parent=above, **command.context_settings)
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    arguments = [_parameter(each) for each in shown if each.param_type_name == "argument"]
    options = [_parameter(each) for each in shown if each.param_type_name == "option"]
    if deep:
        commands = getattr(command, "commands", {}).items()
        below = [verb(each, f"{name} {key}", context) for key, each in commands if not each.hidden]
    else:
        below = [Verb(f"{name} {key}", help) for key, help in getattr(command, "told", dict)().items()]
    return Verb(name, command.help or "", arguments, options, below)


def _parameter(each: Any) -> Parameter:
    if each.param_type_name == "argument":
        metavar = each.metavar or (each.name.upper() if each.required else f"[{each.name.upper()}]")
        return Parameter((), metavar, each.help or "", required=each.required)
    names = sorted([*each.opts, *each.secondary_opts], key=lambda name: name.startswith("--"))
    metavar = "" if each.is_flag else each.metavar or each.name.upper().replace("_", "-")
    return Parameter(names, metavar, each.help or "", _default(each), each.required)


def _default(each: Any) -> str:
    """Return the default as one would give it; "" for none, and for a flag that is simply not given."""
    if each.is_flag:
        return str(each.opts[0]) if each.default is True and each.secondary_opts else ""
    return str(each.default) if isinstance(each.default, str | int) and str(each.default) else ""
