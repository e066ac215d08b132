"""DefaultLimitNOFILE and LimitNOFILE: places, drop-ins, masks and values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hosttune.resolve import systemd_limits
from hosttune.resolve.systemd_limits import manager_default, resolve_unit
from hosttune.resolve.systemd_units import list_units
from tests.running import Running

UNIT = "[Service]\nExecStart=/bin/true\n"
NR_OPEN = 1048576


def write(root: Path, files: dict[str, str]) -> Running:
    for name, text in {"proc/sys/fs/nr_open": f"{NR_OPEN}\n", **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, newline="", encoding="utf-8", errors="surrogatepass")
    return Running(str(root))


def pair(root: Path, files: dict[str, str], unit: str = "a-b.service") -> tuple[object, object]:
    got = resolve_unit(write(root, {"usr/lib/systemd/system/a-b.service": UNIT, **files}), unit)
    return got.soft, got.hard


def limit(value: str) -> str:
    return f"[Service]\nLimitNOFILE={value}\n"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("4000", (4000, 4000)),
        ("4000:5000", (4000, 5000)),
        ("infinity", (NR_OPEN, NR_OPEN)),
        ("100:infinity", (100, NR_OPEN)),
        ("0x1000", (4096, 4096)),
        ("010000", (4096, 4096)),
        ("+4000", (4000, 4000)),
        ("1000:\\\n 2000", (1000, 2000)),
        ("1000: 2000", (1000, 2000)),
        *[(v, (1024, 524288)) for v in ("64k", "-1", "unlimited", "1000:", "1 : 2", "1 # x", "7:6", "", "9" * 9999)],
        ("18446744073709551615", (1024, 524288)),
        ("2000000", (NR_OPEN, NR_OPEN)),
    ],
)
def test_value(value: str, wanted: tuple[int, int], tmp_path: Path) -> None:
    assert pair(tmp_path, {"etc/systemd/system/a-b.service.d/a.conf": limit(value)}) == wanted


@pytest.mark.parametrize(
    ("files", "soft"),
    [
        ({"etc/systemd/system/a-b.service.d/10.conf": "1", "etc/systemd/system/service.d/90.conf": "2"}, 2),
        ({"etc/systemd/system/a-b.service.d/10.conf": "1", "etc/systemd/system/service.d/10.conf": "2"}, 1),
        ({"etc/systemd/system/a-.service.d/10.conf": "1", "usr/lib/systemd/system/a-b.service.d/10.conf": "2"}, 1),
        ({"usr/lib/systemd/system/a-b.service.d/10.conf": "1", "etc/systemd/system/service.d/10.conf": "2"}, 1),
        ({"etc/systemd/system/a-b.service": "1"}, 1),
        ({"etc/systemd/system/a-b.service.d/10.CONF": "1"}, 1024),
    ],
)
def test_precedence(files: dict[str, str], soft: int, tmp_path: Path) -> None:
    assert pair(tmp_path, {name: limit(value) for name, value in files.items()})[0] == soft


def test_instances(tmp_path: Path) -> None:
    files = {"etc/systemd/system/c@.service": UNIT, "etc/systemd/system/c@.service.d/a.conf": limit("5")}
    assert pair(tmp_path, files, "c@x.service") == (5, 5)


def test_every_drop_in_beats_the_main_file(tmp_path: Path) -> None:
    files = {
        "etc/systemd/system.conf": "[Manager]\nDefaultLimitNOFILE=5\n",
        "usr/lib/systemd/system.conf.d/a.conf": "[Manager]\nDefaultLimitNOFILE = 6:7\n[x]\nDefaultLimitNOFILE=8\n",
    }
    assert pair(tmp_path, files) == (6, 7)


def test_masks(tmp_path: Path) -> None:
    host = write(tmp_path, {"usr/lib/systemd/system/a.service": UNIT, "etc/systemd/system/a.service": ""})
    assert not resolve_unit(host, "a.service").exists
    assert list_units(host) == ()


def test_a_mask_in_an_image_without_devices(tmp_path: Path) -> None:
    host = write(tmp_path, {"usr/lib/systemd/system/a.service": UNIT})
    mask = tmp_path / "etc/systemd/system/a.service"
    mask.parent.mkdir(parents=True)
    mask.symlink_to("/dev/null")
    assert not resolve_unit(host, "a.service").exists
    assert list_units(host) == ()


@pytest.mark.parametrize("drop_in", ["sshd", "ssh"])
@pytest.mark.parametrize("asked", ["sshd", "ssh"])
def test_an_alias_has_the_drop_ins_of_all_names(asked: str, drop_in: str, tmp_path: Path) -> None:
    files = {
        "usr/lib/systemd/system/ssh.service": UNIT,
        "etc/systemd/system/ssh.service": UNIT,
        f"etc/systemd/system/{drop_in}.service.d/zz-low.conf": limit("100"),
        "etc/systemd/system/ssh.service.d/90.conf": limit("9000"),
        "etc/systemd/system/sshd.service.d/90.conf": limit("8000"),
    }
    host = write(tmp_path, files)
    (tmp_path / "etc/systemd/system/sshd.service").symlink_to("/lib/systemd/system/ssh.service")
    got = resolve_unit(host, f"{asked}.service")
    assert (got.soft, got.hard, got.id) == (100, 100, "ssh.service")
    assert [o.text for o in got.beaten] == ["9000"]  # of equal names that under the unit's own name


def test_what_lies_in_run_is_gone_after_a_boot_but_for_the_generators(tmp_path: Path) -> None:
    files = {
        "usr/lib/systemd/system/a.service": UNIT,
        "run/systemd/system/a.service.d/50.conf": limit("3000000"),
        "run/systemd/generator/a.service.d/10.conf": limit("7000"),
        "run/systemd/system/passing.service": UNIT,
        "run/systemd/system.conf.d/a.conf": "[Manager]\nDefaultLimitNOFILE=5\n",
    }
    host = write(tmp_path, files)
    assert resolve_unit(host, "a.service").soft == 7000
    assert resolve_unit(host, "a.service", now=True).soft == NR_OPEN
    assert not resolve_unit(host, "passing.service").exists
    assert resolve_unit(host, "passing.service", now=True).exists
    assert (manager_default(host), manager_default(host, now=True)) == ((1024, 524288), (5, 5))


def test_broken_header_ends_the_file(tmp_path: Path) -> None:
    broken = limit("5") + "[Service\n" + limit("6")
    assert pair(tmp_path, {"etc/systemd/system/a-b.service.d/a.conf": broken}) == (5, 5)


def test_names_the_lines(tmp_path: Path) -> None:
    files = {
        "etc/systemd/system.conf": "[Manager]\nDefaultLimitNOFILE=5\n",
        "etc/systemd/system/u.service": limit("6\n"),
    }
    got = resolve_unit(write(tmp_path, files), "u.service")
    assert str(got.origin) == "/etc/systemd/system/u.service:2"
    assert [str(o) for o in got.beaten] == ["/etc/systemd/system.conf:2"]


@pytest.mark.parametrize("unit", ["../../etc/passwd", "", "a/b.service", "x" * 999, "a", "@.service", "-.service"])
def test_odd_names(unit: str, tmp_path: Path) -> None:
    assert not resolve_unit(write(tmp_path, {}), unit).exists


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(text=st.text(max_size=300))
def test_never_raises(text: str, tmp_path: Path) -> None:
    for head in ("", "[Service]\nLimitNOFILE="):
        pair(tmp_path, {"etc/systemd/system/a-b.service.d/a.conf": head + text})


SID = 'PRETTY_NAME="Debian GNU/Linux forky/sid"\nVERSION_CODENAME=forky\nID=debian\n'


@pytest.mark.parametrize(
    ("release", "systemd", "now", "wanted"),
    [
        (SID, 262, systemd_limits.MOST, systemd_limits.MOST),
        (SID, 262, None, systemd_limits.MOST),
        ("ID=debian\nVERSION_ID=13\n", 257, None, systemd_limits.BUMPED),
        ("ID=debian\nVERSION_ID=13\n", 257, systemd_limits.BUMPED, systemd_limits.BUMPED),
        ("ID=debian\nVERSION_ID=12\n", 252, NR_OPEN, NR_OPEN),
        (SID, 260, None, None),  # between the releases that were measured
        (SID, 252, 4_000_000, None),  # an older testing, and a number of somebody's
    ],
)
def test_every_systemd_has_its_own_most_of_open_files(
    release: str, systemd: int, now: int | None, wanted: int | None, tmp_path: Path
) -> None:
    library = f"usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-{systemd}.so"
    host = write(tmp_path, {"etc/os-release": release, library: "", "proc/1/comm": "systemd\n"})
    if now is None:
        (tmp_path / "proc/sys/fs/nr_open").unlink()
    else:
        (tmp_path / "proc/sys/fs/nr_open").write_text(f"{now}\n")
    default = systemd_limits.nr_open_default(host)
    assert default == wanted if wanted else not isinstance(default, int)
