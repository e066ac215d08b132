"""The files of a scene, its hosts, its name server and its environment, put in place on a stage."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.programs import stage
from tests.programs.measured import crowd
from tests.programs.measured.scene import Scene


def place(of: Scene) -> list[str]:
    """Put the files of a scene in place; return those that its program is started with."""
    own = stage.WORK / of.path.name
    own.write_text(of.text)
    for name in [*of.words("beside"), *of.words("files")]:
        beside = of.path.parent / name
        if beside.is_dir():
            shutil.copytree(beside, stage.WORK / name, dirs_exist_ok=True)
        elif beside != of.path:
            shutil.copy(beside, stage.WORK / name)
    if hosts := of.keys.get("hosts"):
        (stage.WORK / "hosts").write_text("127.0.0.1 localhost\n" + "".join(" ".join(line) + "\n" for line in hosts))
        subprocess.run(["mount", "--bind", str(stage.WORK / "hosts"), "/etc/hosts"], check=True)
    if names := of.keys.get("dns"):
        crowd.serve_names({line[0]: line[1:] for line in names})
    os.environ.update(environment(of))
    return [str(stage.WORK / name) for name in of.words("files", own.name)]


def environment(of: Scene) -> dict[str, str]:
    """Return what the program finds set beside what the test does."""
    return dict(pair.split("=", 1) for pair in of.words("environment"))
