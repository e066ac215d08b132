"""Whatever lies on disk, an apply changes what it announces after a boot, and nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.changes import dropins, entries
from hosttune.changes.plan import plan
from hosttune.changes.planned import Planned
from hosttune.changes.request import PlanFacts, Request
from hosttune.facts import machine
from hosttune.findings.compare import holds
from hosttune.host import Host
from hosttune.host.recorded import Recorded
from hosttune.model import FileState, Operator, Plan, Requirement, Severity, Subject, Value
from hosttune.resolve.pam_limits import resolve_login
from hosttune.resolve.sysctl_systemd import resolve_systemd
from hosttune.workflows import examine, opening

KEYS = ("vm.aa", "net.core.z", "net.conf.all.x", "net.conf.eth0/1.x")
LOGINS = ("root", "alice", "bob")
BASE = {
    "/etc/os-release": "ID=debian\nVERSION_ID=12\n",
    "/etc/passwd": "".join(f"{name}:x:{uid}:{uid}::/:/bin/sh\n" for uid, name in enumerate(LOGINS)),
    "/etc/group": "staff:x:50:alice\n",
    "/etc/security/limits.conf": "",
    "/etc/pam.d/login": "session required pam_limits.so\n",
    "/proc/sys/kernel/osrelease": "6.1\n",
    **{f"/proc/sys/{key.translate({46: 47, 47: 46})}": "3\n" for key in KEYS},
}
THEIRS = ("10-a.conf", "90-hosttune.conf", "95-admin.conf", "99-sysctl.conf", "99-zz-b.conf", "zzz.conf", "~z.conf")

numbers = st.integers(4, 60)
sysctl_lines = st.one_of(
    st.builds("{} = {}\n".format, st.sampled_from(KEYS), numbers),
    st.builds("{}={}\n".format, st.sampled_from(("net/conf/all/x", "net.conf.*.x", "vm.*", "net.new")), numbers),
    st.sampled_from(KEYS).map("-{}\n".format),
)
limit_lines = st.one_of(
    st.builds(
        "{} {} nofile {}\n".format,
        st.sampled_from((*LOGINS, "*", "@staff", "1:")),
        st.sampled_from(("soft", "hard", "-")),
        numbers,
    ),
    st.sampled_from(LOGINS).map("{} -\n".format),
)
added = st.sampled_from(("", "", "", "net.core.hand = 7\n", "vm.aa=9\n", "alice - nofile 11\n"))


def theirs(folders: tuple[str, ...], lines: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    paths = st.builds("{}/{}".format, st.sampled_from(folders), st.sampled_from(THEIRS))
    return st.dictionaries(paths, st.lists(lines, max_size=4).map("".join), max_size=4)


def ours(folder: str, lines: st.SearchStrategy[dict[str, str]]) -> st.SearchStrategy[dict[str, str]]:
    texts = st.builds(
        lambda made, more: entries.render({key: entries.Line(line, "why") for key, line in made.items()}) + more,
        lines,
        added,
    )
    paths = st.sampled_from(dropins.NAMES).map(lambda name: f"{folder}/{name}.conf")
    return st.dictionaries(paths, texts, max_size=3)


sysctl_trees = st.builds(
    lambda other, own: other | own,
    theirs(("/etc/sysctl.d", "/run/sysctl.d", "/usr/lib/sysctl.d"), sysctl_lines),
    ours(
        "/etc/sysctl.d",
        st.dictionaries(st.sampled_from(KEYS), numbers).map(lambda found: {k: f"{k} = {v}" for k, v in found.items()}),
    ),
)
limit_trees = st.builds(
    lambda other, own: other | own,
    theirs(("/etc/security/limits.d",), limit_lines),
    ours(
        "/etc/security/limits.d",
        st.dictionaries(st.tuples(st.sampled_from(LOGINS), st.sampled_from(("soft", "hard"))), numbers).map(
            lambda found: {f"{u} {kind} nofile": f"{u} {kind} nofile {v}" for (u, kind), v in found.items()}
        ),
    ),
)


def host_of(files: dict[str, str]) -> Recorded:
    reads = {path: {"is": text} for path, text in (BASE | files).items()}
    return Recorded({"reads": reads, "globs": {}, "probes": {}})


def planned(host: Host, wants: dict[str, Value], operator: Operator) -> tuple[Plan, tuple[Requirement, ...]]:
    rows = tuple(
        Requirement(Subject.parse(subject), operator, (value,), "a test", "a test", Severity.ERROR, ("mine",))
        for subject, value in wants.items()
    )
    findings = examine.judge_again(host, opening.open_profiles([], []), rows)
    request = Request(rows, runtime=False, allow=KEYS)
    return plan(Planned(host), findings, request, PlanFacts(machine.gather(host), {})), rows


def files_of(made: Plan) -> dict[str, str | None]:
    return {
        change.target: change.after.text if isinstance(change.after, FileState) else None
        for change in made.changes
        if change.backend == "file"
    }


def announced(made: Plan) -> set[str]:
    return {subject for change in made.changes for subject in change.serves}


@given(sysctl_trees, st.dictionaries(st.sampled_from(KEYS), numbers, min_size=1, max_size=2), st.booleans())
@settings(max_examples=400, deadline=None)
def test_of_sysctls_only_the_announced_ones_change(files: dict[str, str], wants: dict[str, int], least: bool) -> None:
    host = host_of(files)
    operator = Operator.AT_LEAST if least else Operator.EQUALS
    made, rows = planned(host, {f"sysctl:{key}": value for key, value in wants.items()}, operator)
    if made.refusals:
        return
    after = Planned(host, made.changes)
    old, new = (resolve_systemd(seen, KEYS).values for seen in (host, after))
    for key in {*old, *new} - {subject.removeprefix("sysctl:") for subject in announced(made)}:
        assert (old[key].text if key in old else None) == (new[key].text if key in new else None), key
    for row in rows:
        if str(row.subject) in announced(made):
            assert holds(row, int(new[row.subject.name].text))


@given(limit_trees, st.sampled_from(LOGINS))
@settings(max_examples=400, deadline=None)
def test_of_logins_only_the_announced_one_changes(files: dict[str, str], user: str) -> None:
    host = host_of(files)
    made, rows = planned(host, {f"nofile:login/{user}": (50, 70)}, Operator.AT_LEAST)
    if made.refusals:
        return
    after = Planned(host, made.changes)
    for login in LOGINS:
        old, new = resolve_login(host, login), resolve_login(after, login)
        if f"nofile:login/{login}" not in announced(made):
            assert (old.soft, old.hard) == (new.soft, new.hard), login
        else:
            assert isinstance(new.soft, int) and isinstance(new.hard, int)
            assert holds(rows[0], (new.soft, new.hard))


def test_an_old_setting_moves_only_where_that_changes_nothing() -> None:
    ours_ = entries.render({k: entries.Line(f"{k} = 5") for k in ("vm.aa", "net.core.z")})
    files = {"/etc/sysctl.d/90-hosttune.conf": ours_, "/etc/sysctl.d/95-admin.conf": "net.core.z = 1\n"}
    made, _ = planned(host_of(files), {"sysctl:net.core.z": 9}, Operator.AT_LEAST)
    moved = files_of(made)
    assert moved["/etc/sysctl.d/90-hosttune.conf"] is None
    assert "vm.aa = 5\n" in str(moved["/etc/sysctl.d/99-hosttune.conf"])
    files["/etc/sysctl.d/95-admin.conf"] += "vm.aa = 40\n"
    made, _ = planned(host_of(files), {"sysctl:net.core.z": 9}, Operator.AT_LEAST)
    left = files_of(made)
    assert list(left) == ["/etc/sysctl.d/99-hosttune.conf"] and "vm.aa" not in str(left)


def test_lines_that_somebody_added_to_our_file_stay_in_it() -> None:
    text = entries.render({"vm.aa": entries.Line("vm.aa = 5")}) + "net.core.hand=7\n"
    made, _ = planned(host_of({"/etc/sysctl.d/90-hosttune.conf": text}), {"sysctl:net.core.z": 9}, Operator.AT_LEAST)
    assert list(files_of(made)) == ["/etc/sysctl.d/99-hosttune.conf"]
