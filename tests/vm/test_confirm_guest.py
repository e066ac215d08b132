"""A real machine with systemd: not confirmed in time, a reboot while unconfirmed, and a confirm that outlives it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.vm import ahead
from tests.vm.guest import Guest, need_guest, stable_sysctls

SCENES = f"{__name__}:scenes"
pytestmark = pytest.mark.guest(SCENES)

CONNECTIONS = 400_000
"""Few enough that fs.nr_open stays: the service and the sysctls can then be applied apart."""
WITHIN = 90
LIBRARY = r"""
look() {
    (cd /etc && find . -printf '%p %y %m %U %G %l\n' && find . -type f -exec sha256sum {} +) | sort | keep "etc-$1"
    find /run/sysctl.d /run/modules-load.d /run/systemd/system /run/systemd/system.conf.d /run/netplan \
        /run/systemd/network -printf '%p %y %m\n' 2>/dev/null | sort | keep "run-$1"
    sysctl -a 2>/dev/null | keep "sysctls-$1"
    grep 'Max open files' "/proc/$(systemctl show -p MainPID --value haproxy.service)/limits" | keep "haproxy-$1"
}
run() { name=$1; shift; "$@" >"/run/$name" 2>"/run/$name.err"; echo $? | keep "$name-code"
    keep "$name" <"/run/$name"; keep "$name-err" <"/run/$name.err"; }
apply() { name=$1; shift
    run "$name" hosttune apply --role lb --connections CONNECTIONS --reserve-listeners --yes --format json "$@"; }
""".replace("CONNECTIONS", str(CONNECTIONS))

FIRST = f"""
look stock
apply tried --restart --confirm-within {WITHIN}s
look tried
systemctl list-timers --all 'hosttune-confirm*' | keep timers
hosttune check --role lb --connections {CONNECTIONS} | keep check-tried
for second in $(seq {WITHIN + 60}); do
    [ -e /run/sysctl.d/90-hosttune.trial.conf ] || break
    sleep 1
done
for second in $(seq 60); do
    grep -q '"status": "rolled-back"' /var/lib/hosttune/000001.json && break
    sleep 1
done
look expired
hosttune history | keep history-expired
systemctl list-units --all 'hosttune-confirm*' --no-legend | keep units-expired
journalctl -b --no-pager 2>/dev/null | grep hosttune | keep journal-expired

apply units --only units --confirm-within 1h
run confirm hosttune confirm
systemctl list-timers --all 'hosttune-confirm*' --no-legend | keep timers-confirmed
look confirmed
apply sysctls --only sysctl --confirm-within 1h
look unconfirmed
"""
SECOND = """
look rebooted
run late hosttune confirm
hosttune history | keep history
look healed
run back hosttune rollback --yes
look back
"""


@dataclass(frozen=True)
class Boots:
    """What each boot kept."""

    first: dict[str, str]
    second: dict[str, str]


def scenes(directory: Path) -> list[dict[str, str]]:
    """Boot to try and to confirm, and boot again while another apply waits."""
    guest = Guest(directory)
    seen = [guest.boot(LIBRARY + script, timeout=300) for script in (FIRST, SECOND)]
    guest.disk.unlink()
    return seen


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> Boots:
    need_guest()
    return Boots(*ahead.played(SCENES, tmp_path_factory.mktemp("guest")))


def changed(kept: dict[str, str], one: str, other: str, *names: str) -> dict[str, str]:
    """Return the sysctls that differ between two looks."""
    old, new = (stable_sysctls(kept[f"sysctls-{look}"]) for look in (one, other))
    return {key: new.get(key, "") for key in old | new if old.get(key) != new.get(key) and key not in names}


def answer(boots: Boots, name: str) -> dict[str, Any]:
    assert boots.first[f"{name}-code"].strip() == "0", boots.first[f"{name}-err"]
    found: dict[str, Any] = json.loads(boots.first[name])
    return found


def test_what_waits_holds_at_once_and_is_nowhere_below_etc(boots: Boots) -> None:
    tried = answer(boots, "tried")
    assert tried["confirm"]["timer"] == "systemd" and "hosttune-confirm-1.timer" in boots.first["timers"]
    assert boots.first["etc-tried"] == boots.first["etc-stock"]
    twins = boots.first["run-tried"]
    assert "/run/sysctl.d/90-hosttune.trial.conf f 644" in twins
    assert "/run/systemd/system/haproxy.service.d/90-hosttune.trial.conf f 644" in twins
    assert changed(boots.first, "stock", "tried")
    # the service was started again and systemd reads its limits below /run
    assert boots.first["haproxy-tried"].split()[3:5] == [str(2 * CONNECTIONS + 200)] * 2
    assert "apply 1 will be undone in" in " ".join(boots.first["check-tried"].split())


def test_its_timer_takes_all_back_in_time(boots: Boots) -> None:
    assert "not confirmed in time, undone" in " ".join(boots.first["history-expired"].split())
    for what in ("etc", "run", "haproxy"):
        assert boots.first[f"{what}-expired"] == boots.first[f"{what}-stock"], boots.first["journal-expired"]
    assert not changed(boots.first, "stock", "expired")
    assert boots.first["units-expired"].strip() == ""


def test_a_confirm_ends_the_timer_and_outlives_a_reboot(boots: Boots) -> None:
    answer(boots, "units")
    assert boots.first["confirm-code"].strip() == "0", boots.first["confirm-err"]
    assert boots.first["timers-confirmed"].strip() == ""
    assert boots.first["run-confirmed"] == boots.first["run-stock"]
    assert boots.first["etc-confirmed"] != boots.first["etc-stock"]
    assert boots.second["haproxy-rebooted"].split()[3:5] == [str(2 * CONNECTIONS + 200)] * 2


def test_a_reboot_takes_back_what_was_not_confirmed(boots: Boots) -> None:
    answer(boots, "sysctls")
    assert changed(boots.first, "confirmed", "unconfirmed")
    assert boots.first["etc-unconfirmed"] == boots.first["etc-confirmed"]
    assert boots.second["etc-rebooted"] == boots.first["etc-confirmed"]
    old, new = stable_sysctls(boots.first["sysctls-stock"]), stable_sysctls(boots.second["sysctls-rebooted"])
    assert {key for key in old | new if old.get(key) != new.get(key)} == set()
    assert boots.second["run-rebooted"] == boots.first["run-stock"]
    # it can be confirmed no more, nothing is written for it, and history says why
    assert boots.second["late-code"].strip() == "5"
    assert "apply 3 was not confirmed before the reboot: nothing of it is in force" in boots.second["late-err"]
    assert boots.second["etc-healed"] == boots.second["etc-rebooted"]
    assert not changed(boots.second, "rebooted", "healed")
    assert "not confirmed before the reboot" in " ".join(boots.second["history"].split())


def test_a_rollback_of_what_was_confirmed_is_to_the_byte(boots: Boots) -> None:
    assert boots.second["back-code"].strip() == "0", boots.second["back-err"]
    assert boots.second["etc-back"] == boots.first["etc-stock"]
