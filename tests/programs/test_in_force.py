"""What HAProxy's admin socket says wins over its file, and what differs is said with its line."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.findings import not_in_force
from hosttune.host.recorded import Recorded
from hosttune.model import (
    Backend,
    BindMode,
    Configuration,
    Difference,
    Entry,
    OwnLimit,
    Reason,
    Section,
    Server,
    Settings,
    Verdict,
)
from hosttune.programs import in_force
from hosttune.programs.shelves import haproxy

FILE = "/etc/haproxy/haproxy.cfg"


def limit(value: int, of: str = "", line: int = 3) -> OwnLimit:
    return OwnLimit("maxconn", value, "maxconn", of=of, where=f"{FILE}:{line}")


def server(name: str, port: int, line: int, words: str = "", **more: Any) -> Server:
    backend = Backend("127.0.0.1", port, words or f"127.0.0.1:{port}", ("127.0.0.2",))
    return Server(name, f"{FILE}:{line}", backend, **more)


SECTION = Section(
    "backend b",
    f"{FILE}:10",
    (server("s1", 9001, 11, weight=7, most=limit(40, "backend b/s1", 11)), server("s2", 9002, 12)),
    idle=(server("off", 9003, 13), server("spare", 9004, 14)),
)
DISK = Configuration(
    "haproxy",
    (FILE,),
    Settings("haproxy", FILE, maxconn=100, threads=2),
    entries=(Entry("frontend f", f"{FILE}:6", (limit(60, "frontend f", 7),), ("backend b",)),),
    sections=(SECTION,),
    limits=(limit(100),),
    mode=BindMode.NO_PORT,
    sockets=("/run/haproxy.sock",),
)


def state(name: str, port: int, **more: Any) -> dict[str, Any]:
    row = {"section": "b", "server": name, "address": "127.0.0.1", "port": port, "state": 2, "admin": 0, "weight": 1}
    return {**row, "host": "", **more}


def stat(section: str, name: str, kind: int, limit: int = 0, used: int = 0, **more: Any) -> dict[str, Any]:
    row = {"section": section, "server": name, "kind": kind, "used": used, "queued": 0, "limit": limit}
    return {**row, "backup": False, **more}


def answers() -> dict[str, Any]:
    """Return what a process says that was started with the file and was left alone."""
    return {
        "asked": "/run/haproxy.sock",
        "info": {"Pid": 7, "Nbthread": 2, "Maxconn": 100, "Hard_maxconn": 100, "CurrConns": 9},
        "servers": [
            state("s1", 9001, weight=7),
            state("s2", 9002),
            state("off", 9003, state=0, admin=5),
            state("spare", 9004),
        ],
        "rows": [
            stat("f", "FRONTEND", 0, 60, 9),
            stat("b", "s1", 2, 40, 5),
            stat("b", "s2", 2),
            stat("b", "spare", 2, backup=True),
            stat("b", "BACKEND", 1, queued=3),
        ],
    }


def changed(**rows: dict[str, Any]) -> dict[str, Any]:
    """Return the answers with other values: of `info`, of a server's state (s1), of a row of statistics (stat_s1)."""
    found = answers()
    found["info"].update(rows.pop("info", {}))
    for name, values in rows.items():
        table, key = (
            (found["rows"], name.removeprefix("stat_")) if name.startswith("stat_") else (found["servers"], name)
        )
        row = next((row for row in table if row["server"] == key), None)
        if row is None:
            table.append(state(key, 0) | values)
        elif values:
            row.update(values)
        else:
            table.remove(row)
    return found


def held(found: dict[str, Any], disk: Configuration = DISK) -> tuple[Configuration, list[Difference]]:
    now, differences = haproxy.in_force(disk, found)
    return now, [*differences]


def names(configuration: Configuration) -> list[str]:
    return [f"{server.name} {server.backend}" for server in configuration.sections[0].servers]


def test_what_nobody_changed_is_as_it_is_on_disk() -> None:
    now, differences = held(answers())
    assert differences == []
    assert now.carried == 9
    assert (now.limits[0].value, now.limits[0].used) == (100, 9)
    assert (now.entries[0].limits[0].value, now.entries[0].limits[0].used) == (60, 9)
    first = now.sections[0].servers[0].most
    assert first is not None
    assert (first.value, first.used, first.waiting) == (40, 5, 3)
    assert names(now) == names(DISK)


SAID = {
    "maxconn": (
        changed(info={"Maxconn": 50}),
        f"haproxy: maxconn 50 in force (show info), 100 in {FILE}:3",
        "`set maxconn global 100` at the socket, or a reload, puts the file in force; write 50 there to keep it",
    ),
    "file": (
        changed(info={"Maxconn": 50, "Hard_maxconn": 50}),
        f"haproxy: maxconn 50 in force (show info), 100 in {FILE}:3",
        "reload haproxy, or write what is in force to the file",
    ),
    "threads": (
        changed(info={"Nbthread": 4}),
        f"haproxy: nbthread 4 in force (show info), 2 in {FILE}",
        "reload haproxy, or write what is in force to the file",
    ),
    "frontend": (
        changed(stat_FRONTEND={"limit": 55}),
        f"haproxy: frontend f maxconn 55 in force (show stat), 60 in {FILE}:7",
        "`set maxconn frontend f 60` at the socket, or a reload, puts the file in force; write 55 there to keep it",
    ),
    "server": (
        changed(stat_s1={"limit": 9}),
        f"haproxy: backend b/s1 maxconn 9 in force (show stat), 40 in {FILE}:11",
        "`set maxconn server b/s1 40` at the socket; a reload puts the file in force",
    ),
    "address": (
        changed(s2={"address": "127.0.0.9", "port": 9009}),
        f"haproxy: backend b/s2 address 127.0.0.9:9009 in force (show servers state), 127.0.0.1:9002 in {FILE}:12",
        "`set server b/s2 addr 127.0.0.1 port 9002` at the socket; a reload puts the file in force",
    ),
    "weight": (
        changed(s1={"weight": 3}),
        f"haproxy: backend b/s1 weight 3 in force (show servers state), 7 in {FILE}:11",
        "`set server b/s1 weight 7` at the socket, or a reload, puts it in force",
    ),
    "maint": (
        changed(s1={"admin": 1, "state": 0}),
        f"haproxy: backend b/s1 state maint in force (show servers state), ready in {FILE}:11",
        "`set server b/s1 state ready` at the socket, or write `disabled` to its line",
    ),
    "drain": (
        changed(s1={"admin": 8}),
        f"haproxy: backend b/s1 state drain in force (show servers state), ready in {FILE}:11",
        "`set server b/s1 state ready` at the socket, or write `disabled` to its line",
    ),
    "enabled": (
        changed(off={"admin": 0, "state": 2}),
        f"haproxy: backend b/off state ready in force (show servers state), gets nothing in {FILE}:13",
        "`disable server b/off` at the socket, or change its line; a reload puts the file in force",
    ),
    "added": (
        changed(new={"port": 9100}),
        f"haproxy: backend b/new server 127.0.0.1:9100 in force (show servers state), none in {FILE}:10",
        "write a server line for it: a reload forgets it",
    ),
    "deleted": (
        changed(s2={}),
        f"haproxy: backend b/s2 server none in force (show servers state), 127.0.0.1:9002 in {FILE}:12",
        "reload haproxy: its process has no server s2",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_what_differs_is_drift(name: str) -> None:
    found, sentence, fix = SAID[name]
    (finding,) = not_in_force.findings(held(found)[1])
    assert (finding.because, finding.fix) == (sentence, fix)
    assert finding.verdict is Verdict.DRIFT
    assert finding.in_force is False


def test_what_is_in_force_is_counted_with() -> None:
    now, _ = held(changed(info={"Maxconn": 50}, stat_FRONTEND={"limit": 55}, stat_s1={"limit": 9}))
    assert (now.limits[0].value, now.settings.maxconn) == (50, 50)
    assert now.entries[0].limits[0].value == 55
    assert [server.most.value for server in now.sections[0].servers if server.most] == [9]


def test_servers_that_get_connections_are_those_in_force() -> None:
    gone = changed(s1={"admin": 1, "state": 0}, off={"admin": 0, "state": 2}, new={"port": 9100, "address": "::1"})
    now, _ = held(gone)
    assert names(now) == ["s2 127.0.0.1:9002", "off 127.0.0.1:9003", "new [::1]:9100"]
    assert all(server.backend.sources == ("127.0.0.2",) for server in now.sections[0].servers)


def test_a_backup_gets_them_where_all_else_is_off() -> None:
    now, differences = held(changed(s1={"admin": 1, "state": 0}, s2={"state": 0}))
    assert names(now) == ["spare 127.0.0.1:9004"]
    assert [difference.of for difference in differences] == ["backend b/s1"]
    assert now.notes == (f"{FILE}:12: backend b/s2 gets no connections: it is down (show servers state)",)


def test_a_section_of_which_none_is_left_is_unknown() -> None:
    off = {"admin": 1, "state": 0}
    now, _ = held(changed(s1=off, s2=off, off=off, spare=off))
    assert now.sections[0].servers == ()
    assert "no server of backend b gets connections" in now.sections[0].unknown[0]


def test_a_name_goes_where_the_process_resolved_it() -> None:
    named = server("s2", 9002, 12, words="broker.example:9002")
    disk = dataclasses.replace(DISK, sections=(dataclasses.replace(SECTION, servers=(SECTION.servers[0], named)),))
    now, differences = held(changed(s2={"address": "127.0.0.9", "host": "broker.example"}), disk)
    assert names(now)[1] == "s2 127.0.0.9:9002"
    assert differences == []


def test_a_port_that_follows_the_clients_is_not_what_the_socket_shows() -> None:
    relative = server("s2", 9002, 12, follows=True, weight=3)
    disk = dataclasses.replace(DISK, sections=(dataclasses.replace(SECTION, servers=(SECTION.servers[0], relative)),))
    now, differences = held(changed(s2={"port": 2001}), disk)
    assert (names(now)[1], differences) == ("s2 127.0.0.1:9002", [])


def test_a_name_that_could_not_be_resolved_is_counted_where_the_process_did() -> None:
    unknown = (f"{FILE}:12: broker.example cannot be resolved", f"{FILE}:15: ${{X}}:80 is set by the environment")
    disk = dataclasses.replace(
        DISK, sections=(dataclasses.replace(SECTION, servers=SECTION.servers[:1], unknown=unknown),)
    )
    now, differences = held(changed(s2={"host": "broker.example"}, s3={"port": 80}), disk)
    assert names(now) == ["s1 127.0.0.1:9001", "s2 127.0.0.1:9002"]
    assert now.sections[0].unknown == unknown[1:]
    assert differences == []


def test_what_it_reckoned_is_the_truth_where_no_line_says_it() -> None:
    disk = dataclasses.replace(DISK, limits=(), settings=dataclasses.replace(DISK.settings, maxconn=0))
    now, differences = held(changed(info={"Maxconn": 4000, "Hard_maxconn": 4000}), disk)
    assert (now.reckoned, now.limits, differences) == (4000, (), [])
    now, differences = held(changed(info={"Maxconn": 50, "Hard_maxconn": 4000}), disk)
    assert [own.value for own in now.limits] == [50]
    assert differences[0].on_disk == "none (it reckoned 4,000)"


def test_another_process_knows_nothing_of_the_section() -> None:
    found = answers() | {"servers": [state("s1", 1) | {"section": "other"}], "rows": []}
    now, differences = held(found)
    assert now.sections == DISK.sections
    assert [(difference.of, difference.in_force) for difference in differences] == [("backend b", "absent")]


def test_many_differences_are_one_finding() -> None:
    rows = [
        Difference("haproxy", f"backend b/s{n}", "weight", "1", "2", FILE, "show stat", "reload") for n in range(99)
    ]
    findings = not_in_force.findings(rows)
    assert len(findings) == 9
    assert findings[-1].because.startswith("haproxy: 91 more, backend b/s8 the first")
    assert len({finding.id for finding in findings}) == 9


def started(*words: str, pid: int = 7) -> tuple[Configuration, tuple[Difference, ...]]:
    """Hold the file against a process of this command line; process 7 answers, others may not be asked."""
    asked = {"pid": pid, "sockets": ["/run/haproxy.sock"]}
    refused = {"error": Reason.UNREADABLE.name, "detail": "/run/haproxy.sock: Permission denied"}
    answer = {"is": changed(info={"Maxconn": 50})} if pid == 7 else refused
    host = Recorded(
        {
            "reads": {f"/proc/{pid}/cmdline": {"is": "\0".join([*words, ""])}},
            "globs": {},
            "probes": {f"admin_socket {json.dumps(asked, sort_keys=True)}": answer},
            "links": {f"/proc/{pid}/cwd": "/etc/haproxy"},
        }
    )
    return in_force.of(host, DISK, [6, pid])


@pytest.mark.parametrize("words", [("-f", FILE), ("-Ws", "-f", "/etc/haproxy"), ("-f", "haproxy.cfg"), ("--", FILE)])
def test_the_process_that_was_started_with_the_file_is_asked(words: tuple[str, ...]) -> None:
    now, differences = started("/usr/sbin/haproxy", *words)
    assert (now.limits[0].value, len(differences)) == (50, 1)


@pytest.mark.parametrize("words", [("haproxy", "-f", "/tmp/new.cfg"), ("nginx", "-c", FILE), ()])
def test_a_process_of_another_file_is_not(words: tuple[str, ...]) -> None:
    assert started(*words) == (DISK, ())


def test_what_could_not_be_asked_is_a_note() -> None:
    now, differences = started("haproxy", "-f", FILE, pid=8)
    assert differences == ()
    assert (
        "what is in force is unknown for process 8: unreadable: /run/haproxy.sock: Permission denied" in now.notes[-1]
    )


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 127), st.integers(0, 3), st.booleans()), min_size=4, max_size=4
    ),
    st.integers(0, 200),
)
def test_any_state_gives_servers_that_may_get_connections(states: list[tuple[int, int, int, bool]], most: int) -> None:
    found = answers()
    for row, (up, admin, weight, named) in zip(found["servers"], states, strict=True):
        row.update(state=up, admin=admin, weight=weight, host="broker.example" if named else "")
    found["rows"][1]["limit"] = most
    now, _ = held(found)
    by_name = {row["server"]: row for row in found["servers"]}
    for section in now.sections:
        assert section.servers or section.unknown
        for own in section.servers:
            row = by_name[own.name]
            assert not row["admin"] & 0x7B
            assert row["state"]
            assert row["weight"] or not any(other["weight"] for other in found["servers"])
