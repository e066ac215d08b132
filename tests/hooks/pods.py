"""A pod's containers as a container runtime starts them: a manifest becomes a bundle that runc runs on this machine.

What the kubelet does is done here: variables in a command are put in, volumes become mounts in the order of their
depth, capabilities are those that are added and no others. The seccomp filter of a runtime is left out.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.vm.guest import REPO

BIN = "/opt/hosttune-test"
"""Where the container has the program hosttune: this checkout, with the Python that runs the tests."""
SOURCES = "/opt/hosttune-sources"
_OF_PYTHON = ("/usr", "/bin", "/lib", "/lib64", sys.prefix, sys.base_prefix)
_EXPANDED = re.compile(r"\$(?:\$|\(([^)]*)\))")
_PLAIN: list[dict[str, Any]] = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
    {"destination": "/sys", "type": "none", "source": "/sys", "options": ["rbind", "nosuid", "noexec", "nodev", "ro"]},
]
_READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def root_of(place: Path, files: Mapping[str, str] | None = None) -> Path:
    """Make a root that has Python and hosttune, and no file of the host below /etc, /run and /var."""
    root = place / "rootfs"
    for name in ("proc", "sys", "dev", "tmp", "host", "etc", "run", "var", BIN.strip("/")):
        (root / name).mkdir(parents=True, exist_ok=True)
    program = root / BIN.strip("/") / "hosttune"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={SOURCES} exec {sys.executable} -m hosttune "$@"\n')
    program.chmod(0o755)
    for path, text in (files or {}).items():
        (root / path.strip("/")).parent.mkdir(parents=True, exist_ok=True)
        (root / path.strip("/")).write_text(text)
    return root


def expanded(word: str, variables: Mapping[str, str]) -> str:
    """Return a word of a command as the kubelet passes it on: third_party/forked/golang/expansion."""
    return _EXPANDED.sub(lambda m: "$" if m[0] == "$$" else variables.get(m[1], m[0]), word)


def bundle(
    place: Path,
    pod: dict[str, Any],
    *,
    there: Mapping[str, str],
    maps: Mapping[str, Mapping[str, str]],
    args: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    python: bool = True,
) -> Path:
    """Write the bundle of a pod's one container, whose network and processes are those of whoever starts it.

    `pod` is the template's spec. `there` are directories that stand for those of the node, `maps` the ConfigMaps by
    name. `args` stand for the words after the program; `python`: the root has that of this machine mounted.
    """
    (container,) = pod["containers"]
    assert pod["hostNetwork"] and pod["hostPID"]
    rights = container["securityContext"]
    capabilities = [f"CAP_{name}" for name in rights["capabilities"].get("add", [])]
    assert rights["capabilities"]["drop"] == ["ALL"] and rights["privileged"] is False
    variables = {each["name"]: each["value"] for each in container.get("env", [])} | dict(env or {})
    words = [expanded(word, variables) for word in container["command"]]
    variables["PATH"] = f"{BIN}:/usr/local/bin:/usr/bin:/bin"
    spec = {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": rights["runAsUser"], "gid": rights["runAsGroup"]},
            "args": list(args) or words,
            "env": [f"{name}={value}" for name, value in variables.items()],
            "cwd": "/",
            "capabilities": {kind: capabilities for kind in ("bounding", "effective", "permitted")},
            "noNewPrivileges": not rights["allowPrivilegeEscalation"],
        },
        "root": {"path": "rootfs", "readonly": rights["readOnlyRootFilesystem"]},
        "hostname": "",
        # Python last: it may lie in a directory that a volume takes the place of
        "mounts": [*_PLAIN, *_volumes(place, pod, container, there, maps), *(_python() if python else ())],
        "linux": {
            "namespaces": [{"type": "mount"}, {"type": "ipc"}, {"type": "cgroup"}],
            "readonlyPaths": _READ_ONLY,
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
        },
    }
    del spec["hostname"]
    (place / "config.json").write_text(json.dumps(spec))
    return place


def _python() -> list[dict[str, Any]]:
    paths = dict.fromkeys(path for path in _OF_PYTHON if os.path.isdir(path))
    places = {**{path: path for path in paths}, SOURCES: str(REPO)}
    return [{"destination": p, "type": "none", "source": s, "options": ["rbind", "ro"]} for p, s in places.items()]


def _volumes(
    place: Path,
    pod: dict[str, Any],
    container: dict[str, Any],
    there: Mapping[str, str],
    maps: Mapping[str, Mapping[str, str]],
) -> Iterator[dict[str, Any]]:
    """Yield the mounts of a container, those above others first, as containerd sorts them."""
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in sorted(container["volumeMounts"], key=lambda each: each["mountPath"].rstrip("/").count("/")):
        volume = volumes[mount["name"]]
        made = {"destination": mount["mountPath"], "type": "none"}
        if "emptyDir" in volume:
            yield made | {"type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "mode=0777"]}
            continue
        if "configMap" in volume:
            source = place / "maps" / volume["name"] / mount["subPath"]
            source.parent.mkdir(parents=True, exist_ok=True)
            source.write_text(maps[volume["configMap"]["name"]][mount["subPath"]])
        else:
            source = Path(there.get(volume["hostPath"]["path"], volume["hostPath"]["path"]))
            if volume["hostPath"]["type"] == "DirectoryOrCreate":
                source.mkdir(parents=True, exist_ok=True)
        recursive = mount.get("recursiveReadOnly") == "IfPossible"
        how = ["rro" if recursive else "ro"] if mount.get("readOnly") else []
        yield made | {"source": str(source), "options": ["rbind", "rprivate", *how]}


def run(bundle: Path, name: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a bundle to its end."""
    command = ["runc", "--root", str(bundle / "state"), "run", "--bundle", str(bundle), name]
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=timeout
        )
    finally:
        delete = ["runc", "--root", str(bundle / "state"), "delete", "-f", name]
        subprocess.run(delete, capture_output=True, check=False)
