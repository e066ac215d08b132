"""systemd-nspawn: the machines that systemd-machined has registered, and their .nspawn files (systemd.nspawn(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hosttune.facts import oci
from hosttune.facts.containers import Kept
from hosttune.facts.runtime_files import Files, process, word
from hosttune.model import Container, Given, Origin, Reason, Unknown
from hosttune.resolve.systemd_limits import settings

NAME = "systemd-nspawn"
_MACHINES = "/run/systemd/machines"
# of versions and units: 1024:524288 was measured with systemd 252 started by systemd-run
_DEFAULT = "systemd-nspawn's version and unit decide it; LimitNOFILE= in a .nspawn file, or --rlimit=, says it"
_PLACES = ("/etc/systemd/nspawn", "/run/systemd/nspawn", "/var/lib/machines")


def listed(files: Files, id: str) -> Iterator[Kept]:
    """Yield the containers that run, virtual machines left out; the others are images, which nothing has started."""
    for path in files.glob(f"{_MACHINES}/{id or '*'}"):
        name = path.rpartition("/")[2]
        row = _row(files.text(path)) if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}", name) else {}
        if row.get("CLASS") == "container":
            yield Kept(
                runtime=NAME,
                id=name,
                pid=process(row.get("LEADER")),
                container=Container(name=name, image=word(row.get("ROOT", ""))),
                # the scope or the service that machined has for it (src/machine/machine.c, machine_save())
                group=word(row.get("SCOPE", "")) or word(row.get("UNIT", "")),
            )


def _row(content: str) -> dict[str, str]:
    """Return NAME=VALUE lines as systemd writes them: a value with a blank or the like stands in double quotes."""
    rows = (line.partition("=") for line in content.split("\n"))
    return {name: value.removeprefix('"').removesuffix('"') for name, equals, value in rows if equals}


def given(files: Files, kept: Kept) -> Given | Unknown:
    """Return the limits of its .nspawn file; it has no sysctls, which the systemd in it reads from its own files."""
    paths = [path for place in _PLACES for path in files.glob(f"{place}/{kept.id}.nspawn")]
    limits: oci.Descriptors | None = None
    for section, key, value, line in settings(files.text(paths[0])) if paths else ():
        match = re.fullmatch("([0-9]{1,10})(?::([0-9]{1,10}))?", value)
        if (section, key) == ("Exec", "LimitNOFILE") and match:
            limits = (oci.both(int(match[1]), int(match[2] or match[1])), Origin(paths[0], line, value), "")
    return oci.made((), limits or (Unknown(Reason.UNDECIDED, _DEFAULT), None, ""), own_files=True)
