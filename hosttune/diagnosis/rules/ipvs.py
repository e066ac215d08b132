"""IPVS is on the way: it remembers connections longer than sockets live, and a port that is used again meets that.

net/netfilter/ipvs/ip_vs_proto_tcp.c, tcp_timeouts: an entry stays for 900 s without traffic, and for 120 s after the
end; Documentation/networking/ipvs-sysctl.rst, conn_reuse_mode and expire_nodest_conn.
"""

from __future__ import annotations

from hosttune import releases
from hosttune.diagnosis import fixing, pool_rows, saying
from hosttune.diagnosis.clues import Clues
from hosttune.diagnosis.rule import Rule
from hosttune.model import Backend, Cause, Certainty, Evidence, Fix, FixPlace, Ipvs, Unknown

RULE = Rule(
    __name__,
    "IPVS on the way has an old entry for a port that is used again",
    failure="no errno at first, then ETIMEDOUT",
    errnos=("ETIMEDOUT", "none"),
    calls=("connect",),
    gives={"connect": ("ETIMEDOUT",), "": ("none",)},
    log="ETIMEDOUT from connect(), or a connect() that takes 1 s more",
    confirm="`ipvsadm -Lcn` while it stalls: an entry for a source port that waits (`ss -tn state syn-sent`)? "
    "`ipvsadm -l --timeout` says how long entries stay",
    strength=40,
    rivals=("ports", "conntrack", "outside", "nat-race"),
)
_CONNECTIONS, _REUSE = "/proc/net/ip_vs_conn", "net.ipv4.vs.conn_reuse_mode"
_EXPIRES = "net.ipv4.vs.expire_nodest_conn"


def judge(clues: Clues) -> tuple[Cause, ...]:
    """Return it as possible where IPVS keeps entries and SYNs go without an answer; else why it is none."""
    seen = clues.ipvs
    if seen is None:
        return (RULE.excluded("IPVS is not in use here", "/proc/net/ip_vs"),)
    if isinstance(seen, Unknown):
        return (RULE.unknown(f"whether IPVS is in use here was not seen: {seen}", "ipvsadm -Ln"),)
    if RULE.met(clues) is False:
        return (RULE.instead(clues),)
    if not seen.entries and seen.whole:
        return (RULE.excluded("IPVS keeps no connection here", _CONNECTIONS),)
    waiting = _waiting(clues, seen)
    if not waiting and not RULE.met(clues) and not _wrapped(clues):
        return (
            RULE.excluded(f"IPVS keeps {seen.entries:,} connections, and no SYN waits for an answer", _CONNECTIONS),
        )
    return (_possible(clues, seen, waiting),)


def _waiting(clues: Clues, seen: Ipvs) -> Evidence | None:
    """Return that SYNs to a service of IPVS have no answer."""
    stuck = [flow for flow in clues.flows if flow.retried and str(Backend(flow.address, flow.port)) in seen.services]
    if not stuck:
        return None
    worst = max(stuck, key=lambda flow: flow.retried)
    where = Backend(worst.address, worst.port)
    return Evidence(
        f"{worst.retried:,} SYNs to {where}, a service of IPVS, are unanswered", "sock_diag, /proc/net/ip_vs"
    )


def _wrapped(clues: Clues) -> Evidence | None:
    """Return that it stopped where every port of the range has been used once."""
    size = pool_rows.size_of_range(clues)
    if not size or not saying.near(clues.stalled_at, size):
        return None
    text = f"it stopped at {clues.stalled_at:,}, the {size:,} ports of the range: from there on ports are used again"
    return Evidence(text, pool_rows.RANGE)


def _possible(clues: Clues, seen: Ipvs, waiting: Evidence | None) -> Cause:
    over = {name: count for name, count in seen.states.items() if name != "ESTABLISHED"}
    named = ", ".join(f"{count:,} {name}" for name, count in sorted(over.items(), key=lambda item: -item[1])[:3])
    kept = f"IPVS keeps {seen.entries:,} connections{f', of them {named}' if named else ''}"
    if not seen.whole:
        kept = f"IPVS keeps {seen.entries:,} connections, too many to look at each"
    outlive = "its entries outlive the sockets: by default 900 s without traffic, 120 s after the end"
    mode = Evidence(f"{_REUSE} is {seen.reuse}", "sysctl") if seen.reuse is not None else None
    return RULE.cause(
        clues,
        Certainty.POSSIBLE,
        waiting,
        _wrapped(clues),
        Evidence(kept, _CONNECTIONS),
        Evidence(outlive, "`ipvsadm -l --timeout`"),
        mode,
        fixes=_fixes(clues, seen),
        strength=RULE.strength + 20 if waiting or _wrapped(clues) else RULE.strength,
    )


def _fixes(clues: Clues, seen: Ipvs) -> tuple[Fix, ...]:
    """Return what lets a SYN take over an old entry, by what is set; and what keeps ports from being used again."""
    delayed = releases.holds(releases.named("ipvs-reuse"), clues.machine.kernel) is False
    slow = "; before Linux 5.9 that takes 1 s where conntrack has the old connection too" if delayed else ""
    again = fixing.sysctl(clues, f"give a SYN that meets an old entry a server anew{slow}", (_REUSE, "1"))
    gone = fixing.sysctl(clues, "end entries of a server that was taken out with their next packet", (_EXPIRES, "1"))
    return (
        *(again if seen.reuse == 0 else ()),
        *(gone if seen.expires == 0 else ()),
        Fix(
            "keep entries for 30 s after the end, not for 120 s; set it again at boot",
            "sudo ipvsadm --set 900 30 300",
            FixPlace.HOST,
        ),
        Fix("connections that stay open and are used again; more source addresses"),
    )
