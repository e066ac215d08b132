"""The profiles that ship hold to the schema, and cover every subject that operators ask about."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from hosttune.errors import ProfileError
from hosttune.model import Machine, Operator
from hosttune.profile import load, merge, schema
from hosttune.resolve import toml_file

NAMES = load.names()
LISTED = """
fs.file-max fs.nr_open fs.epoll.max_user_watches net.core.somaxconn net.core.netdev_max_backlog
net.core.rmem_max net.core.wmem_max net.core.rmem_default net.core.wmem_default net.core.optmem_max
net.ipv4.tcp_mem net.ipv4.tcp_rmem net.ipv4.tcp_wmem net.ipv4.tcp_max_syn_backlog net.ipv4.tcp_syncookies
net.ipv4.ip_local_port_range net.ipv4.ip_local_reserved_ports net.ipv4.tcp_tw_reuse
net.ipv4.tcp_tw_reuse_delay net.ipv4.tcp_timestamps net.ipv4.tcp_max_tw_buckets net.ipv4.tcp_max_orphans
net.ipv4.tcp_fin_timeout net.ipv4.tcp_keepalive_time net.ipv4.tcp_keepalive_intvl
net.ipv4.tcp_keepalive_probes net.ipv4.ip_unprivileged_port_start net.ipv4.ip_nonlocal_bind
net.ipv4.ip_autobind_reuse net.ipv4.neigh.default.gc_thresh1 net.ipv4.neigh.default.gc_thresh2
net.ipv4.neigh.default.gc_thresh3 net.netfilter.nf_conntrack_max net.netfilter.nf_conntrack_buckets
net.netfilter.nf_conntrack_tcp_timeout_time_wait net.netfilter.nf_conntrack_tcp_timeout_established
vm.max_map_count kernel.pid_max kernel.threads-max vm.swappiness
"""
SYSCTLS = LISTED.split()

MACHINE = Machine(
    hostname="h",
    distribution="debian",
    version="12",
    pretty="",
    kernel="6.18.1",
    cpus=8,
    memory=32 << 30,
    memory_available=30 << 30,
    page_size=4096,
    virtualisation="",
    cloud="",
    container="",
    conntrack=False,
    systemd=True,
    root_user=True,
    network_namespace="initial",
)


@pytest.mark.parametrize("name", NAMES)
def test_it_holds_to_the_schema_and_to_its_file_name(name: str) -> None:
    path = load.shipped() / f"{name}.toml"
    schema.validate(str(path), load.document(path))
    assert load.load(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_every_sysctl_that_a_role_names_is_explained(name: str) -> None:
    about = {*load.load("linux-server").about, *load.load(name).about}
    assert {row.subject for row in load.load(name).rows} <= about


def test_every_sysctl_that_operators_ask_about_is_explained() -> None:
    assert {f"sysctl:{key}" for key in SYSCTLS} <= set(load.load("linux-server").about)


def test_there_are_the_roles() -> None:
    assert set(NAMES) == {"linux-server", "lb", "client", "broker", "controller", "app", "gateway", "whitepaper-2019"}


@pytest.mark.parametrize("name", NAMES)
def test_more_connections_never_require_less(name: str) -> None:
    profiles = [load.load(name)]
    wanted = []
    for connections in (1000, 1_000_000):
        workload = merge.workload(profiles, connections=connections)
        active, _ = merge.requirements(profiles, workload, MACHINE)
        wanted.append({r.subject: r.wants for r in active if r.operator is Operator.AT_LEAST})
    for subject, few in wanted[0].items():
        many = wanted[1][subject]
        assert type(few[0]) is type(many[0])
        pairs = zip(few[0], many[0], strict=True) if isinstance(few[0], tuple) else [(few[0], many[0])]  # type: ignore[arg-type]
        assert all(less <= more for less, more in pairs)  # type: ignore[operator]


def test_two_roles_get_the_stronger_value_and_say_whose_it_is() -> None:
    profiles = [load.load("whitepaper-2019"), load.load("lb")]
    profiles[0] = dataclasses.replace(profiles[0], rows=_at_least(profiles[0].rows))
    workload = merge.workload(profiles)
    active, _ = merge.requirements(profiles, workload, MACHINE)
    by_subject = {str(r.subject): r for r in active}
    assert by_subject["sysctl:net.ipv4.tcp_mem"].roles == ("whitepaper-2019",)
    assert by_subject["sysctl:fs.nr_open"].wants == (10_000_000,)
    assert by_subject["sysctl:net.core.somaxconn"].roles == ("lb",)
    assert workload.connections == 1_000_000


def _at_least(rows: tuple[load.Row, ...]) -> tuple[load.Row, ...]:
    named = ("sysctl:net.ipv4.tcp_mem", "sysctl:fs.nr_open")
    own = (row for row in rows if row.subject in named)
    return tuple(dataclasses.replace(row, table={**row.table, "operator": "at_least"}) for row in own)


@pytest.mark.parametrize("name", NAMES)
def test_every_number_says_where_it_comes_from(name: str) -> None:
    tables = load.document(load.shipped() / f"{name}.toml")
    for row in tables.get("require", ()):
        said = row.get("number_source", "")
        assert len(said) > 6, row["subject"]
        assert said.strip(". ") not in row["source"] and row["source"].strip(". ") not in (said, f"{said}."), row[
            "subject"
        ]
    load_ = tables.get("workload", {})
    said = load_.get("number_source", {})
    figures = {
        key for key, value in load_.items() if isinstance(value, int | float) and not isinstance(value, bool) and value
    }
    assert figures <= set(said), name
    assert not set(said) - set(load_)


@pytest.mark.parametrize("path", sorted((load.shipped() / "programs").glob("*.toml")), ids=lambda path: path.stem)
def test_every_number_of_a_program_says_where_it_comes_from(path: Path) -> None:
    for trait in toml_file.tables(path, "program", ProfileError).get("traits", {}).values():
        assert len(trait["number_source"]) > 6 and trait["number_source"] != trait["source"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_an_error_is_what_a_bound_needs(name: str) -> None:
    switches = {"sysctl:net.ipv4.ip_forward"} if name == "gateway" else set()
    rows = [row for row in load.load(name).rows if row.table.get("severity") == "error"]
    assert {row.subject for row in rows if not row.table.get("bounds")} <= switches


def test_a_local_file_overrides_drops_and_waives(tmp_path: Path) -> None:
    (tmp_path / "lb.toml").write_text(
        """
        [profile]
        name = "lb"
        title = "ours"
        extends = ["lb"]
        [[require]]
        subject = "sysctl:vm.swappiness"
        drop = true
        [[require]]
        subject = "sysctl:net.core.somaxconn"
        waive = "the appliance vendor sets it"
        [[require]]
        subject = "sysctl:fs.nr_open"
        operator = "at_least"
        value = 5
        why = "ours"
        source = "ours"
        """
    )
    profiles = [load.load("lb", [tmp_path])]
    active, waived = merge.requirements(profiles, merge.workload(profiles), MACHINE)
    by_subject = {str(r.subject): r for r in active}
    assert "sysctl:vm.swappiness" not in by_subject
    assert by_subject["sysctl:fs.nr_open"].wants == (5,)
    assert [(str(r.subject), r.waived) for r in waived] == [
        ("sysctl:net.core.somaxconn", "the appliance vendor sets it")
    ]


@pytest.mark.parametrize("spelled", ["net/core/somaxconn", "net.core.somaxconn"])
def test_a_key_has_one_name_however_it_is_spelled(tmp_path: Path, spelled: str) -> None:
    text = '[profile]\nname = "m"\ntitle = "m"\nextends = ["linux-server"]\n'
    text += f'[[require]]\nsubject = "sysctl:{spelled}"\noperator = "at_least"\nvalue = 5\nwhy = "w"\nsource = "s"\n'
    (tmp_path / "m.toml").write_text(text)
    profiles = [load.load_file(tmp_path / "m.toml")]
    active, _ = merge.requirements(profiles, merge.workload(profiles), MACHINE)
    assert [r.wants for r in active if "somaxconn" in str(r.subject)] == [(5,)]
