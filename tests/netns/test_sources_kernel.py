"""Source addresses on the running kernel, with a peer on the link: planned, asked for, added, used up, given up."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.netns.sandbox import ROOT, need_namespaces

LINK = """\
set -e
HELP="from tests.netns.test_sources_kernel import *;"
mount -t tmpfs none /var/lib
ip link set lo up
unshare -n sleep 200 & peer=$!
helpers=$peer
trap 'kill $helpers || true' EXIT
while [ "$(readlink /proc/$peer/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.05; done
there() { nsenter -t $peer -n "$@"; }
ip link add d0 type veth peer name d1
ip link set d1 netns $peer
ip link set d0 up
ip address add 10.0.0.9/24 dev d0
ip address add 2001:db8::9/64 dev d0 nodad
there ip link set lo up
there ip link set d1 up
for last in 7 11; do
    there ip address add 10.0.0.$last/24 dev d1
    there ip address add 2001:db8::$last/64 dev d1 nodad
done
hosttune() { "$PYTHON" -m hosttune "$@"; }
run() { name=$1; shift; code=0; "$@" >"$OUT/$name" 2>"$OUT/$name.err" || code=$?; echo "$code" >"$OUT/$name.code"; }
look() { ip -o address show | awk '$4 !~ /^fe80/ && $2 != "lo" {print $4 "@" $2}' | sort >"$OUT/$1"; }
await() { while [ ! -e "$1" ]; do kill -0 $! && sleep 0.05; done; }
serve() {
    nsenter -t $peer -n "$PYTHON" -c "$HELP serve('$1', 1883, '$OUT/$2')" & helpers="$helpers $!"
    await "$OUT/$2"
}
hold() {
    "$PYTHON" -c "$HELP hold('$1', $2, '10.0.0.7', '$OUT/held')" & holder=$!
    helpers="$helpers $!"
    await "$OUT/held"
}
local_() { ip route show table local type local dev lo | sort >"$OUT/$1"; }
"""


def scene(tmp_path: Path, script: str) -> dict[str, Any]:
    """Return what a script in namespaces of its own has left below $OUT, by name; JSON where it is some."""
    need_namespaces()
    done = subprocess.run(
        ["unshare", "-m", "-n", "sh", "-c", LINK + script],
        cwd=ROOT, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "OUT": str(tmp_path), "PYTHON": sys.executable},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = {}
    for path in tmp_path.iterdir():
        text = path.read_text()
        found[path.name] = json.loads(text) if text.startswith("{") else text
    return found


DUPLICATES = """\
look before
run dry hosttune sources add 10.0.0.20-10.0.0.34 --dry-run --runtime-only --format json
run taken hosttune sources add 10.0.0.5-10.0.0.8 --yes --runtime-only --format json
run taken6 hosttune sources add 2001:db8::5-2001:db8::8 --yes --runtime-only --format json
run apply hosttune apply --only addresses --yes --runtime-only --format json --add-address 10.0.0.7/24@d0
run wide hosttune sources add 10.0.0.20/16@d0 --yes --runtime-only --format json
run nowhere hosttune sources add 10.77.0.20 --yes --runtime-only
look refused
run add hosttune sources add 10.0.0.20-10.0.0.22 2001:db8::20 10.0.0.30/32@d0 --yes --runtime-only --format json
run again hosttune sources add 10.0.0.20-10.0.0.22 --yes --runtime-only --format json
look added
run own hosttune sources add 10.0.0.20/32@lo --yes --runtime-only --format json
run back hosttune rollback 1 --yes --format json
look after
there ip link set d1 down
run down hosttune sources add 10.0.0.7 --yes --runtime-only --format json
"""


def test_an_address_that_the_peer_has_is_refused_with_its_mac(tmp_path: Path) -> None:
    said = scene(tmp_path, DUPLICATES)
    schema = json.loads((ROOT / "hosttune/render/sources.schema.json").read_text())
    for document in said.values():
        if isinstance(document, dict) and document["schema"] == "hosttune/sources/1":
            Draft202012Validator(schema).validate(document)
    assert said["dry.code"] == "4\n" and len(said["dry"]["changes"]) == 15
    for name, address in (("taken", "10.0.0.7"), ("taken6", "2001:db8::7"), ("apply", "10.0.0.7")):
        assert said[f"{name}.code"] == "5\n", said[name]
        (why,) = said[name]["refused"]
        assert why.startswith(f"{address} is in use: ") and why.endswith(" answers for it on d0; choose another")
    assert [one["address"] for one in said["taken"]["answers"]] == ["10.0.0.7"]
    assert said["wide.code"] == "5\n" and "write /24@d0" in said["wide"]["refused"][0]
    assert said["nowhere.code"] == "2\n" and said["nowhere.err"].count("\n") == 1
    assert said["refused"] == said["before"]
    new = {"10.0.0.20/24@d0", "10.0.0.21/24@d0", "10.0.0.22/24@d0", "10.0.0.30/32@d0", "2001:db8::20/64@d0"}
    assert said["add.code"] == "0\n", said["add.err"]
    assert set(said["added"].split()) == set(said["before"].split()) | new
    assert said["again"]["changed"] is False and said["again.code"] == "0\n"
    # who has it is this host itself
    assert said["own.code"] == "0\n", said["own"]
    assert set(said["after"].split()) == set(said["before"].split())
    assert said["down.code"] == "0\n"
    assert said["down"]["notes"] == ["d0 has no carrier: not checked whether the addresses are free"]


REMOVE = """\
ip route add default via 10.0.0.7
run add hosttune sources add 10.0.0.20-10.0.0.24 --yes --runtime-only --format json
serve 10.0.0.7 ready
hold 10.0.0.20 5
look before
run primary hosttune sources remove 10.0.0.9 --yes --runtime-only --format json
SSH_CONNECTION='10.0.0.7 5000 10.0.0.21 22' run ssh hosttune sources remove 10.0.0.21 --yes --runtime-only --format json
run used hosttune sources remove 10.0.0.20-10.0.0.22 --yes --runtime-only --format json
run dry hosttune sources remove 10.0.0.22 --dry-run --runtime-only --format json
look refused
run free hosttune sources remove 10.0.0.22-10.0.0.24 --yes --runtime-only --format json
run force hosttune sources remove 10.0.0.20 --force --yes --runtime-only --format json
look removed
kill $holder
run back hosttune rollback 3 --yes --format json
look back20
run back1 hosttune rollback 1 --yes --format json
run back2 hosttune rollback 2 --yes --format json
look after
ip route del default
ip address add 10.1.0.1/24 dev d0
run last hosttune sources remove 10.0.0.9 10.1.0.1 --yes --runtime-only --format json
run one hosttune sources remove 10.1.0.1 --yes --runtime-only --format json
look theirs
run back4 hosttune rollback --yes --format json
look again
"""


def test_what_is_needed_or_in_use_is_not_given_up(tmp_path: Path) -> None:
    said = scene(tmp_path, REMOVE)
    refused = {
        "primary": "10.0.0.9 stays: the default route by d0 sends from it",
        "ssh": "10.0.0.21 stays: this ssh session came by it",
        "used": "10.0.0.20: 5 connections go with it; a program listens there, on port 4000; with --force",
        "last": "10.0.0.9 stays: d0 would be left without an address of IPv4",
    }
    for name, why in refused.items():
        assert said[f"{name}.code"] == "5\n" and why in said[name]["refused"], said[name]
    assert said["dry.code"] == "4\n" and said["refused"] == said["before"]
    assert said["free.code"] == said["force.code"] == "0\n", said["force.err"]
    left = set(said["before"].split()) - {f"10.0.0.{n}/24@d0" for n in (20, 22, 23, 24)}
    assert set(said["removed"].split()) == left
    assert set(said["back20"].split()) == left | {"10.0.0.20/24@d0"}
    assert said["back1.code"] == said["back2.code"] == "0\n"
    assert set(said["after"].split()) == {"10.0.0.9/24@d0", "2001:db8::9/64@d0"}
    assert said["one.code"] == "0\n" and "10.1.0.1/24@d0" not in said["theirs"]
    # what hosttune had not added comes back all the same
    assert set(said["again"].split()) == {"10.0.0.9/24@d0", "10.1.0.1/24@d0", "2001:db8::9/64@d0"}


ANYIP = """\
local_ before
there ip route add 10.9.0.0/24 via 10.0.0.9
run add hosttune sources add --anyip 10.9.0.0/24 --anyip 2001:db8:9::/64 --yes --runtime-only --format json
run overlap hosttune sources add --anyip 10.0.0.128/25 --yes --runtime-only --format json
run plan hosttune sources plan --role lb --connections 100 --backend 10.0.0.7:1883 --format json
local_ added
serve 10.0.0.7 ready
hold 10.9.0.255 3
run used hosttune sources remove --anyip 10.9.0.0/24 --yes --runtime-only --format json
kill $holder
run remove hosttune sources remove --anyip 10.9.0.0/24 --force --yes --runtime-only --format json
local_ removed
run back hosttune rollback 2 --yes --format json
local_ again
run back1 hosttune rollback 1 --yes --format json
local_ after
ip -6 route show table local >"$OUT/six"
"""


def test_every_address_of_a_local_prefix_connects_and_the_way_back_is_whole(tmp_path: Path) -> None:
    said = scene(tmp_path, ANYIP)
    assert said["add.code"] == "0\n", said["add.err"]
    assert [c["backend"] for c in said["add"]["changes"]] == ["anyip", "anyip"]
    assert "ip_nonlocal_bind" in said["add"]["notes"][0]
    assert said["overlap.code"] == "5\n" and "the subnet of d0" in said["overlap"]["refused"][0]
    assert said["plan"]["local"] == ["10.9.0.0/24", "2001:db8:9::/64"]
    assert "local 10.9.0.0/24" in said["added"] and "10.9.0.0/24" not in said["before"]
    assert said["used.code"] == "5\n" and "3 connections go with it" in said["used"]["refused"][0]
    assert said["remove.code"] == "0\n" and said["removed"] == said["before"]
    assert said["again"] == said["added"] and said["after"] == said["before"]
    assert "2001:db8:9::" not in said["six"]


FREE = """\
for last in 20 21 30; do ip neigh add 10.0.0.$last lladdr 02:00:00:00:00:01 dev d0; done
ip neigh add 10.0.0.40 nud failed dev d0
ip route add default via 10.0.0.1
ip link add e0 type veth peer name e1
ip link set e0 up
ip link set e1 up
ip address add 10.2.0.1/29 dev e0
set -- sources plan --role lb --connections 100000 --rate 1 --format json
run one hosttune "$@" --backend 10.0.0.11:1883
run two hosttune "$@" --backend 10.0.0.11:1883 --backend 10.2.0.2:1883 --backend '[2001:db8::11]:1883'
run behind hosttune "$@" --backend 192.0.2.1:1883
run only hosttune "$@" --backend 10.0.0.11:1883 --backend 10.2.0.2:1883 --interface e0
run text hosttune sources plan --role lb --connections 100000 --backend 10.2.0.2:1883
run snapshot hosttune snapshot -o "$OUT/host.json" --backend 10.0.0.11:1883
run replayed unshare -n "$PYTHON" -m hosttune "$@" --backend 10.0.0.11:1883 --snapshot "$OUT/host.json"
"""


def test_the_free_list_is_that_of_the_interface_that_leads_there(tmp_path: Path) -> None:
    said = scene(tmp_path, FREE)
    (outlet,) = said["one"]["egress_interfaces"]
    assert (outlet["interface"], outlet["source"], outlet["subnet"]) == ("d0", "10.0.0.9", "10.0.0.0/24")
    # of 254: this host, the gateway, the backend, three neighbours; who never answered is not seen
    assert outlet["free"] == 254 - 6 and outlet["seen"] == 5
    assert outlet["ranges"] == [
        "10.0.0.2-10.0.0.8", "10.0.0.10", "10.0.0.12-10.0.0.19", "10.0.0.22-10.0.0.29", "10.0.0.31-10.0.0.254",
    ]  # fmt: skip
    assert outlet["widest"]["knee"] == 3 and outlet["chosen"] == ["10.0.0.2-10.0.0.4/24@d0"]
    assert said["one"]["next"][-1] == "sudo hosttune sources add 10.0.0.2-10.0.0.4/24@d0"
    # of a machine a recording does not say who looks
    looked, again = ({**said[name], "machine": None} for name in ("one", "replayed"))
    assert again == looked, said["replayed.err"]
    two = {(o["interface"], o["version"]): o for o in said["two"]["egress_interfaces"]}
    assert set(two) == {("d0", 4), ("e0", 4), ("d0", 6)}
    assert two["e0", 4]["subnet"] == "10.2.0.0/29" and two["e0", 4]["ranges"] == ["10.2.0.3-10.2.0.6"]
    assert two["d0", 6]["source"] == "2001:db8::9" and two["d0", 6]["chosen"][0].endswith("/64@d0")
    assert {o["connections"] for o in two.values()} == {33334}
    (behind,) = said["behind"]["egress_interfaces"]
    assert behind["via"] == "10.0.0.1" and behind["subnet"] == "10.0.0.0/24"
    assert [o["interface"] for o in said["only"]["egress_interfaces"]] == ["e0"]
    assert "ip route add 10.9.0.0/30 via 10.2.0.1" in said["text"]


COUNT = """\
echo 20000 20199 >/proc/sys/net/ipv4/ip_local_port_range
echo 20010-20014 >/proc/sys/net/ipv4/ip_local_reserved_ports
serve 10.0.0.7 ready
serve 10.0.0.11 ready2
set -- --role lb --backend 10.0.0.7:1883 --backend 10.0.0.11:1883 --bind-mode $MODE --format json
hosttune sources plan --connections $WANTED "$@" >"$OUT/plan" || [ $? = 1 ]
"$PYTHON" -c "import json; more = json.load(open('$OUT/plan'))['egress_interfaces'][0]['now']['hard']
print(f'10.0.0.20-10.0.0.{19 + more}')" >"$OUT/range"
hosttune sources add $(cat "$OUT/range") --yes --runtime-only >"$OUT/add"
hosttune sources plan --connections $WANTED "$@" >"$OUT/with" || [ $? = 1 ]
"$PYTHON" -c "$HELP use_up('$OUT/with', '$MODE', '$OUT/all', 0)"
"$PYTHON" -c "$HELP use_up('$OUT/with', '$MODE', '$OUT/less', 1)"
"""


@pytest.mark.parametrize(("mode", "wanted"), [("no-port", 1950), ("no-port", 1951), ("bind", 780), ("bind", 781)])
def test_so_many_addresses_suffice_and_one_less_does_not(mode: str, wanted: int, tmp_path: Path) -> None:
    said = scene(tmp_path, f"MODE={mode} WANTED={wanted}\n{COUNT}")
    each = 195 * (2 if mode == "no-port" else 1)  # 200 ports, 5 of them reserved; bind() has each port once
    more = said["plan"]["egress_interfaces"][0]["now"]
    assert more["hard"] == -(-wanted // each) - 1
    assert said["with"]["egress_interfaces"][0]["now"]["hard"] == 0
    pools = [p["usable"] for p in said["with"]["egress_interfaces"][0]["pools"]]
    assert len(said["with"]["egress_interfaces"][0]["have"]) == more["hard"] + 1
    assert int(said["all"]) == sum(pools) // (1 if mode == "no-port" else 2) >= wanted
    assert int(said["less"]) < wanted


PAGE = """\
ip link set d0 down
ip link set d0 name eth0
ip link set eth0 up
there ip link set d1 address 02:00:00:00:00:40
there ip address add 10.0.0.40/24 dev d1
ip neigh flush dev eth0
ip neigh add 10.0.0.20 lladdr 02:00:00:00:00:01 dev eth0
export COLUMNS=100
run plan hosttune sources plan --role lb --connections 1000000 --backend 10.0.0.11:1883
run refused hosttune sources add 10.0.0.21-10.0.0.51 --runtime-only --yes
run added hosttune sources add 10.0.0.51-10.0.0.81 --runtime-only --yes
"""


def test_what_the_page_shows_is_what_is_printed(tmp_path: Path) -> None:
    said = scene(tmp_path, PAGE)
    path = ROOT / "hosttune/docs/changing.md"
    text = path.read_text()
    shown = text.partition("\n## sources\n")[2].partition("    $ ")[2].partition("\n`plan`")[0]
    # what is not indented is said of it
    blocks = [
        "\n".join(line for line in block.splitlines()[1:] if line[:4] == "    ") for block in shown.split("    $ ")
    ]
    printed = (said["plan"], said["refused"] + said["refused.err"], said["added"])
    for block, now in zip(blocks, printed, strict=True):
        rest = _words(now)
        for part in map(_words, block.split("...")):  # what the page leaves out stands as that
            assert part in rest, (part, rest)
            rest = rest.partition(part)[2]


def _words(text: str) -> str:
    """Return what is printed, whoever reads it and however wide: the program by its name, without sudo and breaks."""
    plain = text.replace("\\\n", " ").replace(f"{sys.executable} -m hosttune", "hosttune").replace("sudo ", "")
    return " ".join(plain.split())


def serve(address: str, port: int | str, ready: str) -> None:
    """Accept and keep whatever comes, until the namespace ends; `ready` is made once it listens."""
    server = socket.socket()
    server.bind((address, int(port)))
    server.listen(4096)
    Path(ready).touch()
    kept = []
    while True:
        kept.append(server.accept()[0])


def hold(source: str, count: int, backend: str, ready: str) -> None:
    """Keep connections open from an address, and a listener on it."""
    kept = []
    for _ in range(count):
        client = socket.socket()
        client.bind((source, 0))
        client.settimeout(5)
        client.connect((backend, 1883))
        kept.append(client)
    server = socket.socket()
    server.bind((source, 4000))
    server.listen()
    Path(ready).touch()
    time.sleep(60)


def use_up(plan: str, mode: str, out: str, less: int) -> None:
    """Write how many connections can really be made from the addresses of a plan, of which `less` are left out."""
    outlet = json.loads(Path(plan).read_text())["egress_interfaces"][0]
    kept: list[socket.socket] = []
    for source in outlet["have"][less:]:
        for backend in ("10.0.0.7", "10.0.0.11"):
            while True:
                client = socket.socket()
                try:
                    if mode == "no-port":
                        client.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT, linux/in.h
                    client.bind((source, 0))
                    client.connect((backend, 1883))
                except OSError:
                    client.close()
                    break
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closed without TIME_WAIT
                kept.append(client)
    Path(out).write_text(str(len(kept)))
    for client in kept:
        client.close()
