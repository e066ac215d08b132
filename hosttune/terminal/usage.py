"""Wrong use of the command line, said in one line: what, where, how to fix it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import typer

from hosttune import __version__

# the base of typer's own errors; depending on its release it comes from click or from a copy of it
WRONG: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")


_REASON = 500


def count(text: str, most: int, least: int = 1) -> int:
    """Return a number of `least` or more that may have thousands separators: 1000000, 1,000,000 or 1_000_000."""
    plain = str(text).strip()
    if re.fullmatch(r"-[0-9][0-9,_]*", plain):
        raise typer.BadParameter(f"{plain} is not in {least} to {most:,}")
    if not re.fullmatch(r"[0-9]+|[0-9]{1,3}((,[0-9]{3})+|(_[0-9]{3})+)", plain):
        raise typer.BadParameter(f"{text!r} is no whole number; write 1000000 or 1,000,000")
    number = int(plain.replace(",", "").replace("_", ""))
    if not least <= number <= most:
        raise typer.BadParameter(f"{text} is not in {least} to {most:,}")
    return number


def counted(most: int, least: int = 1) -> Callable[[str], int]:
    """Return `count` within bounds, as a function that has a name: older releases of click want to show it."""

    def number(text: str) -> int:
        return count(text, most, least)

    return number


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
        raise typer.BadParameter("it is empty; leave the option out, or say why")
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
    return f"hosttune: {sentence}" + ("" if ";" in sentence else f"; {help_} lists what can be given")


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
