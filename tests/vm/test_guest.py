"""The guest itself: what it keeps over a reboot, and that a plain reboot leaves /etc and the sysctls alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vm import ahead
from tests.vm.guest import Guest, need_guest, stable_sysctls

SCENES = f"{__name__}:scenes"
pytestmark = pytest.mark.guest(SCENES)

LOOK = """\
cat /proc/1/comm | keep init
grep CapEff /proc/1/status | keep capabilities
ssh alice@127.0.0.1 'id -un; ulimit -n' | keep login
systemctl is-active haproxy.service | keep haproxy
hosttune --version | keep version
sysctl -a 2>/dev/null | keep sysctls
cd /etc
(find . -printf '%p %y %m %U %G %l\\n' && find . -type f -exec sha256sum {} +) | sort | keep etc
cat /etc/written | keep written
"""


def scenes(directory: Path) -> list[dict[str, str]]:
    """Boot twice."""
    guest = Guest(directory)
    seen = [guest.boot(LOOK + "echo in boot 1 >/etc/written"), guest.boot(LOOK + "exit 3")]
    guest.disk.unlink()
    return seen


@pytest.fixture(scope="module")
def boots(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    need_guest()
    found: list[dict[str, str]] = ahead.played(SCENES, tmp_path_factory.mktemp("guest"))
    return found


def test_each_boot_is_a_whole_system(boots: list[dict[str, str]]) -> None:
    for boot in boots:
        assert boot["init"] == "systemd\n"
        assert int(boot["capabilities"].split()[1], 16) == 0x1FFFFFFFFFF
        assert boot["login"] == "alice\n1024\n"
        assert boot["haproxy"] == "active\n"
        assert boot["version"].startswith("hosttune ")
    assert [boot["rc"] for boot in boots] == ["0", "3"]


def test_a_reboot_keeps_what_was_written_and_changes_nothing_else(boots: list[dict[str, str]]) -> None:
    first, second = boots
    assert (first["written"], second["written"]) == ("", "in boot 1\n")
    etc = [[line for line in boot["etc"].splitlines() if "./written" not in line] for boot in boots]
    assert len(etc[0]) > 500
    assert etc[0] == etc[1]
    assert len(stable_sysctls(first["sysctls"])) > 500
    assert stable_sysctls(first["sysctls"]) == stable_sysctls(second["sysctls"])


def test_a_guest_that_does_not_answer_shows_its_console(tmp_path: Path) -> None:
    need_guest()
    with pytest.raises(AssertionError, match="did not power off within 1 s; its console"):
        Guest(tmp_path).boot("true", timeout=1)
