"""What fixes a container or a namespace, in the words of whoever keeps it: every line can be pasted as it stands."""

from __future__ import annotations

import dataclasses
import json
import shlex

import pytest

from hosttune.model import HOST, Container, Shortfall, Site, Where
from hosttune.render import refused, where_words

SYSCTLS = (("net.ipv4.ip_local_port_range", "1024 65535"), ("net.core.somaxconn", "65535"))


def lacks(owner: str, **known: object) -> Shortfall:
    given = {"site": Site.CONTAINER, "entered": True, "process": 812}
    given |= dict.fromkeys(("inside", "initial", "loaded"), False)
    where = Where(owner=owner, **{**given, **known})  # type: ignore[arg-type]
    return Shortfall(where, SYSCTLS, (200_200, 200_200), ("fs.nr_open",), "--role lb")


def told(owner: str, **known: object) -> str:
    return "\n".join(where_words.lines(lacks(owner, **known)))


@pytest.mark.parametrize("owner", ["docker", "podman", ""])
def test_the_options_of_run_are_one_shell_command(owner: str) -> None:
    lines = [line for line in told(owner).split("\n") if line.startswith("  --") and "allowed" not in line]
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == [
        "--sysctl", "net.ipv4.ip_local_port_range=1024 65535", "--sysctl", "net.core.somaxconn=65535",
        "--ulimit", "nofile=200200:200200",
    ]  # fmt: skip
    assert '    net.ipv4.ip_local_port_range: "1024 65535"' in told(owner)
    assert "    nofile: {soft: 200200, hard: 200200}" in told(owner)


def test_a_pod_tells_safe_sysctls_from_those_that_the_kubelet_has_to_allow() -> None:
    said = told("kubernetes")
    assert '    - name: net.ipv4.ip_local_port_range\n      value: "1024 65535"' in said
    assert "allowedUnsafeSysctls: [net.core.somaxconn]" in said
    assert "a pod has no ulimits" in said and "docker run" not in said


def test_lxc_and_nspawn_have_words_of_their_own() -> None:
    assert "  lxc.sysctl.net.core.somaxconn = 65535" in told("lxc").split("\n")
    assert "  lxc.prlimit.nofile = 200200:200200" in told("lxc").split("\n")
    assert "--rlimit=RLIMIT_NOFILE=200200:200200" in told("systemd-nspawn")


def test_a_bundle_gets_lines_of_its_config_json() -> None:
    head, *lines = where_words.lines(lacks("runc", container=Container(name="web")))
    assert head == "runc container web: in config.json of its bundle, then make it anew:"
    pasted = [line for line in lines if line.startswith("  ") and line[2] in '" }]']
    text = "{" + "".join(pasted).replace('  "process"', ',"process"') + "}"
    assert json.loads(text) == {
        "linux": {"sysctl": dict(SYSCTLS)},
        "process": {"rlimits": [{"type": "RLIMIT_NOFILE", "soft": 200_200, "hard": 200_200}]},
    }


def test_a_report_says_what_a_container_is_called() -> None:
    where = lacks("kubernetes", id="3fa4c1b2d5e60718", container=Container("web", "nginx:1", "lb-0", "edge")).where
    assert where_words.judged(where).startswith(
        "kubernetes container web, 3fa4c1b2d5e6, pod edge/lb-0, image nginx:1, process 812: its values end with it"
    )
    nameless = dataclasses.replace(where, container=Container(), owner="docker", initial=True)
    assert where_words.judged(nameless) == "docker container 3fa4c1b2d5e6, process 812, in the host's own network"


RUNTIMES = ["docker", "podman", "kubernetes", "containerd", "cri-o", "runc", "lxc", "systemd-nspawn", ""]


@pytest.mark.parametrize("owner", RUNTIMES)
def test_no_words_for_a_container_apply_to_the_host(owner: str) -> None:
    assert "sudo hosttune apply" not in told(owner)
    assert told(owner).endswith("set there for all: fs.nr_open; on the host:\n  hosttune check --role lb")


def test_a_value_that_was_asked_for_by_itself_is_looked_at_by_an_apply() -> None:
    asked = dataclasses.replace(lacks("docker"), options="--key fs.nr_open=2000000")
    assert where_words.host_keys(asked)[1] == "  hosttune apply --key fs.nr_open=2000000 --dry-run"


def test_a_namespace_with_a_name_is_one_command_and_without_one_nsenter() -> None:
    named = told("", site=Site.NAMESPACE, name="blue", process=None)
    assert named.startswith("sudo hosttune apply --netns blue --role lb\n")
    other = told("proxy.service", site=Site.NAMESPACE)
    pairs = 'net.ipv4.ip_local_port_range="1024 65535" net.core.somaxconn=65535'
    assert f"  sudo nsenter -t 812 -n sysctl -w {pairs}" in other.split("\n")
    assert "LimitNOFILE=200200:200200 in a drop-in: systemctl edit proxy.service" in other


def test_a_host_has_no_words_of_its_own() -> None:
    assert where_words.judged(HOST) == "" and where_words.judged(Where(site=Site.IMAGE)) == ""


def test_a_refusal_of_several_lines_is_one_line_for_programs_and_whole_lines_for_people() -> None:
    text = where_words.refused(lacks("docker"))
    line = refused.line([text], True, "hosttune apply")
    assert "\n" not in line and json.dumps(line)
    shown = refused.lines([text], True, "hosttune apply", 60)
    assert '    --sysctl net.ipv4.ip_local_port_range="1024 65535" \\' in shown
    assert shown[0].startswith("hosttune: refused, nothing was changed: process 812 is in a")


def test_what_is_to_be_pasted_is_never_folded() -> None:
    text = where_words.lost(lacks("", site=Site.NAMESPACE, name="blue", process=None))
    shown = where_words.shown(text, 60, "  note: ", "    ")
    command = 'sudo ip netns exec blue sysctl -w net.ipv4.ip_local_port_range="1024 65535" net.core.somaxconn=65535'
    assert f"    {command}" in shown
