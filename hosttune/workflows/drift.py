"""What the next boot makes of every key that a file sets, and of every unit that a file gives descriptors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hosttune.errors import UsageError
from hosttune.facts.kinds import nofile
from hosttune.host.recorded import Recorded
from hosttune.model import Contrast, KeyResolution, Report, Unknown
from hosttune.resolve.sysctl_value import normalise
from hosttune.resolve.systemd_units import list_units
from hosttune.workflows import resolve

Texts = dict[str, str]


def at_boot(host: Recorded, report: Report) -> tuple[Texts, tuple[Contrast, ...]]:
    """Return what keys will read after a boot where that is another value, by path, and what no value can stand for.

    Those are values that the kernel will refuse, and units whose processes run with another limit. Raises UsageError
    where nothing is running: an image has no now.
    """
    known = resolve.of_host(host)
    if not report.machine.kernel:
        raise UsageError("--boot: an image has no values of now; `hosttune resolve --root DIRECTORY` says what it sets")
    texts = {
        f"/proc/sys/{normalise(key)}": row.boot.origin.text
        for key, row in known.sysctl.items()
        if row.boot and row.differs
    }
    return texts, (*_refused(known.sysctl), *_units(host))


def _refused(rows: Mapping[str, KeyResolution]) -> Iterator[Contrast]:
    for key, row in rows.items():
        if row.boot is None or not isinstance(row.boot.value, Unknown) or isinstance(row.runtime, Unknown):
            continue
        origin = row.boot.origin
        right = f"{origin.text}, which the kernel refuses"
        yield Contrast(key, row.text, right, (), True, 1.0, (f"{origin}: {row.boot.value}; the default stays",))


def _units(host: Recorded) -> Iterator[Contrast]:
    """Yield the units that run with another limit than files give them."""
    for unit in list_units(host):
        for reading in nofile.read(host, (f"unit/{unit}",)).values():
            now, boot = reading.runtime, reading.boot
            if isinstance(now, Unknown) or isinstance(boot, Unknown) or now == boot or reading.origin is None:
                continue
            yield Contrast(f"nofile of {unit}", str(now), str(boot), (), True, 1.0, (str(reading.origin),))


def origins(host: Recorded, row: Contrast) -> tuple[str, ...]:
    """Return which line of which file gives a key its value at boot, and which lines lost to it."""
    known = resolve.of_host(host).sysctl.get(row.subject)
    if row.notes or known is None or known.boot is None:
        return row.notes
    lost = "".join(f", over {origin}" for origin in known.boot.overrides)
    return (f"{known.boot.origin} sets it at boot{lost}",)


def same(host: Recorded) -> str:
    """Return how many keys that files set are now what a boot will make them, and how many could not be held up."""
    rows = resolve.of_host(host).sysctl.values()
    known = [row for row in rows if not isinstance(row.runtime, Unknown)]
    alike = sum(not row.differs and row.boot is not None and not isinstance(row.boot.value, Unknown) for row in known)
    unread = len(rows) - len(known)
    more = f"; {unread:,} are not keys of this kernel, or cannot be read" if unread else ""
    return f"{alike:,} of {len(rows):,} keys that files set are what the next boot makes them{more}"
