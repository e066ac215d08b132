"""HAProxy's admin socket is asked as the process sees it, within bounds, and whoever else answers is no answer."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.errors import HostError
from hosttune.host import answers
from hosttune.host.live import LiveHost
from hosttune.host.probes import admin_socket

INFO = "Name: HAProxy\nVersion: 2.6.12\nNbthread: 2\nPid: {pid}\nMaxconn: 50\nHard_maxconn: 100\nCurrConns: 7\n\n"
SERVERS = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight srv_fqdn srv_port
4 b 1 s1 127.0.0.1 2 1 7 7 - 9001
4 b 2 s2 - 2 0 1 1 - 0
4 b 3 s3 ::1 2 0 1 1 broker.example 9003

"""
STAT = (
    "# pxname,svname,qcur,qmax,scur,smax,slim,stot,bin,bout,dreq,dresp,ereq,econ,eresp,wretr,wredis,status,weight,act,"
    "bck,chkfail,chkdown,lastchg,downtime,qlimit,pid,iid,sid,throttle,lbtot,tracked,type,rate,\n"
    "f,FRONTEND,,,3,3,150,3,0,0,0,0,0,,,,,OPEN,,,,,,,,,1,2,0,,,,0,0,\n"
    "b,s1,2,0,3,0,40,0,0,0,,0,,0,0,0,0,no check,7,0,1,,,1,,,1,4,1,,0,,2,0,\n"
    "f,http,0,0,0,0,0,0,0,0,,0,,0,0,0,0,OPEN,7,0,1,,,1,,,1,4,1,,0,,3,0,\n\n"
)


def bind(listener: socket.socket, path: Path) -> None:
    """Bind a socket to a path of any length: the address of one has 107 bytes, unix(7)."""
    directory = os.open(path.parent, os.O_PATH)
    try:
        listener.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


@contextlib.contextmanager
def answering(path: Path, **texts: str) -> Iterator[str]:
    """Serve the answers of an admin socket: those given, by the first words of the question, or the usual ones."""
    usual = {"show info": INFO.format(pid=os.getpid()), "show servers state": SERVERS, "show stat": STAT}
    known = usual | {name.replace("_", " "): text for name, text in texts.items()}
    with socket.socket(socket.AF_UNIX) as listener:
        bind(listener, path)
        listener.listen(8)

        def serve() -> None:
            while True:
                try:
                    link, _ = listener.accept()
                except OSError:
                    return
                with link, contextlib.suppress(OSError):
                    question = link.recv(4096).decode().strip().removeprefix("@1 ")
                    link.sendall(known[question].encode("utf-8", "surrogateescape"))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield str(path)
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def asked(*paths: str, master: str = "") -> admin_socket.Answers:
    found: admin_socket.Answers = LiveHost().probe("admin_socket", pid=os.getpid(), sockets=[*paths], master=master)
    assert not answers.wrong("admin_socket", found)
    return found


def test_what_it_says(tmp_path: Path) -> None:
    with answering(tmp_path / "a.sock") as path:
        found = asked(path)
    pid = os.getpid()
    assert found["asked"] == path
    assert found["info"] == {"Nbthread": 2, "Pid": pid, "Maxconn": 50, "Hard_maxconn": 100, "CurrConns": 7}
    first, second, third = found["servers"]
    assert first == {
        **{"section": "b", "server": "s1", "address": "127.0.0.1", "port": 9001},
        **{"state": 2, "admin": 1, "weight": 7, "host": ""},
    }
    assert (second["address"], second["port"]) == ("", 0)
    assert (third["address"], third["host"]) == ("::1", "broker.example")
    assert found["rows"] == [
        {"section": "f", "server": "FRONTEND", "kind": 0, "used": 3, "queued": 0, "limit": 150, "backup": False},
        {"section": "b", "server": "s1", "kind": 2, "used": 3, "queued": 2, "limit": 40, "backup": True},
    ]


def test_the_next_socket_is_asked_where_one_is_gone(tmp_path: Path) -> None:
    with answering(tmp_path / "a.sock") as path:
        assert asked(f"{tmp_path}/gone.sock", path)["asked"] == path
        assert asked(f"{tmp_path}/gone.sock", master=path)["asked"] == path


def test_a_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.sock").symlink_to(tmp_path / "a.sock")
    with answering(tmp_path / "a.sock"):
        assert asked(f"{tmp_path}/link.sock")["info"]["Maxconn"] == 50


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        ({"show_info": INFO.format(pid=1)}, "another process answers there"),
        ({"show_info": "HTTP/1.1 400 Bad Request\r\n\r\n"}, "no HAProxy"),
        ({"show_info": ""}, "no HAProxy"),
        ({"show_info": "\0\x1b[31m" * 999}, "no HAProxy"),
        ({"show_servers_state": "x" * (33 << 20)}, "an answer of more than 32 MiB"),
    ],
)
def test_what_answers_otherwise_is_no_answer(tmp_path: Path, texts: dict[str, str], why: str) -> None:
    with answering(tmp_path / "a.sock", **texts) as path, pytest.raises(HostError, match=why):
        asked(path)


def test_what_is_no_socket_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(HostError, match="is no socket"):
        asked(f"{tmp_path}/fifo")
    with pytest.raises(HostError, match="No such file"):
        asked(f"{tmp_path}/gone")
    with pytest.raises(HostError, match="no admin socket"):
        asked()


@pytest.mark.slow
def test_it_is_not_waited_for(tmp_path: Path) -> None:
    path = f"{tmp_path}/a.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        bind(listener, Path(path))
        listener.listen(1)
        with pytest.raises(HostError, match=r"timed out|no answer in 3 s"):
            asked(path)


@given(st.text(alphabet=st.sampled_from("ab ,-\n#\x1b\0é9:"), max_size=200), st.sampled_from([SERVERS, STAT]))
def test_any_text_is_taken_apart(text: str, before: str) -> None:
    lines = (before + text).split("\n")
    rows = [*admin_socket._rows(lines)]
    servers = [*admin_socket._servers(lines)]
    whole = {"asked": "/a.sock", "info": {}, "servers": servers, "rows": rows}
    assert not answers.wrong("admin_socket", whole)
