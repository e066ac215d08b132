"""What a container lacks, in each format: read back by what reads such files, it is what was asked for."""

from __future__ import annotations

import csv
import json
import re
import shlex
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.model import Shortfall, Site, Where
from hosttune.render import containers

WHERE = Where(site=Site.CONTAINER, owner="docker", inside=False, initial=False, loaded=False)
PORTS = ("net.ipv4.ip_local_reserved_ports", "1883,8883,18083-18084")
RANGE = ("net.ipv4.ip_local_port_range", "1024 65535")
LACKS = Shortfall(WHERE, (RANGE, PORTS, ("net.core.somaxconn", "65535")), (200, 300), ("fs.nr_open",), "--role lb")
Read = Callable[[str], tuple[dict[str, str], Any]]


def docker(text: str) -> tuple[dict[str, str], Any]:
    words = shlex.split(text.replace("\\\n", ""))
    sysctls = dict(
        word.split("=", 1) for option, word in zip(words[::2], words[1::2], strict=True) if option == "--sysctl"
    )
    limits = [word for option, word in zip(words[::2], words[1::2], strict=True) if option == "--ulimit"]
    assert set(words[::2]) <= {"--sysctl", "--ulimit"}
    return sysctls, limits[0].removeprefix("nofile=") if limits else ""


def podman_run(text: str) -> tuple[dict[str, str], Any]:
    words = shlex.split(text.replace("\\\n", ""))
    values = [word for option, word in zip(words[::2], words[1::2], strict=True) if option == "--sysctl"]
    # as github.com/spf13/pflag reads a slice of strings
    parts = [part for value in values for part in next(csv.reader([value]))]
    limits = [word for option, word in zip(words[::2], words[1::2], strict=True) if option == "--ulimit"]
    return dict(part.split("=", 1) for part in parts), limits[0].removeprefix("nofile=") if limits else ""


def compose(text: str) -> tuple[dict[str, str], Any]:
    service = yaml.safe_load(text)["services"]["lb"]
    limit = service.get("ulimits", {}).get("nofile")
    return service.get("sysctls", {}), f"{limit['soft']}:{limit['hard']}" if limit else ""


def pod(text: str) -> tuple[dict[str, str], Any]:
    listed = yaml.safe_load(text)["spec"]["securityContext"]["sysctls"]
    return {row["name"]: row["value"] for row in listed}, None


def quadlet(text: str) -> tuple[dict[str, str], Any]:
    head, *lines = text.splitlines()
    assert head == "[Container]"
    sysctls, limits = {}, ""
    for line in lines:
        key, _, value = line.partition("=")
        if key == "Sysctl":
            # podman's units: a quoted word, and %% for a per cent sign; it becomes an option of podman run
            word = value.replace("%%", "%")[1:-1]
            sysctls |= podman_run(f"--sysctl {shlex.quote(word)}")[0]
        else:
            limits = value.removeprefix("nofile=")
    return sysctls, limits


def podman(text: str) -> tuple[dict[str, str], Any]:
    table = tomllib.loads(text)["containers"]
    limits = table.get("default_ulimits", [""])[0].removeprefix("nofile=")
    return dict(each.split("=", 1) for each in table.get("default_sysctls", [])), limits


def oci(text: str) -> tuple[dict[str, str], Any]:
    made = json.loads(text)
    limits = made.get("process", {}).get("rlimits", [])
    return made.get("linux", {}).get("sysctl", {}), f"{limits[0]['soft']}:{limits[0]['hard']}" if limits else ""


READERS: dict[str, Read] = {
    "docker": docker,
    "podman": podman_run,
    "compose": compose,
    "pod": pod,
    "quadlet": quadlet,
    "containers": podman,
    "oci": oci,
}


@pytest.mark.parametrize("format", READERS)
def test_what_is_read_is_what_was_asked_for(format: str) -> None:
    sysctls, limits = READERS[format](containers.text(format, LACKS, "lb"))
    assert sysctls == dict(LACKS.sysctls)
    assert limits in ("200:300", None)


@given(st.text(st.characters(codec="ascii", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=30))
def test_a_value_of_any_letters_stays_one_value(value: str) -> None:
    lacks = Shortfall(WHERE, (("net.ipv4.tcp_congestion_control", value),))
    for format, read in READERS.items():
        if format == "quadlet" and ({*'"\\'} & {*value} or {*"',"} <= {*value}):
            with pytest.raises(UsageError):
                containers.text(format, lacks, "lb")
            continue
        assert read(containers.text(format, lacks, "lb"))[0] == dict(lacks.sysctls), format


def test_what_gives_descriptors_alone_says_where_sysctls_are_given() -> None:
    assert json.loads(containers.text("daemon", LACKS, "lb")) == {
        "default-ulimits": {"nofile": {"Name": "nofile", "Soft": 200, "Hard": 300}}
    }
    assert containers.text("containerd", LACKS, "lb") == "[Service]\nLimitNOFILE=200:300\n"
    for format in ("daemon", "containerd"):
        assert "net.core.somaxconn" in " ".join(containers.head(format, LACKS, "lb"))


def test_a_pod_names_what_the_kubelet_has_to_allow() -> None:
    head = "\n".join(containers.head("pod", LACKS, "lb"))
    assert "allowedUnsafeSysctls: [net.core.somaxconn]" in head and "LimitNOFILE=200:300" in head
    later = Shortfall(WHERE, (("net.ipv4.tcp_rmem", "4096 131072 6291456"),))
    assert "net.ipv4.tcp_rmem (1.32)" in "\n".join(containers.head("pod", later, "lb"))


@pytest.mark.parametrize("format", containers.names())
def test_nothing_is_printed_where_nothing_lacks(format: str) -> None:
    assert containers.text(format, Shortfall(WHERE), "lb") == ""


@pytest.mark.parametrize("format", containers.names())
def test_comments_are_comments(format: str) -> None:
    lines = containers.commented(format, ["a\n  b", "c"])
    assert bool(lines) is containers.has_comments(format)
    assert all(re.match(r"# ?", line) for line in lines)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("rocket", "--emit rocket: no such format; choose among compose, containerd, "),
        ("compose=", "no name of a container or a service"),
        ("compose=a/b", "no name of a container or a service"),
        ("", "no such format"),
    ],
)
def test_what_is_no_format_or_no_name(given: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        containers.asked(given)
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_may_be_given() -> None:
    assert containers.asked("compose=web-1") == ("compose", "web-1") and containers.asked("oci") == ("oci", "")
