"""One shelf a program, found by the registry."""
