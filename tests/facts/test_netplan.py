"""Where netplan defines an interface: only a key directly below a section is one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.facts.netplan import find, outline
from tests.running import Running

COST = "  bridges:\n    br0:\n      parameters:\n        path-cost:\n          eth0: 100\n"
ETHERNETS = "  ethernets:\n    eth0:\n      dhcp4: true\n"
# yaml below `network:`, the id in networkd's file or "", section and id, or a word of what is unclear
CASES = [
    (ETHERNETS, "", ("ethernets", "eth0")),
    (COST + ETHERNETS, "", ("ethernets", "eth0")),
    (COST, "", None),
    ("  renderer: networkd\n  eth0: x\n", "", None),
    (ETHERNETS.replace("eth0", "'eth0'"), "", ("ethernets", "eth0")),
    (ETHERNETS.replace("eth0:", '"eth0" :  # the uplink'), "", ("ethernets", "eth0")),
    ("  ethernets:\n    eth0: {dhcp4: true}\n", "", ("ethernets", "eth0")),
    ("  ethernets:\n    a:\n      routes:\n      - to: default\n        via: 10.0.0.1\n    eth0: {}\n", "",
     ("ethernets", "eth0")),
    ("  ethernets: {eth0: {dhcp4: true}}\n", "", "in {}"),
    ("  ethernets: {\n    eth1: {},\n    eth0: {dhcp4: true}}\n", "", "in {}"),
    ("  ethernets: {eth01: {}}\n", "", None),
    ("  dummy-devices:\n    eth0: {}\n", "", "dummy-devices"),
    ("  virtual-ethernets:\n    eth0:\n      peer: x\n", "", "virtual-ethernets"),
    ("  openvswitch:\n    ports:\n      eth0: x\n" + ETHERNETS, "", ("ethernets", "eth0")),
    ("  ethernets:\n    lan:\n      match:\n        macaddress: '02:00:00:00:00:01'\n      set-name: eth0\n", "",
     ("ethernets", "lan")),
    ("  ethernets:\n    eth0:\n      match:\n        name: e*\n", "", "unknown"),
    ("  ethernets:\n    eth0: {match: {name: e*}}\n", "", "unknown"),
    ("  ethernets:\n    eth0:\n      match:\n        name: e*\n", "eth0", ("ethernets", "eth0")),
    ("  vlans:\n    eth0:\n      id: 1\n  ethernets:\n    lan: {}\n", "lan", ("ethernets", "lan")),
]  # fmt: skip


@pytest.mark.parametrize(("below", "id_", "wanted"), CASES)
def test_what_defines_it(below: str, id_: str, wanted: tuple[str, str] | str | None, tmp_path: Path) -> None:
    (tmp_path / "etc/netplan").mkdir(parents=True)
    (tmp_path / "etc/netplan/50.yaml").write_text(f"# cloud\n---\nnetwork:\n  version: 2\n{below}")
    found = find(Running(str(tmp_path)), "eth0", id_)
    if wanted is None:
        assert found is None
    elif isinstance(wanted, str):
        assert found and wanted in found.unclear and "50.yaml" in found.unclear
    else:
        assert found and (found.section, found.id, found.unclear) == (*wanted, "")


def test_the_outline_of_what_is_no_plain_mapping() -> None:
    yaml = "a: |\n  b: 1\n\n  c: 2\nd: {e: [1,\n f: 2}\n]}\ng:\n- h: 1\n  i: 2\nj: 'k: l'\n"
    assert [keys for keys, _ in outline(yaml)] == [("a",), ("d",), ("g",), ("g", "i"), ("j",)]


@given(st.text(alphabet="ab:{}[]\"'#|> -\n\t", max_size=80) | st.text(max_size=60))
def test_no_text_ends_the_run(yaml: str) -> None:
    assert all(keys for keys, _ in outline(yaml))
