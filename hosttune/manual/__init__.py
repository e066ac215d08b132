"""The command line in words: its verbs in groups, examples, exit codes; for help, man pages and tests.

Nothing here knows a host or imports a noun, so that `--help` is fast.
"""
