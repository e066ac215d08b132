"""One format a file: its name is the value of --format."""
