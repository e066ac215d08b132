"""Apply into hostile trees: the real systemd-sysctl and the real pam_limits then give exactly what was announced."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from hosttune.changes import transaction
from hosttune.changes.plan import plan
from hosttune.changes.planned import Planned
from hosttune.changes.request import PlanFacts, Request
from hosttune.facts import machine
from hosttune.model import Operator, Plan, Requirement, Severity, Subject, Value
from hosttune.resolve import pam_rules
from hosttune.workflows import examine, opening
from tests.differential import sysctl_sandbox as sandbox
from tests.differential import test_pam_differential as pam
from tests.running import Running

TREES = 150
KEYS = ("vm.aa", "net.conf.all.x", "net.core.z")
LOGINS = ("alice", "bob", "svc", "root")
WANTED = (3500, 3600)


def wish(subject: str, operator: Operator, value: Value) -> Requirement:
    return Requirement(Subject.parse(subject), operator, (value,), "a test", "a test", Severity.ERROR, ("mine",))


def carry_out(host: Running, request: Request) -> Plan:
    """Plan the files of a request and write them; nothing is written where the plan refuses."""
    findings = examine.judge_again(host, opening.open_profiles([], []), request.requirements)
    made = plan(Planned(host), findings, request, PlanFacts(machine.gather(host), {}))
    for change in made.changes if not made.refusals else ():
        transaction.make(host, change)
    return made


@pytest.mark.parametrize("release", ["native", "trixie"])
def test_the_real_loader_sets_what_was_announced(release: str, tmp_path: Path) -> None:
    root = pam.root_of("trixie") if release == "trixie" else ""
    pam.root_of("bookworm")  # the same needs, said the same way
    rng = random.Random(71)
    trees = [tmp_path / str(number) for number in range(TREES)]
    plans: dict[Path, Plan] = {}
    passing: dict[Path, bool] = {}
    wishes = tuple(wish(f"sysctl:{key}", Operator.EQUALS, 77) for key in KEYS)
    request = Request(wishes, runtime=False, allow=KEYS)
    for tree in trees:
        sandbox.make(tree, rng)
        (tree / "etc/os-release").write_text(f"ID=debian\nVERSION_ID={13 if root else 12}\n")
        for key in sandbox.KEYS:
            (tree / "proc/sys" / key).write_text("5\n")
        (tree / "proc/sys/kernel").mkdir()
        (tree / "proc/sys/kernel/osrelease").write_text("6.1\n")
        passing[tree] = any((tree / "run/sysctl.d").iterdir())
        plans[tree] = carry_out(Running(str(tree)), request)
        for path in (tree / "run/sysctl.d").iterdir():  # the loader runs after a boot
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    sandbox.run(trees, root)
    done = [tree for tree in trees if not plans[tree].refusals]
    assert len(done) > TREES * 0.9
    differs = 0
    for tree in done:
        boot, reload = sandbox.written(tree, "systemd"), sandbox.written(tree, "procps")
        for key in KEYS:
            path = key.replace(".", "/")
            assert boot[path] == "77", (tree.name, key, boot[path], plans[tree])
            told = [note for note in plans[tree].notes if note.startswith(f"{key}: `sysctl --system` would set ")]
            # what the other loader makes of it is announced as well, value and all
            if passing[tree]:
                continue  # that was said of the files in /run too
            assert (reload[path] != "77") == bool(told), (tree.name, key, reload[path], plans[tree].notes)
            differs += bool(told)
            assert not told or re.search(rf"would set {re.escape(reload[path])} \(", told[0]), told
    assert differs > 5


@pytest.mark.parametrize(
    ("release", "rules"),
    [("bookworm", pam_rules.DEBIAN_12), ("trixie", pam_rules.DEBIAN_13)],
    ids=["debian12", "debian13"],
)
def test_the_real_module_gives_what_was_announced(release: str, rules: pam_rules.PamRules, tmp_path: Path) -> None:
    root = pam.root_of(release)
    pam.world(tmp_path)
    version = 12 if rules is pam_rules.DEBIAN_12 else 13
    (tmp_path / "etc/os-release").write_text(f"ID=debian\nVERSION_ID={version}\nVERSION_CODENAME={release}\n")
    security = tmp_path / "etc/security"
    announced: dict[tuple[int, str], tuple[str, str]] = {}
    refused = 0
    for number in range(TREES):
        pam.plant(tmp_path / "trees" / str(number), random.Random(1000 + number))
        security.unlink(missing_ok=True)
        security.symlink_to(f"/trees/{number}")
        for user in LOGINS:
            host = Running(str(tmp_path))
            made = carry_out(host, Request((wish(f"nofile:login/{user}", Operator.AT_LEAST, WANTED),), runtime=False))
            refused += bool(made.refusals)
            for change in made.changes if not made.refusals else ():
                text = getattr(change.after, "text", "")
                found = dict(re.findall(rf"^{user} (soft|hard) nofile (\d+)", text, re.M))
                if found:
                    announced[number, user] = (found["soft"], found["hard"])
    real = pam.answers(tmp_path, root)
    assert len(announced) > TREES and refused
    wrong = [f"{who}: announced {said}, real {real[who]}" for who, said in announced.items() if real[who] != said]
    assert not wrong, f"{len(wrong)} of {len(announced)}\n" + "\n".join(wrong[:12])
