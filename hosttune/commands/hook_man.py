"""Write the man pages."""

from __future__ import annotations

from typing import Any

from hosttune import __version__
from hosttune.hooks import man
from hosttune.terminal import flat_files


def run(command: Any, output: str) -> None:
    """Write the pages of a command and all below it; raises UsageError. `command` is what typer makes of an app."""
    flat_files.put("--output", output, man.pages(verb(command, "hosttune"), __version__), man.MARK)


def verb(command: Any, name: str, above: Any = None) -> man.Verb:
    """Return what the help of a command says, and of those below it; hidden ones are left out."""
    context = command.context_class(command, info_name=name, parent=above, **command.context_settings)
    shown = [one for one in command.get_params(context) if not getattr(one, "hidden", False)]
    arguments = [_parameter(one) for one in shown if one.param_type_name == "argument"]
    options = [_parameter(one) for one in shown if one.param_type_name == "option"]
    below = [
        verb(one, f"{name} {key}", context) for key, one in getattr(command, "commands", {}).items() if not one.hidden
    ]
    return man.Verb(name, command.help or "", arguments, options, below)


def _parameter(one: Any) -> man.Parameter:
    if one.param_type_name == "argument":
        metavar = one.metavar or (one.name.upper() if one.required else f"[{one.name.upper()}]")
        return man.Parameter((), metavar, one.help or "", required=one.required)
    names = sorted([*one.opts, *one.secondary_opts], key=lambda name: name.startswith("--"))
    metavar = "" if one.is_flag else one.metavar or one.name.upper().replace("_", "-")
    return man.Parameter(names, metavar, one.help or "", _default(one), one.required)


def _default(one: Any) -> str:
    """Return the default as one would give it; "" for none, and for a flag that is simply not given."""
    if one.is_flag:
        return str(one.opts[0]) if one.default is True and one.secondary_opts else ""
    return str(one.default) if isinstance(one.default, str | int) and str(one.default) else ""
