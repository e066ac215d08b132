"""Wrong use of the command line, said in one line: what, where, how to fix it."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import typer

from hosttune import __version__, counts
from hosttune.errors import UsageError

# the base of typer's own errors; depending on its release it comes from click or from a copy of it
WRONG: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


_REASON = 500


class Wrong(typer.BadParameter):
    """What is wrong with a value, in words that say already how to fix it."""


def count(text: str, most: int, least: int = 1, unit: str = "") -> int:
    """Return a number of `least` to `most` as a person writes it; see `hosttune.counts`."""
    try:
        number = counts.number(str(text))
    except ValueError as error:
        raise Wrong(str(error)) from error
    if wrong := counts.within(number, least, most, unit):
        raise Wrong(wrong)
    return number


def counted(most: int, least: int = 1, unit: str = "") -> Callable[[str], int]:
    """Return `count` within bounds, as a function that has a name: older releases of click want to show it."""

    def number(text: str) -> int:
        return count(text, most, least, unit)

    return number


_APART = {
    ("snapshot", "root"): "a snapshot is a whole host; name one of the two",
    ("pid", "process_name"): "each names the program; name one of the two",
    ("once", "length"): "--once is one look; leave out --for",
    ("as_json", "format"): "--json is --format json; name one of the two",
}
"""Options that contradict each other, by the names that the verbs give them, and why."""


def apart(context: Any) -> None:
    """Raise UsageError where two options were given of which one would be passed over, whatever their values."""
    for names, why in _APART.items():
        if all(getattr(context.get_parameter_source(name), "name", "") == "COMMANDLINE" for name in names):
            options = [
                max(each.opts, key=len) for name in names for each in context.command.params if each.name == name
            ]
            raise UsageError(f"{' and '.join(options)}: {why}")


def marked(text: str) -> int:
    """Return a mark, a number of 32 bits, in decimal or with 0x; raises BadParameter."""
    try:
        number = int(text, 0)
    except ValueError:
        number = -1
    if not 0 <= number < 1 << 32:
        raise typer.BadParameter(f"{text!r} is no mark; write a number such as 9 or 0x9")
    return number


def words(text: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return what an option names with commas between; a default is given in parts already."""
    return tuple(word.strip() for word in text.split(",") if word.strip()) if isinstance(text, str) else text


def some(text: str | None) -> str:
    """Return the text of an option that, where it is given, must say something."""
    if text is not None and not text.strip(" ,"):
        raise typer.BadParameter("it is empty; leave the option out, or name something")
    return text or ""


def some_each(texts: list[str] | None) -> list[str]:
    """Return the texts of an option that may be repeated, each of which must say something."""
    return [some(text) for text in texts or ()]


def reason(text: str | None) -> str:
    """Return the text of --reason: one line of what can be printed, for it is shown to others later."""
    if text is None:
        return ""
    sentence = text.strip()
    if not sentence:
        raise typer.BadParameter("it is empty; leave the option out, or give a reason")
    if not sentence.isprintable():
        raise typer.BadParameter("it holds a character that cannot be printed; write one line of plain text")
    if len(sentence) > _REASON:
        raise typer.BadParameter(f"{len(sentence):,} characters; {_REASON} are the most")
    return sentence


def line(error: Any) -> str:
    """Return one line: which option or verb, what is wrong, how to fix it."""
    context = getattr(error, "ctx", None)
    parameter = getattr(error, "param", None)
    if type(error).__name__ == "NoArgsIsHelpError" and context is not None:
        return str(context.get_help())
    help_ = f"`{context.command_path} --help`" if context is not None else "`hosttune --help`"
    sentence = " ".join(str(error.format_message()).split()).rstrip(".")
    if isinstance(error, typer.BadParameter) and parameter is not None:
        names = [name for name in parameter.opts if name.startswith("-")]
        name = max(names, key=len) if names else str(parameter.metavar or parameter.name).strip("[].")
        bare = " ".join(str(error.message).split()).rstrip(".")
        sentence = f"{name}: {bare}" if bare else sentence
    # what is ours says already how to fix it
    fixed = ";" in sentence or sentence.endswith("?") or isinstance(error, Wrong)
    return f"hosttune: {sentence}" + ("" if fixed else f"; {help_} lists what can be given")


def bug(error: Exception) -> str:
    """Return what to paste into a report; with HOSTTUNE_DEBUG set, the traceback goes to stderr."""
    import platform
    import traceback

    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{os.path.basename(last.filename)}:{last.lineno}"
    report = f"hosttune {__version__}, Python {platform.python_version()}, {where}: {type(error).__name__}: {error}"
    if os.environ.get("HOSTTUNE_DEBUG"):
        traceback.print_exception(error)
    return f"this is a bug of hosttune; please report: {report} (HOSTTUNE_DEBUG=1 shows more)"
