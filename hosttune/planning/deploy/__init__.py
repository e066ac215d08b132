"""Ready configurations from a plan: one file a program, each gives the files of every host that runs it. Pure."""
