"""One experiment a file: its name is the key, `predict(setup)` says what the kernel is to confirm."""
