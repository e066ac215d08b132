"""What configuration files make of sysctls and of descriptor limits, and which line decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hosttune.model.findings import Origin, Unknown, Value


@dataclass(frozen=True, slots=True)
class FileValue:
    """What the files make of a key: the line that wins, and the value that the kernel makes of its text.

    `value` is Unknown where the kernel would not take the text. `overrides` are the lines that lose, the last first.
    """

    value: Value | Unknown
    origin: Origin
    overrides: tuple[Origin, ...] = ()


@dataclass(frozen=True, slots=True)
class KeyResolution:
    """One sysctl: as it is now, as systemd-sysctl makes it at boot, and as `sysctl --system` would make it.

    `text` is what /proc/sys says, "" where that cannot be read; `boot` and `reload` are None where no file sets it.
    `agree`: both make the same of it. `differs`: it is now another than a file makes it at boot.
    """

    runtime: Value | Unknown
    text: str
    boot: FileValue | None
    reload: FileValue | None
    agree: bool
    differs: bool


@dataclass(frozen=True, slots=True)
class NofileResolution:
    """The descriptor limits of a login or a unit: `lines` decide, `overrides` lose, the last first.

    The limits are None where the session is `refused`. `exists`: there is such a unit.
    """

    soft: int | Unknown | None
    hard: int | Unknown | None
    lines: tuple[Origin, ...] = ()
    overrides: tuple[Origin, ...] = ()
    notes: tuple[str, ...] = ()
    refused: bool = False
    exists: bool = True


@dataclass(frozen=True, slots=True)
class PatternResolution:
    """A key with `*` that files set: the line that wins, and those that lose, the last first.

    `keys` are those that get its value at boot, of the ones that hosttune knows by name: an image has no list of all.
    """

    origin: Origin
    overrides: tuple[Origin, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolution:
    """All of one answer; `boot_loader` and `reload_loader` name the rules that were applied.

    `sysctl` is by key, `login` by user, `unit` by the unit's name; `patterns` are by themselves, of an image alone.
    """

    boot_loader: str
    reload_loader: str
    sysctl: Mapping[str, KeyResolution] = field(default_factory=dict)
    login: Mapping[str, NofileResolution] = field(default_factory=dict)
    unit: Mapping[str, NofileResolution] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    patterns: Mapping[str, PatternResolution] = field(default_factory=dict)
