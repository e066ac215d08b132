"""The systems of the table, as data, and their roots: a Debian suite, perhaps with the kernel of another."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from tests.differential import roots
from tests.vm import guest

INCLUDE = "systemd-sysv,udev,procps,iproute2,kmod,nftables,dbus,libpam-systemd,login,passwd,python3,haproxy"
BINARIES = {"amd64": "x86_64", "arm64": "aarch64"}
"""What qemu and pip call an architecture of Debian."""


@dataclass(frozen=True)
class System:
    """A Debian suite with a kernel package, of its own suite or of `kernel_suite`; `python` is what the suite has."""

    name: str
    suite: str
    python: str
    kernel: str = "linux-image-cloud-amd64"
    kernel_suite: str = ""
    arch: str = "amd64"
    megabytes: int = 2048

    @property
    def native(self) -> bool:
        """Whether this machine runs its programs itself."""
        return BINARIES[self.arch] == platform.machine()

    @property
    def machine(self) -> guest.Machine:
        """What qemu is to be: the machine's own processor where it can be had, else an emulated one."""
        size = ("-m", str(self.megabytes))
        if not self.native:
            return guest.Machine("qemu-system-aarch64", ("-M", "virt", "-cpu", "cortex-a72", *size), "ttyAMA0", False)
        accel = "kvm" if virtual() else "tcg"
        cpu = ("-cpu", "host") if accel == "kvm" else ()
        return guest.Machine(f"qemu-system-{BINARIES[self.arch]}", ("-accel", accel, *cpu, *size))


SYSTEMS = (
    System("debian-12", "bookworm", "3.11"),
    System("debian-13", "trixie", "3.13"),
    System("debian-sid", "sid", "3.14"),
    System("debian-13-16k", "trixie", "3.13", kernel="linux-image-arm64-16k", arch="arm64"),
    System("debian-12-linux-5.10", "bookworm", "3.11", kernel_suite="bullseye"),
    System("debian-sid-experimental", "sid", "3.14", kernel_suite="experimental"),
)
"""Every system of the table; the first five are what it shows if none is named."""
DEFAULT = tuple(system.name for system in SYSTEMS[:5])

# a mirror may keep a moving suite for longer than its Release says
# $1 the root, $2 the mirror, $3 its suite, $4 the kernel's, $5 the kernel's package
KERNEL = """\
set -e
cp -L /etc/resolv.conf "$1/etc/resolv.conf"
printf "deb $2 %s main\\n" $(printf '%s\\n' "$3" "$4" | sort -u) >"$1/etc/apt/sources.list"
mount --rbind /proc "$1/proc"
chroot "$1" apt-get -o Acquire::Check-Valid-Until=false update -qq
export DEBIAN_FRONTEND=noninteractive
chroot "$1" apt-get install -y -qq --no-install-recommends initramfs-tools "$5/$4"
umount -l "$1/proc"
: >"$1/etc/apt/sources.list"; : >"$1/etc/resolv.conf"
"""
SETUP = """\
set -e
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale
touch /etc/.updated /var/.updated
"""
FILES = {path: text for path, text in guest.FILES.items() if "ssh" not in path}

# programs of another architecture run by qemu in a user namespace, whose binfmt_misc is its own
EMULATED = r"""
read -r go && export container=lxc && mount -t binfmt_misc none /proc/sys/fs/binfmt_misc &&
printf '%s' ':emulated:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:'\
'\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/usr/bin/qemu-aarch64-static:F' \
    >/proc/sys/fs/binfmt_misc/register && exec "$@" </dev/null
"""


def virtual() -> bool:
    """Say whether the processor runs any guest's kernel: where it cannot, /dev/kvm takes such as were made for it."""
    flags = Path("/proc/cpuinfo").read_text().split()
    return ("vmx" in flags or "svm" in flags) and os.access("/dev/kvm", os.R_OK | os.W_OK)


def named(names: list[str]) -> list[System]:
    """Return the systems of these names, those of the table if there are none; KeyError names one that is unknown."""
    known = {system.name: system for system in SYSTEMS}
    return [known[name] for name in names or DEFAULT]


def root_of(system: System) -> Path:
    """Return the directory of a system's root, built on first use; RootUnavailable where that fails."""
    recipe = (system, INCLUDE, KERNEL, SETUP, FILES, guest.dependencies())
    return guest.kept(f"kernels-{system.name}", recipe, lambda root: _build(system, root))


def _build(system: System, root: Path) -> None:
    mirror = roots.mirror()
    cache = roots.cache_dir() / "packages"
    cache.mkdir(exist_ok=True)
    _run(system, "debootstrap", "--variant=minbase", f"--arch={system.arch}", f"--cache-dir={cache}",
         f"--include={INCLUDE}", system.suite, str(root), mirror)  # fmt: skip
    wheels = (f"{tag}_{BINARIES[system.arch]}" for tag in ("manylinux2014", "manylinux_2_28"))
    guest.run(sys.executable, "-m", "pip", "install", "-q", "--target", str(root / "opt/hosttune"),
              "--only-binary=:all:", "--python-version", system.python,
              *(word for wheel in wheels for word in ("--platform", wheel)), *guest.dependencies())  # fmt: skip
    console = system.machine.console
    guest.write(root, {path: text.replace("ttyS0", console) for path, text in FILES.items()})
    kernel = (system.kernel_suite or system.suite, system.kernel)
    _run(system, "sh", "-c", KERNEL, "sh", str(root), mirror, system.suite, *kernel)
    _run(system, "chroot", str(root), "sh", "-c", SETUP)


def _run(system: System, *command: str) -> None:
    """Run a program that runs the root's own ones; RootUnavailable tells what it said when it failed."""
    if system.native:
        guest.run("unshare", "-m", *command)
        return
    if shutil.which("qemu-aarch64-static") is None:
        raise roots.RootUnavailable("qemu-aarch64-static is needed to build a root of another architecture")
    words = ["unshare", "-U", "-m", "sh", "-c", EMULATED, "sh", *command]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as child:
        try:
            _map_users(child.pid)
            said, _ = child.communicate("go\n", timeout=3600)
        except (OSError, subprocess.TimeoutExpired) as error:
            child.kill()
            raise roots.RootUnavailable(f"{command[0]}: {error}") from error
    if child.returncode:
        raise roots.RootUnavailable(f"{command[0]} failed: {said[-800:]}")


def _map_users(pid: int) -> None:
    """Give a process that left for a user namespace the first 65,536 users and groups of ours, as they are."""
    ours, until = Path("/proc/self/ns/user").readlink(), time.monotonic() + 10
    while Path(f"/proc/{pid}/ns/user").readlink() == ours and time.monotonic() < until:
        time.sleep(0.01)
    for name in ("uid_map", "gid_map"):
        Path(f"/proc/{pid}/{name}").write_text("0 0 65536")
