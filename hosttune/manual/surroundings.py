"""The files that hosttune reads and writes of its own, and the environment variables that it reads."""

from __future__ import annotations

from collections.abc import Mapping

_CHANGING = ("apply", "confirm", "rollback", "sources add", "sources remove")

_FILES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "/etc/hosttune/profiles/*.toml",
        "Your own profiles, hosttune-profile(5). One with the name of a built-in profile replaces it.",
        ("check", "capacity", "diagnose", "apply", "profile list", "profile show", "explain", "plan"),
    ),
    (
        "/var/lib/hosttune",
        "The records of each apply, from which it is undone; only root may read it.",
        (*_CHANGING, "history"),
    ),
    (
        "/etc/sysctl.d/90-hosttune.conf",
        "Sysctls. A later name, such as 99-zz-hosttune.conf, is used where another file would override it.",
        _CHANGING[:3],
    ),
    ("/etc/modules-load.d/90-hosttune.conf", "Modules whose sysctls are set at boot.", _CHANGING[:3]),
    ("/etc/security/limits.d/90-hosttune.conf", "Limits of logins, limits.conf(5).", _CHANGING[:3]),
    (
        "/etc/systemd/system/UNIT.d/90-hosttune.conf",
        "Limits of a service, systemd.exec(5).",
        _CHANGING[:3],
    ),
    (
        "/etc/systemd/network, /etc/netplan",
        "Source addresses for the next boot, in a file of hosttune's own.",
        (*_CHANGING,),
    ),
    (
        "/run/hosttune",
        "The results of a first boot with the user data of `hosttune hook cloud-init`.",
        ("hook cloud-init",),
    ),
    (
        "/var/cache/hosttune",
        "What hosttune.pyz unpacked for root; of a user it is in ~/.cache/hosttune. May be removed.",
        ("hook pyz",),
    ),
)

_ENVIRONMENT: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("COLUMNS", "Width of what is printed, where it is not that of the terminal.", ()),
    ("NO_COLOR", "If not empty, there is no colour, unless --color asks for it.", ()),
    ("FORCE_COLOR", "If not empty and not 0, there is colour in a pipe too; NO_COLOR counts more.", ()),
    ("CLICOLOR_FORCE", "The same as FORCE_COLOR.", ()),
    ("TERM", "If it is dumb, neither colour nor a live screen is used.", ()),
    ("HOSTTUNE_DEBUG", "If not empty, a bug of hosttune shows its traceback.", ()),
    ("SUDO_UID", "Whose files are trusted beside those of root, as sudo(8) sets it.", (*_CHANGING, "check")),
    (
        "HOSTTUNE_HOST",
        "In a container: the directory where the files of the host are mounted, whose network and processes it shares.",
        (*_CHANGING, "check", "capacity", "diagnose", "watch", "history", "resolve", "snapshot", "hook kubernetes"),
    ),
    ("HOSTTUNE_CACHE", "Where hosttune.pyz unpacks: a directory that only you may write.", ("hook pyz",)),
    ("XDG_CACHE_HOME", "Below it hosttune.pyz unpacks for a user.", ("hook pyz",)),
    ("TMPDIR", "Where hosttune.pyz unpacks for one run, where there is no other place.", ("hook pyz",)),
)


def files(verb: str = "") -> Mapping[str, str]:
    """Return the files of a verb by their paths with what each is; all where none is named."""
    return {path: text for path, text, verbs in _FILES if not verb or verb in verbs}


def environment(verb: str = "") -> Mapping[str, str]:
    """Return the variables that a verb goes by, with what each does; all where none is named."""
    return {name: text for name, text, verbs in _ENVIRONMENT if not verb or not verbs or verb in verbs}
