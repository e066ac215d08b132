"""The way back: what still stands goes back, what others changed stays, what fails is tried again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hosttune.changes import journal
from hosttune.changes.backends import PRESENT
from hosttune.changes.order import backward, forward
from hosttune.changes.record import Status
from hosttune.errors import HosttuneError, RefusedError, StoppedError
from hosttune.host.live import LiveHost
from hosttune.host.remembered import MOST_NAMES
from hosttune.model import Change, FileState
from tests.changes import acts, faults, tree
from tests.changes.test_apply import DROP_IN, ask, profile, sysctl

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

T = TypeVar("T")
SWAP = "vm.swappiness"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tree.make(tmp_path / "host")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that gives the last document printed."""
    return lambda: json.loads(re.split(r"(?m)^(?=\{$)", capsys.readouterr().out)[-1])


def set_now(root: Path, key: str, value: object) -> None:
    (root / "proc/sys" / key.replace(".", "/")).write_text(f"{value}\n")


def record(root: Path, number: int) -> Path:
    return root / tree.JOURNAL / f"{number:06d}.json"


def status(root: Path, number: int) -> str:
    return str(json.loads(record(root, number).read_text())["status"])


def logins(root: Path) -> str:
    return profile(root, "logins", ("nofile:login", "at_least", [2_000_000, 2_000_000]))


def swappiness(root: Path, name: str, value: int, *more: tuple[str, str, object]) -> str:
    return profile(root, name, (f"sysctl:{SWAP}", "equals", value), *more)


def test_nr_open_stays_above_a_limit_that_stays(root: Path, said: Any) -> None:
    assert acts.apply(tree.Host(root), ask(logins(root))) == 0
    limits = root / "etc/security/limits.d/90-hosttune.conf"
    limits.write_text(limits.read_text() + "# mine\n")
    said()
    assert acts.rollback(tree.Host(root), tree.back()) == 1
    assert len(said()["kept"]) == 2
    assert sysctl(root, "fs.nr_open") == "2000000" and "fs.nr_open = 2000000" in (root / DROP_IN).read_text()
    assert status(root, 1) == Status.PARTLY
    assert acts.rollback(tree.Host(root), tree.back(id=1, force=True)) == 0
    assert sysctl(root, "fs.nr_open") == "1048576" and not limits.exists() and not (root / DROP_IN).exists()
    assert status(root, 1) == Status.ROLLED_BACK


def test_nr_open_stays_above_the_limits_of_others(root: Path, said: Any) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    theirs = root / "etc/security/limits.d/50-dba.conf"
    theirs.write_text("* hard nofile 1900000\n")
    said()
    for force in (False, True):
        assert acts.rollback(tree.Host(root), tree.back(force=force)) == 1
        assert "50-dba.conf:1" in said()["kept"][0]
        assert sysctl(root, "fs.nr_open") == "2000200"
        assert [line for line in (root / DROP_IN).read_text().splitlines() if "=" in line] == ["fs.nr_open = 2000200"]
    theirs.unlink()
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert sysctl(root, "fs.nr_open") == "1048576" and not (root / DROP_IN).exists()


def test_nr_open_of_the_running_kernel_stays_above_a_line_that_counts_now(root: Path, said: Any) -> None:
    assert acts.apply(tree.Host(root), tree.asked(runtime_only=True)) == 0
    theirs = root / "etc/security/limits.d/50-dba.conf"
    theirs.write_text("* hard nofile 1900000\n")
    said()
    assert acts.rollback(tree.Host(root), tree.back()) == 1
    assert "50-dba.conf:1" in said()["kept"][0] and sysctl(root, "fs.nr_open") == "2000200"
    assert sysctl(root, "net.ipv4.tcp_tw_reuse") == "2"
    theirs.unlink()
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert sysctl(root, "fs.nr_open") == "1048576"


def killed_at_the_end(root: Path) -> None:
    """Leave an apply of which all is written but the last word of its journal."""
    spare = root.parent / "spare"
    shutil.copytree(root, spare)
    disk = faults.Counting()
    assert acts.apply(tree.Host(spare, disk), tree.asked()) == 0
    last = max(n for n, step in enumerate(disk.steps) if step.startswith("create") and ".json.hosttune-new" in step)
    assert faults.killed(lambda: acts.apply(tree.Host(root, faults.Killed(last)), tree.asked()))
    assert status(root, 1) == Status.APPLYING


def test_an_apply_that_has_nothing_to_do_heals_all_the_same(root: Path, said: Any) -> None:
    killed_at_the_end(root)
    assert acts.apply(tree.Host(root), tree.asked(dry_run=True)) == 4
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert (status(root, 1), status(root, 2)) == (Status.UNDONE, Status.APPLIED)
    assert sysctl(root, "net.ipv4.tcp_tw_reuse") == "1"


class Refusing(faults.Counting):
    """Fails each write to one path."""

    def __init__(self, path: str, number: int = 16) -> None:
        super().__init__()
        self._path, self._number = path, number

    def fail(self, what: str, path: str, call: Callable[[], T]) -> T:
        if path.endswith(self._path):
            raise OSError(self._number, os.strerror(self._number), path)
        return call()


def test_no_apply_stands_on_one_that_is_not_taken_back(root: Path) -> None:
    killed_at_the_end(root)
    host = tree.Host(root, Refusing("ipv4/tcp_tw_reuse"))
    with pytest.raises(RefusedError, match="only partly undone"):
        acts.apply(host, tree.asked())
    assert status(root, 1) == Status.APPLYING and not record(root, 2).exists()
    assert acts.rollback(host, tree.back()) == 1
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert status(root, 1) == Status.UNDONE


def test_one_failing_write_does_not_hold_up_the_others(root: Path, said: Any) -> None:
    old = tree.look(root)
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    said()
    host = tree.Host(root, Refusing("ipv4/tcp_tw_reuse"))
    assert acts.rollback(host, tree.back()) == 1
    assert "tcp_tw_reuse" in " ".join(said()["notes"]) and status(root, 1) == Status.ROLLING_BACK
    left = {path for path, what in tree.look(root).items() if old.get(path) != what}
    assert left == {"proc/sys/net/ipv4/tcp_tw_reuse"}
    with pytest.raises(RefusedError):
        acts.apply(host, tree.asked())
    assert acts.rollback(host, tree.back(force=True)) == 0
    assert status(root, 1) == Status.ROLLED_BACK


def test_a_limit_that_stays_holds_its_ceiling(root: Path) -> None:
    assert acts.apply(tree.Host(root), ask(logins(root))) == 0
    for force in (False, True):
        host = tree.Host(root, Refusing("limits.d/90-hosttune.conf"))
        acts.rollback(host, tree.back(force=force))
        assert (root / "etc/security/limits.d/90-hosttune.conf").exists()
        assert sysctl(root, "fs.nr_open") == "2000000" and (root / DROP_IN).exists()


def test_a_key_that_has_gone_and_a_link_in_the_place_of_a_directory_are_passed_over(root: Path) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    (root / "proc/sys/net/ipv4/tcp_tw_reuse").unlink()
    drop_in = root / "etc/systemd/system/haproxy.service.d"
    drop_in.rename(root / "etc/moved")
    drop_in.symlink_to("../../moved")
    acts.rollback(tree.Host(root), tree.back())
    assert status(root, 1) == Status.ROLLED_BACK
    assert not (root / "etc/moved/90-hosttune.conf").exists() and drop_in.is_symlink()
    (root / "proc/sys/net/ipv4/tcp_tw_reuse").write_text("2\n")
    assert acts.apply(tree.Host(root), tree.asked()) == 0


def test_the_disk_of_a_machine_that_was_tuned_live_is_rescued(root: Path) -> None:
    old = {path: what for path, what in tree.look(root).items() if path.startswith("etc")}
    assert acts.apply(tree.Host(root), tree.asked(restart=True)) == 0
    killed = root.parent / "killed"
    tree.make(killed)
    assert faults.killed(lambda: acts.apply(tree.Host(killed, faults.Killed(28)), tree.asked()))
    for one in (root, killed):
        kernel = (one / "proc/sys/net/ipv4/tcp_tw_reuse").read_text()
        assert acts.rollback(LiveHost(str(one)), tree.back(root=str(one))) == 0
        assert {path: what for path, what in tree.look(one).items() if path.startswith("etc")} == old
        assert (one / "proc/sys/net/ipv4/tcp_tw_reuse").read_text() == kernel  # another machine's, if any
        assert not wanting(one)


def wanting(root: Path) -> list[str]:
    return [r.status for r in journal.records(LiveHost(str(root))) if r.status in ("applying", "rolling-back")]


def test_what_others_changed_between_two_applies_comes_back(root: Path, said: Any) -> None:
    assert acts.apply(tree.Host(root), ask(swappiness(root, "first", 10))) == 0
    set_now(root, SWAP, 30)
    text = (root / DROP_IN).read_text() + "# my note\nnet.ipv4.tcp_fin_timeout = 30\n"
    (root / DROP_IN).write_text(text)
    assert acts.apply(tree.Host(root), ask(swappiness(root, "second", 1))) == 0
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert sysctl(root, SWAP) == "30" and (root / DROP_IN).read_text() == text
    said()
    assert acts.rollback(tree.Host(root), tree.back()) == 1
    kept = " ".join(said()["kept"])
    assert SWAP in kept and DROP_IN in kept
    assert sysctl(root, SWAP) == "30" and (root / DROP_IN).read_text() == text
    assert acts.rollback(tree.Host(root), tree.back(force=True)) == 0
    assert sysctl(root, SWAP) == "60" and not (root / DROP_IN).exists()


def test_a_key_that_no_apply_changed_is_not_written(root: Path) -> None:
    first = profile(root, "first", ("sysctl:net.core.somaxconn", "at_least", 65535))
    second = swappiness(root, "second", 60, ("sysctl:net.core.somaxconn", "at_least", 100_000))
    theirs = root / "etc/sysctl.d/50-theirs.conf"
    theirs.write_text(f"{SWAP} = 60\n")
    assert acts.apply(tree.Host(root), ask(first)) == 0
    assert acts.apply(tree.Host(root), ask(second)) == 0
    theirs.write_text(f"{SWAP} = 40\n")
    set_now(root, SWAP, 40)
    assert acts.rollback(tree.Host(root), tree.back(id=1)) == 0
    assert sysctl(root, SWAP) == "40" and SWAP not in (root / DROP_IN).read_text()
    assert sysctl(root, "net.core.somaxconn") == "100000"


def test_force_takes_back_only_what_its_own_apply_changed(root: Path) -> None:
    assert acts.apply(tree.Host(root), ask(swappiness(root, "first", 10))) == 0
    other = profile(root, "other", ("sysctl:net.core.somaxconn", "at_least", 65535))
    assert acts.apply(tree.Host(root), ask(other, only="sysctl", runtime_only=True)) == 0
    set_now(root, SWAP, 33)
    assert acts.rollback(tree.Host(root), tree.back(id=2, force=True)) == 0
    assert sysctl(root, SWAP) == "33" and sysctl(root, "net.core.somaxconn") == "4096"


def test_healing_leaves_a_greater_value_of_somebody_else(root: Path) -> None:
    killed_at_the_end(root)
    set_now(root, "net.core.netdev_max_backlog", 1_000_000)
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert sysctl(root, "net.core.netdev_max_backlog") == "1000000"


class Elsewhere(tree.Host):
    """The tree as seen from a boot and a network namespace of our choice."""

    def __init__(self, root: Path, boot: str, namespace: str) -> None:
        super().__init__(root)
        self._where = {"boot": boot, "namespace": namespace}

    def probe(self, name: str, **args: Any) -> Any:
        return self._where if name == "instance" else super().probe(name, **args)


def test_values_of_another_network_namespace_are_not_written_here(root: Path) -> None:
    assert acts.apply(Elsewhere(root, "b1", "4:1"), tree.asked(runtime_only=True)) == 0
    old = tree.look(root)
    with pytest.raises(RefusedError, match="another network namespace"):
        acts.rollback(Elsewhere(root, "b1", "4:2"), tree.back())
    assert tree.look(root) == old
    assert acts.rollback(Elsewhere(root, "b1", "4:1"), tree.back()) == 0
    assert acts.apply(Elsewhere(root, "b1", "4:1"), tree.asked()) == 0
    kernel = sysctl(root, "net.ipv4.tcp_tw_reuse")
    assert acts.rollback(Elsewhere(root, "b1", "4:2"), tree.back(force=True)) == 0
    assert not (root / DROP_IN).exists() and sysctl(root, "net.ipv4.tcp_tw_reuse") == kernel


def test_a_reboot_ends_what_was_set_for_the_running_kernel_only(root: Path, said: Any) -> None:
    old = tree.look(root)
    assert acts.apply(Elsewhere(root, "b1", "4:1"), tree.asked(runtime_only=True)) == 0
    for path, (text, _) in old.items():
        if path.startswith("proc/sys") and (root / path).is_file():
            (root / path).write_text(text + "\n")
    set_now(root, "net.ipv4.tcp_tw_reuse", 0)
    said()
    assert acts.rollback(Elsewhere(root, "b2", "4:1"), tree.back()) == 0
    assert said()["kept"] == [] and sysctl(root, "net.ipv4.tcp_tw_reuse") == "0"
    assert status(root, 1) == Status.ROLLED_BACK


def test_what_was_shown_is_what_comes_off(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert acts.apply(tree.Host(root), ask(swappiness(root, "first", 10))) == 0
    other = profile(root, "other", ("sysctl:net.core.somaxconn", "at_least", 65535))

    class Slow:
        """A person who says yes while somebody else applies."""

        def readline(self, size: int = -1) -> str:
            assert acts.apply(tree.Host(root), ask(other)) == 0
            return "y\n"

        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Slow())
    with pytest.raises(RefusedError, match="the host has changed since the preview"):
        acts.rollback(tree.Host(root), tree.back(yes=False, format="table"))
    assert (status(root, 1), status(root, 2)) == (Status.APPLIED, Status.APPLIED)


def test_a_value_that_cannot_go_back_is_known_for_the_apply_that_took_its_place(root: Path) -> None:
    set_now(root, "net.ipv4.tcp_tw_reuse", 7)
    for name in ("one", "two"):
        mine = profile(root, name, ("sysctl:net.ipv4.tcp_tw_reuse", "equals", 1))
        with Path(mine).open("a") as file:
            file.write(f'[[require]]\nsubject = "sysctl:{SWAP}"\noperator = "equals"\nvalue = 10\n')
            file.write('why = "a"\nsource = "b"\n')
        assert acts.apply(tree.Host(root), ask(mine)) == 0
        set_now(root, SWAP, 60)  # so that the second finds something to do
    assert acts.rollback(tree.Host(root), tree.back(id=1)) in (0, 1)
    acts.rollback(tree.Host(root, Refusing("tcp_tw_reuse", 22)), tree.back(id=2))
    assert status(root, 2) in (Status.ROLLED_BACK, Status.PARTLY)


def test_a_directory_comes_before_all_that_lies_in_it() -> None:
    system = "/etc/systemd/system"
    changes = [
        Change("file", f"{system}/{unit}.service.d/90-hosttune.conf", None, FileState("")) for unit in ("a", "b")
    ]
    changes += [
        Change("directory", path, None, PRESENT)
        for path in (system, "/etc/systemd", f"{system}/a.service.d", f"{system}/b.service.d", system)
    ]
    order = [c.target for c in forward(changes)]
    assert len(order) == len(set(order)) == 6
    assert all(order.index(p.rpartition("/")[0]) < n for n, p in enumerate(order) if p.rpartition("/")[0] in order)
    again = [c.target for c in backward([Change(c.backend, c.target, c.after, c.before) for c in changes])]
    assert all(again.index(p.rpartition("/")[0]) > n for n, p in enumerate(again) if p.rpartition("/")[0] in again)
    made = [c.target for c in backward(changes)]
    assert all(made.index(p.rpartition("/")[0]) < n for n, p in enumerate(made) if p.rpartition("/")[0] in made)


def test_two_services_below_a_directory_that_is_not_there(root: Path) -> None:
    shutil.rmtree(root / "etc/systemd/system")
    old = tree.look(root)
    rows = [(f"nofile:unit/{unit}.service", "at_least", [65536, 600_000]) for unit in ("haproxy", "other")]
    (root / "usr/lib/systemd/system/other.service").write_text("[Service]\nExecStart=/bin/true\n")
    assert acts.apply(tree.Host(root), ask(profile(root, "two", *rows))) == 0
    assert len(list(root.glob("etc/systemd/system/*.d/90-hosttune.conf"))) == 2
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    (root / "usr/lib/systemd/system/other.service").unlink()
    old.pop("usr/lib/systemd/system/other.service", None)
    assert tree.look(root) == old


BROKEN: dict[str, Callable[[dict[str, Any]], None]] = {
    "a uid beyond all": lambda found: file_of(found).update(uid=2**70),
    "a mode beyond all": lambda found: file_of(found).update(mode=0o17755),
    "a truth that is a number": lambda found: found.update(reload=1),
    "a field of another release": lambda found: found.update(more=1),
    "a negative mode": lambda found: file_of(found).update(mode=-1),
    "a text that no file holds": lambda found: file_of(found).update(text="\ud800"),
    "an attribute of no name": lambda found: file_of(found).update(attributes=[["a\0b", "00"]]),
    "a backend of ours": lambda found: found["changes"][0].update(backend="planned"),
    "an address that is none": lambda found: found["changes"][0].update(backend="address", target="x"),
    "a file as a sysctl": lambda found: found["changes"][0].update(after=None),
    "a negative number": lambda found: found.update(id=-5),
    "another's number": lambda found: found.update(id=2),
    "an option for a service": lambda found: found.update(restarts=["--force"]),
    "a missing field": lambda found: found.pop("one_way"),
}


def file_of(found: dict[str, Any]) -> dict[str, Any]:
    state: dict[str, Any] = next(c["after"] for c in found["changes"] if c["backend"] == "file")
    return state


@pytest.mark.parametrize("name", BROKEN)
def test_a_journal_is_checked_before_anything_is_done_with_it(root: Path, name: str) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    tree.reseal(record(root, 1), BROKEN[name])
    before = tree.look(root)
    with pytest.raises(RefusedError, match=r"000001\.json is damaged") as caught:
        acts.rollback(tree.Host(root), tree.back(force=True))
    assert "\n" not in str(caught.value) and "SHA-256" not in str(caught.value)
    assert journal.records(tree.Host(root)) == [] and tree.look(root) == before


def test_a_journal_that_others_could_write_does_not_count(root: Path) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    record(root, 1).chmod(0o666)
    with pytest.raises(RefusedError, match="others can write it"):
        acts.rollback(tree.Host(root), tree.back())
    record(root, 1).chmod(0o600)
    shutil.copy(record(root, 1), record(root, 1).with_name("000001-copy.json"))
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert not wanting(root)


class Signalled(faults.Counting):
    """Sends its own process a signal at one step."""

    def __init__(self, at: int, number: int) -> None:
        super().__init__()
        self._at, self._number = at, number

    def fail(self, what: str, path: str, call: Callable[[], T]) -> T:
        if len(self.steps) - 1 == self._at:
            os.kill(os.getpid(), self._number)
        return call()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_in_the_middle_takes_all_back(root: Path, number: int) -> None:
    old = tree.look(root)
    with pytest.raises(StoppedError, match="as before") as caught:
        acts.apply(tree.Host(root, Signalled(30, number)), tree.asked())
    assert caught.value.exit_code == 128 + number
    assert tree.look(root) == old and status(root, 1) == Status.UNDONE
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_signal_in_a_rollback_leaves_it_to_be_finished(root: Path) -> None:
    old = tree.look(root)
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    with pytest.raises((HosttuneError, KeyboardInterrupt)):
        acts.rollback(tree.Host(root, Signalled(20, signal.SIGTERM)), tree.back())
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert tree.look(root) == old


def test_every_state_has_words_in_the_history(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    (root / DROP_IN).write_text((root / DROP_IN).read_text() + "# mine\n")
    assert acts.rollback(tree.Host(root), tree.back(format="table")) == 1
    assert "sudo hosttune rollback 1 --force" in capsys.readouterr().out
    for state in Status:
        tree.reseal(record(root, 1), lambda found: found.update(status=state.value))  # noqa: B023
        acts.history(root, "table")
        assert f"{1:>4}" in capsys.readouterr().out


@pytest.mark.parametrize("order", [(2, 1), (1, 2)])
@pytest.mark.parametrize("live", [True, False])
def test_an_apply_that_moved_the_file_leaves_the_settings_of_the_other(
    root: Path, order: tuple[int, int], live: bool
) -> None:
    host, options = (tree.Host(root), {}) if live else (LiveHost(str(root)), {"root": str(root)})
    mine = logins(root)
    asked = tree.asked(profile=[mine], user=["root", "alice"], **options)
    assert acts.apply(host, asked) == 0
    theirs = {
        "etc/sysctl.d/95-admin.conf": "net.ipv4.tcp_tw_reuse = 0\n",
        "etc/security/limits.d/95-admin.conf": "alice - nofile 1000\n",
        "etc/systemd/system/haproxy.service.d/95-admin.conf": "[Service]\nLimitNOFILE=5000\n",
    }
    old = {path: what for path, what in tree.look(root).items() if path.startswith("etc")}
    for path, text in theirs.items():
        (root / path).write_text(text)
    assert acts.apply(host, asked) == 0
    assert len(journal.records(host)) == 2
    wanted = settings(root)
    assert acts.rollback(host, tree.back(id=order[0], **options)) == 0
    assert settings(root) == wanted  # both applies want the same
    # the directory of the drop-in stays, and is named: it holds a file of others
    assert acts.rollback(host, tree.back(id=order[1], **options)) == 1
    assert settings(root) == {} and {status(root, 1), status(root, 2)} == {Status.ROLLED_BACK}
    for path in theirs:
        (root / path).unlink()
    before = {path for path in old if "hosttune" not in path and not path.endswith(".service.d")}
    assert {p for p in tree.look(root) if p.startswith("etc") and not p.endswith(".service.d")} == before


def settings(root: Path) -> dict[str, set[str]]:
    """Return the settings in the files of ours, by directory: whatever their names are."""
    found: dict[str, set[str]] = {}
    for path in (root / "etc").rglob("*hosttune*.conf"):
        lines = {line for line in path.read_text().splitlines() if line and line[0] not in "#["}
        found[str(path.parent)] = found.get(str(path.parent), set()) | lines
    return found


@pytest.mark.slow
def test_a_directory_that_is_no_configuration_holds_up_nothing_else(root: Path) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    for number in range(MOST_NAMES + 1):
        (root / f"etc/sysctl.d/{number:06d}.conf").touch()
    before = tree.look(root)
    assert acts.rollback(tree.Host(root), tree.back()) == 1
    after = tree.look(root)
    gone = set(before) - set(after)
    assert any("haproxy.service.d" in path for path in gone)
    # what would be judged by that directory stays, and nothing else of what was written
    lines = (root / DROP_IN).read_text().splitlines()
    assert [line for line in lines if line and line[0] != "#"] == ["fs.nr_open = 2000200"]
