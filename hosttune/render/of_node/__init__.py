"""Formats that only the network namespaces of a host have."""
