"""What the answers of probes look like: a recording is a file that anybody may have written."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Any

_MOST = 1 << 63
_ROWS = 200_000  # no answer has more rows: each has its own bound far below it
_SET = re.compile("0x[0-9a-f]{1,16384}")  # 65,536 ports, a bit each

_LONG = re.compile("[0-9]{41}")  # 20 digits at most, or the 32 of an address in hexadecimal
_WORDS = ("/comm", "/cmdline", "name")  # of people's choosing, and nothing counts with them

Shape = Callable[[Any], str]
"""Return what is wrong with an answer, "" where nothing is."""


def wrong_text(path: str, text: str) -> str:
    """Return what is wrong with a file of the kernel's, "" where nothing is: its numbers end at 64 bits."""
    if not path.startswith(("/proc/", "/sys/")) or path.endswith(_WORDS):
        return ""
    if _LONG.search(text):
        return "a number that no kernel writes"
    odd = not text.isascii() and any(letter.isdigit() and not letter.isdecimal() for letter in text)
    return "a digit that no kernel writes" if odd else ""


def wrong(probe: str, answer: Any) -> str:
    """Return what is wrong with a probe's answer, and where in it; "" where nothing is, or it has no known shape."""
    shape = _SHAPES.get(probe)
    return shape(answer) if shape else ""


def _count(found: Any) -> str:
    right = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _MOST
    return "" if right else "no count"


def _port(found: Any) -> str:
    return "" if not _count(found) and found < 65536 else "no port"


def _number(found: Any) -> str:
    right = isinstance(found, int | float) and not isinstance(found, bool) and 0 <= found < _MOST
    return "" if right else "no number"


def _flag(found: Any) -> str:
    return "" if isinstance(found, bool) else "neither true nor false"


def _text(found: Any) -> str:
    return "" if isinstance(found, str) else "no text"


def _address(found: Any) -> str:
    try:
        ipaddress.ip_address(found if isinstance(found, str) else "")
    except ValueError:
        return "no address"
    return ""


def _ports(found: Any) -> str:
    return "" if isinstance(found, str) and _SET.fullmatch(found) else "no set of ports"


def _maybe(shape: Shape) -> Shape:
    return lambda found: "" if found is None else shape(found)


def _rows(shape: Shape) -> Shape:
    def check(found: Any) -> str:
        if not isinstance(found, list) or len(found) > _ROWS:
            return "no list"
        return next((f"{n}: {why}" for n, row in enumerate(found) if (why := shape(row))), "")

    return check


def _table(keys: Shape, values: Shape) -> Shape:
    def check(found: Any) -> str:
        if not isinstance(found, dict):
            return "no table"
        return next((f"{key!r}: {why}" for key, one in found.items() if (why := keys(key) or values(one))), "")

    return check


def _record(optional: str = "", *, also: dict[str, Shape] | None = None, **fields: Shape) -> Shape:
    """Return the shape of a row that has these fields, and may have counts of these names, or `also` those."""
    extra: dict[str, Shape] = {**dict.fromkeys(optional.split(), _count), **(also or {})}

    def check(found: Any) -> str:
        if not isinstance(found, dict):
            return "no table"
        missing = fields.keys() - found.keys()
        if missing:
            return f"{min(missing)!r} is missing"
        known = {**extra, **fields}
        return next((f"{k!r}: {why}" for k, one in found.items() if k in known and (why := known[k](one))), "")

    return check


def _user(found: Any) -> str:
    return "" if isinstance(found, str) and re.fullmatch("[0-9]{1,10}", found) else "no user's number"


def _pid(found: Any) -> str:
    # at most PID_MAX_LIMIT, 1 << 22: include/linux/threads.h
    return "" if isinstance(found, str) and re.fullmatch("[0-9]{1,7}", found) else "no process's number"


def _some(shape: Shape) -> Shape:
    return lambda found: shape(found) or ("" if found else "empty")


_HELD = _rows(_record(address=_address, port=_port, listen=_flag, v6only=_flag))
_TUPLES = _rows(
    _record(
        source=_address, address=_address, port=_port, established=_ports, time_wait=_ports, other=_ports,
        also={"half_closed": _ports},
    )
)  # fmt: skip


def _prefix(found: Any) -> str:
    try:
        ipaddress.ip_interface(found if isinstance(found, str) and "/" in found else "")
    except ValueError:
        return "no prefix"
    return ""


def _subnet(found: Any) -> str:
    why = _ADDRESS_OF(found)
    return why or _prefix(f"{found['address'].partition('%')[0]}/{found['prefix']}")


def _pair(found: Any) -> str:
    right = isinstance(found, list) and len(found) == 2 and not (_prefix(found[0]) or _interface(found[1]))
    return "" if right else "no prefix with an interface"


def _interface(found: Any) -> str:
    # dev_valid_name() of net/core/dev.c
    right = isinstance(found, str) and re.fullmatch(r"[^\s/\0-\x1f]{1,15}", found)
    return "" if right else "no interface's name"


def _maybe_address(found: Any) -> str:
    return "" if found == "" else _address(found)


def _page(found: Any) -> str:
    # 4 KiB to 256 KiB are what kernels are built with: a power of two
    right = not _count(found) and 4096 <= found <= 1 << 18 and found & (found - 1) == 0
    return "" if right else "no size of a page"


_ADDRESS_OF = _record(address=_address, prefix=_count, permanent=_flag)
_LINK = _record(
    up=_flag,
    carrier=_flag,
    loopback=_flag,
    arp=_flag,
    addresses=_rows(_subnet),
    gateways=_rows(_address),
    neighbours=_rows(_address),
)
_LISTENERS = _rows(_record(address=_address, port=_port, queue=_count, backlog=_count, uid=_count, inode=_count))
_LOCAL = _rows(_record(address=_address, ports=_ports))
_SHAPES: dict[str, Shape] = {
    "addresses": _record(addresses=_rows(_address), local_routes=_rows(_prefix)),
    "allowances": _table(_text, _table(_text, _count)),
    "descriptors": _table(_pid, _count),
    "holdings": _record(
        accepted=_maybe(_count), outgoing=_maybe(_count), backlogs=_rows(_count), also={"wrapped": _flag}
    ),
    "instance": _record(boot=_text, namespace=_text),
    "interfaces": _table(_interface, _rows(_prefix)),
    "listeners": _LISTENERS,
    "names": _some(_rows(_address)),
    "occupants": _record(connections=_table(_address, _count), listeners=_rows(_record(address=_address, port=_port))),
    "workers": _rows(_record(pid=_count, name=_text, alike=_count)),
    "sockets": _record(tuples=_TUPLES, held=_HELD, local=_LOCAL, also={"limited": _text}),
    "links": _record(
        links=_table(_interface, _LINK),
        local=_rows(_pair),
        defaults=_rows(_record(interface=_interface, gateway=_maybe_address, source=_maybe_address)),
    ),
    "routes": _table(
        _address, _record(source=_maybe_address, also={"gateway": _text, "interface": _text, "error": _text})
    ),
    "traffic": _record(
        listeners=_LISTENERS,
        flows=_rows(
            _record(
                "established time_wait opening other retried unread resending",
                source=_address,
                address=_address,
                port=_port,
            )
        ),
        accepted=_rows(_record("established closing half_open", port=_port)),
        outgoing=_count,
        sampled=_count,
        whole=_flag,
        states=_table(_text, _count),
        uids=_table(_user, _count),
        unread=_count,
        unsent=_count,
        also={"tuples": _maybe(_TUPLES), "held": _HELD, "local": _maybe(_LOCAL), "limited": _text},
    ),
    "programs": _record(
        unseen=_count,
        programs=_rows(
            _record(
                "threads",
                pid=_count,
                name=_text,
                uid=_count,
                descriptors=_count,
                soft=_maybe(_count),
                hard=_maybe(_count),
                ticks=_count,
                system_ticks=_count,
                listens=_rows(_count),
                also={"exempt": _maybe(_flag), "resource": _maybe(_flag), "here": _maybe(_flag)},
            )
        ),
    ),
    "kernel_log": _rows(_record(age=_number, text=_text)),
    "page_size": _page,
    "tracked": _record(
        seen=_count,
        whole=_flag,
        states=_table(_text, _count),
        translated=_rows(_record(address=_address, target=_address, port=_port, entries=_count)),
    ),
}
