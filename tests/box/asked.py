"""What hosttune says: the plan, the files that it emits, the capacity of a host, why a host stalls."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.box.hosts import ROOT

TOPOLOGY = ROOT / "tests" / "box" / "box.toml"


def hosttune(*words: str) -> str:
    """Return what a verb prints; raises where it was used wrongly."""
    command = [sys.executable, "-m", "hosttune", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1, 3):
        raise RuntimeError(done.stderr.strip() or f"{shlex.join(command)}: exit status {done.returncode}")
    return done.stdout


def changes(which: str, *overrides: str) -> list[str]:
    """Return what a run changes in the topology: `one` takes the source addresses away, `all` leaves them."""
    return [*(["lb.sources=1"] if which == "one" else []), *overrides]


def command(which: str, *overrides: str) -> str:
    """Return the command that writes the configurations of a run, as it would be typed."""
    words = ["hosttune", "plan", str(TOPOLOGY.relative_to(ROOT)), *_set(changes(which, *overrides)), "--emit", "DIR"]
    return shlex.join(words)


def _set(overrides: list[str]) -> list[str]:
    return [word for one in overrides for word in ("--set", one)]


def plan(overrides: list[str]) -> dict[str, Any]:
    """Return the plan of the box, schema hosttune/plan/1."""
    found: dict[str, Any] = json.loads(hosttune("plan", str(TOPOLOGY), *_set(overrides), "--format", "json"))
    return found


def emit(overrides: list[str], directory: Path) -> None:
    """Write the configurations of the box."""
    hosttune("plan", str(TOPOLOGY), *_set(overrides), "--emit", str(directory))


def least(host: str, profile: Path, program: str) -> dict[str, Any]:
    """Return the bound of a host that is met first at its part of the plan, for a program that runs there."""
    words = ["--netns", host, "--profile", str(profile), "--process-name", program]
    bounds = json.loads(hosttune("capacity", *words, "--format", "json"))["bounds"]
    found: dict[str, Any] = min((b for b in bounds if isinstance(b["hard"], int)), key=lambda b: b["hard"])
    return found


def diagnose(host: str, config: Path, log: Path) -> dict[str, Any]:
    """Return why a load balancer stalls, schema hosttune/diagnosis/2."""
    words = ["--netns", host, "--role", "lb", "--process-name", "haproxy", "--backends-from", str(config)]
    found: dict[str, Any] = json.loads(hosttune("diagnose", *words, "--log", str(log), "--format", "json"))
    return found


def names(directory: Path) -> list[tuple[str, str]]:
    """Return the name and address of each host of an emission."""
    rows = [line.split() for line in (directory / "hosts/etc-hosts").read_text().splitlines()]
    return [(name, address) for address, name in (row for row in rows if row and row[0] != "#")]


def settings(directory: Path, host: str) -> dict[str, str]:
    """Return the kernel settings of a host, as its file for sysctl.d has them."""
    file = directory / "hosts" / host / "sysctl.d" / "90-hosttune.conf"
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = [line.partition("=") for line in lines if line and not line.startswith("#")]
    return {key.strip().lstrip("-"): value.strip() for key, _, value in pairs}


def additions(directory: Path, host: str) -> list[str]:
    """Return the words of the command that gives a host its source addresses, as README.md of the emission says it."""
    text = (directory / "README.md").read_text()
    found = re.search(rf"^ +{re.escape(host)}: sudo hosttune (sources add [^#\n]+)", text, re.M)
    return shlex.split(found[1]) if found else []
