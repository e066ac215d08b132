"""What an apply does, leaves alone, refuses, and how several come off again."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
import sys
import threading
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from hosttune.changes import journal
from hosttune.errors import RefusedError, UsageError
from hosttune.host.live import LiveHost
from tests import verbs
from tests.changes import acts, tree

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

DROP_IN = "etc/sysctl.d/90-hosttune.conf"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Any:
    """Return a function that gives the last document printed."""
    return lambda: json.loads(capsys.readouterr().out)


def profile(root: Path, name: str, *rows: tuple[str, str, object]) -> str:
    """Write a profile of (subject, operator, value) rows beside the tree and return its path."""
    text = f'[profile]\nname = "{name}"\ntitle = "{name}"\n'
    for subject, operator, value in rows:
        text += f'[[require]]\nsubject = "{subject}"\noperator = "{operator}"\nvalue = {json.dumps(value)}\n'
        text += 'why = "a test"\nsource = "a test"\nseverity = "error"\n'
    path = root.parent / f"{name}.toml"
    path.write_text(text)
    return str(path)


def ask(*files: str, **options: Any) -> acts.Asked:
    return tree.asked(role=[], profile=list(files), connections=None, **options)


def sysctl(root: Path, key: str) -> str:
    return " ".join((root / "proc/sys" / key.replace(".", "/")).read_text().split())


def targets(document: dict[str, Any]) -> list[str]:
    return [change["target"] for change in document["changes"]]


def test_the_order_is_safe(root: Path, said: Any) -> None:
    files = profile(
        root,
        "mine",
        ("sysctl:net.ipv4.ip_local_reserved_ports", "covers", "1883,8404"),
        ("sysctl:fs.file-max", "equals", 5_000_000),
        ("sysctl:net.netfilter.nf_conntrack_max", "at_least", 2_000_000),
        ("nofile:login", "at_least", [2_000_000, 2_000_000]),
    )
    for path, text in {"nf_conntrack_max": "262144", "nf_conntrack_count": "7"}.items():
        target = root / "proc/sys/net/netfilter" / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(text + "\n")
    asked = tree.asked(profile=[files], dry_run=True)
    assert acts.apply(tree.Host(root), asked) == 4
    order = targets(said())
    before = [
        ("/etc/modules-load.d/90-hosttune.conf", "net.netfilter.nf_conntrack_max"),
        ("fs.nr_open", "fs.file-max"),
        ("fs.file-max", "/etc/security/limits.d/90-hosttune.conf"),
        ("net.ipv4.ip_local_reserved_ports", "net.ipv4.ip_local_port_range"),
        ("fs.nr_open", f"/{DROP_IN}"),
        (f"/{DROP_IN}", "/etc/security/limits.d/90-hosttune.conf"),
        ("/etc/systemd/system/haproxy.service.d", "/etc/systemd/system/haproxy.service.d/90-hosttune.conf"),
        ("/etc/security/limits.d/90-hosttune.conf", "/etc/systemd/system/haproxy.service.d/90-hosttune.conf"),
    ]
    for first, second in before:
        assert order.index(first) < order.index(second), (first, second)
    assert acts.apply(tree.Host(root), tree.asked(profile=[files])) == 0
    said()
    assert acts.rollback(tree.Host(root), tree.back(dry_run=True)) == 4
    back = re.findall(r"^(?:directory )?([^ :\n]+)", re.sub(r"(?m)^  .*\n", "", said()["diff"]), re.M)
    for first, second in before:
        if "service.d" not in first:
            assert back.index(second) < back.index(first), (first, second)


def test_the_second_apply_touches_nothing(root: Path, said: Any) -> None:
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert said()["changed"] is True
    before = {path: path.lstat().st_mtime_ns for path in root.rglob("*")}
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert said()["changed"] is False
    assert {path: path.lstat().st_mtime_ns for path in root.rglob("*")} == before


def test_what_is_good_enough_is_not_touched_and_nothing_is_lowered(root: Path, said: Any) -> None:
    tree.make(root, sysctls={"net/core/netdev_max_backlog": "500000", "net/ipv4/tcp_mem": "900000\t950000\t960000"})
    acts.apply(tree.Host(root), tree.asked())
    assert not {"net.core.netdev_max_backlog", "net.ipv4.tcp_mem"} & set(targets(said()))
    for name, value in (("a", [1, 970_000, 1]), ("b", [1, 1, 1])):
        low = profile(root, name, ("sysctl:net.ipv4.tcp_mem", "at_least", value))
        assert acts.apply(tree.Host(root), ask(low)) == 0
        assert sysctl(root, "net.ipv4.tcp_mem") == "900000 970000 960000"


def test_runtime_only_and_persist_only_write_their_layer(root: Path) -> None:
    old = tree.look(root)
    assert acts.apply(tree.Host(root), tree.asked(runtime_only=True)) == 0
    changed = {path for path, what in tree.look(root).items() if old.get(path) != what}
    assert changed and all(path.startswith("proc/sys") for path in changed)
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert tree.look(root) == old
    assert acts.apply(tree.Host(root), tree.asked(persist_only=True)) == 0
    changed = {path for path, what in tree.look(root).items() if old.get(path) != what}
    assert DROP_IN in changed and not any(path.startswith("proc") for path in changed)


def test_overlapping_applies_come_off_in_any_order(root: Path, said: Any) -> None:
    old = tree.look(root)
    first = profile(
        root, "first", ("sysctl:net.core.somaxconn", "at_least", 65535), ("sysctl:vm.swappiness", "equals", 10)
    )
    second = profile(root, "second", ("sysctl:net.core.somaxconn", "at_least", 100_000))
    third = profile(root, "third", ("sysctl:net.core.somaxconn", "at_least", 8192))
    for order in ([1, 2, 3], [3, 2, 1], [2, 1, 3], [2, 3, 1], [1, 3, 2], [3, 1, 2]):
        done = len(journal.records(LiveHost(str(root))))
        for file in (first, second, third):
            acts.apply(tree.Host(root), ask(file))
        left = {1: 65535, 2: 100_000}  # the third found its want fulfilled, and has no change of its own
        for number in order:
            if number == 3:
                continue
            assert acts.rollback(tree.Host(root), tree.back(id=done + number)) == 0
            left.pop(number)
            assert sysctl(root, "net.core.somaxconn") == str(max([4096, *left.values()]))
            assert sysctl(root, "vm.swappiness") == ("10" if 1 in left else "60")
        assert tree.look(root) == old


def test_a_want_that_another_apply_fulfilled_stays_fulfilled(root: Path) -> None:
    old = tree.look(root)
    first = profile(root, "first", ("sysctl:net.core.somaxconn", "at_least", 65535))
    second = profile(
        root, "second", ("sysctl:net.core.somaxconn", "at_least", 8192), ("sysctl:vm.swappiness", "equals", 10)
    )
    assert acts.apply(tree.Host(root), ask(first)) == 0
    assert acts.apply(tree.Host(root), ask(second)) == 0
    assert acts.rollback(tree.Host(root), tree.back(id=1)) == 0
    assert sysctl(root, "net.core.somaxconn") == "8192"
    assert "somaxconn = 8192" in (root / DROP_IN).read_text()
    assert acts.rollback(tree.Host(root), tree.back(id=2)) == 0
    assert tree.look(root) == old


def test_what_somebody_else_changed_is_shown_and_left(root: Path, said: Any) -> None:
    old = tree.look(root)
    acts.apply(tree.Host(root), tree.asked())
    said()
    (root / "proc/sys/net/ipv4/tcp_tw_reuse").write_text("0\n")
    (root / DROP_IN).write_text((root / DROP_IN).read_text() + "vm.swappiness = 1\n")
    assert acts.rollback(tree.Host(root), tree.back()) == 1
    kept = said()["kept"]
    assert len(kept) == 2 and "tcp_tw_reuse" in " ".join(kept) and DROP_IN in " ".join(kept)
    assert sysctl(root, "net.ipv4.tcp_tw_reuse") == "0" and (root / DROP_IN).exists()
    assert sysctl(root, "fs.nr_open") == "1048576"
    (root / "proc/sys/net/ipv4/tcp_tw_reuse").write_text("2\n")
    (root / DROP_IN).unlink()
    assert tree.look(root) == old


def test_force_takes_back_what_somebody_else_changed(root: Path) -> None:
    old = tree.look(root)
    acts.apply(tree.Host(root), tree.asked())
    (root / "proc/sys/net/ipv4/tcp_tw_reuse").write_text("0\n")
    assert acts.rollback(tree.Host(root), tree.back(force=True)) == 0
    assert tree.look(root) == old


REFUSED = {
    "tcp_mem beyond RAM": ([("sysctl:net.ipv4.tcp_mem", "equals", [10**7, 10**7, 10**7])], "38.1 GiB"),
    "a value the kernel refuses": ([("sysctl:net.ipv4.tcp_tw_reuse", "equals", 3)], "0 to 2"),
    "nr_open beyond the kernel": ([("nofile:login", "equals", [2**31, 2**31])], "2,147,483,584"),
    "a range beyond the ports": ([("sysctl:net.ipv4.ip_local_port_range", "covers", [1024, 70000])], "70000"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_hurt_is_refused_before_the_first_write(root: Path, said: Any, name: str) -> None:
    rows, says = REFUSED[name]
    old = tree.look(root)
    assert acts.apply(tree.Host(root), ask(profile(root, "mine", *rows))) == 5
    assert says in " ".join(said()["refused"])
    assert tree.look(root) == old
    assert not (root / tree.JOURNAL).exists()


def test_nofile_above_nr_open_is_refused_where_nr_open_may_not_rise(root: Path, said: Any) -> None:
    assert acts.apply(tree.Host(root), tree.asked(only="units")) == 5
    assert "fs.nr_open" in said()["refused"][0]
    assert acts.apply(tree.Host(root), tree.asked(only="units,sysctl", dry_run=True)) == 4


def test_a_listener_in_the_new_range_is_refused_or_reserved(root: Path, said: Any) -> None:
    line = "   0: 00000000:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1 1 0 100 0 0 10 0\n"
    (root / "proc/net").mkdir()
    (root / "proc/net/tcp").write_text("  sl  local_address rem_address   st\n" + line)
    (root / "proc/sys/net/ipv4/ip_local_reserved_ports").write_text("8080,8090\n")
    (root / "etc/sysctl.d/50-theirs.conf").write_text("net.ipv4.ip_local_reserved_ports = 7000,8080\n")
    assert acts.apply(tree.Host(root), tree.asked()) == 5
    refused = said()["refused"][0]
    assert "1883" in refused and "--reserve-listeners" in refused
    assert acts.apply(tree.Host(root), tree.asked(reserve_listeners=True)) == 0
    assert sysctl(root, "net.ipv4.ip_local_reserved_ports") == "1883,7000,8080,8090"
    assert "ip_local_reserved_ports = 1883,7000,8080,8090" in (root / DROP_IN).read_text()


LATER = {
    "99-z.conf": "99-zz-hosttune.conf",
    "99-zzz.conf": "zz-hosttune.conf",
    "zzz.conf": "zzzz-hosttune.conf",
    "zzzzz.conf": "~~hosttune.conf",
}


@pytest.mark.parametrize("name", LATER)
def test_the_drop_in_gets_a_name_that_wins(root: Path, name: str) -> None:
    theirs = root / "usr/lib/sysctl.d" / name
    theirs.parent.mkdir(parents=True)
    theirs.write_text("net.ipv4.tcp_tw_reuse = 0\n")
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert (root / "etc/sysctl.d" / LATER[name]).exists()
    assert theirs.read_text() == "net.ipv4.tcp_tw_reuse = 0\n"


def test_a_drop_in_that_is_beaten_later_moves(root: Path) -> None:
    old = tree.look(root)
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    theirs = root / "etc/sysctl.d/95-vendor.conf"
    theirs.write_text("net.ipv4.tcp_tw_reuse = 0\n")
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert not (root / DROP_IN).exists() and (root / "etc/sysctl.d/99-hosttune.conf").exists()
    assert "fs.nr_open" in (root / "etc/sysctl.d/99-hosttune.conf").read_text()
    theirs.unlink()
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    assert tree.look(root) == old


def test_no_name_wins_is_refused_with_the_line_that_does(root: Path, said: Any) -> None:
    (root / "etc/sysctl.d/\u00ff.conf").write_text("# last\nnet.ipv4.tcp_tw_reuse = 0\n")
    assert acts.apply(tree.Host(root), tree.asked()) == 5
    refused = said()["refused"][0]
    assert "net.ipv4.tcp_tw_reuse" in refused and ".conf:2" in refused and "--except" in refused
    assert acts.apply(tree.Host(root), tree.asked(leave=["net.ipv4.tcp_tw_reuse"])) == 0


def test_files_of_others_are_never_touched_whatever_their_name(root: Path) -> None:
    theirs = root / DROP_IN
    theirs.write_text("net.core.somaxconn = 5\n")
    link = root / "etc/sysctl.d/99-hosttune.conf"
    link.symlink_to("/etc/passwd")
    passwd = (root / "etc/passwd").read_text()
    assert acts.apply(tree.Host(root), tree.asked()) == 0
    assert theirs.read_text() == "net.core.somaxconn = 5\n" and link.is_symlink()
    assert (root / "etc/passwd").read_text() == passwd
    assert (root / "etc/sysctl.d/99-zz-hosttune.conf").exists()


def test_a_line_that_exempts_a_login_is_refused_by_name(root: Path, said: Any) -> None:
    (root / "etc/security/limits.d/50-x.conf").write_text("alice -\n")
    mine = profile(root, "mine", ("nofile:login", "at_least", [70_000, 70_000]))
    assert acts.apply(tree.Host(root), ask(mine, user=["alice"])) == 5
    assert "alice" in said()["refused"][0]


def test_a_unit_and_the_manager_get_drop_ins_that_win(root: Path) -> None:
    later = root / "etc/systemd/system/service.d/95-all.conf"
    later.parent.mkdir()
    later.write_text("[Service]\nLimitNOFILE=100\n")
    mine = profile(root, "mine", ("nofile:manager", "at_least", [65536, 524288]))
    host = tree.Host(root)
    assert acts.apply(host, tree.asked(profile=[mine], restart=True)) == 0
    assert (root / "etc/systemd/system/haproxy.service.d/99-hosttune.conf").exists()
    text = (root / "etc/systemd/system.conf.d/90-hosttune.conf").read_text()
    assert "[Manager]\n" in text and "DefaultLimitNOFILE=65536:524288" in text
    assert host.acts == ["systemd daemon-reload"]  # nothing of the service runs, so nothing is started again


def test_one_of_two_waits_and_a_third_that_waits_too_long_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / tree.JOURNAL).mkdir(parents=True)
    fd = os.open(root / tree.JOURNAL / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(fd, fcntl.LOCK_EX)
    old = tree.look(root)
    monkeypatch.setattr(journal, "WAIT", 0.1)
    with pytest.raises(RefusedError, match="another hosttune"):
        acts.apply(tree.Host(root), tree.asked())
    assert tree.look(root) == old
    acts.history(root, "table")  # who only reads is never kept waiting
    monkeypatch.setattr(journal, "WAIT", 10.0)
    threading.Timer(0.3, lambda: os.close(fd)).start()
    assert acts.apply(tree.Host(root), tree.asked()) == 0


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": "hosttune/journal/9"}', '{"schema": "hosttune/journal/1"}']
)
def test_a_journal_that_cannot_be_read_is_one_line(root: Path, text: str) -> None:
    (root / tree.JOURNAL).mkdir(parents=True)
    (root / tree.JOURNAL / "000001.json").write_text(text)
    with pytest.raises(RefusedError, match=r"000001\.json is damaged") as caught:
        acts.rollback(tree.Host(root), tree.back())
    assert "\n" not in str(caught.value)


def renamed(found: dict[str, Any], target: str) -> None:
    """Put another path into a record in place of that of the drop-in."""
    found["changes"] = json.loads(json.dumps(found["changes"]).replace(f"/{DROP_IN}", target))


@pytest.mark.parametrize("target", ["/etc/passwd", "/etc/sysctl.d/../x-hosttune.conf", "/etc/sysctl.d/x.conf"])
def test_a_journal_that_names_a_file_of_others_does_not_get_it(root: Path, target: str) -> None:
    acts.apply(tree.Host(root), tree.asked())
    path = root / tree.JOURNAL / "000001.json"
    tree.reseal(path, lambda found: renamed(found, target))
    theirs = root / target.lstrip("/")
    theirs.write_bytes((root / DROP_IN).read_bytes())  # as if it were what the apply has left
    with pytest.raises(RefusedError, match="no file of hosttune's"):
        acts.rollback(tree.Host(root), tree.back(force=True))
    assert theirs.read_bytes() == (root / DROP_IN).read_bytes()


def test_rollback_of_nothing_and_of_what_is_not_there(root: Path, said: Any) -> None:
    assert acts.rollback(tree.Host(root), tree.back()) == 0
    acts.apply(tree.Host(root), tree.asked())
    with pytest.raises(UsageError, match="no such apply"):
        acts.rollback(tree.Host(root), tree.back(id=7))
    assert acts.rollback(tree.Host(root), tree.back(id=1)) == 0
    assert acts.rollback(tree.Host(root), tree.back(id=1)) == 0
    assert acts.rollback(tree.Host(root), tree.back()) == 0


def test_an_image_gets_files_only_and_no_link_leads_out(tmp_path: Path) -> None:
    image = tree.make(tmp_path / "image")
    for path in (image / "proc/sys").rglob("*"):
        if path.is_file():
            path.unlink()
    (image / "etc/sysctl.d").rmdir()
    (image / "usr/share/sysctl").mkdir(parents=True)
    (image / "etc/sysctl.d").symlink_to("/usr/share/sysctl")
    args = ["--role", "lb", "--connections", "1000000", "--root", str(image), "--yes", "--format", "json"]
    done = verbs.hosttune("apply", *args)
    assert done.returncode == 0, done.stderr + done.stdout
    assert "ip_local_port_range = 1024 65535" in (image / "usr/share/sysctl/90-hosttune.conf").read_text()
    assert "LimitNOFILE=2000200" in (image / "etc/systemd/system/haproxy.service.d/90-hosttune.conf").read_text()
    again = verbs.hosttune("apply", *args)
    assert json.loads(again.stdout)["changed"] is False


def test_the_json_has_its_form(root: Path, said: Any) -> None:
    import jsonschema

    schema = json.loads((files("hosttune.render") / "apply.schema.json").read_text())
    for asked in (tree.asked(dry_run=True), tree.asked(), tree.asked(), tree.asked(only="units", connections=10**9)):
        acts.apply(tree.Host(root), asked)
        jsonschema.validate(said(), schema)


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("n", 5), ("", 5)])
def test_a_terminal_is_asked(tmp_path: Path, answer: str, code: int) -> None:
    image = tree.make(tmp_path / "image")
    for path in (image / "proc/sys").rglob("*"):
        if path.is_file():
            path.unlink()
    old = tree.look(image)
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [sys.executable, "-m", "hosttune", "apply", "--role", "lb", "--root", str(image)]
    done = subprocess.run(command, stdin=theirs, capture_output=True, text=True, check=False, timeout=60)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert "ip_local_port_range = 1024 65535" in done.stdout and "[y/N]" in done.stdout
    assert (tree.look(image) == old) == (code == 5)


def test_nobody_to_ask_is_one_line() -> None:
    command = [sys.executable, "-m", "hosttune", "apply", "--role", "lb", "--reserve-listeners"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "--yes" in done.stderr
