"""What IPVS's tables say, as the kernel writes them, and as anybody may."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hosttune.facts import ipvs
from hosttune.host.recorded import Recorded
from hosttune.model import Ipvs, Unknown

TABLE = """IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A600001:01BB rr persistent 300 FFFFFFFF
  -> 0A00000A:192B      Masq    1      3          100
  -> 0A00000B:192B      Route   1      2          0
UDP  0A60000A:0035 rr
TCP  [2001:0db8:0000:0000:0000:0000:0000:0001]:1F90 wlc
  -> [2001:0db8:0000:0000:0000:0000:0000:0002]:1F90      Masq    1      7          0
FWM  00000001 rr
"""
CONNECTIONS = """Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A000002 C3A4 0A600001 01BB 0A00000A 192B ESTABLISHED     899
TCP 0A000002 C3A5 0A600001 01BB 0A00000A 192B TIME_WAIT       110
UDP 0A000002 C3A5 0A60000A 0035 0A00000A 0035 UDP             110
"""


def host(**reads: str) -> Recorded:
    files = {f"/proc/{name.replace('__', '/')}": {"is": text} for name, text in reads.items()}
    return Recorded({"reads": files, "globs": {}, "probes": {}, "links": {}})


def test_services_and_connections_are_counted() -> None:
    keys = {"sys__net__ipv4__vs__conn_reuse_mode": "1\n", "sys__net__ipv4__vs__expire_nodest_conn": "0\n"}
    found = ipvs.gather(host(net__ip_vs=TABLE, net__ip_vs_conn=CONNECTIONS, **keys))
    assert isinstance(found, Ipvs)
    assert found.services == ("10.96.0.1:443", "[2001:db8::1]:8080")
    assert (found.entries, dict(found.states)) == (112, {"ESTABLISHED": 1, "TIME_WAIT": 1})
    assert (found.whole, found.reuse, found.expires) == (True, 1, 0)


def test_a_table_of_connections_alone_is_enough() -> None:
    found = ipvs.gather(host(net__ip_vs_conn=CONNECTIONS))
    assert isinstance(found, Ipvs) and (found.entries, found.services) == (2, ())


def test_what_was_not_recorded_is_not_known() -> None:
    assert isinstance(ipvs.gather(host()), Unknown)


def test_of_very_many_connections_only_the_number_is_told() -> None:
    found = ipvs.gather(host(net__ip_vs=TABLE.replace("100\n", "1000000\n"), net__ip_vs_conn=CONNECTIONS))
    assert isinstance(found, Ipvs) and (found.entries, found.states, found.whole) == (1_000_012, {}, False)


@given(st.text(max_size=300), st.text(max_size=300))
def test_no_text_stops_it(table: str, connections: str) -> None:
    found = ipvs.gather(host(net__ip_vs=f"TCP  {table}", net__ip_vs_conn=f"TCP {connections}"))
    assert isinstance(found, Ipvs) and found.entries >= 0
