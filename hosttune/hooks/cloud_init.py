"""User-data for cloud-init: at its first boot a host gets hosttune, is made ready, and will check itself at each boot.

One script does it, so that its exit code is that of all: cloud-init goes on after a command of runcmd that fails, and
only reports the last one's. What came of it is under /run/hosttune.
"""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from hosttune.hooks.yaml_text import is_block

SCRIPT = "/usr/local/sbin/hosttune-first-boot"
RESULTS = "/run/hosttune"
PROGRAM = "/usr/local/bin/hosttune"
PROFILES = "/etc/hosttune/profiles"
_HOME = "/opt/hosttune"
_KEPT = "/var/cache/hosttune"
# with what is on each image that has cloud-init; a server that does not answer yet is asked again
_FETCH = """\
fetch() {
    python3 - "$1" "$2" <<'EOF'
import socket, sys, urllib.request
socket.setdefaulttimeout(60)
try:
    urllib.request.urlretrieve(sys.argv[1], sys.argv[2])
except Exception as error:
    sys.exit(f"hosttune-first-boot: {sys.argv[1]}: {error}")
EOF
}
tries=1
until fetch %s %s; do
    [ "$tries" -lt 5 ] || exit 1
    tries=$((tries + 1))
    sleep 10
done"""


class Kind(StrEnum):
    """What --from names: hosttune that is there, one file that runs, a wheel, a name that pip finds in an index."""

    IMAGE = "image"
    PYZ = "pyz"
    WHEEL = "wheel"
    INDEX = "index"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where hosttune comes from: `where` is a URL, a path of the image or a requirement, `sha256` "" for none."""

    kind: Kind
    where: str = ""
    sha256: str = ""

    @property
    def url(self) -> bool:
        return "://" in self.where


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the host shall be.

    `options` are those of apply and check alike, `also` those of apply alone; `profiles` and `units` are files by name;
    `line` is the command line that made it.
    """

    options: Sequence[str]
    also: Sequence[str]
    units: Mapping[str, str]
    line: str
    profiles: Mapping[str, str] = field(default_factory=dict)


def user_data(wanted: Wanted, origin: Origin, where: str) -> str:
    """Return the document; `where` is the directory of the units."""
    lines = ["#cloud-config", f"# made by `{wanted.line}`"]
    if origin.kind in (Kind.INDEX, Kind.WHEEL):
        lines += ["packages: [python3-venv]"]
    lines += ["write_files:"]
    for name, text in wanted.profiles.items():
        lines += _file(f"{PROFILES}/{name}", "0644", text)
    for name, text in wanted.units.items():
        lines += _file(f"{where}/{name}", "0644", text)
    lines += _file(SCRIPT, "0755", script(wanted, origin))
    lines += ["runcmd:", f"  - [{SCRIPT}]"]
    return "\n".join(lines) + "\n"


def script(wanted: Wanted, origin: Origin) -> str:
    """Return what the first boot runs; run again it changes nothing."""
    options, also = shlex.join(wanted.options), shlex.join(["--yes", *wanted.also])
    units = " ".join(wanted.units)
    return f"""\
#!/bin/sh
# Makes this host ready for its role; what came of it is in {RESULTS}. It may be run again.
set -eu
export HOME="${{HOME:-/root}}" PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
mkdir -p {RESULTS}
echo "not finished" >{RESULTS}/result
{_install(origin)}
apply=0
{PROGRAM} apply {options} {also} --format json >{RESULTS}/apply.json || apply=$?
check=0
{PROGRAM} check {options} --format json >{RESULTS}/check.json || check=$?
# from now on it checks itself, whatever came of it
systemctl daemon-reload
systemctl enable {units}
systemctl start --no-block {units}
echo "apply $apply check $check" >{RESULTS}/result
if [ "$apply" != 0 ] || [ "$check" != 0 ]; then
    echo "hosttune-first-boot: this host is not ready: apply ended with $apply, check with $check" >&2
    exit 1
fi
"""


def _install(origin: Origin) -> str:
    if origin.kind is Kind.IMAGE:
        return f'[ -x {PROGRAM} ] || {{ echo "hosttune-first-boot: {PROGRAM} is not on this image" >&2; exit 127; }}'
    if origin.kind is Kind.INDEX:
        return "\n".join(_venv(shlex.quote(origin.where), _hashed(origin)))
    lines = []
    path = origin.where
    if origin.url:
        path = f"{_KEPT}/{origin.where.partition('?')[0].partition('#')[0].rpartition('/')[2]}"
        lines += [f"mkdir -p {_KEPT}", _FETCH % (shlex.quote(origin.where), shlex.quote(path))]
    if origin.sha256:
        lines += [f"echo {shlex.quote(f'{origin.sha256}  {path}')} | sha256sum --check --quiet"]
    if origin.kind is Kind.PYZ:
        return "\n".join([*lines, f"install -m 755 {shlex.quote(path)} {PROGRAM}"])
    return "\n".join([*lines, *_venv(shlex.quote(path))])


def _hashed(origin: Origin) -> list[str]:
    """Return what installs a version of the index only where its sum is right; what it needs comes after it."""
    if not origin.sha256:
        return []
    requirement = shlex.quote(f"{origin.where} --hash=sha256:{origin.sha256}")
    return [f"echo {requirement} | {_HOME}/bin/pip install --quiet --no-deps --require-hashes -r /dev/stdin"]


def _venv(what: str, before: Sequence[str] = ()) -> list[str]:
    """Return what installs hosttune into an environment of its own."""
    return [
        f"[ -x {_HOME}/bin/pip ] || python3 -m venv {_HOME}",
        *before,
        f"{_HOME}/bin/pip install --quiet {what}",
        f"ln -sf {_HOME}/bin/hosttune {PROGRAM}",
    ]


def _file(path: str, mode: str, text: str) -> list[str]:
    """Return an entry of write_files; what a block of YAML cannot hold as it is goes as base64."""
    head = [f"  - path: {json.dumps(path)}", f'    permissions: "{mode}"']
    if is_block(text):
        return [*head, "    content: |", *(f"      {line}".rstrip() for line in text.splitlines())]
    return [*head, "    encoding: b64", f"    content: {base64.b64encode(text.encode()).decode()}"]
