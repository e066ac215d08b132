"""Formats that only a look at a watched host has."""
