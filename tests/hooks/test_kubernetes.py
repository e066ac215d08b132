"""The manifests: what an API server takes, what was given whatever is in it, and no right without its reason."""

from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hosttune.errors import UsageError
from hosttune.hooks import kubernetes
from hosttune.hooks.kubernetes import Wanted
from hosttune.hooks.yaml_text import entry, quoted
from hosttune.options import ApplyOptions, Cluster, Options
from hosttune.workflows import cluster_files
from tests import needs
from tests.hooks import pods
from tests.hooks.test_units import PROFILE, hook

SUM = "@sha256:" + "0" * 64
IMAGE = "registry.example:5000/ops/hosttune" + SUM
ALL = ("--image", IMAGE, "--exporter", "quay.io/prometheus/node-exporter:v1.9.1", "--node", "worker-1", "--node", "a.b")
FIRST = "1.31"
"""The first version of Kubernetes that knows all fields."""
OF_OTHERS = {"PodMonitor": "podmonitor.schema.json", "Kustomization": ""}
"""Kinds that the API itself has not, and the schema that they are compared with."""
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same as yaml.safe_load() has, in C where that is there."""
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def written(*options: str, at: Path) -> dict[str, str]:
    """Return the text of each file that the verb writes for a load balancer."""
    done = hook("kubernetes", "--role", "lb", *options, "-o", str(at / "out"))
    assert done.returncode == 0, done.stderr
    return {path.name: path.read_text() for path in sorted((at / "out").iterdir())}


def documents(texts: dict[str, str]) -> list[dict[str, Any]]:
    return [each for name, text in texts.items() if name.endswith(".yaml") for each in yaml.load_all(text, LOADER)]


def pod_of(texts: dict[str, str], name: str) -> dict[str, Any]:
    """Return the spec of the pods of the first object in a file."""
    spec: dict[str, Any] = next(iter(yaml.load_all(texts[name], LOADER)))["spec"]["template"]["spec"]
    return spec


@pytest.fixture(scope="module")
def api() -> Any:
    """Return the validator that has the schemas of the API itself, of each version."""
    try:
        return importlib.import_module("kubernetes_validate")
    except ImportError:
        return needs.missing("kubernetes-validate is not installed: pip install -e '.[test]'")


def test_what_is_written_is_what_was_asked_for(tmp_path: Path) -> None:
    names = {"namespace.yaml", "check.yaml", "kustomization.yaml", "Containerfile"}
    least = written("--image", IMAGE, at=tmp_path / "least")
    assert {*least} == names
    most = written(*ALL, at=tmp_path / "most")
    assert {*most} - names == {"exporter.yaml", "podmonitor.yaml", "apply.yaml", "rollback.yaml"}
    # what changes a node is applied by itself
    assert yaml.safe_load(most["kustomization.yaml"])["resources"] == [
        *("namespace.yaml", "check.yaml", "exporter.yaml", "podmonitor.yaml")
    ]


def test_the_api_takes_each_manifest(api: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE)
    profile = ("--profile", str(tmp_path / "mine.toml"))
    kinds = []
    for document in documents(written(*ALL, *profile, at=tmp_path)):
        kinds.append(kind := document["kind"])
        if kind in OF_OTHERS:
            if OF_OTHERS[kind]:
                jsonschema.validate(document, json.loads(Path(__file__).with_name(OF_OTHERS[kind]).read_text()))
            continue
        for version in (FIRST, api.latest_version()):
            api.validate(document, version, strict=True)
    assert sorted({*kinds}) == [
        *("ConfigMap", "DaemonSet", "Job", "Kustomization", "Namespace", "PodMonitor", "ServiceAccount")
    ]
    assert kinds.count("Job") == 4 and kinds.count("DaemonSet") == 2


def test_a_field_that_is_not_known_is_found(api: Any, tmp_path: Path) -> None:
    document = yaml.safe_load(written("--image", IMAGE, at=tmp_path)["check.yaml"])
    document["spec"]["template"]["spec"]["hostPIDs"] = True
    with pytest.raises(api.ValidationError):
        api.validate(document, FIRST, strict=True)


@settings(max_examples=25, deadline=None)
@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=4), st.dictionaries(NAMES, TEXTS, max_size=2), TEXTS)
def test_whatever_is_given_is_what_is_read(
    image: str, namespace: str, words: list[str], profiles: dict[str, str], node: str
) -> None:
    wanted = Wanted(image, namespace, words, "/a/b.prom", words, profiles, exporter=image, nodes=[node], memory=image)
    texts = kubernetes.files(wanted)
    found = documents(texts)
    assert {each["metadata"]["namespace"] for each in found if "namespace" in each.get("metadata", {})} == {namespace}
    check, job = pod_of(texts, "check.yaml"), pod_of(texts, "apply.yaml")
    for pod in (check, job):
        (container,) = pod["containers"]
        assert container["image"] == image and container["resources"]["limits"]["memory"] == image
        paths = [each["subPath"] for each in container["volumeMounts"] if each["name"] == "profiles"]
        assert paths == [*profiles]
    given = [pods.expanded(word, {}) for word in check["containers"][0]["command"]]
    assert given[6 : 6 + len(words)] == words
    given = [pods.expanded(word, {"HOME": "x"}) for word in job["containers"][0]["command"]]
    assert given[2 : 2 + 2 * len(words)] == [*words, *words]
    assert job["nodeName"] == node
    if profiles:
        assert yaml.safe_load(texts["profiles.yaml"])["data"] == profiles


@given(NAMES, TEXTS)
def test_a_text_is_read_as_it_was(name: str, text: str) -> None:
    assert yaml.safe_load(quoted(text)) == text
    assert yaml.safe_load("\n".join(entry(name, text)) + "\n") == {name: text}
    assert quoted(text).isascii() and "\n" not in quoted(text)


@given(st.text(), st.dictionaries(st.text(max_size=3), st.text(), max_size=2))
def test_kubernetes_puts_nothing_into_a_word(word: str, variables: dict[str, str]) -> None:
    assert pods.expanded(kubernetes.argument(word), variables) == word


@given(st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", fullmatch=True))
def test_the_name_of_a_job_is_one_that_a_label_can_have(node: str) -> None:
    for verb in ("apply", "rollback"):
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", kubernetes.job(verb, node))
    assert kubernetes.job("apply", f"{node}.x") != kubernetes.job("apply", f"{node}-x")


@settings(max_examples=50, deadline=None)
@given(
    st.fixed_dictionaries(
        {"image": st.just(IMAGE) | st.text()},
        optional={name: st.text() for name in ("namespace", "exporter", "memory", "textfile")}
        | {"node": st.lists(st.text() | st.from_regex(r"[a-z0-9.-]{1,300}", fullmatch=True), max_size=2)},
    )
)
def test_what_no_cluster_takes_is_refused_in_one_line(fields: dict[str, Any]) -> None:
    try:
        texts, _ = cluster_files.files(Options(), Cluster(**fields), ApplyOptions(), "hosttune hook kubernetes")
    except UsageError as error:
        assert "\n" not in str(error)
        return
    for document in documents(texts):
        name = document["metadata"]["name"] if "metadata" in document else "none"
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name)


WRONG = {
    "no image": (("--role", "lb"), "--image: missing"),
    "image": (("--image", "Registry/UPPER"), "--image 'Registry/UPPER': no name of an image"),
    "an option as image": (("--image", "-x"), "--image '-x': no name of an image"),
    "exporter": (("--image", IMAGE, "--exporter", "a b"), "--exporter 'a b': no name of an image"),
    "namespace": (("--image", IMAGE, "--namespace", "Ops"), "--namespace 'Ops'"),
    "a namespace of others": (("--image", IMAGE, "--namespace", "kube-system"), "name one for hosttune alone"),
    "a long namespace": (("--image", IMAGE, "--namespace", "a" * 64), "at most 63"),
    "node": (("--image", IMAGE, "--node", "worker_1"), "--node 'worker_1': no name of a node"),
    "memory": (("--image", IMAGE, "--memory", "lots"), "--memory 'lots': no quantity"),
    "a fraction of memory": (("--image", IMAGE, "--memory", "1.5Gi"), "no quantity"),
    "little memory": (("--image", IMAGE, "--memory", "16Mi"), "too little"),
    "often": (("--image", IMAGE, "--every", "5s"), "too often"),
    "textfile": (("--image", IMAGE, "--textfile", "x.prom"), "no whole path"),
    "no metrics": (("--image", IMAGE, "--textfile", "/srv/x"), "ends in .prom"),
    "metrics nobody sees": (("--image", IMAGE, "--textfile", "/srv/../tmp/x/y.prom"), "name a file elsewhere"),
    "a line of YAML": (("--image", IMAGE, "--backends-from", "/a\u2028b"), "cannot be printed"),
    "a line of a comment": (("--image", IMAGE, "--node", "a", "--confirm-if", "true\n"), "cannot be printed"),
    "a line where it is written": (("--image", IMAGE, "-o", "a\nb"), "cannot be printed"),
    "of an apply": (("--image", IMAGE, "--confirm-within", "2m"), "--confirm-within: of an apply; name the nodes"),
    "time": (("--image", IMAGE, "--node", "a", "--confirm-within", "1d"), "--confirm-within 1d"),
    "role": (("--image", IMAGE, "--role", "nosuch"), "no such profile"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use_is_one_line_and_writes_nothing(name: str, tmp_path: Path) -> None:
    words, reason = WRONG[name]
    words = words if "-o" in words else (*words, "-o", str(tmp_path / "out"))
    done = hook("kubernetes", *words)
    assert done.returncode == 2 and not done.stdout and not (tmp_path / "out").exists()
    assert reason in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize("image", ["hosttune", "hosttune:1.0.0", "a.b/c/d__e:x" + SUM, "localhost:5000/x-y"])
def test_an_image_is_named_as_runtimes_name_it(image: str, tmp_path: Path) -> None:
    done = hook("kubernetes", "--image", image, "-o", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert ("name it by its digest" in done.stderr) is (SUM not in image)


def test_no_container_has_a_right_without_its_reason(tmp_path: Path) -> None:
    texts = written(*ALL, at=tmp_path)
    for name in ("check.yaml", "apply.yaml", "rollback.yaml", "exporter.yaml"):
        pod = pod_of(texts, name)
        assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        rights = container["securityContext"]
        assert not rights.get("privileged") and rights["allowPrivilegeEscalation"] is False
        assert rights["readOnlyRootFilesystem"] and rights["capabilities"]["drop"] == ["ALL"]
        assert container["resources"]["limits"].keys() == {"memory"}
        if name == "exporter.yaml":
            assert (
                "add" not in rights["capabilities"]
                and "hostNetwork" not in pod
                and pod["securityContext"]["runAsNonRoot"]
            )
    lines = texts["check.yaml"].splitlines()
    for number, line in enumerate(lines):
        if re.search(
            r"hostNetwork|hostPID|- SYS_PTRACE|- DAC_|- NET_|runAsUser|appArmor|seLinux|recursive|Exists", line
        ):
            above = lines[number - 1] if "- operator" not in line else lines[number - 2]
            assert above.lstrip().startswith("#"), line


def test_what_the_check_may_write_is_its_metrics_alone(tmp_path: Path) -> None:
    pod = pod_of(written("--image", IMAGE, "--textfile", "/srv/metrics/../prom/x.prom", at=tmp_path), "check.yaml")
    volumes = {each["name"]: each for each in pod["volumes"]}
    open_to = [each for each in pod["containers"][0]["volumeMounts"] if not each.get("readOnly")]
    assert {each["mountPath"] for each in open_to} == {"/srv/prom", "/tmp"}
    assert volumes["metrics"]["hostPath"]["path"] == "/srv/prom" and "emptyDir" in volumes["tmp"]


def test_the_loop_is_one_that_a_shell_takes(tmp_path: Path) -> None:
    command = pod_of(written("--image", IMAGE, "--every", "1h", at=tmp_path), "check.yaml")["containers"][0]["command"]
    shell, option, script, *words = [pods.expanded(word, {}) for word in command]
    assert (shell, option) == ("/bin/sh", "-c") and "sleep 3600 & wait $!" in script and '"$@"' in script
    assert words[:3] == ["hosttune-check", "hosttune", "check"]
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)


def test_an_apply_waits_for_what_confirms_it(tmp_path: Path) -> None:
    command = ("--confirm-within", "5m", "--confirm-if", 'test "$(hostname)" != x', "--reserve-listeners")
    texts = written(*ALL, *command, at=tmp_path)
    words = [pods.expanded(word, {}) for word in pod_of(texts, "apply.yaml")["containers"][0]["command"]]
    assert shlex.join(words) == (
        "hosttune apply --role lb --reserve-listeners --confirm-within 5m --confirm-if "
        "'test \"$(hostname)\" != x' --only sysctl --yes"
    )
    job = next(iter(yaml.safe_load_all(texts["apply.yaml"])))["spec"]
    assert job["activeDeadlineSeconds"] == 900 and job["backoffLimit"] == 0
    undone = pod_of(texts, "rollback.yaml")["containers"][0]["command"]
    assert undone == ["hosttune", "rollback", "--yes"]
    # without one, the node has to reach the API server
    plain = pod_of(written(*ALL, at=tmp_path / "plain"), "apply.yaml")["containers"][0]["command"]
    assert kubernetes.REACHES in plain and "120s" in plain


def test_a_profile_goes_along(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PROFILE + '# "käse" \t\n')
    texts = written("--image", IMAGE, "--profile", str(tmp_path / "mine.toml"), at=tmp_path)
    assert yaml.safe_load(texts["profiles.yaml"])["data"] == {"mine.toml": PROFILE + '# "käse" \t\n'}
    container = pod_of(texts, "check.yaml")["containers"][0]
    assert "/etc/hosttune/profiles/mine.toml" in container["command"]
    mount = next(each for each in container["volumeMounts"] if each["name"] == "profiles")
    assert (mount["mountPath"], mount["subPath"]) == ("/etc/hosttune/profiles/mine.toml", "mine.toml")


def test_what_somebody_else_has_written_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "check.yaml").write_text("kind: DaemonSet\n")
    done = hook("kubernetes", "--image", IMAGE, "-o", str(tmp_path))
    assert done.returncode == 2 and "was not written by hosttune" in done.stderr
    (tmp_path / "check.yaml").unlink()
    for every in ("15m", "1h"):  # what is ours is
        assert hook("kubernetes", "--image", IMAGE, "--every", every, "-o", str(tmp_path)).returncode == 0
