"""The help of a verb, of a group and of the program, as text for a terminal."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from hosttune.errors import UsageError
from hosttune.manual import groups, verb
from hosttune.terminal import colour, presenting, streams

_WIDEST = 100
"""Columns of a text that is read."""
_HEAD = 26
"""Columns at most of what an explanation stands beside; a longer one has a line of its own."""

Style = Callable[[str], str]


def of(command: Any, context: Any) -> str:
    """Return the help of a command of typer as it is to be printed on standard output."""
    told = verb.verb(command, context.command_path, context.parent, deep=False)
    color = colour.wanted(sys.stdout)
    if color:
        # typer prints it, and leaves
        context.with_resource(streams.passing(streams.Passing.COLOUR))
    return text(told, _width(), _bold if color else str).rstrip()


def alone(command: Any, context: Any, verbs: Mapping[str, str]) -> None:
    """Print the verbs of a group for one who gave none, and raise UsageError."""
    name = context.command_path
    if context.parent is None:
        sys.stdout.write(short(verbs, _width()))
    else:
        print(of(command, context))
    raise UsageError(f"no verb is given; write `{name} VERB`, or `{name} --help` for more")


def text(told: verb.Verb, width: int, bold: Style = str) -> str:
    """Return the whole help; what is to stand out is given to `bold`."""
    needed = [f"{each.names[-1]} {each.metavar}" for each in told.options if each.required]
    words = ["[OPTIONS]" if told.options else "", *(each.metavar for each in told.arguments)]
    words += ["VERB ..."] if told.verbs else []
    usage = " ".join([told.name, *needed, *(word for word in words if word)])
    parts = [_wrapped(f"Usage: {usage}", width, "", "       ")]
    parts += [_wrapped(part, width) for part in told.paragraphs]
    if told.examples and told.words:
        parts.append(_examples(told, width, bold))
    if told.verbs:
        parts.append("\n\n".join(_verbs(told, width, bold)))
    if told.examples and not told.words:
        parts.append(_examples(told, width, bold))
    if any(each.help for each in told.arguments):
        parts.append(_table("Arguments", ((each.metavar, _explained(each)) for each in told.arguments), width, bold))
    for title, options in told.panels.items():
        parts.append(_table(title, ((_spelled(each), _explained(each)) for each in options), width, bold))
    if told.exits:
        parts.append(_table("Exit codes", ((str(code), means) for code, means in told.exits.items()), width, bold))
    if told.verbs:
        parts.append(_wrapped(f"More of one: {told.name} VERB --help", width))
    return "\n\n".join(parts) + "\n"


def short(verbs: Mapping[str, str], width: int) -> str:
    """Return the groups with the names of their verbs, and what to begin with."""
    rows = ((title.lower(), " ".join(names)) for title, names in groups.grouped(verbs).items())
    begin = ("hosttune check", "hosttune diagnose", "hosttune --help")
    return "\n".join([_table("Verbs", rows, width, str), "", "Begin with:", *(f"  {line}" for line in begin), ""])


def _verbs(told: verb.Verb, width: int, bold: Style) -> Iterator[str]:
    """Yield the tables of the verbs of a group: those of the program by what a person wants."""
    firsts = {each.name.split()[-1]: each.paragraphs[0] if each.paragraphs else "" for each in told.verbs}
    tables = {"Verbs": list(firsts)} if told.words else groups.grouped(firsts)
    widest = max(map(len, firsts))
    for title, names in tables.items():
        yield _table(title, ((name, firsts[name]) for name in names), width, bold, widest)


def _examples(told: verb.Verb, width: int, bold: Style) -> str:
    lines = [bold("Examples:")]
    for wanted, command in told.examples:
        # a command that is to be pasted is not broken
        lines += [_wrapped(wanted, width, "  "), f"    {bold(command)}"]
    return "\n".join(lines)


def _table(title: str, rows: Iterable[tuple[str, str]], width: int, bold: Style, least: int = 0) -> str:
    """Return a heading and its rows; what explains them stands in one column."""
    held = list(rows)
    heads = [len(head) for head, _ in held if len(head) <= _HEAD]
    indent = " " * (max([*heads, least]) + 4)
    lines = [bold(f"{title}:")]
    for head, explained in held:
        if len(head) <= _HEAD:
            lines.append(_wrapped(f"  {head:<{len(indent) - 4}}  {explained}".rstrip(), width, "", indent))
        else:
            lines += [f"  {head}", *([_wrapped(explained, width, indent)] if explained else [])]
    return "\n".join(lines)


def _spelled(each: verb.Parameter) -> str:
    # short names stand before long ones, which begin in one column
    names = ", ".join(each.names) if each.names[0][1] != "-" else f"    {', '.join(each.names)}"
    return f"{names} {each.metavar}".rstrip()


def _explained(each: verb.Parameter) -> str:
    parts = (each.help, "Required." if each.required and each.names else "")
    return " ".join([*filter(None, parts), *([f"[default: {each.default}]"] if each.default else [])])


def _wrapped(text: str, width: int, first: str = "", rest: str | None = None) -> str:
    return textwrap.fill(
        text,
        width,
        initial_indent=first,
        subsequent_indent=first if rest is None else rest,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
    )


def _width() -> int:
    return min(presenting.width(40), _WIDEST)


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m"
