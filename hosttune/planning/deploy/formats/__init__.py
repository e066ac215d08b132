"""One configuration a file: `files(deployment)` returns the texts by path."""
