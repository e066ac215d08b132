"""Which files make a unit: its names, its unit file and its drop-ins, in systemd's order (systemd.unit(5)).

Read for systemd 247 to 257: src/shared/unit-file.c, src/shared/dropin.c, src/core/load-fragment.c.
"""

from __future__ import annotations

import os
import posixpath
import re
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from hosttune.errors import HostError, RefusedError
from hosttune.host import Host
from hosttune.model import Reason
from hosttune.resolve.bounds import MOST_DIRECTORIES, MOST_NAMES, MOST_UNITS

_PLACES = (
    "/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
    "/run/systemd/generator.early", "/etc/systemd/system", "/etc/systemd/system.attached", "/run/systemd/system",
    "/run/systemd/system.attached", "/run/systemd/generator", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system", "/run/systemd/generator.late",
)  # fmt: skip
# systemd.unit(5), "Unit file load path", highest first
_HOPS = 15  # FOLLOW_MAX of unit_ids_map_get()
NULL = "/dev/null"


@dataclass(frozen=True, slots=True)
class Unit:
    """The names that systemd joins into one unit: `id`, that of its unit file, comes first in `names`.

    `fragment` is the unit file's path, "" where there is none or where `masked_by` masks it.
    """

    id: str
    names: tuple[str, ...]
    fragment: str
    masked_by: str = ""


def places(now: bool) -> tuple[str, ...]:
    """Return the directories of units; without `now` those whose files are there after a boot.

    /run is empty then; of what lies there only the generators' files are made anew (systemd.generator(7)).
    """
    return tuple(p for p in _PLACES if now or not p.startswith("/run/") or p.startswith("/run/systemd/generator"))


def find(host: Host, unit: str, now: bool = False) -> Unit:
    """Return what systemd makes of a name: an alias leads to the unit that it is a link to, and that to all its names.

    `now` takes what lies in /run too.
    """
    known = _known(host, unit.rpartition(".")[2], now)
    ids = known.ids
    fragment = _follow(ids, unit) or _follow(ids, template_of(unit))
    if not fragment:
        return Unit(unit, (unit,), "")
    base = os.path.basename(fragment)
    instance = _instance_of(unit)
    id_ = _instantiate(base, instance)
    aliases = {unit}
    for name in ids if instance else known.led_to.get(base, ()):
        alias = _instantiate(name, instance)
        # an instance with a file of its own goes its own way, whatever its template is an alias of
        if _instance_of(alias) == instance and os.path.basename(_follow(ids, alias)) == base:
            aliases.add(alias)
            if len(aliases) > MOST_NAMES:
                raise RefusedError(
                    f"{fragment}: more than {MOST_NAMES} names of one unit; remove what is not an alias of it"
                )
    names = (id_, *sorted(aliases - {id_}))
    return Unit(id_, names, "", fragment) if is_masked(host, fragment) else Unit(id_, names, fragment)


def list_units(host: Host) -> tuple[str, ...]:
    """Return the names of the services that have a unit file and are not masked; templates are left out.

    Raises RefusedError where they are more than MOST_UNITS.
    """
    paths: dict[str, str] = {}
    for place in places(now=True):
        for path in host.glob(f"{place}/*.service"):
            paths.setdefault(os.path.basename(path), path)
            if len(paths) > MOST_UNITS:
                raise RefusedError(f"{path}: more than {MOST_UNITS:,} services; move what is not a unit elsewhere")
    return tuple(sorted(n for n, p in paths.items() if "@." not in n and not is_masked(host, p)))


def is_masked(host: Host, path: str) -> bool:
    """An empty file and a link to /dev/null both mask (systemd.unit(5)); a file that cannot be read does not."""
    if host.link(path) == NULL:
        return True  # an image need not have a /dev/null
    try:
        return host.read(path) == ""
    except HostError:
        return False


def template_of(unit: str) -> str:
    """Return foo@.service for foo@x.service, "" for a name that is no instance."""
    match = re.fullmatch(r"([^@]+@)(.+)(\.[a-z]+)", unit)
    return match[1] + match[3] if match else ""


def drop_ins(host: Host, unit: Unit, now: bool = False) -> list[str]:
    """Return the drop-ins: one list by file name; for equal names the higher place, then the more specific directory.

    Those of the unit's id come before those of its aliases; the directory of the type (service.d) comes after all
    others, wherever it lies.
    """
    where = places(now)
    chains = [_specific_first(name) for name in unit.names]
    directories = [f"{place}/{d}.d" for chain in chains for place in where for d in chain]
    if len(directories) > MOST_DIRECTORIES:
        raise RefusedError(
            f"{unit.id}: its drop-ins may lie in more than {MOST_DIRECTORIES:,} directories, one for each `-` of its "
            "names; remove what is not an alias of it"
        )
    directories += [f"{place}/{unit.id.rpartition('.')[2]}.d" for place in where]
    return by_name(host, list(dict.fromkeys(directories)))


def by_name(host: Host, directories: list[str]) -> list[str]:
    """Return the *.conf files of directories by file name; of equal names that of the first directory."""
    paths: dict[str, str] = {}
    for directory in directories:
        for path in host.glob(f"{directory}/*.conf"):
            paths.setdefault(os.path.basename(path), path)
    return [paths[name] for name in sorted(paths, key=os.fsencode)]


@dataclass(frozen=True, slots=True)
class _Known:
    """What each name stands for, and, by the name of a unit file, the names that are no instances and lead to it."""

    ids: dict[str, str]
    led_to: dict[str, list[str]]


_KNOWN: WeakKeyDictionary[object, dict[tuple[str, bool], _Known]] = WeakKeyDictionary()


def _known(host: Host, kind: str, now: bool) -> _Known:
    """Return the names of the units of a kind; once for as long as the host's files do not change."""
    still = getattr(host, "still", None)
    kept = _KNOWN.setdefault(still, {}) if still is not None else {}
    if (kind, now) not in kept:
        ids = _ids(host, kind, now)
        led_to: dict[str, list[str]] = {}
        for name in ids:
            if not _instance_of(name):
                led_to.setdefault(os.path.basename(_follow(ids, name)), []).append(name)
        kept[kind, now] = _Known(ids, led_to)
    return kept[kind, now]


def _ids(host: Host, kind: str, now: bool) -> dict[str, str]:
    """Return what each name stands for, the highest place first: the path of a file, or the name it is an alias of."""
    ids: dict[str, str] = {}
    for place in places(now):
        for path in host.glob(f"{place}/*.{kind}"):
            name = os.path.basename(path)
            if name not in ids and (stands_for := _stands_for(host, path)):
                ids[name] = stands_for
    return ids


def _stands_for(host: Host, path: str) -> str:
    """Return the path of a unit file, or the name that a link is an alias of; "" for a link that counts for nothing.

    A link that leads out of the load path is a unit file of its own name, or a mask (unit_file_resolve_symlink()).
    """
    target = host.link(path)
    if not target:
        return path
    folder, name = posixpath.split(path)
    to_folder, to = posixpath.split(posixpath.normpath(posixpath.join(folder, target)))
    if to_folder not in _PLACES:
        return path
    if to == name:
        return path
    return to if _may_stand_for(name, to) else ""


def _may_stand_for(name: str, to: str) -> bool:
    """Say whether an alias is one that systemd takes (unit_validate_alias_symlink_or_warn())."""
    (stem, _, kind), (to_stem, _, to_kind) = name.rpartition("."), to.rpartition(".")
    (_, at, instance), (_, to_at, to_instance) = stem.partition("@"), to_stem.partition("@")
    return kind == to_kind and at == to_at and (instance == to_instance or (bool(instance) and not to_instance))


def _follow(ids: dict[str, str], name: str) -> str:
    """Return the path of the unit file that a name leads to, "" where it leads to none."""
    for _ in range(_HOPS):
        stands_for = ids.get(name) or ids.get(template_of(name), "")
        if not stands_for or stands_for.startswith("/"):
            return stands_for
        name = stands_for
    return ""


def _instance_of(name: str) -> str:
    return name.rpartition(".")[0].partition("@")[2]


def _instantiate(name: str, instance: str) -> str:
    return name.replace("@.", f"@{instance}.", 1) if instance else name


def _specific_first(name: str) -> list[str]:
    """Return the names whose .d directories count (unit_file_find_dirs): its own, its template's, each dash prefix's.

    An instance counts with and without itself in its prefixes: foo-bar@x.service, foo-bar@.service, foo-.service,
    foo-@x.service, foo-@.service.
    """
    stem, _, kind = name.rpartition(".")
    prefix, _, instance = stem.partition("@")
    own = [name, template_of(name)] if template_of(name) else [name]
    prefixes = [prefix[: i + 1] for i in range(len(prefix) - 2, 0, -1) if prefix[i] == "-"]
    own += [f"{p}.{kind}" for p in prefixes]
    if instance:
        own += [n for p in prefixes for n in (f"{p}@{instance}.{kind}", f"{p}@.{kind}")]
    return own


def read(host: Host, path: str, notes: list[str]) -> str:
    """Return the text of a unit's or a manager's file, "" where there is none; `notes` gets why it cannot be read."""
    try:
        return host.read(path)
    except HostError as error:
        if error.reason is not Reason.ABSENT:
            notes.append(f"{path}: {error}")
        return ""
