"""A container runtime is a module here: how its own files name containers, and what a new one gets.

`NAME` is what the runtime is called. `listed(files, id)` yields its containers, at least those of an id where one is
given, and `given(files, kept)` returns what a new one like that gets, Unknown where its files do not say, with
`own_files` where a systemd in it may set its own sysctls. Files are untrusted: `files` bounds them, and what is
malformed is passed over.
"""
