"""Manifests for Kubernetes: what checks each node, what applies a role to one, and the recipe of their image.

The manifests lie beside this file as they are, with a comment at each setting that asks for a right; what stands
between two @ is put in here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files as resources

from hosttune.hooks.yaml_text import entry, listed, quoted

MARK = "made by `hosttune hook"
"""What a file has in it that may be replaced."""
PROFILES = "/etc/hosttune/profiles"
LONGEST = 300
"""Seconds that a check may take."""
REACHES = (
    'python3 -c "import os, socket; socket.create_connection('
    "(os.environ['KUBERNETES_SERVICE_HOST'], os.environ['KUBERNETES_SERVICE_PORT']), 5)\""
)
"""What confirms an apply where nothing else is given: the node still reaches the API server by its service."""

_LOOKING = ("namespace.yaml", "profiles.yaml", "check.yaml", "exporter.yaml", "podmonitor.yaml")
_NAME = 63 - len("hosttune-rollback-")
"""Characters of a node in the name of a Job, which is a label of its pod: at most 63 (DNS-1123)."""
_PLACE = re.compile(r"@([a-z-]+)@")
# its own words come after the script; a pod that is ended does not wait for the sleep
_LOOP = (
    "trap 'kill $! 2>/dev/null; exit 0' TERM\n"
    f'while :; do\n  if timeout -k 10 {LONGEST} "$@"; then : >/tmp/ready; else rm -f /tmp/ready; fi\n'
    "  sleep %d & wait $!\ndone\n"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the manifests do.

    `options` are those of a check and of an apply alike, `also` those of an apply alone; `profiles` are files by name.
    `textfile` is the file of metrics on each node, `exporter` the image that serves it, "" for none. `nodes` get a
    Job each, which has `within` seconds until it is confirmed. `every` are the seconds between two checks, `memory` is
    the most that a container may have, a quantity of Kubernetes. `line` is the command line that made the files.
    """

    image: str
    namespace: str
    options: Sequence[str]
    textfile: str
    also: Sequence[str] = ()
    profiles: Mapping[str, str] = field(default_factory=dict)
    exporter: str = ""
    nodes: Sequence[str] = ()
    within: int = 120
    every: int = 900
    memory: str = "256Mi"
    version: str = ""
    line: str = "hosttune hook kubernetes"


def files(wanted: Wanted) -> dict[str, str]:
    """Return the text of each file by its name."""
    left_out = {"profiles.yaml"} if not wanted.profiles else set()
    left_out |= {"exporter.yaml", "podmonitor.yaml"} if not wanted.exporter else set()
    names = [name for name in _LOOKING if name not in left_out]
    texts = {name: _filled(name, wanted, {"command": listed(_loop(wanted))}) for name in names}
    texts["kustomization.yaml"] = _filled("kustomization.yaml", wanted, {}, {"resources": [f"- {n}" for n in names]})
    if wanted.nodes:
        apply = ["hosttune", "apply", *wanted.options, *wanted.also, "--only", "sysctl", "--yes"]
        texts["apply.yaml"] = _jobs("apply", apply, wanted)
        texts["rollback.yaml"] = _jobs("rollback", ["hosttune", "rollback", "--yes"], wanted)
    texts["Containerfile"] = _filled("Containerfile", wanted, {"version": quoted(wanted.version)})
    return texts


def steps(directory: str, names: Collection[str]) -> list[str]:
    """Return what a person is told once the files are in a directory: each step with what does it."""
    told = [
        f"build the image:    {directory}/Containerfile says how, from what hosttune hook pyz makes",
        f"check every node:   kubectl apply -k {directory}",
    ]
    if "apply.yaml" in names:
        told += [
            f"apply on the nodes: kubectl create -f {directory}/apply.yaml",
            f"undo it there:      kubectl create -f {directory}/rollback.yaml",
        ]
    return told


def argument(word: str) -> str:
    """Return a word of a command so that Kubernetes puts no variable in for $(NAME): core/v1, Container, command."""
    return word.replace("$", "$$")


def job(verb: str, node: str) -> str:
    """Return the name of the Job of a node: its own, where that is no label, shortened and with a sum of it."""
    plain = node.replace(".", "-")
    if plain != node or len(node) > _NAME:
        plain = f"{plain[: _NAME - 9].rstrip('-')}-{hashlib.sha256(node.encode()).hexdigest()[:8]}"
    return f"hosttune-{verb}-{plain}"


def _loop(wanted: Wanted) -> list[str]:
    check = ["hosttune", "check", *wanted.options, "--textfile", wanted.textfile]
    return [argument(word) for word in ("/bin/sh", "-c", _LOOP % wanted.every, "hosttune-check", *check)]


def _jobs(verb: str, command: Sequence[str], wanted: Wanted) -> str:
    """Return a document for each node."""
    common = {
        "verb": verb,
        "command": listed([argument(word) for word in command]),
        "deadline": str(wanted.within + 600),
    }
    each = [
        _filled("job.yaml", wanted, {**common, "node": quoted(node), "job": quoted(job(verb, node))})
        for node in wanted.nodes
    ]
    documents = "---\n".join(each)
    return f"# {_made(wanted)}\n{documents}"


def _made(wanted: Wanted) -> str:
    return f"made by `{wanted.line}`; run it again rather than edit"


def _filled(
    name: str, wanted: Wanted, scalars: Mapping[str, str], blocks: Mapping[str, Sequence[str]] | None = None
) -> str:
    """Return a file of ours with values put in: each once, so that no value is looked into."""
    lines = {**_blocks(wanted), **(blocks or {})}
    values = {
        "made": _made(wanted),
        "image": quoted(wanted.image),
        "namespace": quoted(wanted.namespace),
        "exporter": quoted(wanted.exporter),
        "memory": quoted(wanted.memory),
        "metrics-directory": quoted(wanted.textfile.rpartition("/")[0] or "/"),
        **scalars,
    }
    text = (resources("hosttune.hooks") / "_kubernetes" / name).read_text(encoding="utf-8")
    made: list[str] = []
    for line in text.splitlines():
        match = _PLACE.fullmatch(line.strip())
        if match and match[1] in lines:
            indent = line[: len(line) - len(line.lstrip())]
            made += [f"{indent}{each}".rstrip() for each in lines[match[1]]]
        else:
            made.append(_PLACE.sub(lambda found: values[found[1]], line))
    return "\n".join(made) + "\n"


def _blocks(wanted: Wanted) -> dict[str, list[str]]:
    """Return what stands for whole lines: the profiles, and where a pod has them."""
    mounts: list[str] = []
    for name in wanted.profiles:
        # each by itself: the directory of a ConfigMap can be written by all, and root would not trust it
        mounts += ["- name: profiles", f"  mountPath: {quoted(f'{PROFILES}/{name}')}", f"  subPath: {quoted(name)}"]
        mounts += ["  readOnly: true"]
    volume = ["- name: profiles", "  configMap:", "    name: hosttune-profiles"]
    return {
        "profiles": [line for name, text in wanted.profiles.items() for line in entry(name, text)],
        "profile-mounts": mounts,
        "profile-volume": volume if mounts else [],
    }
