"""Random trees: what we resolve must be what the real loaders write."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from hosttune.resolve.sysctl_procps import resolve_procps
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.resolve.sysctl_value import display
from tests import needs
from tests.differential import sysctl_sandbox as sandbox
from tests.differential.roots import needed_root
from tests.running import Running

TREES = 200
Ran = tuple[list[Path], tuple[int, int, int]]


def _release(root: str) -> tuple[int, int, int]:
    command = [*(["chroot", root] if root else []), "/usr/sbin/sysctl", "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", said)
    assert found
    return int(found[1]), int(found[2]), int(found[3])


@pytest.fixture(scope="module", params=["native", "trixie"])
def ran(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ran:
    if request.param == "trixie":
        root = str(needed_root("trixie"))
    else:
        root = ""
        needs.need("namespaces", "/usr/lib/systemd/systemd-sysctl", "sysctl")
    base = tmp_path_factory.mktemp(request.param)
    rng = random.Random(20)
    trees = [base / str(number) for number in range(TREES)]
    for tree in trees:
        sandbox.make(tree, rng)
    sandbox.run(trees, root)
    return trees, _release(root)


@pytest.mark.parametrize("loader", ["systemd", "procps"])
def test_real_loader_writes_what_we_resolve(ran: Ran, loader: str) -> None:
    trees, release = ran
    wrong = []
    for tree in trees:
        host = Running(str(tree))
        found = resolve_systemd(host, now=True) if loader == "systemd" else resolve_procps(host, release)
        for key, real in sandbox.written(tree, loader).items():
            ours = found.values.get(display(key))
            if (ours.text if ours else "") != real:
                wrong.append(f"{tree.name} {key}: real {real!r}, ours {ours}")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:12])
