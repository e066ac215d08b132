"""The address by which a session came is found where sudo hides it, in what started us."""

from __future__ import annotations

from pathlib import Path

from hosttune.facts import session
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
