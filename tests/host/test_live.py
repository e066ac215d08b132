"""Reads stay below the root, never hang, and say why they could not be answered."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hosttune.errors import HostError, RefusedError, UsageError
from hosttune.host import remembered
from hosttune.host.live import LARGEST, LiveHost
from hosttune.host.remembered import MOST_NAMES
from hosttune.model import FileState, Reason


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
    assert reason(host, "/\ud800") is Reason.ABSENT


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


def test_what_one_run_has_read_is_not_read_again_until_it_writes(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/a.conf").write_text("one")
    host = LiveHost(str(tmp_path))
    with host.remembering():
        assert (host.read("/etc/a.conf"), host.glob("/etc/*.conf")) == ("one", ["/etc/a.conf"])
        (tmp_path / "etc/a.conf").write_text("two")
        (tmp_path / "etc/b.conf").write_text("")
        with host.remembering():
            assert (host.read("/etc/a.conf"), host.glob("/etc/*.conf")) == ("one", ["/etc/a.conf"])
        host.put("/etc/c.conf", FileState(""))
        assert host.read("/etc/a.conf") == "two" and len(host.glob("/etc/*.conf")) == 3
        (tmp_path / "etc/a.conf").write_text("three")
        with host.lock("/etc/lock", 0.1, print):
            assert host.read("/etc/a.conf") == "three"
        (tmp_path / "etc/a.conf").write_text("four")
    assert host.read("/etc/a.conf") == "four"


def test_the_journal_is_read_anew_each_time(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    host = LiveHost(str(tmp_path))
    with host.remembering():
        assert not host.glob("/var/*")
        (tmp_path / "var/a").write_text("one")
        assert (host.glob("/var/*"), host.read("/var/a")) == (["/var/a"], "one")
        (tmp_path / "var/a").write_text("two")
        assert host.read("/var/a") == "two"


def test_an_error_is_remembered_too(tmp_path: Path) -> None:
    host = LiveHost(str(tmp_path))
    with host.remembering():
        assert reason(host, "/a") is reason(host, "/a") is Reason.ABSENT
        (tmp_path / "a").write_text("")
        assert reason(host, "/a") is Reason.ABSENT


def test_too_much_to_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "LARGEST_ALL", 2048)
    for name in "abc":
        (tmp_path / name).write_text("x" * 1000)
    host = LiveHost(str(tmp_path))
    with host.remembering(), pytest.raises(RefusedError, match=r"^/c: with it more than 2 KiB of configuration"):
        for name in "aabbcc":
            host.read(f"/{name}")


def test_too_many_names_are_one_line(tmp_path: Path) -> None:
    for number in range(MOST_NAMES + 1):
        os.mknod(tmp_path / str(number))
    with pytest.raises(RefusedError, match=r"^/: more than 20,000 names"):
        LiveHost(str(tmp_path)).glob("/*.conf")


@pytest.mark.parametrize("root", ["", "/nowhere", "/etc/passwd", "/" + "x" * 300, "/proc/1/root/etc/passwd", "/a\0b"])
def test_a_root_that_cannot_be_is_one_line(root: str) -> None:
    with pytest.raises(UsageError, match="--root"):
        LiveHost(root)


def test_a_root_may_be_the_one_of_a_process() -> None:
    host = LiveHost(f"/proc/{os.getpid()}/root")
    assert host.glob("/etc/passwd") and not host.runs and not host.glob("/proc/*")
