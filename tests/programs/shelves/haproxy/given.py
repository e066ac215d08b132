"""What tests of HAProxy's reader share: the cases of cases.toml, and a host that resolves the names in them."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hosttune.errors import HostError
from hosttune.host.live import LiveHost
from hosttune.model import Configuration, OwnLimit, Reason, Server
from hosttune.programs.given import Given
from hosttune.programs.shelves import haproxy

SHELL = """defaults
 mode {mode}
 timeout connect 2s
 timeout client 1m
 timeout server 1m
frontend f
 bind 127.0.0.1:7000
 default_backend b
"""
NAMES = {
    "one.example": ["10.0.0.1"],
    "three.example": ["10.0.1.1", "2001:db8::1", "10.0.1.2", "10.0.1.3"],
}
CASES: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("cases.toml").read_text("utf-8"))["case"]


class Host(LiveHost):
    """A host whose files are those of a directory, and whose resolver knows NAMES."""

    def probe(self, name: str, **params: Any) -> Any:
        assert name == "names"
        if params["hostname"] not in NAMES:
            raise HostError(Reason.ABSENT, "no such name")
        return NAMES[params["hostname"]]


def text_of(case: Mapping[str, Any]) -> str:
    """Return the whole file of a case."""
    shell = SHELL.format(mode=case.get("mode", "tcp")) if case.get("shell", True) else ""
    return shell + str(case["text"])


def read(directory: Path, *texts: str, **given: Any) -> Configuration:
    """Return what files of these texts come to: /h.cfg, /h2.cfg and so on."""
    paths = []
    for number, text in enumerate(texts, 1):
        paths.append(f"/h{number if number > 1 else ''}.cfg")
        (directory / paths[-1][1:]).write_text(text, errors="surrogatepass", newline="")
    return haproxy.read(dataclasses.replace(Given(Host(str(directory)), tuple(paths)), **given))


def shown(section: str, server: Server) -> str:
    """Return a server as cases.toml writes it."""
    goal, most = server.backend, server.most
    words = [f"{section}: {server.name} {goal}"]
    words += [f"from {source}" + ("" if not goal.ports else ":{}-{}".format(*goal.ports)) for source in goal.sources]
    words += [f"weight {server.weight}"] if server.weight != 1 else []
    words += [f"most {most.most} {most.setting}"] if most else []
    return " ".join(words)


def limit(own: OwnLimit) -> str:
    """Return a limit as cases.toml writes it."""
    return f"{own.setting} {own.most}" + "/s" * (own.unit != "connections") + (f" of {own.of}" if own.of else "")
