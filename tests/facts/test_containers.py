"""Containers by name: the files of each runtime as it writes them are in `runtimes`, a case a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hosttune import registry
from hosttune.errors import HostError, UsageError
from hosttune.facts import containers
from hosttune.facts.runtime_files import MOST, Files
from hosttune.host.live import LiveHost
from hosttune.model import Given, Reason, Unknown

CASES = {
    path.stem: json.loads(path.read_text()) for path in sorted(Path(__file__).with_name("runtimes").glob("*.json"))
}
ID = "3fa4c1b2d5e60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8f90"


def rooted(top: Path, files: dict[str, Any]) -> LiveHost:
    """Return a host of files below a directory, its /proc among them."""
    for name, content in files.items():
        path = top / name.lstrip("/")
        (path if content is None else path.parent).mkdir(parents=True, exist_ok=True)
        if content is not None:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    host = LiveHost(str(top))
    host.runs = True
    return host


def each(part: str) -> list[Any]:
    return [
        pytest.param(case, name, value, id=f"{case}-{name[:12]}")
        for case in CASES
        for name, value in CASES[case][part].items()
    ]


@pytest.mark.parametrize(("case", "name", "pid"), each("named"))
def test_a_name_or_an_id_leads_to_the_first_process(tmp_path: Path, case: str, name: str, pid: int) -> None:
    assert containers.named(rooted(tmp_path, CASES[case]["files"]), name).pid == pid


@pytest.mark.parametrize(("case", "name", "why"), each("refused"))
def test_what_is_not_one_container_that_runs_is_refused(tmp_path: Path, case: str, name: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        containers.named(rooted(tmp_path, CASES[case]["files"]), name)
    text = str(refused.value)
    assert text.startswith(f"--container {name}: ") and why in text and "\n" not in text and len(text) < 500


@pytest.mark.parametrize(("case", "name", "called"), each("container"))
def test_a_runtime_s_file_says_what_it_is_called(tmp_path: Path, case: str, name: str, called: dict[str, str]) -> None:
    kept = containers.named(rooted(tmp_path, CASES[case]["files"]), name)
    blank = dict.fromkeys(("name", "image", "pod", "pod_namespace", "sandbox"), "")
    assert {field: getattr(kept.container, field) for field in blank} == blank | called


@pytest.mark.parametrize(("case", "name", "makes"), each("given"))
def test_what_a_new_one_gets_and_by_which_line(tmp_path: Path, case: str, name: str, makes: dict[str, Any]) -> None:
    host = rooted(tmp_path, CASES[case]["files"])
    made = containers.given(host, containers.named(host, name))
    assert isinstance(made, Given)
    if "nofile" in makes:
        assert made.nofile == tuple(makes["nofile"])
    else:
        assert isinstance(made.nofile, Unknown) and makes["unknown"] in made.nofile.detail
    assert str(made.origin or "").startswith(makes.get("origin", "")) and made.note == makes.get("note", "")
    assert made.own_files is makes.get("own_files", False)
    lines = {each.key: each for each in reversed(made.sysctls)}
    assert {key: line.text for key, line in lines.items()} == {
        key: row[0] for key, row in makes.get("sysctls", {}).items()
    }
    assert all(str(lines[key].origin).startswith(row[1]) for key, row in makes.get("sysctls", {}).items())


def test_a_process_is_the_container_s_of_its_group(tmp_path: Path) -> None:
    host = rooted(tmp_path, CASES["docker"]["files"])
    kept = containers.of_process(host, 812, ID)
    assert kept is not None and kept.container.name == "web"
    assert containers.of_process(host, 812, "0" * 64) is None
    assert containers.of_process(host, 812, "../[*") is None


def test_what_a_user_claims_hides_nothing(tmp_path: Path) -> None:
    claims = CASES["podman"]["files"]
    host = rooted(tmp_path, {**claims, **CASES["runc"]["files"]})
    # a user's file has 812 too, of a group that is not that user's
    kept = containers.of_process(host, 812, "")
    assert kept is not None and (kept.runtime, kept.id) == ("runc", "web")
    assert containers.of_process(host, 4, "") is None


def test_another_process_of_its_namespaces_is_the_container_s(tmp_path: Path) -> None:
    host = rooted(
        tmp_path, {**CASES["runc"]["files"], "/proc/812/ns": None, "/proc/813/ns": None, "/proc/814/ns": None}
    )
    for pid, number in ((812, 5), (813, 6), (814, 5)):
        for kind in ("pid", "mnt"):
            (tmp_path / f"proc/{pid}/ns/{kind}").symlink_to(f"{kind}:[{number}]")
    kept = containers.of_process(host, 814, "")
    assert kept is not None and kept.id == "web"
    assert containers.of_process(host, 813, "") is None


def test_each_runtime_has_a_case_and_a_name_of_its_own() -> None:
    names = [registry.load("hosttune.facts.runtimes", name).NAME for name in registry.names("hosttune.facts.runtimes")]
    assert len({*names}) == len(names) and {*names} <= {*CASES}


def test_what_is_malformed_stops_nothing(tmp_path: Path) -> None:
    place = f"/var/lib/docker/containers/{ID}"
    odd: tuple[Any, ...] = (
        "", "[]", "nul", '{"ID": 1}', "\0", "[" * 10_000, '{"ID": "' + "a" * 64 + '", "State": []}', "x" * (2 << 20),
        {"ID": ID, "State": {"Running": True, "Pid": 1 << 70}, "Name": ["x"], "Config": {"Labels": 7}},
    )  # fmt: skip
    for number, content in enumerate(odd):
        host = rooted(tmp_path / str(number), {f"{place}/config.v2.json": content, "/etc/docker/daemon.json": content})
        with pytest.raises(UsageError):
            containers.named(host, "web")


def test_names_are_printed_clean_and_few_of_many(tmp_path: Path) -> None:
    files: dict[str, Any] = {}
    for number in range(40):
        id = f"{number:064x}"
        files[f"/var/lib/docker/containers/{id}/config.v2.json"] = {
            "ID": id, "Name": "/a\x1b[2J\n", "State": {"Running": True, "Pid": 100 + number},
        }  # fmt: skip
        files[f"/proc/{100 + number}/stat"] = f"{100 + number} (sh) S 1 {'0 ' * 17}4242 0\n"
    with pytest.raises(UsageError) as refused:
        containers.named(rooted(tmp_path, files), "nosuch\x1b")
    assert str(refused.value).isprintable() and "and 34 more" in str(refused.value)


def test_a_user_without_the_right_to_a_process_is_told_so(tmp_path: Path) -> None:
    files = {name: text for name, text in CASES["docker"]["files"].items() if not name.startswith("/proc/812/cgroup")}
    with pytest.raises(UsageError, match="not for this user to see"):
        containers.named(rooted(tmp_path, files), "web")


class Tables:
    """A host whose every file holds one text."""

    def __init__(self, content: str) -> None:
        self.content = content

    def read(self, path: str) -> str:
        if path.startswith("/proc/"):
            raise HostError(Reason.ABSENT, path)
        return self.content

    def glob(self, pattern: str) -> list[str]:
        return [pattern.replace("[0-9]*", "1").replace("*", ID)]

    def probe(self, name: str, **args: Any) -> Any:
        raise HostError(Reason.UNREADABLE, name)

    def link(self, path: str) -> str:
        return ""

    def state(self, path: str) -> None:
        return None


KEYS = (
    "ID", "id", "Name", "names", "metadata", "State", "Running", "Pid", "Config", "Labels", "Image", "Sysctls",
    "Ulimits", "Soft", "Hard", "linux", "sysctl", "process", "rlimits", "type", "annotations", "namespaces",
    "init_process_pid", "config", "labels", "data-root", "default-ulimits", "nofile",
    "io.kubernetes.cri-o.ContainerType", "NetworkMode",
)  # fmt: skip
VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats(allow_nan=False)
    | some.sampled_from([ID, "web", "nofile", "RLIMIT_NOFILE", "net.core.somaxconn", f"container:{ID}"])
    | some.sampled_from(["bundle=/x", "/", "1024", "nofile=1:2", "a=b"])
    | some.text(max_size=8),
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(some.sampled_from(KEYS), inner, max_size=6),
    max_leaves=24,
)  # fmt: skip


@given(VALUES)
def test_no_document_breaks_a_reader(tables: Any) -> None:
    host = Tables(json.dumps(tables))
    files = Files(host)
    for name in registry.names("hosttune.facts.runtimes"):
        runtime = registry.load("hosttune.facts.runtimes", name)
        every = [kept for _, kept in zip(range(MOST), runtime.listed(files, ""), strict=False)]
        for kept in [*every[:2], containers.Kept(runtime.NAME, ID, 812, made_from="/x/y/z/config.json")]:
            assert kept.runtime == runtime.NAME and str(kept).isprintable()
            made = containers.given(host, kept)
            assert isinstance(made, Unknown) or isinstance(made.nofile, Unknown | tuple)


@given(some.text(alphabet='lxcsystprimnof.=:#0123456789 \n[]Exec"LADRNAME\\\t', max_size=200))
def test_no_text_breaks_a_reader(content: str) -> None:
    files = Files(Tables(content))
    for name in ("lxc", "nspawn", "podman", "docker"):
        runtime = registry.load("hosttune.facts.runtimes", name)
        for kept in list(runtime.listed(files, ""))[:4]:
            containers.given(files.host, kept)
        runtime.given(files, containers.Kept(runtime.NAME, "web", 812, made_from="/x/y/config"))
