"""What a start of a service runs, and with which environment, as its files say (systemd.service(5), systemd.exec(5)).

Read for systemd 247 to 257: src/core/load-fragment.c, src/core/exec-invoke.c, src/core/unit-printf.c.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hosttune.errors import HostError
from hosttune.host import Host, text
from hosttune.model import Origin, Reason
from hosttune.resolve import environment_file, os_release, systemd_units
from hosttune.resolve.bounds import LARGEST, within
from hosttune.resolve.systemd_limits import settings
from hosttune.resolve.systemd_words import assignment, of_name, specified, substituted, words

_PREFIXES = "@-:+!|"  # systemd.service(5), "Special executable prefixes"
_LISTS = ("ExecStart", "Environment", "EnvironmentFile", "UnsetEnvironment")
_SINGLE = ("WorkingDirectory", "RootDirectory", "User")
_OF_SYSTEM = {"RuntimeDirectory": "/run", "StateDirectory": "/var/lib", "CacheDirectory": "/var/cache"} | {
    "LogsDirectory": "/var/log",
    "ConfigurationDirectory": "/etc",
}
Lines = Mapping[str, list[Origin]]


@dataclass(frozen=True, slots=True)
class Command:
    """A command line: `argv` begins with the program's path, `where` is its ExecStart= line."""

    argv: tuple[str, ...]
    where: Origin


@dataclass(frozen=True, slots=True)
class Started:
    """What a start runs: `commands` in order, none where the unit has no file or is masked.

    `environment` is what its files set. `directory` is the one that relative paths are meant from, `root` the directory
    that is "/" for the program. `user` is who it starts as, "" where its unit does not say: such a program
    may become another. `notes` say what could not be read.
    """

    commands: tuple[Command, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = "/"
    root: str = ""
    user: str = ""
    notes: tuple[str, ...] = ()


def of_unit(host: Host, unit: str, now: bool = False) -> Started:
    """Return what a service starts; `now` takes what lies in /run too. Raises RefusedError for too large a unit.

    Variables that only PassEnvironment= brings, or the manager was given by somebody, are not known.
    """
    resolved = systemd_units.find(host, unit, now)
    if not resolved.fragment:
        return Started()
    notes: list[str] = []
    lines = _lines(host, [resolved.fragment, *systemd_units.drop_ins(host, resolved, now)], resolved.id, notes)
    values = {**_of_system(host), **of_name(resolved.id), "y": resolved.fragment}
    values["Y"] = posixpath.dirname(resolved.fragment)
    environment = _environment(host, lines, values, notes)
    commands = [command for line in lines.get("ExecStart", ()) for command in _commands(line, values, environment)]
    single = {key: specified(line.text, values) for key in _SINGLE for line in lines.get(key, ())[-1:]}
    directory = single.get("WorkingDirectory", "").removeprefix("-")
    home = {"~": values["h"], "": "/"}
    place = (home.get(directory, directory), single.get("RootDirectory", ""))
    return Started(tuple(commands), environment, *place, single.get("User", ""), tuple(notes))


def _lines(host: Host, paths: list[str], unit: str, notes: list[str]) -> Lines:
    """Return the lines that count by their key: an empty one takes those before it back."""
    lines: dict[str, list[Origin]] = {}
    for path, content in within(((path, systemd_units.read(host, path, notes)) for path in paths), f"the unit {unit}"):
        for section, key, value, number in settings(content):
            if section != "Service" or key not in (*_LISTS, *_SINGLE, *_OF_SYSTEM):
                continue
            kept = lines.setdefault(key, [])
            if value:
                kept.append(Origin(path, number, value))
            else:
                kept.clear()
    return lines


def _of_system(host: Host) -> dict[str, str]:
    """Return the specifiers that the files of the system decide; those that nobody asks for in a unit are left out."""
    name = text(host, "/proc/sys/kernel/hostname") or text(host, "/etc/hostname")
    release = os_release.read(host)
    known = {
        "H": name,
        "l": name.partition(".")[0],
        "m": text(host, "/etc/machine-id"),
        "o": release.get("ID", ""),
        "w": release.get("VERSION_ID", ""),
    }
    return {letter: value for letter, value in known.items() if value}


def _commands(line: Origin, values: Mapping[str, str], environment: Mapping[str, str]) -> Iterable[Command]:
    """Yield the commands of a line, which `;` parts; one that cannot be taken apart is passed over, as systemd does."""
    try:
        every = [*words(line.text)]
    except ValueError:
        return
    while every:
        end = every.index(";") if ";" in every else len(every)
        (program, *arguments), every = every[:end] or [""], every[end + 1 :]
        path = program.lstrip(_PREFIXES)
        prefixes = program[: len(program) - len(path)]
        if "@" in prefixes:  # the word behind it is what the program is told to be called
            arguments = arguments[1:]
        arguments = [";" if word == "\\;" else specified(word, values) for word in arguments]
        if ":" not in prefixes:
            arguments = [*substituted(arguments, environment)]
        if path:
            yield Command((specified(path, values), *arguments), line)


def _environment(host: Host, lines: Lines, values: Mapping[str, str], notes: list[str]) -> dict[str, str]:
    """Return what is set: a file wins over Environment= (exec-invoke.c), and of two the one behind."""
    environment = {
        f"{key.removesuffix('Directory').upper()}_DIRECTORY": ":".join(f"{top}/{name}" for name in names)
        for key, top in _OF_SYSTEM.items()
        if (names := [specified(word, values).partition(":")[0] for word in _each(lines.get(key, ()))])
    }
    for word in _each(lines.get("Environment", ())):
        if pair := assignment(specified(word, values)):
            environment.update([pair])
    for line in lines.get("EnvironmentFile", ()):
        _from_file(host, line, specified(line.text, values), environment, notes)
    for word in _each(lines.get("UnsetEnvironment", ())):
        name, equals, value = specified(word, values).partition("=")
        if not equals or environment.get(name) == value:
            environment.pop(name, None)
    return environment


def _each(lines: Iterable[Origin]) -> Iterable[str]:
    """Yield the words of lines; of one that cannot be taken apart those before."""
    for line in lines:
        try:
            yield from words(line.text, exact=True)
        except ValueError:
            continue


def _from_file(host: Host, line: Origin, path: str, environment: dict[str, str], notes: list[str]) -> None:
    """Take what a file sets, or each that a pattern names."""
    pattern = path.removeprefix("-")
    size = 0
    for found in host.glob(pattern) or [pattern]:
        try:
            content = host.read(found)
        except HostError as error:
            if pattern == path or error.reason is not Reason.ABSENT:
                notes.append(f"{line}: EnvironmentFile={path}: {error}")
            continue
        size += len(content)
        if size > LARGEST:
            notes.append(f"{line}: {found}: more than {LARGEST >> 10} KiB of variables; passed over")
            return
        environment.update(environment_file.assignments(content))
