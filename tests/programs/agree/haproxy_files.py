"""Files that HAProxy takes, made by hypothesis: servers in every form, in many backends that one frontend leads to."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

_HEAD = """global
{head}defaults
 mode tcp
 timeout connect 1s
 timeout client 1m
 timeout server 1m
frontend f
 bind 127.0.0.1:7000
{ways}"""


_TIMEOUTS = (" timeout connect 1s", " timeout client 1m", " timeout server 1m")


@dataclass(frozen=True)
class Written:
    """The text of a file, and what HAProxy finds set."""

    text: str
    environment: dict[str, str] = field(default_factory=dict)


_OCTET = st.integers(1, 250)
_IPV4 = st.builds("10.{}.{}.{}".format, st.integers(0, 255), _OCTET, _OCTET)
_IPV6 = st.builds("fd00::{:x}:{:x}".format, st.integers(1, 0xFFFF), st.integers(1, 0xFFFF))
_PORT = st.integers(1, 65535)
_ADDRESS = st.one_of(
    st.builds("{}:{}".format, _IPV4, _PORT),
    st.builds("{}:{}".format, _IPV6, _PORT),
    st.builds("[{}]:{}".format, _IPV6, _PORT),
    st.builds("{}@{}:{}".format, st.sampled_from(["ipv4", "tcp4", "tcp"]), _IPV4, _PORT),
    st.builds("ipv6@{}:{}".format, _IPV6, _PORT),
    st.builds("'{}':{}".format, _IPV4, _PORT),
    st.builds('"${{HOST}}:{}"'.format, _PORT),
    st.builds('"${{NOTSET-{}}}:{}"'.format, _IPV4, _PORT),
    st.builds('"{}":{}'.format, _IPV4, _PORT),
    st.builds("localhost:{}".format, _PORT),
    st.builds('"${{A_LONG-NAME-localhost}}":{}'.format, _PORT).map(lambda text: text.replace("A_LONG-NAME", "UNSET")),
    st.sampled_from(["/run/x.sock", "unix@/run/y.sock", "abns@z"]),
)
_OPTION = st.one_of(
    st.builds("weight {}".format, st.integers(0, 256)),
    st.builds("maxconn {}".format, st.integers(0, 5000)),
    st.builds("minconn 2 maxconn {}".format, st.integers(2, 500)),
    st.sampled_from(["backup", "disabled", "enabled", "non-stick", "send-proxy", "check inter 1h", "no-check"]),
    st.sampled_from(["init-addr last,libc,none", "source 10.0.0.9", "source 10.0.0.9:40000-40010", "tcp-ut 5s"]),
    st.sampled_from(["on-marked-down shutdown-sessions", "rise 2 fall 3", "maxqueue 9"]),
    st.sampled_from(["observe layer4 check", "agent-check agent-port 9", "check port 1 addr 10.9.9.9"]),
    st.sampled_from(["weight 7 weight 9", "disabled enabled", "enabled disabled", "backup no-backup"]),
    st.sampled_from(["cookie weight", "cookie backup", "error-limit 5", "no-backup", "slowstart 10s"]),
)
_OPTIONS = st.lists(_OPTION, max_size=3, unique_by=lambda text: text.split()[0]).map(" ".join)
_COMMENT = st.sampled_from(["", "", "", " # server x 10.9.9.9:1", "\t"])


@st.composite
def _server(draw: st.DrawFn, name: str) -> str:
    if draw(st.integers(0, 5)) == 0:
        count = draw(st.sampled_from(["2", "1-2", "3-5"]))
        return f" server-template {name} {count} {draw(_ADDRESS)} {draw(_OPTIONS)}"
    line = f" server {name} {draw(_ADDRESS)} {draw(_OPTIONS)}{draw(_COMMENT)}"
    return draw(st.sampled_from([line, line.replace(" server ", "\tserver\t"), line + "  "]))


_CONDITION = st.sampled_from(
    """1 | 0 |  | !1 | defined(HOST) | defined(NOWHERE) | !defined(NOWHERE) | streq("$HOST",10.0.0.7) | streq(a,b)
    | version_atleast(2.0) | version_before(2.0) | strneq(a,b) | defined(HOST) && streq(a,a) | streq(a,b) || 1
    | (streq(a,b) || 1) && !0""".replace("||", "OR")
    .replace("\n   ", "")
    .split("|")
).map(lambda text: text.replace("OR", "||").strip())


@st.composite
def _block(draw: st.DrawFn, name: str) -> list[str]:
    """Return some lines of a backend: servers, defaults of servers, or either below a condition."""
    kind = draw(st.integers(0, 5))
    if kind == 0:
        return [f" default-server {draw(_OPTIONS.filter(lambda text: 'source' not in text and text != ''))}"]
    if kind == 1:
        lines = [f".if {draw(_CONDITION)}", draw(_server(f"{name}a"))]
        if draw(st.booleans()):
            lines += [f".elif {draw(_CONDITION)}", draw(_server(f"{name}b"))]
        return [*lines, ".else", draw(_server(f"{name}c")), ".endif"]
    return [draw(_server(name))]


_BETWEEN = (
    ["ring logs", " size 32768", " timeout connect 1s", " timeout server 1s", " server collector 127.0.0.1:6514"],
    ["peers p", " peer me 127.0.0.1:9009"],
    ["mailers m", " mailer one 127.0.0.1:25"],
    ["resolvers d", " nameserver a 127.0.0.1:5353"],
    ["defaults", " mode tcp", " default-server weight 11 maxconn 3", *_TIMEOUTS],
    ["defaults named", " mode tcp", " default-server backup weight 12", " maxconn 77", *_TIMEOUTS],
    ["cache c", " total-max-size 4"],
    ["userlist u", " user joe insecure-password server"],
)


@st.composite
def configurations(draw: st.DrawFn) -> Written:
    """Return a file of some backends, each with a way in, whose servers are named once in each."""
    head = ' setenv HOST 10.0.0.7\n presetenv HOST 10.0.0.8\n setenv OTHER "a b"\n'
    head += f" maxconn {draw(st.integers(100, 900))}\n" if draw(st.booleans()) else ""
    ways, backends = [], []
    between = draw(st.permutations(_BETWEEN))[:2]
    for number in range(draw(st.integers(2, 7))):
        ways.append(f" use_backend b{number} if {{ dst_port {7001 + number} }}")
        lines = [line for index in range(draw(st.integers(1, 5))) for line in draw(_block(f"s{index}x"))]
        more = draw(st.sampled_from([[], [" balance leastconn"], [" fullconn 100"], [" option allbackups"]]))
        disabled = draw(st.sampled_from([[], [], [], [" disabled"]]))
        kind = draw(st.sampled_from(["backend", "backend", "backend", "listen"]))
        backends += [f"{kind} b{number}", *more, *disabled, *lines]
        if between and draw(st.booleans()):
            backends += between.pop()
    # where nothing is carried at all, nothing is an answer
    ways.append(" default_backend last")
    backends += ["backend last", " server s 10.0.0.1:80"]
    if draw(st.booleans()):
        ways.insert(0, f" maxconn {draw(st.integers(1, 90))}")
    return Written(_HEAD.format(head=head, ways="\n".join(ways) + "\n") + "\n".join(backends) + "\n")
