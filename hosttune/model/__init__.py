"""The nouns of hosttune: frozen values that every other module passes along.

A profile gives `Requirement`s, the host gives `Reading`s, comparing them gives `Finding`s,
and a `Workload` on the same readings gives `Bound`s. A `Report` holds all of one run; a `Plan` of `Change`s mends it.
"""

from __future__ import annotations

from hosttune.model.capacity import (
    Backend,
    BindMode,
    Bound,
    GroupLimit,
    Machine,
    Need,
    PortPool,
    Process,
    Settings,
    Workload,
)
from hosttune.model.changes import Change, FileState, Plan, State
from hosttune.model.findings import (
    Finding,
    Operator,
    Origin,
    Reading,
    Reason,
    Requirement,
    Severity,
    Subject,
    Unknown,
    Value,
    Verdict,
)
from hosttune.model.proofs import Proof, Proven, Trial
from hosttune.model.report import Report

__all__ = [
    "Backend",
    "BindMode",
    "Bound",
    "Change",
    "FileState",
    "Finding",
    "GroupLimit",
    "Machine",
    "Need",
    "Operator",
    "Origin",
    "Plan",
    "PortPool",
    "Process",
    "Proof",
    "Proven",
    "Reading",
    "Reason",
    "Report",
    "Requirement",
    "Settings",
    "Severity",
    "State",
    "Subject",
    "Trial",
    "Unknown",
    "Value",
    "Verdict",
    "Workload",
]
