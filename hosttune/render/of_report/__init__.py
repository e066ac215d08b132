"""Formats that only a report has."""
