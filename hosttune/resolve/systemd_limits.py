"""What systemd's files make of the descriptor limit of a service (systemd.exec(5), systemd-system.conf(5)).

Read for systemd 247 to 257: src/core/main.c, src/shared/conf-parser.c, src/basic/rlimit-util.c, src/shared/dropin.c.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Origin, Reason, Unknown
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.sysctl_value import kernel_value

Limit = int | Unknown

NR_OPEN = 1048576
"""The kernel's default of fs.nr_open (fs/file.c, sysctl_nr_open); systemd may raise it to 1073741816."""

_INFINITY = 2**64 - 1
_SOFT, _HARD = 1024, 524288  # src/basic/rlimit-util.h, src/basic/missing_resource.h: HIGH_RLIMIT_NOFILE
_PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
_UNIT_PLACES = (
    "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
    "/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system",
    "/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
)  # fmt: skip
# systemd.unit(5), "Unit file load path", highest first


_BROKEN = "["  # no section can have this name


@dataclass(frozen=True, slots=True)
class UnitLimits:
    """Soft and hard limit in descriptors that a start of the unit would give.

    `origin` is None where the built-in default holds. `exists` is False without a fragment, or with a masked one.
    `pam_name` is PAMName=; where it is set the PAM session's limits are applied after these.
    """

    soft: Limit
    hard: Limit
    origin: Origin | None
    beaten: tuple[Origin, ...]
    notes: tuple[str, ...]
    exists: bool
    pam_name: str


def nr_open(host: Host) -> Limit:
    """Return fs.nr_open, the most that a hard limit can be, as the host has it now."""
    try:
        text = host.read("/proc/sys/fs/nr_open").strip()
    except HostError as error:
        return Unknown(error.reason, "fs.nr_open")
    return int(text) if re.fullmatch("[0-9]{1,20}", text) else Unknown(Reason.MALFORMED, "fs.nr_open")


def nr_open_at_boot(host: Host) -> Limit:
    """Return fs.nr_open as the files set it, before any service starts; as it is now where none does."""
    set_ = resolve_systemd(host, ("fs.nr_open",)).values.get("fs.nr_open")
    value = kernel_value(set_.text, 1) if set_ else None
    return value if isinstance(value, int) else nr_open(host)


def manager_default(host: Host, most: Limit | None = None) -> tuple[Limit, Limit]:
    """Return the soft and hard limit of a service that sets none; `most` as for `resolve_unit`."""
    soft, hard, _, _ = _manager(host, nr_open(host) if most is None else most)
    return soft, hard


def resolve_unit(host: Host, unit: str, most: Limit | None = None) -> UnitLimits:
    """Return what the files say about a service; `unit` may be an instance, and an alias of another unit.

    `most` is the fs.nr_open that holds when the service starts; by default the one that holds now.
    """
    most = nr_open(host) if most is None else most
    if not re.fullmatch(r"[A-Za-z0-9:_.\\@-]{1,255}", unit):
        return UnitLimits(*_manager(host, most)[:3], (), (f"{unit!r} is no unit's name",), False, "")
    notes: list[str] = []
    fragment = _fragment(host, unit, notes)
    names = [unit]
    if fragment and os.path.basename(fragment) not in (unit, _template(unit)):
        names.append(os.path.basename(fragment))
    paths = [fragment] if fragment else []
    paths += _drop_ins(host, names)
    soft, hard, origin, beaten = _manager(host, most)
    losers = [*reversed(beaten), *([origin] if origin else [])]
    pam_name = ""
    for path in paths:
        for section, key, value, line in settings(_read(host, path, notes)):
            here = Origin(path, line, value)
            if section != "Service":
                continue
            if key == "PAMName":
                pam_name = value
            elif key == "LimitNOFILE" and (pair := _pair(value, most)) is not None:
                losers += [origin] if origin and origin not in losers else []
                (soft, hard), origin = pair, here
    if pam_name:
        notes.append(f"PAMName={pam_name}: limits.conf has its say after the unit where that PAM service asks for it")
    if isinstance(most, int) and isinstance(hard, int) and hard > most:
        notes.append(f"fs.nr_open cuts the hard limit of {hard} to {most}")
        soft, hard = min(soft, most) if isinstance(soft, int) else soft, most
    beaten = tuple(o for o in reversed(losers) if o != origin)
    return UnitLimits(soft, hard, origin, beaten, tuple(notes), bool(fragment), pam_name)


def list_units(host: Host) -> tuple[str, ...]:
    """Return the names of the services that have a unit file and are not masked; templates are left out."""
    found: dict[str, str] = {}
    for place in _UNIT_PLACES:
        for path in host.glob(f"{place}/*.service"):
            found.setdefault(os.path.basename(path), path)
    return tuple(sorted(n for n, p in found.items() if "@." not in n and not _masked(host, p)))


def _manager(host: Host, most: Limit) -> tuple[Limit, Limit, Origin | None, tuple[Origin, ...]]:
    """Resolve DefaultLimitNOFILE: the first main file, then every drop-in, which beats it wherever it lies."""
    soft: Limit = _SOFT
    hard: Limit = min(_HARD, most) if isinstance(most, int) else _HARD
    mains = [p for place in _PLACES for p in host.glob(f"{place}/systemd/system.conf")][:1]
    seen: list[Origin] = []
    for path in (*mains, *_by_name(host, [f"{place}/systemd/system.conf.d" for place in _PLACES])):
        broken = False
        for section, key, value, line in settings(_read(host, path, [])):
            broken = section == _BROKEN
            if section == "Manager" and key == "DefaultLimitNOFILE" and (pair := _pair(value, most)) is not None:
                soft, hard = pair
                seen.append(Origin(path, line, value))
        if broken:
            break  # config_parse_many() gives up on all later files too; of a unit each drop-in stands alone
    return soft, hard, seen[-1] if seen else None, tuple(reversed(seen[:-1]))


def _fragment(host: Host, unit: str, notes: list[str]) -> str:
    """Return the path of the unit file, "" where there is none or it is masked."""
    template = _template(unit)
    for name in (unit, template) if template else (unit,):
        for place in _UNIT_PLACES:
            path = f"{place}/{name}"
            if not host.glob(path):
                continue
            if _masked(host, path):
                notes.append(f"{path} masks the unit")
                return ""
            return path
    return ""


def _masked(host: Host, path: str) -> bool:
    """An empty file and a link to /dev/null both mask (systemd.unit(5)); a file that cannot be read does not."""
    try:
        return host.read(path) == ""
    except HostError:
        return False


def _template(unit: str) -> str:
    found = re.fullmatch(r"([^@]+@)(.+)(\.[a-z]+)", unit)
    return found[1] + found[3] if found else ""


def _drop_ins(host: Host, names: list[str]) -> list[str]:
    """Return the drop-ins: one list by file name; for equal names the higher place, then the more specific directory.

    The directory of the type (service.d) comes after all others, wherever it lies.
    """
    chains = [_specific_first(name) for name in names]
    directories = [f"{place}/{d}.d" for chain in chains for place in _UNIT_PLACES for d in chain]
    directories += [f"{place}/{names[0].rpartition('.')[2]}.d" for place in _UNIT_PLACES]
    return _by_name(host, list(dict.fromkeys(directories)))


def _specific_first(name: str) -> list[str]:
    """Return the names whose .d directories count (unit_file_find_dirs): its own, its template's, each dash prefix's.

    An instance counts with and without itself in its prefixes: foo-bar@x.service, foo-bar@.service, foo-.service,
    foo-@x.service, foo-@.service.
    """
    stem, _, kind = name.rpartition(".")
    prefix, _, instance = stem.partition("@")
    own = [name, _template(name)] if _template(name) else [name]
    prefixes = [prefix[: i + 1] for i in range(len(prefix) - 2, 0, -1) if prefix[i] == "-"]
    own += [f"{p}.{kind}" for p in prefixes]
    if instance:
        own += [n for p in prefixes for n in (f"{p}@{instance}.{kind}", f"{p}@.{kind}")]
    return own


def _by_name(host: Host, directories: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for directory in directories:
        for path in host.glob(f"{directory}/*.conf"):
            found.setdefault(os.path.basename(path), path)
    return [found[name] for name in sorted(found, key=os.fsencode)]


def _read(host: Host, path: str, notes: list[str]) -> str:
    try:
        return host.read(path)
    except HostError as error:
        if error.reason is not Reason.ABSENT:
            notes.append(f"{path}: {error}")
        return ""


def settings(text: str) -> Iterator[tuple[str, str, str, int]]:
    """Yield section, key, value and line number, joined over "\\" as src/shared/conf-parser.c does."""
    section = ""
    held, start = "", 0
    lines = re.split("[\n\r\0]", text.replace("\r\n", "\n"))
    for line_number, raw in enumerate(lines, 1):
        line = raw.lstrip(" \t\n\r")
        if line[:1] in ("#", ";"):
            continue  # also between the parts of a continued line
        if not held:
            start = line_number
        joined = held + (line if not held else raw)
        if _continues(joined):
            held = joined[:-1] + " "
            continue
        held = ""
        entry = joined.strip(" \t\n\r")
        if entry[:1] == "[":
            if entry[-1] != "]":
                yield _BROKEN, "", "", start  # which ends the reading of the file
                return
            section = entry[1:-1]
        elif "=" in entry:
            key, _, value = entry.partition("=")
            yield section, key.rstrip(" \t\n\r"), value.strip(" \t\n\r"), start


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _pair(value: str, most: Limit) -> tuple[Limit, Limit] | None:
    """Read N or SOFT:HARD (src/basic/rlimit-util.c, rlimit_parse); None is a line that systemd ignores."""
    soft_text, colon, hard_text = value.partition(":")
    soft = _one(soft_text)
    hard = _one(hard_text) if colon else soft
    if soft is None or hard is None or soft > hard:
        return None
    return (most if soft == _INFINITY else soft), (most if hard == _INFINITY else hard)


def _one(text: str) -> int | None:
    """Read as safe_atou64() with base 0: decimal, 0x, 0b, 0o, octal with a leading 0, a plus, leading blanks.

    The number that stands for infinity is refused (rlimit_parse_u64).
    """
    if text == "infinity":
        return _INFINITY
    digits_of = r"0[xX][0-9a-fA-F]{1,64}|0[bB][01]{1,80}|0[oO][0-7]{1,64}|0[0-7]{0,64}|[1-9][0-9]{0,25}"
    found = re.fullmatch(rf"[ \t\n\r]*\+?({digits_of})", text)
    if not found:
        return None
    digits = found[1]
    base = {"x": 16, "b": 2, "o": 8}.get(digits[1:2].lower(), 8 if digits[0] == "0" else 10)
    number = int(digits, base)
    return number if number < _INFINITY else None
