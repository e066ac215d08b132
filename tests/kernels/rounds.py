"""What is done on each system: look, prove, apply, reboot, look, roll back, reboot, look. Every exit code is kept."""

from __future__ import annotations

from pathlib import Path

from tests.kernels import systems
from tests.kernels.systems import System
from tests.vm.guest import Guest

CONNECTIONS = 100_000
WORKLOAD = f"--role lb --connections {CONNECTIONS}"
FIX = f"{WORKLOAD} --service haproxy.service"
"""What `check` prints for the program that it finds running: `apply` looks for none."""

EMULATED = 5
"""By how much longer an emulated processor is waited for, and how much more time its proofs get."""
BUDGET = 150
"""Seconds that the proofs take at most, where the processor is this machine's."""

LIBRARY = r"""
exec 2>/run/guest/errors
sums() { (cd /etc && find . -printf '%p %y %m %U %G %l\n' && find . -type f -exec sha256sum {} +) | sort; }
look() { sums | keep "etc-$1"; sysctl -a 2>/dev/null | keep "sysctls-$1"; }
run() {  # run NAME COMMAND...: keeps what it printed, what it said beside it and its exit code
    local name=$1; shift
    "$@" >"/run/guest/out" 2>"/run/guest/err"; echo $? | keep "$name-code"
    keep "$name" </run/guest/out; keep "$name-errors" </run/guest/err
}
"""
RULES = """
{ uname -r; getconf PAGESIZE; . /etc/os-release; echo "$PRETTY_NAME"; python3 -V; systemctl --version | head -n 1; } |
    keep system
run releases env PYTHONPATH=/opt/hosttune python3 /opt/hosttune/ask.py
"""
FIRST = f"""
systemctl --failed --no-legend | keep failed-units
look stock
{RULES}
run check hosttune check {WORKLOAD} --format json
run capacity hosttune capacity {WORKLOAD} --format json
run prove hosttune prove --budget BUDGETs --format json
run apply hosttune apply {FIX} --reserve-listeners --yes --restart --format json
look applied
run check-applied hosttune check {WORKLOAD} --format json
run again hosttune apply {FIX} --reserve-listeners --yes --format json
look again
"""
SECOND = f"""
systemctl --failed --no-legend | keep failed-units
look rebooted
run check-rebooted hosttune check {WORKLOAD} --format json
run rollback hosttune rollback --yes --restart --format json
look back
"""
THIRD = """
systemctl --failed --no-legend | keep failed-units
look third
"""
Boots = tuple[dict[str, str], dict[str, str], dict[str, str]]


def play(system: System, directory: Path) -> Boots:
    """Boot a system three times on one disk and return what each boot kept; AssertionError, RootUnavailable."""
    slow, guest = _slow(system), _guest(system, directory)
    try:
        first = guest.boot(LIBRARY + FIRST.replace("BUDGET", str(BUDGET * slow)), timeout=(BUDGET + 150) * slow)
        second = guest.boot(LIBRARY + SECOND, timeout=150 * slow)
        third = guest.boot(LIBRARY + THIRD, timeout=150 * slow)
    finally:
        guest.disk.unlink(missing_ok=True)
    return first, second, third


def asked(system: System, directory: Path) -> dict[str, str]:
    """Boot a system once, only to ask which rules of hosttune.releases its kernel has; fails as `play` does."""
    guest = _guest(system, directory)
    try:
        return guest.boot(LIBRARY + RULES, timeout=150 * _slow(system))
    finally:
        guest.disk.unlink(missing_ok=True)


def _slow(system: System) -> int:
    return 1 if system.machine.words[1] == "kvm" else EMULATED


def _guest(system: System, directory: Path) -> Guest:
    files = {"/opt/hosttune/ask.py": Path(__file__).with_name("ask.py").read_text()}
    return Guest(directory, files, root=systems.root_of(system), machine=system.machine)
