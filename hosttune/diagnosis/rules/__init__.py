"""One cause a file: its name is the kind, `judge(clues)` returns what it makes of what was observed."""
