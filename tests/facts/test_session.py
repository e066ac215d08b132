"""The address by which a session came is found where sudo hides it, in what started us."""

from __future__ import annotations

from pathlib import Path

import pytest

from hosttune.facts import session
from hosttune.model import Who
from tests.running import Running


def process(root: Path, pid: str, parent: str, environment: str) -> None:
    (root / f"proc/{pid}").mkdir(parents=True)
    (root / f"proc/{pid}/environ").write_bytes(environment.encode())
    (root / f"proc/{pid}/stat").write_text(f"1 (a) b (c) S {parent} 1 1\n")


def test_it_is_found_in_what_started_us(tmp_path: Path) -> None:
    process(tmp_path, "self", "20", "HOME=/root\0SUDO_COMMAND=x\0")
    process(tmp_path, "20", "10", "")
    process(tmp_path, "10", "1", "TERM=x\0SSH_CONNECTION=203.0.113.9 50000 10.0.0.9 22\0HOME=/\0")
    assert session.ssh(Running(tmp_path)) == ("203.0.113.9", "10.0.0.9")


def test_v4_mapped_and_link_local_ones_are_plain(tmp_path: Path) -> None:
    process(tmp_path, "self", "1", "SSH_CONNECTION=fe80::2%eth0 5 ::ffff:10.0.0.9 22\0")
    assert session.ssh(Running(tmp_path)) == ("fe80::2", "10.0.0.9")


def test_a_console_has_none_and_a_loop_ends(tmp_path: Path) -> None:
    process(tmp_path, "self", "30", "XSSH_CONNECTION=1.1.1.1 5 2.2.2.2 22\0")
    process(tmp_path, "30", "30", "SSH_CONNECTION=nonsense\0")
    assert session.ssh(Running(tmp_path)) == ("", "")


def person(root: Path, environment: str, loginuid: str = "1000", terminal: int = 34816 + 3) -> None:
    process(root, "self", "1", environment)
    (root / "proc/self/stat").write_text(f"1 (a) b (c) S 1 1 1 {terminal} 1\n")
    (root / "proc/self/loginuid").write_text(loginuid)
    (root / "proc/self/status").write_text("Name:\tx\nUid:\t0\t0\t0\t0\n")
    (root / "etc").mkdir()
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n")


def test_who_it_is_comes_of_the_login_and_of_sudo(tmp_path: Path) -> None:
    person(tmp_path, "SUDO_USER=alice\0SUDO_UID=1000\0SSH_CLIENT=203.0.113.9 50000 22\0")
    assert session.who(Running(tmp_path)) == Who("alice", "alice", "203.0.113.9", "pts/3")


@pytest.mark.parametrize(
    ("loginuid", "terminal", "found"),
    [
        ("4294967295", 0, Who("root")),  # started by no login: a timer
        ("4242", (4 << 8) + 1, Who("uid 4242", tty="tty1")),
        ("", (204 << 8) + 64, Who("root")),
        ("no number", -1, Who("root")),
    ],
)
def test_who_it_is_without_a_session(tmp_path: Path, loginuid: str, terminal: int, found: Who) -> None:
    person(tmp_path, "HOME=/\0", loginuid, terminal)
    assert session.who(Running(tmp_path)) == found


def test_what_the_environment_says_is_bounded(tmp_path: Path) -> None:
    person(tmp_path, f"SUDO_USER={'x' * 5000}\0SUDO_UID=\x1b]0;\0")
    assert session.who(Running(tmp_path)).sudo == "x" * 256
