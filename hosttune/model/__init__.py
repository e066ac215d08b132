"""The nouns of hosttune: frozen values that every other module passes along.

A profile gives `Requirement`s, the host gives `Reading`s, comparing them gives `Finding`s,
and a `Workload` on the same readings gives `Bound`s. A `Report` holds all of one run; a `Plan` of `Change`s mends it.
"""

from __future__ import annotations

from hosttune.model.activity import Flow, Listener, Pools, Program, Rates, Sample, Shared, Tracked, Traffic, Use
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
from hosttune.model.diagnosis import Cause, Certainty, Conclusion, Diagnosis, Evidence, LogHit, Said
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
from hosttune.model.watching import Account, Chart, Record, Run, Series, Tick, Trend, View

__all__ = [
    "Account",
    "Backend",
    "BindMode",
    "Bound",
    "Cause",
    "Certainty",
    "Change",
    "Chart",
    "Conclusion",
    "Diagnosis",
    "Evidence",
    "FileState",
    "Finding",
    "Flow",
    "GroupLimit",
    "Listener",
    "LogHit",
    "Machine",
    "Need",
    "Operator",
    "Origin",
    "Plan",
    "Pools",
    "PortPool",
    "Process",
    "Program",
    "Proof",
    "Proven",
    "Rates",
    "Reading",
    "Reason",
    "Record",
    "Report",
    "Requirement",
    "Run",
    "Said",
    "Sample",
    "Series",
    "Settings",
    "Severity",
    "Shared",
    "State",
    "Subject",
    "Tick",
    "Tracked",
    "Traffic",
    "Trend",
    "Trial",
    "Unknown",
    "Use",
    "Value",
    "Verdict",
    "View",
    "Workload",
]
