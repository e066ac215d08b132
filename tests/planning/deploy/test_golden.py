"""What the white paper is emitted as, file by file. HOSTTUNE_GOLDEN=write renews the files, to be read then."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hosttune.programs.shelves import envoy
from hosttune.workflows import emitting
from tests.planning.deploy import deployed

GOLDEN = Path(__file__).parent / "golden"
NAMES = (
    "README.md",
    "hosts/lb-1/haproxy.cfg",
    "hosts/lb-1/haproxy.service.d/90-hosttune.conf",
    "hosts/lb-1/nginx.conf",
    "hosts/lb-1/envoy.yaml",
    "hosts/broker-1/mosquitto.conf",
    "hosts/client-24/emqtt-bench.sh",
    "hosts/client-24/k6.sh",
    "k6/device.js",
    "profiles/lb-1.toml",
    "profiles/client-24.toml",
    "tsung-1.8.xml",
)


def emitted() -> dict[str, str]:
    """Return all files, with those of programs that the topology does not name: it is emitted for any."""
    named = deployed.whitepaper()
    any_program = deployed.replaced(deployed.replaced(named, "lb", program=""), "client", program="")
    found = {**emitting.texts(deployed.deploy(any_program)), **emitting.texts(deployed.deploy(named))}
    return {**found, **envoy.files(deployed.deploy(deployed.small(program="envoy")))}


@pytest.mark.parametrize("name", NAMES)
def test_the_white_paper_is_emitted_as_ever(name: str) -> None:
    text = emitted()[name]
    path = GOLDEN / name.replace("/", "-")
    if os.environ.get("HOSTTUNE_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_no_golden_file_is_left_over() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {name.replace("/", "-") for name in NAMES}
