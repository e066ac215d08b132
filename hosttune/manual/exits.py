"""The exit codes: what each means of any verb, and of which verb: help, man pages and tests have them from here.

Which of them an answer is says hosttune/render/exit_codes.py.
"""

from __future__ import annotations

from collections.abc import Mapping

CODES = {
    0: "All is well: done, or nothing to do.",
    1: "Not all is well: something fails, a limit is hit or below the target, or a write failed.",
    2: "Wrong use: one line on standard error says what, and how to fix it.",
    3: "Unknown: what was asked for could not be read, or the answer could not be written.",
    4: "Changes would be made (--dry-run).",
    5: "Refused before anything was changed.",
    130: "Ended by Ctrl-C; changes are undone.",
}
"""What each means, whatever the verb."""

_WRONG = "Wrong use; one line says what, and how to fix it."
_DONE = {0: "Done.", 2: _WRONG}
_CHANGED = {
    0: "Done, or nothing to do.",
    1: "A write failed and all is as before, or a value is not in force.",
    2: _WRONG,
    4: "Changes would be made (--dry-run).",
    5: "Refused; nothing was changed.",
}
_ALWAYS = {130: CODES[130]}

VERBS: dict[str, Mapping[int, str]] = {
    "check": {
        0: "Ready: nothing fails.",
        1: "Something fails at or above --fail-on.",
        2: _WRONG,
        3: "Unknown: nothing could be examined; with --strict: something could not.",
    },
    "capacity": {
        0: "The target is reached.",
        1: "It is not, or only slowly.",
        2: _WRONG,
        3: "Unknown: no limit could be read.",
    },
    "diagnose": {
        0: "No limit is being hit, and no symptom was given.",
        1: "The cause was found, or no limit of this host is the cause.",
        2: _WRONG,
        3: "Unknown: not enough evidence.",
    },
    "watch": {0: "It was ended.", 2: "Wrong use, or the record cannot be written."},
    "diff": {
        0: "Nothing that matters differs.",
        1: "Something that matters differs.",
        2: _WRONG,
        3: "Unknown: nothing could be compared.",
    },
    "apply": _CHANGED,
    "confirm": {
        0: "Confirmed, now or before.",
        1: "A write failed; it can be confirmed again.",
        2: _WRONG,
        4: "An apply waits to be confirmed (--dry-run).",
        5: "Refused: nothing waits, it is too late, or a file was changed since.",
    },
    "rollback": _CHANGED | {1: "Something could not be undone, and is named."},
    "history": {0: "Done.", 2: _WRONG, 5: "Refused: the records cannot be read by this user; run it as root."},
    "sources plan": {0: "The present addresses reach the target.", 1: "They do not.", 2: _WRONG},
    "sources add": _CHANGED,
    "sources remove": _CHANGED,
    "prove": {
        0: "Every measurement agrees with its prediction.",
        1: "One differs.",
        2: _WRONG,
        3: "Something could not be proven (--strict).",
    },
    "plan": {
        0: "The target is reached; with --reports: and every host is ready.",
        1: "It is not.",
        2: "Wrong use, or a topology that cannot be planned.",
        3: "Unknown: no limit of any host is known.",
    },
    "report": {0: "Done.", 2: "Wrong use, or FILE is not a recording of watch."},
    "resolve": {
        0: "Every key is now as the next boot will set it.",
        1: "One differs: drift.",
        2: _WRONG,
    },
}
"""The codes of each verb that has more than 0 and 2."""


def of(name: str) -> Mapping[int, str]:
    """Return the exit codes of a verb by its name, such as `sources add`; of any verb for "", the program itself."""
    return CODES if not name else {**VERBS.get(name, _DONE), **_ALWAYS}


def below(name: str) -> frozenset[int]:
    """Return all codes of a verb or of the verbs of a group, but for that of an interrupt."""
    named = [codes for verb, codes in VERBS.items() if verb.split()[0] == name]
    return frozenset(code for codes in (*named, _DONE) for code in codes)
