"""Boot a real Debian 12 under QEMU, several times on one disk: what a change leaves after a reboot is then seen.

The root is built once and kept. Each `Guest` is a disk of its own with hosttune as it is in this checkout; `boot`
runs a script on it as root. No network: a guest has nothing but its loopback.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
from pathlib import Path

import pytest

from tests.differential import roots

REPO = Path(__file__).resolve().parents[2]
TOOLS = ("debootstrap", "mke2fs", "qemu-system-x86_64", "unshare", "chroot")
INCLUDE = (
    "linux-image-cloud-amd64,systemd-sysv,udev,procps,iproute2,kmod,nftables,dbus,libpam-systemd,login,passwd,python3,"
    "haproxy,openssh-server,openssh-client,ifupdown,netplan.io"
)
ANSWER = 64 << 20
"""Bytes of the disk onto which the guest writes its answers."""

VOLATILE = [
    r"fs\.dentry-state",
    r"fs\.file-nr",
    r"fs\.inode-(nr|state)",
    r"kernel\.ns_last_pid",
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
APPEND = "root=/dev/vda rw console=ttyS0 quiet systemd.wants=guest.service systemd.mask=serial-getty@ttyS0.service"
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


def need_guest() -> None:
    """Skip where the guest cannot be built; under CI that is a failure."""
    why = "" if os.geteuid() == 0 else "a guest takes root"
    why = why or next((f"{tool} is missing" for tool in TOOLS if not shutil.which(tool)), "")
    try:
        if not why:
            guest_root()
    except roots.RootUnavailable as error:
        why = str(error)
    if why and os.environ.get("CI"):
        pytest.fail(why)
    if why:
        pytest.skip(why)


def guest_root() -> Path:
    """Directory of the root that every guest starts from, built on first use; RootUnavailable where that fails."""
    cache = roots.cache_dir()
    # another recipe is another root
    recipe = repr((INCLUDE, FILES, SETUP, _dependencies()))
    root = cache / f"guest-bookworm-{hashlib.sha256(recipe.encode()).hexdigest()[:12]}"
    if (root / ".complete").exists():
        return root
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / ".complete").exists():
            shutil.rmtree(root, ignore_errors=True)  # left by an interrupted build
            _build(root)
            (root / ".complete").touch()
    return root


def _build(root: Path) -> None:
    """Make the root: Debian, the packages that hosttune imports, and all that a boot would otherwise write to /etc."""
    _run("debootstrap", "--variant=minbase", f"--include={INCLUDE}", "bookworm", str(root), roots._mirror())
    _run(sys.executable, "-m", "pip", "install", "-q", "--target", str(root / "opt/hosttune"),
         "--only-binary=:all:", "--python-version", "3.11", *_dependencies())  # fmt: skip
    _write(root, FILES)
    _run("chroot", str(root), "sh", "-c", SETUP)


def _dependencies() -> list[str]:
    """Packages that hosttune imports, as pyproject.toml has them."""
    found: list[str] = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]["dependencies"]
    return found


def _run(*command: str) -> None:
    """Run a program to its end; RootUnavailable tells what it said when it failed."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise roots.RootUnavailable(f"{command[0]}: {error}") from error
    if done.returncode:
        raise roots.RootUnavailable(f"{command[0]} failed: {(done.stdout + done.stderr)[-500:]}")


def _write(root: Path, files: dict[str, str]) -> None:
    """Write files below `root`; what starts with #! may be executed."""
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        if text.startswith("#!"):
            target.chmod(0o755)


class Guest:
    """One disk with Debian 12, hosttune as it is in this checkout, and `files` (absolute path to text)."""

    def __init__(self, directory: Path, files: dict[str, str] | None = None) -> None:
        self.directory = directory
        self.disk = directory / "disk.img"
        layer = directory / "layer"
        for part in ("upper", "work", "root", "files"):
            (layer / part).mkdir(parents=True)
        package = layer / "files/opt/hosttune/hosttune"
        shutil.copytree(REPO / "hosttune", package, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(REPO / "profiles", package / "_profiles", dirs_exist_ok=True)
        _write(layer / "files", {"/usr/local/bin/hosttune": WRAPPER, **(files or {})})
        _run("unshare", "-m", "sh", "-c", DISK, "sh", str(guest_root()), str(layer), str(self.disk))
        shutil.rmtree(layer)

    def boot(self, script: str, timeout: float = 150) -> dict[str, str]:
        """Boot the disk, run `script` (bash, as root) once all is up, power off; what it kept, "rc" and "console".

        In the script `... | keep NAME` keeps what it reads under NAME. An emulated machine hangs once in a while: a
        boot without an answer is made a second time, from the disk as it was before.
        """
        before = self.directory / "before.img"
        _run("cp", "--sparse=always", str(self.disk), str(before))
        try:
            return self._boot(script, timeout)
        except AssertionError:
            before.replace(self.disk)
            return self._boot(script, timeout)
        finally:
            before.unlink(missing_ok=True)

    def _boot(self, script: str, timeout: float) -> dict[str, str]:
        order, answer, log = (self.directory / name for name in ("script.img", "answer.img", "console.log"))
        with tarfile.open(order, "w") as tar:
            for name, text in (("run", RUN), ("script", script)):
                member = tarfile.TarInfo(name)
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        with answer.open("wb") as file:
            file.truncate(ANSWER)
        boot = guest_root() / "boot"
        command = [
            "qemu-system-x86_64", "-accel", "tcg", "-m", "1024", "-smp", "1", "-nographic", "-no-reboot",
            "-nic", "none", "-append", APPEND,
            "-kernel", str(next(boot.glob("vmlinuz-*"))), "-initrd", str(next(boot.glob("initrd.img-*"))),
            *(word for disk in (self.disk, order, answer) for word in ("-drive", f"file={disk},format=raw,if=virtio")),
        ]  # fmt: skip
        why = ""
        with log.open("wb") as file:
            try:
                subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=timeout)
            except subprocess.TimeoutExpired:
                why = f"did not power off within {timeout:g} s"
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


def stable_sysctls(text: str) -> dict[str, str]:
    """Read what `sysctl -a` printed, without the values that change by themselves."""
    volatile = re.compile("|".join(VOLATILE))
    pairs = (line.split(" = ", 1) for line in text.splitlines() if " = " in line)
    return {key: value for key, value in pairs if not volatile.fullmatch(key)}
