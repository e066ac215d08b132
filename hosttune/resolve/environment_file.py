"""What a file of EnvironmentFile= sets (systemd.exec(5)): lines of a shell, of which none is run.

Read for systemd 254 to 257: src/basic/env-file.c, parse_env_file_internal(). The names of states are its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from hosttune.resolve.systemd_words import assignment

_BLANKS, _ENDS = " \t\n\r", "\n\r"


def assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of what a file sets, in order; what is no assignment counts for nothing."""
    reader = _Reader()
    for sign in text:
        if reader.take(sign) and (pair := reader.pair()):
            yield pair
    if reader.state not in ("pre-key", "key", "comment", "comment-escape") and (pair := reader.pair()):
        yield pair


class _Reader:
    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.state = "pre-key"
        self._key: list[str] = []
        self._value: list[str] = []
        self._kept = 0  # of the value so much stays whatever blanks it ends in

    def take(self, sign: str) -> bool:
        """Take the next character; say whether an assignment ends with it."""
        if self.state in ("pre-key", "key"):
            self._before(sign)
        elif self.state in ("pre-value", "value"):
            return self._bare(sign)
        elif self.state.startswith("comment"):
            escaped = self.state == "comment" and sign == "\\"
            self.state = "pre-key" if sign in _ENDS else "comment-escape" if escaped else "comment"
        else:
            self._quoted(sign)
        return False

    def pair(self) -> tuple[str, str] | None:
        """Return what was read, None where it is no assignment; all begins anew."""
        value = "".join(self._value)
        if self.state == "value":
            value = value[: self._kept] + value[self._kept :].rstrip(_BLANKS)
        key = "".join(self._key).rstrip(_BLANKS)
        self._begin()
        return assignment(f"{key}={value}")

    def _before(self, sign: str) -> None:
        if self.state == "pre-key":
            if sign in "#;":
                self.state = "comment"
            elif sign not in _BLANKS:
                self.state, self._key = "key", [sign]
        elif sign in _ENDS:
            self.state = "pre-key"
        elif sign == "=":
            self.state = "pre-value"
        else:
            self._key.append(sign)

    def _bare(self, sign: str) -> bool:
        if sign in _ENDS:
            return True
        if sign == "\\":
            self.state = "value-escape"
        elif self.state == "pre-value" and sign in "\"'":
            self.state = sign
        elif self.state == "value" or sign not in _BLANKS:
            self.state = "value"
            self._value.append(sign)
        return False

    def _quoted(self, sign: str) -> None:
        if self.state == "value-escape":
            self.state = "value"
            if sign not in _ENDS:
                self._value.append(sign)
            self._kept = len(self._value)
        elif self.state == '"-escape':
            self.state = '"'
            self._value += [sign] if sign in '"\\`$' else [] if sign == "\n" else ["\\", sign]
        elif sign == self.state:
            self.state = "pre-value"
            self._kept = len(self._value)
        elif sign == "\\" and self.state == '"':
            self.state = '"-escape'
        else:
            self._value.append(sign)
