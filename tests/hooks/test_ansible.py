"""The collection on this machine, with a real Ansible, on the tree of an image: nothing of this host changes."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import hosttune
from hosttune.hooks import ansible
from tests import needs
from tests.changes.tree import image
from tests.planning.deploy.test_ansible import program
from tests.vm.guest import REPO

pytestmark = pytest.mark.slow
ITSELF = f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(REPO))} exec {shlex.quote(sys.executable)} -m hosttune "$@"\n'
SAYS = "#!/bin/sh\nprintf '%s' '{}'\nexit {}\n"
NEWER = json.dumps({"schema": "hosttune/apply/2", "changed": False})
SHORT = json.dumps({"schema": "hosttune/apply/1", "changed": False})
HOLLOW = json.dumps(
    {
        **json.loads(SHORT),
        "refused": [],
        "notes": [],
        "results": [{}],
        "diff": "",
        "changes": [],
        "not_in_force": [],
        "damaged": [],
    }
)  # a row without its words
HELD = {"target": "net.core.somaxconn", "when": "now", "wrote": "65535", "holds": "7777", "by": ["tuned sets it (a:2)"]}
HELD_BY = json.dumps({**json.loads(HOLLOW), "id": 3, "results": [], "not_in_force": [HELD]})
REFUSED = [
    "/proc/sys is read-only in here; what does change it:\ndocker: make it anew, docker run with:\n  --sysctl a=1"
]
CONTAINED = json.dumps({**json.loads(HOLLOW), "results": [], "refused": REFUSED})
KEPT = {"schema": "hosttune/confirm/1", "id": 3, "dry_run": False, "changed": True, "files": [], "diff": "+x\n"}
KEEPS = f"""#!/bin/sh
echo "$@" >>"$0.args"
printf '%s' '{json.dumps(KEPT)}'
case $* in *--dry-run*) exit 4;; esac
"""
"""A program that answers as a confirm does: this machine itself has nothing that waits."""
STUBS = {
    "garbage": SAYS.format("all is well", 0),
    "silent": SAYS.format("", 0),
    "newer": SAYS.format(NEWER, 0),
    "short": SAYS.format(SHORT, 0),
    "hollow": SAYS.format(HOLLOW, 1),
    "held": SAYS.format(HELD_BY, 1),
    "contained": SAYS.format(CONTAINED, 5),
    "odd": SAYS.format(SHORT, 7),
    "slow": "#!/bin/sh\nsleep 30\n",
    "broken": "#!/nonexistent/interpreter\n",
}
"""Programs that are no hosttune, by name."""

COMMON: dict[str, Any] = {"executable": "{{ there }}/hosttune", "root": "{{ there }}/image", "role": "lb"}


def task(name: str, module: str = "hosttune", *, dry: bool = False, **options: Any) -> dict[str, Any]:
    """Return a task whose result is kept under its name, whatever becomes of it."""
    more = {"check_mode": True, "diff": True} if dry else {}
    return {
        "name": name,
        f"hosttune.hosttune.{module}": {**COMMON, **options},
        "register": name,
        "ignore_errors": True,
        **more,
    }


SCENARIO = [
    task("dry", dry=True),
    task("strict_wrong", "hosttune_info", strict=True),
    task("apply", reason="ticket 14"),
    task("again"),
    task("ready", "hosttune_info", fail_on="warning"),
    task("strict", "hosttune_info", strict=True),
    task("short_of", "hosttune_info", report="capacity", connections=90_000_000, fail_on="error"),
    task("carries", "hosttune_info", report="capacity", connections=1000),
    task("facts", "hosttune_facts"),
    task("dry_back", state="rolled_back", id="{{ apply.id }}", dry=True),
    task("back", state="rolled_back", id="{{ apply.id }}"),
    task("back_again", state="rolled_back", id="{{ apply.id }}"),
    task("nothing", state="rolled_back"),
    task("not_ready", "hosttune_info", fail_on="error"),
    task("dry_keep", state="confirmed", root="/", executable="{{ there }}/keeps", dry=True),
    task("keep", state="confirmed", id=3, root="/", executable="{{ there }}/keeps"),
]
WRONG = [
    task("no_role", role="nosuch"),
    task("no_program", executable="nosuch"),
    task("no_program_facts", "hosttune_facts", executable="nosuch"),
    task("no_image", live=True),
    task("no_such_key", allow_keys=["kernel.panic"]),
    task("an_option", backends=["--yes"]),
    task("no_rollback", state="rolled_back", id=812),
    task("keep_image", state="confirmed"),
    task("keep_part", state="confirmed", root="/", live=True, confirm_within="60s"),
    task("try_image", confirm_within="60s"),
    task("if_alone", confirm_if="true"),
    task("part_of_one", state="rolled_back", only=["sysctl"], persist_only=True),
    *(task(name, executable=f"{{{{ there }}}}/{name}", timeout=2 if name == "slow" else 60) for name in STUBS),
    task("garbage_facts", "hosttune_facts", executable="{{ there }}/garbage"),
    task("garbage_info", "hosttune_info", executable="{{ there }}/garbage"),
]


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection as the verb writes it."""
    out = tmp_path_factory.mktemp("ansible") / "out"
    command = [sys.executable, "-m", "hosttune", "hook", "ansible", "-o", str(out)]
    subprocess.run(command, cwd=REPO, check=True, capture_output=True)
    return out


def play(collection: Path, there: Path, tasks: list[dict[str, Any]], before: Sequence[str] = ()) -> dict[str, Any]:
    """Run tasks on this machine; the result of each by its name, "said" what Ansible printed.

    `before` are words of a command that runs Ansible.
    """
    kept = {"name": "keep", "ansible.builtin.copy": {"content": "{{ all | to_json }}", "dest": "{{ there }}/results"}}
    kept["vars"] = {"all": {each["name"]: f"{{{{ {each['name']} }}}}" for each in tasks}}
    made = [{"hosts": "localhost", "gather_facts": False, "vars": {"there": str(there)}, "tasks": [*tasks, kept]}]
    (there / "play.json").write_text(json.dumps(made))
    environment = {
        **os.environ,
        "ANSIBLE_HOME": str(there / "home"),
        "ANSIBLE_REMOTE_TMP": str(there / "remote"),
        "ANSIBLE_COLLECTIONS_PATH": str(collection),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
    }
    done = subprocess.run(
        [*before, program("ansible-playbook"), "play.json"], cwd=there, env=environment, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return {**json.loads((there / "results").read_text()), "said": done.stdout + done.stderr}


def machine(directory: Path) -> Path:
    """Make an image, and hosttune beside it."""
    image(directory)
    for name, text in {"hosttune": ITSELF, "keeps": KEEPS, **STUBS}.items():
        (directory / name).write_text(text)
        (directory / name).chmod(0o755)
    return directory


def state(root: Path) -> dict[str, bytes | None]:
    """Return each file of a tree, its journal aside."""
    found = {str(p.relative_to(root)): p.read_bytes() if p.is_file() else None for p in root.rglob("*")}
    return {path: text for path, text in found.items() if not path.startswith("var/lib/hosttune")}


@pytest.fixture(scope="module")
def played(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    there = machine(tmp_path_factory.mktemp("there"))
    before = state(there / "image")
    look = {"name": "seen", "ansible.builtin.command": f"cp -a {there}/image {there}/seen", "register": "seen"}
    tasks = [SCENARIO[0], look, *SCENARIO[1:]]
    found = play(collection, there, tasks)
    found["kept-args"] = (there / "keeps.args").read_text()
    return {
        **found,
        "before": before,
        "dry-tree": state(there / "seen"),
        "after": state(there / "image"),
        "record": json.loads((there / "image/var/lib/hosttune/000001.json").read_text()),
    }


@pytest.fixture(scope="module")
def wrong(collection: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    there = machine(tmp_path_factory.mktemp("wrong"))
    before = state(there / "image")
    found = play(collection, there, WRONG)
    assert state(there / "image") == before
    return found


def test_a_dry_run_shows_the_difference_and_writes_nothing(played: dict[str, Any]) -> None:
    assert played["dry"]["changed"] and played["dry"]["id"] is None
    assert "+++ after: /etc/sysctl.d/90-hosttune.conf" in played["said"]
    assert "+net.core.somaxconn = " in played["said"] or "+net.ipv4.ip_local_port_range = " in played["said"]
    assert played["dry-tree"] == played["before"]


def test_an_apply_says_changed_once(played: dict[str, Any]) -> None:
    assert played["apply"]["changed"] and played["apply"]["id"] == 1
    assert played["apply"]["report"]["changes"] == played["dry"]["report"]["changes"]
    assert not played["again"]["changed"] and played["again"]["id"] is None


def test_info_says_what_holds(played: dict[str, Any]) -> None:
    assert played["ready"]["ready"] and not played["ready"]["changed"]
    assert played["ready"]["report"]["schema"] == "hosttune/report/1"
    for name in ("strict", "strict_wrong"):  # where something is wrong too, that must not hide it
        assert played[name]["failed"] and "could not be examined: sysctl:" in played[name]["msg"]
    assert played["strict_wrong"]["wrong"]
    assert played["not_ready"]["failed"] and not played["not_ready"]["ready"]
    assert "not ready: " in played["not_ready"]["msg"] and "ip_local_port_range" in played["not_ready"]["msg"]


def test_info_says_what_is_carried(played: dict[str, Any]) -> None:
    assert played["carries"]["carried"]
    assert played["short_of"]["failed"] and not played["short_of"]["carried"]
    assert re.search(r"does not reach 90000000 connections: limit \d+, \w+", played["short_of"]["msg"])


def test_facts_are_those_of_the_report(played: dict[str, Any]) -> None:
    fact = played["facts"]["ansible_facts"]["hosttune"]
    assert fact["version"] == hosttune.__version__
    assert fact["roles"] == ["lb"] and fact["wanted"] == {"connections": 1_000_000, "rate": 1000}
    bounds = {b["id"]: b["hard"] for b in played["ready"]["report"]["bounds"]}
    assert bounds[fact["capacity"]["bound"]] == fact["capacity"]["connections"]
    # an image has no kernel: what was not examined is not ready
    assert fact["where"]["site"] == "image" and fact["where"]["container"] is False and fact["where"]["owner"] == ""
    assert isinstance(fact["fix"], list) and "namespaces" not in fact["where"]
    assert fact["status"] == "unknown" and "sysctl:fs.file-max" in fact["unknown"] and fact["wrong"] == []


def test_a_rollback_takes_it_back_to_the_byte_and_says_changed_once(played: dict[str, Any]) -> None:
    assert played["dry_back"]["changed"] and "90-hosttune.conf (removed)" in played["said"]
    assert played["back"]["changed"] and played["back"]["id"] == 1
    assert not played["back_again"]["changed"]
    assert not played["nothing"]["changed"] and "nothing to undo" in played["nothing"]["notes"][0]
    assert played["after"] == played["before"]
    assert played["record"]["made"]["reason"] == "ticket 14" and len(played["record"]["rollbacks"]) == 1


def test_what_waits_is_kept(played: dict[str, Any]) -> None:
    assert played["dry_keep"]["changed"] and played["keep"]["changed"] and played["keep"]["id"] == 3
    assert played["kept-args"].splitlines() == ["confirm --dry-run --format json", "confirm 3 --format json"]
    assert played["apply"]["until"] is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no_role", "hosttune: --role 'nosuch': no such profile"),
        ("no_program", "nosuch: no such program on this host; the role hosttune.hosttune.hosttune installs"),
        ("no_program_facts", "nosuch: no such program on this host"),
        ("no_image", "hosttune: --root: nothing runs in an image"),
        ("no_such_key", "hosttune: --allow-key kernel.panic: the profile asks for no such key"),
        ("an_option", "hosttune: --backend"),
        ("no_rollback", "hosttune: rollback 812: no such apply"),
        ("keep_image", "root: nothing runs in an image, so nothing waits there"),
        ("keep_part", "live, confirm_within: what waits is kept as it was made"),
        ("try_image", "hosttune: --confirm-within and --root: nothing runs in an image"),
        ("if_alone", "missing parameter(s) required by 'confirm_if': confirm_within"),
        ("part_of_one", "only, persist_only: an apply is undone as a whole"),
        ("garbage", "hosttune: it answered with no JSON, but 'all is well'"),
        ("garbage_info", "hosttune: it answered with no JSON, but 'all is well'"),
        ("garbage_facts", "hosttune: it prints no version, but 'all is well'"),
        ("silent", "hosttune: it answered with no JSON, but nothing"),
        ("newer", "hosttune: it answers as 'hosttune/apply/2' has it, and this collection reads hosttune/apply/1"),
        ("short", "hosttune: its answer is not as hosttune/apply/1 has it: changes"),
        ("hollow", "hosttune: its answer is not as its schema has it"),
        (
            "held",
            "apply 3 was made, and this does not hold: net.core.somaxconn: 65535 was written, 7777 is there now, tuned "
            "sets it (a:2)",
        ),
        ("contained", "refused: /proc/sys is read-only in here; what does change it (the lines are in fix)"),
        ("odd", "hosttune: its answer is not as hosttune/apply/1 has it"),
        ("slow", "hosttune: it did not end within 2 s and was stopped"),
        ("broken", "cannot be started"),
    ],
)
def test_what_went_wrong_is_a_failed_task(wrong: dict[str, Any], name: str, said: str) -> None:
    assert wrong[name]["failed"] and not wrong[name]["changed"]
    assert said in wrong[name]["msg"]
    assert "\n" not in wrong[name]["msg"]


def test_what_is_refused_in_a_container_has_the_lines_of_whoever_keeps_it(wrong: dict[str, Any]) -> None:
    assert wrong["contained"]["fix"] == ["docker: make it anew, docker run with:", "  --sysctl a=1"]
    assert wrong["contained"]["refused"] == REFUSED


def test_in_a_container_nothing_is_tried_that_cannot_be_written(collection: Path, tmp_path: Path) -> None:
    needs.need("namespaces")
    inside = (
        "mount -t tmpfs none /run && mount -t tmpfs none /var/lib && mount -t tmpfs none /etc/sysctl.d && "
        'mount --bind /proc/sys /proc/sys && mount -o remount,ro,bind /proc/sys && exec "$@"'
    )
    here = {"root": "/", "role": "client", "connections": 60000}
    tasks = [task("seen", "hosttune_facts", **here), task("info", "hosttune_info", **here), task("tried", **here)]
    tasks.append(task("dry", dry=True, **here))
    found = play(collection, machine(tmp_path), tasks, ["unshare", "-m", "-n", "sh", "-c", inside, "sh"])
    fact = found["seen"]["ansible_facts"]["hosttune"]
    assert fact["where"]["container"] and fact["where"]["read_only"] and not fact["where"]["initial"]
    assert fact["where"] == found["info"]["where"] and fact["fix"] == found["info"]["fix"]
    for name in ("tried", "dry"):
        assert found[name]["failed"] and not found[name]["changed"]
        assert found[name]["msg"] == (
            "hosttune: refused: /proc/sys is read-only in here; what does change it (the lines are in fix)"
        )
        assert '  --sysctl net.ipv4.ip_local_port_range="1024 65535"' in found[name]["fix"]


def test_each_wrong_task_is_looked_at() -> None:
    marks = test_what_went_wrong_is_a_failed_task.pytestmark  # type: ignore[attr-defined]
    assert {each["name"] for each in WRONG} == {case[0] for case in marks[0].args[1]}


def test_the_collection_has_the_version_of_the_package(collection: Path) -> None:
    written = (collection / ansible.TREE / "galaxy.yml").read_text()
    assert f'version: "{hosttune.__version__}"' in written
    assert not [p for p in collection.rglob("*") if p.is_file() and "@version@" in p.read_text()]


@pytest.mark.parametrize(
    ("version", "found"),
    [("0.1.0", "0.1.0"), ("1.2", "1.2.0"), ("0.2.0.dev1", "0.2.0-dev1"), ("1.0.0rc2", "1.0.0-rc2")],
)
def test_a_version_is_one_that_galaxy_takes(version: str, found: str) -> None:
    assert ansible.semantic(version) == found


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(ValueError, match="no version"):
        ansible.semantic("newest")


def test_it_is_written_anew_and_nothing_of_somebody_else_is_touched(collection: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(collection, out)
    command = [sys.executable, "-m", "hosttune", "hook", "ansible", "-o", str(out)]
    assert subprocess.run(command, cwd=REPO, capture_output=True, check=False).returncode == 0
    (out / ansible.TREE / "mine").write_text("x")
    done = subprocess.run(command, cwd=REPO, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "mine is not of an earlier run" in done.stderr
