"""Proofs in each format: the JSON of a real run holds to its schema, no line is too long, nothing untrusted escapes."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterable
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hosttune.render
from hosttune.facts import machine
from hosttune.host.live import LiveHost
from hosttune.model import Proof, Reason, Trial, Unknown
from hosttune.render import render
from tests import needs, verbs
from tests.proofs.arena import arena

pytestmark = pytest.mark.slow

SCHEMA = json.loads(Path(hosttune.render.__file__).with_name("prove.schema.json").read_text())
TEXT = st.text(max_size=60)
NUMBER = st.integers(0, 10**9) | st.builds(Unknown, st.sampled_from(Reason), TEXT)
PROOF = st.builds(
    Proof, id=TEXT, what=TEXT, setting=TEXT, predicted=NUMBER, measured=NUMBER, unit=TEXT,
    accepts=st.tuples(st.integers(0, 99), st.integers(0, 99)), tolerance=TEXT, fails=TEXT, failed=TEXT,
    seconds=st.floats(0, 99), notes=st.lists(TEXT, max_size=2).map(tuple),
)  # fmt: skip
MACHINE = machine.gather(LiveHost())


@given(proofs=st.lists(PROOF, max_size=3), width=st.integers(60, 200), planned=st.booleans())
def test_any_proof_can_be_shown(proofs: list[Proof], width: int, planned: bool) -> None:
    trial = Trial(MACHINE, ("lb",), planned, 30.0, 1.0, tuple(proofs), ("a note",), "hosttune prove")
    table = render(trial, "table", width=width)
    assert max(map(len, table.splitlines())) <= width
    rows = [line for line in render(trial, "markdown").splitlines() if line.startswith("| ")]
    assert len(rows) == len(proofs) + 1
    for text in (table, render(trial, "markdown")):
        assert not any(ord(c) < 32 and c != "\n" for c in text)
    jsonschema.validate(json.loads(render(trial, "json")), SCHEMA)


def run(*args: str) -> subprocess.CompletedProcess[str]:
    return verbs.hosttune("prove", *args)


@pytest.mark.parametrize("more", [["--json"], ["--format", "json", "--planned", "--role", "lb"]], ids=" ".join)
def test_a_real_run_holds_to_the_schema(more: list[str]) -> None:
    with arena():
        pass
    done = run("--only", "ports,syn", "--strict", *more)
    assert (done.returncode, done.stderr) == (0, "")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = json.loads(done.stdout)
    jsonschema.validate(found, SCHEMA)
    assert found["planned"] == ("--planned" in more)
    ids = [proof["id"] for proof in found["proofs"]]
    assert len(ids) == len(set(ids)) > 10
    if found["planned"]:
        assert found["proofs"][0]["setting"].startswith("range 1024 65535")


def test_the_workload_is_what_is_proven() -> None:
    with arena():
        pass
    sources = ["--source", "127.0.0.5", "--source", "127.0.0.6"]
    done = run("--only", "ports", "--backend", "127.0.0.1:700", "--bind-mode", "explicit:20000-20099", *sources)
    assert done.returncode == 0, done.stdout
    first = done.stdout.splitlines()[3:6]
    assert "200          200  agrees" in first[1]
    assert "ports 20000 20099, 2 sources, 1 backend" in first[2]


@pytest.mark.parametrize("mode", ["connect", "bind", "explicit", "explicit below 1024"])
def test_a_backend_on_this_host_blocks_its_own_port(mode: str) -> None:
    """Its listener is a held port of the host, and is what is connected to."""
    if mode.endswith("1024"):
        needs.need("root")  # ip_unprivileged_port_start
    with arena():
        pass
    with listener(range(710, 790) if mode.endswith("1024") else [0]) as server:
        port = server.getsockname()[1]
        low = 700 if port < 1024 else port - 50
        given = mode if mode in ("connect", "bind") else f"explicit:{low}-{low + 99}"
        done = run("--only", "ports", "--backend", f"127.0.0.1:{port}", "--bind-mode", given, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    first = json.loads(done.stdout)["proofs"][0]
    assert " held" in first["setting"], first
    assert first["measured"] == first["predicted"]
    assert first["measured"] == 99 or not mode.startswith("explicit")


def listener(ports: Iterable[int]) -> socket.socket:
    """Listen on the first of these ports that is free."""
    for port in ports:
        try:
            return socket.create_server(("127.0.0.1", port))
        except OSError:
            continue
    raise AssertionError("none of the ports is free")


def test_strict_wants_all_proven() -> None:
    with arena():
        pass
    done = run("--only", "accept,conntrack", "--budget", "1s", "--strict")
    assert done.returncode == 3
    assert "--budget" in done.stdout
    assert run("--only", "accept,conntrack", "--budget", "1s").returncode == 0
