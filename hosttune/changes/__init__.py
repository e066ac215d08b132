"""Make it so, or undo it: findings become ordered changes, a journal keeps the way back, a transaction makes them.

In the order of an apply: what was asked for (`request`); what each kind of subject shall be and which files hold it
(`kinds/` fill a `draft`: `value`, `dropins`, `entries`, `written`, `limit_files`, `network_files`), which is the `plan`
on a host as it will be (`planned`), in a safe `order` (`promotion`), or refused (`refuse`). The way back is a `record`
on disk (`journal`, `codec`) before a `transaction` makes one change after another by the `backends/`; whether they are
`in_force` is asked in the end. A rollback decides the `wayback`, which `undo` carries out, and finishes what was
interrupted. An apply that waits is split by `confirm`, and kept or taken back by `trial`.
"""
