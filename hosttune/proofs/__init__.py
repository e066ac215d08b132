"""Make it happen: one file an experiment, each with what is foretold of this host and a way to measure it.

`predict(setup)` is pure and returns `Forecast`s; `measure(scene, **args)` runs in a private network namespace.
"""
