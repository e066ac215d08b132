"""Hold resolve_unit against `systemd --test`, over generated trees of unit files, drop-ins and defaults.

systemd refuses to test as root and as a user reads user.conf and systemd/user by the code that reads system.conf
and systemd/system for PID 1; so the same tree is planted under both names.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from pathlib import Path

from hosttune.resolve.systemd_limits import resolve_unit
from tests import needs
from tests.running import Running

TREES = 200
UNITS = (
    "ht-a-b.service", "ht-a.service", "ht@x.service", "ht@x-y.service", "ht-t-u@1.service", "ht-o.service",
    "ht-o-p.service", "ht-v@x.service", "ht-w@x.service",
)  # fmt: skip
# link, what it leads to; some are aliases that systemd does not take. None leads to a template of which an instance
# has a file of its own too: there it depends on which of the two is asked for first
ALIASES = (
    ("ht-o.service", "ht-a-b.service"), ("ht-o-p.service", "ht-o.service"), ("ht-o-p.service", "ht-a-b.service"),
    ("ht-o.service", "ht-a.service"), ("ht-a.service", "ht-o.service"), ("ht-v@.service", "ht-t-u@.service"),
    ("ht-v@x.service", "ht@x.service"), ("ht-v@x.service", "ht-t-u@.service"), ("ht-w@.service", "ht-t-u@.service"),
    ("ht-w@x.service", "ht@x-y.service"), ("ht-w@x.service", "ht-a.service"), ("ht@x.service", "ht-t-u@.service"),
    ("ht-o.service", "ht-o.service"), ("ht-o.service", "ht-t-u@1.service"), ("ht-w@x.service", "ht-none@x.service"),
)  # fmt: skip
PLACES = ("etc", "run", "usr/local/lib", "usr/lib")
VALUES = [
    "3000",
    "4000:5000",
    "infinity",
    "100:infinity",
    "infinity:infinity",
    "infinity:5",
    "0x1000",
    "010000",
    "+4000",
    "64k",
    "-1",
    "unlimited",
    "1000:",
    ":1000",
    "7:6",
    "6:7",
    "0",
    "08",
    "0x",
    "1e3",
    "0b101",
    "0o17",
    "18446744073709551614",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999",
    "",
    "1000 : 2000",
    "1000 # x",
    " 5000 ",
    "1000:\\\n 2000",
    "6000\\\n",
    '"5"',
    "1000: 2000",
    "1000 :2000",
    "+5:+6",
]
SYSTEMD = "/lib/systemd/systemd"


def settings(rng: random.Random, section: str, key: str) -> str:
    lines = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if rng.random() < 0.15:
            lines.append(
                rng.choice(["# c \\", "; c", "[Unit]", f"[{section.lower()}]", f"[{section}", "", "junk", "\\"])
            )
            if rng.random() < 0.5:
                lines.append(f"[{section}]")
        name = key if rng.random() < 0.9 else rng.choice([key.lower(), key + "Soft", "#" + key, key + " "])
        gap = rng.choice(["", "", "", " ", "\t"])
        lines.append(f"{rng.choice(['', '', '', ' '])}{name}{gap}={gap}{rng.choice(VALUES)}")
    head = f"[{section}]\n" if rng.random() < 0.95 else ""
    return head + rng.choice(["\n", "\n", "\n", "\r\n"]).join(lines) + rng.choice(["\n", ""])


def put(path: Path, content: str, rng: random.Random, may_mask: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if may_mask and rng.random() < 0.12:
        path.symlink_to("/dev/null")
    else:
        path.write_text(content)


def alias(root: Path, place: str, name: str, to: str, rng: random.Random) -> None:
    """Put a link where a unit may be; one that leads out of the load path is a unit file of its own name."""
    path = root / place / "systemd/system" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    where = rng.choice(PLACES)
    target = rng.choice([to, f"./{to}", f"../../../{'../' * place.count('/')}{where}/systemd/system/{to}"])
    path.symlink_to(rng.choice([target, f"/{where}/systemd/system/{to}", "/dev/null"]))


def plant(root: Path, rng: random.Random) -> None:
    names = ("10-a.conf", "9-b.conf", "a.conf", "Z.conf", "50.conf", "x.CONF", ".h.conf")
    for unit in UNITS:
        template = re.sub("@.*\\.", "@.", unit)
        for name in {unit, template}:
            for place in rng.sample(PLACES, rng.choice([0, 1, 1, 2])):
                text = "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/true\n" + settings(
                    rng, "Service", "LimitNOFILE"
                )
                put(root / place / "systemd/system" / name, text, rng)
        stem = unit[:-8].partition("@")[0]
        dirs = [
            unit,
            template,
            "service",
            "ht-.service",
            f"{stem}-.service",
            "ht-a-.service",
            "ht-t-.service",
            "ht-t-@1.service",
            "ht-t-@.service",
            "ht-@1.service",
        ]
        for place in PLACES:
            for directory in dirs:
                if rng.random() < 0.12:
                    put(
                        root / place / f"systemd/system/{directory}.d" / rng.choice(names),
                        settings(rng, "Service", "LimitNOFILE"),
                        rng,
                    )
    for name, to in rng.sample(ALIASES, rng.choice([0, 1, 2, 3])):
        alias(root, rng.choice(PLACES), name, to, rng)
    if rng.random() < 0.7:
        put(root / "etc/systemd/system.conf", settings(rng, "Manager", "DefaultLimitNOFILE"), rng, may_mask=False)
    for place in PLACES:
        if rng.random() < 0.3:
            put(
                root / place / "systemd/system.conf.d" / rng.choice(names),
                settings(rng, "Manager", "DefaultLimitNOFILE"),
                rng,
            )


SCRIPT = r"""
set -e
work=$1
mount --make-rprivate /
mount -t tmpfs none /run
mount -t tmpfs none /usr/local/lib
mkdir -p /run/user/65534 /run/systemd /usr/local/lib/systemd /etc/systemd
chown 65534 /run/user/65534
ulimit -Hn 20000
export XDG_RUNTIME_DIR=/run/user/65534 HOME=/nonexistent SYSTEMD_LOG_TARGET=console SYSTEMD_LOG_LEVEL=emerg
export XDG_DATA_DIRS=/nonexistent XDG_CONFIG_DIRS=/nonexistent
mkdir /run/work
mount --bind "$work" /run/work
cd /run/work
for tree in user/*; do
    for place in etc usr/local/lib usr/lib run; do mount --bind "$tree/$place/systemd" "/$place/systemd"; done
    echo "== ${tree##*/}"
    setpriv --reuid 65534 --clear-groups ./systemd --test --user --unit=ht-all.target --no-pager
    umount /etc/systemd /run/systemd /usr/local/lib/systemd /usr/lib/systemd
done
"""
NR_OPEN = 20000
"""What the manager under test may have at most; it takes the place of fs.nr_open."""

Limits = tuple[int, int]


def real(work: Path) -> dict[tuple[str, str], Limits]:
    """Return soft and hard of each unit that the real manager loaded, by (tree, unit)."""
    shutil.copy(SYSTEMD, work / "systemd")
    done = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", SCRIPT, "sh", str(work)], capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    found: dict[tuple[str, str], Limits] = {}
    for part in re.split("^== ", done.stdout, flags=re.M)[1:]:
        tree = part.split("\n", 1)[0]
        for unit in re.split("^\t?-> Unit ", part, flags=re.M)[1:]:
            names = [unit.split(":", 1)[0], *re.findall(r"^\s*Alias: (\S+)$", unit, re.M)]
            limits = re.findall(r"^\s*LimitNOFILE(?:Soft)?: (\S+)$", unit, re.M)
            if "Unit Load State: loaded" in unit and len(limits) == 2:
                hard, soft = (min(NR_OPEN, NR_OPEN if v == "infinity" else int(v)) for v in limits)
                found |= {(tree, name): (soft, hard) for name in names if name in UNITS}
    return found


def as_user(root: Path, user: Path) -> None:
    """Plant the tree of a system manager again under the names that a user's manager reads."""
    for place in PLACES:
        (root / place / "systemd").mkdir(parents=True, exist_ok=True)
    shutil.copytree(root, user, symlinks=True)
    for path in sorted(user.glob("**/systemd/system*")):
        if path.name in ("system", "system.conf", "system.conf.d") and path.parent.name == "systemd":
            path.rename(path.with_name(path.name.replace("system", "user", 1)))
    for path in user.glob("**/systemd/user/*.service"):
        if path.is_symlink() and "/systemd/system/" in (target := os.readlink(path)):
            path.unlink()
            path.symlink_to(target.replace("/systemd/system/", "/systemd/user/"))
    units = user / "etc/systemd/user"
    units.mkdir(exist_ok=True)
    wants = " ".join(UNITS)
    (units / "ht-all.target").write_text(f"[Unit]\nDefaultDependencies=no\nWants={wants}\n")


def test_agrees_with_the_real_systemd(tmp_path: Path) -> None:
    needs.need("root", SYSTEMD)
    tmp_path.chmod(0o755)
    for tree in range(TREES):
        root = tmp_path / "system" / str(tree)
        plant(root, random.Random(tree))
        as_user(root, tmp_path / "user" / str(tree))
        (root / "proc/sys/fs").mkdir(parents=True)
        (root / "proc/sys/fs/nr_open").write_text(f"{NR_OPEN}\n")
        (root / "dev").mkdir()
        (root / "dev/null").touch()
    expected = real(tmp_path)
    wrong = []
    for (tree, unit), limits in expected.items():
        got = resolve_unit(Running(str(tmp_path / "system" / tree)), unit, now=True)
        if not got.exists or (got.soft, got.hard) != limits:
            wrong.append(f"tree {tree} {unit}: real {limits}, resolved {got.soft, got.hard} from {got.origin}")
    assert not wrong, f"{len(wrong)} of {len(expected)}\n" + "\n".join(wrong[:20])
    assert len(expected) > TREES and len(set(expected.values())) > 10
