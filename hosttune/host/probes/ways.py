"""The routes that the kernel has for the sockets of one program, one for each question (see the probe of routes)."""

from __future__ import annotations

from hosttune.host.probes.routes import Answer, Question, answers


def run(questions: list[Question]) -> list[Answer]:
    """Return an answer for each question, in their order; raises HostError."""
    return answers(questions)
