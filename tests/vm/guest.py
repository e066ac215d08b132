"""Boot a real Debian 12 under QEMU, several times on one disk: what a change leaves after a reboot is then seen.

The root is built once and kept. Each `Guest` is a disk of its own with hosttune as it is in this checkout; `boot`
runs a script on it as root, `served` lets it run and opens its ssh server to this machine. A guest has nothing but
its loopback, unless it is given qemu's own network, which reaches nothing but what `hostfwd` and `guestfwd` name.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests import needs
from tests.differential import roots

REPO = Path(__file__).resolve().parents[2]
TOOLS = ("debootstrap", "mke2fs", "qemu-system-x86_64", "unshare", "chroot")
INCLUDE = (
    "linux-image-cloud-amd64,systemd-sysv,udev,procps,iproute2,kmod,nftables,dbus,libpam-systemd,login,passwd,python3,"
    "haproxy,openssh-server,openssh-client,ifupdown,netplan.io"
)
MORE = ("cloud-init", "python3-venv", "netbase")
"""Packages that need a configured base: apt installs them in it afterwards."""
RUNTIMES = (
    *("podman", "crun", "docker.io", "containerd", "systemd-container", "apparmor", "iptables"),
    *("uidmap", "slirp4netns", "dbus-user-session"),
)
"""The same for runtimes of containers; slirp4netns and uidmap for those of a user."""
patience = 1
"""By how much longer than on a quiet machine a guest is waited for."""
ANSWER = 64 << 20
"""Bytes of the disk onto which the guest writes its answers."""

VOLATILE = [
    r"fs\.dentry-state",
    r"fs\.file-nr",
    r"fs\.inode-(nr|state)",
    r"kernel\.ns_last_pid",
    r"fs\.quota\.syncs",  # counted
    r"kernel\.random\.(boot_id|uuid)",
    r"vm\.user_reserve_kbytes",  # of the memory that is free when the kernel starts
    r"kernel\.pty\.nr|net\.netfilter\.nf_conntrack_count",  # these count what is open
]
"""What a plain reboot changes in `sysctl -a`, each to be matched in full."""

HAPROXY = """\
global
    log /dev/log local0
    user haproxy
    group haproxy
    daemon
defaults
    mode tcp
    timeout connect 5s
    timeout client 1m
    timeout server 1m
frontend mqtt
    bind :1883
    default_backend brokers
backend brokers
    server broker1 127.0.0.1:1884
"""

# the script's unit is wanted here only, so that /etc is that of a machine without it; a getty would take its console
CONSOLE = "root=/dev/vda rw console=ttyS0 quiet systemd.mask=serial-getty@ttyS0.service"
SCRIPT = "systemd.wants=guest.service"
NO_CLOUD = "cloud-init=disabled"
"""On the kernel's command line: a root that has cloud-init boots as if it had not."""

USER_NETWORK = "user,restrict=on,model=virtio"
"""A network card whose other end is qemu itself; `guestfwd` and `hostfwd` say what it lets through."""
NETWORK = {
    "/etc/systemd/network/20-lan.network": "[Match]\nName=en*\n[Network]\nAddress=10.0.2.15/24\nGateway=10.0.2.2\n"
}
"""Files of a guest that is `served`: the address that qemu's own network expects."""
UNIT = """\
[Unit]
After=multi-user.target haproxy.service ssh.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /run/guest/answers && tar -xf /dev/vdb -C /run/guest && exec bash /run/guest/run'
StandardOutput=file:/dev/ttyS0
"""

RUN = """\
keep() { cat >"/run/guest/answers/$1"; }
export -f keep
export HOME=/root && cd
bash /run/guest/script </dev/null
echo $? | keep rc
tar -cf /dev/vdc -C /run/guest/answers . && sync && systemctl poweroff --no-block
"""

FILES = {
    "/etc/machine-id": "6d2f0a9c51e84b7796f3a0c4be18d275\n",
    "/etc/hostname": "guest\n",
    "/etc/hosts": "127.0.0.1 localhost guest\n",
    "/etc/resolv.conf": "",
    "/etc/apt/sources.list": "",
    "/etc/haproxy/haproxy.cfg": HAPROXY,
    "/root/.ssh/config": "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n",
    "/usr/lib/systemd/system/guest.service": UNIT,
}

SETUP = """\
set -e
useradd -m -u 1000 -s /bin/bash alice
ssh-keygen -A
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
chmod -R go= /root/.ssh
install -d -m 700 -o alice -g alice /home/alice/.ssh
install -m 600 -o alice -g alice /root/.ssh/authorized_keys /home/alice/.ssh
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/share/doc /usr/share/man /usr/share/info /usr/share/locale
python3 -m compileall -q /opt/hosttune
# newer than /usr: the first boot has nothing to bring up to date
touch /etc/.updated /var/.updated
"""

# $1 the kept root, $2 the new one, $3 the mirror, then packages; what a first boot would write is taken out again
DERIVED = """\
set -e
cp -a --reflink=auto "$1" "$2"
base=$2; echo "deb $3 bookworm main" >"$base/etc/apt/sources.list"; shift 3
cp /etc/resolv.conf "$base/etc/resolv.conf"
printf '#!/bin/sh\\nexit 101\\n' >"$base/usr/sbin/policy-rc.d"; chmod 755 "$base/usr/sbin/policy-rc.d"
mount -t proc proc "$base/proc"
chroot "$base" apt-get update -qq
DEBIAN_FRONTEND=noninteractive chroot "$base" apt-get install -y -qq --no-install-recommends "$@" >&2
umount "$base/proc"
rm "$base/usr/sbin/policy-rc.d"
: >"$base/etc/apt/sources.list"; : >"$base/etc/resolv.conf"
chroot "$base" apt-get clean
rm -rf "$base"/var/lib/apt/lists/* "$base"/usr/share/doc "$base"/usr/share/man "$base"/usr/share/locale
touch "$base/etc/.updated" "$base/var/.updated"
"""
WRAPPER = '#!/bin/sh\nPYTHONPATH=/opt/hosttune exec python3 -m hosttune "$@"\n'

# $1 the kept root, $2 the directory of the layer, $3 the disk
DISK = """\
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" 2>/dev/null ||
    cp -a --reflink=auto "$1/." "$2/root"
cp -r "$2/files/." "$2/root"
chroot "$2/root" python3 -m compileall -q /opt/hosttune/hosttune
mke2fs -q -t ext4 -d "$2/root" "$3" 3G
"""


def need_guest(root: Callable[[], Path] | None = None) -> None:
    """Skip where the guest cannot be built; under CI that is a failure."""
    needs.need("root", *TOOLS)
    try:
        (root or guest_root)()
    except roots.RootUnavailable as error:
        needs.missing(str(error))


def guest_root() -> Path:
    """Directory of the root that every guest starts from, built on first use; RootUnavailable where that fails."""
    return kept("guest-bookworm", (INCLUDE, FILES, SETUP, dependencies()), _build)


def hooks_root() -> Path:
    """Directory of the root that has cloud-init and python3-venv too; RootUnavailable where it cannot be built."""
    return _derived("guest-hooks", MORE)


def containers_root() -> Path:
    """Directory of the root that has docker, podman and containerd; RootUnavailable where it cannot be built."""
    return _derived("guest-containers", RUNTIMES)


def _derived(name: str, packages: tuple[str, ...]) -> Path:
    base = guest_root()

    def build(root: Path) -> None:
        run("unshare", "-m", "sh", "-c", DERIVED, "sh", str(base), str(root), roots.mirror(), *packages)
        (root / ".complete").unlink(missing_ok=True)

    return kept(name, (base.name, DERIVED, packages), build)


def kept(name: str, recipe: object, build: Callable[[Path], None]) -> Path:
    """Return a root from the cache, built there if need be; another recipe is another root."""
    cache = roots.cache_dir()
    root = cache / f"{name}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}"
    if (root / ".complete").exists():
        return root
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / ".complete").exists():
            shutil.rmtree(root, ignore_errors=True)  # left by an interrupted build
            build(root)
            (root / ".complete").touch()
    return root


def _build(root: Path) -> None:
    """Make the root: Debian, the packages that hosttune imports, and all that a boot would otherwise write to /etc."""
    run("debootstrap", "--variant=minbase", f"--include={INCLUDE}", "bookworm", str(root), roots.mirror())
    run(sys.executable, "-m", "pip", "install", "-q", "--target", str(root / "opt/hosttune"),
         "--only-binary=:all:", "--python-version", "3.11", *dependencies())  # fmt: skip
    write(root, FILES)
    run("chroot", str(root), "sh", "-c", SETUP)


def dependencies() -> list[str]:
    """Packages that hosttune imports, as pyproject.toml has them."""
    found: list[str] = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["dependencies"]
    return found


def run(*command: str) -> None:
    """Run a program to its end; RootUnavailable tells what it said when it failed."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise roots.RootUnavailable(f"{command[0]}: {error}") from error
    if done.returncode:
        raise roots.RootUnavailable(f"{command[0]} failed: {(done.stdout + done.stderr)[-500:]}")


def write(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below `root`; what starts with #! may be executed."""
    for path, content in files.items():
        data = content.encode() if isinstance(content, str) else content
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        if data.startswith(b"#!"):
            target.chmod(0o755)


@dataclass(frozen=True)
class Machine:
    """What qemu emulates: its program, the words for machine and processor, the console, whether the CPU is ours."""

    program: str = "qemu-system-x86_64"
    words: tuple[str, ...] = ("-accel", "tcg", "-m", "1024")
    console: str = "ttyS0"
    native: bool = True


EMULATED = Machine()
"""A machine that every host can emulate."""


class Guest:
    """One disk with Debian 12, hosttune as it is in this checkout, and `files` (absolute path to text)."""

    def __init__(
        self,
        directory: Path,
        files: Mapping[str, str | bytes] | None = None,
        root: Path | None = None,
        machine: Machine = EMULATED,
    ) -> None:
        self.directory = directory
        self.machine = machine
        self.root = root or guest_root()
        self.disk = directory / "disk.img"
        layer = directory / "layer"
        for part in ("upper", "work", "root", "files"):
            (layer / part).mkdir(parents=True)
        package = layer / "files/opt/hosttune/hosttune"
        shutil.copytree(REPO / "hosttune", package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(REPO / "profiles", package / "_profiles", dirs_exist_ok=True)
        write(layer / "files", {"/usr/local/bin/hosttune": WRAPPER, **(files or {})})
        disk = DISK if machine.native else DISK.replace("\nchroot", "\n: chroot")
        run("unshare", "-m", "sh", "-c", disk, "sh", str(self.root), str(layer), str(self.disk))
        shutil.rmtree(layer)

    def boot(self, script: str, timeout: float = 150, nic: str = "none", append: str = NO_CLOUD) -> dict[str, str]:
        """Boot the disk, run `script` (bash, as root) once all is up, power off; what it kept, "rc" and "console".

        In the script `... | keep NAME` keeps what it reads under NAME. An emulated machine hangs once in a while: a
        boot without an answer is made a second time, from the disk as it was before. `nic` is what qemu's -nic takes,
        `append` goes to the kernel's command line.
        """
        before = self.directory / "before.img"
        run("cp", "--sparse=always", str(self.disk), str(before))
        try:
            return self._boot(script, timeout, nic, append)
        except AssertionError:
            before.replace(self.disk)
            return self._boot(script, timeout, nic, append)
        finally:
            before.unlink(missing_ok=True)

    @contextlib.contextmanager
    def served(self, timeout: float = 150) -> Iterator[int]:
        """Let the guest run and yield the port of 127.0.0.1 that is its ssh server's; `files` must have NETWORK.

        `key_of(guest)` is the key of its root. It is ended, not shut down: its disk is not for another boot.
        """
        port = _free_port()
        command = self._qemu(
            f"{USER_NETWORK},hostfwd=tcp:127.0.0.1:{port}-:22",
            f"{self._console} {NO_CLOUD} systemd.wants=systemd-networkd.service",
            [self.disk],
        )
        with (self.directory / "console.log").open("wb") as log:
            running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            try:
                _await_ssh(port, time.monotonic() + timeout * patience)
                yield port
            finally:
                running.kill()
                running.wait()

    @property
    def _console(self) -> str:
        return CONSOLE.replace("ttyS0", self.machine.console)

    def _qemu(self, nic: str, append: str, disks: list[Path]) -> list[str]:
        boot = self.root / "boot"
        return [
            self.machine.program, *self.machine.words, "-smp", "1", "-nographic", "-no-reboot",
            "-nic", nic, "-append", append,
            "-kernel", str(next(boot.glob("vmlinuz-*"))), "-initrd", str(next(boot.glob("initrd.img-*"))),
            *(word for disk in disks for word in ("-drive", f"file={disk},format=raw,if=virtio")),
        ]  # fmt: skip

    def _boot(self, script: str, timeout: float, nic: str, append: str) -> dict[str, str]:
        order, answer, log = (self.directory / name for name in ("script.img", "answer.img", "console.log"))
        with tarfile.open(order, "w") as tar:
            for name, text in (("run", RUN), ("script", script)):
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        with answer.open("wb") as file:
            file.truncate(ANSWER)
        command = self._qemu(nic, f"{self._console} {SCRIPT} {append}", [self.disk, order, answer])
        why = ""
        with log.open("wb") as file:
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=timeout * patience)
            except subprocess.TimeoutExpired:
                why = f"did not power off within {timeout * patience:g} s"
        console = "\n".join(log.read_text(errors="replace").splitlines()[-60:])
        kept: dict[str, str] = {}
        if not why:
            with tarfile.open(answer) as tar:
                for member in tar:
                    if (content := tar.extractfile(member)) is not None:
                        kept[Path(member.name).name] = content.read().decode(errors="replace")
        if "rc" not in kept:
            raise AssertionError(f"the guest {why or 'ended without an answer'}; its console:\n{console}")
        return {**kept, "rc": kept["rc"].strip(), "console": console}


def key_of(guest: Guest) -> Path:
    """Return the file of the key with which the guest's root lets itself and this machine in."""
    return guest.root / "root/.ssh/id_ed25519"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _await_ssh(port: int, until: float) -> None:
    """Wait for the ssh server's greeting; qemu itself accepts at once. AssertionError where it does not come."""
    while time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as talk:
            talk.settimeout(5)
            if talk.recv(8).startswith(b"SSH-"):
                return
        time.sleep(0.5)
    raise AssertionError("the guest's ssh server did not answer in time")


def stable_sysctls(text: str) -> dict[str, str]:
    """Read what `sysctl -a` printed, without the values that change by themselves."""
    volatile = re.compile("|".join(VOLATILE))
    pairs = (line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    return {key: value for key, value in pairs if not volatile.fullmatch(key)}
