"""Reads stay below the root, never hang, and say why they could not be answered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import HostError, UsageError
from hosttune.host.live import LARGEST, LiveHost
from hosttune.model import Reason


def reason(host: LiveHost, path: str) -> Reason:
    with pytest.raises(HostError) as caught:
        host.read(path)
    return caught.value.reason


def test_an_absolute_link_stays_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/passwd").write_text("inside")
    (tmp_path / "link").symlink_to("/etc/passwd")
    assert LiveHost(str(tmp_path)).read("/link") == "inside"


@pytest.mark.parametrize("target", ["../../../../../../etc/hostname", "/../../etc/hostname", "/etc/../../etc/hostname"])
def test_dots_do_not_leave_the_root(tmp_path: Path, target: str) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/hostname").write_text("inside")
    (tmp_path / "link").symlink_to(target)
    host = LiveHost(str(tmp_path))
    assert host.read("/link") == "inside"
    assert host.read("/../../etc/hostname") == "inside"


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("/a")
    assert reason(LiveHost(str(tmp_path)), "/a") is Reason.UNREADABLE


def test_a_pipe_does_not_hang_and_a_device_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.conf")
    (tmp_path / "zero.conf").symlink_to("/dev/zero")
    assert reason(LiveHost(str(tmp_path)), "/pipe.conf") is Reason.UNREADABLE
    assert reason(LiveHost("/"), str(tmp_path / "zero.conf")) is Reason.UNREADABLE


def test_a_large_file_is_refused(tmp_path: Path) -> None:
    with open(tmp_path / "large", "wb") as file:
        file.truncate(LARGEST + 1)
    assert reason(LiveHost(str(tmp_path)), "/large") is Reason.UNREADABLE


def test_a_mask_reads_as_empty(tmp_path: Path) -> None:
    (tmp_path / "mask").symlink_to("/dev/null")
    assert LiveHost("/").read(str(tmp_path / "mask")) == ""


def test_what_is_absent_is_not_what_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    host = LiveHost(str(tmp_path))
    assert reason(host, "/nothing") is Reason.ABSENT
    assert reason(host, "/directory/below/nothing") is Reason.ABSENT
    assert reason(host, "/directory") is Reason.UNREADABLE
    assert reason(host, "/nul\0") is Reason.ABSENT


def test_odd_bytes_survive(tmp_path: Path) -> None:
    (tmp_path / "odd").write_bytes(b"\xff\0\r\n\xef\xbb\xbf")
    assert LiveHost(str(tmp_path)).read("/odd").encode("utf-8", "surrogateescape") == b"\xff\0\r\n\xef\xbb\xbf"


def test_glob_lists_dangling_links_and_no_hidden_names(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    for name in ("b.conf", "a.conf", ".hidden.conf", "c.txt"):
        (tmp_path / "d" / name).touch()
    (tmp_path / "d/0.conf").symlink_to("/nowhere")
    host = LiveHost(str(tmp_path))
    assert host.glob("/d/*.conf") == ["/d/0.conf", "/d/a.conf", "/d/b.conf"]
    assert host.glob("/*/a.conf") == ["/d/a.conf"]
    assert host.glob("/d/nothing") == []


def test_a_root_that_is_no_directory_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a directory"):
        LiveHost(str(tmp_path / "nothing"))


@given(st.text(max_size=40))
def test_no_path_leaves_an_empty_root(path: str) -> None:
    host = LiveHost("/var/empty" if os.path.isdir("/var/empty") else "/proc/self/fdinfo")
    try:
        real = host._resolve("/" + path)
    except HostError:
        return
    assert os.path.normpath(real).startswith(host.root)


def test_an_image_has_no_kernel_whatever_is_mounted_at_its_proc(tmp_path: Path) -> None:
    key = tmp_path / "proc/sys/vm/swappiness"
    key.parent.mkdir(parents=True)
    key.write_text("60\n")
    host = LiveHost(str(tmp_path))
    with pytest.raises(HostError, match="no kernel"):
        host.read("/proc/sys/vm/swappiness")
    assert not host.glob("/proc") and not host.glob("/proc/*") and not host.glob("/proc/sys/vm/swappiness")
    with pytest.raises(OSError, match="image"):
        host.write("/proc/sys/vm/swappiness", "1\n")
    assert key.read_text() == "60\n"


def test_a_lock_is_not_made_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "var/lib/hosttune").mkdir(parents=True)
    (tmp_path / "var/lib/hosttune/lock").symlink_to("/etc/newfile")
    (tmp_path / "etc").mkdir()
    with pytest.raises(OSError), LiveHost(str(tmp_path)).lock("/var/lib/hosttune/lock", 0.1, print):
        pass
    assert not (tmp_path / "etc/newfile").exists()
