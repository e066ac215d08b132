"""What holds for every test."""

from __future__ import annotations

import signal

# a shell that starts a job in the background has it ignore SIGINT, and its children with it: tests that press Ctrl-C
# would wait for ever
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
