"""A tsung.xml comes to servers, addresses and users of this host, as Tsung itself takes it."""

from __future__ import annotations

import re
import socket
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosttune.capacity.logs import appears, log_lines
from hosttune.errors import UsageError
from hosttune.host.live import LiveHost
from hosttune.model import BindMode, Configuration
from hosttune.programs import configuration, knowledge
from hosttune.programs.command_line import Arguments
from hosttune.programs.configuration import Given
from hosttune.programs.shelves.tsung import command, ranges, read, recognises
from tests.programs import stage

HEAD = '<?xml version="1.0"?>\n<!DOCTYPE tsung SYSTEM "/usr/share/tsung/tsung-1.0.dtd">\n'
OWN = '<client host="localhost" maxusers="2000" use_controller_vm="true"/>'
ONE = '<server host="10.88.0.11" port="1883" type="tcp"/>'
SOME = '<users maxnumber="30" arrivalrate="50" unit="second"/>'
USERS = f'<arrivalphase phase="1" duration="4" unit="second">{SOME}</arrivalphase>'
STAY = '<request><raw data="x" ack="no_ack"/></request><thinktime value="60"/>'


def document(client: str = OWN, server: str = ONE, load: str = USERS, options: str = "", session: str = STAY) -> str:
    parts = f"<clients>{client}</clients>\n<servers>{server}</servers>\n"
    parts += load if load.startswith("<load") else f"<load>{load}</load>\n"
    parts += f"<options>{options}</options>\n" if options else ""
    one = f'<session name="stay" probability="100" type="ts_raw">{session}</session>'
    return f'{HEAD}<tsung loglevel="notice" version="1.0">\n{parts}<sessions>{one}</sessions></tsung>\n'


def come_to(tmp_path: Path, text: str, hostname: str = "here") -> Configuration:
    (tmp_path / "t.xml").write_text(text)
    (tmp_path / "etc").mkdir(exist_ok=True)
    (tmp_path / "etc" / "hostname").write_text(hostname)
    return configuration.read(Given(LiveHost(str(tmp_path)), ("/t.xml",))).configuration


def limits(configured: Configuration) -> dict[str, int]:
    return {limit.kind: limit.value for limit in configured.limits}


def phase(users: str, number: int = 1, duration: int = 3, unit: str = "second") -> str:
    return f'<arrivalphase phase="{number}" duration="{duration}" unit="{unit}"><users {users}/></arrivalphase>'


RATE = phase('arrivalrate="5" unit="second"')
LOADS = {
    "a rate as long as the phase lasts": (phase('arrivalrate="20" unit="second"'), 60),
    "maxnumber before the phase ends": (phase('maxnumber="30" arrivalrate="50" unit="second"'), 30),
    "maxnumber that never comes": (phase('maxnumber="300" arrivalrate="5" unit="second"'), 15),
    "seconds between users": (phase('interarrival="0.1" unit="second"'), 30),
    "per minute": (phase('arrivalrate="600" unit="minute"'), 30),
    "a phase of minutes": (phase('arrivalrate="2" unit="second"', duration=1, unit="minute"), 120),
    "two phases": (phase('arrivalrate="5" unit="second"') + phase('arrivalrate="1" unit="second"', 2), 18),
    "run through three times": (f"<load loop='2'>{RATE}</load>", 45),
    "users of their own": (
        phase('arrivalrate="5" unit="second"') + '<user session="stay" start_time="1" unit="second"/>',
        16,
    ),
}


@pytest.mark.parametrize(("load", "users"), LOADS.values(), ids=LOADS.keys())
def test_users_are_those_that_the_load_starts(load: str, users: int, tmp_path: Path) -> None:
    configured = come_to(tmp_path, document(load=load))
    assert limits(configured) == {"maxusers": 2000, "users": users}
    assert all(re.fullmatch(r"/t\.xml:\d+", limit.where) for limit in configured.limits)


def test_a_client_has_its_share_of_the_users(tmp_path: Path) -> None:
    clients = '<client host="a" cpu="2" weight="3"><ip value="10.0.0.1"/></client>'
    clients += '<client host="here"><ip value="10.0.0.2"/></client>'
    configured = come_to(tmp_path, document(clients, load=phase('maxnumber="1000" arrivalrate="1000" unit="second"')))
    assert limits(configured) == {"users": 250}
    assert configured.backends[0].sources == ("10.0.0.2",)
    other = come_to(tmp_path, document(clients, load=phase('maxnumber="1000" arrivalrate="1000" unit="second"')), "b")
    assert limits(other) == {"users": 750} and other.settings.workers == 2
    assert other.notes[0] == "/t.xml: none of its 2 clients is this host by name: a is counted"


def test_maxusers_is_a_limit_of_the_controllers_own_node_alone(tmp_path: Path) -> None:
    node = come_to(tmp_path, document('<client host="here" maxusers="10"/>'))
    assert limits(node) == {"users": 30}
    assert "starts a further node for every 10 users at once: 3 for 30 users" in node.notes[0]
    assert limits(come_to(tmp_path, document('<client host="localhost" use_controller_vm="true"/>')))["maxusers"] == 800


def test_a_pool_is_of_each_address_and_bound_first(tmp_path: Path) -> None:
    ips = '<ip value="10.88.0.2"/><ip value="10.88.0.3"/>'
    ranged = '<option name="ports_range" min="1025" max="65535"/>'
    node = come_to(tmp_path, document(f'<client host="here">{ips}</client>', options=ranged))
    (server,) = node.sections[0].servers
    assert node.mode is BindMode.BIND and server.backend.ports == (1025, 65535)
    assert server.backend.sources == ("10.88.0.2", "10.88.0.3")
    own = come_to(tmp_path, document(options=ranged)).backends[0]
    assert (own.sources, own.ports) == (("0.0.0.0",), None)
    six = come_to(tmp_path, document(server='<server host="fd00::1" port="1883" type="tcp6"/>')).backends[0]
    assert (six.sources, str(six)) == (("::",), "[fd00::1]:1883")


def test_servers_have_their_weights_and_what_is_no_tcp_is_passed_over(tmp_path: Path) -> None:
    more = (
        '<server host="10.88.0.11" port="1884" type="ssl" weight="2.5"/><server host="10.88.0.11" port="5" type="udp"/>'
    )
    (section,) = come_to(tmp_path, document(server=ONE + more)).sections
    assert [(server.name, server.weight) for server in section.servers] == [
        ("10.88.0.11:1883", 2),
        ("10.88.0.11:1884", 5),
    ]
    assert section.uneven


@pytest.mark.parametrize(
    ("client", "says"),
    [
        ('<ip value="eth0" scan="true"/>', "every address of eth0"),
        ('<ip value="resolve"/>', "resolve is no address"),
        ('<iprange value="10-20.0-255.0.0-255"/>', "720,896 addresses, at most 4,096"),
        ('<ip value="fd00::9"/>', "no address of the client can be counted"),
    ],
)
def test_an_address_that_is_not_known_is_said_and_stops_nothing(client: str, says: str, tmp_path: Path) -> None:
    configured = come_to(tmp_path, document(f'<client host="here">{client}</client>'))
    assert any(says in line for line in configured.sections[0].unknown), configured.sections
    assert configured.sections[0].servers == () and limits(configured)["users"] == 30


def test_a_name_of_a_server_is_unknown_below_a_root(tmp_path: Path) -> None:
    configured = come_to(tmp_path, document(server='<server host="broker.example" port="1883" type="tcp"/>' + ONE))
    (section,) = configured.sections
    assert len(section.unknown) == 1 and "broker.example" in section.unknown[0] and len(section.servers) == 1


@pytest.mark.parametrize(
    ("session", "once"),
    [
        ('<thinktime value="2"/>', 12),
        ('<thinktime min="1" max="2"/>', 12),
        ('<for var="i" from="1" to="2"><thinktime value="1"/></for>', 12),
        ('<transaction name="x"><thinktime value="1"/></transaction><thinktime value="1"/>', 12),
    ],
)
def test_users_at_once_follow_from_thinktimes(session: str, once: int, tmp_path: Path) -> None:
    load = phase('arrivalrate="6" unit="second"', duration=100)
    limit = come_to(tmp_path, document(load=load, session=session)).limits[-1]
    assert limit.value == 600 and f"about {once} are there at once" in limit.notes[0]


@pytest.mark.parametrize(
    "session",
    ['<thinktime value="2" random="true"/>', '<thinktime value="%%_x%%"/>', "<repeat><thinktime value='1'/></repeat>"],
)
def test_a_stay_that_is_not_known_is_said(session: str, tmp_path: Path) -> None:
    limit = come_to(tmp_path, document(session=session)).limits[-1]
    assert limit.notes == ("how long a user stays is not known: all of them may be there at once",)


def test_nothing_beside_the_file_is_read_and_nothing_is_expanded(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("<session/>")
    text = (
        document()
        .replace('.dtd">', f'.dtd" [<!ENTITY more SYSTEM "file://{secret}">]>')
        .replace("</sessions>", "&more;</sessions>")
    )
    configured = come_to(tmp_path, text)
    assert configured.notes[0].startswith("/t.xml:2: entity more is the file file://")
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    with pytest.raises(UsageError, match=r"/t\.xml:2: declares the entity l0, and none is expanded"):
        come_to(tmp_path, document().replace('.dtd">', f'.dtd" [<!ENTITY l0 "ha">{laughs}]>'))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<tsung>", "/t.xml:1: no element found"),
        ("<tsung><a></tsung>", "mismatched tag"),
        (f"{HEAD}<tsung><clients/></tsung>", "/t.xml:3: no <client> in it"),
        (document(server=""), "no <server> in it"),
        ("<tsung>" + "<a>" * 300, "nested deeper than 200"),
        ('<?xml version="1.0" encoding="klingon"?><tsung/>', "its encoding is not known"),
    ],
)
def test_what_tsung_refuses_is_one_line(text: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        come_to(tmp_path, text)


@given(
    st.text(max_size=100)
    | st.tuples(st.integers(0, 900), st.text(max_size=5)).map(
        lambda at: document()[: at[0]] + at[1] + document()[at[0] :]
    )
)
def test_no_text_makes_a_traceback(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("t")
    (path / "t.xml").write_text(text, errors="surrogatepass")
    try:
        read(Given(LiveHost(str(path)), ("/t.xml",), resolves=False))
    except UsageError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        (document(), True),
        ("<tsung/>", True),
        ("<!-- <tsung> --><other/>", False),
        ("<tsungs/>", False),
        ("tsung", False),
    ],
)
def test_it_is_told_by_its_root(text: str, whose: bool) -> None:
    assert recognises(text) is whose


@pytest.mark.parametrize(
    ("text", "count", "why"),
    [
        ("10.0.0.1-3", 3, ""),
        ("10.0-1.0.1-2", 4, ""),
        ("10.0.0.5", 1, ""),
        ("10.0.0.9-3", 0, "no range"),
        ("x", 0, "no range"),
    ],
)
def test_a_range_of_addresses(text: str, count: int, why: str) -> None:
    addresses, said = ranges.addresses(text)
    assert len(addresses) == count and said.startswith(why)


def test_the_command_line_gives_its_file() -> None:
    assert command(["tsung", "-f", "a.xml", "-I", "10.0.0.1", "start"]) == Arguments(("a.xml",))
    assert command(["tsung", "start", "-f"]) == Arguments()


def started(text: str, says: str = "will start") -> str:
    """Start Tsung with a document; return its log once it says so."""
    (stage.WORK / "t.xml").write_text(text)
    words = ["-l", str(stage.WORK / "log"), "-f", str(stage.WORK / "t.xml"), "-I", stage.FRONTEND, "-w", "1", "start"]
    stage.start("tsung", "tsung", *words)
    return str(stage.wait_for("users", lambda: (log := logs()) and says in log and log, 30))


def logs() -> str:
    return "".join(path.read_text(errors="replace") for path in (stage.WORK / "log").glob("*/tsung_controller*.log"))


def on_load(load: str, users: str) -> None:
    log = started(document(load=load), "Activate launcher")  # of every phase it has said by then how many will start
    counts = re.findall(r"will start (\d+) users", log)
    fixed = load.count("<user ")
    assert sum(map(int, counts)) + fixed == int(users), counts


@pytest.mark.slow
@pytest.mark.parametrize(("load", "users"), LOADS.values(), ids=LOADS.keys())
def test_tsung_itself_starts_so_many_users(load: str, users: int) -> None:
    stage.need("tsung", "erl")
    stage.play(__file__, "on_load", load, str(users))


class Backend:
    """Takes connections, and knows where each came from and went."""

    def __init__(self, *ports: int) -> None:
        self.seen: list[tuple[int, str]] = []
        self._kept: list[socket.socket] = []
        for port in ports:
            threading.Thread(target=self._serve, args=(port,), daemon=True).start()

    def _serve(self, port: int) -> None:
        listener = socket.create_server((stage.BACKEND, port), backlog=4096)
        while True:
            peer, where = listener.accept()
            self._kept.append(peer)
            self.seen.append((port, where[0]))


def on_maxusers(own: str) -> None:
    """More users than maxusers: the controller's own node stops there, another has further ones started."""
    backend = Backend(1883)
    host, vm = ("localhost", "true") if own else (stage.FRONTEND, "false")
    ip = f'<ip value="{stage.SOURCE}"/><ip value="{stage.SECOND_SOURCE}"/>'
    text = document(f'<client host="{host}" maxusers="10" use_controller_vm="{vm}">{ip}</client>')
    (stage.WORK / "asked.xml").write_text(text)
    bounds = stage.ask("--role", "client", "--backends-from", str(stage.WORK / "asked.xml"))
    predicted = min(bound["hard"] for name, bound in bounds.items() if name.startswith(("maxusers", "users")))
    assert predicted == (10 if own else 30)
    started(text)
    stage.wait_for(f"{predicted} users", lambda: len(backend.seen) >= predicted, 40)
    assert stage.settled(lambda: len(backend.seen), 2) == predicted
    assert {where for _, where in backend.seen} == {stage.SOURCE, stage.SECOND_SOURCE}
    (line,) = log_lines(knowledge.of("tsung")[0], "maxusers", BindMode.BIND)
    assert appears(line, logs()) is bool(own)


@pytest.mark.slow
@pytest.mark.parametrize("own", ["own", ""])
def test_tsung_stops_at_maxusers_where_it_starts_no_other_node(own: str) -> None:
    stage.need("tsung", "erl")
    stage.play(__file__, "on_maxusers", own)
