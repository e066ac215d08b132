"""One to three examples of each verb: what it answers, and the command. Tests run or parse every one."""

from __future__ import annotations

from collections.abc import Sequence

Example = tuple[str, str]
"""What a person asks for, and the command that does it."""

PROGRAM: Sequence[Example] = (
    ("Is this load balancer ready for 200,000 connections?", "hosttune check --role lb --connections 200k"),
    ("It stalls: why?", "hosttune diagnose --for 10s"),
    (
        "Show what would be changed; without --dry-run it asks, and changes it",
        "sudo hosttune apply --role lb --connections 200k --reserve-listeners --dry-run",
    ),
)

VERBS: dict[str, Sequence[Example]] = {
    "check": (
        (
            "Is this load balancer ready for 200,000 connections to one broker?",
            "hosttune check --role lb --connections 200k --backend 10.0.0.11:1883",
        ),
        ("Which container or pod is nearest to a limit?", "sudo hosttune check --all-namespaces"),
        ("Fail a pipeline on warnings too", "hosttune check --role broker --fail-on warning --format junit"),
    ),
    "diagnose": (
        ("Which limit is hit now?", "sudo hosttune diagnose --for 10s"),
        ("The same in the container of HAProxy", "sudo hosttune diagnose --process-name haproxy"),
        (
            "It stops at 28,000 connections with EADDRNOTAVAIL",
            "hosttune diagnose --errno EADDRNOTAVAIL --stalled-at 28k",
        ),
    ),
    "capacity": (
        ("How many connections to one broker?", "hosttune capacity --role lb --backend 10.0.0.11:1883"),
        (
            "And from two source addresses?",
            "hosttune capacity --role lb --backend 10.0.0.11:1883 --source 10.0.0.9 --source 10.0.0.10",
        ),
        ("And in a container of this host?", "sudo hosttune capacity --role lb --container web"),
    ),
    "watch": (
        ("Watch the nearest limits until q is pressed", "hosttune watch"),
        ("Record a load test for a report", "hosttune watch --for 2h --interval 5s --record run.jsonl"),
    ),
    "diff": (
        ("Why does one host stall and the other not?", "hosttune diff good.json bad.json"),
        ("What has changed since last week?", "hosttune diff last-week.json"),
        ("What will the next boot change?", "hosttune diff --boot"),
    ),
    "apply": (
        (
            "Show what would be changed",
            "sudo hosttune apply --role lb --connections 200k --reserve-listeners --dry-run",
        ),
        (
            "Change it; undo it by itself after 2 minutes unless it is confirmed",
            "sudo hosttune apply --role lb --connections 200k --reserve-listeners --confirm-within 2m",
        ),
        ("Print what a new container lacks", "sudo hosttune apply --role lb --connections 200k --emit compose=proxy"),
    ),
    "confirm": (
        ("Keep the apply that waits", "sudo hosttune confirm"),
        ("See whether one waits", "sudo hosttune confirm --dry-run"),
    ),
    "rollback": (
        ("Show what undoing the last apply would change", "sudo hosttune rollback --dry-run"),
        ("Undo apply 3", "sudo hosttune rollback 3"),
    ),
    "history": (("What was applied here, and which of it is in force?", "sudo hosttune history"),),
    "sources plan": (
        (
            "How many source addresses are needed for 200,000 connections?",
            "hosttune sources plan --connections 200k --backend 10.0.0.11:1883",
        ),
    ),
    "sources add": (
        ("Add ten addresses to eth0, now and at boot", "sudo hosttune sources add 10.0.0.20-10.0.0.29/24@eth0"),
        ("Show what that would change", "sudo hosttune sources add 10.0.0.20-10.0.0.29/24@eth0 --dry-run"),
    ),
    "sources remove": (("Remove them again", "sudo hosttune sources remove 10.0.0.20-10.0.0.29/24@eth0"),),
    "prove": (
        ("Reproduce every limit on this kernel", "hosttune prove"),
        ("Some of them, in at most a minute", "hosttune prove --only ports,accept --budget 1m"),
    ),
    "plan": (
        ("Start from the example", "hosttune plan --example > my.toml"),
        ("How many hosts and addresses does it need?", "hosttune plan whitepaper-2019 --set connections=2M"),
        ("Write the configuration of every host", "hosttune plan whitepaper-2019 --emit configurations"),
    ),
    "report": (
        ("A record as Markdown", "hosttune report run.jsonl"),
        ("Its charts as a picture", "hosttune report run.jsonl --svg -o run.svg"),
    ),
    "hook ansible": (
        ("Write the collection below a directory", "hosttune hook ansible -o collections"),
        ("A play to begin with", "hosttune docs ansible"),
    ),
    "hook cloud-init": (
        (
            "User data for an image in which hosttune is installed",
            "hosttune hook cloud-init --role lb --connections 200k --from image",
        ),
    ),
    "hook systemd": (
        ("Check at each boot and every 15 minutes", "hosttune hook systemd --role lb --connections 200k -o units"),
    ),
    "hook kubernetes": (
        (
            "Check every node of a cluster",
            "hosttune hook kubernetes --role lb --image registry.example/hosttune:1.0.0 -o manifests",
        ),
        (
            "And apply the role to one of them",
            "hosttune hook kubernetes --role lb --image registry.example/hosttune:1.0.0 --node worker-1 -o manifests",
        ),
    ),
    "hook prometheus": (("Alert rules and a dashboard", "hosttune hook prometheus -o monitoring"),),
    "hook pyz": (("One file for hosts with Python 3.11", "hosttune hook pyz --python 3.11 -o hosttune.pyz"),),
    "hook man": (("Install the man pages", "sudo hosttune hook man /usr/local/share/man"),),
    "hook completion": (
        ("Complete in this bash", "source <(hosttune hook completion bash)"),
        ("Complete in every zsh", "hosttune hook completion zsh > ~/.zfunc/_hosttune"),
    ),
    "snapshot": (
        ("Record this host", "hosttune snapshot -o host.json"),
        ("With two readings of the counters, and no names", "hosttune snapshot -o host.json --for 10s --redact"),
    ),
    "profile list": (("Which roles are there?", "hosttune profile list"),),
    "profile show": (("What does a role require of this host?", "hosttune profile show lb --connections 200k"),),
    "profile validate": (("Is a profile file correct?", "hosttune profile validate my-role.toml"),),
    "explain": (
        ("What is a key for, and which role requires what?", "hosttune explain net.ipv4.ip_local_port_range"),
        ("By its last part alone", "hosttune explain somaxconn"),
    ),
    "resolve": (
        ("Which line sets somaxconn?", "hosttune resolve net.core.somaxconn"),
        ("Which nofile limit does a unit start with?", "hosttune resolve --unit haproxy.service"),
        ("All keys of an image", "hosttune resolve --root /mnt/image"),
    ),
    "docs": (("Which pages are there?", "hosttune docs"),),
}
"""By the name of the verb, such as `sources add`."""


def of(name: str) -> Sequence[Example]:
    """Return the examples of a verb, those of the program for "", and of a group the first of each of its verbs."""
    if not name:
        return PROGRAM
    return VERBS.get(name) or tuple(made[0] for verb, made in VERBS.items() if verb.startswith(f"{name} "))[:3]
