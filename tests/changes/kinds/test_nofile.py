"""What becomes of descriptor limits: files, running processes, and the fs.nr_open above them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.changes import acts, tree
from tests.changes.test_apply import ask, profile

pytestmark = pytest.mark.slow  # verb after verb, each on a machine of its own

DROP_IN = "etc/sysctl.d/90-hosttune.conf"
UNIT_DROP_IN = "etc/systemd/system/haproxy.service.d/90-hosttune.conf"


def test_nr_open_that_is_to_stay_as_it_is_stays(root: Path, run: Any) -> None:
    mine = profile(root, "mine", ("nofile:login", "at_least", [2_000_000, 2_000_000]))
    for asked in (tree.asked(leave=["fs.nr_open"]), ask(mine, leave=["fs.nr_open"])):
        code, document = run(root, asked)
        assert code == 5 and "--except fs.nr_open" in document["refused"][0]
        assert not any("nr_open" in change["target"] for change in document["changes"])
    less = profile(root, "less", ("nofile:login", "at_least", [5000, 5000]))
    assert run(root, ask(less, leave=["fs.nr_open"]))[0] == 0


@pytest.mark.parametrize("only", ["units", "limits"])
def test_nr_open_too_low_blames_no_file_of_ours(root: Path, run: Any, only: str) -> None:
    mine = profile(root, "mine", ("nofile:login", "at_least", [2_000_000, 2_000_000]))
    code, document = run(root, tree.asked(only=only, profile=[mine]))
    assert code == 5 and len(document["refused"]) == 1 and "fs.nr_open" in document["refused"][0]


def test_a_login_gets_no_more_than_nr_open_now_where_only_files_are_written(root: Path, run: Any) -> None:
    login = profile(root, "login", ("nofile:login", "at_least", [2_000_000, 2_000_000]))
    code, document = run(root, ask(login, persist_only=True))  # the next login would fail
    assert code == 5 and "now" in document["refused"][0]
    service = profile(root, "service", ("nofile:unit/haproxy.service", "at_least", [2_000_000, 2_000_000]))
    assert run(root, ask(service, persist_only=True))[0] == 0  # it starts again after the boot


@pytest.mark.parametrize(
    ("files", "now", "written"),
    [
        ({}, 1_048_576, "2000000"),
        ({}, 3_000_000, "3000000"),  # raised by hand: gone after a boot
        ({"/etc/sysctl.d/50.conf": "fs.nr_open = 1500000\n"}, 3_000_000, "3000000"),
        ({"/etc/sysctl.d/50.conf": "fs.nr_open = 2500000\n"}, 3_000_000, None),
        ({}, 1_073_741_816, None),  # this systemd raises it at each boot
        ({"/etc/os-release": "ID=debian\nVERSION_ID=13\n"}, 3_000_000, None),
    ],
)
def test_nr_open_holds_at_boot_for_what_is_written(
    root: Path, run: Any, files: dict[str, str], now: int, written: str | None
) -> None:
    tree.make(root, files, {"fs/nr_open": str(now)})
    mine = profile(root, "mine", ("nofile:unit/haproxy.service", "at_least", [2_000_000, 2_000_000]))
    assert run(root, ask(mine))[0] == 0
    text = (root / DROP_IN).read_text() if (root / DROP_IN).exists() else ""
    assert (f"fs.nr_open = {written}\n" in text) if written else "nr_open" not in text
    assert "LimitNOFILE=2000000" in (root / UNIT_DROP_IN).read_text()


GROUPS = {
    "haproxy.service": ("haproxy.service", "system.slice/haproxy.service"),
    "foo@1.service": ("foo@.service", "system.slice/system-foo.slice/foo@1.service"),
    "my.service": ("my.service", "my.slice/my.service/worker"),
    "alias.service": ("real.service", "system.slice/real.service"),
}


@pytest.mark.parametrize("unit", GROUPS)
def test_running_processes_of_a_service_are_raised_and_never_lowered(root: Path, run: Any, unit: str) -> None:
    file, group = GROUPS[unit]
    tree.make(root, {f"/usr/lib/systemd/system/{file}": "[Service]\nExecStart=/x\n"})
    (root / "etc/systemd/system/alias.service").symlink_to("/usr/lib/systemd/system/real.service")
    tree.process(root, 812, group, (1024, 900_000))
    tree.process(root, 813, group, (4000, 4096))
    tree.process(root, 900, "system.slice/other.service")
    row = (f"nofile:unit/{unit}", "at_least", [5000, 6000])
    code, document = run(root, ask(profile(root, "mine", row), service=unit, live=True, dry_run=True))
    limits = {c["target"].partition(":")[0]: c["after"] for c in document["changes"] if c["backend"] == "prlimit"}
    assert code == 4 and limits == {"812": "5000 900000", "813": "5000 6000"}
    for pid in (812, 813):
        (root / f"proc/{pid}/cgroup").write_text("0::/init.scope\n")
    code, document = run(root, ask(profile(root, "mine", row), service=unit, live=True, dry_run=True))
    # a service that does not run has nothing to raise, and its limits on disk are all there is to see
    assert not any(c["backend"] == "prlimit" for c in document["changes"])


def test_a_service_that_runs_with_less_is_named_and_started_again_if_asked(
    root: Path, run: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    tree.process(root, 812, "system.slice/haproxy.service")
    code, document = run(root, tree.asked(dry_run=True))
    assert code == 4 and document["restarts"] == ["haproxy.service"]
    host = tree.Host(root)
    assert acts.apply(host, tree.asked(restart=True)) == 0
    assert host.acts == ["systemd daemon-reload", "systemd restart haproxy.service"]
    # the process of the tree goes on as it was: the service is named until it was started again
    capsys.readouterr()
    assert run(root, tree.asked(dry_run=True))[1]["restarts"] == ["haproxy.service"]


def test_a_hard_limit_is_never_below_the_soft_one(root: Path, run: Any) -> None:
    mine = profile(root, "mine", ("nofile:unit/haproxy.service", "equals", [7000, 5000]))
    run(root, ask(mine))
    assert "LimitNOFILE=7000\n" in (root / UNIT_DROP_IN).read_text()


@pytest.mark.parametrize(("operator", "subject"), [("at_least", "login/alice"), ("equals", "unit/haproxy.service")])
def test_a_single_number_is_meant_for_soft_and_hard(root: Path, run: Any, operator: str, subject: str) -> None:
    mine = profile(root, "mine", (f"nofile:{subject}", operator, 100_000))
    code, document = run(root, ask(mine))
    assert (code, document["changed"]) == (0, True)
    assert run(root, ask(mine))[1]["changed"] is False
    files = [root / "etc/security/limits.d/90-hosttune.conf", root / UNIT_DROP_IN]
    text = "".join(path.read_text() for path in files if path.exists())
    assert "LimitNOFILE=100000\n" in text or ("soft nofile 100000" in text and "hard nofile" in text)


def test_a_limit_that_is_no_number_of_files_is_named(root: Path, run: Any) -> None:
    code, document = run(root, ask(profile(root, "mine", ("nofile:login/alice", "equals", "many"))))
    assert (code, document["changed"]) == (0, False) and any("many" in note for note in document["notes"])


def test_a_role_whose_service_is_not_there_says_so(root: Path, run: Any) -> None:
    (root / "usr/lib/systemd/system/haproxy.service").unlink()
    code, document = run(root, tree.asked(only="units"))
    assert (code, document["changed"]) == (0, False)
    assert any("no unit file of haproxy.service" in note and "--user" in note for note in document["notes"])


def test_a_file_of_a_package_under_our_name_is_not_masked(root: Path, run: Any) -> None:
    theirs = "/usr/lib/systemd/system/haproxy.service.d/90-hosttune.conf"
    tree.make(root, {theirs: "[Service]\nMemoryMax=1G\n"})
    assert run(root, tree.asked())[0] == 0
    assert not (root / UNIT_DROP_IN).exists()
    assert "LimitNOFILE" in (root / UNIT_DROP_IN.replace("90-", "99-")).read_text()
