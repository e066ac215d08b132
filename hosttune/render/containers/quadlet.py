"""Lines of a .container file of podman, as a drop-in beside it (podman-systemd.unit(5))."""

from __future__ import annotations

from hosttune.errors import UsageError
from hosttune.model import Shortfall
from hosttune.render.containers import limits, podman, string

COMMENT = "#"


def lines(lacks: Shortfall, name: str = "") -> list[str]:
    """Return the drop-in; a whole assignment is quoted, for blanks part those of one line.

    Raises UsageError for what podman 5.4 would drop without a word.
    """
    for key, value in lacks.sysctls:
        if '"' in value or "\\" in value:
            raise UsageError(f"--emit quadlet: podman reads no quote or backslash in {key}; use --emit podman")
    made = [f"Sysctl={_word(f'{key}={value}').replace('%', '%%')}" for key, value in lacks.sysctls]
    made += [f"Ulimit=nofile={limits(lacks)}"] if lacks.nofile else []
    return ["[Container]", *made] if made else []


def _word(text: str) -> str:
    """Return a word for podman's unit files, which becomes an option of podman run."""
    if podman.parted(text):
        if "'" in text:
            raise UsageError(f"--emit quadlet: podman reads no commas and quotes together in {text}; use --emit podman")
        return f"'{podman.one_value(text)}'"
    return string(text)


def head(lacks: Shortfall, name: str) -> list[str]:
    """Return where it goes."""
    return [
        f"{name}.container.d/50-hosttune.conf beside {name}.container (podman 5.0 and later), or lines of that file;",
        f"then: systemctl daemon-reload && systemctl restart {name}.service (--user where it is a user's)",
    ]
