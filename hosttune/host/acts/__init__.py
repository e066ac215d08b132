"""What is done to a running kernel or to systemd and is no file: one module an act, run by LiveHost.act."""
