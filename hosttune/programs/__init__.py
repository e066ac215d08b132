"""Programs that carry connections: what is known of each, and one shelf a program, which reads or writes its files.

A shelf is a module or a folder in `shelves`: its name is its key. `recognises(text)` and `read(given)` take what its
configuration comes to, `command(argv)` says which files a command line names, `files(deployment)` writes one for each
host of a plan; it has some of them. `DIRECTORY` is how the files end that the program itself reads of a directory that
it is given. What is data, such as the lines of its log, is in profiles/programs, or in a TOML file beside the shelf.
"""
