"""What is emitted is read by the tools that it is for: podman's units by its generator, compose by docker-compose."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from hosttune.render import containers
from tests.differential.unpacked import files_of
from tests.render.containers.test_containers import LACKS, podman_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tools() -> Path:
    return files_of("container-tools", ("trixie",), "podman", "docker-compose")


def test_a_drop_in_becomes_options_of_podman_run(tools: Path, tmp_path: Path) -> None:
    (tmp_path / "lb.container.d").mkdir()
    (tmp_path / "lb.container").write_text("[Container]\nImage=registry.example/lb:1\n")
    (tmp_path / "lb.container.d/50-hosttune.conf").write_text(containers.text("quadlet", LACKS, "lb"))
    done = subprocess.run(
        [str(tools / "usr/libexec/podman/quadlet"), "-dryrun"],
        env={"QUADLET_UNIT_DIRS": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    (line,) = re.findall(r"^ExecStart=(.*)$", done.stdout, re.M)
    words = shlex.split(line)
    options = [(word, words[n + 1]) for n, word in enumerate(words) if word in ("--sysctl", "--ulimit")]
    sysctls, limits = podman_run(" ".join(shlex.quote(word) for option in options for word in option))
    assert (sysctls, limits) == (dict(LACKS.sysctls), "200:300"), done.stdout + done.stderr


def test_a_file_beside_another_is_joined_with_it(tools: Path, tmp_path: Path) -> None:
    program = next(path for path in sorted(tools.rglob("docker-compose")) if path.is_file() and path.stat().st_mode & 1)
    (tmp_path / "compose.yaml").write_text("services:\n  lb:\n    image: registry.example/lb:1\n")
    (tmp_path / "hosttune.yaml").write_text(containers.text("compose", LACKS, "lb"))
    done = subprocess.run(
        [str(program), "-f", "compose.yaml", "-f", "hosttune.yaml", "config"],
        cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    service = yaml.safe_load(done.stdout)["services"]["lb"]
    assert service["sysctls"] == dict(LACKS.sysctls) and service["ulimits"] == {"nofile": {"soft": 200, "hard": 300}}
