"""What every report for a person has: who it is about, the one number, what could not be told, remarks, colour."""

from __future__ import annotations

from hosttune.model import Report, Unknown, Verdict
from hosttune.render.view import where_words
from hosttune.render.view.figures import fold, hard_bounds, memory

_STYLE = {Verdict.FAIL: "bold red", Verdict.DRIFT: "bold yellow", Verdict.UNKNOWN: "magenta", Verdict.OK: "green"}


def header(report: Report, width: int) -> list[str]:
    """Return the host, the roles and what is wanted."""
    machine, load = report.machine, report.workload
    parts = [
        machine.hostname,
        machine.pretty or machine.distribution,
        f"Linux {machine.kernel}" if machine.kernel else "an image",
        f"{machine.cpus} CPU" if machine.cpus else "",
        memory(machine.memory) if machine.memory else "",
        machine.container or machine.virtualisation,
        machine.cloud,
        f"role {' + '.join(report.roles)}",
        f"wanted {load.connections:,} connections at {load.rate:,}/s",
    ]
    judged = where_words.judged(report.where)
    # what a host calls itself begins no line but the first
    head = fold(" · ".join(part for part in parts if part), width, "  ")
    return [*head, *(fold(f"  {judged}", width, "    ") if judged else [])]


def verdict(report: Report, width: int) -> list[str]:
    """Return at how many connections it stalls, and on what; or that it carries them."""
    hard = hard_bounds(report)
    wanted = report.workload.connections
    if not hard:
        return ["  No bound could be told."]
    number, first = hard[0]
    slow = min((b.knee for _, b in hard if b.knee), default=None)
    knee = f" (slow from {slow:,})" if slow and slow < min(number, wanted) else ""
    if number < wanted:
        said = f"Stalls at {number:,} connections: {first.name}{knee}"
        told = [said, first.fails + (f"; log: {first.log}" if first.log else ""), *first.notes[:1]]
        return [line for text in told for line in fold(f"  {text}", width, "    ")]
    unseen = sum(isinstance(b.hard, Unknown) for b in report.bounds)
    if unseen:
        said = f"No bound below {wanted:,} was found, but {unseen} could not be told; the smallest found is"
        return fold(f"  {said} {first.name}, at {number:,}{knee}", width, "    ")
    return fold(f"  Carries {wanted:,}: the first limit is {first.name}, at {number:,}{knee}", width, "    ")


def untold(report: Report, width: int) -> list[str]:
    """Return the bounds that could not be told, those of one reason as one paragraph."""
    alike: dict[str, list[str]] = {}
    for bound in report.bounds:
        if isinstance(bound.hard, Unknown):
            alike.setdefault(str(bound.hard), []).append(bound.name)
    return [line for why, names in alike.items() for line in fold(f"  {', '.join(names)}: {why}", width, "    ")]


def remarks(report: Report, width: int) -> list[str]:
    """Return warnings, waivers, and what root would add."""
    told = [f"warning: {text}" for text in report.warnings]
    told += [f"waived: {r.subject}: {r.waived}" for r in report.waived]
    told += [f"root would add: {text}" for text in report.missing]
    lines = [line for text in told for line in fold(f"  {text}", width, "    ")]
    return ["", *lines] if lines else []


def joined(lines: list[str], color: bool, unicode: bool) -> str:
    """Return lines as the text that goes out: no blanks at their ends, plain separators without Unicode."""
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    text = text if unicode else text.replace(" · ", " | ")
    return _painted(text) if color else text


def _painted(text: str) -> str:
    """Return the text with colour on verdicts and on the one number."""
    import io

    from rich.console import Console
    from rich.text import Text

    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=10_000, highlight=False)
    painted = Text(text.rstrip("\n"))
    for verdict, style in _STYLE.items():
        painted.highlight_regex(rf"(?m)^  {verdict.value}\b", style)
    painted.highlight_regex(r"(?m)^  (Stalls at [\d,]+ connections)", "bold red")
    painted.highlight_regex(r"(?m)^  (?:also )?(?:certain|likely): .*$", "bold red")
    painted.highlight_regex(r"(?m)^  (?:Slow from|Short of headroom at|Too slow for) [\d,]+", "bold yellow")
    painted.highlight_regex(r"(?m)^  (Carries [\d,]+)", "bold green")
    console.print(painted, soft_wrap=True)
    return out.getvalue()
