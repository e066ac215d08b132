"""Programs that carry connections: what is known of each, and one shelf a program, which reads or writes its files.

A shelf is a module or a folder in `shelves`: its name is its key. `recognises(text)` and `read(host, path, text)` take
backends and settings from its configuration, `files(deployment)` writes one for each host of a plan; it has either or
both. What is data, such as the lines of its log, is in profiles/programs, or in a TOML file beside the shelf.
"""
