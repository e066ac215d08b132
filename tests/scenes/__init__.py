"""Random scenes: what hosttune predicts of a host's ports is held against connections made to the first failure.

`python -m tests.scenes 500` runs so many; `--seed N` starts at one, and a seed always gives the same scene.
"""
