"""One bound a file: its name is the key, `bounds(facts)` returns what it makes of the facts."""
