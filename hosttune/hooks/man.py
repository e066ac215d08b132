"""Manual pages, a page a verb, from what the help says.

A page holds no date: of one version it is always the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hosttune.hooks import roff

MARK = "made by hosttune hook man"
FILES = {
    "/etc/hosttune/profiles/*.toml": "Profiles of your own. One with the name of a profile that ships replaces it.",
    "/var/lib/hosttune": "What each apply found, and the way back from it.",
    "/etc/sysctl.d/90-hosttune.conf": "Sysctls; the number is higher where a later file says otherwise.",
    "/etc/security/limits.d/90-hosttune.conf": "Limits of logins.",
    "/etc/systemd/system/UNIT.d/90-hosttune.conf": "Limits of a service.",
    "/var/cache/hosttune": "What hosttune.pyz unpacked for root, as ~/.cache/hosttune for a user. May be removed.",
}
ENVIRONMENT = {
    "COLUMNS": "Width of what is printed.",
    "NO_COLOR": "If not empty, there is no colour, unless --color asks for it.",
    "FORCE_COLOR, CLICOLOR_FORCE": "If not empty and not 0, there is colour in a pipe too; NO_COLOR counts more.",
    "HOSTTUNE_CACHE": "Where hosttune.pyz unpacks: a directory that only you may write.",
    "HOSTTUNE_DEBUG": "If not empty, a bug of hosttune shows its traceback.",
}
_PLAIN = (("0", "It was done."), ("2", "Wrong use: one line says what, and how to fix it."))
"""Exit codes of a verb whose help names none."""
_ALWAYS = ("130", "It was interrupted.")


@dataclass(frozen=True, slots=True)
class Parameter:
    """An option with its names, or an argument that has none; `metavar` is "" for a flag, `default` where none is."""

    names: Sequence[str]
    metavar: str
    help: str
    default: str = ""
    required: bool = False


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
        return self.name.replace(" ", "-")


def verb(command: Any, name: str, above: Any = None) -> Verb:
    """Return what the help of a command says, and of those below it; hidden ones are left out."""
    context = command.context_class(command, info_name=name, parent=above, **command.context_settings)
    shown = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    arguments = [_parameter(each) for each in shown if each.param_type_name == "argument"]
    options = [_parameter(each) for each in shown if each.param_type_name == "option"]
    below = [
        verb(each, f"{name} {key}", context)
        for key, each in getattr(command, "commands", {}).items()
        if not each.hidden
    ]
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


def pages(top: Verb, version: str) -> dict[str, str]:
    """Return the text of each page by its file name, such as hosttune-check.1."""
    return {f"{verb.page}.1": _page(verb, group, top, version) for verb, group in _all(top, top)}


def _all(verb: Verb, group: Verb) -> Iterator[tuple[Verb, Verb]]:
    """Yield each verb and the group that it is of."""
    yield verb, group
    for each in verb.verbs:
        yield from _all(each, verb)


def _page(verb: Verb, group: Verb, top: Verb, version: str) -> str:
    paragraphs, exits = _described(verb.help)
    first = paragraphs[0].rstrip(".")
    name = roff.escaped(verb.page)
    lines = [rf".\" {MARK}", f'.TH {name.upper()} 1 "" "hosttune {roff.escaped(version)}" "hosttune"']
    lines += [".SH NAME", rf"{name} \- {roff.escaped(first[:1].lower() + first[1:])}"]
    lines += [".SH SYNOPSIS", _synopsis(verb), ".SH DESCRIPTION", "\n.PP\n".join(map(roff.prose, paragraphs))]
    if verb.verbs:
        lines += [".SH COMMANDS", *_table((each.name, _described(each.help)[0][0]) for each in verb.verbs)]
    for title, parameters in (("ARGUMENTS", verb.arguments), ("OPTIONS", verb.options)):
        if parameters:
            lines += [f".SH {title}"]
            lines += [line for each in parameters for line in roff.item(_spelled(each), _explained(each))]
    if not verb.verbs:
        lines += [".SH EXIT STATUS", *_exits(exits)]
    if verb is top:
        lines += [".SH ENVIRONMENT", *_table(ENVIRONMENT.items()), ".SH FILES", *_table(FILES.items())]
    near = {each.page for each in (top, group, *group.verbs, *verb.verbs)} - {verb.page}
    lines += [".SH SEE ALSO", ".nh", ",\n".join(rf"{roff.bold(page)}(1)" for page in sorted(near))]
    return "\n".join(lines) + "\n"


def _synopsis(verb: Verb) -> str:
    needed = [f"{roff.bold(each.names[0])} {roff.italic(each.metavar)}" for each in verb.options if each.required]
    words = ["[OPTIONS]" if verb.options else "", *(each.metavar for each in verb.arguments)]
    words += ["COMMAND ..."] if verb.verbs else []
    return " ".join([roff.bold(verb.name), *needed, *(roff.italic(word) for word in words if word)])


def _spelled(each: Parameter) -> str:
    """Return an option with its value, `-o, --output FILE`, or the name of an argument."""
    value = roff.italic(each.metavar) if each.metavar else ""
    return " ".join(part for part in (", ".join(map(roff.bold, each.names)), value) if part)


def _explained(each: Parameter) -> str:
    return " ".join(part for part in (each.help, f"Default: {each.default}." if each.default else "") if part)


def _table(rows: Iterable[tuple[str, str]]) -> list[str]:
    return [line for head, text in rows for line in roff.item(roff.bold(head), text)]


def _described(help: str) -> tuple[list[str], str]:
    """Return the paragraphs of a verb's help, and what it says of exit codes behind "Exit:"."""
    text, _, exits = help.partition("Exit: ")
    paragraphs = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]
    return [part for part in paragraphs if part], " ".join(exits.split())


def _exits(text: str) -> list[str]:
    """Return the exit codes as items: `0 all hold, 1 a finding, ...`; what is not of that shape as it stands."""
    codes: list[tuple[str, str]] = []
    for part in re.split(r"[,;] (?=\d+ )", text.rstrip(".")):
        code, _, means = part.partition(" ")
        if code.isdecimal() and int(code) > int(codes[-1][0] if codes else "-1"):
            codes.append((code, means))
        elif codes:
            codes[-1] = (codes[-1][0], f"{codes[-1][1]}, {part}")
    if text and not codes:
        return [roff.prose(f"{text[:1].upper()}{text[1:]}"), *_table([_ALWAYS])]
    return _table([(code, f"{means[:1].upper()}{means[1:]}.") for code, means in codes] or _PLAIN) + _table([_ALWAYS])
