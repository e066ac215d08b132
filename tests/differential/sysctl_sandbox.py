"""Run the real systemd-sysctl and `sysctl --system` over trees of files, with plain files for /proc/sys."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

KEYS = ("vm/aa", "vm/ab", "net/conf/all/x", "net/conf/eth0/x", "net/conf/eth0.100/x", "net/conf/eth0/y", "net/core/z")
PLACES = ("etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d", "usr/lib/sysctl.d")
_NAMES = ("10-a.conf", "9-b.conf", "Z.conf", "_.conf", "a.conf", "99-zz.conf", ".h.conf", "no", "99-sysctl.conf")
_SPELLED = (
    "vm.aa", "vm/aa", "vm.ab", "/vm/ab", "vm//aa", "vm..ab", "vm.aa.", "vm/./ab", "net/../vm/aa", "net.conf.all.x",
    "net.conf.eth0.x", "net.conf.eth0/100.x", "net/conf/eth0.100/x", "net.conf.eth0.y", "net.core.z", "net.core.none",
    "net.conf/eth0.x", "VM.aa",
)  # fmt: skip
_GLOBS = ("net.conf.*.x", "net.conf.e*.x", "net/conf/*/x", "vm.a?", "vm.a[ab]", "net.*.z", "net.conf.*.*", "vm.{aa,ab}")
_ENDS = ("\n", "\n", "\n", "\r\n", "\n\n", "\r", "\0")
_SCRIPT = r"""
root=$1; shift
[ -z "$root" ] || mount -t proc proc "$root/proc"
for tree; do
  mount --bind "$tree/usr/lib/sysctl.d" "$root/usr/lib/sysctl.d"
  mount --bind "$tree/usr/local" "$root/usr/local"
  mount --bind "$tree/run" "$root/run"
  mount --bind "$tree/etc" "$root/etc"
  for loader in systemd procps; do
    mount --bind "$tree/$loader" "$root/proc/sys" || exit 9
    case $loader in
      systemd) set_by="/usr/lib/systemd/systemd-sysctl" ;;
      procps) set_by="/usr/sbin/sysctl --system" ;;
    esac
    ${root:+chroot "$root"} $set_by >"$tree/$loader.log" 2>&1
    umount "$root/proc/sys"
  done
  umount "$root/etc" "$root/run" "$root/usr/local" "$root/usr/lib/sysctl.d"
done
"""


def make(tree: Path, rng: random.Random) -> None:
    """Write a random nasty tree: configuration below etc, run and usr, empty keys for globs and for each loader."""
    for base in ("proc/sys", "systemd", "procps"):
        for key in KEYS:
            file = tree / base / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    for place in PLACES:
        directory = tree / place
        directory.mkdir(parents=True)
        for name in rng.sample(_NAMES, rng.randrange(4)):
            _file(directory / name, rng)
    if rng.random() < 0.7:
        (tree / "etc/sysctl.conf").write_bytes(_text(rng))
        if rng.random() < 0.4:
            link = tree / "etc/sysctl.d/99-sysctl.conf"
            link.unlink(missing_ok=True)
            if not link.is_dir():
                link.symlink_to("../sysctl.conf")


def _file(path: Path, rng: random.Random) -> None:
    kind = rng.random()
    if kind < 0.06:
        path.symlink_to("/etc/nowhere")
    elif kind < 0.1 and path.name != "99-sysctl.conf":
        path.mkdir()
    elif kind < 0.15:
        path.touch()
    else:
        path.write_bytes(_text(rng))


def _text(rng: random.Random) -> bytes:
    made = "\ufeff" if rng.random() < 0.03 else ""
    for _ in range(rng.randrange(1, 7)):
        made += _line(rng) + rng.choice(_ENDS)
    return made.encode()


def _line(rng: random.Random) -> str:
    key = rng.choice(_GLOBS if rng.random() < 0.3 else _SPELLED)
    minus = rng.choice(("", "", "", "", "-", "- ", "--"))
    if rng.random() < 0.15:
        return rng.choice(("-", "- ", "")) + key
    if rng.random() < 0.1:
        return rng.choice(("# c", "; c", "=5", "", "  ", "\\"))
    value = rng.choice(("1", "2", "3", "1 2 3", "7 # x", "= 5", "", "4\\"))
    blank = rng.choice(("", " ", "\t", " ", "\f"))
    return f"{rng.choice(('', '', ' '))}{minus}{key}{blank}={blank}{value}{rng.choice(('', ' '))}"


def run(trees: list[Path], root: str = "") -> None:
    """Run both loaders over every tree in one private mount namespace; the machine's own files stay as they are."""
    command = ["unshare", "-m", "-n", "sh", "-c", _SCRIPT, "sh", root, *map(str, trees)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    if done.returncode or done.stderr:
        raise RuntimeError(f"sandbox failed: {done.stderr[-500:]}")


def written(tree: Path, loader: str) -> dict[str, str]:
    """Return the value last written to each key, "" where none was."""
    return {key: (tree / loader / key).read_bytes().decode("utf-8", "surrogateescape").split("\n")[0] for key in KEYS}
