"""What holds for every test."""

from __future__ import annotations

import signal

# a shell that starts a job in the background has it ignore SIGINT, nohup SIGHUP, and its children with it:
# tests that send them would wait for ever
for _number, _handler in ((signal.SIGINT, signal.default_int_handler), (signal.SIGHUP, signal.SIG_DFL)):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)
