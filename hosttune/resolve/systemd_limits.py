"""What systemd's files make of the descriptor limit of a service (systemd.exec(5), systemd-system.conf(5)).

Read for systemd 247 to 257: src/core/main.c, src/shared/conf-parser.c, src/basic/rlimit-util.c, src/shared/dropin.c.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from hosttune import kernel
from hosttune.errors import HostError
from hosttune.host import Host
from hosttune.model import Origin, Reason, Unknown
from hosttune.resolve import os_release, systemd_units
from hosttune.resolve.bounds import MOST_FILES, within
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.sysctl_value import kernel_value

Limit = int | Unknown

BUMPED = 1073741816
"""What a systemd that raises fs.nr_open sets at its start (src/core/main.c, bump_file_max_and_nr_open())."""
MOST = 2147483584
"""What a later one sets: the most that the kernel takes (fs/file.c, sysctl_nr_open_max); measured with systemd 262."""
_LAST_BUMPED, _FIRST_MOST = 257, 262  # releases of systemd that were measured

_INFINITY = 2**64 - 1
_SOFT, _HARD = 1024, 524288  # src/basic/rlimit-util.h, src/basic/missing_resource.h: HIGH_RLIMIT_NOFILE
_PLACES = ("/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib")
_KEYS = ("LimitNOFILE", "DefaultLimitNOFILE", "PAMName")
_BROKEN = "["  # no section can have this name


@dataclass(frozen=True, slots=True)
class UnitLimits:
    """Soft and hard limit in descriptors that a start of the unit would give.

    `origin` is None where the built-in default holds. `exists` is False without a fragment, or with a masked one.
    `pam_name` is PAMName=; where it is set the PAM session's limits are applied after these. `id` is the name that
    systemd uses, where the unit was asked for by another one.
    """

    soft: Limit
    hard: Limit
    origin: Origin | None
    beaten: tuple[Origin, ...]
    notes: tuple[str, ...]
    exists: bool
    pam_name: str
    id: str


def nr_open(host: Host) -> Limit:
    """Return fs.nr_open, the most that a hard limit can be, as the host has it now."""
    try:
        text = host.read("/proc/sys/fs/nr_open").strip()
    except HostError as error:
        return Unknown(error.reason, "fs.nr_open")
    return int(text) if re.fullmatch("[0-9]{1,20}", text) else Unknown(Reason.MALFORMED, "fs.nr_open")


def nr_open_at_boot(host: Host) -> Limit:
    """Return fs.nr_open as the files set it, before any service starts; its default where none does.

    Where it is unknown whether systemd raises it, the kernel's own default: there is no less.
    """
    set_ = resolve_systemd(host, ("fs.nr_open",)).values.get("fs.nr_open")
    value = kernel_value(set_.text, 1) if set_ else None
    if isinstance(value, int):
        return value
    default = nr_open_default(host)
    return kernel.NR_OPEN if isinstance(default, Unknown) and isinstance(nr_open(host), int) else default


def nr_open_default(host: Host) -> Limit:
    """Return fs.nr_open after a boot where no file sets it: the kernel's default, or what systemd raises it to."""
    has = nr_open(host)
    release = os_release.read(host)
    systemd = systemd_release(host)
    raises = raises_nr_open(release.get("ID", ""), release.get("VERSION_ID", ""), systemd)
    if has in (BUMPED, MOST):
        return has  # numbers that are systemd's alone
    if has == kernel.NR_OPEN and (raises is None or not _systemd_runs(host)):
        return kernel.NR_OPEN
    if raises is None or not (isinstance(has, Unknown) or _systemd_runs(host)):
        return Unknown(Reason.UNDECIDED, f"whether this system's systemd raises fs.nr_open above {kernel.NR_OPEN:,}")
    if not raises:
        return kernel.NR_OPEN
    if systemd is not None and _LAST_BUMPED < systemd < _FIRST_MOST:
        return Unknown(Reason.UNDECIDED, f"whether systemd {systemd} raises fs.nr_open to {BUMPED:,} or {MOST:,}")
    return MOST if systemd is not None and systemd >= _FIRST_MOST else BUMPED


def systemd_release(host: Host) -> int | None:
    """Return the release of the systemd that is installed, by the name of its library; None where none is seen."""
    places = ("/usr/lib/systemd", "/lib/systemd", "/usr/lib/*/systemd")
    libraries = [path for place in places for path in host.glob(f"{place}/libsystemd-shared-*")]
    releases = [int(match[1]) for path in libraries if (match := re.search(r"-shared-([0-9]{1,4})[^/]*$", path))]
    return max(releases, default=None)


def raises_nr_open(distribution: str, version: str, systemd: int | None = None) -> bool | None:
    """Say whether a distribution's systemd is built to raise fs.nr_open (bump-proc-sys-fs-nr-open); None: not known.

    Debian's testing and unstable have no version: there the release of systemd tells, which Debian 13 began with.
    """
    if distribution == "debian" and not version and systemd is not None and systemd >= _LAST_BUMPED:
        return True
    if distribution == "debian" and re.fullmatch("[0-9]{1,4}", version):
        return int(version) >= 13
    return True if distribution in ("fedora", "arch") else None


def _systemd_runs(host: Host) -> bool:
    try:
        return host.read("/proc/1/comm").strip() == "systemd"
    except HostError:
        return False


def manager_default(host: Host, most: Limit | None = None, now: bool = False) -> tuple[Limit, Limit]:
    """Return the soft and hard limit of a service that sets none; `most` and `now` as for `resolve_unit`."""
    soft, hard, _, _ = _manager(host, nr_open(host) if most is None else most, now)
    return soft, hard


def resolve_unit(host: Host, unit: str, most: Limit | None = None, now: bool = False) -> UnitLimits:
    """Return what the files say about a service; `unit` may be an instance, and an alias of another unit.

    `most` is the fs.nr_open that holds when the service starts; by default the one that holds now. `now` takes what
    lies in /run too: a start before the next boot.
    """
    most = nr_open(host) if most is None else most
    if not re.fullmatch(r"[A-Za-z0-9:_.\\@-]{1,255}", unit):
        return UnitLimits(*_manager(host, most, now)[:3], (), (f"{unit!r} is no unit's name",), False, "", unit)
    resolved = systemd_units.find(host, unit, now)
    notes = _names(resolved, unit)
    soft, hard, origin, beaten = _manager(host, most, now)
    lines = list(_service_lines(host, resolved, notes, now))
    set_ = [(pair, line) for key, line in lines if key == "LimitNOFILE" and (pair := _pair(line.text, most))]
    losers = dict.fromkeys([*reversed(beaten), *([origin] if origin else []), *(line for _, line in set_)])
    if set_:
        (soft, hard), origin = set_[-1]
    pam_name = next((line.text for key, line in reversed(lines) if key == "PAMName"), "")
    if pam_name:
        notes.append(f"PAMName={pam_name}: limits.conf applies after the unit where that PAM service uses it")
    soft, hard = _cut(soft, hard, most, notes)
    beaten = tuple(o for o in reversed(losers) if o != origin)
    return UnitLimits(soft, hard, origin, beaten, tuple(notes), bool(resolved.fragment), pam_name, resolved.id)


def _names(unit: systemd_units.Unit, name: str) -> list[str]:
    """Return notes on the unit that a name led to."""
    notes = [f"{unit.masked_by} masks the unit"] if unit.masked_by else []
    return notes if unit.id == name else [*notes, f"{name} is another name of {unit.id}"]


def _cut(soft: Limit, hard: Limit, most: Limit, notes: list[str]) -> tuple[Limit, Limit]:
    """Return the limits as fs.nr_open leaves them."""
    if not (isinstance(most, int) and isinstance(hard, int) and hard > most):
        return soft, hard
    notes.append(f"fs.nr_open cuts the hard limit of {hard} to {most}")
    return min(soft, most) if isinstance(soft, int) else soft, most


def _service_lines(host: Host, unit: systemd_units.Unit, notes: list[str], now: bool) -> Iterator[tuple[str, Origin]]:
    """Yield key and line of each setting of the service that decides, in the order in which they are read."""
    paths = [*([unit.fragment] if unit.fragment else []), *systemd_units.drop_ins(host, unit, now)]
    for path, text in within(((path, systemd_units.read(host, path, notes)) for path in paths), f"the unit {unit.id}"):
        for section, key, value, line in _deciding(text):
            if section == "Service":
                yield key, Origin(path, line, value)


def _manager(host: Host, most: Limit, now: bool) -> tuple[Limit, Limit, Origin | None, tuple[Origin, ...]]:
    """Resolve DefaultLimitNOFILE: the first main file, then every drop-in, which overrides it wherever it lies."""
    soft: Limit = _SOFT
    hard: Limit = min(_HARD, most) if isinstance(most, int) else _HARD
    seen: list[Origin] = []
    for path, text in within(
        ((path, systemd_units.read(host, path, [])) for path in _manager_files(host, now)), "system.conf.d"
    ):
        broken = False
        for section, key, value, line in _deciding(text):
            broken = section == _BROKEN
            if section == "Manager" and key == "DefaultLimitNOFILE" and (pair := _pair(value, most)) is not None:
                soft, hard = pair
                seen.append(Origin(path, line, value))
        if broken:
            break  # config_parse_many() gives up on all later files too; of a unit each drop-in stands alone
    return soft, hard, seen[-1] if seen else None, tuple(reversed(seen[:-1]))


def _manager_files(host: Host, now: bool) -> list[str]:
    places = [place for place in _PLACES if now or place != "/run"]  # /run is empty after a boot
    mains = [path for place in places for path in host.glob(f"{place}/systemd/system.conf")][:1]
    return [*mains, *systemd_units.by_name(host, [f"{place}/systemd/system.conf.d" for place in places])]


@lru_cache(maxsize=MOST_FILES)
def _deciding(text: str) -> tuple[tuple[str, str, str, int], ...]:
    """Return the settings that decide on descriptors, and the end of a file that is broken."""
    return tuple(setting for setting in settings(text) if setting[0] == _BROKEN or setting[1] in _KEYS)


def settings(text: str) -> Iterator[tuple[str, str, str, int]]:
    """Yield section, key, value and line number, joined over "\\" as src/shared/conf-parser.c does."""
    section = ""
    held: list[str] = []
    start = 0
    lines = re.split("[\n\r\0]", text.replace("\r\n", "\n"))
    for line_number, raw in enumerate(lines, 1):
        line = raw.lstrip(" \t\n\r")
        if line[:1] in ("#", ";"):
            continue  # also between the parts of a continued line
        if not held:
            start = line_number
        part = raw if held else line
        # what was held ends in a blank, so that the backslashes at the end are the part's own
        if _continues(part):
            held.append(part[:-1] + " ")
            continue
        entry = "".join([*held, part]).strip(" \t\n\r")
        held.clear()
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
    soft = _number(soft_text)
    hard = _number(hard_text) if colon else soft
    if soft is None or hard is None or soft > hard:
        return None
    return (most if soft == _INFINITY else soft), (most if hard == _INFINITY else hard)


def _number(text: str) -> int | None:
    """Read as safe_atou64() with base 0: decimal, 0x, 0b, 0o, octal with a leading 0, a plus, leading blanks.

    The number that stands for infinity is refused (rlimit_parse_u64).
    """
    if text == "infinity":
        return _INFINITY
    digits_of = r"0[xX][0-9a-fA-F]{1,64}|0[bB][01]{1,80}|0[oO][0-7]{1,64}|0[0-7]{0,64}|[1-9][0-9]{0,25}"
    match = re.fullmatch(rf"[ \t\n\r]*\+?({digits_of})", text)
    if not match:
        return None
    digits = match[1]
    base = {"x": 16, "b": 2, "o": 8}.get(digits[1:2].lower(), 8 if digits[0] == "0" else 10)
    number = int(digits, base)
    return number if number < _INFINITY else None
