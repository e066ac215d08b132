"""Sysctls in their layers: what the files make of them after a boot, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path

from hosttune.facts.kinds import sysctl
from hosttune.model import Reading
from tests.running import Running


def host(root: Path, files: dict[str, str]) -> Running:
    for name, text in {"proc/sys/kernel/osrelease": "6.1\n", **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return Running(str(root))


def reading(root: Path, key: str, files: dict[str, str]) -> Reading:
    here = host(root, files)
    return sysctl.read(here, (key,))[key]


def test_what_lies_in_run_is_gone_after_a_boot(tmp_path: Path) -> None:
    files = {
        "proc/sys/net/core/somaxconn": "70000\n",
        "run/sysctl.d/50-lb.conf": "net.core.somaxconn = 70000\n",
        "usr/lib/sysctl.d/50-lb.conf": "net.core.somaxconn = 4096\n",
    }
    got = reading(tmp_path, "net.core.somaxconn", files)
    assert (got.runtime, got.boot) == (70000, 4096)
    assert "/run/sysctl.d/50-lb.conf:1 sets 70000 until the next boot: /run is empty then" in got.notes


def test_a_list_of_ports_is_text_whatever_it_looks_like(tmp_path: Path) -> None:
    files = {
        "proc/sys/net/ipv4/ip_local_reserved_ports": "8080\n",
        "etc/sysctl.d/50-x.conf": "net.ipv4.ip_local_reserved_ports = 8080,9090\n",
    }
    got = reading(tmp_path, "net.ipv4.ip_local_reserved_ports", files)
    assert (got.runtime, got.boot) == ("8080", "8080,9090")


def test_modules_are_masked_by_name(tmp_path: Path) -> None:
    files = {
        "usr/lib/modules-load.d/ct.conf": "nf_conntrack\n",
        "usr/lib/modules-load.d/br.conf": "# why\n\n br-netfilter \n",
        "run/modules-load.d/x.conf": "passing\n",
    }
    here = host(tmp_path, files)
    assert sysctl.modules_at_boot(here) == {"nf_conntrack", "br_netfilter"}
    (tmp_path / "etc/modules-load.d").mkdir(parents=True)
    (tmp_path / "etc/modules-load.d/ct.conf").symlink_to("/dev/null")
    assert sysctl.modules_at_boot(here) == {"br_netfilter"}
