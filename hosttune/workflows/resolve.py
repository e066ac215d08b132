"""Say what configuration files make of every key and every login or unit, and which line decides."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from hosttune.errors import HostError, UsageError
from hosttune.facts.kinds import nofile, sysctl
from hosttune.host import Host, is_image
from hosttune.host import text as text_of
from hosttune.host.live import LiveHost
from hosttune.model import (
    FileValue,
    KeyResolution,
    NofileResolution,
    Origin,
    PatternResolution,
    Reason,
    Resolution,
    Unknown,
    Value,
)
from hosttune.options import Place
from hosttune.profile import load
from hosttune.resolve import sysctl_files
from hosttune.resolve.pam_limits import resolve_login
from hosttune.resolve.sysctl_value import display, kernel_value, known_count, normalise, shape_of, valid_key
from hosttune.resolve.systemd_limits import nr_open_at_boot, resolve_unit
from hosttune.workflows import opening


def resolve(keys: Sequence[str], users: Sequence[str], units: Sequence[str], place: Place) -> Resolution:
    """Return the resolution of the named keys, logins and units; of all keys and of root where none is named.

    Raises UsageError.
    """
    wrong = next((key for key in keys if not valid_key(key)), None)
    if wrong is not None:
        raise UsageError(f"{wrong!r}: not a sysctl key; write it like net.core.somaxconn")
    with opening.standpoint(place) as point, opening.remembering(point.host):
        return point.look(lambda host, _: of_host(host, [display(normalise(key)) for key in keys], users, units))


def of_host(host: Host, keys: Sequence[str] = (), users: Sequence[str] = (), units: Sequence[str] = ()) -> Resolution:
    """Return the same of a host; no `keys` at all mean every key that a file sets."""
    every = not (keys or users or units)
    image = every and is_image(host)
    files = sysctl.files(host, _known() if image else tuple(keys))
    named = keys or (sorted({*files.boot.values, *files.reload.values}) if every else [])
    logins = users or (["root"] if every and text_of(host, "/etc/passwd") else [])
    if isinstance(host, LiveHost):
        _refuse_unknown(host, keys, files)
    passing = (text for key, text in _until_boot(files) if every or key in named)
    return Resolution(
        boot_loader=files.boot.loader,
        reload_loader=files.reload.loader,
        sysctl={key: _key(host, key, files) for key in named},
        login={user: _login(host, user) for user in logins},
        unit={unit: _unit(host, unit) for unit in units},
        warnings=(*dict.fromkeys([*files.boot.warnings, *files.reload.warnings]), *passing),
        patterns=_patterns(files.boot) if image else {},
    )


def _known() -> tuple[str, ...]:
    """Return the sysctls that profiles describe or ask for, which patterns in an image are held against."""
    profiles = [load.load(name, directories=opening.LOCAL) for name in load.names(opening.LOCAL)]
    subjects = {subject for profile in profiles for subject in (*profile.about, *(row.subject for row in profile.rows))}
    of_profiles = {subject.removeprefix("sysctl:") for subject in subjects if subject.startswith("sysctl:")}
    return tuple(sorted(of_profiles.union(sysctl.KEYS)))


def _refuse_unknown(host: Host, keys: Sequence[str], files: sysctl.Files) -> None:
    """Raise UsageError for a key that this kernel has not, no file sets, and no profile knows: it is misspelled."""
    for key in keys:
        if is_image(host) or key in files.boot.values or key in files.reload.values:
            continue
        runtime = _runtime(host, key)[1]
        if not isinstance(runtime, Unknown) or runtime.reason is not Reason.ABSENT:
            continue
        known = _known()
        if key not in known:
            near = [name for name in known if name.rpartition(".")[2] == key]
            near = near or difflib.get_close_matches(key, known, 1, 0.8)
            hint = f"did you mean {' or '.join(near)}?" if near else "`sysctl -a -N` lists those there are"
            raise UsageError(f"{key}: no such key on this host; {hint}")


def _patterns(boot: sysctl_files.Resolution) -> dict[str, PatternResolution]:
    """Return the patterns that set something, with the keys that get it."""
    lines: dict[str, list[Origin]] = {}
    for line in boot.assignments:
        if line.glob and line.text is not None:
            lines.setdefault(display(line.key), []).append(line.origin)
    given: dict[Origin, list[str]] = {}
    for key, known in boot.values.items():
        given.setdefault(known.origin, []).append(key)
    return {
        pattern: PatternResolution(
            origins[-1], tuple(reversed(origins[:-1])), tuple(sorted(given.get(origins[-1], ())))
        )
        for pattern, origins in lines.items()
    }


def _until_boot(files: sysctl.Files) -> Iterator[tuple[str, str]]:
    """Yield what is set from /run, by key."""
    for key, known in files.now.values.items() if files.now else ():
        if known.origin.path.startswith("/run/"):
            yield key, f"{known.origin} sets {key} to {known.text} until the next boot: /run is empty then"


def _key(host: Host, key: str, files: sysctl.Files) -> KeyResolution:
    text, runtime, count = _runtime(host, key)
    boot, reload = (_of_files(loaded, key, count) for loaded in (files.boot, files.reload))
    texts = [side.origin.text if side else None for side in (boot, reload)]
    # only a value that can be read now, and that the kernel takes of the file, is another
    comparable = boot is not None and not isinstance(runtime, Unknown) and not isinstance(boot.value, Unknown)
    differs = comparable and boot is not None and boot.value != runtime
    return KeyResolution(runtime, text, boot, reload, texts[0] == texts[1], differs)


def _runtime(host: Host, key: str) -> tuple[str, Value | Unknown, int | None]:
    """Return what /proc/sys says, its value, and how many numbers that is."""
    if is_image(host):
        return "", Unknown(Reason.ABSENT, "an image has no kernel"), None
    try:
        text = host.read(f"/proc/sys/{normalise(key)}")
    except HostError as error:
        return "", Unknown(error.reason, error.detail), None
    count = shape_of(text, key)
    return text.rstrip("\n"), kernel_value(text, count), count


def _of_files(resolution: sysctl_files.Resolution, key: str, count: int | None) -> FileValue | None:
    known = resolution.values.get(key)
    if known is None:
        return None
    of_key = known_count(key)
    value = kernel_value(known.text, count if of_key is None else of_key, key)
    return FileValue(value, known.origin, known.beaten)


def _login(host: Host, user: str) -> NofileResolution:
    try:
        limits = resolve_login(host, user)
    except HostError as error:
        raise UsageError(f"--user {user}: {error}; name a user of /etc/passwd") from error
    return NofileResolution(limits.soft, limits.hard, limits.lines, limits.beaten, limits.notes, limits.refused)


def _unit(host: Host, unit: str) -> NofileResolution:
    limits = resolve_unit(host, unit, nr_open_at_boot(host))
    # in a recording, what was not asked for is not there; that says nothing of the host
    if not limits.exists and isinstance(host, LiveHost):
        why = next((note for note in limits.notes if note.endswith(("masks the unit", "is no unit's name"))), "")
        hint = "`systemctl list-unit-files` shows those there are"
        raise UsageError(f"--unit {unit}: {why or 'no such unit here'}; {hint}")
    return NofileResolution(
        limits.soft,
        limits.hard,
        (limits.origin,) if limits.origin else (),
        limits.beaten,
        (*limits.notes, *nofile.until_boot(host, unit)),
        exists=limits.exists,
    )
