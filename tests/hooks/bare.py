"""A Debian that has Python and nothing else of what hosttune needs: no pip, no packages; hosttune.pyz is all there is.

The root is the guest's, below a layer that is thrown away; each command runs in it by chroot, in a mount namespace.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.vm.guest import guest_root

# $1 the kept root, $2 the directory of the layer, then more mounts and the script
ENTER = """\
set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root" 2>/dev/null || {
    [ -e "$2/root/usr" ] || cp -a --reflink=auto "$1/." "$2/root"
    cp -a "$2/upper/." "$2/root"
}
cd "$2/root"
mount -t proc proc proc; mount --bind /sys sys
eval "$3"
exec chroot . /bin/sh -c "cd; $4"
"""
USER = "setpriv --reuid 1000 --regid 1000 --clear-groups"
"""Before a command: who runs it is alice, whose home is /home/alice."""


class Bare:
    """The Debian; `files` are put below its root."""

    def __init__(self, directory: Path, files: dict[str, bytes]) -> None:
        self.layer = directory
        for part in ("upper", "work", "root"):
            (directory / part).mkdir(parents=True)
        for path, data in files.items():
            target = directory / "upper" / path.lstrip("/")
            target.write_bytes(data)
            target.chmod(0o755)

    def run(self, script: str, mounts: str = "", **env: str) -> subprocess.CompletedProcess[str]:
        """Run a script of sh as root, with nothing in the environment but PATH and what is given.

        `mounts` is run before, in the root's directory.
        """
        command = ["unshare", "-m", "sh", "-c", ENTER, "sh", str(guest_root()), str(self.layer), mounts, script]
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", **env},
        )
