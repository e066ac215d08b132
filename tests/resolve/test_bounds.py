"""What is no configuration is refused in one line, and what is read takes time in proportion to its length."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hosttune.errors import RefusedError
from hosttune.host.live import LiveHost
from hosttune.resolve import bounds, os_release, pam_rules, systemd_limits
from hosttune.resolve.pam_limits import resolve_login
from hosttune.resolve.sysctl_procps import resolve_procps
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.systemd_limits import resolve_unit

NEW = (4, 0, 4)
Resolve = Callable[[LiveHost], object]


def host(root: Path, files: dict[str, str]) -> LiveHost:
    for path, text in {"/etc/passwd": "root:x:0:0::/:/bin/sh\n", **files}.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, newline="")
    return LiveHost(str(root))


def sysctls(host: LiveHost) -> object:
    resolve_procps(host, NEW)
    return resolve_systemd(host)


def login(host: LiveHost) -> object:
    return resolve_login(host, "root")


def unit(host: LiveHost) -> object:
    return resolve_unit(host, "a.service")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("resolve", "path", "text", "said"),
    [
        (resolve_systemd, "/etc/sysctl.d/a.conf", "a=1\n" * (1 << 17) + "a", "a.conf: more than 512 KiB of sysctl.d"),
        (sysctls, "/etc/sysctl.conf", "a=1\n" * (1 << 17) + "a", "sysctl.conf: more than 512 KiB of sysctl.d"),
        (login, "/etc/security/limits.d/a.conf", "a -\n" * (1 << 18) + "a", "a.conf: more than 1024 KiB of limits.d"),
        (unit, "/etc/systemd/system/a.service", "a" * (1 << 19) + "a", "a.service: more than 512 KiB of the unit"),
        (unit, "/etc/systemd/system.conf", "a" * (1 << 19) + "a", "system.conf: more than 512 KiB of system.conf.d"),
        (
            resolve_systemd,
            "/etc/sysctl.d/a.conf",
            "".join(f"net.*.{n} = 1\n" for n in range(bounds.MOST_PATTERNS + 1)),
            "a.conf:51: more than 50 keys with `.`",
        ),
    ],
)
def test_what_is_too_much_is_refused_by_name(tmp_path: Path, resolve: Resolve, path: str, text: str, said: str) -> None:
    with pytest.raises(RefusedError, match=said):
        resolve(host(tmp_path, {path: text}))
    # just within it is read
    (tmp_path / path.lstrip("/")).write_text(text[: text.rfind("\n", 0, -1) + 1] or text[:-1])
    resolve(LiveHost(str(tmp_path)))


def test_a_unit_of_many_names_is_refused(tmp_path: Path) -> None:
    seen = host(tmp_path, {"/etc/systemd/system/a.service": "[Service]\n"})
    for number in range(bounds.MOST_NAMES):
        os.symlink("a.service", tmp_path / f"etc/systemd/system/b{number}.service")
    with pytest.raises(RefusedError, match="more than 64 names of one unit"):
        unit(seen)
    os.unlink(tmp_path / "etc/systemd/system/b0.service")
    assert resolve_unit(seen, "b1.service").id == "a.service"
    for number in range(1, 30):
        os.symlink("a.service", tmp_path / f"etc/systemd/system/{'c-' * 20}{number}.service")
        os.unlink(tmp_path / f"etc/systemd/system/b{number}.service")
    with pytest.raises(RefusedError, match="more than 5,000 directories"):
        unit(seen)


def test_many_wrong_lines_are_counted(tmp_path: Path) -> None:
    found = resolve_systemd(host(tmp_path, {"/etc/sysctl.d/a.conf": "x\n" * 2000}))
    assert len(found.warnings) == bounds.MOST_WARNINGS + 1
    assert found.warnings[-1] == "1,000 more lines that are wrong"


@pytest.mark.parametrize(
    ("resolve", "path", "text"),
    [
        (unit, "/etc/systemd/system/a.service", "[Service]\n" + "\\\n" * 250_000),
        (unit, "/etc/systemd/system/a.service", "[Service]\n" + "LimitNOFILE=5\n" * 37_000),
        (pam_rules.login_stack, "/etc/pam.d/sshd", "session " + "[ " * 260_000),
        (pam_rules.login_stack, "/etc/ssh/sshd_config", "UsePAM '" + "usepam " * 70_000),
        (os_release.read, "/etc/os-release", "A='b'\n" * 1_000_000),
        (sysctls, "/etc/sysctl.d/a.conf", "a/../" * 104_000 + "b = 1\n"),
        (sysctls, "/etc/sysctl.d/a.conf", "-" + "*" * 520_000 + " = 1\n"),
    ],
    ids=["continued", "same-key", "brackets", "quotes", "os-release", "dots", "stars"],
)
def test_hostile_text_takes_no_time(tmp_path: Path, resolve: Resolve, path: str, text: str) -> None:
    """What grows with the square of its length takes minutes here, and ends the whole run of tests."""
    resolve(host(tmp_path, {path: text}))


def test_a_continued_line_is_joined_as_before() -> None:
    text = "[Service]\nLimitNOFILE=\\\n# no end of it\n  5\\\n\nA=b\\\\\nC=d\n"
    assert list(systemd_limits.settings(text)) == [
        ("Service", "LimitNOFILE", "5", 2), ("Service", "A", "b\\\\", 6), ("Service", "C", "d", 7),
    ]  # fmt: skip
