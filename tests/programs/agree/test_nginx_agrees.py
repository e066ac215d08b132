"""nginx accepts what is read, and what is read of the text that it has put together is what is read of its files.

The files are those of tests/programs/measured, and such as hypothesis makes: blocks that lie in files of their own, by
name or by glob, as deep as they come. `nginx -T` prints each file once, in the order in which it meets them.
"""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass, replace

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hosttune.host.live import LiveHost
from hosttune.model import Configuration
from hosttune.programs import configuration
from hosttune.programs.configuration import Given
from tests.programs import stage
from tests.programs.measured import placing, scene

pytestmark = pytest.mark.slow

MADE = 60
STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"
_HEAD = f"load_module {STREAM};\npid nginx.pid;\nuser root;\nerror_log stderr;\n"
_DUMPED = re.compile(r"(?m)^# configuration file (.*):$")
_INCLUDE = re.compile(r"(?m)^[ \t]*include ([^;]+);[^\n]*$")


@dataclass(frozen=True)
class Written:
    """Files by their names; the first is the one that nginx is started with."""

    files: dict[str, str]


_SERVER = st.builds(
    "        server 10.{}.{}.{}:{}{};\n".format,
    st.integers(0, 250), st.integers(1, 250), st.integers(1, 250), st.integers(1, 65535),
    st.sampled_from(["", " weight=3", " max_conns=40", " backup", " down", " max_fails=0 fail_timeout=5s"]),
)  # fmt: skip
_MORE = st.sampled_from(["", "        least_conn;\n", "        zone {} 64k;\n", "        # server 10.0.0.1:80;\n"])
_BIND = st.sampled_from(["", "        proxy_bind 127.0.0.2;\n", "        proxy_bind off;\n"])


@st.composite
def configurations(draw: st.DrawFn) -> Written:
    """Return a main file and what it includes: upstreams of servers, and a server for each that leads there."""
    files: dict[str, str] = {"nginx.conf": ""}
    body = ""
    for number in range(draw(st.integers(1, 5))):
        first = f"        server 10.0.0.{number + 1}:80;\n"
        servers = first + "".join(draw(st.lists(_SERVER, max_size=4)))
        upstream = f"    upstream u{number} {{\n{draw(_MORE).format(f'u{number}')}{servers}    }}\n"
        passed = f"        proxy_pass u{number};\n"
        where = draw(st.integers(0, 3))
        if where == 1:
            files[f"sites/{number}.conf"] = upstream
        elif where == 2:
            files[f"one/{number}.inc"] = f"include sites/deep{number}.inc;\n"
            files[f"sites/deep{number}.inc"] = upstream
            body += f"    include one/{number}.inc;\n"
        else:
            body += upstream
        if draw(st.booleans()):
            files[f"one/pass{number}.inc"] = passed
            passed = f"        include '{{}}one/pass{number}.inc';\n".format(draw(st.sampled_from(["", "./"])))
        body += f"    server {{\n        listen 127.0.0.1:{7000 + number};\n{draw(_BIND)}{passed}    }}\n"
    events = f"events {{\n    worker_connections {draw(st.integers(50, 2000))};\n}}\n"
    if draw(st.booleans()):
        files["one/events.inc"] = events
        events = "include one/events.inc;\n"
    workers = f"worker_processes {draw(st.integers(1, 3))};\n"
    files["nginx.conf"] = f"{_HEAD}{workers}{events}stream {{\n    include sites/*.conf;\n{body}}}\n"
    return Written(files)


def play(function: str, *args: str) -> None:
    stage.need("nginx", STREAM)
    stage.play(__file__, function, *args, seconds=120)


def test_it_agrees_on_files_that_are_made() -> None:
    play("on_made")


def on_made() -> None:
    wrong: list[str] = []

    # the same files each time, none of them made smaller: what differs is shown whole
    @settings(
        max_examples=MADE,
        phases=[Phase.generate],
        derandomize=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(configurations())
    def compare(written: Written) -> None:
        subprocess.run(["rm", "-rf", str(stage.WORK / "sites"), str(stage.WORK / "one")], check=True)
        for name, text in written.files.items():
            (stage.WORK / name).parent.mkdir(exist_ok=True)
            (stage.WORK / name).write_text(text)
        if said := _said("nginx.conf"):
            wrong.append(f"{said}\n{written.files if len(wrong) < 3 else ''}")

    compare()
    assert not wrong, f"{len(wrong)} of {MADE}: " + "\n".join(wrong)


def test_it_agrees_on_files_that_are_written() -> None:
    names = [one.name for one in scene.every() if one.program == "nginx" and not one.keys.keys() & {"hosts"}]
    play("on_written", *names)


def on_written(*names: str) -> None:
    wrong = {}
    for name in names:
        placing.place(scene.of(name))
        if said := _said(scene.of(name).path.name):
            wrong[name] = said
    assert not wrong, wrong


def _said(name: str) -> str:
    """Return what nginx refuses, or how what is read of its dump differs; "" where all is well."""
    path = stage.WORK / name
    command = ["nginx", "-p", str(stage.WORK), "-c", str(path), "-T"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    if done.returncode != 0:
        return f"refused: {done.stderr}"
    whole = stage.WORK / "whole.conf"
    whole.write_text(_whole(done.stdout, str(path)))
    files, dump = (_plain(_read(str(one))) for one in (path, whole))
    return "" if files == dump else f"{files} read of the files, {dump} of the dump"


def _whole(dump: str, path: str) -> str:
    """Return the one text that the files of a dump make."""
    parts = _DUMPED.split(dump)
    texts = dict(zip(parts[1::2], parts[2::2], strict=True))

    def text(name: str) -> str:
        return _INCLUDE.sub(lambda found: "".join(map(text, _matching(found[1], texts))), texts[name])

    return text(path)


def _matching(pattern: str, texts: dict[str, str]) -> list[str]:
    at = f"{stage.WORK}/{pattern.strip(chr(39))}"
    wanted = re.compile(re.escape(at).replace(r"\*", "[^/]*"))
    return sorted(name for name in texts if wanted.fullmatch(name))


def _read(path: str) -> Configuration:
    return configuration.read(Given(LiveHost(), (path,), prefix=str(stage.WORK))).configuration


def _plain(of: Configuration) -> tuple[object, ...]:
    """Return what is read without where it stands."""
    sections = {
        section.name: [
            (server.backend, server.weight, server.most.value if server.most else None, server.shares, server.backup)
            for server in section.servers
        ]
        for section in of.sections
    }
    entries = {entry.name: entry.leads for entry in of.entries}
    limits = [replace(limit, where="", notes=()) for limit in of.limits]
    return sections, entries, limits
