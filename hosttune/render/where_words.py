"""What fixes a network namespace or a container, in the words of whoever keeps it: a command, options, lines of a file.

A line that begins with two blanks is to be pasted as it stands.
"""

from __future__ import annotations

from collections.abc import Callable

from hosttune.model import Shortfall, Site, Where
from hosttune.printable import clean
from hosttune.render.containers import compose, docker, pod, podman
from hosttune.render.figures import fold

_OCI = "(in an OCI bundle, as runc and crun take it: linux.sysctl and process.rlimits of config.json)"


def lines(lacks: Shortfall) -> list[str]:
    """Return what fixes it: for a namespace with a name a command, for a container what its runtime takes."""
    where = lacks.where
    fixes: list[str] = []
    if lacks.sysctls or lacks.nofile:
        fixes = _container(lacks) if where.contained else _namespace(lacks)
    if lacks.host:
        fixes += host_keys(lacks)
    return [clean(line) for line in fixes]


def _namespace(lacks: Shortfall) -> list[str]:
    """Return what fixes a network namespace that is no container."""
    where, fixes = lacks.where, []
    if lacks.sysctls and where.entered and not where.name:
        fixes = [f"{kept_by(where)} keeps these; until it ends:", *_nsenter(lacks)]
    elif lacks.sysctls:
        named = f"--netns {where.name} " if where.name else ""
        fixes = [f"sudo hosttune apply {named}{lacks.applied}".rstrip()]
    fixes += _descriptors(lacks) if lacks.nofile else []
    if where.entered and not where.owner and not where.name:
        fixes += ["where a container runtime made it, it is made anew;", *_any_runtime(lacks)]
    return fixes


def shown(text: str, width: int, first: str, indent: str) -> list[str]:
    """Return lines for a person, `first` before all: prose is folded, what is to be pasted stays whole."""
    folded: list[str] = []
    for number, line in enumerate(map(clean, text.split("\n"))):
        if number and line.startswith("  "):
            folded.append(f"{indent}{line[2:]}")
        else:
            folded += fold(f"{first if not number else indent}{line}", width, indent)
    return folded


def kept_by(where: Where) -> str:
    """Return who keeps what is judged, as the subject of a sentence."""
    if where.contained:
        called = where.container.name or where.id[:12]
        id = f" container {called}" if called else ""
        return f"{where.owner}{id}" if where.owner else "whoever made the container"
    return where.owner or "whoever made the network namespace"


def judged(where: Where) -> str:
    """Return where a report is about, and what that means for the next boot; "" for a host."""
    if where.site in (Site.HOST, Site.IMAGE):
        return ""
    process = f" of process {where.process}" if where.process is not None else ""
    if where.contained:
        named = f", process {where.process}" if where.process is not None else ""
        what = f"{kept_by(where) if where.owner else 'a container'}{_about(where)}{named}"
    else:
        what = f"network namespace {where.name}" if where.name else f"a network namespace{process}, not the host's"
    if where.initial:
        return f"{what}, in the host's own network"
    lifetime = "" if where.loaded else ": its values end with it, and sysctl.d does not reach it"
    return f"{what}{lifetime}"


def _about(where: Where) -> str:
    """Return what else a container is called: its pod, its image, and its id where the name stands before it."""
    called = where.container
    pod = "/".join(filter(None, (called.pod_namespace, called.pod)))
    id = where.id[:12] if called.name and called.name != where.id else ""
    parts = (id, f"pod {pod}" if called.pod else "", f"image {called.image}" if called.image else "")
    return "".join(f", {part}" for part in parts if part)


def refused(lacks: Shortfall) -> str:
    """Return why an apply from here writes nothing, and what does change it."""
    where = lacks.where
    if where.entered or not where.inside:
        process = f"process {where.process}" if where.process is not None else "it"
        own = "a container" if where.contained else "a network namespace"
        why = f"{process} is in {own} of its own, which this run does not write, nor the host's files for it"
    elif where.contained and where.initial:
        why = "this is a container in the host's network: what it lacks is the host's, and set there"
    else:
        why = "/proc/sys is read-only in here"
    return "\n".join([f"{why}; what does change it:", *_pasted(lines(lacks))])


def moved(where: Where) -> str:
    """Return that what was judged is not what would be written."""
    what = f"the network namespace {where.name}" if where.name else "the network namespace"
    if where.process is not None:
        what = f"process {where.process}"
    return f"{what} that was judged is gone, or another has taken its place; nothing was written: run it again"


def not_loaded(lacks: Shortfall) -> str:
    """Return why files for the next boot are refused where nothing reads them, and what does keep the values."""
    where = lacks.where
    what = "container" if where.contained else "network namespace"
    sentence = f"--persist-only: nothing reads files for this {what} when it starts, so none is written"
    if where.name:
        return "\n".join([f"{sentence}; whoever makes the network namespace {where.name} runs:", *_exec(lacks)])
    return "\n".join([f"{sentence}; what fixes it:", *_pasted(lines(lacks))] if not lacks.none else [sentence])


def lost(lacks: Shortfall) -> str:
    """Return the note on values that were written into something that ends: who has to set them again, and how."""
    where = lacks.where
    if where.contained:
        return "\n".join(["lost when the container ends; for good:", *_container(lacks, True)])
    if where.name:
        made = f"lost when the network namespace {where.name} ends; whoever makes it has to set them again:"
        return "\n".join([made, *_exec(lacks)])
    return "lost when this network namespace ends; whoever makes it has to set them again"


def host_keys(lacks: Shortfall) -> list[str]:
    """Return whose the keys are that are set on the host alone, and how the host is judged."""
    words = lacks.options
    # values that are asked for one by one have no role to be held against
    command = (
        f"  hosttune apply {words} --dry-run" if words.startswith("--key ") else f"  hosttune check {words}".rstrip()
    )
    return [
        f"the host's own, judged and set there for all: {', '.join(lacks.host)}; {_there(lacks)}:",
        command,
    ]


def _there(lacks: Shortfall) -> str:
    """Return where the host is looked at from: a container has other files, and another hosttune, if any."""
    return "on the host" if lacks.where.contained else "outside of this namespace"


def left_alone(lacks: Shortfall) -> str:
    """Return the note on the host's own keys that an apply leaves alone, with what sets them."""
    head = f"left alone, the host's own, set there for all: {', '.join(lacks.host)}; if they lack, {_there(lacks)}:"
    # which ports are listened on there is not seen from here
    words = " ".join(part for part in (lacks.options, "--only sysctl --reserve-listeners") if part)
    return f"{head}\n  sudo hosttune apply {words}"


def _pasted(fixes: list[str]) -> list[str]:
    """Return lines so that a command among them stays whole."""
    return [f"  {line}" if line.startswith(("sudo ", "hosttune ")) else line for line in fixes]


def _container(lacks: Shortfall, good: bool = False) -> list[str]:
    """Return what the runtime takes; `good`: only what lasts."""
    where = lacks.where
    words = _RUNTIMES.get(where.owner)
    fixes = words(lacks) if words else [f"{kept_by(where)} has to make it anew;", *_any_runtime(lacks)]
    if good or not lacks.sysctls or where.initial:
        return fixes
    if where.name and not where.owner:
        fixes = [*fixes, "until it ends:", f"  sudo hosttune apply --netns {where.name} {lacks.applied}".rstrip()]
    elif where.process is not None and not where.inside:
        fixes = [*fixes, "until it ends:", *_nsenter(lacks)]
    elif not where.read_only:
        fixes = [*fixes, "until it ends, in here:", f"  hosttune apply {lacks.applied}".rstrip()]
    return fixes


def _nsenter(lacks: Shortfall) -> list[str]:
    entered = f"sudo nsenter -t {lacks.where.process} -n"
    return [f"  {entered} sysctl -w {' '.join(docker.pairs(lacks))}"] if lacks.sysctls else []


def _exec(lacks: Shortfall) -> list[str]:
    entered = f"sudo ip netns exec {lacks.where.name}"
    return [f"  {entered} sysctl -w {' '.join(docker.pairs(lacks))}"] if lacks.sysctls else []


def _descriptors(lacks: Shortfall) -> list[str]:
    """Return what raises the descriptors of a process that has only its network for itself."""
    where, (soft, hard) = lacks.where, lacks.nofile or (0, 0)
    if where.owner.endswith(".service"):
        return [f"its descriptors are its unit's: LimitNOFILE={soft}:{hard} in a drop-in: systemctl edit {where.owner}"]
    if where.process is None:
        return []
    return ["its descriptors, until it ends:", f"  sudo prlimit --pid {where.process} --nofile={soft}:{hard}"]


def _flags(lacks: Shortfall) -> list[str]:
    """Return the options of docker run, one a line, as they are pasted."""
    return [f"  {line}" for line in docker.lines(lacks)]


def _podman(lacks: Shortfall) -> list[str]:
    return [f"  {line}" for line in podman.lines(lacks)]


def _run(lacks: Shortfall) -> list[str]:
    made = f"{kept_by(lacks.where)}: make it anew, {lacks.where.owner} run with:"
    options = _podman(lacks) if lacks.where.owner == "podman" else _flags(lacks)
    return [made, *options, "in compose:", *_compose(lacks)]


def _any_runtime(lacks: Shortfall) -> list[str]:
    if _podman(lacks) == _flags(lacks):
        options = ["options of docker run, podman run:", *_flags(lacks)]
    else:
        options = ["options of docker run:", *_flags(lacks), "options of podman run:", *_podman(lacks)]
    return [*options, "in compose:", *_compose(lacks), *_pod(lacks), _OCI]


def _compose(lacks: Shortfall) -> list[str]:
    return [f"  {line}" for line in compose.fragment(lacks)]


def _pod(lacks: Shortfall) -> list[str]:
    spec = [f"  {line}" for line in pod.fragment(lacks)]
    return [*(["in a pod's spec:", *spec] if spec else []), *pod.allowed(lacks), *pod.node(lacks)]


def _kubernetes(lacks: Shortfall) -> list[str]:
    return [f"{kept_by(lacks.where)}: the pod is made anew from its spec;", *_pod(lacks)]


def _runtime_service(lacks: Shortfall) -> list[str]:
    return [*_kubernetes(lacks), *(["without Kubernetes (nerdctl run):", *_flags(lacks)])]


def _runc(lacks: Shortfall) -> list[str]:
    rows = [f'    "{key}": "{value}"' for key, value in lacks.sysctls]
    fixes = ['  "linux": {"sysctl": {', *(f"{row}," for row in rows[:-1]), *rows[-1:], "  }}"] if rows else []
    if lacks.nofile:
        soft, hard = lacks.nofile
        row = f'    {{"type": "RLIMIT_NOFILE", "soft": {soft}, "hard": {hard}}}'
        fixes += ['  "process": {"rlimits": [', row, "  ]}"]
    return [f"{kept_by(lacks.where)}: in config.json of its bundle, then make it anew:", *fixes]


def _lxc(lacks: Shortfall) -> list[str]:
    fixes = [f"  lxc.sysctl.{key} = {value}" for key, value in lacks.sysctls]
    fixes += [f"  lxc.prlimit.nofile = {lacks.nofile[0]}:{lacks.nofile[1]}"] if lacks.nofile else []
    return [f"{kept_by(lacks.where)}: in its configuration, then start it again:", *fixes]


def _nspawn(lacks: Shortfall) -> list[str]:
    place = "in here" if lacks.where.inside else "in the container"
    fixes = [f"{place}, where its systemd reads sysctl.d:", f"  hosttune apply {lacks.applied}".rstrip()]
    if lacks.nofile:
        limit = f"{lacks.nofile[0]}:{lacks.nofile[1]}"
        fixes += ["for its descriptors:", f"  systemd-nspawn --rlimit=RLIMIT_NOFILE={limit}"]
    return fixes


_RUNTIMES: dict[str, Callable[[Shortfall], list[str]]] = {
    "docker": _run,
    "podman": _run,
    "kubernetes": _kubernetes,
    "cri-o": _kubernetes,
    "containerd": _runtime_service,
    "runc": _runc,
    "lxc": _lxc,
    "systemd-nspawn": _nspawn,
}
