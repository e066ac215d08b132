"""Rebuild the recorded machines: boot Debian guests under QEMU and run `hosttune snapshot` inside each.

Run as root on a Debian machine with debootstrap, e2fsprogs and qemu-system-x86; not run in CI, takes some minutes:

    python tests/hosts/record.py /var/tmp/guest            # all
    python tests/hosts/record.py /var/tmp/guest drift      # these

Each guest is a minimal Debian with systemd as PID 1 and all capabilities. The directory keeps the roots, which are
used again. Kernel and package versions are those of the mirror on the day. Then review and rewrite the golden
files: `HOSTTUNE_UPDATE_GOLDEN=1 pytest tests/hosts`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPO = HERE.parent.parent
INCLUDE = (
    "linux-image-cloud-amd64,systemd-sysv,udev,procps,iproute2,kmod,nftables,python3,dbus,libpam-systemd,login,haproxy"
)
ANSWER = 16 << 20
"""Bytes of the second disk, onto which the guest writes the snapshot from byte 0."""
TIMEOUT = 300.0

SNAPSHOT = "PYTHONPATH=/opt/hosttune python3 -m hosttune snapshot -o /run/snapshot.json"

# where the image's address would come from DHCP
ADDRESS = """\
ip link set lo up
ip link add eth9 type dummy && ip addr add 192.0.2.10/24 dev eth9 && ip link set eth9 up
ip route add default via 192.0.2.1
"""

UNIT = """\
[Unit]
After=multi-user.target haproxy.service
[Service]
Type=oneshot
ExecStart=/bin/sh /opt/record.sh
StandardOutput=file:/dev/ttyS0
StandardError=file:/dev/ttyS0
"""

SCRIPT = """\
{address}{before}
{snapshot}
dd if=/run/snapshot.json of=/dev/vdb bs=64k conv=fsync
systemctl poweroff --force
"""

WHITE_PAPER = """\
fs.file-max = 10000000
fs.nr_open = 10000000
net.ipv4.tcp_mem = 10000000 10000000 10000000
net.ipv4.tcp_rmem = 4096 65535 1000000
net.ipv4.tcp_wmem = 4096 65535 1000000
net.ipv4.tcp_max_syn_backlog = 65535
net.core.netdev_max_backlog = 65535
net.ipv4.ip_local_port_range = 1024 65535
net.ipv4.tcp_tw_reuse = 1
"""

LIMITS = "".join(f"{who} {kind} nofile 10000000\n" for who in ("*", "root") for kind in ("soft", "hard"))

# what a container runtime does: own namespaces, /proc/sys read-only, no capability over the host
CONTAINER = f"""unshare -m -n -p --fork --mount-proc sh -e <<'END'
{ADDRESS}
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
{SNAPSHOT.replace("PYTHONPATH", "exec setpriv --bounding-set=-sys_admin,-sys_resource,-net_admin env PYTHONPATH")}
END"""


@dataclass(frozen=True)
class Variant:
    """One machine: files over the stock image, what the kernel is told, what runs before the snapshot."""

    files: dict[str, str] = field(default_factory=dict)
    kernel: str = ""
    before: str = ""
    snapshot: str = SNAPSHOT
    suite: str = "bookworm"


VARIANTS = {
    "debian12-stock": Variant(),
    "debian12-whitepaper": Variant(
        {"/etc/sysctl.d/90-tsung.conf": WHITE_PAPER, "/etc/security/limits.d/90-tsung.conf": LIMITS}
    ),
    "debian12-container": Variant(snapshot=CONTAINER),
    "debian12-no-ipv6": Variant(kernel="ipv6.disable=1"),
    "debian12-conntrack": Variant(
        {"/etc/sysctl.d/90-conntrack.conf": "net.netfilter.nf_conntrack_max = 2000000\n"},
        before="modprobe nf_conntrack\n"
        "nft 'add table inet f; add chain inet f i { type filter hook input priority 0; };"
        " add rule inet f i ct state established accept'\n"
        # one connection, so that the table shows that this namespace tracks
        'python3 -c \'import socket as s; a = s.create_server(("127.0.0.1", 1883));'
        ' s.create_connection(a.getsockname()).send(b"x")\'',
    ),
    "debian12-service-1024": Variant(
        {
            "/etc/systemd/system/haproxy.service.d/limit.conf": "[Service]\nLimitNOFILE=1024\n",
            "/etc/security/limits.d/90-lb.conf": LIMITS.replace("10000000", "1048576"),
        }
    ),
    "debian12-drift": Variant(
        {
            "/etc/sysctl.d/90-lb.conf": "net.core.somaxconn = 65535\nnet.ipv4.ip_local_port_range = 1024 65535\n",
            "/etc/sysctl.conf": "# from the image of 2014\nnet.core.somaxconn = 1024\n",
        },
        # the hand that made it right until the next boot
        before="sysctl -q -w net.core.somaxconn=65535 net.ipv4.tcp_max_syn_backlog=65535",
    ),
    "debian13-stock": Variant(suite="trixie"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Rebuild the recorded machines.")
    parser.add_argument("directory", type=Path, help="keeps roots and images")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(VARIANTS)}")
    parser.add_argument("--mirror", default="", help="default: the one that apt uses here")
    asked = parser.parse_args()
    asked.mirror = asked.mirror or apt_mirror()
    for name in asked.names or VARIANTS:
        variant = VARIANTS[name]
        root = build(asked.directory, variant.suite, asked.mirror)
        text = record(asked.directory, root, variant)
        (HERE / f"{name}.json").write_text(text, encoding="utf-8")
        print(f"{name}: {len(text)} characters", flush=True)


def build(directory: Path, suite: str, mirror: str) -> Path:
    """Return the root of a suite, made where it is missing, with hosttune as it is in this checkout."""
    root = directory / suite
    if not (root / "opt/built").exists():
        run("debootstrap", "--variant=minbase", f"--include={INCLUDE}", suite, str(root), mirror)
        (root / "opt/built").touch()
    packages = root / "opt/hosttune"
    if not packages.exists():
        python = next((root / "usr/lib").glob("python3.1*")).name.removeprefix("python")
        project = tomllib.loads((REPO / "pyproject.toml").read_text())["project"]
        run(sys.executable, "-m", "pip", "install", "-q", "--target", str(packages), "--only-binary=:all:",
            "--python-version", python, *project["dependencies"])  # fmt: skip
    shutil.rmtree(packages / "hosttune", ignore_errors=True)
    shutil.copytree(REPO / "hosttune", packages / "hosttune", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(REPO / "profiles", packages / "hosttune/_profiles", dirs_exist_ok=True)
    (root / "etc/systemd/system/record.service").write_text(UNIT)
    wants = root / "etc/systemd/system/default.target.wants"
    wants.mkdir(exist_ok=True)
    (wants / "record.service").unlink(missing_ok=True)
    (wants / "record.service").symlink_to("/etc/systemd/system/record.service")
    return root


def record(directory: Path, root: Path, variant: Variant) -> str:
    """Boot one variant and return the snapshot that it wrote."""
    script = SCRIPT.format(address=ADDRESS, before=variant.before, snapshot=variant.snapshot)
    layer = directory / "layer"
    shutil.rmtree(layer, ignore_errors=True)
    run("cp", "-a", "--reflink=auto", str(root), str(layer))
    for path, text in {**variant.files, "/opt/record.sh": script}.items():
        target = layer / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    disk, answer = directory / "disk.img", directory / "answer.img"
    disk.unlink(missing_ok=True)
    run("mke2fs", "-q", "-t", "ext4", "-d", str(layer), str(disk), "3G")
    answer.write_bytes(bytes(ANSWER))
    boot = layer / "boot"
    run(
        "qemu-system-x86_64", "-accel", "tcg", "-m", "1024", "-smp", "2", "-nographic", "-no-reboot", "-nic", "none",
        "-kernel", str(next(boot.glob("vmlinuz-*"))), "-initrd", str(next(boot.glob("initrd.img-*"))),
        "-append", f"root=/dev/vda rw console=ttyS0 quiet {variant.kernel}",
        "-drive", f"file={disk},format=raw,if=virtio", "-drive", f"file={answer},format=raw,if=virtio",
        log=directory / "console.log",
    )  # fmt: skip
    text = answer.read_bytes().rstrip(b"\0").decode()
    if not text:
        raise SystemExit(f"the guest wrote nothing; see {directory / 'console.log'}")
    return text


def run(*command: str, log: Path | None = None) -> None:
    """Run a program to its end; subprocess kills it, and nothing else, after TIMEOUT seconds."""
    if log is None:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return
    with log.open("wb") as file:
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=file, stderr=file, timeout=TIMEOUT)


def apt_mirror() -> str:
    """Return the mirror that this machine's apt uses."""
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]


if __name__ == "__main__":
    main()
