"""A plan names the lines that lose to it, and what it writes is never what its own reason speaks against."""

from __future__ import annotations

from pathlib import Path

import pytest

import hosttune
from hosttune.changes import losing
from hosttune.model.acting import Applied
from hosttune.options import Options, Place
from tests.running import Running

OLD = "net.core.rmem_default = 67108864\nnet.ipv4.tcp_timestamps = 0\nnet.core.wmem_default = 300000\n"


def put(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def planned(root: Path, files: dict[str, str], **more: object) -> Applied:
    options = Options(role="lb", connections=200_000, **more)  # type: ignore[arg-type]
    return hosttune.apply(options, place=Place(root=str(put(root, files))), dry_run=True)


def test_the_lines_of_an_image_that_lose_are_named(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"etc/sysctl.d/50-old.conf": OLD})
    about = {note.partition(":")[0]: note for note in plan.notes}
    assert "/etc/sysctl.d/50-old.conf:1 says 67108864, and loses" in about["net.core.rmem_default"]
    assert "/etc/sysctl.d/50-old.conf:2 says 0, and loses" in about["net.ipv4.tcp_timestamps"]
    assert "a rule of hardening guides: " in about["net.ipv4.tcp_timestamps"]
    assert "net.core.wmem_default" not in about


@pytest.mark.parametrize(("key", "value"), [("rmem", "67108864"), ("wmem", "67108864"), ("rmem", "3000")])
def test_what_is_far_from_the_default_becomes_the_default(tmp_path: Path, key: str, value: str) -> None:
    plan = planned(tmp_path, {"etc/sysctl.d/50-old.conf": f"net.core.{key}_default = {value}\n"})
    assert f"+net.core.{key}_default = 212992\n" in plan.diff


def test_the_nearest_value_is_written_where_no_reason_speaks_of_the_default(tmp_path: Path) -> None:
    plan = planned(tmp_path, {"etc/sysctl.d/50-old.conf": "net.ipv4.tcp_keepalive_time = 10\n"})
    assert "+net.ipv4.tcp_keepalive_time = 60\n" in plan.diff


def test_limits_of_units_and_logins_that_lose_are_named(tmp_path: Path) -> None:
    files = {
        "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
        "etc/pam.d/sshd": "session required pam_limits.so\n",
        "etc/security/limits.conf": "root soft nofile 1024\nroot hard nofile 2048\n",
        "etc/sysctl.d/10.conf": "fs.nr_open = 3000000\n",
        "usr/lib/systemd/system/relay.service": "[Service]\nExecStart=/bin/relay\nLimitNOFILE=5000\n",
    }
    unit = planned(tmp_path, files, service="relay").notes
    assert "nofile of unit relay.service: /usr/lib/systemd/system/relay.service:3 says 5000" in "\n".join(unit)
    login = "\n".join(planned(tmp_path, files, user="root").notes)
    assert "nofile of login root: /etc/security/limits.conf:1 says 1024, and loses to what is written" in login


def test_of_many_lines_some_are_named(tmp_path: Path) -> None:
    files = {f"etc/sysctl.d/{number}.conf": f"vm.swappiness = {number}\n" for number in range(10, 50)}
    host = Running(str(put(tmp_path, files)))
    notes = losing.of_sysctls(host, {"vm.swappiness": "5", "net.none": "1"}, {})
    assert len(notes) == 21 and notes[-1] == "19 more lines lose to what is written"


def test_a_script_names_them_too(tmp_path: Path) -> None:
    root = put(tmp_path, {"etc/sysctl.d/50-old.conf": OLD})
    script = hosttune.apply_script(Options(role="lb"), Place(root=str(root)))
    assert "# note: net.ipv4.tcp_timestamps: /etc/sysctl.d/50-old.conf:2 says 0, and loses" in script
