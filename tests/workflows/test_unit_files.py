"""The configuration that a unit starts its program with: of an image, or of the service that is named."""

from __future__ import annotations

from pathlib import Path

import pytest

import hosttune
from hosttune.host.live import LiveHost
from hosttune.model import Report
from hosttune.options import Options, Place
from hosttune.workflows import unit_files

UNIT = """
[Service]
EnvironmentFile=-/etc/default/haproxy
Environment="CONFIG=/etc/haproxy/haproxy.cfg" "PIDFILE=/run/haproxy.pid" "EXTRAOPTS=-S /run/haproxy-master.sock"
ExecStart=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS
"""
CONFIG = """
defaults
 mode tcp
listen f
 bind :80
 server s {}:80
"""

TSUNG = """<tsung><clients><client host="localhost"/></clients>
<servers><server host="10.0.0.5" port="80" type="tcp"/></servers>
<load><arrivalphase phase="1" duration="1" unit="minute"><users interarrival="1" unit="second"/></arrivalphase></load>
</tsung>
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "R"
    put(top / "usr/lib/systemd/system/haproxy.service", UNIT)
    put(top / "etc/haproxy/haproxy.cfg", CONFIG.format("10.0.0.1"))
    put(top / "srv/a/1.cfg", CONFIG.format("10.0.0.2"))
    return top


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def check(root: Path, **more: object) -> Report:
    return hosttune.check(Options(role="lb", **more), Place(root=str(root)))  # type: ignore[arg-type]


def names(report: Report) -> list[str]:
    return [str(backend) for backend in report.workload.backends]


def test_of_an_image_it_is_that_of_the_roles_unit(root: Path) -> None:
    assert names(check(root)) == ["10.0.0.1:80"]


def test_what_an_option_names_goes_before_it(root: Path) -> None:
    assert names(check(root, backend="10.0.0.9:80")) == ["10.0.0.9:80"]
    assert names(check(root, backends_from="/srv/a/1.cfg")) == ["10.0.0.2:80"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("etc/default/haproxy", '# why\nCONFIG="/srv/a/1.cfg"\n'),
        ("etc/default/haproxy", "CONFIG=/srv/a\n"),
        ("etc/systemd/system/haproxy.service.d/x.conf", "[Service]\nEnvironment=CONFIG=/srv/a/1.cfg\n"),
        (
            "etc/systemd/system/haproxy.service.d/x.conf",
            "[Service]\nWorkingDirectory=/srv\nEnvironment=CONFIG=a/1.cfg\n",
        ),
        (
            "etc/systemd/system/haproxy.service.d/x.conf",
            "[Service]\nExecStart=\nExecStart=/usr/sbin/haproxy -f /srv/%i/a/1.cfg\n",
        ),
    ],
)
def test_the_files_of_the_unit_decide_which_it_is(root: Path, path: str, text: str) -> None:
    put(root / path, text)
    assert names(check(root)) == ["10.0.0.2:80"]


def test_a_root_directory_of_the_unit_is_the_programs_root(root: Path) -> None:
    put(root / "etc/systemd/system/haproxy.service.d/x.conf", "[Service]\nRootDirectory=/srv/jail\n")
    put(root / "srv/jail/etc/haproxy/haproxy.cfg", CONFIG.format("10.0.0.3"))
    assert names(check(root)) == ["10.0.0.3:80"]


def test_of_a_service_that_is_named_it_is_that_ones(root: Path) -> None:
    put(root / "usr/lib/systemd/system/web.service", "[Service]\nExecStart=/usr/sbin/nginx -p /srv/web -c web.conf\n")
    put(root / "srv/web/web.conf", "events {\n}\nhttp {\n include d/*.conf;\n}\n")
    site = "server {\n listen 80;\n location / {\n proxy_pass http://10.0.0.4:8080;\n }\n}\n"
    put(root / "srv/web/d/a.conf", site)
    assert names(check(root, service="web")) == ["10.0.0.4:8080"]


def test_names_in_it_are_not_resolved(root: Path) -> None:
    put(root / "etc/haproxy/haproxy.cfg", CONFIG.format("localhost") + " server t 10.0.0.5:80\n")
    report = check(root)
    assert names(report) == ["10.0.0.5:80"]
    assert any("/etc/haproxy/haproxy.cfg:6: localhost" in warning for warning in report.warnings)


def test_its_environment_is_the_programs(root: Path) -> None:
    put(root / "etc/default/haproxy", "BROKER=10.0.0.7\n")
    given, notes = unit_files.given(LiveHost(str(root)), "haproxy.service")
    assert given and given.environment["BROKER"] == "10.0.0.7" and given.program == "haproxy" and notes == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "absent below"),
        ("backend b\n server s 'x\n", "/etc/haproxy/haproxy.cfg:2: "),
    ],
)
def test_what_cannot_be_read_is_a_note(root: Path, text: str | None, says: str) -> None:
    path = root / "etc/haproxy/haproxy.cfg"
    path.unlink()
    if text is not None:
        put(path, text)
    report = check(root)
    assert names(report) == []
    assert [says in warning for warning in report.warnings if warning.endswith("nothing of it is counted")] == [True]


def test_what_is_named_finds_the_environment_of_the_unit_too(root: Path) -> None:
    put(root / "etc/default/haproxy", "BROKER=10.0.0.7\n")
    put(root / "srv/y.cfg", CONFIG.format("${BROKER}").replace("${BROKER}:80", '"${BROKER}:80"'))
    assert names(check(root, backends_from="/srv/y.cfg")) == ["10.0.0.7:80"]


def test_a_unit_that_starts_another_program_says_nothing(root: Path) -> None:
    put(root / "etc/systemd/system/haproxy.service", "[Service]\nExecStart=/usr/bin/relayd -f /etc/relay.conf\n")
    assert unit_files.given(LiveHost(str(root)), "haproxy.service") == (None, ())
    assert names(check(root)) == []


def test_an_image_without_the_unit_has_none(root: Path) -> None:
    (root / "usr/lib/systemd/system/haproxy.service").unlink()
    assert names(check(root)) == []


def test_the_limits_are_those_of_the_unit_of_the_program_that_the_files_are_of(root: Path) -> None:
    put(root / "usr/lib/systemd/system/haproxy.service", f"{UNIT}LimitNOFILE=90000\n")
    put(root / "usr/lib/systemd/system/nginx.service", "[Service]\nLimitNOFILE=3000\nExecStart=/usr/sbin/nginx\n")
    put(root / "etc/nginx/nginx.conf", "events { }\nhttp { server { location / { proxy_pass http://10.0.0.3; } } }\n")
    put(root / "etc/mosquitto.conf", "listener 1883\nallow_anonymous true\n")
    put(root / "etc/tsung.xml", TSUNG)

    def whose(path: str, **more: object) -> list[str]:
        return [bound.name for bound in check(root, backends_from=path, **more).bounds if bound.kind == "nofile"]

    assert whose("/srv/a/1.cfg") == whose("/etc/nginx/nginx.conf", service="haproxy") == ["nofile haproxy.service"]
    assert whose("/etc/nginx/nginx.conf") == ["nofile nginx.service"]
    assert whose("/etc/mosquitto.conf") == whose("/etc/tsung.xml") == ["nofile"]
