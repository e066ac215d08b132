"""What a scene is: two namespaces joined by a veth, who holds ports in the one, and who asks for more."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hosttune.model import BindMode
from hosttune.ports import text_of

CLIENTS = ("10.77.0.1", "10.77.0.11", "10.77.0.12")
CLIENTS6 = ("fd77::1", "fd77::11", "fd77::12")
SERVERS = ("10.77.0.2", "10.77.0.3")
SERVERS6 = ("fd77::2", "fd77::3")
PORTS = (1883, 1884)
CLOSED = 1899
"""A port on which nothing listens."""
MAPPED = "::ffff:"
"""What begins the addresses of IPv6 that IPv4 is mapped to."""
NOBODY_USER = "nobody"
NOBODY_UID = 65534
NOBODY = ("10.77.0.9", "fd77::9")
"""Addresses that answer nothing: their link-layer address is that of nobody."""


class State(StrEnum):
    """What becomes of connections before the prediction, tcp(7)."""

    ESTABLISHED = "established"
    TIME_WAIT = "time-wait"
    FIN_WAIT2 = "fin-wait-2"
    CLOSE_WAIT = "close-wait"
    SYN_SENT = "syn-sent"
    REFUSED = "refused"


class How(StrEnum):
    """How a socket got its port: the last four bind a port of their choice."""

    CONNECT = "connect"
    NO_PORT = "no-port"
    BIND = "bind"
    EXPLICIT = "explicit"
    PLAIN = "plain"
    LISTEN = "listen"
    BOUND = "bound"


@dataclass(frozen=True, slots=True)
class Holder:
    """Sockets that are there before: `count` of them, on `ports` where they choose them, towards `to` if anywhere.

    `protocol` is one beside TCP (UDP, MPTCP), `device` the interface that they are bound to.
    """

    how: How
    address: str
    count: int
    ports: tuple[int, ...] = ()
    to: tuple[str, int] | None = None
    state: State = State.ESTABLISHED
    reuse_address: bool = False
    reuse_port: bool = False
    v6only: bool = False
    protocol: int = 0
    device: str = ""

    def __str__(self) -> str:
        options = ["SO_REUSEADDR"] * self.reuse_address + ["SO_REUSEPORT"] * self.reuse_port
        options += ["IPV6_V6ONLY"] * self.v6only
        options += [f"protocol {self.protocol}"] * bool(self.protocol) + [f"on {self.device}"] * bool(self.device)
        where = f"-> {self.to[0]} port {self.to[1]}, then {self.state}" if self.to else ""
        ports = f"ports {text_of(sum(1 << port for port in self.ports))}" if self.ports else ""
        return " ".join(filter(None, (f"{self.count} x {self.how}", self.address, ports, where, *options)))


@dataclass(frozen=True, slots=True)
class Scene:
    """What one seed gives.

    `sources` are those that are named, none where routing picks. `chosen` is the LO-HI that the program binds to by
    itself, or gives to connect(). `sysctls` are the client's, `server` the server's; `rules` are lines of `ip` for the
    client, `back` for the server, and `filters` of `nft` for the client. `uid` and `mark` are those of the program's
    sockets, and `told` whether it is said in the question. `protocol` is the client's, beside TCP, `fastopen`: it sets
    TCP_FASTOPEN_CONNECT. `name` is what it shows, `real` how many connections it takes: of those that were written, not
    drawn.
    """

    seed: int
    mode: BindMode
    low: int
    high: int
    backends: tuple[tuple[str, int], ...]
    sources: tuple[str, ...] = ()
    chosen: tuple[int, int] | None = None
    uid: int = 0
    mark: int = 0
    told: bool = False
    sysctls: tuple[tuple[str, str], ...] = ()
    server: tuple[tuple[str, str], ...] = ()
    rules: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    back: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    protocol: int = 0
    fastopen: bool = False
    name: str = ""
    real: int | None = None

    @property
    def v6(self) -> bool:
        """Whether it takes addresses of IPv6, not counting those that IPv4 is mapped to."""
        ends = {address for address, _ in self.backends}.union(
            *({holder.address, holder.to[0] if holder.to else ""} for holder in self.holders)
        )
        return any(":" in address and not address.startswith(MAPPED) for address in ends)

    @property
    def user(self) -> str:
        """The login of the program."""
        return NOBODY_USER if self.uid == NOBODY_UID else "root"

    @property
    def bind_mode(self) -> str:
        """The mode as the option --bind-mode has it."""
        return f"{self.mode}:{self.chosen[0]}-{self.chosen[1]}" if self.chosen else str(self.mode)

    @property
    def asked(self) -> str:
        """The question as a person types it."""
        backends = [f"--backend {f'[{a}]' if ':' in a else a}:{port}" for a, port in self.backends]
        sources = [f"--source {source}" for source in self.sources]
        caller = [f"--mark {self.mark}", f"--user {self.user}"] if self.told else []
        return " ".join(
            ["hosttune capacity --role client", *backends, *sources, "--bind-mode", self.bind_mode, *caller]
        )
