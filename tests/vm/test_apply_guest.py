"""A real machine: apply, reboot, hold, roll back, reboot, and everything is as it was, byte for byte."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.vm import ahead
from tests.vm.guest import Guest, need_guest, stable_sysctls

SCENES = f"{__name__}:scenes"
pytestmark = pytest.mark.guest(SCENES)

CONNECTIONS = 600_000
APPLY = f"hosttune apply --role lb --role client --connections {CONNECTIONS} --user root --user alice --yes"

LIBRARY = r"""
tree() {  # every file that is not the kernel's, a log's, a cache's or our journal's
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /dev -o -path /tmp -o -path /var/log \
        -o -path /var/lib/hosttune -o -path /var/lib/systemd -o -path /var/tmp -o -name __pycache__ \) -prune -o \
        \( -printf '%p %y %m %U %G %l\n' \) | sort
}
sums() { (cd /etc && find . -printf '%p %y %m %U %G %l\n' && find . -type f -exec sha256sum {} +) | sort; }
limits() { grep 'Max open files' "/proc/$(systemctl show -p MainPID --value haproxy.service)/limits"; }
look() {
    sums | keep "etc-$1"; tree | keep "tree-$1"; sysctl -a 2>/dev/null | keep "sysctls-$1"; limits | keep "haproxy-$1"
    for user in root alice; do ssh "$user@127.0.0.1" 'ulimit -n; ulimit -Hn' 2>&1; done | keep "logins-$1"
    runuser -l alice -c 'ulimit -n' 2>&1 | keep "runuser-$1"
}
check() {
    hosttune check --role lb --role client --connections CONNECTIONS --user root --user alice --format json |
        keep "check-$1"
}
track() {  # connections are tracked, and one has been
    modprobe nf_conntrack
    nft 'add table inet t; add chain inet t i { type filter hook input priority 0; };
         add rule inet t i ct state established accept'
    ssh alice@127.0.0.1 true
}
timed() { start=$(date +%s%N); "$@"; code=$?; echo "$code $(( ($(date +%s%N) - start) / 1000000 ))"; }
""".replace("CONNECTIONS", str(CONNECTIONS))

FIRST = f"""
look stock
track
sysctl -a 2>/dev/null | keep sysctls-before
hosttune apply --role lb --connections {CONNECTIONS} --yes >/run/refused 2>&1; echo $? | keep refused-code
keep refused </run/refused
sums | keep etc-refused
{APPLY} --reserve-listeners --dry-run --format json | keep dry
{APPLY} --reserve-listeners --restart --format json >/run/applied; echo $? | keep apply-code
keep applied </run/applied
look applied
check applied
find /etc -printf '%p %T@ %C@\\n' | sort | keep times-1
timed {APPLY} --reserve-listeners >/run/again; keep again </run/again
find /etc -printf '%p %T@ %C@\\n' | sort | keep times-2
"""
SECOND = f"""
look rebooted
check rebooted
track
{APPLY} --format json >/run/again; echo $? | keep again-code; keep again </run/again
hosttune rollback --yes --restart --format json >/run/back; echo $? | keep back-code; keep back </run/back
look back
hosttune history | keep history
"""
LEGAL = r"""
PYTHONPATH=/opt/hosttune python3 - <<'END' | keep legal
import json
from hosttune.profile import load
found = {}
for subject, about in load.load("linux-server").about.items():
    if "legal" not in about:
        continue
    path = "/proc/sys/" + subject.partition(":")[2].replace(".", "/")
    try:
        with open(path) as file:
            now = file.read().split()
    except OSError:
        continue
    def takes(number):
        try:
            with open(path, "w", buffering=1) as file:
                file.write(" ".join([str(number)] * len(now)))
            return True
        except OSError:
            return False
        finally:
            with open(path, "w") as file:
                file.write(" ".join(now))
    low, high = about["legal"]
    found[subject] = [takes(low), takes(high), takes(high + 1)]
print(json.dumps(found))
END
"""
THIRD = "look third\n" + LEGAL


@dataclass(frozen=True)
class Boots:
    first: dict[str, str]
    second: dict[str, str]
    third: dict[str, str]


def scenes(directory: Path) -> list[dict[str, str]]:
    """Boot to apply, to roll back, and to look at what is left."""
    guest = Guest(directory)
    seen = [guest.boot(LIBRARY + script) for script in (FIRST, SECOND, THIRD)]
    guest.disk.unlink()
    return seen


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Boots:
    need_guest()
    return Boots(*ahead.played(SCENES, tmp_path_factory.mktemp("guest")))


def verdicts(text: str) -> dict[str, str]:
    return {f["id"]: f["verdict"] for f in json.loads(text)["findings"] if f["requirement"]}


def applied(boots: Boots) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(boots.first["applied"])
    return found


def test_a_range_over_a_listener_is_refused_and_nothing_is_written(boots: Boots) -> None:
    assert boots.first["refused-code"].strip() == "5"
    assert "1883" in boots.first["refused"] and "--reserve-listeners" in boots.first["refused"]
    assert boots.first["etc-refused"] == boots.first["etc-stock"]


def test_apply_holds_at_once_and_after_a_reboot(boots: Boots) -> None:
    assert not [row for row in applied(boots)["results"] if row["verdict"] != "OK"]
    assert boots.first["apply-code"].strip() == "0"
    for text in (boots.first["check-applied"], boots.second["check-rebooted"]):
        wrong = {name: verdict for name, verdict in verdicts(text).items() if verdict in ("FAIL", "DRIFT")}
        assert not wrong
    before, after = stable_sysctls(boots.first["sysctls-applied"]), stable_sysctls(boots.second["sysctls-rebooted"])
    for change in applied(boots)["changes"]:
        if change["backend"] == "sysctl":
            assert before[change["target"]].split() == after[change["target"]].split() == change["after"].split()


def test_the_dry_run_was_what_came(boots: Boots) -> None:
    dry = json.loads(boots.first["dry"])
    assert dry["diff"] == applied(boots)["diff"] and dry["diff"]
    assert dry["changed"] and not dry["id"]


def test_haproxy_and_logins_have_their_descriptors(boots: Boots) -> None:
    need = 2 * CONNECTIONS + 200
    for boot, when in ((boots.first, "applied"), (boots.second, "rebooted")):
        assert boot[f"haproxy-{when}"].split()[3:5] == [str(need)] * 2
        words = boot[f"logins-{when}"].split()
        # root and alice, soft and hard: all logins opened, with what the client's role wants
        assert len(words) == 4 and all(int(word) >= CONNECTIONS for word in words), words
        assert int(boot[f"runuser-{when}"]) >= CONNECTIONS


def test_the_second_apply_changes_nothing(boots: Boots) -> None:
    assert boots.first["times-1"] == boots.first["times-2"]
    assert "Nothing to do" in boots.first["again"]
    assert boots.first["again"].split()[-2] == "0"
    assert boots.second["again-code"].strip() == "0"
    assert json.loads(boots.second["again"])["changed"] is False


def test_nothing_but_the_announced_targets_changed(boots: Boots) -> None:
    changes = applied(boots)["changes"]
    files = {c["target"] for c in changes if c["backend"] in ("file", "directory")}
    old, new = (set(boots.first[f"tree-{when}"].splitlines()) for when in ("stock", "applied"))
    assert {line.split()[0] for line in old ^ new} == files
    keys = {c["target"] for c in changes if c["backend"] == "sysctl"}
    before, after = (stable_sysctls(boots.first[f"sysctls-{when}"]) for when in ("before", "applied"))
    # the other name of the same number: net/netfilter/nf_conntrack_standalone.c
    aliases = {"net.nf_conntrack_max"} if "net.netfilter.nf_conntrack_max" in keys else set()
    assert {key for key in before | after if before.get(key) != after.get(key)} == keys | aliases


def test_a_rollback_and_a_reboot_bring_back_every_byte(boots: Boots) -> None:
    assert boots.second["back-code"].strip() == "0", boots.second["back"]
    assert "rolled back" in boots.second["history"]
    for boot, when in ((boots.second, "back"), (boots.third, "third")):
        assert boot[f"etc-{when}"] == boots.first["etc-stock"]
        assert boot[f"logins-{when}"] == boots.first["logins-stock"]
        assert boot[f"haproxy-{when}"] == boots.first["haproxy-stock"]
    assert boots.third["tree-third"] == boots.first["tree-stock"]
    assert stable_sysctls(boots.third["sysctls-third"]) == stable_sysctls(boots.first["sysctls-stock"])
    conntrack = re.compile(r"net\.(netfilter|nf_)")
    # conntrack was loaded for the apply: its keys are there, the others are the first boot's
    back, stock = (
        {key: value for key, value in stable_sysctls(text).items() if not conntrack.match(key)}
        for text in (boots.second["sysctls-back"], boots.first["sysctls-stock"])
    )
    assert back == stock


def test_the_kernel_takes_what_the_profiles_call_legal(boots: Boots) -> None:
    found = json.loads(boots.third["legal"])
    assert len(found) > 25
    # the kernel takes more than has a meaning: cookies beyond 2, pages that it compares as signed, a bound by HZ,
    # any number that is not 0 forwards
    wider = {f"sysctl:net.ipv4.{name}" for name in ("tcp_syncookies", "tcp_fin_timeout", "tcp_mem", "ip_forward")}
    refused = {subject for subject, (low, high, _) in found.items() if not (low and high)}
    assert not refused
    assert {subject for subject, (_, _, beyond) in found.items() if beyond} <= wider


def test_the_guest_is_left_without_a_temporary_file(boots: Boots, tmp_path: Path) -> None:
    assert ".hosttune-new" not in boots.third["tree-third"]
