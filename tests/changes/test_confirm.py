"""Apply, confirm and roll back what waits to be confirmed: who may, what is said, what others have changed."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from hosttune.changes import codec, journal
from hosttune.changes.record import Status
from hosttune.errors import ApplyError, HosttuneError, UsageError
from hosttune.options import ApplyOptions, Place
from hosttune.workflows import confirming
from tests.changes import acts, tree, waiting
from tests.changes.waiting import do_apply, do_confirm, do_expire, do_rollback, look, options, pass_time, record

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

DROP_IN = "etc/sysctl.d/90-hosttune.conf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return waiting.make(tmp_path / "host")


def schema(name: str) -> Any:
    return json.loads((files("hosttune.render") / f"{name}.schema.json").read_text("utf-8"))


def refused(run: Any, *args: Any) -> str:
    with pytest.raises(HosttuneError) as error:
        run(*args)
    assert error.value.exit_code == 5 and "\n" not in str(error.value)
    return str(error.value)


def test_what_waits_is_said_and_the_files_of_etc_are_as_before(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = look(root)
    assert do_apply(root) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("apply"))
    waits = document["confirm"]["waits"]
    assert "/etc/security/limits.d/90-hosttune.conf" in waits and f"/{DROP_IN}" in waits
    assert {path: what for path, what in look(root).items() if path.startswith("etc")} == {
        path: what for path, what in old.items() if path.startswith("etc")
    }
    # the runtime value is that of the plan, and the row says what a boot brings once it is confirmed
    row = next(one for one in document["results"] if one["subject"] == "sysctl:net.ipv4.tcp_tw_reuse")
    assert (row["was"], row["now"], row["boot"]) == ("2", "1", "1")
    assert do_confirm(root) == 0
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("confirm"))
    assert set(document["files"]) == set(waits) and document["changed"]


def test_the_last_lines_are_commands(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do_apply(root, format="table") == 0
    said = capsys.readouterr().out
    assert "2 -> 1  (now and at boot once confirmed)" in said
    assert said.splitlines()[-2:] == [
        "    keep it: sudo hosttune confirm 1",
        "    undo it now: sudo hosttune rollback 1",
    ]
    assert f"undone in {waiting.WITHIN} s" in said


def test_history_shows_each_state(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def shown() -> str:
        capsys.readouterr()
        acts.history(tree.Host(root), "json")
        jsonschema.validate(json.loads(capsys.readouterr().out), schema("history"))
        acts.history(tree.Host(root), "table")
        return " ".join(capsys.readouterr().out.split())

    do_apply(root)
    pass_time(root, 40.5)
    assert "not confirmed: 60 s left" in shown()
    assert "keep: sudo hosttune confirm 1; undo: sudo hosttune rollback 1" in shown()
    pass_time(root)
    assert "not confirmed in time, and its timer has not undone it" in shown()
    assert "heal: sudo hosttune rollback" in shown()
    do_expire(root)
    assert "not confirmed in time, undone" in shown() and "undo:" not in shown()
    do_apply(root)
    do_rollback(root)
    assert "rolled back before it was confirmed" in shown()
    do_apply(root)
    do_confirm(root)
    assert "in force" in shown()


def test_nothing_else_is_written_while_it_waits(root: Path) -> None:
    do_apply(root, confirm_within="", only="sysctl")
    do_apply(root)
    said = refused(do_apply, root)
    assert "apply 2 waits to be confirmed (100 s left)" in said
    assert "`sudo hosttune confirm 2`" in said and "`sudo hosttune rollback 2`" in said
    assert "apply 2 waits" in refused(lambda: acts.rollback(tree.Host(root), tree.back(id=1)))
    assert acts.rollback(tree.Host(root), tree.back(id=2)) == 0
    assert acts.rollback(tree.Host(root), tree.back(id=1)) == 0


def test_a_dry_run_shows_the_plan_while_another_waits(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert do_apply(root, dry_run=True, format="table") == 4
    said = " ".join(capsys.readouterr().out.split())
    assert "until it is confirmed, /etc/security/limits.d/90-hosttune.conf waits" in said
    assert "/run/sysctl.d/90-hosttune.trial.conf" in said
    do_apply(root)
    assert do_apply(root, dry_run=True) == 4


def test_a_dry_run_of_a_confirm_shows_what_waits(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    do_apply(root)
    seen = look(root)
    capsys.readouterr()
    assert acts.confirm(tree.Host(root), dry_run=True) == 4
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, schema("confirm"))
    assert f"/{DROP_IN}" in document["files"] and "+net.ipv4.tcp_tw_reuse = 1" in document["diff"]
    assert look(root) == seen and record(root)["status"] == "unconfirmed"
    assert do_confirm(root) == 0
    assert acts.confirm(tree.Host(root), 1, dry_run=True, format="table") == 0
    assert "Nothing to do" in capsys.readouterr().out


def test_it_is_too_late_at_the_deadline_and_all_is_back(root: Path) -> None:
    old = look(root)
    do_apply(root)
    pass_time(root)
    said = refused(do_confirm, root)
    assert said.startswith("too late: apply 1 was not confirmed in time: it has been undone")
    assert look(root) == old
    assert "no apply waits for it" in refused(do_confirm, root)
    said = refused(lambda: acts.confirm(tree.Host(root), 1, format="table"))
    assert "apply 1 cannot be confirmed: it was not confirmed in time" in said


def test_the_next_verb_takes_back_what_its_timer_did_not(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    do_apply(root)
    pass_time(root)
    assert do_apply(root) == 0
    assert "apply 1 was not confirmed in time: it has been undone" in capsys.readouterr().err
    assert record(root)["status"] == "rolled-back" and record(root, 2)["status"] == "unconfirmed"


def test_after_a_reboot_nothing_is_written_for_it(root: Path, tmp_path: Path) -> None:
    stock = waiting.fresh(root, tmp_path / "stock")
    do_apply(root)
    applied = look(root)["proc/sys/net/ipv4/tcp_tw_reuse"]
    waiting.reboot(root, stock)
    # somebody's file sets it at boot to what the apply had written: that is theirs
    (root / "proc/sys/net/ipv4/tcp_tw_reuse").write_text(f"{applied[0]}\n")
    seen = look(root)
    assert "not confirmed before the reboot" in refused(do_confirm, root)
    assert look(root) == seen
    assert record(root)["status"] == "undone"
    assert record(root)["confirm"]["ended"] == "not confirmed before the reboot"


def test_a_file_that_was_changed_since_is_refused_and_it_still_waits(root: Path) -> None:
    do_apply(root)
    (root / DROP_IN).write_text("# Written by hosttune\nnet.core.somaxconn = 9999\n")
    said = refused(do_confirm, root)
    assert f"/{DROP_IN} was changed by somebody else since" in said and "`sudo hosttune rollback 1`" in said
    assert record(root)["status"] == "unconfirmed"
    (root / DROP_IN).unlink()
    (root / DROP_IN).symlink_to("/dev/null")
    assert "not a regular file" in refused(do_confirm, root)


def test_a_directory_that_somebody_made_since_is_theirs(root: Path) -> None:
    do_apply(root)
    theirs = root / "etc/systemd/system/haproxy.service.d"
    theirs.mkdir()
    (theirs / "mine.conf").write_text("[Service]\nNice=1\n")
    assert do_confirm(root) == 0
    do_rollback(root)
    assert [path.name for path in theirs.iterdir()] == ["mine.conf"]


def test_a_value_that_somebody_else_changed_is_left_and_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = look(root)
    do_apply(root)
    (root / "proc/sys/net/ipv4/tcp_tw_reuse").write_text("0\n")
    pass_time(root)
    capsys.readouterr()
    assert do_expire(root) == 0
    said = capsys.readouterr().err
    assert "net.ipv4.tcp_tw_reuse was changed by somebody else since: 1 then, 0 now; left alone" in said
    seen = look(root)
    assert {path for path in seen if seen[path] != old.get(path)} == {"proc/sys/net/ipv4/tcp_tw_reuse"}
    assert record(root)["status"] == "partly-rolled-back"
    assert [one["target"] for one in record(root)["left"]] == ["net.ipv4.tcp_tw_reuse"]


def test_services_that_were_started_again_are_started_again_with_the_old_limits(root: Path) -> None:
    host = tree.Host(root)
    tree.process(root, 77, "system.slice/haproxy.service")
    (root / "sys/fs/cgroup/system.slice/haproxy.service").mkdir(parents=True)
    (root / "sys/fs/cgroup/system.slice/haproxy.service/cgroup.procs").write_text("77\n")
    from hosttune.workflows import expire

    assert acts.apply(host, options(root, restart=True)) == 0
    assert host.acts[0].startswith("timer arm systemd 1 100 ")
    assert host.acts[1:] == ["systemd daemon-reload", "systemd restart haproxy.service"]
    pass_time(root)
    host.acts.clear()
    assert expire.on(host, 1) == 0
    assert host.acts == ["systemd daemon-reload", "systemd restart haproxy.service", "timer cancel systemd 1"]


def test_an_apply_that_takes_longer_than_its_time_is_taken_back(root: Path) -> None:
    old = look(root)

    class Slow(tree.Host):
        def act(self, name: str, **args: Any) -> None:
            super().act(name, **args)
            if args["verb"] == "daemon-reload":
                pass_time(root)

    with pytest.raises(ApplyError, match=r"took longer than the 100 s to confirm it; all \d+ changes are as before"):
        acts.apply(Slow(root), options(root))
    assert look(root) == old and record(root)["status"] == "undone"


def test_a_value_that_the_kernel_does_not_take_back_cannot_be_tried(tmp_path: Path) -> None:
    root = waiting.make(tmp_path / "host")
    plan = confirming.adjusted(
        tree.Host(root),
        _plan_with_one_way(),
        confirming.Within(60),
    )
    assert "so it cannot be tried; --except net.ipv4.tcp_mem" in plan.refusals[0]


def _plan_with_one_way() -> Any:
    from hosttune.model import Change, Plan

    return Plan(changes=(Change("sysctl", "net.ipv4.tcp_mem", "0 0 0", "1 2 3"),), one_way=("net.ipv4.tcp_mem",))


def test_without_a_clock_nothing_can_be_tried(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "proc/uptime").unlink()
    assert do_apply(root) == 5
    assert "no deadline can be kept" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "seconds"), [("5", 5), ("120s", 120), ("2m", 120), ("1h", 3600), (" 90 ", 90), ("60 s", 60)]
)
def test_times(text: str, seconds: int) -> None:
    assert confirming.within(ApplyOptions(confirm_within=text), Place()) == confirming.Within(seconds)


@pytest.mark.parametrize("text", ["4", "0", "-5", "61m", "2h", "1d", "1e3", "12.5", "1h30m", "٣٠", "9" * 40, "5\n6"])
def test_times_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="no time from 5 s to an hour; write 120s or 2m"):
        confirming.within(ApplyOptions(confirm_within=text), Place())


@pytest.mark.parametrize(
    "more",
    [
        {"root": "/srv/image"},
        {"persist_only": True},
        {"snapshot": "x.json", "dry_run": True},
        {"script": True, "yes": False, "format": "table"},
        {"confirm_within": "", "confirm_if": "true"},
        {"confirm_if": "  "},
    ],
)
def test_wrong_use(root: Path, more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="--confirm"):
        acts.run(options(root, **more))
    assert not (root / tree.JOURNAL).exists()


def test_the_journal_comes_back_as_it_was(root: Path) -> None:
    do_apply(root)
    found = journal.records(tree.Host(root))[0]
    assert found.confirm and found.pending and found.status is Status.UNCONFIRMED
    assert codec.record_of(codec.text_of(found)) == found


def test_a_machine_is_left_without_anything_below_run(root: Path) -> None:
    shutil.rmtree(root / "run/systemd")
    old = look(root)
    do_apply(root)
    # systemd is not seen to run: nothing may say that it does
    assert not (root / "run/systemd").exists() and (root / "run/sysctl.d").exists()
    assert record(root)["confirm"]["timer"] == "process"
    pass_time(root)
    do_expire(root)
    assert look(root) == old


@pytest.mark.parametrize(
    "wrong",
    [{"confirm": None}, {"timer": "cron"}, {"seconds": 0}, {"deadline": "x"}, {"boot": 1}, {"more": 1}],
)
def test_a_record_that_says_nonsense_of_its_confirm_is_damaged(root: Path, wrong: dict[str, Any]) -> None:
    do_apply(root)
    told = record(root)
    told.pop("sha256")
    told |= wrong if "confirm" in wrong else {"confirm": told["confirm"] | wrong}
    with pytest.raises(ValueError, match="confirm"):
        codec.record_of(codec.sealed(told))


def test_an_image_of_a_disk_on_which_one_waited_has_nothing_of_it(root: Path) -> None:
    do_apply(root)
    host = tree.Host(root)
    host.runs = False
    asked = tree.back(root=str(root))
    seen = {path: what for path, what in look(root).items() if not path.startswith("run")}
    assert acts.rollback(host, asked) == 0
    assert {path: what for path, what in look(root).items() if not path.startswith("run")} == seen
    assert record(root)["status"] == "undone"
