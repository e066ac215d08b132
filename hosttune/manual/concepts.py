"""The ideas behind the numbers, as hosttune(7) tells them; the numbers are those of the kernel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hosttune import kernel

_LOW, _HIGH = kernel.LOCAL_PORTS
_PORTS = _HIGH - _LOW + 1

Told = str | tuple[str, str]
"""A paragraph, or a term with what it is."""

PAGE: Mapping[str, Sequence[Told]] = {
    "Source ports and port pools": (
        "A TCP connection is known by source address, source port, destination address and destination port. Towards "
        "one destination from one source address each open connection has a source port of its own: these ports are a "
        "port pool. Where it is used up, connect(2) fails with EADDRNOTAVAIL, though memory, descriptors and CPUs are "
        "free.",
        f"net.ipv4.ip_local_port_range is the range that the kernel chooses from: {_LOW} to {_HIGH} by default, "
        f"{_PORTS:,} ports. Each further source address, and each further destination, is a pool of its own: two "
        f"source addresses towards three brokers are six pools of {_PORTS:,}.",
        f"A port stays in use for {kernel.TIMEWAIT_LEN} seconds after a connection was closed by this host "
        "(TIME_WAIT), unless net.ipv4.tcp_tw_reuse lets a new connection use it.",
    ),
    "Bind modes": (
        "How a program gets its source ports decides how many it can have:",
        ("connect", "It calls connect(2) alone; the kernel picks a port for each destination. The usual case."),
        (
            "no-port",
            "It binds to a source address with port 0 and IP_BIND_ADDRESS_NO_PORT, and the kernel picks the port in "
            "connect(2): as many as with connect. HAProxy and nginx do so.",
        ),
        (
            "bind",
            "It binds to a source address with port 0, and the kernel picks the port before it knows the destination: "
            "all destinations together share one pool.",
        ),
        ("explicit", "It chooses the ports itself, from a range of its own; that of the kernel does not matter."),
        "`--bind-mode` names one, where the program or its configuration does not show it; with :LO-HI it has a range "
        "of its own.",
    ),
    "Slow port searches": (
        "The kernel looks for a free port in two halves of the range: connect(2) tries those of one parity first. "
        "Where one half is full, each connect(2) searches it in vain before it looks at the other. That begins at half "
        f"of the ports, {_PORTS // 2:,} of {_PORTS:,}. Above it connections still come up, but each costs more CPU. "
        "Reports say: slow above N. Metrics and JSON call that number `knee`.",
    ),
    "Value now and boot value": (
        "A setting has a value now, that of the running kernel, and a boot value: the one that the files on disk will "
        "set at the next boot. Files are read in an order of their own (sysctl.d(5), systemd.exec(5), limits.conf(5)), "
        "and a later one overrides an earlier one. `hosttune resolve` shows which line wins.",
    ),
    "Drift": (
        "The value now and the boot value differ, and one of them is wrong: correct now and lost at the next boot, or "
        "correct on disk and not in force. A check fails on it, since nobody sees it until the host is restarted. "
        "`hosttune apply` sets both.",
    ),
    "Limits and unknown": (
        "A limit is where connections stop: source ports, descriptors, memory, the conntrack table, queues. Each is "
        "counted from what was read of the host; the lowest one decides. What could not be read is unknown, with its "
        "reason, and is never counted as 0 or OK.",
    ),
    "Undo": (
        "`hosttune apply` writes to /var/lib/hosttune what every file and value was before it changes the first. "
        "`hosttune rollback` restores them exactly, keeps what other applies still need, and leaves alone what "
        "somebody else has changed since.",
    ),
}
