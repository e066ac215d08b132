"""The rules of limits.conf, each with the case that tells it from its neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosttune.errors import HostError
from hosttune.model import Unknown
from hosttune.resolve.pam_limits import LoginLimits, resolve_login
from hosttune.resolve.pam_rules import DEBIAN_11, DEBIAN_12, DEBIAN_13, SUSE, UPSTREAM, PamRules, choose
from tests.running import Running

CALLER = (1024, 524288)
PASSWD = "root:x:0:0::/:/bin/sh\nalice:x:1000:1000::/:/bin/sh\n"
GROUP = "root:x:0:\nalice:x:1000:\ndev:x:2000:alice,root\n"
INIT = "Max open files            1048576              1048576              files     \n"
LONG = "bob hard nofile 1 " + " " * (1023 - 18)


def write(root: Path, files: dict[str, str]) -> Running:
    base = {"etc/passwd": PASSWD, "etc/group": GROUP, "proc/sys/fs/nr_open": "1048576\n", "proc/1/limits": INIT}
    for name, text in {**base, "etc/security/limits.conf": "", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="", encoding="utf-8", errors="surrogatepass")
    return Running(str(root))


def resolve(root: Path, conf: str, rules: PamRules = DEBIAN_13, user: str = "alice") -> LoginLimits:
    return resolve_login(write(root, {"etc/security/limits.conf": conf}), user, rules, CALLER)


CASES = [
    ("later line wins", "alice soft nofile 1\nalice soft nofile 5\n", DEBIAN_13, "alice", (5, 524288)),
    ("name beats group and star", "alice - nofile 7\n@dev - nofile 8\n* - nofile 9\n", DEBIAN_13, "alice", (7, 7)),
    ("group beats star", "@dev - nofile 8\n* - nofile 9\n", DEBIAN_13, "alice", (8, 8)),
    ("a range ranks as a name", "alice - nofile 7\n1000: - nofile 8\n", DEBIAN_13, "alice", (8, 8)),
    ("exact id", ":1000 - nofile 8\n:1001 - nofile 9\n", DEBIAN_13, "alice", (8, 8)),
    ("group range asks the primary group", "@2000:3000 - nofile 8\n", DEBIAN_13, "alice", CALLER),
    ("exact group id takes any group", "@:2000 - nofile 8\n", DEBIAN_13, "alice", (8, 8)),
    ("percent does nothing", "% - nofile 8\n%dev - nofile 9\n", DEBIAN_13, "alice", CALLER),
    ("no valid range", "a:b - nofile 8\n: - nofile 9\n", DEBIAN_13, "alice", CALLER),
    ("lost soft half loses hard", "alice soft nofile 3001\n* - nofile 3002\n", DEBIAN_13, "alice", (3001, 524288)),
    ("won soft half", "alice hard nofile 3001\n* - nofile 3002\n", DEBIAN_13, "alice", (3001, 3001)),
    ("Debian spares root", "* - nofile 8\n@root - nofile 9\n", DEBIAN_13, "root", CALLER),
    ("upstream does not", "* - nofile 8\n", UPSTREAM, "root", (8, 8)),
    ("ranges of ids mean root", "@0: - nofile 8\n", DEBIAN_13, "root", (8, 8)),
    ("suffix is no unit", "alice - nofile 64k\n", DEBIAN_13, "alice", (64, 64)),
    ("no base but ten", "alice hard nofile 5\nalice soft nofile 0x100\n", DEBIAN_13, "alice", (0, 5)),
    ("unlimited is nr_open", "alice - nofile unlimited\n", DEBIAN_13, "alice", (1048576, 1048576)),
    ("unlimited is too much", "alice - nofile unlimited\n", DEBIAN_11, "alice", CALLER),
    ("overflow is nr_open", "alice - nofile 99999999999999999999999\n", DEBIAN_13, "alice", (1048576, 1048576)),
    ("no number", "alice - nofile abc\n", DEBIAN_13, "alice", CALLER),
    ("soft above hard", "alice soft nofile 9000\nalice hard nofile 5000\n", DEBIAN_13, "alice", (5000, 5000)),
    ("above nr_open voids both", "alice soft nofile 5\nalice hard nofile 1048577\n", DEBIAN_13, "alice", CALLER),
    ("above nr_open refuses", "alice hard nofile 1048577\n", UPSTREAM, "alice", None),
    ("exemption stops all", "alice - nofile 5\n@dev -\n", DEBIAN_13, "alice", CALLER),
    ("exemption works for root", "root - nofile 5\n@dev -\n", DEBIAN_13, "root", CALLER),
    ("star cannot exempt", "* -\nalice - nofile 5\n", DEBIAN_13, "alice", (5, 5)),
    ("start values of init", "", DEBIAN_12, "alice", (1024, 1048576)),
    ("start hard of init", "alice soft nofile 4096\n", DEBIAN_12, "alice", (4096, 1048576)),
    ("start values of caller", "", DEBIAN_13, "alice", CALLER),
    ("no login allowed", "alice - maxlogins 0\n", DEBIAN_13, "alice", None),
    ("root always may", "root - maxlogins 0\n", DEBIAN_13, "root", CALLER),
    ("comment glued on", "alice - nofile 1024#x\n", DEBIAN_13, "alice", (1024, 1024)),
    ("semicolon is no comment", "; - nofile 5\nalice - nofile 6;x\n", DEBIAN_13, "alice", (6, 6)),
    ("CR spoils a word", "alice - nofile unlimited\r\n", DEBIAN_13, "alice", CALLER),
    ("CR once did not", "alice - nofile unlimited\r\n", DEBIAN_12, "alice", (1048576, 1048576)),
    ("case counts in domains only", "Alice - nofile 5\nalice HARD NoFile 6000\n", DEBIAN_13, "alice", (1024, 6000)),
    ("a long line falls apart", LONG + "alice - nofile 5\n", DEBIAN_12, "alice", (5, 5)),
    ("and no more", LONG + "alice - nofile 5\n", DEBIAN_13, "alice", CALLER),
]


@pytest.mark.parametrize(("conf", "rules", "user", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_rule(conf: str, rules: PamRules, user: str, wanted: tuple[int, int] | None, tmp_path: Path) -> None:
    got = resolve(tmp_path, conf, rules, user)
    assert got.refused is (wanted is None)
    assert (got.soft, got.hard) == (wanted or (None, None))


def test_names_the_lines(tmp_path: Path) -> None:
    got = resolve(tmp_path, "* - nofile 5\n@dev soft nofile 6000\nalice hard nofile 7000\n")
    assert str(got.soft_origin) == "/etc/security/limits.conf:2"
    assert str(got.hard_origin) == "/etc/security/limits.conf:3"
    assert [o.line for o in got.beaten] == [1]


def test_later_files_win(tmp_path: Path) -> None:
    extra = {
        f"etc/security/limits.d/{n}": f"alice - nofile {v}\n"
        for n, v in (("9.conf", 9), ("10.conf", 10), (".z.conf", 1))
    }
    got = resolve_login(write(tmp_path, extra), "alice", DEBIAN_13, CALLER)
    assert got.soft == 9


@pytest.mark.parametrize(("rules", "refused"), [(DEBIAN_12, True), (DEBIAN_13, False)])
def test_dangling_link(rules: PamRules, refused: bool, tmp_path: Path) -> None:
    host = write(tmp_path, {"etc/security/limits.d/a.conf": ""})
    (tmp_path / "etc/security/limits.d/b.conf").symlink_to("/nowhere")
    assert resolve_login(host, "alice", rules, CALLER).refused is refused


def test_vendor_files(tmp_path: Path) -> None:
    host = write(tmp_path, {"usr/etc/security/limits.d/a.conf": "alice - nofile 5\n"})
    assert resolve_login(host, "alice", SUSE, CALLER).soft == 5


def test_stack(tmp_path: Path) -> None:
    pam = {"etc/pam.d/sshd": "@include common\n", "etc/pam.d/common": "session required pam_unix.so\n"}
    assert not resolve_login(write(tmp_path, pam), "alice", DEBIAN_13, CALLER).applies
    pam["etc/pam.d/common"] = "session [default=1] pam_x.so\nsession required pam_limits.so conf=/etc/own.conf\n"
    pam["etc/own.conf"] = "alice - nofile 77\n"
    assert resolve_login(write(tmp_path, pam), "alice", DEBIAN_13, CALLER).soft == 77


def test_unknown_start(tmp_path: Path) -> None:
    host = write(tmp_path, {})
    for name in ("proc/1/limits", "proc/sys/fs/nr_open"):
        (tmp_path / name).unlink()
    got = resolve_login(host, "alice", DEBIAN_12, CALLER)
    assert got.soft == 1024
    assert isinstance(got.hard, Unknown)


def test_no_such_user(tmp_path: Path) -> None:
    with pytest.raises(HostError):
        resolve(tmp_path, "", user="nobody")


@pytest.mark.parametrize(
    ("release", "wanted"),
    [
        ('ID=debian\nVERSION_ID="11"\n', DEBIAN_11),
        ('ID=debian\nVERSION_ID="12"\n', DEBIAN_12),
        ('ID=debian\nVERSION_ID="13"\n', DEBIAN_13),
        ("ID=debian\n", DEBIAN_13),
        ('ID=ubuntu\nVERSION_ID="24.04"\nID_LIKE=debian\n', DEBIAN_12),
        ('ID=linuxmint\nVERSION_ID="22"\nID_LIKE="ubuntu debian"\nUBUNTU_CODENAME=noble\n', DEBIAN_12),
        ("ID=arch\n", UPSTREAM),
        ("", UPSTREAM),
    ],
)
def test_release(release: str, wanted: PamRules, tmp_path: Path) -> None:
    assert choose(write(tmp_path, {"etc/os-release": release})) == wanted


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    text=st.text(max_size=200),
    words=st.lists(st.sampled_from(["alice", "-", "nofile", "1" * 5000, "@:", "\n", "%", "0x", " "])),
)
def test_never_raises(text: str, words: list[str], tmp_path: Path) -> None:
    for rules in (DEBIAN_12, DEBIAN_13):
        resolve(tmp_path, text + "\n" + " ".join(words), rules)
