"""A host that cloud-init sets up at its first boot, and a second boot; test_first_boot.py says what must hold."""

from __future__ import annotations

import hashlib
import os
import random
import shlex
import subprocess
import sys
from pathlib import Path

from hosttune.hooks.systemd import path, quoted
from tests.vm.guest import REPO, Guest, hooks_root

OPTIONS = "--role lb --connections 600000"
SEED = "/var/lib/cloud/seed/nocloud"
SCRIPT = "/usr/local/sbin/hosttune-first-boot"
PYZ = "/srv/hosttune.pyz"
"""Where the image has it; the first boot installs it."""

WORDS = (
    "plain",
    "two words",
    'a "quote"',
    "it's",
    "100%",
    "%h",
    "$HOME",
    "${HOME}",
    "back\\slash",
    "\\x41",
    "-dash",
    "",
    ";",
    *("".join(random.Random(seed).choices(" '\"%$\\{}hnxA0;#-:@!\t\u00e9", k=8)) for seed in range(200)),
)
"""Words that systemd would change if they were not quoted for it."""
PROGRAM = "/run/a $HOME ${HOME} %h x;y é/printf"
"""A program whose path it would change, were it not written for it."""
METRICS = "/var/lib/exporter's $x %h/hosttune.prom"

CONFIG = """\
datasource_list: [NoCloud]
locale: false
ssh_deletekeys: false
package_update: false
"""
"""What a slow machine without a network need not try."""

LOOK = f"""
cloud-init status --wait --long 2>&1 | keep status
cat /run/hosttune/result | keep result
systemctl is-enabled hosttune-check.service hosttune-check.timer | keep enabled
for i in $(seq 60); do systemctl is-active hosttune-check.service | grep -q activating || break; sleep 1; done
systemctl show -p Result -p ExecMainStatus -p InactiveExitTimestampMonotonic hosttune-check.service | keep unit
systemctl --failed --no-legend | keep failed
hosttune check {OPTIONS} --format json | keep check
hosttune history --format json | keep history
journalctl -u hosttune-check.service -o cat | keep journal
"""
FIRST = (
    LOOK
    + """
cat /run/hosttune/apply.json | keep applied
head -c 25 /usr/local/bin/hosttune | keep program
ls -A /var/cache/hosttune | keep unpacked
tail -20 /var/log/cloud-init-output.log | keep log
"""
)
SECOND = (
    LOOK
    + rf"""
systemctl list-timers --all --no-legend hosttune-check.timer | keep timer
systemd-analyze security --no-pager hosttune-check.service | keep security

# what the unit sees is what an unhardened run sees
mkdir -p /run/systemd/system/hosttune-check.service.d
printf '[Service]\nExecStart=\nExecStart=/usr/local/bin/hosttune check {OPTIONS} --format json\n' \
    >/run/systemd/system/hosttune-check.service.d/json.conf
printf 'StandardOutput=file:/run/hardened.json\n' >>/run/systemd/system/hosttune-check.service.d/json.conf
systemctl daemon-reload; systemctl start hosttune-check.service; echo $? | keep hardened-code
keep hardened </run/hardened.json
rm -r /run/systemd/system/hosttune-check.service.d; systemctl daemon-reload

# with metrics, into a directory of another user, over a file of that user
dir={shlex.quote(METRICS.rpartition("/")[0])}; file={shlex.quote(METRICS)}
install -d -m 755 -o haproxy -g haproxy "$dir"
hosttune hook systemd {OPTIONS} --textfile "$file" -o /etc/systemd/system | keep written
systemctl daemon-reload; systemctl start hosttune-check.service; echo $? | keep metrics-code
stat -c '%U:%G %a' "$file" | keep metrics-first; chown haproxy:haproxy "$file"; chmod 640 "$file"

# a check that fails is a unit that failed
was=$(cat /proc/sys/fs/file-max)
echo 100000 >/proc/sys/fs/file-max
systemctl start hosttune-check.service 2>/dev/null; echo $? | keep broken-code
keep broken-metrics <"$file"; stat -c '%U:%G %a' "$file" | keep metrics-then
systemctl --failed --no-legend | keep broken-failed
journalctl -u hosttune-check.service -o cat -n 60 | keep broken-journal
echo "$was" >/proc/sys/fs/file-max
systemctl start hosttune-check.service; echo $? | keep fixed-code
systemctl --failed --no-legend | keep fixed-failed

# words of a command line arrive as they were
program={shlex.quote(PROGRAM)}; mkdir -p "${{program%/*}}" && ln -s /usr/bin/printf "$program"
systemctl start words.service; keep words </run/words

# run again it changes nothing
{SCRIPT} >/run/again 2>&1; echo $? | keep again-code; keep again </run/again
hosttune history --format json | keep again-history

# a first boot that goes wrong: cloud-init says so
sed -i 's/--role lb/--role nosuch/' {SCRIPT}
rm -f /var/lib/cloud/instance/sem/config_scripts_user
cloud-init modules --mode final >/run/wrong 2>&1; keep wrong </run/wrong
cloud-init status --long | keep wrong-status
cat /run/hosttune/result | keep wrong-result
sed -i 's/--role nosuch/--role lb/' {SCRIPT}; mv {PYZ} /run/moved
{SCRIPT} >/run/missing 2>&1; echo $? | keep missing-code; keep missing </run/missing
cat /run/hosttune/result | keep missing-result
"""
)


def words_unit() -> str:
    """Return a unit that writes down the words that it is given."""
    line = " ".join([path(PROGRAM), *(quoted(word) for word in ("%s\\n", *WORDS))])
    return f"[Service]\nType=oneshot\nExecStart={line}\nStandardOutput=file:/run/words\n"


def hook(*words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `hosttune hook`."""
    return subprocess.run(
        [sys.executable, "-m", "hosttune", "hook", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        cwd=cwd,
        check=False,
    )


def scenes(directory: Path) -> list[dict[str, str]]:
    """Boot twice: cloud-init does its work at the first, and has none at the second. hosttune is the one file."""
    built = directory / "hosttune.pyz"
    done = hook("pyz", "-o", str(built), "--python", "3.11", "--arch", "x86_64", "--libc", "glibc")
    assert done.returncode == 0, done.stderr
    origin = ("--from", PYZ, "--sha256", hashlib.sha256(built.read_bytes()).hexdigest())
    seed: dict[str, str | bytes] = {
        PYZ: built.read_bytes(),
        f"{SEED}/user-data": hook("cloud-init", *OPTIONS.split(), *origin).stdout,
        f"{SEED}/meta-data": "instance-id: first\nlocal-hostname: guest\n",
        "/etc/cloud/cloud.cfg.d/99-guest.cfg": CONFIG,
        "/etc/systemd/system/words.service": words_unit(),
    }
    guest = Guest(directory, seed, hooks_root())
    seen = [guest.boot(script, timeout=400, append="") for script in (FIRST, SECOND)]
    guest.disk.unlink()
    return seen
