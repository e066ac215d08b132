"""Each rule of the sysctl loaders on a small tree, and properties on arbitrary text."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.host.live import LiveHost
from hosttune.model import Unknown
from hosttune.resolve import sysctl_procps, sysctl_systemd
from hosttune.resolve.sysctl_value import display, kernel_value, known_count, normalise, valid_key

A, B, ETC = "etc/sysctl.d/10-a.conf", "etc/sysctl.d/9-b.conf", "etc/sysctl.conf"
# name, files, key, value at boot, value after sysctl --system
CASES = [
    ("byte order", {A: "vm.x=1", B: "vm.x=2"}, "vm.x", "2", "2"),
    ("masked", {A: "", "usr/lib/sysctl.d/10-a.conf": "vm.x=1"}, "vm.x", None, None),
    ("sysctl.conf", {A: "vm.x=1", ETC: "vm.x=2"}, "vm.x", "1", "2"),
    ("hidden", {"etc/sysctl.d/.h.conf": "vm.x=1"}, "vm.x", None, "1"),
    ("exclusion unsets", {A: "vm.x=1\n-vm.x"}, "vm.x", None, "1"),
    ("exclusion then set", {A: "-vm.x\nvm.x=1"}, "vm.x", "1", "1"),
    ("explicit beats glob", {A: "vm.x=1\nvm.*=2"}, "vm.x", "1", "1"),
    ("unlike spelling", {A: "/vm/x=1\nvm.*=2"}, "vm.x", "1", "2"),
    ("glob keeps place", {A: "vm.*=1\nvm.x*=2\nvm.*=1"}, "vm.x", "2", "1"),
    ("glob moves", {A: "vm.*=1\nvm.x*=2\nvm.*=3"}, "vm.x", "3", "3"),
    ("comment is data", {A: "vm.x = 104 # y"}, "vm.x", "104 # y", "104 # y"),
    ("old Mac", {A: "vm.x=1\rvm.y=2"}, "vm.y", "2", None),
]


def _host(root: Path, files: dict[str, str]) -> LiveHost:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    return LiveHost(str(root))


@pytest.mark.parametrize(("files", "key", "boot", "reload"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_rule(tmp_path: Path, files: dict[str, str], key: str, boot: str | None, reload: str | None) -> None:
    host = _host(tmp_path, files)
    for found, wanted in (
        (sysctl_systemd.resolve_systemd(host, [key]), boot),
        (sysctl_procps.resolve_procps(host, (4, 0, 4), [key]), reload),
    ):
        value = found.values.get(key)
        assert (value.text if value else None) == wanted, found.loader


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_what_cannot_be_read_masks(tmp_path: Path, kind: str) -> None:
    host = _host(tmp_path, {"usr/lib/sysctl.d/10-a.conf": "vm.x=1", B: ""})
    if kind == "link":
        (tmp_path / A).symlink_to("nowhere")
    else:
        (tmp_path / A).mkdir()
    found = sysctl_systemd.resolve_systemd(host)
    assert not found.values
    assert "/etc/sysctl.d/10-a.conf" in found.warnings[0]


@pytest.mark.parametrize(
    ("text", "count", "wanted"),
    [("0x100", 1, 256), ("010", 1, 8), ("104 # x", 1, 104), ("5 6 7", 1, 5), ("4096\t5000", 3, (4096, 5000))],
)
def test_kernel_takes(text: str, count: int, wanted: object) -> None:
    assert kernel_value(text, count) == wanted


@pytest.mark.parametrize("text", ["30;x", "abc", "1e1", "", "1\f", "1\u00a0"])
def test_kernel_refuses(text: str) -> None:
    assert isinstance(kernel_value(text, 1), Unknown)


@pytest.mark.parametrize(
    ("text", "count", "key"),
    [
        ("garbage", 2, "net.ipv4.ip_local_port_range"),
        ("1024-65535", 2, "net.ipv4.ip_local_port_range"),
        ("+1024 65535", 2, "net.ipv4.ip_local_port_range"),
        ("4096 x 8192", 3, "net.ipv4.tcp_rmem"),
        ("2147483648", 1, "net.core.somaxconn"),
        ("-1", 1, "fs.file-max"),
        ("0" * 30 + "5", 1, "net.core.somaxconn"),
        ("08", 1, "net.core.somaxconn"),
        ("\u0661\u0662", 1, "net.core.somaxconn"),
    ],
)
def test_kernel_refuses_for_a_key(text: str, count: int, key: str) -> None:
    assert known_count(key) == count
    assert isinstance(kernel_value(text, count, key), Unknown)


@given(st.binary(max_size=200))
@settings(max_examples=150, deadline=None)
def test_any_bytes_are_parsed(raw: bytes) -> None:
    text = raw.decode("utf-8", "surrogateescape")
    sysctl_systemd.parse("/f", text, [])
    sysctl_procps.parse("/f", text, False, [])
    kernel_value(text, 1)
    valid_key(text)
    path = normalise(text)
    assert normalise("/" + path) == path
    assert display(display(path)) == path
