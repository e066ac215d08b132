"""What the files of an image decide: patterns, whose keys nobody lists there, and the limits of a login."""

from __future__ import annotations

import json
from pathlib import Path

import hosttune
from hosttune import render
from hosttune.model import Resolution
from hosttune.options import Place

PASSWD = "root:x:0:0::/root:/bin/sh\n"
STACK = "session required pam_limits.so\n"


def resolve(root: Path, files: dict[str, str], *keys: str) -> Resolution:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return hosttune.resolve(keys, place=Place(root=str(root)))


def test_a_pattern_of_an_image_is_held_against_the_keys_that_are_known(tmp_path: Path) -> None:
    files = {
        "etc/sysctl.d/10.conf": "net.ipv4.tcp_[rw]mem = 4096 65536 1048576\nnet.unknown.*=1\n",
        "etc/sysctl.d/20.conf": "net.ipv4.tcp_[rw]mem = 4096 8192 16384\nnet.ipv4.tcp_wmem = 1 2 3\n",
    }
    made = resolve(tmp_path, files)
    assert set(made.sysctl) == {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}
    boot = made.sysctl["net.ipv4.tcp_rmem"].boot
    assert boot and boot.value == (4096, 8192, 16384) and str(boot.origin) == "/etc/sysctl.d/20.conf:1"
    pattern = made.patterns["net.ipv4.tcp_[rw]mem"]
    assert pattern.keys == ("net.ipv4.tcp_rmem",)
    assert [str(origin) for origin in (pattern.origin, *pattern.overrides)] == [
        "/etc/sysctl.d/20.conf:1",
        "/etc/sysctl.d/10.conf:1",
    ]
    assert made.patterns["net.unknown.*"].keys == ()


def test_an_image_that_has_patterns_alone_says_so(tmp_path: Path) -> None:
    made = resolve(tmp_path, {"etc/sysctl.d/10.conf": "net.unknown.* = 1\n"})
    text = render.render(made, "table")
    assert "no configuration file sets any sysctl" not in text
    assert "net.unknown.*" in text and "/etc/sysctl.d/10.conf:1" in text and "a pattern" in text
    assert json.loads(render.render(made, "json"))["patterns"]["net.unknown.*"]["origin"]["line"] == 1


def test_a_key_that_is_named_brings_no_patterns(tmp_path: Path) -> None:
    made = resolve(tmp_path, {"etc/sysctl.d/10.conf": "net.ipv4.tcp_* = 1\n"}, "net.ipv4.tcp_mem")
    assert list(made.sysctl) == ["net.ipv4.tcp_mem"] and made.patterns == {}


def test_the_hard_limit_of_a_login_is_at_most_what_the_image_makes_of_nr_open(tmp_path: Path) -> None:
    files = {
        "etc/passwd": PASSWD,
        "etc/pam.d/sshd": STACK,
        "etc/security/limits.conf": "root soft nofile 500\n",
        "etc/sysctl.d/10.conf": "fs.nr_open = 3000\n",
    }
    assert resolve(tmp_path, files).login["root"].hard == 3000
    files["etc/security/limits.conf"] = "root - nofile 4000\n"
    notes = resolve(tmp_path, files).login["root"].notes
    assert any("asks for a hard limit of 4000, above fs.nr_open 3000" in note for note in notes)
